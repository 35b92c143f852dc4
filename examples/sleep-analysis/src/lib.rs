//! Sleep-epoch features and signal alignment: the science, which knows no threads.

mod align;
mod error;
mod order;
mod signal;
mod table;

pub use align::{
    AlignMethod, AlignRequest, AlignedSignal, AlignedTable, AlignmentGrid, Combined, RATE_WITHOUT_REGULAR_SIGNALS_HZ,
    STANDARD_RATES_HZ, SignalChoice, SignalTiming, align_and_combine, align_signal, choose_signals, combine,
    detected_rate_hz, target_rate_hz,
};
pub use error::{SleepError, SleepResult};
pub use order::{require_increasing, require_sorted};
pub use signal::{Column, Signal};
pub use table::FeatureTable;
