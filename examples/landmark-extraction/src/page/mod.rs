//! The page of a run: which models ran, how far each split is and how fast it went, what was found, and frames with their landmarks.
//!
//! It shows what the caller gives, in the caller's order. All text is escaped, the page holds no script, and it stays below five
//! megabytes whatever the run's size. Leaves to others: which samples there are (`choose` says which ones to show), and reading them.

mod choice;
mod contact_sheet;
mod drawn;
mod lists;
mod splits;

use std::io;
use std::path::Path;
use std::time::Duration;

pub use choice::{Chosen, Why, choose, rows_to_show};
use consumer_support::escape;
use consumer_support::page::{self, Fact, Link, Warning, facts_list, file_list, section};
use manyhands::report::write_atomically;

use crate::models::files::HOW_TO_GET;
use crate::picture::Picture;
use crate::sample::SampleFigures;

const STYLE: &str = include_str!("page.css");

/// A run, as its page shows it.
#[derive(Debug, Clone)]
pub struct RunView<'a> {
    /// What was run, such as the folder's name.
    pub title: &'a str,
    /// What belongs below the title, such as the date.
    pub subtitle: &'a str,
    /// Which models ran.
    pub models: RanModels<'a>,
    /// The splits, in the order that they are shown.
    pub splits: Vec<SplitView<'a>>,
    /// Facts of the whole run, such as mode, memory per worker and speed-up.
    pub facts: Vec<Fact>,
    /// How far the landmarks are from the truth, where that is known.
    pub errors: Vec<PartError>,
    /// Frames with their landmarks.
    pub shown: Vec<ShownFrame<'a>>,
    /// Torn and missing frames and whatever else deserves a look, by name. Two hundred are shown, the rest is counted.
    pub warnings: Vec<Warning>,
    /// Files beside the page.
    pub files: Vec<Link>,
}

/// Which models ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RanModels<'a> {
    /// Those that the program carries, which know drawn frames only.
    Made,
    /// Those of the six files.
    Files {
        /// Where they lie.
        folder: &'a Path,
    },
}

/// One split.
#[derive(Debug, Clone)]
pub struct SplitView<'a> {
    /// Its name, such as `train`.
    pub name: &'a str,
    /// Samples that it has, finished or not.
    pub n_samples: usize,
    /// Those that have had their turn, of this run and of earlier ones.
    pub figures: &'a [SampleFigures],
    /// How long this run worked on it.
    pub wall: Duration,
    /// The sum of what its workers took.
    pub busy: Duration,
    /// Processor time of all workers, where it was measured.
    pub cpu: Option<Duration>,
    /// Frames that this run computed; together with `wall` they give its speed. What all runs did is in `figures`.
    pub frames_of_this_run: usize,
}

/// A frame that is shown.
#[derive(Debug, Clone)]
pub struct ShownFrame<'a> {
    /// The sample, such as `train/wave`, and why it is shown. Frames that follow each other and have one title share a heading.
    pub title: &'a str,
    /// The frame, such as `frame_0001.png`.
    pub name: &'a str,
    /// Its pixels.
    pub picture: &'a Picture,
    /// Its row of 1662 numbers, NaN where nothing was found.
    pub row: &'a [f32],
}

/// How far the landmarks of a part are from the truth.
#[derive(Debug, Clone, PartialEq)]
pub struct PartError {
    /// The part, such as `hand`.
    pub part: String,
    /// The mean distance in pixels.
    pub mean_px: f64,
    /// The largest one.
    pub largest_px: f64,
    /// The mean distance as a share of the side of the part's region.
    pub mean_share: f64,
    /// The largest one.
    pub largest_share: f64,
    /// Frames in which the part was rightly found, or rightly not.
    pub n_right: usize,
    /// Frames in which it was found and is not there, or is there and was not found.
    pub n_wrong: usize,
}

/// Writes `index.html` to a folder that exists, as a whole or not at all.
///
/// # Errors
/// The folder or the disk takes no file.
///
/// ```
/// use landmark_extraction::page::{RanModels, RunView, write_page};
///
/// let folder = tempfile::tempdir()?;
/// let run = RunView {
///     title: "<data>",
///     subtitle: "",
///     models: RanModels::Made,
///     splits: vec![],
///     facts: vec![],
///     errors: vec![],
///     shown: vec![],
///     warnings: vec![],
///     files: vec![],
/// };
/// write_page(folder.path(), &run)?;
/// let html = std::fs::read_to_string(folder.path().join("index.html"))?;
/// assert!(html.contains("<h1>&lt;data&gt;</h1>") && html.contains("not for real footage"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_page(folder: &Path, run: &RunView<'_>) -> io::Result<()> {
    write_atomically(folder.join("index.html"), |file| file.write_all(run.to_html().as_bytes()))
}

impl RunView<'_> {
    /// The page as HTML, in UTF-8. The same run always gives the same bytes.
    #[must_use]
    pub fn to_html(&self) -> String {
        let sections = [
            page::header(self.title, self.subtitle, &self.models.to_html()),
            splits::html(&self.splits, self.models),
            if self.facts.is_empty() {
                String::new()
            } else {
                section("Run", &facts_list(&lists::shown_facts(&self.facts)))
            },
            splits::errors_html(&self.errors),
            contact_sheet::html(&self.shown),
            section("Failed samples", &lists::failures_html(&self.splits)),
            section("Torn and missing frames", &lists::warnings_html(&self.warnings)),
            section("Files", &file_list(&self.files)),
        ];
        page::start(self.title, STYLE) + &sections.concat() + page::END
    }
}

impl RanModels<'_> {
    /// One sentence, for a page or a terminal.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Made => {
                "The small model that the program carries ran. It knows drawn frames only and is not for real footage."
                    .to_owned()
            }
            Self::Files { folder } => {
                format!("The MediaPipe models of the folder {} ran, their hashes checked.", folder.display())
            }
        }
    }

    fn to_html(self) -> String {
        let sentence = escape(&self.sentence());
        match self {
            Self::Made => format!(
                "<p class=\"models made\"><strong>{sentence}</strong> Models for real footage: <code>{}</code></p>\n",
                escape(HOW_TO_GET)
            ),
            Self::Files { .. } => format!("<p class=\"models\">{sentence}</p>\n"),
        }
    }
}
