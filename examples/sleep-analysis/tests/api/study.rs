//! The study of many subjects: files that depend on nothing but the subjects, failures by name, and what is refused.
//!
//! The program itself is run, as its user would.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use sleep_analysis::{Column, Signal, SignalKind, SyntheticNight, write_signal};
use tempfile::TempDir;

use crate::edf_writer::{ChannelToWrite, FileToWrite};
use crate::ways::every_way_to_ask;

/// A folder to read from and, beside it, one to write to.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.data()).unwrap();
        place
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.0.path().join("out")
    }

    /// A recording of three minutes with these channels.
    pub(crate) fn edf(&self, name: &str, labels: &[&str]) -> &Self {
        let bytes = FileToWrite::new("", "1", labels.iter().map(|label| wave(label)).collect()).bytes();
        fs::write(self.data().join(name), bytes).unwrap();
        self
    }

    fn signals(&self, subject: &str, signals: &[Signal]) -> &Self {
        let folder = self.data().join(subject);
        fs::create_dir(&folder).unwrap();
        signals.iter().for_each(|signal| write_signal(&folder.join(format!("{}.csv", signal.name())), signal).unwrap());
        self
    }

    pub(crate) fn studied(&self, more: &[&str]) -> Studied {
        let data = self.data();
        Studied::with(&[&[data.to_str().unwrap()], more].concat(), &self.out())
    }
}

fn wave(label: &str) -> ChannelToWrite {
    let rate = 100;
    let sample = |idx: usize| ((idx as f64 / rate as f64 * 2.0 * std::f64::consts::TAU).sin() * 500.0) as i16;
    ChannelToWrite::samples(label, rate, &(0..180 * rate).map(sample).collect::<Vec<i16>>())
}

fn minutes(n: u64, seed: u64) -> SyntheticNight {
    SyntheticNight::new(seed).duration(Duration::from_secs(60 * n))
}

/// The program's result, and where its files are.
pub(crate) struct Studied {
    out: PathBuf,
    pub(crate) output: Output,
}

impl Studied {
    pub(crate) fn with(arguments: &[&str], out: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sleep-analysis"));
        let output = command.arg("study").args(arguments).arg("--out").arg(out).output().unwrap();
        Self { out: out.to_owned(), output }
    }

    pub(crate) fn code(&self) -> i32 {
        self.output.status.code().unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).unwrap()
    }

    pub(crate) fn bytes(&self) -> [Vec<u8>; 2] {
        ["features.csv", "index.html"].map(|name| fs::read(self.out.join(name)).unwrap())
    }

    pub(crate) fn page(&self) -> String {
        String::from_utf8(self.bytes()[1].clone()).unwrap()
    }

    /// The table's lines as fields.
    fn table(&self) -> Vec<Vec<String>> {
        let bytes = self.bytes()[0].clone();
        let mut table = csv::ReaderBuilder::new().has_headers(false).from_reader(&*bytes);
        table.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    /// A subject's rows without its name: by column, as text.
    pub(crate) fn columns_of(&self, subject: &str) -> BTreeMap<String, Vec<String>> {
        let table = self.table();
        let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in table[1..].iter().filter(|row| row[0] == subject) {
            for (name, field) in table[0].iter().zip(row).skip(1) {
                columns.entry(name.clone()).or_default().push(field.clone());
            }
        }
        columns.retain(|_, fields| fields.iter().any(|field| !field.is_empty()));
        columns
    }

    fn files(&self) -> Vec<String> {
        let mut files: Vec<String> =
            fs::read_dir(&self.out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        files
    }
}

#[test]
fn a_study_has_the_same_bytes_however_it_is_worked_on() {
    let made = ["--made", "3", "--hours", "0.1", "--seed", "4"];
    let place = Place::new();
    let alone = Studied::with(&[&made[..], &["--mode", "serial", "--quiet"]].concat(), &place.out());
    assert_eq!((alone.code(), alone.stderr()), (0, String::new()));
    assert_eq!(alone.files(), ["features.csv", "index.html", "run"]);
    for (nth, way) in every_way_to_ask().enumerate() {
        let way: Vec<&str> = way.iter().map(String::as_str).collect();
        let studied = Studied::with(&[&made[..], &way].concat(), &place.0.path().join(nth.to_string()));
        assert_eq!(studied.code(), 0, "{}", studied.stderr());
        assert!(studied.bytes() == alone.bytes(), "{way:?}");
    }
}

#[test]
fn a_synthetic_night_has_the_features_of_the_demo() {
    let place = Place::new();
    let studied = Studied::with(&["--made", "2", "--hours", "0.2", "--seed", "6"], &place.out());
    let alone = place.0.path().join("alone");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sleep-analysis"));
    command.args(["--seed", "7", "--hours", "0.2", "--quiet", "--out"]).arg(&alone);
    assert!(command.status().unwrap().success());
    let table = fs::read_to_string(alone.join("features.csv")).unwrap();
    let of_alone: Vec<&str> = table.lines().collect();
    let of_study = String::from_utf8(studied.bytes()[0].clone()).unwrap();
    let of_study: Vec<&str> = of_study.lines().collect();
    assert_eq!(of_study[0], format!("subject,{}", of_alone[0]));
    let rows: Vec<&str> = of_study[1..].iter().filter_map(|row| row.strip_prefix("made-0007,")).collect();
    assert_eq!(rows, of_alone[1..]);
}

#[test]
fn signals_in_csv_files_have_the_features_of_the_night_that_they_are_of() {
    let place = Place::new();
    place.signals("anna", &minutes(12, 8).make().unwrap());
    let studied = place.studied(&[]);
    assert_eq!(studied.code(), 0, "{}", studied.stderr());
    let made = Studied::with(&["--made", "1", "--hours", "0.2", "--seed", "8"], &place.0.path().join("made"));
    let (read, made) = (studied.columns_of("anna"), made.columns_of("made-0008"));
    assert!(read.len() > 90 && read.keys().any(|name| name == "C3|uv_rel_Delta"));
    assert_eq!(read, made);
}

/// A clock that was not set yet, a recording that states a time decades later, and things that are no files: each costs itself alone.
#[cfg(unix)]
#[test]
fn what_claims_more_than_it_is_costs_no_other_subject_anything() {
    let place = Place::new();
    let heart = minutes(3, 1).kinds([SignalKind::HeartRate]).make().unwrap();
    place.edf("a.edf", &["C3-M2"]).signals("=1+1", &heart).signals("fifo", &heart).signals("stray", &[]);
    let data = place.data();
    let night = 1_710_108_840_000_000_000_i64;
    let rows: String = (0..60).map(|idx| format!("{},60\n", night + idx * 1_000_000_000)).collect();
    fs::write(data.join("stray/hr.csv"), format!("timestamp_ns,hr\n0,60\n{rows}")).unwrap();
    let onsets = ChannelToWrite::annotations(&["+0@@", "+1000000000@@"]);
    let gap = FileToWrite::new("EDF+D", "1", vec![ChannelToWrite::samples("SpO2", 1, &[1, 2]), onsets]);
    fs::write(data.join("gap.edf"), gap.bytes()).unwrap();
    for fifo in ["fifo.edf", "fifo/resp.csv"] {
        assert!(Command::new("mkfifo").arg(data.join(fifo)).status().unwrap().success());
    }
    fs::create_dir(data.join("folder.edf")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(data.join("socket.edf")).unwrap();
    let studied = place.studied(&["--mode", "threads", "--workers", "2", "--json"]);
    assert_eq!(studied.code(), 1, "{}", studied.stderr());
    let summary: Value = serde_json::from_slice(&studied.output.stdout).unwrap();
    assert_eq!(summary["succeeded"], 3, "{summary}");
    assert_eq!(summary["set_aside"], serde_json::json!(["fifo.edf", "folder.edf", "socket.edf"]));
    let page = studied.page();
    for said in [
        "<strong>gap.edf</strong>: a grid from 2018-02-06T01:36:50Z to 2049-",
        "<strong>stray</strong>: a grid from 1970-01-01T00:00:00Z to 2024-03-10T22:14:",
        "epochs for 61 samples where at most 250000 are read; check for stray timestamps",
        "it is a FIFO with the name of a recording",
        "it is a folder with the name of a recording",
        "it is a socket with the name of a recording",
        "is a FIFO where a regular file is needed",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let table = fs::read_to_string(place.out().join("features.csv")).unwrap();
    assert!(table.lines().any(|line| line.starts_with("'=1+1,")) && !table.contains("\n=1+1"));
}

#[test]
fn what_is_broken_fails_by_name_and_costs_no_other_subject_anything() {
    let place = Place::new();
    let heart = minutes(3, 1).kinds([SignalKind::HeartRate]).make().unwrap();
    place.edf("b.edf", &["C3-M2"]).signals("d", &heart);
    let whole = place.studied(&[]);
    assert_eq!(whole.code(), 0, "{}", whole.stderr());

    let data = place.data();
    fs::write(data.join("a.edf"), b"").unwrap();
    fs::write(data.join("c.EDF"), [b'x'; 1000]).unwrap();
    fs::create_dir(data.join("e")).unwrap();
    place.signals("f", &heart);
    fs::write(data.join("f/resp.csv"), "timestamp_ns,resp\n1,deep\n").unwrap();
    fs::write(data.join("notes.txt"), "quiet night").unwrap();
    fs::write(data.join(".hidden.edf"), b"").unwrap();
    for mode in ["serial", "threads", "processes"] {
        fs::remove_dir_all(place.out().join("run")).unwrap();
        let studied = place.studied(&["--mode", mode, "--workers", "2", "--json"]);
        assert_eq!(studied.code(), 1);
        let summary: Value = serde_json::from_slice(&studied.output.stdout).unwrap();
        let failed: Vec<&str> =
            summary["failed"].as_array().unwrap().iter().map(|one| one["subject"].as_str().unwrap()).collect();
        assert_eq!(failed, ["a.edf", "c.EDF", "e"]);
        assert_eq!((&summary["incomplete"][0], &summary["set_aside"][0]), (&"f".into(), &"notes.txt".into()));
        for subject in ["b.edf", "d"] {
            assert_eq!(studied.columns_of(subject), whole.columns_of(subject));
        }
        assert_eq!(studied.columns_of("f"), whole.columns_of("d"), "the signal that can be read is worked on");
        let page = studied.page();
        for message in
            ["<strong>a.edf</strong>: has 0 bytes", "<strong>e</strong>: holds no CSV file", "notes.txt", "line 2"]
        {
            assert!(page.contains(message), "{message}");
        }
        assert!(!page.contains(data.to_str().unwrap()), "the page names no place that may be another one tomorrow");
    }
}

#[test]
fn the_table_has_every_column_that_any_subject_has_in_the_order_in_which_they_appear() {
    let place = Place::new();
    place.edf("1.edf", &["Chest"]).edf("2.edf", &["Abdomen", "Chest"]).edf("3.edf", &["Chest", "Airflow"]);
    let studied = place.studied(&[]);
    assert_eq!(studied.code(), 0, "{}", studied.stderr());
    let table = studied.table();
    assert_eq!(table[0][..2], ["subject", "epoch_start_ns"]);
    let mut signals: Vec<&str> = table[0][2..].iter().map(|name| name.split('|').next().unwrap()).collect();
    signals.dedup();
    assert_eq!(signals, ["Chest", "Abdomen", "Airflow"]);
    let of = |name: &str| table[0].iter().position(|known| known == name).unwrap();
    let (chest, abdomen) = (of("Chest|value_max"), of("Abdomen|value_max"));
    let subjects: Vec<&str> = table[1..].iter().map(|row| row[0].as_str()).collect();
    assert!(subjects.is_sorted() && subjects.len() == 18);
    for row in &table[1..] {
        assert_eq!((row[chest].is_empty(), row[abdomen].is_empty()), (false, row[0] != "2.edf"));
    }
}

#[test]
fn names_are_kept_whatever_they_hold() {
    let place = Place::new();
    let name = "<b>&\"n\u{e4}cht\",1.edf";
    place.edf(name, &["Chest"]).edf("2.edf", &["Chest"]);
    let studied = place.studied(&["--mode", "processes"]);
    assert_eq!(studied.code(), 0, "{}", studied.stderr());
    assert_eq!(studied.columns_of(name)["Chest|value_max"].len(), 6);
    let page = studied.page();
    assert!(page.contains("<h3>&lt;b&gt;&amp;&quot;n\u{e4}cht&quot;,1.edf</h3>"));
    let ids: Vec<&str> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!((ids.len(), ids.iter().collect::<HashSet<_>>().len()), (4, 4));
}

#[test]
fn a_study_of_nothing_but_failures_ends_with_code_2_and_tells_of_each() {
    let place = Place::new();
    fs::write(place.data().join("a.edf"), b"").unwrap();
    let flat = Signal::new("hr", Vec::new(), vec![Column::new("hr", Vec::new())]).unwrap();
    place.signals("b", &[flat]);
    let studied = place.studied(&[]);
    assert_eq!(studied.code(), 2);
    assert!(studied.stderr().contains("b failed: has no signal that can be used: hr: it has no samples"));
    assert_eq!(studied.table(), [["subject", "epoch_start_ns"]]);
    assert!(studied.page().contains("<strong>a.edf</strong>: has 0 bytes"));
}

#[test]
fn the_folder_of_the_results_is_no_subject() {
    let place = Place::new();
    place.edf("a.edf", &["Chest"]);
    let data = place.data();
    let inside = data.join("results");
    let study = |out: &Path| Studied::with(&[data.to_str().unwrap(), "--resume"], out);
    assert_eq!([study(&inside).code(), study(&inside).code()], [0, 0]);
    let refused = study(&data);
    assert_eq!(refused.code(), 2);
    assert!(refused.stderr().contains("choose another one for --out"), "{}", refused.stderr());
}

#[test]
fn what_makes_no_sense_is_refused_before_any_work() {
    let place = Place::new();
    let refused = |arguments: &[&str], message: &str| {
        let studied = Studied::with(arguments, &place.out());
        assert_eq!(studied.code(), 2, "{arguments:?}");
        assert!(studied.stderr().contains(message), "{arguments:?}: {}", studied.stderr());
        assert!(!place.out().join("features.csv").exists());
    };
    let empty = place.data();
    let empty = empty.to_str().unwrap();
    refused(&[], "required");
    refused(&[empty], "holds no subject");
    refused(&[&format!("{empty}/none")], "cannot be read as a folder");
    refused(&[empty, "--made", "2"], "cannot be used with");
    refused(&[empty, "--seed", "2"], "cannot be used with");
    refused(&["--made", "0"], "ask for 1 or more");
    refused(&["--made", "2", "--hours", "100"], "24 h");
    refused(&["--made", "2", "--epoch", "10s"], "cannot be used with");
    refused(&["--made", "2", "--workers", "0"], "0 workers");
    refused(&["--made", "2", "--status", "--resume"], "cannot be used with");
    refused(&["--made", "2", "--keep-failed"], "--resume");
    refused(&["--made", "2", "--redo-changed"], "--resume");
    refused(&["--status"], "no study was begun");
    refused(&["--failed"], "no study was begun");
}

#[test]
fn a_study_that_was_begun_is_not_begun_again_by_a_forgotten_flag() {
    let place = Place::new();
    place.edf("a b.edf", &["Chest"]);
    let run = place.out().join("run");
    fs::create_dir_all(&run).unwrap();
    fs::write(run.join("journal.sqlite"), b"").unwrap();
    let studied = place.studied(&[]);
    assert_eq!(studied.code(), 2);
    let (data, out) = (place.data().display().to_string(), place.out().display().to_string());
    assert!(studied.stderr().contains(&format!("sleep-analysis study {data} --out {out} --resume")));
    assert!(studied.stderr().contains(&format!("rm -r {out}/run")), "{}", studied.stderr());
}

#[test]
fn resuming_where_there_is_nothing_yet_begins_a_study() {
    let place = Place::new();
    place.edf("a.edf", &["Chest"]);
    let studied = place.studied(&["--resume"]);
    assert_eq!(studied.code(), 0, "{}", studied.stderr());
    assert_eq!(studied.columns_of("a.edf")["Chest|value_max"].len(), 6);
}
