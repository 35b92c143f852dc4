//! The files of a study: `features.csv` and `index.html`, from the results in the spill file.
//!
//! Promises: the same results give the same bytes; each file is written under another name, synced and renamed; memory holds a
//! few subjects at a time. Rows are made in parallel and written in order.

use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use manyhands::report::{csv_text, write_atomically};
use manyhands::{AnyMode, CancelToken, Job, LocalMode};
use sleep_analysis::pictures::{Fact, Link, StudyPage, SubjectTile, Warning};
use sleep_analysis::{SleepResult, append_float};

use super::run_folder::written;
use super::spill_file::SpillFile;
use super::subject::{SubjectTable, SubjectText};
use super::subjects::Study;
use crate::cli::analysis::Remark;
use crate::cli::analysis::text::{count, duration};
use crate::cli::args::Common;

pub(super) const TABLE: &str = "features.csv";
pub(super) const PAGE: &str = "index.html";

/// What writing the files showed.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) n_features: usize,
    /// The subjects whose results lack something.
    pub(super) incomplete: Vec<String>,
}

/// Writes both files.
///
/// # Errors
/// [`SleepError::File`](sleep_analysis::SleepError::File) when one cannot be written, or when a signal interrupts it;
/// then the unfinished one is as it was.
pub(super) fn write(
    study: &Study,
    spill_file: &SpillFile,
    out: &Path,
    common: &Common,
    stop: &CancelToken,
) -> SleepResult<Found> {
    let columns = spill_file.columns();
    let (table, page_place) = (out.join(TABLE), out.join(PAGE));
    written(&table, write_atomically(&table, |out| write_table(study, spill_file, &columns, common, stop, out)))?;
    let mut incomplete = Vec::new();
    let page_written = write_atomically(&page_place, |out| {
        let tiles = spill_file.with_results().map(|idx| {
            require_no_stop(stop)?;
            let (name, text) = (&study.subjects[idx].name, spill_file.text(idx)?);
            if !text.lost.is_empty() {
                incomplete.push(name.clone());
            }
            Ok(tile(name, text))
        });
        page(study, spill_file, columns.len()).write(out, tiles)
    });
    written(&page_place, page_written)?;
    Ok(Found { n_features: columns.len(), incomplete })
}

/// Subject, time, and every column that any subject has: empty where this subject lacks the column or the value.
fn write_table(
    study: &Study,
    spill_file: &SpillFile,
    columns: &[&str],
    common: &Common,
    stop: &CancelToken,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(&record(["subject", "epoch_start_ns"].into_iter().chain(columns.iter().copied()))?)?;
    let idxs: Vec<usize> = spill_file.with_results().collect();
    let mode = if common.mode == AnyMode::Serial { LocalMode::Serial } else { LocalMode::Threads };
    let n_workers = common.n_workers();
    let mut written = Ok(());
    let made = Job::new(&idxs)
        .mode(mode)
        .workers(n_workers)
        .chunk_size(1)
        .window(n_workers.saturating_mul(2))
        .try_map(|&idx| rows(&study.subjects[idx].name, &spill_file.table(idx)?, columns))
        .for_each_ordered(|_, rows| {
            if let Ok(rows) = rows {
                written = require_no_stop(stop).and_then(|()| out.write_all(&rows));
            }
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
    written.and_then(|()| made.map(drop).map_err(io::Error::other))?;
    require_no_stop(stop)
}

fn require_no_stop(stop: &CancelToken) -> io::Result<()> {
    if stop.is_cancelled() { Err(io::Error::other("a stop was requested")) } else { Ok(()) }
}

/// The rows of one subject.
fn rows(subject: &str, table: &SubjectTable, columns: &[&str]) -> io::Result<Vec<u8>> {
    let own: HashMap<&str, &[f64]> =
        table.columns.iter().map(|column| (column.name.as_str(), column.values.as_slice())).collect();
    let cells: Vec<Option<&[f64]>> = columns.iter().map(|name| own.get(name).copied()).collect();
    let mut subject = record([subject])?;
    subject.pop(); // the end of the line
    let mut rows = Vec::new();
    for (epoch, start_ns) in table.epoch_starts_ns.iter().enumerate() {
        rows.extend_from_slice(&subject);
        write!(rows, ",{start_ns}")?;
        for values in &cells {
            rows.push(b',');
            match values.map(|values| values[epoch]) {
                Some(value) if !value.is_nan() => append_float(&mut rows, value),
                _ => {}
            }
        }
        rows.push(b'\n');
    }
    Ok(rows)
}

/// A line of texts, with quotes where they are needed; none of them is a formula to a spreadsheet.
fn record<'a>(fields: impl IntoIterator<Item = &'a str>) -> io::Result<Vec<u8>> {
    let mut line = csv::Writer::from_writer(Vec::new());
    line.write_record(fields.into_iter().map(|field| csv_text(field).into_owned()))?;
    line.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

fn page<'a>(study: &'a Study, spill_file: &SpillFile, n_features: usize) -> StudyPage<'a> {
    let failures: Vec<Warning> = study.failures(spill_file).into_iter().map(warning).collect();
    let set_aside =
        |one: &Remark| Warning { subject: one.subject.clone(), reason: format!("set aside, as {}", one.reason) };
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    StudyPage {
        title: &study.title,
        subtitle: "Features of every epoch of every subject",
        facts: vec![
            fact("Subjects", study.subjects.len().to_string()),
            fact("With results", spill_file.n_results().to_string()),
            fact("Failed", failures.len().to_string()),
            fact("Epochs", format!("{} of {}", spill_file.n_epochs(), duration(study.settings.epoch_ns as f64 / 1e9))),
            fact("Features per epoch", n_features.to_string()),
        ],
        failures,
        notes: study.set_aside.iter().map(set_aside).collect(),
        files: vec![Link {
            path: TABLE.to_owned(),
            about: format!("every feature of every epoch, {}", count(spill_file.n_results(), "subject")),
        }],
    }
}

fn tile(name: &str, text: SubjectText) -> SubjectTile {
    SubjectTile {
        name: name.to_owned(),
        about: text.about,
        remarks: text.lost.into_iter().chain(text.noted).map(warning).collect(),
        picture: text.picture,
    }
}

fn warning(remark: Remark) -> Warning {
    Warning { subject: remark.subject, reason: remark.reason }
}
