//! The folder that everything is written to, and what was written.
//!
//! Promises: the folder is tested for writing before the work begins; each file is there whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use sleep_analysis::pictures::{Drawing, Link, Page};
use sleep_analysis::{
    AlignedTable, FeatureTable, SleepError, SleepResult, write_aligned_table, write_feature_table, write_whole_file,
};

use super::summary::Summary;

/// A folder to write to.
#[derive(Debug)]
pub(crate) struct NightFolder {
    folder: PathBuf,
    written: Vec<Link>,
}

const PAGE: &str = "index.html";
const SUMMARY: &str = "summary.json";

impl NightFolder {
    /// Makes the folder, if it is not there, and tries whether a file can be written into it.
    ///
    /// # Errors
    /// [`SleepError::File`] naming the folder when it cannot be made or written to.
    pub(crate) fn create(folder: &Path) -> SleepResult<Self> {
        let refuse = |reason: String| SleepError::File { path: folder.to_owned(), reason };
        fs::create_dir_all(folder).map_err(|error| {
            refuse(format!("cannot be made or used as a folder: {error}; choose another with --out"))
        })?;
        let trial = folder.join(format!(".sleep-analysis-{}.trial", std::process::id()));
        let tried = fs::write(&trial, b"").and_then(|()| fs::remove_file(&trial));
        tried.map_err(|error| {
            refuse(format!("cannot be written to: {error}; change its permissions, or choose another with --out"))
        })?;
        Ok(Self { folder: folder.to_owned(), written: Vec::new() })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was written so far.
    pub(crate) fn written(&self) -> &[Link] {
        &self.written
    }

    /// The names of all files, those included that are written last.
    pub(crate) fn all_files(&self) -> Vec<String> {
        [PAGE, SUMMARY]
            .iter()
            .map(|&name| name.to_owned())
            .chain(self.written.iter().map(|link| link.path.clone()))
            .collect()
    }

    pub(crate) fn feature_table(&mut self, table: &FeatureTable) -> SleepResult<()> {
        write_feature_table(&self.path("features.csv", "every feature of every epoch"), table)
    }

    pub(crate) fn aligned_table(&mut self, table: &AlignedTable) -> SleepResult<()> {
        write_aligned_table(&self.path("aligned.csv", "every signal on one grid of time"), table)
    }

    /// One picture as SVG and PNG; returns the links for its caption.
    pub(crate) fn picture(&mut self, stem: &str, about: &str, drawing: &Drawing) -> SleepResult<Vec<Link>> {
        let (svg, png) = (drawing.to_svg(), drawing.to_png());
        let mut links = Vec::new();
        for (ending, bytes) in [("svg", svg.as_bytes()), ("png", &png)] {
            let name = format!("{stem}.{ending}");
            write_whole_file(&self.path(&name, about), |out| out.write_all(bytes))?;
            links.push(Link { path: name, about: ending.to_uppercase() });
        }
        Ok(links)
    }

    pub(crate) fn page(&self, page: &Page<'_>) -> SleepResult<()> {
        write_whole_file(&self.folder.join(PAGE), |out| out.write_all(page.to_html().as_bytes()))
    }

    /// Writes the summary and returns its text.
    pub(crate) fn summary(&self, summary: &Summary) -> SleepResult<String> {
        let json = serde_json::to_string_pretty(summary).expect("a summary is names, numbers and lists of them");
        write_whole_file(&self.folder.join(SUMMARY), |out| writeln!(out, "{json}"))?;
        Ok(json)
    }

    /// Where a file goes; it counts as written from here on, as a failure to write it ends the run.
    fn path(&mut self, name: &str, about: &str) -> PathBuf {
        self.written.push(Link { path: name.to_owned(), about: about.to_owned() });
        self.folder.join(name)
    }
}
