//! Any bytes as a BrainVision recording of three files: an error, or channels and markers that hold together.

#![no_main]

use libfuzzer_sys::fuzz_target;
use signal_files::SignalFile;

// The input has header, markers and samples, with this byte between them.
const SEPARATOR: u8 = 0x1e;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let mut parts = bytes.splitn(3, |byte| *byte == SEPARATOR);
    for ending in ["vhdr", "vmrk", "eeg"] {
        std::fs::write(folder.path().join("a").with_extension(ending), parts.next().unwrap_or_default())
            .expect("room for the bytes");
    }
    let Ok(file) = SignalFile::open(folder.path().join("a.vhdr")) else { return };
    for (idx, channel) in file.channels().iter().enumerate() {
        match file.read_channel(idx) {
            Ok(values) => assert_eq!(values.len(), channel.n_samples),
            Err(_) => assert!(channel.refused.is_some() || channel.n_samples > bytes.len()),
        }
    }
    let annotations = file.annotations().expect("markers were read when the file was opened");
    assert!(annotations.is_sorted_by_key(|annotation| annotation.onset_ns));
});
