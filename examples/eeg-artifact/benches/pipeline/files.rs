//! Twenty recordings at once, by the command line, against two copies of it that have half of them each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use eeg_artifact::files::{FileKind, write_recording};
use eeg_artifact::synthetic::{SceneSettings, made_recording};

use manyhands_test_support::figures::{machine, median, median_ratio, verdict};

use crate::options::{Options, work_folder};
use crate::watched::{Taken, Watched, wait};

/// What two workers must get done in a time, as a share of what two independent copies get done together.
const LEAST_SHARE: f64 = 0.95;

/// How long each recording is.
const SECONDS: f64 = 60.0;
const SFREQ_HZ: f64 = 5000.0;

/// Folders of recordings, and where results go.
struct Recordings {
    all: PathBuf,
    halves: [PathBuf; 2],
    out: PathBuf,
    n_bytes: u64,
}

/// Throughput in threads and processes, and the memory of one process that cleans all of them.
pub(crate) fn measure(options: &Options) {
    let recordings = Recordings::make(options);
    let mib = |bytes: u64| bytes >> 20;
    println!(
        "{} recordings of {SECONDS} s; each takes {} MiB as numbers of 64 bits.",
        options.files,
        mib(recordings.n_bytes)
    );
    let (mut threads, mut processes, mut copies) = (Vec::new(), Vec::new(), Vec::new());
    let mut peak_bytes = 0;
    for _ in 0..options.rounds {
        let taken = recordings.clean(&["--mode", "threads", "--workers", "2"]);
        threads.push(taken.seconds);
        peak_bytes = peak_bytes.max(taken.peak_bytes);
        copies.push(recordings.two_copies());
        processes.push(recordings.clean(&["--mode", "processes", "--workers", "2"]).seconds);
    }
    println!("{} rounds in turns. {}\n", options.rounds, machine());
    println!("| mode | median s | share of two copies |\n|------|----------|---------------------|");
    println!("| two copies, each half of the recordings | {:.3} | 1 |", median(copies.clone()));
    for (mode, seconds) in [("threads", &threads), ("processes", &processes)] {
        let share = median_ratio(&copies, seconds);
        println!("| {mode} | {:.3} | {share:.3} ({}) |", median(seconds.clone()), verdict(share >= LEAST_SHARE));
    }
    println!("\n| --memory | peak MiB | times one recording | s |\n|----------|----------|---------------------|---|");
    let times = |bytes: u64| bytes as f64 / recordings.n_bytes as f64;
    println!("| none | {} | {:.2} | {:.3} |", mib(peak_bytes), times(peak_bytes), median(threads.clone()));
    for share in [1.6, 0.5] {
        let memory = format!("{}", (recordings.n_bytes as f64 * share) as u64);
        let taken = recordings.clean(&["--mode", "threads", "--workers", "2", "--memory", &memory]);
        let peak = taken.peak_bytes;
        println!("| {share} of one recording | {} | {:.2} | {:.3} |", mib(peak), times(peak), taken.seconds);
    }
    println!("\nPages with pictures and files are written too; {} ended well each time.", options.files);
    fs::remove_dir_all(recordings.out).expect("it was written");
}

impl Recordings {
    /// One is made, and copied.
    fn make(options: &Options) -> Self {
        let folder = work_folder().join("files");
        let settings = SceneSettings {
            n_eeg: options.channels.saturating_sub(3).max(1),
            duration_s: SECONDS,
            sfreq_hz: SFREQ_HZ,
            repetition_time_s: 2.0,
            ..SceneSettings::default()
        };
        let (all, halves) = (folder.join("all"), [folder.join("first"), folder.join("second")]);
        let _ = fs::remove_dir_all(&folder); // those of another size may be there
        for folder in halves.iter().chain([&all]) {
            fs::create_dir_all(folder).expect("target can be written to");
        }
        let made = made_recording(settings).expect("the settings are those of a recording");
        let info = made.recording.info();
        let n_bytes = (info.channels.len() * info.n_samples * size_of::<f64>()) as u64;

        let stem = folder.join("made");
        write_recording(&stem, FileKind::Edf, &made.recording, None).expect("target can be written to");
        for number in 0..options.files {
            let name = format!("scan{number:02}.edf");
            for folder in [&all, &halves[number % 2]] {
                fs::copy(FileKind::Edf.path(&stem), folder.join(&name)).expect("the disk has room");
            }
        }
        Self { all, halves, out: folder.join("out"), n_bytes }
    }

    fn clean(&self, flags: &[&str]) -> Taken {
        let _ = fs::remove_dir_all(&self.out); // of the round before
        let [taken] = wait([start(&self.all, &self.out, flags)]);
        taken
    }

    /// Seconds of the slower one of two that begin at once.
    fn two_copies(&self) -> f64 {
        let _ = fs::remove_dir_all(&self.out); // of the round before
        let copy = |half: usize| start(&self.halves[half], &self.out.join(half.to_string()), &["--mode", "serial"]);
        let taken = wait([copy(0), copy(1)]);
        taken[0].seconds.max(taken[1].seconds)
    }
}

fn start(input: &Path, out: &Path, flags: &[&str]) -> Watched {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eeg-artifact"));
    command.arg("clean").arg(input).arg("--out").arg(out).args(flags);
    command.args([
        "--quiet",
        "--triggers",
        "^1$",
        "--step",
        "highpass:freq=1",
        "--step",
        "aas",
        "--step",
        "lowpass:freq=70",
    ]);
    Watched::start(&mut command)
}
