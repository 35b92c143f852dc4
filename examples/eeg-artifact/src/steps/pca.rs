//! Principal components as the reference has them: it keeps the artifact. For parity alone.

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use crate::{ChannelContext, ChannelData, EegResult, Info, Needs, Processor};

/// How many components.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Components {
    /// This many.
    Count(usize),
    /// As many as explain this share of the variance.
    Share(f64),
}

/// Principal components, for parity with the reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pca {
    /// How many components are kept.
    pub n_components: Components,
}

impl Described for Pca {
    const ABOUT: StepAbout = StepAbout { name: "pca", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Pca {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}

impl Default for Pca {
    fn default() -> Self {
        Self { n_components: Components::Share(0.95) }
    }
}
