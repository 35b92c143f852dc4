//! Sleep-epoch features and signal alignment: the science, which knows no threads.

mod error;
pub mod pictures;
mod signal;
mod stage;
mod table;

pub use error::{SleepError, SleepResult};
pub use signal::{Column, Signal};
pub use stage::SleepStage;
pub use table::FeatureTable;
