//! A signal: timestamps and one or more columns of samples.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{Samples, SleepError, SleepResult};

/// One column of a signal: one sample per timestamp, NaN where the device had none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The column's name, such as `hr` or `x`.
    pub name: String,
    /// The samples; copies of a column share them.
    pub values: Samples,
}

impl Column {
    /// A column of this name.
    pub fn new(name: impl Into<String>, values: impl Into<Samples>) -> Self {
        Self { name: name.into(), values: values.into() }
    }
}

/// A recording of one device: timestamps in nanoseconds since 1970-01-01 UTC, and columns of that length. Copies share the
/// samples.
///
/// A signal that exists has columns as long as its timestamps and no two columns of one name.
/// Order is not part of that: ask [`Signal::is_sorted`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SignalParts")]
pub struct Signal {
    name: String,
    timestamps_ns: Samples<i64>,
    columns: Vec<Column>,
}

impl Signal {
    /// Puts a signal together.
    ///
    /// # Errors
    /// [`SleepError::Signal`] when a column's length differs from the number of timestamps, or a column's name appears twice.
    pub fn new(
        name: impl Into<String>,
        timestamps_ns: impl Into<Samples<i64>>,
        columns: Vec<Column>,
    ) -> SleepResult<Self> {
        let (name, timestamps_ns) = (name.into(), timestamps_ns.into());
        let refuse = |reason| Err(SleepError::Signal { signal: name.clone(), reason });
        let mut names = HashSet::new();
        for column in &columns {
            if column.values.len() != timestamps_ns.len() {
                return refuse(format!(
                    "column {:?} has {} samples for {} timestamps; give one sample per timestamp, NaN where there is none",
                    column.name,
                    column.values.len(),
                    timestamps_ns.len()
                ));
            }
            if !names.insert(column.name.as_str()) {
                return refuse(format!("column {:?} appears twice; rename one", column.name));
            }
        }
        Ok(Self { name, timestamps_ns, columns })
    }

    /// The signal's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The timestamps, nanoseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn timestamps_ns(&self) -> &[i64] {
        &self.timestamps_ns
    }

    /// The columns, in file order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The samples of the column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        self.columns.iter().find(|column| column.name == name).map(|column| &*column.values)
    }

    /// What puts each list, timestamps or column, where other processes see it, as far as that is to be done.
    pub(crate) fn to_share(&self) -> Vec<Box<dyn Fn() + Sync + '_>> {
        let times = Some(&self.timestamps_ns).filter(|times| times.is_to_share());
        let columns = self.columns.iter().map(|column| &column.values).filter(|values| values.is_to_share());
        let mut shares: Vec<Box<dyn Fn() + Sync>> = Vec::new();
        shares.extend(times.map(|times| Box::new(|| times.share()) as _));
        shares.extend(columns.map(|values| Box::new(|| values.share()) as _));
        shares
    }

    /// Hashes of the timestamps and of each column. All are read once, however often they are requested.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = u128> {
        let columns = self.columns.iter().map(|column| column.values.hash());
        std::iter::once(self.timestamps_ns.hash()).chain(columns)
    }

    /// The name, the timestamps and the columns, to be put together anew.
    #[must_use]
    pub fn into_parts(self) -> (String, Samples<i64>, Vec<Column>) {
        (self.name, self.timestamps_ns, self.columns)
    }

    /// The number of timestamps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timestamps_ns.len()
    }

    /// True when the signal has no timestamps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timestamps_ns.is_empty()
    }

    /// True when no timestamp lies before the one ahead of it; equal ones may follow each other.
    #[must_use]
    pub fn is_sorted(&self) -> bool {
        self.timestamps_ns.is_sorted()
    }
}

/// A signal as it travels; it becomes a signal only through the checks.
#[derive(Deserialize)]
struct SignalParts {
    name: String,
    timestamps_ns: Samples<i64>,
    columns: Vec<Column>,
}

impl TryFrom<SignalParts> for Signal {
    type Error = SleepError;

    fn try_from(parts: SignalParts) -> SleepResult<Self> {
        Self::new(parts.name, parts.timestamps_ns, parts.columns)
    }
}
