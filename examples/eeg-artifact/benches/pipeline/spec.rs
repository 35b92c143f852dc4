//! What a side is told: the recording, and what to do with it. The peers' scripts read the same keys.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The work of one side in one round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// Numbers of 32 bits, channel after channel.
    pub(crate) input: PathBuf,
    pub(crate) sfreq: f64,
    pub(crate) names: Vec<String>,
    pub(crate) n_times: usize,
    pub(crate) triggers: Vec<i64>,
    pub(crate) artifact_length: usize,
    /// The edges of the filters, in Hz; a filter without one is left out.
    pub(crate) highpass: Option<f64>,
    pub(crate) lowpass: Option<f64>,
    /// Whether the artifact is removed.
    pub(crate) aas: bool,
    /// How many volumes share a template.
    pub(crate) window: usize,
    pub(crate) realign: bool,
    /// How many volumes before and after one MNE averages; 4 and 4 are usual there.
    pub(crate) mne_window: (usize, usize),
    /// Where the result goes, as numbers of 64 bits, if anywhere.
    pub(crate) output: Option<PathBuf>,
    /// Who processes the channels of ours.
    pub(crate) workers: Workers,
    /// Where ours keeps the rows, if not in memory.
    pub(crate) folder: Option<PathBuf>,
}

/// Who processes the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Workers {
    Serial,
    Threads(usize),
    Processes(usize),
}

impl Spec {
    /// How much memory the recording takes as numbers of 64 bits.
    pub(crate) fn float64_bytes(&self) -> u64 {
        (self.names.len() * self.n_times * size_of::<f64>()) as u64
    }

    /// How much memory a channel takes.
    pub(crate) fn row_bytes(&self) -> u64 {
        (self.n_times * size_of::<f64>()) as u64
    }
}

/// What a side reports.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) seconds: f64,
    /// Seconds of its parts, where they can be told apart.
    pub(crate) stages: serde_json::Map<String, serde_json::Value>,
    /// The most memory that it had in use.
    pub(crate) peak_bytes: u64,
    /// What the record should know.
    pub(crate) note: String,
}

impl Report {
    /// The parts and their seconds, in words.
    pub(crate) fn parts(&self) -> String {
        let part = |(name, seconds): (&String, &serde_json::Value)| {
            format!("{name} {:.2}", seconds.as_f64().unwrap_or(f64::NAN))
        };
        self.stages.iter().map(part).collect::<Vec<_>>().join(", ")
    }
}
