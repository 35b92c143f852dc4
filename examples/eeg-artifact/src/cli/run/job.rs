//! Job descriptions: a recording and runs over it, filters to design, or trigger cases. Only inputs are read; a mistake is reported with
//! line and column, and a name that is not known with the ones that are.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use consumer_support::input::{Budget, read_whole};
use eeg_artifact::Step;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cli::Refusal;

/// A job description.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Job {
    /// Where it was read from.
    #[serde(skip)]
    path: PathBuf,
    pub(super) recording: Option<RecordingEntry>,
    pub(super) triggers: Option<TriggerEntry>,
    pub(super) runs: Option<Vec<RunEntry>>,
    pub(super) fir: Option<Vec<FirEntry>>,
    pub(super) trigger_cases: Option<Vec<TriggerCase>>,
}

/// A recording as raw numbers of 32 bits, little-endian, channel after channel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordingEntry {
    pub(super) file: PathBuf,
    pub(super) sfreq: f64,
    pub(super) n_channels: usize,
    pub(super) n_times: usize,
    pub(super) channel_names: Option<Vec<String>>,
    pub(super) channel_types: Option<Vec<String>>,
    #[serde(default)]
    pub(super) bads: Vec<String>,
}

/// The triggers as they are given, or by what they are found.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TriggerEntry {
    pub(super) samples: Option<Vec<i64>>,
    pub(super) artifact_length: Option<usize>,
    pub(super) volume_gaps: Option<bool>,
    pub(super) slices_per_volume: Option<usize>,
    pub(super) offset_s: Option<f64>,
    pub(super) upsampling_factor: Option<usize>,
    pub(super) regex: Option<String>,
}

/// Steps over the recording as it was read, and where their result goes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunEntry {
    pub(super) name: String,
    pub(super) steps: Vec<Map<String, Value>>,
    pub(super) output: Option<String>,
}

/// A filter to design: band edges, or notches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FirEntry {
    pub(super) sfreq: f64,
    pub(super) l_freq: Option<f64>,
    pub(super) h_freq: Option<f64>,
    pub(super) notch: Option<Vec<f64>>,
    pub(super) notch_width: Option<f64>,
}

/// A recording that has triggers and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TriggerCase {
    pub(super) source: String,
    pub(super) sfreq: f64,
    pub(super) n_times: usize,
    pub(super) regex: String,
    pub(super) onsets_s: Option<Vec<f64>>,
    pub(super) descriptions: Option<Vec<String>>,
    pub(super) value_changes_at: Option<Vec<(usize, f64)>>,
}

impl TriggerEntry {
    fn require_used(&self) -> Result<(), String> {
        if self.samples.is_some() && self.regex.is_some() {
            return Err("triggers has samples and a regex; give the one that counts".to_owned());
        }
        let of_triggers = [
            ("artifact_length", self.artifact_length.is_some()),
            ("volume_gaps", self.volume_gaps.is_some()),
            ("slices_per_volume", self.slices_per_volume.is_some()),
        ];
        match of_triggers.iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) if self.samples.is_none() && self.regex.is_none() => {
                Err(format!("triggers has {name} and no triggers that it belongs to; give samples or a regex"))
            }
            _ => Ok(()),
        }
    }
}

impl Job {
    /// Reads the file.
    ///
    /// # Errors
    /// A message when it cannot be read, is no job description, or asks for nothing.
    pub(super) fn read(path: &Path) -> Result<Self, Refusal> {
        let refuse = |why: String| format!("{}: {why}", path.display());
        let bytes = read_whole(path, Budget::STANDARD.description_bytes).map_err(|error| refuse(error.to_string()))?;
        let mut job: Self = serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
        path.clone_into(&mut job.path);
        if job.recording.is_none() && job.runs.is_none() && job.fir.is_none() && job.trigger_cases.is_none() {
            return Err(refuse("it asks for nothing; give it recording and runs, fir, or trigger_cases".to_owned()));
        }
        job.require_used().map_err(refuse)?;
        Ok(job)
    }

    /// Refuses what would be ignored, and two runs that no result could tell apart.
    fn require_used(&self) -> Result<(), String> {
        if let Some(triggers) = &self.triggers {
            if self.recording.is_none() {
                return Err("triggers belong to a recording, and there is none; give it recording and runs".to_owned());
            }
            triggers.require_used()?;
        }
        let mut names = HashSet::new();
        match self.runs.iter().flatten().find(|run| !names.insert(run.name.as_str())) {
            Some(twice) => Err(format!("two runs are called {:?}; give each its own name", twice.name)),
            None => Ok(()),
        }
    }

    /// A file that the job names, in the job's folder unless its path says otherwise.
    pub(super) fn beside(&self, file: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(file)
    }

    /// The steps of a run; the files that they name are in the job's folder.
    ///
    /// # Errors
    /// A message that names the step or the parameter.
    pub(super) fn steps(&self, run: &RunEntry) -> Result<Vec<Step>, String> {
        let step = |entry: &Map<String, Value>| {
            let mut step = Step::from_entry(entry).map_err(|error| error.to_string())?;
            step.resolve_files(|file| self.beside(file));
            Ok(step)
        };
        run.steps.iter().map(step).collect()
    }
}
