//! A table of features: one row per epoch, one column per feature.

use serde::{Deserialize, Serialize};

use crate::Column;

/// Features over the night: one row per epoch in grid order, NaN where a feature has no value.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FeatureTable {
    /// The start of each epoch, nanoseconds since 1970-01-01 UTC.
    pub epoch_starts_ns: Vec<i64>,
    /// The features, named `<signal>|<feature>`, each as long as `epoch_starts_ns`.
    pub columns: Vec<Column>,
}
