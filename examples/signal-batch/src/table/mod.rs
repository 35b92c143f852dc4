//! A table: columns of numbers and columns of texts, with a row for each capture.

mod csv_file;
mod number;

use std::collections::{HashMap, HashSet};

use crate::{BatchError, BatchResult};

pub use number::{number_text, short_number_text};

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
    order: Vec<Place>,
}

/// Where a column is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Text(usize),
    Number(usize),
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
    /// A table of these columns: first those of texts, then those of numbers.
    ///
    /// # Errors
    /// [`BatchError::Table`] when two columns differ in length or share a name.
    pub fn new(texts: Vec<TextColumn>, numbers: Vec<NumberColumn>) -> BatchResult<Self> {
        let sizes = texts.iter().map(|column| (column.name.as_str(), column.values.len()));
        let sizes: Vec<(&str, usize)> =
            sizes.chain(numbers.iter().map(|column| (column.name.as_str(), column.values.len()))).collect();
        let n_rows = sizes.first().map_or(0, |&(_, len)| len);
        let mut names = HashSet::new();
        for (name, len) in &sizes {
            if *len != n_rows {
                let first = sizes[0].0;
                return Err(BatchError::Table(format!("column {name:?} has {len} rows, and {first:?} has {n_rows}")));
            }
            if !names.insert(name) {
                return Err(BatchError::Table(format!("two columns are called {name:?}; rename one")));
            }
        }
        let order = (0..texts.len()).map(Place::Text).chain((0..numbers.len()).map(Place::Number)).collect();
        Ok(Self { n_rows, texts, numbers, order })
    }

    /// The table with its columns in another order, as they are written.
    ///
    /// # Errors
    /// [`BatchError::Table`] when the names are not those of all columns, each once.
    pub fn in_order<N: AsRef<str>>(mut self, names: &[N]) -> BatchResult<Self> {
        let texts = self.texts.iter().enumerate().map(|(at, column)| (column.name.as_str(), Place::Text(at)));
        let numbers = self.numbers.iter().enumerate().map(|(at, column)| (column.name.as_str(), Place::Number(at)));
        let places: HashMap<&str, Place> = texts.chain(numbers).collect();
        let unknown = |name: &N| BatchError::unknown("column", name.as_ref(), self.column_names());
        let place = |name: &N| places.get(name.as_ref()).copied().ok_or_else(|| unknown(name));
        let order = names.iter().map(place).collect::<BatchResult<Vec<Place>>>()?;
        let is_each_once = names.iter().map(AsRef::as_ref).collect::<HashSet<&str>>().len() == self.order.len();
        if !is_each_once || names.len() != self.order.len() {
            return Err(BatchError::Table("an order needs the name of each column, once".to_owned()));
        }
        self.order = order;
        Ok(self)
    }

    /// The names of all columns, in order.
    pub fn column_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.order.iter().map(|place| match place {
            Place::Text(at) => self.texts[*at].name.as_str(),
            Place::Number(at) => self.numbers[*at].name.as_str(),
        })
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

    /// What a row is called: its text in the first column of texts; `row N`, from 1, where that is empty or there is none.
    #[must_use]
    pub fn row_name(&self, row: usize) -> String {
        let named = self.texts.first().and_then(|column| column.values.get(row)).filter(|name| !name.is_empty());
        named.cloned().unwrap_or_else(|| format!("row {}", row + 1))
    }
}
