//! Sleep-epoch features and signal alignment: the science, which knows no threads.

pub mod eeg;
mod epoch;
mod error;
pub mod features;
mod signal;
mod table;
mod time_text;

pub use epoch::{EpochGrid, EpochGridSettings};
pub use error::{SleepError, SleepResult};
pub use signal::{Column, Signal};
pub use table::FeatureTable;
pub use time_text::{parse_duration_ns, parse_time_ns};
