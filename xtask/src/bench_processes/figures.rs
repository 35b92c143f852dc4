//! The figures of all lines: medians by peer, case and key, as one table per case. Pure.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt::{self, Write as _};

/// All readings so far.
#[derive(Debug, Default)]
pub(super) struct Figures {
    readings: Vec<Reading>,
}

/// One line: one peer, one case, one repetition.
#[derive(Debug)]
struct Reading {
    peer: String,
    case: String,
    values: Vec<(String, Value)>,
}

/// The pairs of an object in the order of the line, in which the tables show them.
struct Pairs(Vec<(String, Value)>);

/// The number of the repetition: no figure.
const REPETITION: &str = "rep";
/// Numbers that Python writes and JSON does not have.
const NO_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];
/// The key of a line whose peer could not be measured.
const ERROR: &str = "error";

impl Figures {
    /// Reads a line.
    pub(super) fn add(&mut self, line: &str) -> Result<(), String> {
        let unreadable = |reason: &str| format!("this line is no reading: {reason}: {line}");
        let readable =
            NO_NUMBERS.iter().fold(line.to_owned(), |line, word| line.replace(&format!(": {word}"), ": null"));
        let Pairs(mut values) = serde_json::from_str(&readable).map_err(|error| unreadable(&error.to_string()))?;
        let mut text = |key: &str| {
            let idx = values.iter().position(|(name, _)| name == key)?;
            if let (_, Value::String(text)) = values.remove(idx) { Some(text) } else { None }
        };
        let (Some(peer), Some(case)) = (text("peer"), text("case")) else {
            return Err(unreadable("it does not name its peer and its case"));
        };
        values.retain(|(key, _)| key != REPETITION);
        self.readings.push(Reading { peer, case, values });
        Ok(())
    }

    /// The median over the repetitions; `None` where there is no such number.
    pub(super) fn median(&self, peer: &str, case: &str, key: &str) -> Option<f64> {
        median(self.numbers(peer, case, key))
    }

    /// Every number with this key, true as 1 and false as 0.
    pub(super) fn numbers(&self, peer: &str, case: &str, key: &str) -> Vec<f64> {
        self.values(peer, case, key).filter_map(number).collect()
    }

    /// The peers with this case, in the order of their lines, but manyhands and `raw` first.
    pub(super) fn peers(&self, case: &str) -> Vec<&str> {
        let readings = self.readings.iter().filter(|reading| reading.case == case);
        let mut peers = distinct(readings.map(|reading| reading.peer.as_str()));
        peers.sort_by_key(|peer| (*peer != "manyhands", *peer != "raw"));
        peers
    }

    /// The errors of these peers.
    pub(super) fn problems<'a>(&'a self, peers: &'a [&str]) -> impl Iterator<Item = String> + 'a {
        let readings = self.readings.iter().filter(|reading| peers.contains(&reading.peer.as_str()));
        readings.filter_map(Reading::problem)
    }

    /// A table per case: a row per peer, a column per key.
    pub(super) fn tables(&self) -> String {
        let cases = distinct(self.readings.iter().map(|reading| reading.case.as_str()));
        cases.into_iter().fold(String::new(), |text, case| text + &self.case_table(case))
    }

    fn case_table(&self, case: &str) -> String {
        let readings = || self.readings.iter().filter(|reading| reading.case == case);
        let pairs = readings().flat_map(|reading| &reading.values);
        let shown = pairs.filter(|(key, value)| key != ERROR && is_figure(value));
        let keys = distinct(shown.map(|(key, _)| key.as_str()));
        let mut rows = vec![["peer"].into_iter().chain(keys.iter().copied()).map(str::to_owned).collect()];
        for peer in self.peers(case) {
            let cells = keys.iter().map(|key| self.cell(peer, case, key));
            rows.push([peer.to_owned()].into_iter().chain(cells).collect());
        }
        let mut text = format!("\n## {case}\n\n{}", table(&rows));
        let problems: Vec<String> = readings().filter_map(Reading::problem).collect();
        for problem in distinct(problems.iter().map(String::as_str)) {
            writeln!(text, "\n{problem}").expect("writing to a string does not fail");
        }
        text
    }

    /// The median, or the text that stands in place of a number.
    fn cell(&self, peer: &str, case: &str, key: &str) -> String {
        let said = self.values(peer, case, key).find_map(|value| match value {
            Value::String(text) => Some(text.clone()),
            _ => None,
        });
        said.or_else(|| self.median(peer, case, key).map(short)).unwrap_or_else(|| "-".to_owned())
    }

    fn values<'a>(&'a self, peer: &'a str, case: &'a str, key: &'a str) -> impl Iterator<Item = &'a Value> {
        let readings = self.readings.iter().filter(move |reading| reading.peer == peer && reading.case == case);
        readings.flat_map(|reading| &reading.values).filter(move |(name, _)| name == key).map(|(_, value)| value)
    }
}

impl Reading {
    /// The error of a line without figures.
    fn problem(&self) -> Option<String> {
        let (_, problem) = self.values.iter().find(|(key, _)| key == ERROR)?;
        let text = problem.as_str().unwrap_or("no message");
        Some(format!("{}, {}: {text}", self.peer, self.case))
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let pairs = std::iter::from_fn(|| map.next_entry().transpose());
        pairs.collect::<Result<_, _>>().map(Pairs)
    }
}

/// Lists, objects and null are none.
fn is_figure(value: &Value) -> bool {
    value.is_number() || value.is_boolean() || value.is_string()
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_bool().map(|is_true| f64::from(u8::from(is_true))))
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = *numbers.get(middle)?;
    Some(if numbers.len() % 2 == 1 { upper } else { f64::midpoint(numbers[middle - 1], upper) })
}

/// Three significant digits; large numbers without decimals.
pub(super) fn short(number: f64) -> String {
    let digits = match number.abs() {
        0.0 => 0,
        size if size < 0.1 => 4,
        size if size < 1.0 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Rows of cells as a Markdown table; the first row is the head.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let Some((head, body)) = rows.split_first() else { return String::new() };
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..head.len()).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    [head, &rule].into_iter().chain(body).map(|row| line(row)).collect()
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    names.fold(Vec::new(), |mut seen, name| {
        if !seen.contains(&name) {
            seen.push(name);
        }
        seen
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Figures {
        let mut figures = Figures::default();
        lines.iter().for_each(|line| figures.add(line).unwrap());
        figures
    }

    #[test]
    fn the_median_is_the_middle_one_or_between_the_middle_two() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0, 4.0]), Some(3.0));
    }

    #[test]
    fn repetitions_of_one_peer_and_case_make_one_median() {
        let figures = read(&[
            r#"{"peer": "mp", "case": "start", "rep": 0, "ms": 1, "ok": true}"#,
            r#"{"peer": "mp", "case": "start", "rep": 1, "ms": 9, "ok": false}"#,
            r#"{"peer": "mp", "case": "start", "rep": 2, "ms": 2, "ok": true}"#,
            r#"{"peer": "mp", "case": "other", "rep": 0, "ms": 700}"#,
            r#"{"peer": "pebble", "case": "start", "rep": 0, "ms": 800}"#,
        ]);
        assert_eq!(figures.median("mp", "start", "ms"), Some(2.0));
        assert_eq!(figures.median("mp", "start", "ok"), Some(1.0));
        assert_eq!(figures.median("mp", "start", "rep"), None);
        assert_eq!(figures.median("loky", "start", "ms"), None);
        assert_eq!(figures.peers("start"), ["mp", "pebble"]);
    }

    #[test]
    fn a_table_has_a_row_per_peer_and_says_what_was_no_number() {
        let figures = read(&[
            r#"{"peer": "mp", "case": "ctrl_c", "rep": 0, "s": "not within 5 s", "list": [1]}"#,
            r#"{"peer": "raw", "case": "ctrl_c", "rep": 0, "s": 0.25, "left": 0}"#,
            r#"{"peer": "loky", "case": "ctrl_c", "rep": 0, "error": "rc 1"}"#,
            r#"{"peer": "loky", "case": "ctrl_c", "rep": 1, "error": "rc 1"}"#,
        ]);
        let expected = "
## ctrl_c

| peer | s              | left |
| ---- | -------------- | ---- |
| raw  | 0.25           | 0    |
| mp   | not within 5 s | -    |
| loky | -              | -    |

loky, ctrl_c: rc 1
";
        assert_eq!(figures.tables(), expected);
    }

    #[test]
    fn only_the_problems_of_the_named_peers_are_told() {
        let figures = read(&[
            r#"{"peer": "mp", "case": "start", "rep": 0, "error": "theirs"}"#,
            r#"{"peer": "manyhands", "case": "start", "rep": 0, "error": "ours"}"#,
        ]);
        assert_eq!(figures.problems(&["manyhands", "raw"]).collect::<Vec<_>>(), ["manyhands, start: ours"]);
    }

    #[test]
    fn a_line_without_peer_or_case_is_refused() {
        for line in ["{}", r#"{"peer": "mp"}"#, r#"{"peer": 1, "case": "start"}"#, "no JSON", "[]"] {
            assert!(Figures::default().add(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_number_that_json_does_not_have_is_no_figure() {
        let figures = read(&[r#"{"peer": "mp", "case": "start", "ms": NaN, "s": -Infinity, "us": -1.5e-3}"#]);
        assert_eq!([figures.median("mp", "start", "ms"), figures.median("mp", "start", "s")], [None; 2]);
        assert_eq!(figures.median("mp", "start", "us"), Some(-0.0015));
    }

    #[test]
    fn numbers_keep_the_digits_that_count() {
        let shown = [0.0, 0.03456, 0.5, 1.0, 1.2345, 45.678, 100.0, 1_234_567.8, -2.0].map(short);
        assert_eq!(shown, ["0", "0.0346", "0.5", "1", "1.23", "45.7", "100", "1234568", "-2"]);
    }
}
