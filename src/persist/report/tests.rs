//! The folder as a reader finds it.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::persist::report::*;
use crate::primitives::cancel::CancelReason;
use crate::record::{Amount, FailureKind, RecordedFailure};
use crate::sync::SystemTime;

/// A success.
pub(crate) fn item(index: usize, seconds: f64) -> ItemRecord {
    ItemRecord {
        index,
        key: format!("item {index}"),
        failure: None,
        is_resumed: false,
        attempts: 1,
        started: SystemTime::UNIX_EPOCH,
        elapsed: Duration::from_secs_f64(seconds),
        cpu: None,
        worker: None,
        peak_memory: None,
        amounts: Vec::new(),
    }
}

pub(crate) fn failed(index: usize, seconds: f64, kind: FailureKind) -> ItemRecord {
    ItemRecord { failure: Some(RecordedFailure::new(kind, "no samples")), ..item(index, seconds) }
}

fn amount(name: &'static str, value: f64) -> Amount {
    Amount { name: name.into(), value }
}

fn facts() -> RunFacts<'static> {
    let begun = SystemTime::UNIX_EPOCH + Duration::from_secs(1_782_864_000);
    let totals = RunTotals {
        n_items: 3,
        n_workers: 2,
        wall: Duration::from_secs(2),
        busy: Duration::from_secs(3),
        ..RunTotals::default()
    };
    RunFacts {
        totals,
        mode: "threads",
        begun,
        ended: begun + Duration::from_millis(2000),
        ended_by: EndedBy::LastItem,
        is_whole: true,
        retries: 2,
        peak_memory: Some(1 << 20),
        serial: None,
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn report(&self) -> Report<'static> {
        Report::at(self.0.path())
    }

    fn write(&self, items: impl IntoIterator<Item = ItemRecord>) {
        self.write_report(self.report(), items, &facts());
    }

    fn write_report(&self, report: Report<'_>, items: impl IntoIterator<Item = ItemRecord>, facts: &RunFacts<'_>) {
        let mut reporter = Reporter::new(report).unwrap();
        items.into_iter().for_each(|item| reporter.add(item));
        reporter.finish(facts).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn summary(&self) -> Value {
        serde_json::from_str(&self.text("summary.json")).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn rows(&self) -> Vec<BTreeMap<String, String>> {
        let text = self.text("metrics.csv");
        csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
    }
}

/// Three nights, as they might be finished: the last one first.
fn three_nights() -> [ItemRecord; 3] {
    let begun = facts().begun;
    [
        ItemRecord {
            key: "night 3".into(),
            attempts: 2,
            started: begun + Duration::from_micros(1_500_000),
            worker: Some(1),
            ..failed(2, 0.25, FailureKind::Error)
        },
        ItemRecord {
            key: "night 2".into(),
            started: begun,
            cpu: Some(Duration::from_millis(900)),
            worker: Some(0),
            peak_memory: Some(4096),
            amounts: vec![amount("samples", 2560.0), amount("gaps", 1.5)],
            ..item(1, 1.0)
        },
        ItemRecord {
            key: "night 1".into(),
            is_resumed: true,
            started: begun - Duration::from_secs(3600),
            amounts: vec![amount("samples", 5120.0)],
            ..item(0, 2.0)
        },
    ]
}

#[test]
fn the_table_has_a_row_per_item_in_input_order() {
    let folder = Folder::new();
    folder.write(three_nights());
    let expected = "\
key,status,attempts,start,seconds,cpu_seconds,worker,peak_memory_bytes,resumed,gaps,samples
night 1,succeeded,1,2026-06-30T23:00:00.000000Z,2,,,,true,,5120
night 2,succeeded,1,2026-07-01T00:00:00.000000Z,1,0.9,0,4096,false,1.5,2560
night 3,error,2,2026-07-01T00:00:01.500000Z,0.25,,1,,false,,
";
    assert_eq!(folder.text("metrics.csv"), expected);
}

#[test]
fn the_failures_have_a_line_each_in_input_order() {
    let folder = Folder::new();
    folder.write([failed(1, 1.0, FailureKind::TimeLimit), item(2, 1.0), failed(0, 1.0, FailureKind::Panic)]);
    let expected = r#"{"key":"item 0","kind":"panic","message":"no samples","attempts":1}
{"key":"item 1","kind":"time_limit","message":"no samples","attempts":1}
"#;
    assert_eq!(folder.text("failed.jsonl"), expected);
}

#[test]
fn a_report_without_failures_empties_the_list_of_an_earlier_one() {
    let folder = Folder::new();
    folder.write([failed(0, 1.0, FailureKind::Panic)]);
    folder.write([item(0, 1.0)]);
    assert_eq!(folder.text("failed.jsonl"), "");
    assert_eq!(folder.names(), ["failed.jsonl", "metrics.csv", "summary.json"], "and nothing else is left");
}

#[test]
fn the_summary_says_what_the_run_did() {
    let folder = Folder::new();
    let cache = crate::ThreadSafeCache::new();
    for night in [1, 2, 1, 1] {
        cache.get_or_compute(night, || night * 2);
    }
    let report = folder.report().cache("spectra", || cache.stats()).field("band", [8, 13]);
    folder.write_report(report, three_nights(), &facts());
    let expected = serde_json::json!({
        "begun": "2026-07-01T00:00:00.000000Z",
        "ended": "2026-07-01T00:00:02.000000Z",
        "ended_by": "last_item",
        "is_whole": true,
        "items": 3,
        "succeeded": 2,
        "failed": 1,
        "unfinished": 0,
        "failed_by_kind": {"error": 1},
        "resumed": 1,
        "retries": 2,
        "mode": "threads",
        "n_workers": 2,
        "lost_workers": 0,
        "recycled_workers": 0,
        "wall_seconds": 2.0,
        "busy_seconds": 3.0,
        "cpu_seconds": null,
        "items_per_second": 1.0,
        "concurrency": 1.5,
        "speed_up": null,
        "serial_sample": null,
        "peak_memory_bytes": 1048576,
        "peak_worker_memory_bytes": 4096,
        "seconds_per_item": {"mean": 1.5, "median": 1.5, "largest": 2.0},
        "slowest": [
            {"key": "night 1", "index": 0, "seconds": 2.0, "status": "succeeded"},
            {"key": "night 2", "index": 1, "seconds": 1.0, "status": "succeeded"},
            {"key": "night 3", "index": 2, "seconds": 0.25, "status": "error"},
        ],
        "amounts": {
            "gaps": {
                "items": 1, "total": 1.5, "mean": 1.5, "per_wall_second": 0.75, "per_busy_second": 1.5,
                "mean_item_rate": 1.5, "median_item_rate": 1.5,
            },
            "samples": {
                "items": 2, "total": 7680.0, "mean": 3840.0, "per_wall_second": 1280.0, "per_busy_second": 2560.0,
                "mean_item_rate": 2560.0, "median_item_rate": 2560.0,
            },
        },
        "caches": {
            "spectra": {
                "hits": 2, "misses": 2, "hit_percent": 50.0, "computes": 2, "inserts": 2, "evictions": 0, "cycles": 0,
                "entries": 2,
            },
        },
        "program": {"band": [8, 13]},
        "versions": {"manyhands": env!("CARGO_PKG_VERSION")},
    });
    assert_eq!(folder.summary(), expected);
}

#[test]
fn the_speed_up_compares_the_workers_with_the_serial_sample_alone() {
    let folder = Folder::new();
    // 2 s for the first 2 items, one after the other; then 6 items in 2 s: three times as quick.
    let mut facts = facts();
    facts.totals.wall = Duration::from_secs(4);
    facts.serial = Some(SerialSample { n_items: 2, elapsed: Duration::from_secs(2) });
    folder.write_report(folder.report(), (0..8).map(|index| item(index, 1.0)), &facts);
    let summary = folder.summary();
    assert_eq!(summary["speed_up"], 3.0);
    assert_eq!(summary["serial_sample"], serde_json::json!({"items": 2, "seconds": 2.0, "seconds_per_item": 1.0}));
    assert_eq!(summary["items_per_second"], 2.0, "of the whole run");
}

#[test]
fn a_sample_that_was_all_of_the_run_tells_no_speed_up() {
    let second = Duration::from_secs(1);
    let sample = |n_items, elapsed| SerialSample { n_items, elapsed };
    assert_eq!(summary::speed_up(sample(2, second), 2, second), None, "nothing was left for the workers");
    assert_eq!(summary::speed_up(sample(0, Duration::ZERO), 2, second), None, "nothing was measured");
    assert_eq!(summary::speed_up(sample(2, 2 * second), 4, second), None, "times that cannot be");
}

#[test]
fn the_system_knows_how_much_memory_a_process_had() {
    let before = summary::peak_memory_of_this_process();
    assert_eq!(before.is_some(), cfg!(target_os = "linux"));
    std::hint::black_box(vec![1_u8; 64 << 20]);
    assert!(before.is_none_or(|before| before > 1 << 20 && summary::peak_memory_of_this_process() >= Some(64 << 20)));
}

#[test]
fn keys_and_messages_come_back_exactly() {
    let keys = [
        "a,b",
        "say \"yes\"",
        "two\nlines",
        "two\r\nlines",
        "carriage\rreturn",
        "Schläfer 三",
        " padded\t",
        "",
        "=1+2",
        "\u{feff}mark",
        "null\0byte",
        "\u{1f634}",
        "\\",
    ];
    let folder = Folder::new();
    folder.write(keys.iter().enumerate().map(|(index, key)| {
        let failure = Some(RecordedFailure::new(FailureKind::Error, *key));
        ItemRecord { key: key.to_string(), failure, ..item(index, 1.0) }
    }));
    // Without the apostrophe in front of the sign of a formula.
    let in_table = folder.rows().into_iter().map(|row| row["key"].replace("'=", "="));
    assert_eq!(in_table.collect::<Vec<String>>(), keys);
    let failed = folder.text("failed.jsonl");
    assert_eq!(failed.lines().count(), keys.len(), "a line each, whatever is in it");
    for (line, key) in failed.lines().zip(keys) {
        let failure: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&failure["key"], &failure["message"]), (&key.into(), &key.into()));
    }
    assert_eq!(folder.summary()["slowest"][1]["key"], keys[1]);
}

#[test]
fn an_amount_called_like_a_column_gets_a_name_of_its_own() {
    let folder = Folder::new();
    let amounts = vec![amount("seconds", 7.0), amount("amount_seconds", 8.0), amount("a,b", 9.0)];
    folder.write([ItemRecord { amounts, ..item(0, 1.0) }]);
    let row = &folder.rows()[0];
    assert_eq!(row.len(), 12);
    assert_eq!((&*row["seconds"], &*row["amount_seconds"]), ("1", "8"));
    assert_eq!((&*row["amount_amount_seconds"], &*row["a,b"]), ("7", "9"));
    assert_eq!(folder.summary()["amounts"]["seconds"]["total"], 7.0, "the summary has no such columns");
}

#[test]
fn numbers_read_back_as_what_they_were() {
    let values = [0.1, 1e300, -1e-300, 5e-324, 9_007_199_254_740_993.0, 123_456.789, 0.0, f64::MAX];
    for value in values {
        let folder = Folder::new();
        folder.write([ItemRecord { amounts: vec![amount("it", value)], ..item(0, 1.0) }]);
        let text = &folder.rows()[0]["it"];
        assert_eq!(text.parse::<f64>().unwrap(), value);
        assert!(text.len() < 25, "{text}");
    }
}

#[test]
fn an_amount_that_is_no_number_is_unknown_in_the_summary() {
    let folder = Folder::new();
    folder.write([ItemRecord { amounts: vec![amount("snr", f64::NAN)], ..item(0, 1.0) }]);
    assert_eq!(folder.rows()[0]["snr"], "NaN");
    assert_eq!(folder.summary()["amounts"]["snr"]["total"], Value::Null);
}

#[test]
fn the_last_word_on_an_item_counts() {
    let folder = Folder::new();
    folder.write([failed(1, 1.0, FailureKind::Lost), item(0, 1.0), failed(1, 2.0, FailureKind::Panic), item(1, 3.0)]);
    let rows: Vec<_> = folder.rows().into_iter().map(|row| (row["key"].clone(), row["seconds"].clone())).collect();
    assert_eq!(rows, [("item 0".into(), "1".into()), ("item 1".into(), "3".into())]);
    assert_eq!((folder.text("failed.jsonl"), &folder.summary()["failed"]), (String::new(), &0.into()));
}

#[test]
fn a_run_without_items_has_its_report_too() {
    let folder = Folder::new();
    let facts = RunFacts { totals: RunTotals::default(), ..facts() };
    folder.write_report(folder.report(), [], &facts);
    assert_eq!(folder.rows().len(), 0);
    let summary = folder.summary();
    assert_eq!((&summary["items"], &summary["items_per_second"]), (&0.into(), &Value::Null));
}

#[test]
fn the_summary_says_why_the_run_ended() {
    let folder = Folder::new();
    let ends = [
        (EndedBy::LastItem, "last_item"),
        (EndedBy::Failures, "failures"),
        (EndedBy::Cancelled(CancelReason::Requested), "cancelled"),
        (EndedBy::Cancelled(CancelReason::Deadline), "deadline"),
        (EndedBy::Callback, "callback"),
        (EndedBy::Fault, "fault"),
    ];
    for (ended_by, name) in ends {
        folder.write_report(folder.report(), [], &RunFacts { ended_by, is_whole: false, ..facts() });
        assert_eq!(folder.summary()["ended_by"], name);
        assert_eq!(folder.summary()["is_whole"], false);
    }
}

#[test]
fn a_time_that_has_no_text_is_unknown_and_fails_nothing() {
    let beyond = SystemTime::UNIX_EPOCH + Duration::from_secs(300_000_000_000);
    assert_eq!(tables::time_of_day(beyond), None);
    assert_eq!(tables::time_of_day(SystemTime::UNIX_EPOCH).unwrap(), "1970-01-01T00:00:00.000000Z");
    let before = SystemTime::UNIX_EPOCH - Duration::from_millis(1);
    assert_eq!(tables::time_of_day(before).unwrap(), "1969-12-31T23:59:59.999000Z");
}

#[test]
fn a_folder_that_cannot_be_written_is_found_before_the_run() {
    let folder = Folder::new();
    let taken = folder.0.path().join("taken");
    fs::write(&taken, "a file").unwrap();
    let error = Reporter::new(Report::at(taken.join("run"))).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("report folder ") && message.contains("taken"), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_is_read_only_is_found_before_the_run() {
    let folder = Folder::new();
    let report = folder.report();
    let error = crate::persist::atomic_file::tests::in_read_only(folder.0.path(), || Reporter::new(report).map(drop));
    assert_eq!(error.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
}

#[test]
fn a_report_travels_with_its_job_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Reporter<'_>>();
}

#[test]
fn a_folder_is_made_with_those_above_it() {
    let folder = Folder::new();
    let deep = folder.0.path().join("out").join("run");
    Reporter::new(Report::at(&deep)).unwrap().finish(&facts()).unwrap();
    assert_eq!(fs::read_dir(&deep).unwrap().count(), 3);
}

#[test]
fn a_field_that_is_no_json_is_refused_before_the_run() {
    let folder = Folder::new();
    let by_pair = BTreeMap::from([((1, 2), "a")]);
    let error = Reporter::new(folder.report().field("pairs", by_pair).field("fine", 1)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("\"pairs\""), "{error}");
}

#[test]
fn a_table_that_cannot_be_written_leaves_the_old_summary() {
    let folder = Folder::new();
    folder.write([item(0, 1.0)]);
    let summary = folder.text("summary.json");
    let failures = folder.0.path().join("failed.jsonl");
    fs::remove_file(&failures).unwrap();
    fs::create_dir(&failures).unwrap();
    let mut reporter = Reporter::new(folder.report()).unwrap();
    reporter.add(item(1, 1.0));
    let error = reporter.finish(&facts()).unwrap_err();
    assert!(error.to_string().contains("failed.jsonl"), "{error}");
    assert_eq!(folder.text("summary.json"), summary, "a summary stands for tables that are there");
}

#[test]
fn a_report_that_is_off_writes_nothing() {
    let report = Report::off().field("version", 3);
    assert!(report.is_off() && !Report::at("run").is_off());
    let mut reporter = Reporter::new(report).unwrap();
    reporter.add(item(0, 1.0));
    reporter.finish(&facts()).unwrap();
}
