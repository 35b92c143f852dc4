//! The tables of a report: `metrics.csv` with a row per item, and `failed.jsonl` with a line per failed item. It writes
//! to what the caller opened.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::persist::report::aggregate::status;
use crate::record::{FailureKind, ItemRecord};
use crate::sync::SystemTime;

/// The columns that each table has.
const COLUMNS: [&str; 9] =
    ["key", "status", "attempts", "start", "seconds", "cpu_seconds", "worker", "peak_memory_bytes", "resumed"];

/// A row per item, in the order of the items.
///
/// Two passes: the first collects the names of amounts, sorted, since the header comes before the rows. A name that an
/// item did not report is an empty field.
pub(crate) fn write_metrics(file: &mut dyn Write, items: &[ItemRecord]) -> io::Result<()> {
    let names: BTreeSet<&str> = items.iter().flat_map(|item| &item.amounts).map(|amount| &*amount.name).collect();
    let places: HashMap<&str, usize> = names.iter().enumerate().map(|(place, name)| (*name, place)).collect();
    let mut table = csv::Writer::from_writer(file);
    let own_columns = names.iter().map(|name| column_name(name, &names));
    table.write_record(COLUMNS.into_iter().map(String::from).chain(own_columns))?;

    let mut amounts = vec![String::new(); names.len()];
    for item in items {
        amounts.iter_mut().for_each(String::clear);
        for amount in &item.amounts {
            amounts[places[&*amount.name]] = number(amount.value);
        }
        table.write_record(fields(item).iter().chain(&amounts))?;
    }
    table.flush()
}

fn fields(item: &ItemRecord) -> [String; 9] {
    let or_empty = |known: Option<String>| known.unwrap_or_default();
    [
        item.key.clone(),
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
