//! Sleep-epoch features and signal alignment: the science, which knows no threads.

mod error;
mod made_night;
mod signal;
mod table;

pub use error::{SleepError, SleepResult};
pub use made_night::{EegSite, MadeNight, NightPlan, SignalKind, Stage, make_signal};
pub use signal::{Column, Signal};
pub use table::FeatureTable;
