//! `signal-batch validate`: units by limits, from tables and from captures.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use signal_batch::Table;

use crate::program::{require_code, signal_batch};

/// Writes so many units in batches of ten: each tenth is below the limit of rms, and the last one lacks its snr.
fn write_units(path: &Path, n_units: usize) {
    let mut csv = "file,batch,rms,snr_db,unit,error\n".to_owned();
    for unit in 0..n_units {
        let rms = if unit % 10 == 3 { 0.125 } else { 0.5 };
        let snr = if unit + 1 == n_units { "" } else { "30" };
        writeln!(csv, "unit_{unit:04},lot_{:03},{rms},{snr},mV,", unit / 10).unwrap();
    }
    fs::write(path, csv).unwrap();
}

const LIMITS: &str = "[metrics.rms]\nmin = 0.25\nmax = 0.75\n[metrics.snr_db]\nmin = 20\nmax_change = \"2%\"\n";

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new(limits: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("limits.toml"), limits).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn validate(&self, arguments: &[&str]) -> Output {
        signal_batch(&[&["validate", "--limits", &self.path("limits.toml")], arguments].concat())
    }
}

#[test]
fn a_thousand_units_are_judged_with_reasons_scores_and_yields() {
    let case = Case::new(LIMITS);
    write_units(Path::new(&case.path("results.csv")), 1000);
    let (table, out) = (case.path("results.csv"), case.path("out"));
    let (text, _) = require_code(&case.validate(&[&table, "--out", &out]), 1);
    for part in [
        "1000 units, 899 passed, 101 failed",
        "yield 89.90 %, score 98.70 of 100",
        "unit_0999 (score 50.00): snr_db is missing, and has a limit",
        "unit_0003 (score 87.50): rms is 0.125 mV, below the limit 0.25 mV",
        "0.25 to 0.75",
        "81 more failed",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let first = text.lines().skip_while(|line| !line.starts_with("failed")).nth(1).unwrap();
    assert!(first.starts_with("unit_0999"), "the worst is not first: {text}");
    let is_wide = |line: &&str| line.chars().count() > 80 && !line.contains("look at") && !line.contains("1000 units,");
    assert_eq!(text.lines().find(is_wide), None);
    let verdicts = Table::read_csv(Path::new(&out).join("verdicts.csv")).unwrap();
    assert_eq!((verdicts.n_rows(), verdicts.text("verdict").unwrap()[3].as_str()), (1000, "fail"));
    assert_eq!(verdicts.number("rms").unwrap()[3], 0.125);
    let summary: Value = serde_json::from_slice(&fs::read(Path::new(&out).join("validation.json")).unwrap()).unwrap();
    assert_eq!((&summary["failed"], &summary["batches"][0]["batch"]), (&101.into(), &"lot_099".into()));
    assert_eq!(summary["verdicts"][3]["reasons"][0]["limit"], 0.25);
    let page = fs::read_to_string(Path::new(&out).join("index.html")).unwrap();
    assert!(page.contains("unit_0999") && page.ends_with("</html>\n"));
}

#[test]
fn units_that_all_pass_end_with_zero() {
    let case = Case::new("[metrics.rms]\nmin = 0\n");
    write_units(Path::new(&case.path("results.csv")), 5);
    // A folder of results stands for its table.
    let folder = case.folder.path().to_str().unwrap().to_owned();
    let (text, _) = require_code(&case.validate(&[&folder, "--json"]), 0);
    let summary: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&summary["passed"], &summary["score"]), (&5.into(), &100.0.into()));
}

#[test]
fn captures_are_measured_first_and_judged_alike_in_every_mode() {
    let case = Case::new("[metrics.rms]\nmax = 0.4235\n[metrics.rise_time]\nmax = 1.0e-5\n");
    let mut serial = None;
    for mode in ["serial", "threads", "processes"] {
        let out = case.path(mode);
        require_code(&case.validate(&["--made", "4", "--mode", mode, "--out", &out]), 1);
        let bytes = fs::read(Path::new(&out).join("verdicts.csv")).unwrap();
        assert_eq!(&bytes, serial.get_or_insert_with(|| bytes.clone()), "{mode}");
    }
    let measured = case.path("measured");
    require_code(&signal_batch(&["measure", "--made", "4", "--out", &measured]), 0);
    require_code(&case.validate(&[&measured, "--out", &case.path("table")]), 1);
    assert_eq!(fs::read(case.path("table/verdicts.csv")).unwrap(), serial.unwrap());
    let (_, shown) = require_code(&case.validate(&[&measured, "--out", &measured]), 2);
    assert!(shown.contains("holds a run of measure"), "{shown}");
}

#[test]
fn a_capture_that_cannot_be_measured_fails_and_says_why() {
    let case = Case::new("[metrics.rms]\nmax = 10\n");
    let (good, bad) = (case.path("good.csv"), case.path("bad.csv"));
    fs::write(&good, "1\n2\n").unwrap();
    fs::write(&bad, "1\ntwo\n").unwrap();
    let (text, _) = require_code(&case.validate(&[&good, &bad, "--rate", "10"]), 1);
    assert!(
        text.contains("2 units, 1 passed, 1 failed") && text.contains("bad.csv (score 0.00): not measured:"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_judged_is_refused_with_the_way_out() {
    for (limits, table, named) in [
        ("[metrics.rms]\nmin = 2\nmax = 1\n", "file,rms\na,1\n", "line 1: the limits of \"rms\": min = 2 is above"),
        (
            "[metrics.rms]\nmin = 0\n[metrics.peek]\nmin = 0\n",
            "file,rms,peak\na,1,2\n",
            "line 3: there is no metric \"peek\"",
        ),
        ("[metrics.rms]\nmim = 0\n", "file,rms\na,1\n", "expected one of `min`"),
        ("[metrics.rms]\nmax_change = 0.5\n", "file,rms\na,1\n", "no limits to judge by"),
        ("[metrics.rms]\nmin = 0\n", "file,rms\n", "has no rows"),
        ("[metrics.rms]\nmin = 0\n", "file,rms\na,1\nb\n", "line 3 has 1 cells"),
        ("[metrics.rms]\nmin = 0\n", "file,rms\na,one\n", "\"one\" is no number"),
    ] {
        let case = Case::new(limits);
        fs::write(case.path("t.csv"), table).unwrap();
        let (_, shown) = require_code(&case.validate(&[&case.path("t.csv")]), 2);
        assert!(shown.contains(named), "{limits:?} {table:?}: {shown}");
    }
    let case = Case::new(LIMITS);
    let (_, shown) = require_code(&case.validate(&[&case.path("absent.csv")]), 2);
    assert!(shown.contains("absent.csv"), "{shown}");
    let (_, shown) = require_code(&case.validate(&[]), 2);
    assert!(shown.contains("--made N"), "{shown}");
    let case = Case::new("[metrics.rsm]\nmin = 0\n");
    let (_, shown) = require_code(&case.validate(&["--made", "3"]), 2);
    assert!(shown.contains("limits.toml") && shown.contains("did you mean \"rms\"?"), "{shown}");
}

#[test]
fn the_limits_of_the_help_text_can_be_used() {
    let (help, _) = require_code(&signal_batch(&["validate", "--help"]), 0);
    let lines = help.lines().skip_while(|line| !line.contains("[metrics.rms]"));
    let limits: String = lines.take_while(|line| !line.is_empty()).map(|line| format!("{}\n", line.trim())).collect();
    let case = Case::new(&limits);
    require_code(&case.validate(&["--made", "3"]), 0);
}
