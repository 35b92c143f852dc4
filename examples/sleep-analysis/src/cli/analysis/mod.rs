//! The work on one night, from any source: features, one grid for all signals, pictures, files.
//!
//! Promises: what can be computed is computed, even if other parts fail, and what fails is named. Leaves to others where
//! the signals come from (`demo.rs`, `night.rs`, `study`) and which channel is what (`channels.rs`).

mod alignment;
mod features;
mod figures;
mod highlights;
mod night_folder;
mod page;
mod remarks;
mod summary;
mod terminal;
pub(crate) mod text;

use std::sync::Arc;
use std::time::Instant;

use consumer_support::{ExitStatus, Output};
use serde::Serialize;
use sleep_analysis::device::DeviceChoice;
use sleep_analysis::parallel::Engine;
use sleep_analysis::{EpochGrid, Signal, SleepResult, SleepStage};

use super::args::Common;
use super::channels::Role;
use alignment::align;
pub(crate) use features::{NightFeatures, compute_features};
use figures::draw_figures;
pub(crate) use figures::small_picture;
use highlights::Highlights;
pub(crate) use night_folder::NightFolder;
pub(crate) use remarks::{Remark, Remarks};
use summary::Summary;

/// A night ready to be analysed.
pub(crate) struct Night {
    /// Its name on the page and on the terminal.
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
    /// `synthetic night`, `EDF` or `CSV`.
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
    /// Samples per second as the source states them; none where only the timestamps show it.
    pub(crate) rate_hz: Option<f64>,
}

/// The rate of the common grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum GridRate {
    /// As the user requested.
    Requested(f64),
    /// Chosen by the program, and why.
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

/// What every command works with: its settings, the engine and the output.
#[derive(Clone, Copy)]
pub(crate) struct CliContext<'a> {
    pub(crate) common: &'a Common,
    pub(crate) engine: &'a Engine,
    pub(crate) output: &'a Output,
}

/// Works on the night and writes everything into the folder; the spectra of EEG are computed where `device` says.
pub(crate) fn analyse(
    mut night: Night,
    mut out: NightFolder,
    mut watch: Stopwatch,
    device: DeviceChoice,
    context: &CliContext<'_>,
) -> SleepResult<ExitStatus> {
    let features = compute_features(&mut night, context.engine, device, context.common.n_workers())?;
    if let Some(reason) = &features.device.fell_back {
        context.output.warning(reason);
    }
    watch.lap("features");
    let aligned = align(&mut night, context.engine, context.output)?;
    watch.lap("alignment");
    out.feature_table(&features.table)?;
    out.aligned_table(&aligned.table)?;
    watch.lap("tables");
    let highlights = Highlights::of(&night, &features);
    let figures = draw_figures(&night, &features, &highlights, &mut out)?;
    watch.lap("pictures");
    let summary = Summary::new(&night, &features, &aligned, &highlights, &watch, context, out.all_files());
    let subtitle = page::subtitle(&summary);
    out.page(&page::page(&night, &features, &summary, &subtitle, figures, &out))?;
    let json = out.summary(&summary)?;
    print(&night, &terminal::report(&night, &summary, &highlights, out.folder()), &json, context.output);
    Ok(night.remarks.exit_status())
}

/// Prints what is wrong on standard error, and the results on standard output.
fn print(night: &Night, report: &str, json: &str, output: &Output) {
    let Remarks { failed_epochs, left_out, warnings, .. } = &night.remarks;
    for failed in failed_epochs {
        output.warning(&format!("signal {:?}, {}: {}", failed.signal, failed.epoch_list(), failed.reason));
    }
    for missing in left_out {
        output.warning(&format!("left out: {}: {}", missing.subject, missing.reason));
    }
    for warning in warnings {
        output.warning(&format!("{}: {}", warning.subject, warning.reason));
    }
    output.result(&report);
    output.json(json);
}
