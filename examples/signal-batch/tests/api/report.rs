//! Reports: every number, whole lines, honest gaps, and the same bytes every time.
//!
//! The page of the made batches stays in the test folder (`target/tmp/signal-report`), for a look in a browser.

use std::fs;
use std::path::Path;

use consumer_support::page::{Fact, Link, Warning};
use manyhands_test_support::rng::Rng;
use signal_batch::regression::{RegressionSettings, compare_groups};
use signal_batch::report::{ControlChart, Report, ReportData, comparison_terminal};
use signal_batch::{Metric, NumberColumn, Table, TextColumn};

use crate::regression::normal;

const HOSTILE: &str = "=unit <7>&\"'</td><script>\u{1b}[2J \u{202e}\u{7720}\u{308b}, line\n2";

/// Two batches of 25 captures: the second has a larger distortion, units 9 and 33 are wild, and unit 17 failed.
pub(crate) fn two_batches() -> Table {
    let mut rng = Rng::new(7);
    let text = |name: &str, value: &dyn Fn(usize) -> String| TextColumn {
        name: name.into(),
        values: (0..50).map(value).collect(),
    };
    let texts = vec![
        text("file", &|row| format!("unit_{row:02}.csv")),
        text("batch", &|row| if row < 25 { "monday".into() } else { "tuesday".into() }),
        // The first row is the last capture.
        text("captured_at", &|row| format!("2026-01-01T00:00:{:02}Z", (row + 49) % 50)),
        text("unit", &|_| "mV".into()),
        text("error", &|row| if row == 17 { "sample 3 is NaN; cut it out".into() } else { String::new() }),
        text("version", &|_| "0.1.0".into()),
    ];
    let mut number = |name: &str, mean: f64, deviation: f64, second: f64, wild: f64| {
        let value = |row: usize| match row {
            17 => f64::NAN,
            9 | 33 => mean + wild * deviation,
            row => mean + deviation * normal(&mut rng) + if row < 25 { 0.0 } else { second },
        };
        NumberColumn { name: name.into(), values: (0..50).map(value).collect() }
    };
    let numbers = vec![
        number("n_samples", 20_000.0, 0.0, 0.0, 0.0),
        number("rms", 0.4, 0.01, 0.0, 15.0),
        number("dominant_frequency", 1000.0, 0.0, 0.0, 0.0),
        number("snr_db", 42.0, 1.0, 0.0, -15.0),
        number("thd_percent", 0.8, 0.05, 0.3, 0.0),
        number("rise_time", f64::NAN, 0.0, 0.0, 0.0),
    ];
    Table::new(texts, numbers).unwrap()
}

fn grouped(table: Table) -> ReportData {
    ReportData { group: Some("batch".into()), ..ReportData::new("Two batches", table) }
}

fn report(data: ReportData) -> Report {
    Report::new(data).unwrap()
}

#[test]
fn the_summary_has_every_count_and_every_number() {
    let summary = report(grouped(two_batches())).summary();
    assert_eq!(
        summary["captures"],
        serde_json::json!({ "total": 50, "measured": 49, "failed": 1, "with_outliers": summary["captures"]["with_outliers"] })
    );
    assert_eq!(summary["measurements"], 4 * 49);
    let metrics = summary["metrics"].as_array().unwrap();
    let names: Vec<&str> = metrics.iter().map(|metric| metric["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["rms", "dominant_frequency", "snr_db", "thd_percent", "rise_time"]);
    assert_eq!((&metrics[0]["unit"], &metrics[2]["unit"]), (&"mV".into(), &"dB".into()));
    let wild: Vec<&str> =
        metrics[0]["outliers"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(wild.contains(&"unit_09.csv") && wild.contains(&"unit_33.csv"), "{wild:?}");
    assert!(metrics[4]["description"]["mean"].is_null(), "NaN is null");
    assert_eq!(summary["failures"][0]["subject"], "unit_17.csv");
    assert_eq!(summary["versions"], serde_json::json!(["0.1.0"]));
    assert_eq!(summary["first_captured_at"], "2026-01-01T00:00:00Z");
    let n_with = summary["captures"]["with_outliers"].as_f64().unwrap();
    assert_eq!(summary["quality_score"].as_f64().unwrap(), 100.0 * (49.0 - n_with) / 50.0);
}

#[test]
fn batches_are_compared_and_what_differs_is_named() {
    let report = report(grouped(two_batches()));
    let summary = report.summary();
    let moved: Vec<&str> = summary["comparisons"]["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["verdict"] == "moved")
        .map(|one| one["metric"].as_str().unwrap())
        .collect();
    assert_eq!(moved, ["thd_percent"]);
    assert!(report.terminal(80).contains("1 of 4 comparisons differ"), "{}", report.terminal(80));
    assert!(report.page().contains("Each batch against the others"));
}

#[test]
fn the_control_chart_is_in_the_order_of_capture_and_names_what_is_outside() {
    let summary = report(grouped(two_batches())).summary();
    let rms = &summary["metrics"][0];
    let outside: Vec<&str> =
        rms["outside"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(outside, ["unit_09.csv", "unit_33.csv"]);
    // Row 0 was captured last: its place is 49, and that of unit 9 is 8.
    assert_eq!(rms["control_chart"]["outside"], serde_json::json!([8, 32]));
    let table = two_batches();
    let rms_values = table.number("rms").unwrap();
    let in_order = (1..50).chain([0]).map(|row| rms_values[row]);
    let chart = ControlChart::of(in_order).unwrap();
    assert_eq!(rms["control_chart"]["upper"].as_f64().unwrap(), chart.upper);
    assert!((chart.upper - chart.mean - 2.66 * chart.mean_moving_range).abs() < 1e-12);
}

#[test]
fn the_terminal_has_units_names_and_the_score_in_eighty_columns() {
    let text = report(grouped(two_batches())).terminal(80);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    for part in
        ["196 measurements from 49 captures, 1 failed", "snr_db", "dB", "unit_17.csv: sample 3 is NaN", "quality score"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("not defined for these captures: rise_time"), "{text}");
    let line = text.lines().find(|line| line.starts_with("rms")).unwrap();
    assert!(line.contains("mV") && line.trim_end().ends_with('%'), "{line}");
}

/// A table with names that would do harm in a terminal, a page or a spreadsheet.
fn hostile() -> Table {
    let text = |name: &str, value: String| TextColumn { name: name.into(), values: vec![value; 12] };
    let texts = vec![
        text("file", HOSTILE.repeat(40)),
        text("batch", HOSTILE.into()),
        text("captured_at", "yesterday".into()),
        text("error", HOSTILE.repeat(9)),
    ];
    let wild = vec![f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308, 5e-324, f64::NAN, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    let numbers = vec![
        NumberColumn { name: HOSTILE.repeat(3), values: wild },
        NumberColumn { name: "rms".into(), values: vec![f64::NAN; 12] },
    ];
    Table::new(texts, numbers).unwrap()
}

#[test]
fn hostile_names_and_numbers_stay_within_their_lines_and_their_elements() {
    let data = ReportData { title: HOSTILE.into(), subtitle: HOSTILE.into(), ..grouped(hostile()) };
    let report = report(data);
    let text = report.terminal(80);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
    let page = report.page();
    assert!(!page.contains("<script") && !page.contains('\u{1b}'));
    assert_well_formed(&page);
    assert!(!report.summary().to_string().contains("NaN"));
}

/// The page is XML but for its first lines: every element closes.
pub(crate) fn assert_well_formed(page: &str) {
    let body = &page[page.find("<main>").unwrap()..page.find("</body>").unwrap()];
    roxmltree::Document::parse(body).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_table_without_rows_metrics_or_measured_captures_has_a_report_that_says_so() {
    let empty = report(ReportData::new("Empty", Table::default()));
    assert!(empty.page().contains("No metric has a value.") && empty.terminal(80).contains("no quality score"));
    assert_eq!(empty.quality_score(), None);
    let failed = TextColumn { name: "error".into(), values: vec!["no rate".into(); 3] };
    let rms = NumberColumn { name: "rms".into(), values: vec![f64::NAN; 3] };
    let report = report(ReportData::new("Failed", Table::new(vec![failed], vec![rms]).unwrap()));
    assert_eq!(report.quality_score(), Some(0.0));
    assert_well_formed(&report.page());
    assert!(report.terminal(80).contains("0 measurements from 0 captures, 3 failed"));
}

#[test]
fn the_same_data_give_the_same_bytes_and_facts_notes_and_files_are_shown() {
    let data = || ReportData {
        facts: vec![Fact { name: "Mode".into(), value: "threads".into() }],
        notes: vec![Warning { subject: "b.txt".into(), reason: "is no capture".into() }],
        files: vec![Link { path: "results.csv".into(), about: "all measurements".into() }],
        ..grouped(two_batches())
    };
    let (one, other) = (report(data()), report(data()));
    let page = one.page();
    assert_eq!((&page, one.summary()), (&other.page(), other.summary()));
    for part in
        ["threads", "is no capture", "./results.csv", "Each value", "Control charts", "Outside of the control limits"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(one.summary()["facts"]["Mode"], "threads");
    assert_well_formed(&page);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("signal-report");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("index.html"), page).unwrap();
}

#[test]
fn outlying_values_have_a_column_of_groups_only_where_there_are_groups() {
    let page = |data| report(data).page();
    assert!(page(grouped(two_batches())).contains(">batch</th>"));
    let page = page(ReportData::new("Pooled", two_batches()));
    assert!(!page.contains(">batch</th>") && !page.contains(">group</th>"));
    assert_well_formed(&page);
}

#[test]
fn a_column_that_is_named_and_not_there_is_refused_with_the_nearest() {
    let named = ReportData { metrics: Some(vec!["rsm".into()]), ..ReportData::new("x", two_batches()) };
    assert!(Report::new(named).unwrap_err().to_string().contains("did you mean \"rms\"?"));
    let group = ReportData { group: Some("bacht".into()), ..ReportData::new("x", two_batches()) };
    assert!(Report::new(group).unwrap_err().to_string().contains("did you mean \"batch\"?"));
}

#[test]
fn outliers_are_judged_within_their_group() {
    // Two populations: 9.0 is wild within the first, and in the middle of both together.
    let values: Vec<f64> = (0..40)
        .map(|row| if row == 5 { 9.0 } else { f64::from(row % 7) * 0.01 + if row < 20 { 0.0 } else { 20.0 } })
        .collect();
    let batch = (0..40).map(|row| if row < 20 { "a".into() } else { "b".into() }).collect();
    let texts = vec![TextColumn { name: "batch".into(), values: batch }];
    let table = Table::new(texts, vec![NumberColumn { name: "rms".into(), values }]).unwrap();
    let outliers = |data| report(data).summary()["metrics"][0]["outliers"].clone();
    assert_eq!(outliers(ReportData::new("pooled", table.clone())), serde_json::json!([]));
    let grouped = outliers(grouped(table));
    assert_eq!((&grouped[0]["row"], grouped.as_array().unwrap().len()), (&5.into(), 1));
}

#[test]
fn a_comparison_of_groups_has_whole_names_and_verdicts_on_a_terminal() {
    let pair = "metric mean of a mean of b change, % adjusted p verdict";
    let pairs = "metric a b change, % adjusted p verdict";
    for (groups, expected) in [(["north", "south", "north"], pair), (["north", "south", "east"], pairs)] {
        let batches = (0..30).map(|row| groups[row % 3].to_owned()).collect();
        let values = |row: usize| row as f64 + if row % 3 == 1 { 1e6 } else { 0.0 };
        let number =
            |metric: Metric| NumberColumn { name: metric.name().into(), values: (0..30).map(values).collect() };
        let texts = vec![TextColumn { name: "batch".into(), values: batches }];
        let table = Table::new(texts, Metric::ALL.map(number).into()).unwrap();
        let compared = compare_groups(&table, "batch", &RegressionSettings::default()).unwrap();
        let text = comparison_terminal(&compared, 80);
        assert!(text.lines().all(|line| line.chars().count() <= 80) && !text.contains('\u{2026}'), "{text}");
        assert!(text.contains("\nfundamental_frequency ") && text.contains("moved\n"), "{text}");
        let head = text.lines().find(|line| line.starts_with("metric ")).unwrap();
        assert_eq!(head.split_whitespace().collect::<Vec<_>>().join(" "), expected);
        assert_eq!(text.contains("\na: north, b: south\n"), expected == pair, "{text}");
    }
}

#[test]
fn a_metric_that_steps_is_said_to_step_and_names_no_captures() {
    let values = (0..40).map(|row| f64::from(row % 2) * 0.1 + if row < 20 { 0.0 } else { 5.0 }).collect();
    let rms = NumberColumn { name: "rms".into(), values };
    let report = report(ReportData::new("Steps", Table::new(Vec::new(), vec![rms]).unwrap()));
    let text = report.terminal(80);
    assert!(text.contains("rms: 40 of 40; it drifts or steps") && !text.contains("row 1"), "{text}");
    let page = report.page();
    assert!(page.contains("and not listed here: rms.") && page.contains("Every other value is within"));
    assert_eq!(report.summary()["metrics"][0]["outside"].as_array().unwrap().len(), 40, "programs get every value");
}

#[test]
fn a_column_of_names_as_groups_is_reported_without_comparing_each_with_all() {
    let names: Vec<String> = (0..20_000).map(|row| format!("u{row}")).collect();
    let rms = NumberColumn { name: "rms".into(), values: (0..20_000).map(f64::from).collect() };
    let table = Table::new(vec![TextColumn { name: "batch".into(), values: names }], vec![rms]).unwrap();
    let report = report(grouped(table));
    assert!(report.summary()["comparisons"].is_null());
    let text = report.terminal(80);
    assert!(text.contains("20000 groups by batch are too many to compare"), "{text}");
    assert!(report.page().contains("19988 more not drawn"));
}

#[test]
fn a_large_table_has_a_page_of_bounded_size() {
    let rows = 50_000;
    let mut rng = Rng::for_test("large table");
    let file = TextColumn { name: "file".into(), values: (0..rows).map(|row| format!("u{row}")).collect() };
    let rms = NumberColumn { name: "rms".into(), values: (0..rows).map(|_| normal(&mut rng).powi(5)).collect() };
    let page = report(ReportData::new("Large", Table::new(vec![file], vec![rms]).unwrap())).page();
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert!(page.contains("The first 300 of"));
}

#[test]
fn samples_in_several_units_are_noted_where_a_metric_depends_on_them() {
    let table = |metric: &str| {
        let units = TextColumn { name: "unit".into(), values: vec!["V".into(), "FS".into(), "V".into()] };
        Table::new(vec![units], vec![NumberColumn { name: metric.into(), values: vec![1.0, 2.0, 1.5] }]).unwrap()
    };
    let shown = |metric: &str| report(ReportData::new("Mixed", table(metric))).terminal(80);
    assert!(shown("rms").contains("units: the samples are in V and in FS"), "{}", shown("rms"));
    assert!(!shown("snr_db").contains("units:"), "{}", shown("snr_db"));
}
