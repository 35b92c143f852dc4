//! What outlives a run: the journal, the report, and files that are replaced as a whole. Runs and jobs use it; it knows
//! neither.

pub(crate) mod atomic_file;
#[cfg(feature = "journal")]
pub(crate) mod journal;
#[cfg(feature = "reports")]
pub(crate) mod report;
