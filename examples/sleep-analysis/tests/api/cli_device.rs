//! `--device` of the command line: the same files without a device whatever is asked for, and what is said where one computed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use sleep_analysis::device::DeviceSettings;
use tempfile::TempDir;

use crate::device::device;
use crate::edf_writer::{ChannelToWrite, FileToWrite, OnDisk};

/// What the program wrote and said.
struct Ran {
    folder: TempDir,
    output: Output,
}

impl Ran {
    fn with(arguments: &[&str]) -> Self {
        Self::by(Command::new(env!("CARGO_BIN_EXE_sleep-analysis")).args(arguments))
    }

    /// Where no driver of a graphics processor can be found. Only Vulkan's have such a switch.
    fn without_device(arguments: &[&str]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_sleep-analysis"));
        let nowhere = [("VK_DRIVER_FILES", "/dev/null"), ("VK_ICD_FILENAMES", "/dev/null")];
        Self::by(program.args(arguments).envs(nowhere))
    }

    fn by(program: &mut Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = program.arg("--out").arg("out").current_dir(folder.path()).output().unwrap();
        Self { folder, output }
    }

    fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }

    fn stderr(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).unwrap()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join("out").join(name)).unwrap()
    }

    fn summary(&self) -> Value {
        serde_json::from_str(&self.text("summary.json")).unwrap()
    }

    /// Every file of the folder, without the seconds.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = fs::read_dir(self.folder.path().join("out")).unwrap();
        folder.map(|entry| entry.unwrap().path()).map(|path| (name_of(&path), without_seconds(&path))).collect()
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn without_seconds(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    match name_of(path).as_str() {
        "summary.json" => {
            let mut summary: Value = serde_json::from_slice(&bytes).unwrap();
            summary["seconds"].take();
            summary.to_string().into_bytes()
        }
        "index.html" => {
            let page = String::from_utf8(bytes).unwrap();
            let lines = page.lines().filter(|line| !line.contains("<dt>Seconds, "));
            lines.collect::<Vec<_>>().join("\n").into_bytes()
        }
        _ => bytes,
    }
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_device_every_choice_writes_the_files_of_the_cpu_and_gpu_says_so_in_one_line() {
    let file = recording();
    let night = ["night", file.path.to_str().unwrap(), "--rate", "10"];
    for command in [&night[..], &["--hours", "0.1"]] {
        let ask = |device: &[&str]| Ran::without_device(&[command, device].concat());
        let cpu = ask(&["--device", "cpu"]);
        assert_eq!((cpu.output.status.code(), cpu.stderr().as_str()), (Some(0), ""));
        assert_eq!(cpu.summary()["device"], "cpu");
        for silent in [ask(&[]), ask(&["--device", "auto"])] {
            assert_eq!((silent.output.status.code(), silent.stderr().as_str()), (Some(0), ""));
            assert!(silent.files() == cpu.files());
        }
        let gpu = ask(&["--device", "gpu"]);
        assert_eq!(gpu.output.status.code(), Some(0));
        assert_eq!(gpu.stderr().lines().count(), 1, "{}", gpu.stderr());
        assert!(gpu.stderr().contains("computing on the cores: "), "{}", gpu.stderr());
        assert!(gpu.files() == cpu.files());
    }
}

#[test]
fn a_night_says_which_device_computed_its_spectra_and_its_features_agree_with_the_cpus() {
    let Some(device) = device(&DeviceSettings::default()) else { return };
    let file = recording();
    let ask = |device| Ran::with(&["night", file.path.to_str().unwrap(), "--rate", "10", "--device", device]);
    let (gpu, cpu) = (ask("gpu"), ask("cpu"));
    assert_eq!(gpu.output.status.code(), Some(0));
    // Not an empty one: drivers write to standard error, too.
    assert!(!gpu.stderr().contains("warning"), "{}", gpu.stderr());
    let ran = format!("gpu ({}, f32)", device.name());
    assert_eq!(gpu.summary()["device"], *ran);
    assert!(gpu.text("index.html").contains(&ran));
    assert!(gpu.stdout().contains("spectra on gpu ("), "{}", gpu.stdout());
    assert!(gpu.text("features.csv") != cpu.text("features.csv"));
    for (given, own) in fields(&gpu.text("features.csv")).zip(fields(&cpu.text("features.csv"))) {
        // Single precision shows in digits that no picture does; the tolerances proper are those of the library's tests.
        assert!(given == own || (given - own).abs() <= 1e-4 * own.abs().max(1.0), "{given} where the cpu has {own}");
    }
}

#[test]
fn a_word_that_is_no_device_is_refused_and_the_words_are_named() {
    for arguments in [&["--device", "cuda"][..], &["night", "rec.edf", "--device", "cuda"]] {
        let ran = Ran::with(arguments);
        assert_eq!(ran.output.status.code(), Some(2));
        assert!(ran.stderr().contains("\"cuda\" is no device; give auto, cpu or gpu"), "{}", ran.stderr());
    }
    let in_front = Ran::with(&["--device", "cpu", "night", "rec.edf"]);
    assert_eq!(in_front.output.status.code(), Some(2));
    assert!(in_front.stderr().contains("write it behind the command"), "{}", in_front.stderr());
}

/// Two channels of EEG, one of respiration, for two minutes.
fn recording() -> OnDisk {
    let wave = |hz: f64, rate: usize| -> Vec<i16> {
        let at = |row: usize| (row as f64 / rate as f64 * hz * std::f64::consts::TAU).sin() * 500.0;
        (0..120 * rate).map(|row| (at(row) + (row * 7919 % 101) as f64) as i16).collect()
    };
    let channels = [("C3-M2", 10.0, 100), ("C4-M1", 2.0, 200), ("Airflow", 0.3, 10)];
    let channels = channels.map(|(label, hz, rate)| ChannelToWrite::samples(label, rate, &wave(hz, rate)));
    OnDisk::new(&FileToWrite::new("", "1", channels.into()).bytes())
}

/// All numbers of a table, an empty field as 0.
fn fields(table: &str) -> impl Iterator<Item = f64> {
    table.lines().skip(1).flat_map(|line| line.split(',').map(|field| field.parse().unwrap_or(0.0)))
}
