//! A table: columns of numbers and columns of texts, with a row for each capture.

use crate::{BatchError, BatchResult};

/// A table of measurements. All columns have the same length, and no two the same name.
///
/// ```
/// # use signal_batch::{NumberColumn, Table, TextColumn};
/// let table = Table::new(
///     vec![TextColumn { name: "file".into(), values: vec!["a".into(), "b".into()] }],
///     vec![NumberColumn { name: "rms".into(), values: vec![0.5, f64::NAN] }],
/// )?;
/// assert_eq!((table.n_rows(), table.number("rms").unwrap()[0]), (2, 0.5));
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    n_rows: usize,
    texts: Vec<TextColumn>,
    numbers: Vec<NumberColumn>,
}

/// A column of texts, such as file names or batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextColumn {
    /// Its name.
    pub name: String,
    /// A text for each row.
    pub values: Vec<String>,
}

/// A column of numbers; NaN where a row has none.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberColumn {
    /// Its name.
    pub name: String,
    /// A number for each row.
    pub values: Vec<f64>,
}

impl Table {
    /// A table of these columns.
    ///
    /// # Errors
    /// [`BatchError::Table`] when two columns differ in length or share a name.
    pub fn new(texts: Vec<TextColumn>, numbers: Vec<NumberColumn>) -> BatchResult<Self> {
        let sizes = texts.iter().map(|column| (column.name.as_str(), column.values.len()));
        let sizes: Vec<(&str, usize)> =
            sizes.chain(numbers.iter().map(|column| (column.name.as_str(), column.values.len()))).collect();
        let n_rows = sizes.first().map_or(0, |&(_, len)| len);
        for (at, (name, len)) in sizes.iter().enumerate() {
            if *len != n_rows {
                let first = sizes[0].0;
                return Err(BatchError::Table(format!("column {name:?} has {len} rows, and {first:?} has {n_rows}")));
            }
            if sizes[..at].iter().any(|(other, _)| other == name) {
                return Err(BatchError::Table(format!("two columns are called {name:?}; rename one")));
            }
        }
        Ok(Self { n_rows, texts, numbers })
    }

    /// How many rows it has.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Its columns of texts, in order.
    #[must_use]
    pub fn texts(&self) -> &[TextColumn] {
        &self.texts
    }

    /// Its columns of numbers, in order.
    #[must_use]
    pub fn numbers(&self) -> &[NumberColumn] {
        &self.numbers
    }

    /// The column of texts of this name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&[String]> {
        self.texts.iter().find(|column| column.name == name).map(|column| column.values.as_slice())
    }

    /// The column of numbers of this name.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<&[f64]> {
        self.numbers.iter().find(|column| column.name == name).map(|column| column.values.as_slice())
    }
}
