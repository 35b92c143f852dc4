//! Any bytes as a capture in NPY, WAV or CSV: an error, or samples that are numbers, no more than there are bytes, and measurements of them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use signal_batch::Metric;
use signal_batch::files::{FileKind, ReadSettings, parse_capture};
use signal_batch::measure::measure;

/// Measured up to this length: a long transform is slow under the fuzzer, and none of the reader's business.
const MEASURED: usize = 4096;

fuzz_target!(|bytes: &[u8]| {
    let channel = ReadSettings { channel: Some(1), rate_hz: Some(1000.0), ..ReadSettings::default() };
    for kind in [FileKind::Csv, FileKind::Npy, FileKind::Wav] {
        for settings in [&ReadSettings::default(), &channel] {
            let Ok(capture) = parse_capture("fuzzed", kind, bytes, settings) else { continue };
            assert!(
                capture.samples().len() <= bytes.len() && capture.samples().iter().all(|sample| sample.is_finite())
            );
            if capture.samples().len() <= MEASURED {
                let measured = measure(&capture).expect("a capture can be measured");
                assert!(measured[Metric::Rms] >= 0.0 && measured[Metric::Peak] >= 0.0);
            }
        }
    }
});
