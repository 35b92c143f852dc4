//! Some channels before and after, to measure and to draw what was removed.

use eeg_artifact::quality::{Quality, Signals};
use eeg_artifact::{Info, Phase, Pipeline, Processor, Recording, SerialExecutor, Step};

/// Of how many channels copies are kept.
pub(crate) const SHOWN_CHANNELS: usize = 3;

/// Some good EEG channels as they were read, and their truth where it is known.
#[derive(Debug)]
pub(crate) struct Before {
    info: Info,
    names: Vec<String>,
    rows: Vec<Vec<f64>>,
    truth: Option<Vec<Vec<f64>>>,
}

/// A channel before and after, both through the filters of the pipeline.
#[derive(Debug)]
pub(super) struct ShownChannel {
    pub(super) name: String,
    pub(super) before: Vec<f64>,
    pub(super) after: Vec<f64>,
    pub(super) truth: Option<Vec<f64>>,
    /// How well it was cleaned, or why that cannot be said.
    pub(super) quality: Result<Quality, String>,
}

impl Before {
    /// Copies of the first good EEG channel, the middle one, and the last. `truth` gives the truth of a channel.
    ///
    /// # Errors
    /// A message when a row cannot be read.
    pub(crate) fn of(recording: &Recording, truth: Option<&[Vec<f64>]>) -> Result<Self, String> {
        let channels = &recording.info().channels;
        let good: Vec<usize> = (0..channels.len()).filter(|idx| channels[*idx].is_good_eeg()).collect();
        let mut shown = match good.as_slice() {
            [] => Vec::new(),
            [first, .., last] => vec![*first, good[good.len() / 2], *last],
            [only] => vec![*only],
        };
        shown.dedup();
        let mut info = recording.info().clone();
        info.channels = shown.iter().map(|idx| channels[*idx].clone()).collect();
        let rows = shown.iter().map(|idx| recording.samples(*idx).map_err(text)).collect::<Result<_, _>>()?;
        let truth = truth.map(|truth| shown.iter().map(|idx| truth[*idx].clone()).collect());
        Ok(Self { names: info.channels.iter().map(|channel| channel.name.clone()).collect(), info, rows, truth })
    }

    /// The channels beside what became of them. One that the pipeline has dropped is left out.
    ///
    /// # Errors
    /// A message when a row cannot be read.
    pub(super) fn compare(self, steps: &[Step], cleaned: &Recording) -> Result<Vec<ShownChannel>, String> {
        let Self { info, names, rows, truth } = self;
        let before = filtered(&info, rows, steps, cleaned)?;
        let truth = truth.map(|rows| filtered(&info, rows, steps, cleaned)).transpose()?;
        let mut truth = truth.map(Vec::into_iter);
        let mut shown = Vec::new();
        for (name, before) in names.into_iter().zip(before) {
            let truth = truth.as_mut().and_then(Iterator::next);
            let Some(channel) = cleaned.info().channel_index(&name) else { continue };
            let after = cleaned.samples(channel).map_err(text)?;
            let quality = measure(&before, &after, truth.as_deref(), cleaned.info());
            shown.push(ShownChannel { name, before, after, truth, quality });
        }
        Ok(shown)
    }
}

/// Whether artifacts are corrected at all, so that filters are no part of the comparison.
pub(super) fn corrects_artifacts(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.gives_noise() || step.needs().noise)
}

fn corrects(step: &Step) -> bool {
    let is_over_channels = step.phases() == [Phase::Channels];
    !is_over_channels || step.gives_noise() || step.needs().triggers || step.needs().noise
}

/// Whether the step gives another rate or another stretch.
fn changes_samples(step: &Step) -> bool {
    matches!(step, Step::Crop(_) | Step::Upsample(_) | Step::Downsample(_))
}

/// The rows through the steps that correct nothing: filters, another rate, another stretch. Filters are left out where no step corrects
/// artifacts: then they are what is compared.
fn filtered(info: &Info, rows: Vec<Vec<f64>>, steps: &[Step], cleaned: &Recording) -> Result<Vec<Vec<f64>>, String> {
    if rows.is_empty() {
        return Ok(rows);
    }
    let mut recording = Recording::new(info.sfreq_hz, info.channels.clone(), rows).map_err(text)?;
    recording.info_mut().annotations.clone_from(&info.annotations);
    let corrects_artifacts = corrects_artifacts(steps);
    let is_kept = |step: &&Step| if corrects_artifacts { !corrects(step) } else { changes_samples(step) };
    let kept = steps.iter().filter(is_kept).cloned();
    Pipeline::new(kept).run(&mut recording, &SerialExecutor).map_err(text)?;
    let range = stretch(recording.info(), cleaned.info());
    (0..recording.info().channels.len()).map(|row| recording.rows().samples(row, range.clone()).map_err(text)).collect()
}

/// The samples that the cleaned recording still has: some steps cut a stretch that only they know.
fn stretch(info: &Info, cleaned: &Info) -> std::ops::Range<usize> {
    let start = ((cleaned.start_s - info.start_s) * info.sfreq_hz).round().max(0.0) as usize;
    let start = start.min(info.n_samples);
    start..info.n_samples.min(start + cleaned.n_samples)
}

fn measure(before: &[f64], after: &[f64], truth: Option<&[f64]>, info: &Info) -> Result<Quality, String> {
    let triggers = info.triggers.as_ref().ok_or("there are no triggers, so no frequency of the artifact is known")?;
    Quality::measure(&Signals { before, after, truth }, info.sfreq_hz, triggers).map_err(text)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
