//! The work on one night, wherever it comes from: features, one grid for all signals, pictures, files.
//!
//! Promises: what can be computed is computed, whatever fails beside it, and what fails is named. Leaves to others where
//! the signals come from (`main_job.rs`, `night.rs`, `study`) and which channel is what (`channels.rs`).

mod alignment;
mod features;
mod figures;
mod highlights;
mod output;
mod page;
mod remarks;
mod summary;
mod terminal;
pub(crate) mod words;

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use sleep_analysis::parallel::Hands;
use sleep_analysis::{EpochGrid, Signal, SleepResult, SleepStage};

use super::Ending;
use super::args::Common;
use super::channels::Role;
use super::voice::Voice;
use alignment::align;
pub(crate) use features::{NightFeatures, compute_features};
use figures::draw_figures;
pub(crate) use figures::small_picture;
use highlights::Highlights;
pub(crate) use output::OutFolder;
pub(crate) use remarks::{Remark, Remarks};
use summary::Summary;

/// A night ready to be worked on.
pub(crate) struct Night {
    /// What it is called on the page and on the terminal.
    pub(crate) title: String,
    pub(crate) input: Input,
    /// In order of time, each with at least one sample.
    pub(crate) signals: Arc<[Signal]>,
    /// What each signal is, in the same order.
    pub(crate) channels: Vec<Channel>,
    pub(crate) epochs: EpochGrid,
    /// The stage of each epoch, for a night that was scored.
    pub(crate) stages: Option<Vec<Option<SleepStage>>>,
    pub(crate) grid_rate: GridRate,
    pub(crate) remarks: Remarks,
}

/// Where the signals come from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Input {
    /// `made night`, `EDF` or `CSV`.
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    pub(crate) start_ns: i64,
    pub(crate) duration_s: f64,
}

/// What is known of a signal besides its samples.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) role: Role,
    pub(crate) unit: String,
    /// The unit in the source, where it was another.
    pub(crate) converted_from: Option<String>,
    /// Samples per second as the source states them; none where only the timestamps can tell.
    pub(crate) rate_hz: Option<f64>,
}

/// The rate of the common grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum GridRate {
    /// As the user said.
    Asked(f64),
    /// Chosen by the program, for a reason that it tells.
    Chosen(f64, &'static str),
    /// The highest standard rate that a regular signal reaches.
    Automatic,
}

/// What each step took.
pub(crate) struct Stopwatch {
    started: Instant,
    last: Instant,
    steps: Vec<(&'static str, f64)>,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self { started: now, last: now, steps: Vec::new() }
    }

    /// The step that ends here.
    pub(crate) fn lap(&mut self, step: &'static str) {
        let now = Instant::now();
        self.steps.push((step, (now - self.last).as_secs_f64()));
        self.last = now;
    }
}

/// Who works, and who speaks.
#[derive(Clone, Copy)]
pub(crate) struct Crew<'a> {
    pub(crate) common: &'a Common,
    pub(crate) hands: &'a Hands,
    pub(crate) voice: &'a Voice,
}

/// Works on the night and writes everything into the folder.
pub(crate) fn analyse(
    mut night: Night,
    mut out: OutFolder,
    mut watch: Stopwatch,
    crew: &Crew<'_>,
) -> SleepResult<Ending> {
    let features = compute_features(&mut night, crew.hands)?;
    watch.lap("features");
    let aligned = align(&mut night, crew.hands, crew.voice)?;
    watch.lap("alignment");
    out.feature_table(&features.table)?;
    out.aligned_table(&aligned.table)?;
    watch.lap("tables");
    let highlights = Highlights::of(&night, &features);
    let figures = draw_figures(&night, &features, &highlights, &mut out)?;
    watch.lap("pictures");
    let summary = Summary::new(&night, &features, &aligned, &highlights, &watch, crew, out.all_files());
    let subtitle = page::subtitle(&summary);
    out.page(&page::page(&night, &features, &summary, &subtitle, figures, &out))?;
    let json = out.summary(&summary)?;
    tell(&night, &terminal::report(&night, &summary, &highlights, out.folder()), &json, crew.voice);
    Ok(night.remarks.ending())
}

/// What is wrong goes to standard error, what came out of it to standard output.
fn tell(night: &Night, report: &str, json: &str, voice: &Voice) {
    let Remarks { failed_epochs, left_out, warnings, .. } = &night.remarks;
    for failed in failed_epochs {
        voice.warning(&format!("signal {:?}, {}: {}", failed.signal, failed.epochs_in_words(), failed.reason));
    }
    for missing in left_out {
        voice.warning(&format!("left out: {}: {}", missing.subject, missing.reason));
    }
    for warning in warnings {
        voice.warning(&format!("{}: {}", warning.subject, warning.reason));
    }
    voice.tell(&report);
    voice.tell_json(json);
}
