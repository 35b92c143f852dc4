//! Spectra of EEG on a graphics processor: of a whole night, or not at all.
//!
//! Promises: all spectra of a night come from one place, so that a result never mixes single and double precision; whatever goes wrong
//! on a device, the requests come back as they were, with the reason. Leaves to others: the other features of an epoch, which the
//! cores compute in double precision from the densities found here, and what the user is told.
//!
//! This is the one file of the library that uses the crate `gpu`.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::time::{Duration, Instant};

pub use gpu::{Device, DeviceChoice, DeviceSettings, GpuError, Ran};
use gpu::{Pays, Trial, WelchBatch, WelchShape};

use crate::eeg::WelchPlan;
use crate::features::{Densities, FeatureRequest, Operation, SpectrumEpochs};
use crate::{SleepError, SleepResult};

/// A density from a device is within this share of its epoch's largest bin of the one that the cores compute.
pub const DENSITY_TOLERANCE: f64 = gpu::SPECTRUM_TOLERANCE;

/// A band's power from a device is within this share of its epoch's total power of the one that the cores compute, and so is its
/// relative power.
pub const BAND_POWER_TOLERANCE: f64 = 1e-4;

/// So many epochs are measured on one core before `auto` looks for a device: few, as every night pays for them.
const EPOCHS_ON_A_CORE: usize = 16;

/// So many are measured on the device that it finds: enough to keep it busy.
const EPOCHS_ON_THE_DEVICE: usize = 256;

/// Spectra that the cores finish in less are not worth looking for a device, which alone takes about as long.
const WORTH_A_DEVICE: Duration = Duration::from_millis(500);

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
/// `auto` looks for a device only when the cores would take long, measures a part of the work in both places, and says nothing where
/// there is no device.
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
    let found = match choice {
        DeviceChoice::Cpu => Err(Left::default()),
        DeviceChoice::Gpu => on_device(&requests, find),
        DeviceChoice::Auto => if_it_pays(&requests, workers, WORTH_A_DEVICE, find),
    };
    match found {
        Ok(found) => with_densities(requests, found),
        Err(left) => on_cores(requests, left),
    }
}

/// The densities of each request of EEG features, and the device that computed them.
struct Found {
    densities: Vec<Option<Densities>>,
    name: String,
    measured: Option<String>,
}

/// Why the work is left to the cores; nothing to say when `auto` had no device to choose.
#[derive(Default)]
struct Left {
    measured: Option<String>,
    fell_back: Option<String>,
}

impl Left {
    fn because(reason: impl ToString) -> Self {
        Self { measured: None, fell_back: Some(reason.to_string()) }
    }
}

/// What went wrong on a device, or with what it computed.
#[derive(Debug, thiserror::Error)]
enum DeviceFailure {
    #[error(transparent)]
    Gpu(#[from] GpuError),
    #[error(transparent)]
    Density(#[from] SleepError),
}

fn on_cores(requests: Vec<FeatureRequest>, left: Left) -> Spectra {
    Spectra { requests, ran: Ran::Cpu, measured: left.measured, fell_back: left.fell_back }
}

/// The requests with the densities found. If they do not fit, which would be a mistake of this file, the cores compute everything.
fn with_densities(requests: Vec<FeatureRequest>, found: Found) -> Spectra {
    let with = |(request, densities): (&FeatureRequest, Option<Densities>)| match densities {
        Some(densities) => request.clone().with_densities(densities),
        None => Ok(request.clone()),
    };
    match requests.iter().zip(found.densities).map(with).collect::<SleepResult<_>>() {
        Ok(requests) => {
            Spectra { requests, ran: Ran::Gpu { name: found.name }, measured: found.measured, fell_back: None }
        }
        Err(error) => on_cores(requests, Left::because(error)),
    }
}

/// Everything on a device, or the reason why not.
fn on_device(requests: &[FeatureRequest], find: impl FnOnce() -> Result<Device, GpuError>) -> Result<Found, Left> {
    let wanted: Vec<_> = requests.iter().map(SpectrumEpochs::of).collect();
    if largest(&wanted).is_none() {
        return Err(Left::because("no channel has an EEG epoch whose spectrum could be computed on a device"));
    }
    let device = find().map_err(Left::because)?;
    DeviceWork::new(device).find_all(&wanted, None)
}

/// Everything on a device, if the cores would take at least `worth` and the device is measured to be faster.
fn if_it_pays(
    requests: &[FeatureRequest],
    workers: usize,
    worth: Duration,
    find: impl FnOnce() -> Result<Device, GpuError>,
) -> Result<Found, Left> {
    let workers = NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN);
    let n_samples = requests.iter().map(most_samples).sum();
    let Some(core) = CoreTime::measure(requests) else { return Err(Left::default()) };
    if core.of_samples(n_samples).div_f64(workers.get() as f64) < worth {
        return Err(Left::default());
    }
    let Ok(device) = find() else { return Err(Left::default()) };
    let wanted: Vec<_> = requests.iter().map(SpectrumEpochs::of).collect();
    let Some(example) = largest(&wanted) else { return Err(Left::default()) };
    let mut work = DeviceWork::new(device);
    let trial = work.trial(example, core).map_err(Left::because)?;
    match trial.pays(n_samples, workers, work.device.name()) {
        Pays::Device(sentence) => work.find_all(&wanted, Some(sentence)),
        Pays::Cores(sentence) => Err(Left { measured: Some(sentence), fell_back: None }),
    }
}

/// The samples that a request computes spectra of when every epoch has one.
fn most_samples(request: &FeatureRequest) -> usize {
    let Operation::Eeg(settings) = request.operation() else { return 0 };
    let n_columns: usize = request.signals().iter().map(|signal| signal.columns().len()).sum();
    n_columns * request.grid().n_epochs() * settings.samples_per_epoch(request.window_ns())
}

/// What some spectra took on one core.
#[derive(Debug, Clone, Copy)]
struct CoreTime {
    time: Duration,
    n_samples: usize,
}

impl CoreTime {
    /// Measured on a few epochs of the middle of the night, where gaps are rare; none without one that has a spectrum.
    fn measure(requests: &[FeatureRequest]) -> Option<Self> {
        let of_middle = |request| SpectrumEpochs::within(request, middle(request));
        let example = requests.iter().filter_map(of_middle).find(|wanted| !wanted.epochs().is_empty())?;
        let (mut plan, epochs) = (example.plan().clone(), example.epochs());
        let time = second_run(|| epochs.iter().try_for_each(|epoch| plan.density(epoch).map(drop))).ok()?;
        Some(Self { time, n_samples: epochs.len() * plan.n_samples() })
    }

    /// What so many samples would take.
    fn of_samples(self, n_samples: usize) -> Duration {
        self.time.mul_f64(n_samples as f64 / self.n_samples as f64)
    }
}

fn middle(request: &FeatureRequest) -> Range<usize> {
    let n_epochs = request.grid().n_epochs();
    let n_measured = EPOCHS_ON_A_CORE.min(n_epochs);
    let start = (n_epochs - n_measured) / 2;
    start..start + n_measured
}

/// How long it takes when everything is warm.
fn second_run<E>(mut run: impl FnMut() -> Result<(), E>) -> Result<Duration, E> {
    run()?;
    let started = Instant::now();
    run()?;
    Ok(started.elapsed())
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

    fn find_all(mut self, wanted: &[Option<SpectrumEpochs<'_>>], measured: Option<String>) -> Result<Found, Left> {
        let mut of = |wanted: &SpectrumEpochs<'_>| -> Result<Densities, DeviceFailure> {
            Ok(wanted.densities(self.densities(wanted.plan(), wanted.epochs())?)?)
        };
        let densities = wanted.iter().map(|wanted| wanted.as_ref().map(&mut of).transpose()).collect::<Result<_, _>>();
        let densities = densities.map_err(|error| Left { measured: measured.clone(), ..Left::because(error) })?;
        Ok(Found { densities, name: self.device.name().to_owned(), measured })
    }

    /// Some epochs here and on a core.
    fn trial(&mut self, example: &SpectrumEpochs<'_>, core: CoreTime) -> Result<Trial, GpuError> {
        let part = &example.epochs()[..example.epochs().len().min(EPOCHS_ON_THE_DEVICE)];
        let device = second_run(|| self.densities(example.plan(), part).map(drop))?;
        let n_samples = NonZeroUsize::new(part.len() * example.plan().n_samples()).unwrap_or(NonZeroUsize::MIN);
        Ok(Trial { n_items: n_samples, core: core.of_samples(n_samples.get()), device })
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
    fn auto_is_silent_where_there_is_no_device() {
        let mut is_looked_for = false;
        let found = if_it_pays(&[request()], 1, Duration::ZERO, || {
            is_looked_for = true;
            Err(GpuError::NotBuilt)
        });
        assert!(is_looked_for);
        assert!(matches!(found, Err(Left { measured: None, fell_back: None })));
    }

    #[test]
    fn auto_measures_a_device_and_says_what_both_would_take() {
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
        let (name, measured) = match if_it_pays(&[request()], 1, Duration::ZERO, || Ok(device.clone())) {
            Ok(found) => (found.name, found.measured),
            Err(left) => (device.name().to_owned(), left.measured),
        };
        assert_eq!(name, device.name());
        assert!(measured.is_some_and(|sentence| sentence.contains(device.name())));
    }
}
