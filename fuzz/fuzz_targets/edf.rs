//! Any bytes as an EDF recording: an error, or channels and annotations that hold together.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sleep_analysis::{EdfFile, EpochGrid, EpochGridSettings};

fuzz_target!(|bytes: &[u8]| {
    let file = tempfile::NamedTempFile::new().expect("a folder for temporary files");
    std::fs::write(file.path(), bytes).expect("room for the bytes");
    let Ok(edf) = EdfFile::open(file.path()) else { return };
    let Ok(recording) = edf.read_all() else { return };
    for signal in &recording.signals {
        assert!(signal.columns()[0].values.iter().all(|value| value.is_finite()));
        assert_eq!(signal.columns()[0].values.len(), signal.timestamps_ns().len());
    }
    if let Ok(grid) = EpochGrid::over_signals(&recording.signals, EpochGridSettings::adjoining(30_000_000_000)) {
        assert!(grid.n_epochs() <= 250_000.max(bytes.len()));
    }
});
