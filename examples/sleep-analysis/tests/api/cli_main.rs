//! The command line on a synthetic night and on recordings: files, numbers that agree, exit codes, messages.
//!
//! The program itself is run, as its user would.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;
use sleep_analysis::{SleepStage, SyntheticNight};
use tempfile::TempDir;

use crate::edf::real_night;
use crate::edf_writer::{ChannelToWrite, FileToWrite, OnDisk};
use crate::ways::every_way_to_ask;

/// Long enough to reach deep and REM sleep with this seed, short enough for a test.
const HOURS: &str = "2";
const SEED: u64 = 3;
const N_EPOCHS: usize = 240;

const PICTURES: [&str; 6] = [
    "hypnogram.svg",
    "hypnogram.png",
    "spectrogram.svg",
    "spectrogram.png",
    "heart_movement.svg",
    "heart_movement.png",
];

/// A folder to write to, and the program's result.
struct Ran {
    folder: TempDir,
    output: Output,
}

impl Ran {
    /// Runs with `--out` a fresh folder.
    fn with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let output = program(&[arguments, &["--out", out.to_str().unwrap()]].concat());
        Self { folder, output }
    }

    /// The night that several tests look at, made once.
    fn synthetic_night() -> &'static Self {
        static NIGHT: LazyLock<Ran> = LazyLock::new(|| {
            let seed = SEED.to_string();
            Ran::with(&["--seed", seed.as_str(), "--hours", HOURS, "--workers", "2", "--mode", "io"])
        });
        &NIGHT
    }

    fn night(file: &Path, arguments: &[&str]) -> Self {
        Self::with(&[&["night", file.to_str().unwrap()], arguments].concat())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}; {}", self.stderr()))
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    fn summary(&self) -> Value {
        serde_json::from_str(&self.text("summary.json")).unwrap()
    }

    fn table(&self, name: &str) -> Table {
        Table::parse(&self.text(name))
    }

    fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }

    fn stderr(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).unwrap()
    }

    fn code(&self) -> i32 {
        self.output.status.code().unwrap()
    }
}

/// Without a graphics processor: whether `auto` takes one depends on how busy the machine is, and its driver may print on its own.
fn program(arguments: &[&str]) -> Output {
    let nowhere = [("VK_DRIVER_FILES", "/dev/null"), ("VK_ICD_FILENAMES", "/dev/null")];
    Command::new(env!("CARGO_BIN_EXE_sleep-analysis")).args(arguments).envs(nowhere).output().unwrap()
}

/// A CSV file as columns; an empty field is NaN.
struct Table {
    times: Vec<i64>,
    columns: BTreeMap<String, Vec<f64>>,
}

impl Table {
    fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap().split(',').collect();
        let mut table = Self { times: Vec::new(), columns: BTreeMap::new() };
        for line in lines {
            let fields: Vec<&str> = line.split(',').collect();
            assert_eq!(fields.len(), names.len(), "{line}");
            table.times.push(fields[0].parse().unwrap());
            for (name, field) in names.iter().zip(&fields).skip(1) {
                let value = if field.is_empty() { f64::NAN } else { field.parse().unwrap() };
                table.columns.entry((*name).to_owned()).or_default().push(value);
            }
        }
        table
    }

    fn column(&self, name: &str) -> &[f64] {
        self.columns.get(name).unwrap_or_else(|| panic!("no column {name} among {:?}", self.columns.keys()))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    assert!(!values.is_empty());
    values.iter().sum::<f64>() / values.len() as f64
}

// ---- The synthetic night ----

#[test]
fn the_demo_writes_every_file_and_ends_well() {
    let ran = Ran::synthetic_night();
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert_eq!(ran.stderr(), "");
    let summary = ran.summary();
    let listed: Vec<&str> = summary["files"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let mut expected = vec!["index.html", "summary.json", "features.csv", "aligned.csv"];
    expected.extend(PICTURES);
    assert_eq!(listed, expected);
    let mut found: Vec<String> =
        fs::read_dir(ran.path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    expected.sort_unstable();
    assert_eq!(found, expected);
    for picture in PICTURES {
        let start: &[u8] = if picture.ends_with("svg") { b"<svg " } else { b"\x89PNG" };
        assert!(ran.bytes(picture).starts_with(start), "{picture}");
    }
    assert!(ran.text("index.html").contains("Hypnogram and features"));
}

#[test]
fn the_features_follow_the_stages_of_the_night() {
    let ran = Ran::synthetic_night();
    let features = ran.table("features.csv");
    let plan = SyntheticNight::new(SEED).duration(std::time::Duration::from_secs(2 * 3600)).plan().unwrap();
    assert_eq!(features.times.len(), N_EPOCHS);
    assert_eq!(plan.stages().len(), N_EPOCHS);
    assert!(features.times.windows(2).all(|pair| pair[1] - pair[0] == 30_000_000_000));
    let in_stage = |name: &str, stage: SleepStage| {
        let column = features.column(name);
        mean(column.iter().zip(plan.stages()).filter(|(_, at)| **at == stage).map(|(value, _)| *value))
    };
    let (deep, rem, wake) = (SleepStage::N3, SleepStage::Rem, SleepStage::Wake);
    for eeg in ["C3", "O1"] {
        let delta = format!("{eeg}|uv_abs_Delta");
        assert!(in_stage(&delta, deep) > 3.0 * in_stage(&delta, rem), "{eeg}");
    }
    assert!(in_stage("acc|magnitude_std", wake) > in_stage("acc|magnitude_std", deep));
    assert!((35.0..100.0).contains(&in_stage("hr|hr_mean", rem)));
    assert!((85.0..=100.0).contains(&in_stage("spo2|spo2_mean", rem)));
    assert!(in_stage("rr|rmssd", rem) > 0.0);
    let correlation = features.column("hr_vs_resp|pearson_corr");
    assert!(correlation.iter().any(|value| value.abs() > 0.01));
    assert!(correlation.iter().all(|value| value.is_nan() || value.abs() <= 1.0));
    // The summary's means are those of the table.
    let summary = ran.summary();
    let stages = summary["stages"].as_array().unwrap();
    let of_rem = stages.iter().find(|stage| stage["stage"] == "REM").unwrap();
    let said = of_rem["means"]["heart"].as_f64().unwrap();
    assert!((said - in_stage("hr|hr_mean", rem)).abs() < 1e-9);
    let n_rem = plan.stages().iter().filter(|stage| **stage == rem).count();
    assert_eq!(of_rem["epochs"], n_rem);
}

#[test]
fn the_summary_agrees_with_the_files() {
    let ran = Ran::synthetic_night();
    let (summary, features, aligned) = (ran.summary(), ran.table("features.csv"), ran.table("aligned.csv"));
    let counts = &summary["counts"];
    assert_eq!(counts["signals"], 7);
    assert_eq!(counts["epochs"], features.times.len());
    assert_eq!(counts["features"], features.columns.len());
    assert_eq!(counts["aligned_rows"], aligned.times.len());
    assert_eq!(counts["aligned_columns"], aligned.columns.len());
    assert_eq!((&counts["failed_epochs"], &counts["left_out"]), (&0.into(), &0.into()));
    assert_eq!((&summary["mode"], &summary["workers"]), (&"io".into(), &2.into()));
    assert_eq!(summary["input"]["seed"], SEED);
    let alignment = &summary["alignment"];
    assert_eq!(alignment["rate_hz"], 1.0);
    assert_eq!(alignment["first_ns"].as_i64(), aligned.times.first().copied());
    assert_eq!(alignment["last_ns"].as_i64(), aligned.times.last().copied());
    let cache = &summary["cache"];
    assert_eq!((&cache["hits"], &cache["hit_rate"]), (&0.into(), &0.0.into()));
    assert!(cache["entries"].as_u64().unwrap() > 0);
    assert_eq!(cache["entries"], cache["misses"]);
    let seconds = summary["seconds"].as_object().unwrap();
    let steps: f64 = seconds.iter().filter(|(step, _)| *step != "total").map(|(_, s)| s.as_f64().unwrap()).sum();
    assert!(steps > 0.0 && steps <= seconds["total"].as_f64().unwrap());
    let percent: f64 =
        summary["stages"].as_array().unwrap().iter().map(|stage| stage["percent"].as_f64().unwrap()).sum();
    assert!((percent - 100.0).abs() < 1e-9);
}

#[test]
fn a_gap_in_the_recording_is_named_and_its_fields_are_empty() {
    let ran = Ran::synthetic_night();
    let (summary, features) = (ran.summary(), ran.table("features.csv"));
    let gaps = summary["gaps"].as_array().unwrap();
    let hr = gaps.iter().find(|gap| gap["signal"] == "hr").expect("the watch of this night has a gap");
    let named: Vec<usize> = hr["epochs"].as_array().unwrap().iter().map(|idx| idx.as_u64().unwrap() as usize).collect();
    let empty: Vec<usize> = (0..N_EPOCHS).filter(|&idx| features.column("hr|hr_mean")[idx].is_nan()).collect();
    assert!(!named.is_empty());
    assert_eq!(named, empty);
    assert!(ran.text("index.html").contains("a gap in the recording"));
    assert!(ran.stdout().contains("hr (statistics)"));
}

#[test]
fn every_mode_and_number_of_workers_writes_the_same_tables() {
    let short_night = ["--quiet", "--hours", "0.5"];
    let alone = Ran::with(&[&short_night[..], &["--mode", "serial"]].concat());
    let more = [["--mode", "io", "--workers", "7"], ["--mode", "processes", "--chunk-size", "1"]];
    let ways = every_way_to_ask().chain(more.map(|way| way.map(str::to_owned)));
    for way in ways {
        let way: Vec<&str> = way.iter().map(String::as_str).collect();
        assert_same_files(&Ran::with(&[&short_night[..], &way].concat()), &alone, &way);
    }
}

/// All that was written, except for what the run cost.
fn assert_same_files(ran: &Ran, alone: &Ran, way: &[&str]) {
    assert_eq!((ran.code(), ran.stdout().as_str(), ran.stderr().as_str()), (0, "", ""), "{way:?}");
    for name in ["features.csv", "aligned.csv"].iter().chain(&PICTURES) {
        assert!(ran.bytes(name) == alone.bytes(name), "{name} differs for {way:?}");
    }
    let without_cost = |ran: &Ran| {
        let mut summary = ran.summary();
        for cost in ["mode", "workers", "chunk_size", "seconds"] {
            summary[cost].take();
        }
        summary
    };
    assert_eq!(without_cost(ran), without_cost(alone), "{way:?}");
    let mode = way.iter().skip_while(|word| **word != "--mode").nth(1).unwrap();
    assert_eq!(ran.summary()["mode"], *mode);
    if let Some(workers) = way.iter().skip_while(|word| **word != "--workers").nth(1) {
        let workers = if *mode == "serial" { 1 } else { workers.parse().unwrap() };
        assert_eq!(ran.summary()["workers"], workers, "{way:?}");
    }
}

#[test]
fn a_recording_gets_the_same_tables_and_pictures_in_every_mode() {
    let file = on_disk(vec![wave("C3-M2", "uV", 100), wave("C4-M1", "uV", 100), wave("Airflow", "", 10)]);
    let usual = ["night", file.path.to_str().unwrap(), "--quiet", "--epoch", "5s"];
    let alone = Ran::with(&[&usual[..], &["--mode", "serial"]].concat());
    for way in every_way_to_ask() {
        let way: Vec<&str> = way.iter().map(String::as_str).collect();
        let ran = Ran::with(&[&usual[..], &way].concat());
        assert_eq!(ran.code(), 0, "{way:?}: {}", ran.stderr());
        for name in ["features.csv", "aligned.csv", "spectrogram.svg", "spectrogram.png"] {
            assert!(ran.bytes(name) == alone.bytes(name), "{name} differs for {way:?}");
        }
    }
}

#[test]
fn another_seed_makes_another_night() {
    let [one, other] = ["1", "2"].map(|seed| Ran::with(&["--seed", seed, "--hours", "0.1", "--quiet"]));
    assert!(one.bytes("features.csv") != other.bytes("features.csv"));
}

#[test]
fn the_report_fits_80_columns_and_json_is_the_summary() {
    let ran = Ran::synthetic_night();
    assert!(ran.stdout().lines().all(|line| line.chars().count() <= 80 || line.contains('/')), "{}", ran.stdout());
    for word in ["N3", "delta", "cache", "nothing failed", "aligned"] {
        assert!(ran.stdout().contains(word), "{word}");
    }
    for mode in ["threads", "processes"] {
        let ran = Ran::with(&["--hours", "0.1", "--json", "--mode", mode]);
        let said: Value = serde_json::from_str(&ran.stdout()).unwrap();
        assert_eq!(said, ran.summary());
    }
    assert_eq!(Ran::with(&["--hours", "0.1", "--quiet"]).stdout(), "");
}

#[test]
fn a_rate_of_ones_own_is_used_and_a_strange_one_is_warned_of() {
    let ran = Ran::with(&["--hours", "0.1", "--rate", "100"]);
    assert_eq!((ran.code(), ran.table("aligned.csv").times.len(), ran.stderr().as_str()), (0, 36_000, ""));
    let ran = Ran::with(&["--hours", "0.1", "--rate", "7"]);
    assert_eq!(ran.code(), 0);
    assert!(ran.stderr().contains("no signal is sampled at 7 Hz (there are 1, 100 Hz)"), "{}", ran.stderr());
    assert!(ran.text("index.html").contains("no signal is sampled at 7 Hz"));
}

// ---- What cannot be done ----

#[test]
fn arguments_that_make_no_sense_end_with_2_and_a_way_out() {
    let cases: [(&[&str], &str); 9] = [
        (&["--mode", "gpu"], "serial, threads, io, processes"),
        (&["--hours", "100"], "24 h"),
        (&["--hours", "nan"], "hours"),
        (&["--hours", "0.1", "--rate", "0"], "0 Hz"),
        (&["--hours", "0.1", "--workers", "0"], "0 workers"),
        (&["--hours", "0.1", "--workers", "0", "--mode", "processes"], "0 workers"),
        (&["night"], "<FILE>"),
        (&["night", "missing.edf"], "missing.edf"),
        (&["--no-such"], "--no-such"),
    ];
    for (arguments, hint) in cases {
        let ran = Ran::with(arguments);
        assert_eq!(ran.code(), 2, "{arguments:?}");
        assert!(ran.stderr().contains(hint), "{arguments:?}: {}", ran.stderr());
    }
    let output = program(&["--seed", "3", "night", "x.edf", "--out", "y"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--seed in front of a command"));
}

#[test]
fn a_file_in_the_way_of_the_folder_is_named_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    fs::write(&file, "mine").unwrap();
    for out in [file.clone(), file.join("below")] {
        let output = program(&["--hours", "0.1", "--out", out.to_str().unwrap()]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(message.contains(out.to_str().unwrap()) && message.contains("--out"), "{message}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[test]
fn the_help_teaches_by_example() {
    for (arguments, words) in [(&["--help"][..], "Exit code"), (&["night", "--help"], "--channels C3-M2")] {
        let output = program(arguments);
        assert_eq!(output.status.code(), Some(0));
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("Examples:") && help.contains(words), "{help}");
    }
}

// ---- Recordings ----

#[test]
fn a_real_recording_gets_features_an_aligned_table_and_pictures() {
    let Some(path) = real_night() else { return };
    let ran = Ran::night(&path, &[]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert!(ran.stderr().contains("Inductance Abdom"));
    let (summary, features, aligned) = (ran.summary(), ran.table("features.csv"), ran.table("aligned.csv"));
    assert_eq!(features.times.len(), 4);
    assert_eq!((aligned.times.len(), aligned.columns.len()), (24_000, 89));
    assert_eq!(summary["alignment"]["rate_hz"], 200.0);
    assert_eq!((&summary["counts"]["signals"], &summary["counts"]["aligned_signals"]), (&89.into(), &89.into()));
    assert_eq!(summary["stages"], Value::Null);
    // Every sample of the fastest channels is on the grid; the others are there at their own rate.
    assert!(aligned.column("C3-M2|uv").iter().all(|value| !value.is_nan()));
    let n_there = aligned.column("Heart Rate|hr").iter().filter(|value| !value.is_nan()).count();
    assert_eq!(n_there, 3 * 120);
    for name in ["C3-M2|uv_rel_Delta", "E1-M2|uv_abs_total", "Heart Rate|hr_cv", "acceleration|magnitude_mean"] {
        assert!(features.column(name).iter().all(|value| value.is_finite()), "{name}");
    }
    assert!(features.column("acceleration|magnitude_mean").iter().all(|g| (0.9..1.1).contains(g)));
    assert!(features.column("C3-M2|uv_std").iter().all(|microvolts| (1.0..500.0).contains(microvolts)));
    assert!(!features.columns.contains_key("ECG|value_abs_Delta"));
    PICTURES.iter().for_each(|picture| assert!(!ran.bytes(picture).is_empty()));
}

#[test]
fn chosen_channels_alone_are_read_at_the_rate_asked_for() {
    let Some(path) = real_night() else { return };
    let ran = Ran::night(&path, &["--channels", "C3-M2,Heart Rate", "--rate", "10", "--epoch", "20s", "--quiet"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    let (features, aligned) = (ran.table("features.csv"), ran.table("aligned.csv"));
    assert_eq!((features.times.len(), aligned.times.len()), (6, 1_201));
    assert_eq!(aligned.columns.keys().collect::<Vec<_>>(), ["C3-M2|uv", "Heart Rate|hr"]);
    // There are no warnings about channels that were not requested.
    assert!(!ran.text("summary.json").contains("Inductance"));
}

#[test]
fn an_unknown_channel_is_refused_with_near_names_and_one_named_twice_too() {
    let Some(path) = real_night() else { return };
    let ran = Ran::night(&path, &["--channels", "c3-m2"]);
    assert_eq!(ran.code(), 2);
    assert!(ran.stderr().contains("did you mean \"C3-M2\""), "{}", ran.stderr());
    let ran = Ran::night(&path, &["--channels", "C3-M2", "C3-M2"]);
    assert_eq!(ran.code(), 2);
    assert!(ran.stderr().contains("twice"), "{}", ran.stderr());
}

#[test]
fn a_cut_recording_gives_what_is_whole_and_says_what_is_missing() {
    let Some(path) = real_night() else { return };
    let bytes = fs::read(path).unwrap();
    let cut = OnDisk::new(&bytes[..bytes.len() - 200_000]);
    let ran = Ran::night(&cut.path, &["--channels", "C3-M2", "Heart Rate"]);
    assert_eq!(ran.code(), 1);
    assert!(ran.stderr().contains("of 12 records"), "{}", ran.stderr());
    let summary = ran.summary();
    assert_eq!(summary["complete"], false);
    assert_eq!(summary["counts"]["left_out"], 1);
    assert!(ran.text("index.html").contains("of 12 records") && ran.stdout().contains("left out"));
    let aligned = ran.table("aligned.csv");
    assert!((15_000..24_000).contains(&aligned.times.len()), "{}", aligned.times.len());
    let ran = Ran::night(&OnDisk::new(b"").path, &[]);
    assert_eq!(ran.code(), 2);
    assert!(ran.stderr().contains("empty"), "{}", ran.stderr());
}

/// Three minutes of a rising and falling wave, in records of one second.
fn wave(label: &str, unit: &str, rate: usize) -> ChannelToWrite {
    let sample = |idx: usize| ((idx as f64 / rate as f64 * 2.0 * std::f64::consts::TAU).sin() * 500.0) as i16;
    let samples: Vec<i16> = (0..180 * rate).map(sample).collect();
    ChannelToWrite { unit: unit.as_bytes().to_vec(), ..ChannelToWrite::samples(label, rate, &samples) }
}

fn on_disk(channels: Vec<ChannelToWrite>) -> OnDisk {
    OnDisk::new(&FileToWrite::new("", "1", channels).bytes())
}

#[test]
fn the_eeg_is_in_microvolts_whatever_the_file_says() {
    let file = on_disk(vec![wave("C3-M2", "uV", 100), wave("C4-M1", "mV", 100)]);
    let ran = Ran::night(&file.path, &["--quiet", "--rate", "1"]);
    assert_eq!(ran.code(), 0);
    assert!(ran.text("index.html").contains("Conversion from mV to \u{b5}V of C4-M1"));
    let converted = |idx: usize| ran.summary()["signals"][idx]["converted_from"].clone();
    assert_eq!([converted(0), converted(1)], [Value::Null, "mV".into()]);
    let features = ran.table("features.csv");
    let (micro, milli) = (features.column("C3-M2|uv_abs_Delta"), features.column("C4-M1|uv_abs_Delta"));
    assert!(micro.iter().zip(milli).all(|(micro, milli)| (milli / micro - 1e6).abs() < 1.0), "{micro:?} {milli:?}");
}

#[test]
fn a_slow_eeg_keeps_its_statistics_and_is_warned_of() {
    let file = on_disk(vec![wave("C3-M2", "uV", 50), wave("Airflow", "", 10)]);
    let ran = Ran::night(&file.path, &[]);
    assert_eq!(ran.code(), 0);
    assert!(ran.stderr().contains("C3-M2: statistics only"), "{}", ran.stderr());
    let features = ran.table("features.csv");
    assert!(features.column("C3-M2|uv_mean").iter().all(|value| value.is_finite()));
    assert!(!features.columns.keys().any(|name| name.contains("abs_Delta")));
    assert!(ran.path("hypnogram.svg").exists() && !ran.path("spectrogram.svg").exists());
}

#[test]
fn a_refused_channel_is_left_out_by_name_and_the_others_are_worked_on() {
    let mut flat = wave("Broken", "uV", 10);
    flat.ranges = ["5", "5", "-1000", "1000"];
    let file = on_disk(vec![wave("C3-M2", "uV", 100), flat]);
    for channels in [&[][..], &["--channels", "Broken", "C3-M2"]] {
        let ran = Ran::night(&file.path, channels);
        assert_eq!(ran.code(), 1);
        assert!(ran.stderr().contains("Broken"), "{}", ran.stderr());
        assert_eq!(ran.summary()["left_out"][0]["subject"], "Broken");
        assert!(ran.table("features.csv").column("C3-M2|uv_abs_Delta")[0] > 0.0);
    }
    let ran = Ran::night(&file.path, &["--channels", "Broken"]);
    assert_eq!(ran.code(), 2);
}

#[test]
fn scored_stages_become_a_hypnogram() {
    let mut records = vec!["+0@@|+0^90@Sleep stage W@|+90^90@Sleep stage N2@|".to_owned()];
    records.extend((1..180).map(|second| format!("+{second}@@|")));
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let channels = vec![wave("C3-M2", "uV", 100), ChannelToWrite::annotations(&records)];
    let file = OnDisk::new(&FileToWrite::new("EDF+C", "1", channels).bytes());
    let ran = Ran::night(&file.path, &["--rate", "1"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    let summary = ran.summary();
    let epochs = |idx: usize| summary["stages"][idx]["epochs"].as_u64();
    assert_eq!([epochs(0), epochs(1), epochs(3)], [Some(3), Some(0), Some(3)]); // Wake, REM, N2
    assert!(ran.text("hypnogram.svg").contains("N2"));
}
