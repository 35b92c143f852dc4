//! Sleep-epoch features and signal alignment: the science, which knows no threads.

mod edf;
mod error;
mod hypnogram;
mod made_night;
pub mod pictures;
mod signal;
mod stage;
mod table;

pub use edf::{Annotation, EDF_COLUMN, EdfChannel, EdfFile, EdfKind, Recording};
pub use error::{SleepError, SleepResult};
pub use hypnogram::{Score, score_of_text, stages_of_epochs};
pub use made_night::{EegSite, MadeNight, NightPlan, SignalKind, make_signal};
pub use signal::{Column, Signal};
pub use stage::SleepStage;
pub use table::FeatureTable;
