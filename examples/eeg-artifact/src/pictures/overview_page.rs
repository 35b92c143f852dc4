//! The page of many recordings: one row per file with a link to its page, and all that failed by name.
//!
//! It is written row by row, so that a folder of any size needs no more memory than one row; the page grows by about half a kilobyte
//! per file. In a narrow window each row becomes a list, so that nothing is cut.

use std::io::{self, Write};

use consumer_support::escape;
use consumer_support::page::{self, Fact, Link, Warning, anchor, facts_list, file_list, section, warning_list};

use super::page::{shown_facts, shown_warnings};
use super::table::cell;
use super::text::clip;

const STYLE: &str = include_str!("overview_page.css");
/// The letters of a name or a reason that are shown.
const MOST_LETTERS: usize = 600;

/// The columns after the file's name.
const COLUMNS: [&str; 8] = [
    "channels",
    "length, min",
    "triggers",
    "RMS before, \u{b5}V",
    "RMS after, \u{b5}V",
    "at harmonics before, dB",
    "at harmonics after, dB",
    "status",
];

/// The page of a folder.
///
/// ```
/// use eeg_artifact::pictures::{FileOutcome, FileRow, OverviewPage};
///
/// let torn = FileRow { file: "b.edf".into(), outcome: FileOutcome::Failed { reason: "ends in record 7 of 90".into() } };
/// let mut html = Vec::new();
/// OverviewPage { title: "Two files", ..OverviewPage::default() }.write(&mut html, [Ok(torn)])?;
/// assert!(String::from_utf8(html).unwrap().contains("ends in record 7 of 90"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct OverviewPage<'a> {
    /// What was cleaned, such as the folder's name.
    pub title: &'a str,
    /// What belongs below the title.
    pub subtitle: &'a str,
    /// Counts, wall time, mode, workers.
    pub facts: Vec<Fact>,
    /// Files without a result, and why; an empty list makes the page say that none failed.
    pub failures: Vec<Warning>,
    /// Files beside the page.
    pub files: Vec<Link>,
}

/// One recording on the page.
#[derive(Debug, Clone, PartialEq)]
pub struct FileRow {
    /// The file's name.
    pub file: String,
    /// What became of it.
    pub outcome: FileOutcome,
}

/// What became of a recording.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FileOutcome {
    /// It was cleaned.
    Cleaned(Cleaned),
    /// It has no result.
    Failed {
        /// Why, and the way out.
        reason: String,
    },
    /// The run ended before it began; the next one takes it up.
    NotStarted,
}

/// The numbers of a recording that was cleaned.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cleaned {
    /// Its page, as a path from the folder of this page.
    pub page: String,
    /// How many channels it has.
    pub n_channels: usize,
    /// Its length in minutes.
    pub minutes: f64,
    /// How many triggers it has.
    pub n_triggers: usize,
    /// The root of the mean square before, in microvolts; like the other numbers not finite where it could not be measured.
    pub rms_before_uv: f64,
    /// The same after.
    pub rms_after_uv: f64,
    /// The power at the harmonics of the triggers over that of the neighbouring frequencies before, in dB.
    pub harmonics_before_db: f64,
    /// The same after.
    pub harmonics_after_db: f64,
    /// How many warnings its page shows.
    pub n_warnings: usize,
}

impl OverviewPage<'_> {
    /// Writes the page as HTML, in UTF-8. The same page and rows always give the same bytes.
    ///
    /// # Errors
    /// The first error of the rows or of `out`.
    pub fn write(&self, out: &mut dyn Write, rows: impl IntoIterator<Item = io::Result<FileRow>>) -> io::Result<()> {
        out.write_all(page::start(self.title, &[super::page::STYLE, STYLE].concat()).as_bytes())?;
        out.write_all(page::header(self.title, self.subtitle, "").as_bytes())?;
        out.write_all(section("Summary", &facts_list(&shown_facts(&self.facts))).as_bytes())?;
        let failures = warning_list(&shown_warnings(&self.failures), "No file failed.");
        out.write_all(section("Failed files", &failures).as_bytes())?;
        let heads: String = COLUMNS.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
        let head = "<section>\n<h2>Recordings</h2>\n<div class=\"scroll\"><table class=\"files\">\n<thead><tr><th scope=\"col\">file</th>";
        out.write_all(format!("{head}{heads}</tr></thead>\n<tbody>\n").as_bytes())?;
        let mut n_rows = 0;
        for row in rows {
            out.write_all(row?.to_html().as_bytes())?;
            n_rows += 1;
        }
        out.write_all(b"</tbody>\n</table></div>\n")?;
        out.write_all(if n_rows == 0 { b"<p>There is no recording to show.</p>\n" } else { b"" })?;
        out.write_all(b"</section>\n")?;
        out.write_all(section("Files", &file_list(&self.files)).as_bytes())?;
        out.write_all(page::END.as_bytes())
    }
}

impl FileRow {
    fn to_html(&self) -> String {
        let name = clip(&self.file, MOST_LETTERS);
        let (head, cells) = match &self.outcome {
            FileOutcome::Cleaned(cleaned) => (anchor(&cleaned.page, &name), cleaned.cells()),
            FileOutcome::Failed { reason } => (escape(&name), without_numbers("failed", &clip(reason, MOST_LETTERS))),
            FileOutcome::NotStarted => (escape(&name), without_numbers("not started", "the run ended before its turn")),
        };
        format!("<tr><th scope=\"row\">{head}</th>{cells}</tr>\n")
    }
}

impl Cleaned {
    fn cells(&self) -> String {
        let number = |value: f64| cell(Some(&value));
        let status = match self.n_warnings {
            0 => "cleaned".to_owned(),
            1 => "cleaned, 1 warning".to_owned(),
            n => format!("cleaned, {n} warnings"),
        };
        let texts = [
            self.n_channels.to_string(),
            number(self.minutes),
            self.n_triggers.to_string(),
            number(self.rms_before_uv),
            number(self.rms_after_uv),
            number(self.harmonics_before_db),
            number(self.harmonics_after_db),
            status,
        ];
        COLUMNS.iter().zip(texts).map(|(label, text)| format!("<td data-label=\"{label}\">{text}</td>")).collect()
    }
}

/// The status first, as the reader looks for it, and its reason.
fn without_numbers(status: &str, reason: &str) -> String {
    let n_columns = COLUMNS.len();
    format!(
        "<td class=\"reason\" colspan=\"{n_columns}\"><span class=\"failed\">{status}</span>: {}</td>",
        escape(reason)
    )
}
