//! A baseline: the raw values of a batch in a JSON file, with what is needed to trust them later.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::compare::distinct;
use super::{NOT_METRICS, chosen_metrics};
use crate::{BatchError, BatchResult, NumberColumn, Table, TextColumn};

/// What the file says that it is.
const FORMAT: &str = "signal-batch baseline 1";

/// The raw values of a batch: nothing is aggregated, so any test can be run against it.
///
/// ```
/// use signal_batch::regression::Baseline;
/// use signal_batch::{NumberColumn, Table};
///
/// let rms = NumberColumn { name: "rms".into(), values: vec![0.5, f64::NAN, 0.1 + 0.2] };
/// let table = Table::new(vec![], vec![rms])?;
/// let saved = Baseline::of(&table, "night.csv", None)?;
/// let read = Baseline::from_json(&saved.to_json())?;
/// assert_eq!(read.table()?.number("rms").unwrap()[2], 0.1 + 0.2);
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    format: String,
    /// The version of the program that saved it.
    pub saved_by: String,
    /// When it was saved, as RFC 3339 has it, where that is to be known.
    pub saved_at: Option<String>,
    /// The table that it was made of.
    pub source: String,
    /// The versions of the program that measured the rows.
    pub versions: Vec<String>,
    /// The units of the samples.
    pub units: Vec<String>,
    /// The names of the rows.
    pub rows: Vec<String>,
    /// The metrics in order, each with a value for each row; `None` for NaN.
    metrics: Vec<MetricValues>,
}

/// The values of one metric. Infinities are texts, since JSON has no numbers for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricValues {
    name: String,
    values: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Missing,
    Number(f64),
    Infinite(Infinite),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Infinite {
    #[serde(rename = "inf")]
    Positive,
    #[serde(rename = "-inf")]
    Negative,
}

impl Baseline {
    /// The baseline of a table.
    ///
    /// # Errors
    /// [`BatchError::Table`] when no metric has a value.
    pub fn of(table: &Table, source: &str, saved_at: Option<Timestamp>) -> BatchResult<Self> {
        let mut names = chosen_metrics(&[table], None)?;
        names.extend(NOT_METRICS.iter().filter(|name| table.number(name).is_some()).map(|name| (*name).to_owned()));
        let values = |name: &String| table.number(name).unwrap_or_default().iter().map(|number| Value::of(*number));
        let metrics: Vec<MetricValues> =
            names.iter().map(|name| MetricValues { name: name.clone(), values: values(name).collect() }).collect();
        if !metrics.iter().any(|metric| metric.values.iter().any(|value| *value != Value::Missing)) {
            return Err(BatchError::Table(
                "no metric has a value, so it is no baseline; measure captures first".into(),
            ));
        }
        let of_column = |name: &str| -> Vec<String> {
            let column: Vec<&str> = table.text(name).unwrap_or_default().iter().map(String::as_str).collect();
            distinct(&column).into_iter().map(str::to_owned).collect()
        };
        Ok(Self {
            format: FORMAT.to_owned(),
            saved_by: env!("CARGO_PKG_VERSION").to_owned(),
            saved_at: saved_at.map(|at| at.to_string()),
            source: source.to_owned(),
            versions: of_column("version"),
            units: of_column("unit"),
            rows: table.texts().first().map(|column| column.values.clone()).unwrap_or_default(),
            metrics,
        })
    }

    /// As a JSON file.
    ///
    /// # Panics
    /// Never: it is plain data.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain data is written to a string") + "\n"
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// [`BatchError::Table`] when it is none, or none of this version.
    pub fn from_json(text: &str) -> BatchResult<Self> {
        let way_out = "save it again with compare --save-baseline";
        let baseline: Self = serde_json::from_str(text)
            .map_err(|error| BatchError::Table(format!("it is no baseline: {error}; {way_out}")))?;
        if baseline.format != FORMAT {
            let found = &baseline.format;
            return Err(BatchError::Table(format!("it is {found:?} where {FORMAT:?} is read; {way_out}")));
        }
        Ok(baseline)
    }

    /// Its values as a table, with the unit of the samples where there is one.
    ///
    /// # Errors
    /// [`BatchError::Table`] when the metrics differ in length or share a name.
    pub fn table(&self) -> BatchResult<Table> {
        let column = |metric: &MetricValues| NumberColumn {
            name: metric.name.clone(),
            values: metric.values.iter().map(Value::number).collect(),
        };
        let numbers: Vec<NumberColumn> = self.metrics.iter().map(column).collect();
        let n_rows = numbers.first().map_or(0, |column| column.values.len());
        // All units are named by some row, so that a comparison sees them; which row has which does not matter to it.
        let unit = |row: usize| self.units.get(row.min(self.units.len().max(1) - 1)).cloned().unwrap_or_default();
        let units = TextColumn { name: "unit".to_owned(), values: (0..n_rows).map(unit).collect() };
        Table::new(vec![units], numbers)
    }

    /// How many values each metric has.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let count = |metric: &MetricValues| metric.values.iter().filter(|value| **value != Value::Missing).count();
        self.metrics.iter().map(|metric| (metric.name.as_str(), count(metric))).collect()
    }
}

impl Value {
    fn of(number: f64) -> Self {
        if number.is_nan() {
            Self::Missing
        } else if number.is_infinite() {
            Self::Infinite(if number > 0.0 { Infinite::Positive } else { Infinite::Negative })
        } else {
            Self::Number(number)
        }
    }

    fn number(&self) -> f64 {
        match self {
            Self::Missing => f64::NAN,
            Self::Number(number) => *number,
            Self::Infinite(Infinite::Positive) => f64::INFINITY,
            Self::Infinite(Infinite::Negative) => f64::NEG_INFINITY,
        }
    }
}
