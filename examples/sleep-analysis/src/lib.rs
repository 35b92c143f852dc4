//! Sleep-epoch features and signal alignment: the science, which knows no threads.

mod align;
mod csv_io;
mod error;
mod number_text;
mod order;
mod signal;
mod table;
mod whole_file;

pub use align::{
    AlignMethod, AlignRequest, AlignedSignal, AlignedTable, AlignmentGrid, Combined, RATE_WITHOUT_REGULAR_SIGNALS_HZ,
    STANDARD_RATES_HZ, SignalChoice, SignalTiming, align_and_combine, align_signal, choose_signals, combine,
    detected_rate_hz, target_rate_hz,
};
pub use csv_io::{
    CsvColumn, CsvValues, EegEpochs, read_eeg_epochs, read_signal, write_aligned_signal, write_aligned_table,
    write_csv, write_feature_table, write_signal,
};
pub use error::{SleepError, SleepResult};
pub use number_text::append_float;
pub use order::{require_increasing, require_sorted};
pub use signal::{Column, Signal};
pub use table::FeatureTable;
pub use whole_file::write_whole_file;
