//! Which columns are metrics, and what happens to names that are none.

use crate::{BatchError, BatchResult, Table};

/// Columns of numbers that describe how a capture was taken. They are metrics only when they are asked for.
pub(crate) const NOT_METRICS: [&str; 2] = ["n_samples", "rate_hz"];

/// The metrics that are asked for, or all that the tables have, in the order of the first table that has them.
///
/// # Errors
/// [`BatchError::Unknown`] for a name that none of the tables has.
pub(crate) fn chosen_metrics(tables: &[&Table], wanted: Option<&[String]>) -> BatchResult<Vec<String>> {
    if let Some(wanted) = wanted {
        wanted.iter().try_for_each(|name| require_known(tables, name))?;
        return Ok(without_repeats(wanted.iter().map(String::as_str)));
    }
    let names = tables.iter().flat_map(|table| table.numbers()).map(|column| column.name.as_str());
    Ok(without_repeats(names.filter(|name| !NOT_METRICS.contains(name))))
}

/// Refuses a metric that none of the tables has, with the nearest name.
pub(crate) fn require_known(tables: &[&Table], name: &str) -> BatchResult<()> {
    let names = || tables.iter().flat_map(|table| table.numbers()).map(|column| column.name.as_str());
    if names().any(|known| known == name) {
        return Ok(());
    }
    let known = without_repeats(names());
    Err(BatchError::unknown("metric", name, known.iter().map(String::as_str)))
}

fn without_repeats<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        if !kept.iter().any(|known| known == name) {
            kept.push(name.to_owned());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NumberColumn;

    #[test]
    fn a_name_that_both_tables_have_is_listed_once() {
        let column = |name: &str| NumberColumn { name: name.to_owned(), values: vec![1.0] };
        let table = Table::new(Vec::new(), vec![column("gain"), column("offset")]).unwrap();
        let error = require_known(&[&table, &table], "zz").unwrap_err().to_string();
        assert_eq!(error, "there is no metric \"zz\"; there are gain, offset");
    }
}
