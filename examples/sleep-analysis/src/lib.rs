//! Sleep-epoch features and signal alignment, on manyhands.
//!
//! The science uses neither threads nor processes: its functions take one item and what all items share, and read samples as
//! slices. Two files of the library use manyhands: `parallel.rs` computes batches of epochs, or signals, in parallel, and `samples.rs`
//! keeps the numbers of a signal in memory that worker processes share. One uses a graphics processor: `device.rs`, for the spectra
//! of EEG epochs.

mod align;
mod csv_io;
pub mod device;
mod edf;
pub mod eeg;
mod epoch;
mod error;
pub mod features;
mod hypnogram;
mod number_text;
mod order;
pub mod parallel;
pub mod pictures;
mod samples;
mod signal;
mod stage;
mod synthetic_night;
mod table;
mod time_text;
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
pub use edf::{Annotation, EDF_COLUMN, EdfChannel, EdfFile, EdfKind, Recording};
pub use epoch::{EpochGrid, EpochGridSettings};
pub use error::{SleepError, SleepResult};
pub use hypnogram::{Score, score_of_text, stages_of_epochs};
pub use number_text::append_float;
pub use order::{require_increasing, require_sorted};
pub use samples::{Number, Samples};
pub use signal::{Column, Signal};
pub use stage::SleepStage;
pub use synthetic_night::{EegSite, NightPlan, SignalKind, SyntheticNight, make_signal};
pub use table::FeatureTable;
pub use time_text::{parse_duration_ns, parse_time_ns};
pub use whole_file::write_whole_file;
