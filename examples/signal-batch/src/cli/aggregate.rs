//! `aggregate`: a table of measurements, described: all rows together, or each group for itself.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use consumer_support::command_line::{command_with, shell_quoted};
use consumer_support::page::Link;
use consumer_support::{CliContext, ExitStatus, OutFolder};
use manyhands::report::write_atomically;
use signal_batch::report::{Report, ReportData};
use signal_batch::stats::{self, ColumnSummary, OutlierMethod};
use signal_batch::{BatchError, BatchResult, NumberColumn, Table, TextColumn};

use super::Refusal;
use super::results::{INFORMATION, require_no_run, table_at};

/// A table to describe.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AggregateArgs {
    /// The table: results.csv of `measure` or the folder that holds it, or any other CSV with a header line and a row for each capture.
    pub(super) table: PathBuf,
    /// Describe each group for itself: the rows that share a text in this column, such as batch.
    #[arg(long, value_name = "COLUMN")]
    pub(super) group: Option<String>,
    /// How outliers are found: iqr (beyond the quartiles), z (from the mean, in deviations) or modified-z (from the median).
    #[arg(long, value_name = "METHOD", default_value_t = OutlierMethod::Iqr)]
    pub(super) method: OutlierMethod,
    /// From where on a value is an outlier: in deviations for z and modified-z; for iqr, T stands for T/2 interquartile ranges beyond the
    /// quartiles.
    #[arg(long, value_name = "T", default_value_t = 3.0, allow_negative_numbers = true)]
    pub(super) threshold: f64,
    /// Only these columns, separated by commas; without it, all columns of numbers but n_samples and rate_hz.
    #[arg(long, value_delimiter = ',', value_name = "NAME,..")]
    pub(super) metrics: Option<Vec<String>>,
    /// Where summary.json, summary.csv and index.html go; without it, nothing is written.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  signal-batch aggregate measured/results.csv
  signal-batch aggregate measured --group batch --out aggregated
  signal-batch aggregate lots.csv --group lot --metrics rms,snr_db --method z --threshold 4

Mean, deviation, quartiles and outliers of each column of numbers. With
--group, outliers are judged within each group: a rule over all rows misses
values that are usual in another group. Empty cells are left out. A column in
which most cells are numbers and some are not is left out by name.

Writes with --out: summary.json (every number), summary.csv (a row for each
group and column), and index.html with distributions, outliers by name, groups
side by side and control charts.

Exit code 0: all done, 1: something was left out, 2: could not run.";

/// Describes the table.
///
/// # Errors
/// A message when the table cannot be read, lacks a column that is named, or the results cannot be written.
pub(super) fn aggregate(args: &AggregateArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    let texts: Vec<&str> = args.group.as_deref().into_iter().collect();
    let path = table_at(&args.table);
    let table = Table::read_csv_with_texts(&path, &texts).map_err(|error| error.to_string())?;
    if table.n_rows() == 0 {
        return Err(format!("{} has no rows, so there is nothing to describe", path.display()));
    }
    args.out.as_deref().map_or(Ok(()), require_no_run)?;
    let left_out = left_out(&table, args);
    left_out.iter().for_each(|sentence| context.output.warning(sentence));
    if let Some(sentence) = unused_group(&table, args) {
        context.output.warning(&sentence);
    }
    let link = |path: &str, about: &str| Link { path: path.to_owned(), about: about.to_owned() };
    let data = ReportData {
        subtitle: path.display().to_string(),
        metrics: args.metrics.clone(),
        group: args.group.clone(),
        method: args.method,
        threshold: args.threshold,
        files: vec![
            link("summary.csv", "a row for each group and column"),
            link("summary.json", "all numbers of this page"),
        ],
        ..ReportData::new("Measurements", table.clone())
    };
    let report = Report::new(data).map_err(|error| error.to_string())?;
    let described = described_part(&table, args).map_err(|error| format!("{}: {error}", path.display()))?;
    if let Some(out) = &args.out {
        write(out, &report, &described, args)?;
    }
    context.output.result(&report.terminal(80).trim_end());
    context.output.json(&report.summary().to_string());
    if let Some(out) = &args.out {
        context.output.result(&format!("\nlook at {}", shell_quoted(&out.join("index.html"))));
    }
    Ok(if left_out.is_empty() { ExitStatus::Done } else { ExitStatus::Incomplete })
}

/// Columns that look like numbers, and are texts for some of their cells: a sentence for each.
fn left_out(table: &Table, args: &AggregateArgs) -> Vec<String> {
    let is_asked_for = |column: &&TextColumn| match &args.metrics {
        Some(names) => names.contains(&column.name),
        None => args.group.as_ref() != Some(&column.name) && !INFORMATION.contains(&column.name.as_str()),
    };
    table.texts().iter().filter(is_asked_for).filter_map(mostly_numbers).collect()
}

fn mostly_numbers(column: &TextColumn) -> Option<String> {
    let is_number = |cell: &&String| cell.trim().parse::<f64>().is_ok();
    let is_like_one = |cell: &&String| cell.trim().replace(',', ".").parse::<f64>().is_ok();
    let filled = || column.values.iter().filter(|cell| !cell.trim().is_empty());
    let stray = filled().find(|cell| !is_number(cell))?;
    let is_most = 2 * filled().filter(is_like_one).count() > filled().count();
    is_most.then(|| {
        format!("column {:?} is left out, as {stray:?} is no number; correct it, with a decimal point, or leave the cell empty", column.name)
    })
}

/// A sentence when the table has groups, and --group is not given.
fn unused_group(table: &Table, args: &AggregateArgs) -> Option<String> {
    if args.group.is_some() {
        return None;
    }
    let may_be_group = |column: &&TextColumn| column.name == "batch" || !INFORMATION.contains(&column.name.as_str());
    let grouped = table.texts().iter().filter(may_be_group).find_map(|column| {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        column.values.iter().for_each(|label| *counts.entry(label).or_default() += 1);
        let is_group = counts.len() > 1 && counts.len() * 2 <= table.n_rows();
        is_group.then_some((&column.name, counts.len()))
    });
    let (name, n_groups) = grouped?;
    Some(format!(
        "outliers are judged over all rows, and {name} has {n_groups} groups: what is usual in one hides what is an outlier in \
         another; try {}",
        command_with(&["--group", name])
    ))
}

fn write(out: &Path, report: &Report, described: &Table, args: &AggregateArgs) -> Result<(), Refusal> {
    let summary = summary_table(described, args).map_err(|error| error.to_string())?;
    OutFolder::new(out, []).create().map_err(|error| error.to_string())?;
    summary.write_csv(out.join("summary.csv")).map_err(|error| error.to_string())?;
    let write = |name: &str, text: String| {
        write_atomically(out.join(name), |file| file.write_all(text.as_bytes())).map_err(|error| error.to_string())
    };
    write("summary.json", format!("{:#}\n", report.summary()))?;
    write("index.html", report.page())
}

/// A row for each group and column: its description, and how many outliers.
fn summary_table(described: &Table, args: &AggregateArgs) -> BatchResult<Table> {
    let groups: Vec<(String, Vec<ColumnSummary>)> = match &args.group {
        Some(group) => stats::aggregate_by(described, group, args.method, args.threshold)?,
        None => vec![("all".to_owned(), stats::aggregate(described, args.method, args.threshold)?)],
    };
    let rows: Vec<(&String, &ColumnSummary)> =
        groups.iter().flat_map(|(group, columns)| columns.iter().map(move |column| (group, column))).collect();
    let text = |name: &str, value: &dyn Fn(&(&String, &ColumnSummary)) -> String| TextColumn {
        name: name.to_owned(),
        values: rows.iter().map(value).collect(),
    };
    let texts = vec![
        text("group", &|row| row.0.clone()),
        text("metric", &|row| row.1.name.clone()),
        text("method", &|row| row.1.method.to_string()),
    ];
    let number = |name: &str, value: &dyn Fn(&ColumnSummary) -> f64| NumberColumn {
        name: name.to_owned(),
        values: rows.iter().map(|row| value(row.1)).collect(),
    };
    let numbers = vec![
        number("count", &|column| column.description.count as f64),
        number("mean", &|column| column.description.mean),
        number("std", &|column| column.description.std),
        number("min", &|column| column.description.min),
        number("q25", &|column| column.description.q25),
        number("median", &|column| column.description.median),
        number("q75", &|column| column.description.q75),
        number("max", &|column| column.description.max),
        number("outliers", &|column| column.outliers.len() as f64),
    ];
    Table::new(texts, numbers)
}

/// The table with the columns of numbers that are described.
fn described_part(table: &Table, args: &AggregateArgs) -> BatchResult<Table> {
    let is_described = |column: &&NumberColumn| match &args.metrics {
        Some(names) => names.contains(&column.name),
        None => !INFORMATION.contains(&column.name.as_str()),
    };
    let numbers: Vec<NumberColumn> = table.numbers().iter().filter(is_described).cloned().collect();
    if numbers.is_empty() {
        let texts: Vec<&str> = table.texts().iter().map(|column| column.name.as_str()).collect();
        return Err(BatchError::Table(format!(
            "it has no column of numbers to describe; {} hold texts, and numbers have decimal points",
            texts.join(", ")
        )));
    }
    Table::new(table.texts().to_vec(), numbers)
}
