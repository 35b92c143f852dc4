//! `signal-batch aggregate`: tables described, for all rows or for each group.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use signal_batch::Table;

use crate::program::{require_code, signal_batch};

/// Two lots far apart, of ten units each; one unit of the first lies between them, where no rule over all rows finds it.
fn lots(label: fn(usize) -> String) -> String {
    let mut csv = "file,lot,rms,peak\n".to_owned();
    for unit in 0..20 {
        let rms = if unit == 7 { 5.0 } else { (unit / 10 * 9) as f64 + 1.0 + (unit % 10) as f64 / 100.0 };
        writeln!(csv, "unit_{unit:02},{},{rms},{}", label(unit / 10), if unit == 3 { "" } else { "2" }).unwrap();
    }
    csv
}

fn aggregate(csv: &str, more: &[&str]) -> (Output, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.csv");
    fs::write(&path, csv).unwrap();
    let out = folder.path().join("out");
    let arguments = ["aggregate", path.to_str().unwrap(), "--out", out.to_str().unwrap()];
    (signal_batch(&[&arguments[..], more].concat()), folder)
}

fn summary(folder: &Path) -> Table {
    Table::read_csv(folder.join("out/summary.csv")).unwrap()
}

#[test]
fn groups_show_what_a_rule_over_all_rows_misses() {
    let csv = lots(|lot| format!("lot {lot}"));
    let (output, folder) = aggregate(&csv, &[]);
    let (_, shown) = require_code(&output, 0);
    assert!(shown.contains("lot has 2 groups") && shown.contains("--group lot"), "{shown}");
    let pooled = summary(folder.path());
    assert_eq!((pooled.n_rows(), pooled.number("outliers").unwrap()[0]), (2, 0.0));
    let (output, folder) = aggregate(&csv, &["--group", "lot"]);
    let (text, shown) = require_code(&output, 0);
    assert!(text.contains("unit_07: rms") && !shown.contains("groups"), "{text} {shown}");
    let grouped = summary(folder.path());
    assert_eq!(grouped.text("group").unwrap(), ["lot 0", "lot 0", "lot 1", "lot 1"]);
    assert_eq!(grouped.number("outliers").unwrap(), [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(grouped.number("count").unwrap(), [10.0, 9.0, 10.0, 10.0]);
}

#[test]
fn groups_whose_labels_are_numbers_are_groups() {
    let (output, folder) = aggregate(&lots(|lot| format!("0{lot}")), &["--group", "lot"]);
    require_code(&output, 0);
    assert_eq!(summary(folder.path()).text("group"), None, "01 is read back as a number");
    let written = fs::read_to_string(folder.path().join("out/summary.csv")).unwrap();
    assert!(written.contains("\n00,rms,iqr,10,") && written.contains("\n01,peak,iqr,10,"), "{written}");
}

#[test]
fn the_rule_and_the_threshold_are_those_that_were_asked_for() {
    let csv =
        "file,x\n".to_owned() + &(0..30).map(|at| format!("u{at},{}\n", at % 3)).collect::<String>() + "wild,40\n";
    for (more, outliers) in [
        (&["--method", "z"][..], 1.0),
        (&["--method", "z", "--threshold", "6"], 0.0),
        (&["--method", "modified-z", "--threshold", "3.5"], 1.0),
        (&["--method", "iqr", "--threshold", "100"], 0.0),
    ] {
        let (output, folder) = aggregate(&csv, more);
        require_code(&output, 0);
        let summary = summary(folder.path());
        assert_eq!(
            (summary.number("outliers").unwrap(), &summary.text("method").unwrap()[0][..]),
            (&[outliers][..], more[1])
        );
    }
}

#[test]
fn a_column_that_is_numbers_but_for_a_slip_is_left_out_by_name() {
    let (output, folder) = aggregate("file,x,y\na,1,1\nb,2,2\nc,3;,3\n", &[]);
    let (_, shown) = require_code(&output, 1);
    assert!(shown.contains("column \"x\" is left out, as \"3;\" is no number"), "{shown}");
    assert_eq!(summary(folder.path()).text("metric").unwrap(), ["y"]);
    let (output, _folder) = aggregate("file;x;y\na;1,5;1\nb;2,5;2\n", &[]);
    let (_, shown) = require_code(&output, 1);
    assert!(shown.contains("column \"x\" is left out, as \"1,5\" is no number"), "{shown}");
    let (output, _folder) = aggregate("file,x,y\na,1,1\nb,2,2\nc,3;,3\n", &["--metrics", "y"]);
    require_code(&output, 0);
}

#[test]
fn what_cannot_be_described_is_refused_with_the_way_out() {
    let csv = lots(|lot| format!("lot {lot}"));
    for (csv, more, named) in [
        (&csv[..], &["--metrics", "rsm"][..], "did you mean \"rms\"?"),
        (&csv, &["--group", "lto"], "\"lot\""),
        (&csv, &["--threshold", "-1"], "threshold"),
        (&csv, &["--threshold", "nan"], "threshold"),
        (&csv, &["--method", "sigma"], "modified-z"),
        ("", &[], "is empty"),
        ("file,rms\n", &[], "has no rows"),
        ("file,lot\na,b\n", &[], "no column of numbers"),
        ("file,rms,rms\na,1,2\n", &[], "two columns are called \"rms\""),
        ("file,rms\na,1\nb,2,3\n", &[], "line 3 has 3 cells"),
        ("file,rms\na,one\n", &[], "line 2, column \"rms\": \"one\" is no number"),
    ] {
        let (output, folder) = aggregate(csv, more);
        let (_, shown) = require_code(&output, 2);
        assert!(shown.contains(named), "{more:?} {csv:?}: {shown}");
        assert!(!folder.path().join("out").exists(), "{more:?}");
    }
}

#[test]
fn without_a_folder_for_results_nothing_is_written_and_json_is_the_whole_summary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, lots(|lot| format!("lot {lot}"))).unwrap();
    let (text, _) = require_code(&signal_batch(&["aggregate", path.to_str().unwrap(), "--json", "--quiet"]), 0);
    let summary: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(summary["metrics"][0]["name"], "rms", "{summary}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    fs::write(&path, "file,lot\na,b\n").unwrap();
    let (text, shown) = require_code(&signal_batch(&["aggregate", path.to_str().unwrap()]), 2);
    assert!(text.is_empty() && shown.contains("no column of numbers to describe; file, lot hold texts"), "{shown}");
}

#[test]
fn the_results_of_measure_are_described_with_their_units_and_a_run_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("measured");
    let out = out.to_str().unwrap();
    require_code(&signal_batch(&["measure", "--made", "6", "--unit", "mV", "--out", out]), 0);
    let (text, _) = require_code(&signal_batch(&["aggregate", out, "--group", "batch"]), 0);
    assert!(text.contains("mV") && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let (_, shown) = require_code(&signal_batch(&["aggregate", out, "--out", out]), 2);
    assert!(shown.contains("holds a run of measure"), "{shown}");
}
