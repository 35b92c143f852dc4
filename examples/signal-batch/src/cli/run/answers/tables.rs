//! A table, described: all rows together, and each group for itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use signal_batch::stats::{self, ColumnSummary, OutlierMethod};
use signal_batch::{NumberColumn, Table, TextColumn};

use super::super::case::{Case, numbers, read_number};
use super::description::description;

/// The column that names rows, and the one that groups them where a case names no other.
const FILE: &str = "file";
const GROUP: &str = "batch";

/// `pooled` and `by_group`: for each column of numbers its statistics and outliers.
///
/// # Errors
/// A message that names the field, or the row and its field.
pub(super) fn aggregate_tables(case: &Case) -> Result<Value, String> {
    let threshold = if case.optional("threshold").is_some() { case.number("threshold")? } else { 3.0 };
    let group = if case.optional("group").is_some() { case.text("group")? } else { GROUP };
    let table = table(case.list("rows")?, group)?;
    let columns = |summaries: &[ColumnSummary]| -> Map<String, Value> {
        summaries.iter().map(|summary| (summary.name.clone(), column(summary, &table))).collect()
    };
    let pooled = stats::aggregate(&table, OutlierMethod::Iqr, threshold).map_err(|why| why.to_string())?;
    let by_group = stats::aggregate_by(&table, group, OutlierMethod::Iqr, threshold).map_err(|why| why.to_string())?;
    let by_group: Map<String, Value> =
        by_group.iter().map(|(name, summaries)| (name.clone(), columns(summaries).into())).collect();
    Ok(json!({ "pooled": columns(&pooled), "by_group": by_group }))
}

fn column(summary: &ColumnSummary, table: &Table) -> Value {
    let values: Vec<f64> = summary.outliers.iter().map(|outlier| outlier.value).collect();
    let rows: Vec<usize> = summary.outliers.iter().map(|outlier| outlier.row).collect();
    let files = table.text(FILE).unwrap_or_default();
    let mut entry = description(&summary.description);
    entry.insert("outliers".to_owned(), numbers(&values));
    entry.insert("outlier_files".to_owned(), rows.iter().filter_map(|row| files.get(*row)).cloned().collect());
    entry.insert("outlier_indices".to_owned(), json!(rows));
    entry.into()
}

/// The group of a row; a number counts as its text.
fn label(row: &Case, group: &str) -> Result<String, String> {
    match row.field(group)? {
        Value::Number(number) => Ok(number.to_string()),
        _ => row.text(group).map(str::to_owned),
    }
}

/// The rows as columns. A number that a row lacks is NaN.
fn table(rows: &[Value], group: &str) -> Result<Table, String> {
    let (mut files, mut groups) = (Vec::new(), Vec::new());
    let mut columns: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (idx, row) in rows.iter().enumerate() {
        let place = format!("rows[{idx}]");
        let row = Case::of(row, &place)?;
        files.push(row.text(FILE).map_err(|why| format!("{place}: {why}"))?.to_owned());
        groups.push(label(&row, group).map_err(|why| format!("{place}: {why}"))?);
        for (name, value) in row.fields().filter(|(name, _)| *name != FILE && *name != group) {
            let value = read_number(value)
                .ok_or_else(|| format!("{place}: {name} is {value}; give a number, null, \"inf\" or \"-inf\""))?;
            let column = columns.entry(name.to_owned()).or_default();
            column.resize(idx, f64::NAN);
            column.push(value);
        }
    }
    let numbers = columns.into_iter().map(|(name, mut values)| {
        values.resize(rows.len(), f64::NAN);
        NumberColumn { name, values }
    });
    let texts = [(FILE, files), (group, groups)].map(|(name, values)| TextColumn { name: name.to_owned(), values });
    Table::new(texts.into(), numbers.collect()).map_err(|why| why.to_string())
}
