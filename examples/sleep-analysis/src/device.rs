//! Spectra of EEG on a graphics processor: of a whole night, or not at all.
//!
//! Promises: all spectra of a night come from one place, so that a result never mixes single and double precision; whatever goes wrong
//! on a device, the requests come back as they were, with the reason. Leaves to others: the other features of an epoch, which the
//! cores compute in double precision from the densities found here, and what the user is told.
//!
//! This is the one file of the library that uses the crate `gpu`.

use std::num::NonZeroUsize;
use std::ops::Range;

use gpu::{Chosen, Timed, WelchBatch, WelchShape, Work};
pub use gpu::{Device, DeviceChoice, DeviceSettings, GpuError, Ran};

use crate::SleepError;
use crate::eeg::WelchPlan;
use crate::features::{Densities, FeatureRequest, SpectrumEpochs};

/// A density from a device is within this share of its epoch's largest bin of the one that the cores compute.
pub const DENSITY_TOLERANCE: f64 = gpu::SPECTRUM_TOLERANCE;

/// A band's power from a device is within this share of its epoch's total power of the one that the cores compute, and so is its
/// relative power.
pub const BAND_POWER_TOLERANCE: f64 = 1e-4;

/// So many epochs are measured on one core before `auto` looks for a device: few, as every night pays for them.
const EPOCHS_ON_A_CORE: usize = 16;

/// So many are measured on the device that it finds: enough to keep it busy.
const EPOCHS_ON_THE_DEVICE: usize = 256;

/// The requests of a night, and what computed their spectra.
#[derive(Debug)]
#[must_use]
pub struct Spectra {
    /// The requests in their order: as they were, or those of EEG features with the densities of a device.
    pub requests: Vec<FeatureRequest>,
    /// What computed the spectra, or will.
    pub ran: Ran,
    /// What a device and the cores were measured to take, where that decided.
    pub measured: Option<String>,
    /// Why a device that was asked for, or chosen, computed nothing.
    pub fell_back: Option<String>,
}

/// Computes the spectra of all requests on the device that `find` finds, if that is what `choice` comes to; the cores, with this many
/// workers, are the other place.
///
/// `auto` looks for a device only when the cores would take long, and measures a part of the work in both places ([`gpu::choose`]).
///
/// # Concurrency
/// Blocks until the device has computed everything. Nothing runs on a device afterwards.
///
/// ```
/// # use sleep_analysis::device::{Device, DeviceChoice, Ran, find_spectra};
/// # use sleep_analysis::eeg::EegSettings;
/// # use sleep_analysis::features::cut_epochs;
/// let sine: Vec<f64> = (0..3000).map(|i| (f64::from(i) / 7.0).sin()).collect();
/// let request = cut_epochs("eeg", "uv", EegSettings::new(100.0), 3000, &[sine])?;
/// let few = find_spectra(vec![request], DeviceChoice::Auto, 2, Device::find);
/// assert_eq!((few.ran, few.fell_back), (Ran::Cpu, None)); // too little work for a device
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn find_spectra(
    requests: Vec<FeatureRequest>,
    choice: DeviceChoice,
    workers: usize,
    find: impl FnOnce() -> Result<Device, GpuError>,
) -> Spectra {
    let wanted: Vec<_> =
        if choice == DeviceChoice::Cpu { Vec::new() } else { requests.iter().map(SpectrumEpochs::of).collect() };
    let has_none = largest(&wanted).is_none();
    let chosen = match choice {
        DeviceChoice::Gpu if has_none => {
            Chosen::cores_because("no channel has an EEG epoch whose spectrum a device could compute")
        }
        _ if has_none => Chosen::cores(),
        _ => choose(&requests, &wanted, choice, workers, find),
    };
    let Some(device) = chosen.device.clone() else { return spectra(requests, chosen) };
    match DeviceWork::new(device).find_all(&wanted).and_then(|densities| with_densities(&requests, densities)) {
        Ok(requests) => spectra(requests, chosen),
        Err(error) => spectra(requests, Chosen { measured: chosen.measured, ..Chosen::cores_because(error) }),
    }
}

fn choose(
    requests: &[FeatureRequest],
    wanted: &[Option<SpectrumEpochs<'_>>],
    choice: DeviceChoice,
    workers: usize,
    find: impl FnOnce() -> Result<Device, GpuError>,
) -> Chosen {
    let work = Work {
        n_items: wanted.iter().flatten().map(|wanted| wanted.epochs().len() * wanted.plan().n_samples()).sum(),
        workers: NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN),
    };
    gpu::choose(choice, work, find, || time_on_core(requests), |device| time_on_device(device, wanted))
}

fn spectra(requests: Vec<FeatureRequest>, chosen: Chosen) -> Spectra {
    Spectra { requests, ran: chosen.ran(), measured: chosen.measured, fell_back: chosen.fell_back }
}

/// What went wrong on a device, or with what it computed.
#[derive(Debug, thiserror::Error)]
enum DeviceFailure {
    #[error(transparent)]
    Gpu(#[from] GpuError),
    #[error(transparent)]
    Density(#[from] SleepError),
}

/// The requests with the densities found. That they do not fit would be a mistake of this file.
fn with_densities(
    requests: &[FeatureRequest],
    densities: Vec<Option<Densities>>,
) -> Result<Vec<FeatureRequest>, DeviceFailure> {
    let with = |(request, densities): (&FeatureRequest, Option<Densities>)| match densities {
        Some(densities) => Ok(request.clone().with_densities(densities)?),
        None => Ok(request.clone()),
    };
    requests.iter().zip(densities).map(with).collect()
}

/// The samples of a few epochs of the middle of the night, where gaps are rare; none without one that has a spectrum.
fn time_on_core(requests: &[FeatureRequest]) -> Option<Timed> {
    let of_middle = |request| SpectrumEpochs::within(request, middle(request));
    let example = requests.iter().filter_map(of_middle).find(|wanted| !wanted.epochs().is_empty())?;
    let (mut plan, epochs) = (example.plan().clone(), example.epochs());
    epochs.iter().try_for_each(|epoch| plan.density(epoch).map(drop)).ok()?;
    let n_samples = NonZeroUsize::new(epochs.len() * plan.n_samples())?;
    Some(Timed::on_core(n_samples, || epochs.iter().for_each(|epoch| _ = plan.density(epoch))))
}

/// The samples of some epochs of the request that has the most.
fn time_on_device(device: &Device, wanted: &[Option<SpectrumEpochs<'_>>]) -> Result<Timed, GpuError> {
    let nothing = || GpuError::Input("there is no epoch to time".to_owned());
    let example = largest(wanted).ok_or_else(nothing)?;
    let part = &example.epochs()[..example.epochs().len().min(EPOCHS_ON_THE_DEVICE)];
    let n_samples = NonZeroUsize::new(part.len() * example.plan().n_samples()).ok_or_else(nothing)?;
    let mut work = DeviceWork::new(device.clone());
    Timed::on_device(n_samples, || work.densities(example.plan(), part).map(drop))
}

fn middle(request: &FeatureRequest) -> Range<usize> {
    let n_epochs = request.grid().n_epochs();
    let n_measured = EPOCHS_ON_A_CORE.min(n_epochs);
    let start = (n_epochs - n_measured) / 2;
    start..start + n_measured
}

/// The request with the most epochs that need a spectrum, if any does.
fn largest<'a, 'b>(wanted: &'a [Option<SpectrumEpochs<'b>>]) -> Option<&'a SpectrumEpochs<'b>> {
    let largest = wanted.iter().flatten().max_by_key(|wanted| wanted.epochs().len());
    largest.filter(|wanted| !wanted.epochs().is_empty())
}

/// What a device keeps from request to request: channels of one rate share the plan on it.
struct DeviceWork {
    device: Device,
    batch: Option<(WelchShape, WelchBatch)>,
}

impl DeviceWork {
    fn new(device: Device) -> Self {
        Self { device, batch: None }
    }

    fn find_all(mut self, wanted: &[Option<SpectrumEpochs<'_>>]) -> Result<Vec<Option<Densities>>, DeviceFailure> {
        let mut of = |wanted: &SpectrumEpochs<'_>| -> Result<Densities, DeviceFailure> {
            Ok(wanted.densities(self.densities(wanted.plan(), wanted.epochs())?)?)
        };
        wanted.iter().map(|wanted| wanted.as_ref().map(&mut of).transpose()).collect()
    }

    fn densities(&mut self, plan: &WelchPlan, epochs: &[&[f64]]) -> Result<Vec<Vec<f64>>, GpuError> {
        let shape = shape_of(plan);
        let batch = match self.batch.take().filter(|(known, _)| *known == shape) {
            Some((_, batch)) => batch,
            None => self.device.welch(&shape)?,
        };
        let (_, batch) = self.batch.insert((shape, batch));
        batch.densities(epochs)
    }
}

fn shape_of(plan: &WelchPlan) -> WelchShape {
    WelchShape {
        n_samples: plan.n_samples(),
        segment_len: plan.window().len(),
        hop: plan.hop(),
        window: plan.window().to_vec(),
        scale: plan.scale(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::eeg::EegSettings;
    use crate::features::cut_epochs;

    fn request() -> FeatureRequest {
        let epoch = |phase: usize| -> Vec<f64> { (0..3000).map(|row| ((row + phase) as f64 / 7.0).sin()).collect() };
        let epochs: Vec<Vec<f64>> = (0..20).map(epoch).collect();
        cut_epochs("eeg", "uv", EegSettings::new(100.0), 3000, &epochs).expect("a request that can be")
    }

    #[test]
    fn both_places_are_timed_by_the_samples_that_they_compute() {
        let requests = [request()];
        let core = time_on_core(&requests).expect("the epochs have spectra");
        assert_eq!(core.n_items.get(), EPOCHS_ON_A_CORE * 3000);
        let device = match Device::find() {
            Ok(device) => device,
            Err(error) => {
                assert!(
                    std::env::var_os("MANYHANDS_REQUIRE_GPU").is_none(),
                    "a graphics processor is required: {error}"
                );
                let mut stderr = std::io::stderr();
                writeln!(stderr, "SKIPPED: no device was measured: {error}").expect("the terminal takes a line");
                return;
            }
        };
        let wanted: Vec<_> = requests.iter().map(SpectrumEpochs::of).collect();
        assert_eq!(time_on_device(&device, &wanted).expect("the device works").n_items.get(), 20 * 3000);
    }
}
