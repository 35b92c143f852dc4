//! Any bytes as an EDF or BDF recording: an error, or channels and annotations that hold together, for both readers of such files.

#![no_main]

use libfuzzer_sys::fuzz_target;
use signal_files::SignalFile;
use sleep_analysis::{EdfFile, EpochGrid, EpochGridSettings};

fuzz_target!(|bytes: &[u8]| {
    let file = tempfile::NamedTempFile::new().expect("a folder for temporary files");
    std::fs::write(file.path(), bytes).expect("room for the bytes");
    if let Ok(file) = SignalFile::open(file.path()) {
        check_blocks(&file);
    }
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

/// Each channel has the samples that it announces, and no gap is outside of them.
fn check_blocks(file: &SignalFile) {
    for (idx, channel) in file.channels().iter().enumerate() {
        match file.read_channel(idx) {
            Ok(values) => {
                assert_eq!(values.len(), channel.n_samples);
                assert!(values.iter().all(|value| value.is_finite()));
            }
            Err(_) => assert!(channel.refused.is_some()),
        }
        let gaps = file.gaps().expect("gaps were read when the file was opened");
        assert!(gaps.iter().all(|gap| gap.sample_index(channel) <= channel.n_samples));
    }
}
