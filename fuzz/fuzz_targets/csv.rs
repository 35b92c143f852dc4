//! Any bytes as a signal, and as cut epochs, in CSV: an error, or columns of one length and epochs of one length.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sleep_analysis::{read_eeg_epochs, read_signal};

fuzz_target!(|bytes: &[u8]| {
    let file = tempfile::NamedTempFile::new().expect("a folder for temporary files");
    std::fs::write(file.path(), bytes).expect("room for the bytes");
    if let Ok(signal) = read_signal("s", file.path()) {
        assert!(signal.columns().iter().all(|column| column.values.len() == signal.len()));
    }
    if let Ok(epochs) = read_eeg_epochs(file.path()) {
        assert_eq!(epochs.epochs().len() * epochs.samples_per_epoch(), epochs.microvolts().len());
    }
});
