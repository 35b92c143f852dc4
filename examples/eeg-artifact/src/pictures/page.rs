//! The page of one cleaned recording around its pictures.
//!
//! It shows what the caller gives, in the caller's order, and adds no numbers of its own. The frame is `consumer_support::page`.

use consumer_support::escape;
use consumer_support::page::{self, Fact, Figure, Link, Warning, facts_list, file_list, section, warning_list};

use super::NumberTable;
use super::text::clip;

pub(super) const STYLE: &str = include_str!("page.css");
/// More warnings than this are counted, not shown.
const MOST_WARNINGS: usize = 200;
/// The letters of a warning that are shown.
const MOST_LETTERS: usize = 600;

/// The page of one recording.
///
/// With the pictures of this module it stays below two megabytes, whatever the recording's length.
///
/// ```
/// use eeg_artifact::pictures::{Fact, RecordingPage};
///
/// let page = RecordingPage {
///     title: "<run 1>.edf",
///     subtitle: "32 channels, 10 min at 5000 Hz",
///     facts: vec![Fact { name: "Residual after".into(), value: "1.2 µV".into() }],
///     ..RecordingPage::default()
/// };
/// let html = page.to_html();
/// assert!(html.contains("<h1>&lt;run 1&gt;.edf</h1>") && html.contains("There are none."));
/// ```
#[derive(Debug, Clone, Default)]
pub struct RecordingPage<'a> {
    /// The recording's name.
    pub title: &'a str,
    /// Its channels, length and rate, or whatever else belongs below the name.
    pub subtitle: &'a str,
    /// What was done, one sentence per step.
    pub computed: Vec<String>,
    /// What failed or was left out; an empty list makes the page say that there are none. Two hundred are shown, the rest is counted.
    pub warnings: Vec<Warning>,
    /// The quality in numbers; without any, the page has no such section.
    pub facts: Vec<Fact>,
    /// The pictures, as [`figure`](super::figure) makes them.
    pub figures: Vec<Figure>,
    /// Numbers per channel or per step.
    pub tables: Vec<NumberTable>,
    /// Files beside the page, such as the cleaned recording and `report.json`.
    pub files: Vec<Link>,
}

impl RecordingPage<'_> {
    /// The page as HTML, in UTF-8. The same page always gives the same bytes.
    #[must_use]
    pub fn to_html(&self) -> String {
        let warnings = shown_warnings(&self.warnings);
        let sections = [
            self.header(),
            section("Warnings", &warning_list(&warnings, "There are none.")),
            self.quality(),
            self.figures.iter().enumerate().map(|(idx, figure)| figure.to_html(idx)).collect(),
            self.tables.iter().map(NumberTable::to_html).collect(),
            section("Files", &file_list(&self.files)),
        ];
        page::start(self.title, STYLE) + &sections.concat() + page::END
    }

    fn quality(&self) -> String {
        if self.facts.is_empty() { String::new() } else { section("Quality", &facts_list(&shown_facts(&self.facts))) }
    }

    fn header(&self) -> String {
        let lines: String = self.computed.iter().map(|text| format!("<li>{}</li>\n", escape(text))).collect();
        let list = if lines.is_empty() { lines } else { format!("<ul class=\"computed\">\n{lines}</ul>\n") };
        page::header(self.title, self.subtitle, &list)
    }
}

/// A short value, such as a number with its unit, stays on one line.
pub(super) fn shown_facts(facts: &[Fact]) -> Vec<Fact> {
    let value = |text: &str| if text.len() <= 20 { text.replace(' ', "\u{a0}") } else { clip(text, MOST_LETTERS) };
    let shown = |fact: &Fact| Fact { name: clip(&fact.name, MOST_LETTERS), value: value(&fact.value) };
    facts.iter().map(shown).collect()
}

/// As many as a page takes, each with as many letters as it takes, and how many more there are.
pub(super) fn shown_warnings(warnings: &[Warning]) -> Vec<Warning> {
    let short = |warning: &Warning| Warning {
        subject: clip(&warning.subject, MOST_LETTERS),
        reason: clip(&warning.reason, MOST_LETTERS),
    };
    let n_more = warnings.len().saturating_sub(MOST_WARNINGS);
    let more = (n_more > 0).then(|| Warning {
        subject: format!("{n_more} more"),
        reason: format!("only the first {MOST_WARNINGS} are shown; report.json has all"),
    });
    warnings.iter().take(MOST_WARNINGS).map(short).chain(more).collect()
}
