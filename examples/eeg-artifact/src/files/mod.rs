//! Recordings from files and into files: which channels are read, what they measure, and their units.
//!
//! A recording has one rate. Channels of other rates are left out by name. EEG, EOG, ECG and EMG become volts; codes of stimulus
//! channels are plain numbers, and anything else keeps the unit of its file.
//! Where time jumps in a file, an annotation that begins with `edge` says so, and filters treat the two sides one by one.

mod kinds;
mod read;
mod write;

pub use kinds::kind_of;
pub use read::{OpenRecording, ReadSettings};
pub use write::{FileKind, write_recording};
