//! The subjects of a study: one per recording in EDF, per folder of signals in CSV, or per synthetic night.

use std::fs;
use std::path::{Path, PathBuf};

use consumer_support::input::kind_if_not_regular;
use serde::{Deserialize, Serialize};
use sleep_analysis::{SleepError, SleepResult, SyntheticNight, parse_duration_ns};

use super::spill_file::SpillFile;
use super::subject::StudySettings;
use crate::cli::analysis::Remark;
use crate::cli::args::StudyArgs;
use crate::cli::demo::length;

/// A study before anything of it is read.
#[derive(Debug)]
pub(super) struct Study {
    /// Its name on the page.
    pub(super) title: String,
    pub(super) settings: StudySettings,
    /// In the order of their names, which differ.
    pub(super) subjects: Vec<Subject>,
    /// What the folder holds besides subjects, each with the reason why it is none.
    pub(super) set_aside: Vec<Remark>,
}

/// One subject: an item of the run. Its name is the key by which it is known from run to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Subject {
    /// The name of its file or folder, as no two in one folder share it; of a synthetic night its seed.
    pub(super) name: String,
    pub(super) source: Source,
}

/// Where a subject's signals come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Source {
    /// A recording in EDF or EDF+.
    Edf(PathBuf),
    /// A folder with a CSV file per signal.
    Csv(PathBuf),
    /// A synthetic night.
    Made { seed: u64, hours: f64 },
    /// A file or folder whose name is not UTF-8; it fails in every mode.
    Nameless,
}

impl Study {
    /// The study that the arguments name.
    ///
    /// # Errors
    /// [`SleepError`] for invalid arguments, and a folder that cannot be read or holds no subject.
    pub(super) fn of(args: &StudyArgs) -> SleepResult<Self> {
        let epoch_ns = parse_duration_ns(&args.epoch)?;
        if epoch_ns <= 0 {
            return Err(SleepError::Config(format!("an epoch of {}; use one with a length, such as 30s", args.epoch)));
        }
        let settings = StudySettings { epoch_ns };
        match &args.folder {
            Some(folder) => Self::in_folder(folder, &args.out, settings),
            None => Self::made(args, settings),
        }
    }

    /// Why each failed subject failed, in the order of their names.
    pub(super) fn failures(&self, spill_file: &SpillFile) -> Vec<Remark> {
        let failures = spill_file.failures();
        failures.map(|(idx, reason)| Remark { subject: self.subjects[idx].name.clone(), reason }).collect()
    }

    fn made(args: &StudyArgs, settings: StudySettings) -> SleepResult<Self> {
        let n_nights = args.made.unwrap_or_default();
        SyntheticNight::new(args.seed).duration(length(args.hours)?).plan()?; // a length that cannot be is refused at once
        let last = args.seed.checked_add(n_nights.into());
        let (1.., Some(end)) = (n_nights, last) else {
            return Err(SleepError::Config(format!(
                "a study of {n_nights} synthetic nights from seed {} on; ask for 1 or more, and a smaller seed",
                args.seed
            )));
        };
        let subject =
            |seed| Subject { name: format!("made-{seed:04}"), source: Source::Made { seed, hours: args.hours } };
        Ok(Self {
            title: "Study of synthetic nights".to_owned(),
            settings,
            subjects: (args.seed..end).map(subject).collect(),
            set_aside: Vec::new(),
        })
    }

    fn in_folder(folder: &Path, out: &Path, settings: StudySettings) -> SleepResult<Self> {
        let refuse = |reason: String| SleepError::File { path: folder.to_owned(), reason };
        let unreadable = |error| refuse(format!("cannot be read as a folder: {error}; give one with EDF files in it"));
        let (place, out) = (fs::canonicalize(folder).map_err(unreadable)?, fs::canonicalize(out).ok());
        if out.as_ref() == Some(&place) {
            return Err(refuse("is the folder of the results too; choose another one for --out".to_owned()));
        }
        let mut subjects = Vec::new();
        let mut set_aside = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let is_of_results = out.is_some() && fs::canonicalize(&path).ok() == out;
            let name = name_of(&path);
            if name.starts_with('.') || is_of_results {
                continue;
            }
            match Source::at(path) {
                Ok(source) => subjects.push(Subject { name, source }),
                Err(reason) => set_aside.push(Remark { subject: name, reason }),
            }
        }
        if subjects.is_empty() {
            return Err(refuse(
                "holds no subject; put recordings in EDF (name.edf) into it, or a folder of CSV files for each subject"
                    .to_owned(),
            ));
        }
        subjects.sort_by(|one, other| one.name.cmp(&other.name));
        set_aside.sort_by(|one, other| one.subject.cmp(&other.subject));
        let title = format!("Study of {}", name_of(&place));
        Ok(Self { title, settings, subjects, set_aside })
    }
}

impl Source {
    /// What a thing in the folder is, or why it is no subject. Nothing is opened.
    fn at(path: PathBuf) -> Result<Self, String> {
        let kind = kind_if_not_regular(&path);
        let is_folder = path.is_dir();
        let is_edf = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("edf"));
        match kind {
            Some(kind) if is_edf => return Err(format!("it is {kind} with the name of a recording")),
            Some(kind) if !is_folder => return Err(format!("it is {kind}")),
            None if !is_edf => return Err("it is neither an EDF file nor a folder".to_owned()),
            _ => {}
        }
        // Another process is sent the path as text.
        Ok(match path.to_str() {
            None => Self::Nameless,
            Some(_) if is_folder => Self::Csv(path),
            Some(_) => Self::Edf(path),
        })
    }

    /// The file or folder, where there is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Edf(path) | Self::Csv(path) => Some(path),
            Self::Made { .. } | Self::Nameless => None,
        }
    }
}

/// The last part of the path; bytes that are no text are written as escapes, so that names that differ stay different.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_str().map_or_else(|| format!("{name:?}").trim_matches('"').to_owned(), str::to_owned)
}
