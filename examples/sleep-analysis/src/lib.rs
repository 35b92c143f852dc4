//! Sleep-epoch features and signal alignment: the science, which knows no threads.

mod error;
mod signal;
mod table;

pub use error::{SleepError, SleepResult};
pub use signal::{Column, Signal};
pub use table::FeatureTable;
