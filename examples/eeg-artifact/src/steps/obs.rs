//! Optimal basis set: the mean artifact and the strongest ways in which artifacts differ from it are fitted to each artifact, and the
//! fit is subtracted.
//!
//! After Niazy, Beckmann, Iannetti, Brady and Smith (2005), Removal of FMRI environment artifacts from EEG data using optimal basis
//! sets, NeuroImage 28:720-737. Each channel by itself: the artifacts are cut out, each less its own mean; their principal
//! components over artifacts, after the mean artifact was taken off, are the leading left singular vectors of the matrix of samples
//! by artifacts. The basis is the mean artifact and the first components. A fit of k + 1 numbers also takes (k + 1) / length
//! of the variance of any other signal, and more where artifacts are few; see [`Obs::n_components`].

mod basis;

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use super::epochs::Epochs;
use crate::{ChannelContext, ChannelData, EegError, EegResult, Info, Needs, Processor};
use basis::Basis;

/// With more components than this a fit takes more of the signal than of the artifact in any recording.
const MOST_COMPONENTS: usize = 1000;
/// Beyond this nearly all of the EEG is left out of the fit, and the cosines below it take more memory than the recording.
const HIGHEST_HIGHPASS_HZ: f64 = 100.0;

/// Optimal basis set: removes artifacts that repeat and change, without alignment to less than a sample.
///
/// An artifact that the begin or end of the recording cuts gets a fit to what there is of it; one of which fewer than three samples for each
/// vector of the basis are there gets the mean artifact as it is. The mean of an artifact over its own time stays in the signal, so
/// that no step arises at its ends. Where two overlap, the samples of both belong to the later one. Samples outside of artifacts
/// stay bit for bit.
///
/// ```
/// use eeg_artifact::{Channel, ChannelKind, Pipeline, Recording, SerialExecutor, Step, Triggers};
///
/// // An artifact of 100 samples whose strength grows, 40 times.
/// let shape = |at: usize| (at as f64 * 0.07 * std::f64::consts::TAU).sin();
/// let row: Vec<f64> = (0..4000).map(|at| 1e-3 * (1.0 + at as f64 / 4000.0) * shape(at % 100)).collect();
/// let mut recording = Recording::new(1000.0, vec![Channel::new("Cz", ChannelKind::Eeg)], vec![row])?;
/// recording.info_mut().triggers = Some(Triggers::from_samples((0..40).map(|idx| idx * 100).collect()));
/// let pipeline = Pipeline::new([Step::from_json("obs", &serde_json::json!({ "n_components": 2 }))?]);
/// pipeline.run(&mut recording, &SerialExecutor)?;
/// assert!(recording.samples(0)?.iter().all(|sample| sample.abs() < 2e-5));
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Obs {
    /// How many principal components are fitted beside the mean artifact. With n whole artifacts at most (n - 1) / 2 are used, so
    /// that the fit cannot take the signal as a whole.
    pub n_components: usize,
    /// Where given, fits look only at what is faster than this, in Hz, so that they do not take slow EEG along, which is stronger than
    /// what artifacts differ by. The mean artifact is subtracted with its slow parts; those of its changes stay. Good values are just
    /// below the frequency of slices. It costs a copy of the artifacts of a channel.
    pub highpass: Option<f64>,
}

impl Described for Obs {
    const ABOUT: StepAbout = StepAbout {
        name: "obs",
        about: "Optimal basis set: fits the mean artifact and the principal components of the artifacts to each artifact, and \
                subtracts the fit.",
        parallel_safe: true,
        parameters: &[
            ParameterAbout::optional(
                "n_components",
                "4",
                "How many principal components are fitted beside the mean artifact; fewer are used where artifacts are few.",
            ),
            ParameterAbout::optional(
                "highpass",
                "none",
                "Only what is faster than this is fitted, in Hz. Just below the frequency of slices is a good value.",
            ),
        ],
    };
}

impl Processor for Obs {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }

    fn needs(&self) -> Needs {
        Needs::TRIGGERS
    }

    fn gives_noise(&self) -> bool {
        true
    }

    fn check(&self, info: &Info) -> EegResult<()> {
        let limit_hz = HIGHEST_HIGHPASS_HZ.min(0.5 * info.sfreq_hz);
        if let Some(highpass) = self.highpass.filter(|highpass| !(*highpass > 0.0 && *highpass < limit_hz)) {
            let reason = format!("it must be above 0 and below {limit_hz} Hz");
            return Err(EegError::parameter(self.name(), "highpass", highpass, reason));
        }
        if self.n_components > MOST_COMPONENTS {
            let reason = format!("at most {MOST_COMPONENTS}; 3 to 8 are usual");
            return Err(EegError::parameter(self.name(), "n_components", self.n_components, reason));
        }
        Ok(())
    }

    fn process_channel(&self, at: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
        let mut epochs = Epochs::at_triggers(at.info, at.info.offset_samples(), self.name())?;
        epochs.starts.sort_unstable();
        epochs.starts.dedup();
        if let Some(sample) = data.samples.iter().position(|sample| !sample.is_finite()) {
            let reason = format!("sample {sample} is {}; mark the channel bad, or crop it away", data.samples[sample]);
            return Err(EegError::channel(&at.channel().name, reason));
        }
        let basis = Basis::of(&data.samples, &epochs, self.n_components, self.n_slow(&epochs, at.info.sfreq_hz))?;
        data.note(self.name(), "components", vec![basis.n_components() as f64]);
        data.note(self.name(), "singular values", basis.singular_values.clone());
        subtract(&basis, &epochs, at.info.keeps_noise, data);
        Ok(())
    }
}

impl Default for Obs {
    fn default() -> Self {
        Self { n_components: 4, highpass: None }
    }
}

impl Obs {
    /// How many cosines of an epoch are slower than the high-pass: cosine k has k / 2 periods in it.
    fn n_slow(&self, epochs: &Epochs, sfreq_hz: f64) -> usize {
        self.highpass.map_or(0, |highpass| (2.0 * highpass * epochs.length as f64 / sfreq_hz) as usize)
    }
}

/// Subtracts the fit of each epoch, from its begin to its end or to the next one.
fn subtract(basis: &Basis, epochs: &Epochs, keeps_noise: bool, data: &mut ChannelData) {
    let n_samples = data.samples.len();
    if keeps_noise {
        data.noise_to_add_to(true);
    }
    let mut fit = vec![0.0; epochs.length];
    for (idx, start) in epochs.starts.iter().enumerate() {
        let within = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(n_samples);
        let end = start.saturating_add(i64::try_from(epochs.length).unwrap_or(i64::MAX));
        let there = within(*start)..within(end);
        if there.is_empty() {
            continue;
        }
        // In rising order, so that no sample of an epoch was changed before its own fit.
        let first = usize::try_from(start.saturating_neg()).unwrap_or(0);
        basis.fit(&data.samples[there.clone()], first, &mut fit);
        let own_end = epochs.starts.get(idx + 1).map_or(there.end, |next| there.end.min(within(*next)));
        let own = there.start..own_end;
        data.samples[own.clone()].iter_mut().zip(&fit).for_each(|(sample, fit)| *sample -= fit);
        if let Some(noise) = data.noise.as_mut().filter(|_| keeps_noise) {
            noise[own].iter_mut().zip(&fit).for_each(|(noise, fit)| *noise += fit);
        }
    }
}
