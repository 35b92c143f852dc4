//! `summary.json`: what was computed of what, how, how long it took, and what is missing.

use std::collections::BTreeMap;

use consumer_support::ExitStatus;
use serde::{Serialize, Serializer};
use sleep_analysis::SleepStage;

use super::alignment::Alignment;
use super::features::NightFeatures;
use super::highlights::Highlights;
use super::remarks::{EpochsWithoutResult, Remark};
use super::{CliContext, Input, Night, Stopwatch};
use crate::cli::channels::Role;
use crate::cli::cost::CacheUse;

/// The summary of one run. Features as numbers are in the tables.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) title: String,
    pub(crate) complete: bool,
    pub(crate) input: Input,
    pub(crate) computed: Vec<String>,
    pub(crate) counts: Counts,
    pub(crate) epoch_s: f64,
    pub(crate) alignment: AlignmentSummary,
    /// For a night that was scored, from wake to deep sleep.
    pub(crate) stages: Option<Vec<StageSummary>>,
    pub(crate) failed_epochs: Vec<EpochsWithoutResult>,
    pub(crate) left_out: Vec<Remark>,
    pub(crate) warnings: Vec<Remark>,
    /// Epochs in which the recording itself has no data.
    pub(crate) gaps: Vec<EpochsWithoutResult>,
    pub(crate) signals: Vec<SignalSummary>,
    pub(crate) mode: String,
    pub(crate) workers: usize,
    pub(crate) chunk_size: Option<usize>,
    /// What computed the spectra of EEG.
    pub(crate) device: String,
    /// What a device was measured to take, where that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device_measured: Option<String>,
    /// By step, in order, and in total.
    pub(crate) seconds: Seconds,
    pub(crate) cache: CacheUse,
    pub(crate) versions: Versions,
    pub(crate) files: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Counts {
    pub(crate) signals: usize,
    pub(crate) epochs: usize,
    /// Columns of features.csv beside the time.
    pub(crate) features: usize,
    pub(crate) failed_epochs: usize,
    pub(crate) left_out: usize,
    pub(crate) aligned_signals: usize,
    pub(crate) aligned_rows: usize,
    /// Columns of aligned.csv beside the time.
    pub(crate) aligned_columns: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct AlignmentSummary {
    pub(crate) method: String,
    pub(crate) rate_hz: f64,
    pub(crate) why_this_rate: String,
    pub(crate) first_ns: i64,
    pub(crate) last_ns: i64,
    pub(crate) period_ns: i64,
}

/// How much of a stage there was, and the means of some features in it.
#[derive(Debug, Serialize)]
pub(crate) struct StageSummary {
    pub(crate) stage: &'static str,
    pub(crate) epochs: usize,
    pub(crate) minutes: f64,
    /// Of all scored epochs.
    pub(crate) percent: f64,
    /// By a short name; none where no epoch of the stage has a value.
    pub(crate) means: BTreeMap<&'static str, Option<f64>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SignalSummary {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) converted_from: Option<String>,
    /// None for an irregular signal.
    pub(crate) rate_hz: Option<f64>,
    pub(crate) samples: usize,
    pub(crate) columns: Vec<String>,
}

/// What each step took.
#[derive(Debug)]
pub(crate) struct Seconds(pub(crate) Vec<(&'static str, f64)>);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Versions {
    pub(crate) sleep_analysis: &'static str,
}

impl Summary {
    pub(crate) fn new(
        night: &Night,
        features: &NightFeatures,
        aligned: &Alignment,
        highlights: &Highlights,
        watch: &Stopwatch,
        context: &CliContext<'_>,
        files: Vec<String>,
    ) -> Self {
        let remarks = &night.remarks;
        let total = ("total", watch.started.elapsed().as_secs_f64());
        let seconds = Seconds(watch.steps.iter().copied().chain([total]).collect());
        Self {
            title: night.title.clone(),
            complete: remarks.exit_status() == ExitStatus::Done,
            input: night.input.clone(),
            computed: features.computed.clone(),
            counts: counts(night, features, aligned),
            epoch_s: night.epochs.window_ns() as f64 / 1e9,
            alignment: alignment(aligned),
            stages: night.stages.as_deref().map(|stages| stage_summaries(night, stages, highlights)),
            failed_epochs: remarks.failed_epochs.clone(),
            left_out: remarks.left_out.clone(),
            warnings: remarks.warnings.clone(),
            gaps: remarks.gaps.clone(),
            signals: signals(night, aligned),
            mode: context.common.mode.to_string(),
            workers: context.common.n_workers(),
            chunk_size: context.common.chunk_size,
            device: features.device.ran.to_string(),
            device_measured: features.device.measured.clone(),
            seconds,
            cache: CacheUse::of(context.engine),
            versions: Versions { sleep_analysis: env!("CARGO_PKG_VERSION") },
            files,
        }
    }
}

fn counts(night: &Night, features: &NightFeatures, aligned: &Alignment) -> Counts {
    Counts {
        signals: night.signals.len(),
        epochs: night.epochs.n_epochs(),
        features: features.table.columns.len(),
        failed_epochs: night.remarks.n_failed_epochs(),
        left_out: night.remarks.left_out.len(),
        aligned_signals: aligned.n_signals,
        aligned_rows: aligned.table.grid.count(),
        aligned_columns: aligned.table.columns.len(),
    }
}

fn alignment(aligned: &Alignment) -> AlignmentSummary {
    let grid = &aligned.table.grid;
    AlignmentSummary {
        method: aligned.method.to_string(),
        rate_hz: aligned.rate_hz,
        why_this_rate: aligned.why_rate.clone(),
        first_ns: grid.reference_ns(),
        last_ns: grid.last_ns(),
        period_ns: grid.period_ns(),
    }
}

fn stage_summaries(night: &Night, stages: &[Option<SleepStage>], highlights: &Highlights) -> Vec<StageSummary> {
    let n_scored = stages.iter().flatten().count();
    let step_minutes = night.epochs.step_ns() as f64 / 60e9;
    let summary = |stage: SleepStage| {
        let epochs = stages.iter().filter(|at| **at == Some(stage)).count();
        let mean = |value: f64| (!value.is_nan()).then_some(value);
        StageSummary {
            stage: stage.label(),
            epochs,
            minutes: epochs as f64 * step_minutes,
            percent: 100.0 * epochs as f64 / n_scored.max(1) as f64,
            means: highlights.all().map(|one| (one.short, mean(one.mean_in(stages, stage)))).collect(),
        }
    };
    SleepStage::TOP_DOWN.into_iter().map(summary).collect()
}

fn signals(night: &Night, aligned: &Alignment) -> Vec<SignalSummary> {
    let of = |(idx, signal): (usize, &sleep_analysis::Signal)| SignalSummary {
        name: signal.name().to_owned(),
        role: night.channels[idx].role,
        unit: night.channels[idx].unit.clone(),
        converted_from: night.channels[idx].converted_from.clone(),
        rate_hz: aligned.rates_hz[idx],
        samples: signal.len(),
        columns: signal.columns().iter().map(|column| column.name.clone()).collect(),
    };
    night.signals.iter().enumerate().map(of).collect()
}
