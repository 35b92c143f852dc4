//! What a study leaves: the log that its items wrote, its journal, its report, its table; and how they must look.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use manyhands::journal::JournalReader;
use rusqlite::Connection;

use manyhands_test_support::child::Exit;
use manyhands_test_support::processes::assert_no_orphans;

use crate::child::start;
use crate::study::{Features, Study, Subject, now};

/// What an item said of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Note {
    pub(crate) run: u32,
    pub(crate) ends: bool,
    pub(crate) number: u32,
    /// Nanoseconds on the clock of the machine.
    pub(crate) at: u64,
    pub(crate) process: u32,
}

/// All that items of a run that has ended said, in the order in which they wrote it.
pub(crate) fn notes(study: &Study) -> Vec<Note> {
    let text = log_text(study);
    assert!(text.is_empty() || text.ends_with('\n'), "a line of the log was cut: {text:?}");
    notes_of(&text)
}

/// What items of a run that goes on have said. The system shows a line that is being written in parts where it crosses a page.
pub(crate) fn notes_so_far(study: &Study) -> Vec<Note> {
    let text = log_text(study);
    notes_of(text.rfind('\n').map_or("", |end| &text[..end]))
}

fn log_text(study: &Study) -> String {
    study.setting.log.as_ref().and_then(|log| fs::read_to_string(log).ok()).unwrap_or_default()
}

fn notes_of(text: &str) -> Vec<Note> {
    let note = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [run, what, number, process, at] = words[..] else { panic!("a line of the log is {line:?}") };
        let ends = match what {
            "begins" => false,
            "ends" => true,
            other => panic!("an item said {other:?}"),
        };
        let (run, number, process) = (run.parse().unwrap(), number.parse().unwrap(), process.parse().unwrap());
        Note { run, ends, number, at: at.parse().unwrap(), process }
    };
    text.lines().map(note).collect()
}

/// The subjects that ended in this run, or began.
pub(crate) fn numbers(notes: &[Note], run: u32, ends: bool) -> Vec<u32> {
    let mut numbers: Vec<u32> =
        notes.iter().filter(|note| note.run == run && note.ends == ends).map(|note| note.number).collect();
    numbers.sort_unstable();
    numbers
}

/// How an item went: its features, or why it has none.
pub(crate) type Result = std::result::Result<Features, String>;

/// What a journal holds, by subject.
pub(crate) type Recorded = BTreeMap<u32, Result>;

/// What the journal of a dead run holds. A copy is looked at, so that it is the next run that brings it in order.
///
/// SQLite must find nothing wrong with it.
pub(crate) fn recorded(study: &Study) -> Recorded {
    let folder = tempfile::tempdir_in(&study.folder).unwrap();
    let copy = folder.path().join("study.journal");
    for beside in ["", "-wal", "-journal"] {
        let (from, to) = (with_suffix(&study.journal(), beside), with_suffix(&copy, beside));
        match fs::copy(from, to) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            copied => _ = copied.unwrap(),
        }
    }
    if !copy.exists() {
        return Recorded::new();
    }
    let database = Connection::open(&copy).unwrap();
    let checked: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(checked, "ok", "SQLite's check of the journal");
    let n_tables: u32 = database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    drop(database);
    if n_tables == 0 {
        return Recorded::new();
    }
    entries(&copy)
}

pub(crate) fn entries(journal: &Path) -> Recorded {
    let entries = JournalReader::open(journal).unwrap().entries().unwrap();
    let entries = entries.into_iter().map(|entry| {
        let result = match &entry.failure {
            Some(failure) => Err(failure.message.clone()),
            None => Ok(entry.value::<Features>().unwrap().unwrap()),
        };
        (Subject::number_in(&entry.key), result)
    });
    entries.collect()
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// The results of a study that is not disturbed.
#[derive(Debug)]
pub(crate) struct Undisturbed {
    pub(crate) took: Duration,
    /// From the program's start to its first item.
    pub(crate) begun_after: Duration,
    /// From the beginning of the first item to the end of the last one.
    pub(crate) items_took: Duration,
    pub(crate) recorded: Recorded,
    table: Vec<u8>,
    failed: Vec<u8>,
    metrics: Vec<Vec<String>>,
}

impl Undisturbed {
    /// Runs a study like this one in a folder of its own.
    pub(crate) fn of(study: &Study) -> Self {
        let folder = tempfile::tempdir_in(crate::harness::parent_folder()).unwrap();
        let log = study.setting.log.as_ref().map(|_| folder.path().join("computed.log"));
        let (pace, slow, gate) = (Duration::ZERO, Duration::ZERO, None);
        let setting = crate::study::Setting { log, pace, slow, gate, ..study.setting.clone() };
        let records = folder.path().to_owned();
        let study = Study { folder: folder.path().to_owned(), records, setting, ..study.clone() };
        let (begun, begun_at) = (Instant::now(), now());
        let (end, said) = start("study", &study).end();
        let took = begun.elapsed();
        assert_eq!(end, Exit::Code(0), "{said}");
        assert!(!said.contains("warning: "), "{said}");
        assert_no_orphans();
        let metrics = metrics(&study);
        assert_eq!(metrics.len(), study.n_subjects as usize);
        let notes = notes(&study);
        let (first, last) =
            (notes.first().map_or(begun_at, |note| note.at), notes.last().map_or(begun_at, |note| note.at));
        Self {
            took,
            begun_after: Duration::from_nanos(first - begun_at),
            items_took: Duration::from_nanos(last - first),
            recorded: recorded(&study),
            table: fs::read(study.table()).unwrap(),
            failed: fs::read(study.report().join("failed.jsonl")).unwrap(),
            metrics,
        }
    }

    #[track_caller]
    pub(crate) fn assert_is_table_of(&self, study: &Study) {
        assert!(fs::read(study.table()).unwrap() == self.table, "the final table is another");
    }

    /// No row that is recorded is wrong.
    #[track_caller]
    pub(crate) fn assert_agrees(&self, recorded: &Recorded) {
        for (number, result) in recorded {
            assert_eq!(Some(result), self.recorded.get(number), "of subject {number} something wrong is recorded");
        }
    }

    /// Table, journal and report hold all subjects, as if there had been one run.
    #[track_caller]
    pub(crate) fn assert_is_what_came_of(&self, study: &Study, n_resumed: usize) {
        self.assert_is_table_of(study);
        let recorded = recorded(study);
        assert_eq!(recorded.len(), self.recorded.len());
        self.assert_agrees(&recorded);
        let report = study.report();
        assert!(fs::read(report.join("failed.jsonl")).unwrap() == self.failed, "failed.jsonl is another");
        assert_eq!(metrics(study), self.metrics, "metrics.csv is another");
        let summary = summary(study);
        let n_failed = self.recorded.values().filter(|result| result.is_err()).count();
        assert_eq!(summary["is_whole"], true);
        assert_eq!(summary["items"], self.recorded.len());
        assert_eq!(summary["failed"], n_failed);
        assert_eq!(summary["succeeded"], self.recorded.len() - n_failed);
        assert_eq!(summary["resumed"], n_resumed, "{summary:#}");
    }
}

pub(crate) fn summary(study: &Study) -> serde_json::Value {
    serde_json::from_slice(&fs::read(study.report().join("summary.json")).unwrap()).unwrap()
}

/// The rows of `metrics.csv`, of what is the same in each run: key, status, attempts and the amount that was reported.
/// Nothing else may be missing.
pub(crate) fn metrics(study: &Study) -> Vec<Vec<String>> {
    let mut table = csv::Reader::from_path(study.report().join("metrics.csv")).unwrap();
    let names = table.headers().unwrap().clone();
    let column = |name: &str| names.iter().position(|found| found == name).unwrap_or_else(|| panic!("no {name}"));
    let kept = ["key", "status", "attempts", "samples"].map(column);
    let filled = ["start", "seconds", "resumed"].map(column);
    let row = |row: csv::StringRecord| {
        assert!(filled.iter().all(|&column| !row[column].is_empty()), "{row:?}");
        kept.iter().map(|&column| row[column].to_owned()).collect()
    };
    table.records().map(|record| row(record.unwrap())).collect()
}
