//! One recording: read, cleaned, written, and drawn.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use eeg_artifact::files::{OpenRecording, ReadSettings};
use eeg_artifact::steps::events_of_stimulus_channel;
use eeg_artifact::{Info, JobExecutor, Pipeline, Processor, Step};
use manyhands::AnyMode;
use manyhands::report::report_amount;
use serde::{Deserialize, Serialize};

use super::inputs::RecordingFile;
use super::settings::{ChannelWorkers, CleanSettings, WorkSettings};
use crate::cli::results::{self, Before};

/// What became of a recording, for the pages over all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Cleaned {
    pub(super) channels: usize,
    pub(super) minutes: f64,
    pub(super) triggers: usize,
    /// The mean over the measured channels; NaN where there is none.
    pub(super) rms_before_uv: f64,
    pub(super) rms_after_uv: f64,
    /// The power at the harmonics of the triggers over that of their neighbours, dB.
    pub(super) harmonics_before_db: f64,
    pub(super) harmonics_after_db: f64,
    pub(super) warnings: Vec<String>,
    /// Whether something is left out or could not be measured; the warnings name it.
    pub(super) is_incomplete: bool,
    /// Why its channels were not shared among workers, where they were not.
    pub(super) serial_reason: Option<String>,
}

/// Cleans one recording.
///
/// # Errors
/// A message: the file cannot be read, a step refuses it, or the results cannot be written.
pub(super) fn clean(settings: &CleanSettings, file: &RecordingFile) -> Result<Cleaned, String> {
    let (science, work) = (&settings.science, &settings.work);
    let mut open = OpenRecording::open(&file.path, &science.read).map_err(text)?;
    science.set_info(open.info_mut());
    require_triggers(&science.steps).map_err(|why| format!("{why}. {}", may_be_triggers(&open, file)))?;
    let pipeline = science.pipeline();
    pipeline.check(open.info()).map_err(text)?;
    let folder = work.out.join(&file.name);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    results::remove_leftovers(&folder)?;
    let rows = ScratchRows::of(&folder, work, &pipeline, open.info());
    let mut recording = open.read(rows.folder()).map_err(text)?;
    let before = Before::of(&recording, None)?;
    let serial_reason = work.serial_reason(recording.info());
    pipeline.run(&mut recording, &executor(work, serial_reason.is_some())).map_err(text)?;
    let title = file.path.file_name().unwrap_or_default().to_string_lossy();
    let (steps, format) = (&science.steps, science.format);
    let cleaned = results::Cleaned { title: &title, steps, before, recording, source: Some(open.file()), format };
    let report = cleaned.write(&folder)?;
    report_amount("channel_minutes", report.minutes * report.channels.len() as f64);
    Ok(Cleaned {
        channels: report.channels.len(),
        minutes: report.minutes,
        triggers: report.triggers.as_ref().map_or(0, |triggers| triggers.n),
        rms_before_uv: report.mean(|one| one.rms_before_uv),
        rms_after_uv: report.mean(|one| one.rms_after_uv),
        harmonics_before_db: report.mean(|one| one.before_db),
        harmonics_after_db: report.mean(|one| one.after_db),
        warnings: report.warnings,
        is_incomplete: report.is_incomplete,
        serial_reason,
    })
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// Who processes the channels.
fn executor(work: &WorkSettings, is_serial: bool) -> JobExecutor {
    let mode = match work.channels {
        _ if is_serial => AnyMode::Serial,
        ChannelWorkers::Same => AnyMode::Serial,
        ChannelWorkers::Threads => AnyMode::Threads,
        ChannelWorkers::IoThreads => AnyMode::IoThreads,
        ChannelWorkers::Processes => AnyMode::Processes(manyhands::Processes::new()),
    };
    JobExecutor::new(mode).chunk_size(work.chunk_size)
}

/// The folder for rows in files, where the recording does not fit the memory that it may take. It ends with the recording.
struct ScratchRows(Option<PathBuf>);

impl ScratchRows {
    fn of(folder: &Path, work: &WorkSettings, pipeline: &Pipeline, info: &Info) -> Self {
        let is_too_large = work.memory.is_some_and(|memory| work.bytes_in_memory(pipeline, info) > memory);
        let rows = folder.join("rows");
        // What a killed run left, which may have had less memory.
        let _ = fs::remove_dir_all(&rows);
        Self((is_too_large || work.channels == ChannelWorkers::Processes).then_some(rows))
    }

    fn folder(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}

impl Drop for ScratchRows {
    fn drop(&mut self) {
        if let Some(rows) = &self.0 {
            let _ = fs::remove_dir_all(rows);
        }
    }
}

/// Refuses a recording without triggers for steps that need them.
fn require_triggers(steps: &[Step]) -> Result<(), String> {
    let first = steps.iter().find(|step| step.needs().triggers || step.gives_triggers());
    let Some(step) = first.filter(|step| !step.gives_triggers()) else { return Ok(()) };
    let name = step.name();
    Err(format!(
        "step {name:?} needs triggers; say with --triggers what they match, or give other steps if there is no \
         scanner's artifact"
    ))
}

/// What a recording has that its triggers may be among: the events of the stimulus channel, or annotations.
fn may_be_triggers(open: &OpenRecording, file: &RecordingFile) -> String {
    let stim = open.info().channels.iter().find(|channel| channel.kind == eeg_artifact::ChannelKind::Stim);
    stim.map_or_else(|| annotations(open.info()), |stim| events(&stim.name, file))
}

fn events(stim: &str, file: &RecordingFile) -> String {
    let only = ReadSettings { channels: Some(vec![stim.to_owned()]), ..ReadSettings::default() };
    let row = OpenRecording::open(&file.path, &only).and_then(|open| open.read(None)).and_then(|read| read.samples(0));
    match row.and_then(|row| events_of_stimulus_channel(stim, &row)) {
        Ok(events) => format!("The recording has the stimulus channel {stim:?}; {events}"),
        Err(why) => format!("Its stimulus channel cannot be read: {why}"),
    }
}

/// The annotations of a recording, the most frequent first.
fn annotations(info: &Info) -> String {
    const SHOWN: usize = 5;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for annotation in &info.annotations {
        *counts.entry(annotation.description.as_str()).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let shown: Vec<String> = counts.iter().take(SHOWN).map(|(text, count)| format!("{text:?} ({count})")).collect();
    if shown.is_empty() {
        return "The recording has no stimulus channel and no annotations".to_owned();
    }
    let more = if counts.len() > SHOWN { ", ..." } else { "" };
    format!("Its annotations, and how often each occurs: {}{more}", shown.join(", "))
}
