//! The golden cases: where they lie, how their tables are read, and when two numbers count as equal.
//!
//! The reader here is the tests' own, so that it cannot share a mistake with the library's.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sleep_analysis::{Column, Signal};

/// The folder of golden data, or none and a loud line where it is absent. With `MANYHANDS_REQUIRE_SHARED` set, absence
/// is a failure.
pub(crate) fn golden(folder: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden")).join(folder);
    if path.is_dir() {
        return Some(path);
    }
    let required = std::env::var_os("MANYHANDS_REQUIRE_SHARED").is_some();
    assert!(!required, "golden data {folder:?} is required and absent");
    // Not `eprintln`, which a test that passes keeps to itself.
    writeln!(std::io::stderr(), "SKIPPED: golden data {folder:?} is absent, so nothing was compared")
        .expect("the terminal takes a line");
    None
}

/// The cases of `folder` whose description names this operation; fails when there is none.
pub(crate) fn cases_of(folder: &Path, operation: &str) -> Vec<Case> {
    let mut folders: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let with_case = folders.into_iter().filter(|path| path.join("case.json").is_file());
    let cases = with_case.map(|folder| Case { description: json(&folder.join("case.json")), folder });
    let cases: Vec<Case> = cases.filter(|case| case.description["operation"] == operation).collect();
    assert!(!cases.is_empty(), "no golden case of {operation}");
    cases
}

/// A folder with a `case.json`.
pub(crate) struct Case {
    pub(crate) folder: PathBuf,
    pub(crate) description: Value,
}

impl Case {
    pub(crate) fn name(&self) -> String {
        self.folder.file_name().unwrap().to_string_lossy().into_owned()
    }

    pub(crate) fn table(&self, file: &str) -> Table {
        read_table(&self.folder.join(file))
    }

    /// The input signals, in the order of the description.
    pub(crate) fn signals(&self) -> Vec<Signal> {
        let read = |signal: &Value| {
            let table = self.table(signal["file"].as_str().unwrap());
            Signal::new(signal["name"].as_str().unwrap(), table.keys, table.columns).unwrap()
        };
        self.description["signals"].as_array().unwrap().iter().map(read).collect()
    }
}

/// A golden table: an integer column and columns of numbers, NaN for an empty field.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) keys: Vec<i64>,
    pub(crate) columns: Vec<Column>,
}

impl Table {
    pub(crate) fn column(&self, name: &str) -> &[f64] {
        let column = self.columns.iter().find(|column| column.name == name);
        &column.unwrap_or_else(|| panic!("no column {name:?}")).values
    }
}

/// Reads a golden CSV whose first column holds integers.
pub(crate) fn read_table(path: &Path) -> Table {
    let (names, rows) = read_fields(path);
    let keys = rows.iter().map(|row| row[0].parse().unwrap()).collect();
    Table { keys, columns: columns(&names, &rows).split_off(1) }
}

/// Reads a golden CSV of numbers only.
pub(crate) fn read_columns(path: &Path) -> Vec<Column> {
    let (names, rows) = read_fields(path);
    columns(&names, &rows)
}

fn columns(names: &[String], rows: &[Vec<String>]) -> Vec<Column> {
    let values = |idx: usize| rows.iter().map(|row| number(&row[idx])).collect::<Vec<_>>();
    names.iter().enumerate().map(|(idx, name)| Column::new(name, values(idx))).collect()
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Equal to the last digit that matters: 1e-9 of the value, or of the scale that its rounding depends on.
#[track_caller]
pub(crate) fn assert_close(actual: f64, expected: f64, scale: f64, what: &str) {
    let tolerance = 1e-9 * expected.abs().max(scale.abs());
    let is_close = actual == expected || actual.is_nan() && expected.is_nan() || (actual - expected).abs() <= tolerance;
    assert!(is_close, "{what}: {actual} where {expected} is expected");
}

/// Equal to the last bit, where NaN equals NaN and the zeros each other.
#[track_caller]
pub(crate) fn assert_same(actual: f64, expected: f64, what: &str) {
    assert!(actual == expected || actual.is_nan() && expected.is_nan(), "{what}: {actual}, not {expected}");
}

fn number(field: &str) -> f64 {
    if field.is_empty() { f64::NAN } else { field.parse().unwrap() }
}

fn read_fields(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let text = fs::read_to_string(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().unwrap();
    (names, lines.collect())
}
