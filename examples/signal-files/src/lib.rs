//! Reads and writes files of multichannel recordings: EDF, EDF+, BDF, BDF+ and BrainVision.
//!
//! Promises: for any bytes, the result is a value or a [`FileError`] that names the file, the value and the way out; samples are read and
//! written in blocks, so memory does not grow with the recording; what a file lacks or what looks doubtful is said.
//! Leaves to others: units other than those of the file, filters, channel types, one grid for all channels. It knows no threads.
//!
//! [`SignalFile`] reads any of the formats; [`EdfWriter`] writes EDF+ and [`BrainVisionWriter`] BrainVision.

mod annotation;
mod brainvision;
mod channel;
mod clock;
mod edf;
mod error;
mod file;
mod gap;
mod names;
mod staging;
mod text;
mod units;

pub use annotation::FileAnnotation;
pub use brainvision::{
    BrainVisionChannel, BrainVisionFormat, BrainVisionHeader, BrainVisionWriter, BrainVisionWritten,
};
pub use channel::{FileChannel, stim_value};
pub use edf::{
    EdfAnnotation, EdfChannel, EdfFile, EdfHeader, EdfKind, EdfTimeline, EdfWriter, EdfWriterChannel, EdfWritten,
    record_seconds_for,
};
pub use error::FileError;
pub use file::{FileFormat, SignalFile};
pub use gap::Gap;
pub use units::unit_in_volts;

/// What takes the blocks of a read: the position in the caller's list of channels, and the values of that channel that come next. An error
/// ends the reading and is returned by it; [`FileError::Taker`] is there for reasons of the caller's own.
pub type Taker<'a> = &'a mut dyn FnMut(usize, &[f64]) -> Result<(), FileError>;
