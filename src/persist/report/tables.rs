//! The tables of a report: `metrics.csv` with a row per item, and `failed.jsonl` with a line per failed item. It writes
//! to what the caller opened.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::persist::report::aggregate::status;
use crate::record::{FailureKind, ItemRecord};
use crate::safe_text::csv_text;
use crate::sync::SystemTime;

/// The columns that each table has.
const COLUMNS: [&str; 9] =
    ["key", "status", "attempts", "start", "seconds", "cpu_seconds", "worker", "peak_memory_bytes", "resumed"];

/// So many amounts have a column of their own: each is a field of every row, so thousands of names would make the table
/// grow with items times names.
const MOST_OWN_COLUMNS: usize = 256;

/// The column of the others, as JSON.
const OTHER_AMOUNTS: &str = "other_amounts";

/// A row per item, in the order of the items.
///
/// Two passes: the first collects the names of amounts, sorted, since the header comes before the rows. A name that an
/// item did not report is an empty field. Amounts beyond the first 256 names are in one column, as an object of JSON.
/// No key and no name is a formula to a spreadsheet.
pub(crate) fn write_metrics(file: &mut dyn Write, items: &[ItemRecord]) -> io::Result<()> {
    let mut names: BTreeSet<&str> = items.iter().flat_map(|item| &item.amounts).map(|amount| &*amount.name).collect();
    let others = names.iter().nth(MOST_OWN_COLUMNS).copied().map(|first| names.split_off(first)).unwrap_or_default();
    let own = names;
    let places: HashMap<&str, usize> = own.iter().enumerate().map(|(place, name)| (*name, place)).collect();
    let mut table = csv::Writer::from_writer(file);
    let own_columns = own.iter().map(|name| csv_text(&column_name(name, &own)).into_owned());
    let last = (!others.is_empty()).then(|| free_name(OTHER_AMOUNTS, &own));
    table.write_record(COLUMNS.into_iter().map(String::from).chain(own_columns).chain(last))?;

    let mut amounts = vec![String::new(); own.len() + usize::from(!others.is_empty())];
    for item in items {
        amounts.iter_mut().for_each(String::clear);
        let mut rest = BTreeMap::new();
        for amount in &item.amounts {
            match places.get(&*amount.name) {
                Some(&place) => amounts[place] = number(amount.value),
                None => drop(rest.insert(&*amount.name, json_number(amount.value))),
            }
        }
        if !rest.is_empty() {
            amounts[own.len()] = serde_json::to_string(&rest)?;
        }
        table.write_record(fields(item).iter().chain(&amounts))?;
    }
    table.flush()
}

/// A number, or the text of one that JSON has not: infinity, or none at all.
fn json_number(value: f64) -> serde_json::Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => number.into(),
        None => number(value).into(),
    }
}

fn fields(item: &ItemRecord) -> [String; 9] {
    let or_empty = |known: Option<String>| known.unwrap_or_default();
    [
        csv_text(&item.key).into_owned(),
        status(item).to_string(),
        item.attempts.to_string(),
        or_empty(time_of_day(item.started)),
        seconds(item.elapsed),
        or_empty(item.cpu.map(seconds)),
        or_empty(item.worker.map(|worker| worker.to_string())),
        or_empty(item.peak_memory.map(|bytes| bytes.to_string())),
        item.is_resumed.to_string(),
    ]
}

/// Makes the name unique: an amount may be called `seconds` too.
///
/// An amount `seconds` becomes `amount_seconds`; where an amount has that name too, `amount_amount_seconds`.
fn column_name(name: &str, names: &BTreeSet<&str>) -> String {
    let mut column = name.to_string();
    while COLUMNS.contains(&&*column) || column != name && names.contains(&*column) {
        column.insert_str(0, "amount_");
    }
    column
}

/// The name, with a mark in front where an amount has it already.
fn free_name(name: &str, names: &BTreeSet<&str>) -> String {
    let mut column = name.to_string();
    while names.contains(&*column) {
        column.insert_str(0, "all_");
    }
    column
}

fn seconds(time: Duration) -> String {
    number(time.as_secs_f64())
}

/// The shortest text that reads back as the same number, without rows of zeros.
fn number(value: f64) -> String {
    let is_plain = value == 0.0 || (1e-6..1e16).contains(&value.abs()) || !value.is_finite();
    if is_plain { value.to_string() } else { format!("{value:e}") }
}

/// RFC 3339 in UTC, to the microsecond; `None` for times beyond the year 9999, which have no such text.
pub(crate) fn time_of_day(time: SystemTime) -> Option<String> {
    jiff::Timestamp::try_from(time).ok().map(|time| format!("{time:.6}"))
}

#[derive(Debug, Serialize)]
struct FailedItem<'a> {
    key: &'a str,
    kind: FailureKind,
    message: &'a str,
    attempts: u32,
}

/// A line per item that failed, in the order of the items.
pub(crate) fn write_failures(file: &mut dyn Write, items: &[ItemRecord]) -> io::Result<()> {
    for item in items {
        if let Some(failure) = &item.failure {
            let failed =
                FailedItem { key: &item.key, kind: failure.kind, message: &failure.message, attempts: item.attempts };
            serde_json::to_writer(&mut *file, &failed)?;
            writeln!(file)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::report::tests::item;
    use crate::record::Amount;

    fn metrics(items: &[ItemRecord]) -> String {
        let mut table = Vec::new();
        write_metrics(&mut table, items).unwrap();
        String::from_utf8(table).unwrap()
    }

    fn with_amounts(index: usize, names: impl Iterator<Item = String>) -> ItemRecord {
        let amounts = names.map(|name| Amount { name: name.into(), value: 1.5 }).collect();
        ItemRecord { amounts, ..item(index, 1.0) }
    }

    #[test]
    fn no_key_and_no_name_of_an_amount_is_a_formula() {
        let items = [ItemRecord { key: "=1+1".to_string(), ..with_amounts(0, ["@x".to_string()].into_iter()) }];
        let table = metrics(&items);
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[0].ends_with(",resumed,'@x") && lines[1].starts_with("'=1+1,succeeded,"), "{table}");
    }

    #[test]
    fn many_names_of_amounts_make_a_table_as_long_as_they_are() {
        let items: Vec<_> =
            (0..3000).map(|index| with_amounts(index, [format!("name {index:05}")].into_iter())).collect();
        let table = metrics(&items);
        assert!(table.len() < 3000 * 400, "{}", table.len());
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[0].ends_with("name 00254,name 00255,other_amounts"), "{}", lines[0]);
        assert!(lines[256].ends_with(",1.5,") && !lines[256].contains('{'), "{}", lines[256]);
        assert!(lines[3000].ends_with(r#","{""name 02999"":1.5}""#), "{}", lines[3000]);
    }
}
