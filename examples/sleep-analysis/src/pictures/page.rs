//! The page around the pictures: one HTML file that needs nothing else, light or dark as the reader's system is, for wide and narrow windows.
//!
//! It shows what the caller hands over, in the caller's order, and adds no numbers of its own. It holds no script.

use std::fmt::Write;

use super::clock::date_and_time;
use super::colour::{dark_rules, variables};
use super::drawing::Drawing;
use super::escape::escape;
use super::scale::short_number;
use crate::FeatureTable;

const STYLE: &str = include_str!("page.css");

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

/// A line of the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is, such as `Workers`.
    pub name: String,
    /// Its value, as text.
    pub value: String,
}

/// Something that failed or was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it happened to, such as `epoch 17` or `signal "SpO2"`.
    pub subject: String,
    /// What happened.
    pub reason: String,
}

/// A picture with its heading, drawn for both widths.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Stands above the picture.
    pub heading: String,
    /// How to read it, below the picture.
    pub caption: String,
    /// Shown in wide windows.
    pub wide: Drawing,
    /// Shown in narrow windows.
    pub narrow: Drawing,
    /// The same picture as files, such as `hypnogram.svg`.
    pub files: Vec<Link>,
}

/// A file beside the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The file's path from the page's folder, such as `features.csv`.
    pub path: String,
    /// What is in it.
    pub about: String,
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
        format!("{}{}{PAGE_END}", page_start(self.title, ""), sections.concat())
    }

    fn header(&self) -> String {
        let computed: String = self.computed.iter().map(|text| format!("<li>{}</li>\n", escape(text))).collect();
        let computed =
            if computed.is_empty() { computed } else { format!("<ul class=\"computed\">\n{computed}</ul>\n") };
        header(self.title, self.subtitle, &computed)
    }
}

impl Figure {
    fn to_html(&self, idx: usize) -> String {
        let links: Vec<String> = self.files.iter().map(|link| anchor(&link.path, &link.about)).collect();
        let links = if links.is_empty() { String::new() } else { format!(" <span>{}</span>", links.join(" \u{b7} ")) };
        let body = format!(
            "<figure>\n<div class=\"wide\">{}</div>\n<div class=\"narrow\">{}</div>\n<figcaption>{}{links}</figcaption>\n</figure>\n",
            self.wide.to_inline_svg(&format!("wide{idx}")),
            self.narrow.to_inline_svg(&format!("narrow{idx}")),
            escape(&self.caption)
        );
        section(&self.heading, &body)
    }
}

/// The page from its first byte to where its content begins. `more_style` follows the style that all pages share.
pub(super) fn page_start(title: &str, more_style: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{}{more_style}</style>\n\
         </head>\n<body>\n<main>\n",
        escape(title),
        stylesheet()
    )
}

/// From where a page's content ends to its last byte.
pub(super) const PAGE_END: &str = "</main>\n</body>\n</html>\n";

fn stylesheet() -> String {
    format!(
        ":root{{{}}}\n@media (prefers-color-scheme:dark){{:root{{{}}}{}}}\n{STYLE}",
        variables(false),
        variables(true),
        dark_rules()
    )
}

/// The top of a page; `below` is markup.
pub(super) fn header(title: &str, subtitle: &str, below: &str) -> String {
    let (title, subtitle) = (escape(title), escape(subtitle));
    format!("<header>\n<h1>{title}</h1>\n<p class=\"subtitle\">{subtitle}</p>\n{below}</header>\n")
}

pub(super) fn facts_list(facts: &[Fact]) -> String {
    if facts.is_empty() {
        return "<p>No numbers were given.</p>\n".to_owned();
    }
    let pair = |fact: &Fact| format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(&fact.name), escape(&fact.value));
    format!("<dl class=\"facts\">\n{}</dl>\n", facts.iter().map(pair).collect::<String>())
}

/// The warnings, or a sentence when there are none.
pub(super) fn warning_list(warnings: &[Warning], none: &str) -> String {
    if warnings.is_empty() {
        return format!("<p>{none}</p>\n");
    }
    let line = |warning: &Warning| {
        format!("<li><strong>{}</strong>: {}</li>\n", escape(&warning.subject), escape(&warning.reason))
    };
    format!("<ul class=\"warnings\">\n{}</ul>\n", warnings.iter().map(line).collect::<String>())
}

pub(super) fn section(heading: &str, body: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{body}</section>\n", escape(heading))
}

pub(super) fn file_list(files: &[Link]) -> String {
    if files.is_empty() {
        return "<p>No files were written beside this page.</p>\n".to_owned();
    }
    let line = |link: &Link| format!("<li>{} {}</li>\n", anchor(&link.path, &link.path), escape(&link.about));
    format!("<ul>\n{}</ul>\n", files.iter().map(line).collect::<String>())
}

/// A link to a file beside the page. The leading `./` keeps a colon in a file name from reading as a scheme.
fn anchor(path: &str, text: &str) -> String {
    format!("<a href=\"./{}\">{}</a>", percent_encode(path), escape(text))
}

/// RFC 3986: letters, digits, `-._~` and the slash stand for themselves, all other bytes as `%XX`.
fn percent_encode(path: &str) -> String {
    let mut encoded = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte))
            }
            _ => write!(encoded, "%{byte:02X}").expect("a string takes every write"),
        }
    }
    encoded
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
