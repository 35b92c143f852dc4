//! Averaged artifact subtraction: the mean of similar artifacts is subtracted from each.
//!
//! The method is that of Allen, Josephs and Turner (NeuroImage 12, 2000), in the rules of FACETpy. Three parts make it the same for any
//! number of workers: templates of each channel by itself, one decision for all channels about where the artifacts lie, and subtraction
//! in each channel by itself.
//!
//! With `subsample`, artifacts are aligned to less than a sample before they are averaged. The rules then differ from the reference's
//! where those cost quality; see `subsample.rs`.

mod average;
mod epochs;
mod layout;
mod realign;
mod subsample;
mod subtract;

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use super::sample_checks::{finite_mean, refuse_flat};
use crate::{
    Channel, ChannelContext, ChannelData, ChannelKind, EegError, EegResult, Info, Needs, Phase, Processor, Recording,
};

use average::{Selection, Templates, average};
use epochs::{AlignedEpochs, WholeEpochs};
use layout::Layout;
use subtract::Subtraction;

const STEP: &str = Aas::ABOUT.name;

/// Averaged artifact subtraction.
///
/// It leaves findings for a report: in each channel the `epochs left out of every template` (indices of triggers) and the `template of
/// the first block` with its `spread of the first block` (volts, one value per sample); in the first channel also the `shifts of
/// triggers` (samples, one per trigger), where triggers may move.
///
/// ```
/// use eeg_artifact::{Channel, ChannelKind, Pipeline, Recording, SerialExecutor, Step, Triggers};
/// use serde_json::json;
///
/// let artifact = [0.0, 5.0, -3.0, 1.0, 0.0];
/// let row = artifact.repeat(40);
/// let mut recording = Recording::new(50.0, vec![Channel::new("Cz", ChannelKind::Eeg)], vec![row])?;
/// recording.info_mut().triggers = Some(Triggers::from_samples((0..40).map(|volume| volume * 5).collect()));
/// Pipeline::new([Step::from_json("aas", &json!({ "search_window_factor": 0.2 }))?]).run(&mut recording, &SerialExecutor)?;
/// assert!(recording.samples(0)?[20..180].iter().all(|sample| (sample - 0.6).abs() < 1e-12)); // the mean stays
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Aas {
    /// How many consecutive epochs share a template.
    pub window_size: usize,
    /// Where the candidates for a template lie: -1 a window before the epochs that it is for, 0 among them, 1 after them.
    pub rel_window_position: f64,
    /// How strongly a candidate must correlate with the mean of those that were taken.
    pub correlation_threshold: f64,
    /// Whether triggers move to where the templates fit best.
    pub realign_after_averaging: bool,
    /// How far they may move, in multiples of the upsampling factor.
    pub search_window_factor: f64,
    /// Whether the noise between two artifacts is interpolated and subtracted.
    pub interpolate_volume_gaps: bool,
    /// Whether each template is scaled to its epoch.
    pub apply_epoch_alpha_scaling: bool,
    /// Whether artifacts are aligned to less than a sample before they are averaged. Triggers then move as far as the search window
    /// with `realign_after_averaging`, and by one sample at most without.
    pub subsample: bool,
}

impl Described for Aas {
    const ABOUT: StepAbout = StepAbout {
        name: "aas",
        about: "Averaged artifact subtraction: subtracts from each artifact the mean of similar ones, its template.",
        parallel_safe: true,
        parameters: &[
            ParameterAbout::optional("window_size", "30", "How many consecutive artifacts share a template."),
            ParameterAbout::optional(
                "rel_window_position",
                "0.0",
                "Where the candidates for a template lie: -1 one window before the artifacts that it is for, 0 among them, 1 one \
                 window after them.",
            ),
            ParameterAbout::optional(
                "correlation_threshold",
                "0.975",
                "How strongly a candidate must correlate with the mean of those taken before it, from -1 to 1.",
            ),
            ParameterAbout::optional(
                "realign_after_averaging",
                "true",
                "Whether triggers move to where the templates of the first channel fit best.",
            ),
            ParameterAbout::optional(
                "search_window_factor",
                "3.0",
                "How far triggers may move: so many times the upsampling factor, in samples.",
            ),
            ParameterAbout::optional(
                "interpolate_volume_gaps",
                "false",
                "Whether the gap between two artifacts is bridged by interpolation, and that subtracted too.",
            ),
            ParameterAbout::optional(
                "apply_epoch_alpha_scaling",
                "false",
                "Whether each template is scaled to its artifact before it is subtracted.",
            ),
            ParameterAbout::optional(
                "subsample",
                "false",
                "Whether artifacts are aligned to fractions of a sample before they are averaged.",
            ),
        ],
    };
}

impl Processor for Aas {
    fn name(&self) -> &str {
        STEP
    }

    fn phases(&self) -> Vec<Phase> {
        match (self.subsample, self.realign_after_averaging) {
            (true, _) => vec![Phase::Whole, Phase::Channels],
            (false, true) => vec![Phase::Channels, Phase::Whole, Phase::Channels],
            (false, false) => vec![Phase::Channels],
        }
    }

    fn needs(&self) -> Needs {
        Needs::TRIGGERS
    }

    fn gives_noise(&self) -> bool {
        true
    }

    fn applies_to(&self, channel: &Channel) -> bool {
        matches!(channel.kind, ChannelKind::Eeg | ChannelKind::Eog) && !channel.is_bad
    }

    fn check(&self, info: &Info) -> EegResult<()> {
        self.check_settings()?;
        self.leader(info)?;
        info.triggers.as_ref().map_or(Ok(()), |_| Layout::of(info).map(|_| ()))
    }

    fn process_channel(&self, at: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
        let layout = Layout::of(at.info)?;
        let is_last = at.phase + 1 == self.phases().len();
        let mean = finite_mean(&at.channel().name, &data.samples)?;
        let templates = match data.carried.take() {
            Some(templates) if is_last => templates,
            _ => self.templates(&layout, mean, data)?,
        };
        if is_last {
            self.subtraction(&layout, mean).subtract(&templates, data, at.info.keeps_noise);
        } else {
            data.carried = Some(templates);
        }
        Ok(())
    }

    /// The last phase alone, so that it is said once, of the triggers as they are subtracted at.
    fn update_info(&self, phase: usize, info: &mut Info) -> EegResult<()> {
        if phase + 1 < self.phases().len() || info.triggers.is_none() {
            return Ok(());
        }
        let layout = Layout::of(info)?;
        let (n_outside, n_all) = (layout.n_outside(), layout.n_epochs());
        if n_outside > 0 {
            info.warnings.push(format!("{STEP}: {n_outside} of {n_all} artifacts begin outside of the recording"));
        }
        Ok(())
    }

    fn process_whole(&self, _phase: usize, recording: &mut Recording) -> EegResult<()> {
        let info = recording.info();
        let layout = Layout::of(info)?;
        let (leader, radius) = (self.leader(info)?, self.search_radius(info));
        let name = &info.channels[leader].name;
        let mut data = recording.rows().take(leader)?;
        let way_out = "mark it as bad, or set realign_after_averaging and subsample to false";
        refuse_flat(name, &data.samples, way_out)?;
        let (samples, fractions, shifts) = if self.subsample {
            let mean = finite_mean(name, &data.samples)?;
            let radius = if self.realign_after_averaging { radius } else { 1 };
            subsample::align(&layout, &data.samples, mean, &self.selection(), radius)?
        } else {
            realign::align(&layout, &data, self.window_size, radius)
        };
        data.note(STEP, "shifts of triggers", shifts);
        recording.rows().put(leader, data)?;
        recording.rows_mut().replace(&[leader])?;
        if let Some(triggers) = &mut recording.info_mut().triggers {
            (triggers.samples, triggers.fractions) = (samples, fractions);
        }
        Ok(())
    }
}

impl Aas {
    fn check_settings(&self) -> EegResult<()> {
        let refuse =
            |parameter: &str, value: String, reason: &str| Err(EegError::parameter(STEP, parameter, value, reason));
        let is_within_one = |value: f64| (-1.0..=1.0).contains(&value);
        if self.window_size == 0 {
            return refuse("window_size", "0".to_owned(), "a template needs at least one artifact; 30 is usual");
        }
        if !is_within_one(self.rel_window_position) {
            let value = self.rel_window_position.to_string();
            return refuse("rel_window_position", value, "use a number from -1 to 1; 0 is usual");
        }
        if !is_within_one(self.correlation_threshold) {
            let value = self.correlation_threshold.to_string();
            return refuse("correlation_threshold", value, "use a correlation, from -1 to 1; 0.975 is usual");
        }
        if !(self.search_window_factor > 0.0 && self.search_window_factor.is_finite()) {
            let value = self.search_window_factor.to_string();
            return refuse("search_window_factor", value, "use a number above zero; 3 is usual");
        }
        Ok(())
    }

    /// The first channel that is processed: it decides where the artifacts lie.
    fn leader(&self, info: &Info) -> EegResult<usize> {
        info.channels.iter().position(|channel| self.applies_to(channel)).ok_or_else(|| {
            let n_bad = info.channels.iter().filter(|channel| channel.is_bad).count();
            let n_channels = info.channels.len();
            EegError::Recording(format!(
                "step {STEP:?} has no channel to work on: none of {n_channels} is EEG or EOG and not bad ({n_bad} are bad); \
                 mark fewer channels as bad, or mend their kinds"
            ))
        })
    }

    /// How far a trigger may move, in samples. It cannot move further than the recording is long.
    fn search_radius(&self, info: &Info) -> usize {
        ((self.search_window_factor * info.upsampling_factor as f64) as usize).min(info.n_samples)
    }

    fn selection(&self) -> Selection {
        Selection {
            window_size: self.window_size,
            window_shift: (self.window_size as f64 * self.rel_window_position) as i64,
            threshold: self.correlation_threshold,
            keeps_last_window_full: self.subsample,
        }
    }

    /// The templates of all blocks, one after the other, and what is to be reported of them.
    fn templates(&self, layout: &Layout<'_>, mean: f64, data: &mut ChannelData) -> EegResult<Vec<f64>> {
        let selection = self.selection();
        let Templates { values, width, left_out, spread, n_in_first } = if self.subsample {
            average(&AlignedEpochs::new(&data.samples, layout, layout.shifts()), &selection, mean)?
        } else {
            average(&WholeEpochs::new(&data.samples, layout), &selection, mean)?
        };
        let margin = (width - layout.length) / 2;
        let first = margin..margin + layout.length;
        data.note(STEP, "epochs left out of every template", left_out.into_iter().map(|epoch| epoch as f64).collect());
        data.note(STEP, "epochs in the first block's template", vec![n_in_first as f64]);
        data.note(STEP, "template of the first block", values[first.clone()].to_vec());
        data.note(STEP, "spread of the first block", spread[first].to_vec());
        Ok(values)
    }

    fn subtraction<'a>(&self, layout: &'a Layout<'a>, mean: f64) -> Subtraction<'a> {
        Subtraction {
            layout,
            mean,
            window_size: self.window_size,
            is_scaled: self.apply_epoch_alpha_scaling,
            fills_gaps: self.interpolate_volume_gaps,
            is_subsample: self.subsample,
        }
    }
}

impl Default for Aas {
    fn default() -> Self {
        Self {
            window_size: 30,
            rel_window_position: 0.0,
            correlation_threshold: 0.975,
            realign_after_averaging: true,
            search_window_factor: 3.0,
            interpolate_volume_gaps: false,
            apply_epoch_alpha_scaling: false,
            subsample: false,
        }
    }
}
