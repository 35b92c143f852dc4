//! The page of one recording around its pictures.
//!
//! It shows what the caller gives, in the caller's order, and adds no numbers of its own. The frame is `consumer_support::page`.

use consumer_support::escape;
use consumer_support::page::{self, Fact, Figure, Link, Warning, facts_list, file_list, section, warning_list};
use consumer_support::picture::short_number;

use super::clock::date_and_time;
use crate::FeatureTable;

/// Rows of the table excerpt; the rest is in the file.
const EXCERPT_ROWS: usize = 12;

/// Columns of the table excerpt.
const EXCERPT_COLUMNS: usize = 8;

/// The page of one recording.
///
/// ```
/// use sleep_analysis::pictures::{Fact, Page};
///
/// let page = Page {
///     title: "Night <7>",
///     subtitle: "8 h at 256 Hz",
///     facts: vec![Fact { name: "Epochs".into(), value: "960".into() }],
///     ..Page::default()
/// };
/// let html = page.to_html();
/// assert!(html.contains("<h1>Night &lt;7&gt;</h1>") && html.contains("Nothing failed"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Page<'a> {
    /// The recording's name.
    pub title: &'a str,
    /// Its span in time, its rate, or whatever else belongs below the name.
    pub subtitle: &'a str,
    /// What was computed, one sentence each.
    pub computed: Vec<String>,
    /// What failed or was left out; an empty list makes the page say that nothing did.
    pub warnings: Vec<Warning>,
    /// Counts, cache statistics, wall time, mode, workers.
    pub facts: Vec<Fact>,
    /// The pictures.
    pub figures: Vec<Figure>,
    /// The table whose first rows the page shows.
    pub features: Option<&'a FeatureTable>,
    /// Files beside the page.
    pub files: Vec<Link>,
}

impl Page<'_> {
    /// The page as HTML, in UTF-8. The same page always gives the same bytes.
    #[must_use]
    pub fn to_html(&self) -> String {
        let figures: String = self.figures.iter().enumerate().map(|(idx, figure)| figure.to_html(idx)).collect();
        let warnings = warning_list(&self.warnings, "Nothing failed and nothing was left out.");
        let sections = [
            self.header(),
            section("Summary", &facts_list(&self.facts)),
            section("Failed, left out or without data", &warnings),
            figures,
            self.features.map_or(String::new(), |table| section("Features, first epochs", &excerpt(table))),
            section("Files", &file_list(&self.files)),
        ];
        page::start(self.title, "") + &sections.concat() + page::END
    }

    fn header(&self) -> String {
        let computed: String = self.computed.iter().map(|text| format!("<li>{}</li>\n", escape(text))).collect();
        let computed =
            if computed.is_empty() { computed } else { format!("<ul class=\"computed\">\n{computed}</ul>\n") };
        page::header(self.title, self.subtitle, &computed)
    }
}

fn excerpt(table: &FeatureTable) -> String {
    let (rows, columns) = (table.epoch_starts_ns.len(), table.columns.len());
    let (n_rows, shown) = (rows.min(EXCERPT_ROWS), &table.columns[..columns.min(EXCERPT_COLUMNS)]);
    if n_rows == 0 {
        return "<p>The table has no rows.</p>\n".to_owned();
    }
    let heads: String = shown.iter().map(|column| format!("<th scope=\"col\">{}</th>", escape(&column.name))).collect();
    let row = |idx: usize| {
        let cells: String =
            shown.iter().map(|column| format!("<td>{}</td>", cell_text(column.values.get(idx)))).collect();
        let start = date_and_time(i128::from(table.epoch_starts_ns[idx]));
        format!("<tr><th scope=\"row\">{start}</th>{cells}</tr>\n")
    };
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"Features, first epochs\" tabindex=\"0\"><table>\n\
         <thead><tr><th scope=\"col\">epoch start (UTC)</th>{heads}</tr></thead>\n<tbody>\n{}</tbody>\n</table></div>\n\
         <p class=\"note\">{n_rows} of {rows} epochs, {} of {columns} features.</p>\n",
        (0..n_rows).map(row).collect::<String>(),
        shown.len()
    )
}

/// A dash for a gap.
fn cell_text(value: Option<&f64>) -> String {
    match value {
        Some(value) if !value.is_nan() => short_number(*value),
        _ => "\u{2013}".to_owned(),
    }
}
