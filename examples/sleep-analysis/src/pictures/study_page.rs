//! The page of many recordings: one tile per subject with its small picture, and all that failed by name.
//!
//! It is written tile by tile, so that a study of any size needs no more memory than one tile. It shows what the caller
//! gives, in the caller's order, and adds no numbers of its own. It holds no script.

use std::io::{self, Write};

use consumer_support::escape;
use consumer_support::page::{self, Fact, Link, Warning, facts_list, file_list, section, warning_list};
use consumer_support::picture::Drawing;
use xxhash_rust::xxh3::xxh3_64;

const STYLE: &str = include_str!("study_page.css");

/// The page of a study.
///
/// ```
/// use sleep_analysis::pictures::{StudyPage, SubjectTile, Warning};
///
/// let torn = Warning { subject: "b.edf".into(), reason: "is empty".into() };
/// let page = StudyPage { title: "Two nights", failures: vec![torn], ..StudyPage::default() };
/// let tile = SubjectTile { name: "a.edf".into(), about: "8 h".into(), ..SubjectTile::default() };
/// let mut html = Vec::new();
/// page.write(&mut html, [Ok(tile)])?;
/// let html = String::from_utf8(html).unwrap();
/// assert!(html.contains("<h3>a.edf</h3>") && html.contains("<strong>b.edf</strong>: is empty"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct StudyPage<'a> {
    /// The study's name.
    pub title: &'a str,
    /// Its size, or whatever else belongs below the name.
    pub subtitle: &'a str,
    /// Counts.
    pub facts: Vec<Fact>,
    /// Subjects without a result, and why; an empty list makes the page say that none failed.
    pub failures: Vec<Warning>,
    /// What else there is to know of the input, such as files that are no recordings.
    pub notes: Vec<Warning>,
    /// Files beside the page.
    pub files: Vec<Link>,
}

/// What the page shows of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubjectTile {
    /// The subject's name.
    pub name: String,
    /// A line about it.
    pub about: String,
    /// What its results lack, and what else to know of them.
    pub remarks: Vec<Warning>,
    /// The picture, as [`tile_svg`] gives it; the page contains it unchanged.
    pub picture: String,
}

impl StudyPage<'_> {
    /// Writes the page as HTML, in UTF-8. The same page and tiles always give the same bytes.
    ///
    /// # Errors
    /// The first error of the tiles or of `out`.
    pub fn write(
        &self,
        out: &mut dyn Write,
        tiles: impl IntoIterator<Item = io::Result<SubjectTile>>,
    ) -> io::Result<()> {
        out.write_all(page::start(self.title, STYLE).as_bytes())?;
        out.write_all(page::header(self.title, self.subtitle, "").as_bytes())?;
        out.write_all(section("Summary", &facts_list(&self.facts)).as_bytes())?;
        let failures = warning_list(&self.failures, "No subject failed.");
        out.write_all(section("Failed subjects", &failures).as_bytes())?;
        if !self.notes.is_empty() {
            out.write_all(section("Notes", &warning_list(&self.notes, "")).as_bytes())?;
        }
        out.write_all(b"<section>\n<h2>Subjects</h2>\n<div class=\"subjects\">\n")?;
        let mut n_tiles = 0;
        for tile in tiles {
            out.write_all(tile?.to_html().as_bytes())?;
            n_tiles += 1;
        }
        out.write_all(if n_tiles == 0 { b"<p>There is no result to show.</p>\n" } else { b"" })?;
        out.write_all(b"</div>\n</section>\n")?;
        out.write_all(section("Files", &file_list(&self.files)).as_bytes())?;
        out.write_all(page::END.as_bytes())
    }
}

impl SubjectTile {
    fn to_html(&self) -> String {
        let (name, about) = (escape(&self.name), escape(&self.about));
        let remarks = match self.remarks.len() {
            0 => String::new(),
            n => format!(
                "<details><summary>{n} remark{}</summary>\n{}</details>\n",
                if n == 1 { "" } else { "s" },
                warning_list(&self.remarks, "")
            ),
        };
        format!("<article>\n<h3>{name}</h3>\n<p class=\"subtitle\">{about}</p>\n{}{remarks}</article>\n", self.picture)
    }
}

/// The picture as part of a [`StudyPage`]: its ids are made of the subject's name, which the page uses once.
#[must_use]
pub fn tile_svg(picture: &Drawing, subject: &str) -> String {
    picture.to_inline_svg(&format!("s{:016x}", xxh3_64(subject.as_bytes())))
}
