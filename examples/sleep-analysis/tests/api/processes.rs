//! Worker processes that die: what they cost, and what is said of it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use manyhands::{AnyMode, Processes};
use serde_json::Value;
use sleep_analysis::features::{Aggregation, FailureReason, FeatureRequest, Operation, collect_blocks, epoch_features};
use sleep_analysis::parallel::Engine;
use sleep_analysis::{Column, EpochGrid, EpochGridSettings, Signal, SignalKind, SleepError, SyntheticNight};

const S: i64 = 1_000_000_000;
/// More than the program needs, less than what is too large for a worker here.
const LITTLE_MEMORY: u64 = 80 << 20;

fn with_little_memory() -> Engine {
    Engine::new(AnyMode::Processes(Processes::new().memory_limit(LITTLE_MEMORY))).workers(2)
}

#[test]
fn a_signal_that_costs_a_worker_its_life_is_lost_alone_and_by_name() {
    // Of a whole day the EEG takes some 140 MB, and the heart rate 1.
    let day = SyntheticNight::new(5).duration(Duration::from_secs(24 * 3600));
    let plan = day.kinds([SignalKind::HeartRate, SignalKind::ALL[0], SignalKind::OxygenSaturation]).plan().unwrap();
    let made = with_little_memory().make_night(&plan).unwrap();
    assert_eq!(made[0].as_ref().unwrap().name(), "hr");
    assert_eq!(made[2].as_ref().unwrap().name(), "spo2");
    let Err(SleepError::Signal { signal, .. }) = &made[1] else { panic!("made in too little memory") };
    assert_eq!(signal, "C3");
}

#[test]
fn a_batch_that_costs_a_worker_its_life_is_lost_alone_and_each_of_its_epochs_is_reported() {
    // The samples of the first epoch are copied to find their median; those of the others are few.
    let n_in_first = 16_000_000;
    let times: Vec<i64> = (0..n_in_first).chain((1..40).map(|epoch| epoch * S + 1)).collect();
    let values: Vec<f64> = (0..times.len()).map(|row| (row % 101) as f64).collect();
    let signal = Signal::new("dense", times, vec![Column::new("v", values)]).unwrap();
    let settings = EpochGridSettings { start_ns: Some(0), end_ns: Some(40 * S), ..EpochGridSettings::adjoining(S) };
    let grid = EpochGrid::over_signals(std::slice::from_ref(&signal), settings).unwrap();
    let operation = Operation::Statistics { aggregations: vec![Aggregation::Median] };
    let request = FeatureRequest::new([signal].into(), grid, operation).unwrap();

    let features = with_little_memory().features(&request).unwrap();
    let lost: Vec<usize> = features.failures.iter().map(|failure| failure.epoch).collect();
    assert!(lost.len() < 40 && lost == Vec::from_iter(0..lost.len()), "{lost:?}");
    for failure in &features.failures {
        assert!(matches!(&failure.reason, FailureReason::Lost { .. }), "{failure}");
    }
    let whole = collect_blocks(&request, [epoch_features(&request, &(0..40)).unwrap()]).unwrap();
    let (found, expected) = (&features.table.columns[0].values, &whole.table.columns[0].values);
    assert!(found[..lost.len()].iter().all(|median| median.is_nan()));
    assert_eq!(found[lost.len()..], expected[lost.len()..]);
}

/// A study that runs in two processes.
struct Study(Child);

impl Study {
    fn begin(out: &Path, mode: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sleep-analysis"));
        command.args(["--hours", "0.5", "--quiet", "--workers", "2", "--mode", mode, "--out"]).arg(out);
        Self(command.stderr(Stdio::null()).spawn().unwrap())
    }

    /// Its workers, as far as it has any now.
    fn workers(&self) -> Vec<u32> {
        let parent = self.0.id().to_string();
        let processes =
            fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let is_worker = |process: &u32| {
            let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { return false };
            // Behind the name, which may hold anything: the state and the parent.
            let mut words = stat.rsplit(')').next().unwrap().split_whitespace();
            let is_alive = words.next().is_some_and(|state| state != "Z");
            is_alive && words.next() == Some(parent.as_str())
        };
        processes.filter(is_worker).collect()
    }

    /// Kills workers as they appear, so many of them if they live long enough, and gives the study's exit code.
    fn ended_with_killed_workers(mut self, n_kills: usize) -> (i32, usize) {
        let mut killed = HashSet::new();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return (status.code().unwrap(), killed.len());
            }
            for worker in self.workers() {
                if killed.len() < n_kills && killed.insert(worker) {
                    let status =
                        Command::new("kill").args(["-KILL", &worker.to_string()]).stderr(Stdio::null()).status();
                    status.unwrap(); // it may have been too late
                }
            }
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_worker_killed_from_outside_costs_no_more_than_its_item_and_mostly_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("alone");
    assert_eq!(Study::begin(&alone, "serial").ended_with_killed_workers(0).0, 0);
    for n_kills in [1, 2, 3, 4] {
        let out = folder.path().join(format!("{n_kills} killed"));
        let (code, n_killed) = Study::begin(&out, "processes").ended_with_killed_workers(n_kills);
        assert!(n_killed > 0, "no worker was seen");
        let summary: Value = serde_json::from_slice(&fs::read(out.join("summary.json")).unwrap()).unwrap();
        let n_told = ["failed_epochs", "left_out"].map(|loss| summary["counts"][loss].as_u64().unwrap());
        assert_eq!(code, i32::from(n_told != [0, 0]), "{summary}");
        // Whose worker is killed is tried again, so one death costs nothing.
        assert!(code == 0 || n_killed > 1, "{summary}");
        for table in ["features.csv", "aligned.csv"] {
            assert_nothing_wrong(&read(&out.join(table)), &read(&alone.join(table)), code == 0);
        }
    }
}

fn read(file: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// Every field is that of the whole table or empty; of a whole one none is missing.
fn assert_nothing_wrong(found: &[Vec<String>], whole: &[Vec<String>], is_whole: bool) {
    assert!(!is_whole || found == whole);
    assert!(is_whole || found.len() <= whole.len());
    let place_of = |name: &String| whole[0].iter().position(|known| known == name).unwrap();
    let places: Vec<usize> = found[0].iter().map(place_of).collect();
    let mut rows = whole.iter();
    for row in found {
        let expected = rows.find(|expected| expected[0] == row[0]).unwrap();
        for (field, &place) in row.iter().zip(&places) {
            assert!(field.is_empty() || *field == expected[place], "{field} where {} is right", expected[place]);
        }
    }
}
