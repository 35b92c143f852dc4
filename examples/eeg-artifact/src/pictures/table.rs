//! A table of numbers on a page, such as the quality of each channel.

use consumer_support::escape;
use consumer_support::page::section;

use super::content::signed;
use super::text::{clip, count};

/// More rows than this are counted, not shown.
const MOST_ROWS: usize = 256;
/// More columns than this are counted, not shown.
const MOST_COLUMNS: usize = 12;
/// The letters of a name that are shown.
const MOST_LETTERS: usize = 80;

/// Rows of numbers under a heading.
///
/// At most 256 rows and 12 columns are shown; the table says how many there are.
///
/// ```
/// use eeg_artifact::pictures::NumberTable;
///
/// let table = NumberTable {
///     heading: "Quality".into(),
///     about: "Per channel.".into(),
///     row_name: "channel".into(),
///     columns: vec!["RMS before, µV".into()],
///     rows: vec![("Cz".into(), vec![1520.0])],
/// };
/// assert!(table.to_html().contains("<th scope=\"row\">Cz</th><td>1520</td>"));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NumberTable {
    /// Above the table.
    pub heading: String,
    /// How to read it.
    pub about: String,
    /// What a row is, such as `channel`.
    pub row_name: String,
    /// What a column is, with its unit.
    pub columns: Vec<String>,
    /// A name and one number per column. What is missing or not finite is shown as a dash.
    pub rows: Vec<(String, Vec<f64>)>,
}

impl NumberTable {
    /// The table as a section of a page.
    #[must_use]
    pub fn to_html(&self) -> String {
        let about = format!("<p>{}</p>\n", escape(&self.about));
        if self.rows.is_empty() {
            return section(&self.heading, &format!("{about}<p>No numbers were given.</p>\n"));
        }
        let columns = &self.columns[..self.columns.len().min(MOST_COLUMNS)];
        let heads: String = columns.iter().map(|name| format!("<th scope=\"col\">{}</th>", escape(name))).collect();
        let rows: String = self.rows.iter().take(MOST_ROWS).map(|row| row_html(row, columns.len())).collect();
        let table = format!(
            "<div class=\"scroll\" role=\"region\" aria-label=\"{}\" tabindex=\"0\"><table class=\"numbers\">\n\
             <thead><tr><th scope=\"col\">{}</th>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n",
            escape(&self.heading),
            escape(&self.row_name)
        );
        section(&self.heading, &[about, table, self.cut()].concat())
    }

    /// Says what is not shown.
    fn cut(&self) -> String {
        if self.rows.len() <= MOST_ROWS && self.columns.len() <= MOST_COLUMNS {
            return String::new();
        }
        let (rows, columns) = (count(self.rows.len(), "row"), count(self.columns.len(), "column"));
        format!("<p class=\"note\">The first {MOST_ROWS} of {rows} and {MOST_COLUMNS} of {columns}.</p>\n")
    }
}

fn row_html((name, numbers): &(String, Vec<f64>), n_columns: usize) -> String {
    let cells: String = (0..n_columns).map(|idx| format!("<td>{}</td>", cell(numbers.get(idx)))).collect();
    format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(&clip(name, MOST_LETTERS)))
}

/// A number, or a dash where there is none.
pub(super) fn cell(number: Option<&f64>) -> String {
    number.filter(|number| number.is_finite()).map_or("\u{2013}".to_owned(), |number| signed(*number))
}
