//! `report.json`: what was done to a recording, what was found, and how well it worked.

use eeg_artifact::quality::{Harmonic, TruthQuality};
use eeg_artifact::{Channel, ChannelKind, Finding, Recording, Step};
use serde::Serialize;

use super::shown::{ShownChannel, corrects_artifacts};

/// The report of one recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    /// The program's version, which its results depend on.
    pub(crate) eeg_artifact: String,
    /// The recording's name.
    pub(crate) recording: String,
    pub(crate) sfreq_hz: f64,
    pub(crate) n_samples: usize,
    pub(crate) minutes: f64,
    pub(crate) steps: Vec<Step>,
    pub(crate) triggers: Option<TriggerReport>,
    pub(crate) channels: Vec<ChannelReport>,
    /// How well some channels were cleaned.
    pub(crate) quality: Vec<QualityReport>,
    pub(crate) warnings: Vec<String>,
    /// Whether something of the recording is not in the results, or could not be measured; the warnings name it.
    pub(crate) is_incomplete: bool,
}

/// The triggers, as they are after all steps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TriggerReport {
    pub(crate) n: usize,
    pub(crate) samples: Vec<i64>,
    pub(crate) fractions: Option<Vec<f64>>,
    pub(crate) artifact_length: Option<usize>,
    pub(crate) volume_gaps: bool,
    pub(crate) slices_per_volume: Option<usize>,
}

/// A channel, and what steps found out about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ChannelReport {
    pub(crate) name: String,
    pub(crate) kind: ChannelKind,
    pub(crate) is_bad: bool,
    pub(crate) findings: Vec<Finding>,
}

/// How well a channel was cleaned, without its spectra.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct QualityReport {
    pub(crate) channel: String,
    pub(crate) fundamental_hz: f64,
    /// The power at all harmonics over that of their neighbours, dB.
    pub(crate) before_db: f64,
    pub(crate) after_db: f64,
    pub(crate) rms_before_uv: f64,
    pub(crate) rms_after_uv: f64,
    pub(crate) truth: Option<TruthQuality>,
    pub(crate) harmonics: Vec<Harmonic>,
}

impl Report {
    /// The report of a recording that was cleaned.
    ///
    /// # Errors
    /// A message when a row cannot be read.
    pub(super) fn of(
        title: &str,
        steps: &[Step],
        recording: &Recording,
        shown: &[ShownChannel],
    ) -> Result<Self, String> {
        let info = recording.info();
        let channels = info.channels.iter().enumerate().map(|(idx, channel)| channel_report(recording, idx, channel));
        let mut warnings = info.left_out.clone();
        if corrects_artifacts(steps) {
            warnings.extend(unmeasured(shown));
        }
        let is_incomplete = !warnings.is_empty();
        warnings.extend(info.warnings.iter().cloned());
        Ok(Self {
            eeg_artifact: env!("CARGO_PKG_VERSION").to_owned(),
            recording: title.to_owned(),
            sfreq_hz: info.sfreq_hz,
            n_samples: info.n_samples,
            minutes: info.n_samples as f64 / info.sfreq_hz / 60.0,
            steps: steps.to_vec(),
            triggers: trigger_report(recording),
            channels: channels.collect::<Result<_, _>>()?,
            quality: shown.iter().filter_map(quality_report).collect(),
            warnings,
            is_incomplete,
        })
    }

    /// What a step found out about a channel.
    pub(super) fn finding(&self, channel: &str, what: &str) -> Option<&[f64]> {
        let of_channel = self.channels.iter().find(|one| one.name == channel)?;
        let finding = of_channel.findings.iter().rev().find(|finding| finding.what == what)?;
        Some(&finding.values)
    }

    /// The first finding of this kind among all channels.
    pub(super) fn any_finding(&self, what: &str) -> Option<&[f64]> {
        self.channels.iter().find_map(|channel| self.finding(&channel.name, what))
    }

    /// Drops the long lists that the page draws and the file would repeat for each channel.
    pub(super) fn without_drawings(mut self) -> Self {
        for channel in &mut self.channels {
            channel.findings.retain(|finding| !DRAWN_ONLY.contains(&finding.what.as_str()));
        }
        self
    }

    /// The mean over the measured channels.
    pub(crate) fn mean(&self, value: impl Fn(&QualityReport) -> f64) -> f64 {
        self.quality.iter().map(value).sum::<f64>() / self.quality.len() as f64
    }
}

/// Why it is not known how well channels were cleaned: a sentence for each reason.
fn unmeasured(shown: &[ShownChannel]) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for channel in shown {
        let Err(why) = &channel.quality else { continue };
        match reasons.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, names)) => names.push(&channel.name),
            None => reasons.push((why, vec![&channel.name])),
        }
    }
    let sentence = |(why, names): &(&str, Vec<&str>)| {
        format!("how much artifact is left in {} was not measured: {why}", names.join(", "))
    };
    reasons.iter().map(sentence).collect()
}

/// Long lists that the page draws, and that the report would repeat for each channel.
const DRAWN_ONLY: [&str; 2] = ["template of the first block", "spread of the first block"];

fn channel_report(recording: &Recording, idx: usize, channel: &Channel) -> Result<ChannelReport, String> {
    let findings = recording.rows().findings(idx).map_err(|error| error.to_string())?;
    Ok(ChannelReport { name: channel.name.clone(), kind: channel.kind, is_bad: channel.is_bad, findings })
}

fn trigger_report(recording: &Recording) -> Option<TriggerReport> {
    let triggers = recording.info().triggers.clone()?;
    Some(TriggerReport {
        n: triggers.samples.len(),
        samples: triggers.samples,
        fractions: triggers.fractions,
        artifact_length: triggers.artifact_length,
        volume_gaps: triggers.volume_gaps,
        slices_per_volume: triggers.slices_per_volume,
    })
}

fn quality_report(shown: &ShownChannel) -> Option<QualityReport> {
    let quality = shown.quality.as_ref().ok()?;
    Some(QualityReport {
        channel: shown.name.clone(),
        fundamental_hz: quality.fundamental_hz,
        before_db: quality.before_db,
        after_db: quality.after_db,
        rms_before_uv: quality.rms_before * 1e6,
        rms_after_uv: quality.rms_after * 1e6,
        truth: quality.truth,
        harmonics: quality.harmonics.clone(),
    })
}
