//! What outlives a run: the journal, the report, and files that are replaced as a whole. Runs and jobs use it; it knows
//! neither.

pub(crate) mod atomic_file;
mod folder;
#[cfg(feature = "journal")]
pub(crate) mod journal;
pub(crate) mod place;
#[cfg(feature = "reports")]
pub(crate) mod report;
mod size_signal;
