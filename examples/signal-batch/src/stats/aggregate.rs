//! A table aggregated: each column described, with its outliers, as a whole or by group.

use std::collections::HashMap;

use serde::Serialize;

use super::describe::{Description, describe};
use super::outliers::{OutlierMethod, check_threshold};
use crate::{BatchError, BatchResult, Table};

/// A column of numbers, described.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnSummary {
    /// Its name.
    pub name: String,
    /// What it looks like.
    #[serde(flatten)]
    pub description: Description,
    /// Its outliers, from the first row.
    pub outliers: Vec<Outlier>,
    /// How they were found.
    pub method: OutlierMethod,
}

/// A value that stands out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Outlier {
    /// Its row, counted from 0 in the whole table.
    pub row: usize,
    /// The value.
    pub value: f64,
}

/// Describes every column of numbers, in the order of the table.
///
/// # Errors
/// [`BatchError::Setting`] when the threshold is negative or not a number.
///
/// ```
/// # use signal_batch::{NumberColumn, Table, stats::{OutlierMethod, aggregate}};
/// let values = vec![1.0, 2.0, 3.0, 2.0, 90.0];
/// let table = Table::new(vec![], vec![NumberColumn { name: "rms".into(), values }])?;
/// let summaries = aggregate(&table, OutlierMethod::Iqr, 3.0)?;
/// assert_eq!((summaries[0].description.median, summaries[0].outliers[0].row), (2.0, 4));
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
pub fn aggregate(table: &Table, method: OutlierMethod, threshold: f64) -> BatchResult<Vec<ColumnSummary>> {
    check_threshold(threshold)?;
    Ok(table.numbers().iter().map(|column| summary(&column.name, &column.values, None, method, threshold)).collect())
}

/// The same for each group of rows that share a text of this column, in order of their first appearance. Over two populations, the rules of a
/// whole table miss what stands out in one.
///
/// # Errors
/// [`BatchError::Setting`] as [`aggregate`]; [`BatchError::Unknown`] when no column of texts has this name.
///
/// ```
/// # use signal_batch::{NumberColumn, Table, TextColumn, stats::{OutlierMethod, aggregate_by}};
/// let batches = ["b", "a", "b"].map(String::from).to_vec();
/// let table = Table::new(
///     vec![TextColumn { name: "batch".into(), values: batches }],
///     vec![NumberColumn { name: "rms".into(), values: vec![1.0, 5.0, 2.0] }],
/// )?;
/// let groups = aggregate_by(&table, "batch", OutlierMethod::Iqr, 3.0)?;
/// assert_eq!((groups[0].0.as_str(), groups[0].1[0].description.mean), ("b", 1.5));
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
pub fn aggregate_by(
    table: &Table,
    group_column: &str,
    method: OutlierMethod,
    threshold: f64,
) -> BatchResult<Vec<(String, Vec<ColumnSummary>)>> {
    check_threshold(threshold)?;
    let labels = table.text(group_column).ok_or_else(|| no_column(table, group_column))?;
    let groups = rows_by_label(labels).into_iter().map(|(label, rows)| {
        let of_group = |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
        let columns = table.numbers().iter();
        let summaries =
            columns.map(|column| summary(&column.name, &of_group(&column.values), Some(&rows), method, threshold));
        (label.to_owned(), summaries.collect())
    });
    Ok(groups.collect())
}

/// `rows` are those of the table; without them, the values are the whole column.
fn summary(name: &str, values: &[f64], rows: Option<&[usize]>, method: OutlierMethod, threshold: f64) -> ColumnSummary {
    let row_of = |at: usize| rows.map_or(at, |rows| rows[at]);
    let description = describe(values);
    let found = match method {
        // The description is most of the work.
        OutlierMethod::Iqr => description.iqr_outliers(values, threshold),
        OutlierMethod::Z => description.z_outliers(values, threshold),
        OutlierMethod::ModifiedZ => method.outliers(values, threshold),
    };
    let outliers = found.into_iter().map(|at| Outlier { row: row_of(at), value: values[at] }).collect();
    ColumnSummary { name: name.to_owned(), description, outliers, method }
}

/// The rows of each label, in order of first appearance.
fn rows_by_label(labels: &[String]) -> Vec<(&str, Vec<usize>)> {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    let mut place_of: HashMap<&str, usize> = HashMap::new();
    for (row, label) in labels.iter().enumerate() {
        let place = *place_of.entry(label).or_insert(groups.len());
        if place == groups.len() {
            groups.push((label, Vec::new()));
        }
        groups[place].1.push(row);
    }
    groups
}

fn no_column(table: &Table, name: &str) -> BatchError {
    let names: Vec<&str> = table.texts().iter().map(|column| column.name.as_str()).collect();
    let way_out = match names.is_empty() {
        true => "the table has no column of texts".to_owned(),
        false => format!("columns of texts are {}", names.join(", ")),
    };
    BatchError::Unknown { what: "column of texts".to_owned(), name: name.to_owned(), way_out }
}
