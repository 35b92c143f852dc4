//! numpy and Python's wave read what is written, and what they write is read.

use manyhands_test_support::python;
use signal_batch::files::{ReadSettings, WavFormat, read_capture, write_npy, write_wav_as};
use signal_batch::workload;

use super::{bits, rate};

/// What the reference of the formats is.
const PACKAGES: [&str; 1] = ["numpy==2.4.6"];

#[test]
fn numpy_and_wave_read_what_is_written_and_what_they_write_is_read() {
    let Some(python) = python::environment(&PACKAGES) else { return };
    let folder = tempfile::tempdir().unwrap();
    let capture = workload::trace(3);
    write_npy(&capture, &folder.path().join("a.npy")).unwrap();
    for (name, format) in
        [("8", WavFormat::Pcm8), ("16", WavFormat::Pcm16), ("24", WavFormat::Pcm24), ("32", WavFormat::Pcm32)]
    {
        write_wav_as(&capture, format, &folder.path().join(name).with_extension("wav")).unwrap();
    }
    let script = r#"
import sys, wave, pathlib, numpy
folder = pathlib.Path(sys.argv[1])
samples = numpy.load(folder / "a.npy")
numpy.save(folder / "big.npy", numpy.stack([samples, -samples]).astype(">f8"))
numpy.save(folder / "fortran.npy", numpy.asfortranarray(numpy.stack([samples, -samples], axis=1)))
numpy.savetxt(folder / "a.csv", numpy.stack([numpy.arange(len(samples)) / 1e6, samples], axis=1), delimiter=",", fmt="%.17g")
for bits in (8, 16, 24, 32):
    with wave.open(str(folder / f"{bits}.wav"), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth() * 8, file.getframerate()) == (1, bits, 1000000)
        frames = file.readframes(file.getnframes())
    with wave.open(str(folder / f"again{bits}.wav"), "wb") as file:
        file.setparams((1, bits // 8, 1000000, 0, "NONE", "not compressed"))
        file.writeframes(frames)
"#;
    python::run(&python, script, &[folder.path()]);
    let read = |name: &str, settings: &ReadSettings| read_capture(&folder.path().join(name), settings).unwrap();
    let first = ReadSettings { channel: Some(1), ..rate(1e6) };
    for (name, settings) in [("big.npy", &first), ("fortran.npy", &first), ("a.csv", &ReadSettings::default())] {
        let found = read(name, settings);
        assert_eq!(bits(found.samples()), bits(capture.samples()), "{name}");
        assert_eq!(found.rate_hz(), 1e6, "{name}");
    }
    for name in ["8.wav", "16.wav", "24.wav", "32.wav"] {
        let (written, again) = (read(name, &rate(1e6)), read(&format!("again{name}"), &rate(1e6)));
        assert_eq!(bits(written.samples()), bits(again.samples()), "{name}");
    }
}
