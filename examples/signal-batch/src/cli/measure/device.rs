//! `measure --device`: which metrics come from a graphics processor, whether that pays, and what happens where it cannot.
//!
//! Promises: without a device, and where one fails, a capture is measured on the cores as if none had been asked for, and the user is told
//! once. Leaves to others: the kernels, which are those of the crate `gpu`.

use std::num::NonZeroUsize;
use std::sync::{Mutex, OnceLock, PoisonError};

use consumer_support::CliContext;
use gpu::{Chosen, Device, DeviceChoice, GpuError, Timed, TraceBatch, TraceSummary, Work};
use signal_batch::files::ReadSettings;
use signal_batch::measure::{MeasurePlans, MetricSet};
use signal_batch::{Capture, Measurements, Metric};

use super::inputs::CaptureItem;

/// What a device measures; the other metrics are measured on the cores in any case.
const OF_DEVICE: [Metric; 7] = [
    Metric::Rms,
    Metric::Peak,
    Metric::Mean,
    Metric::Std,
    Metric::CrestFactor,
    Metric::DominantFrequency,
    Metric::TotalPower,
];

/// How many captures are timed for `auto`.
const TRIAL_CAPTURES: usize = 4;

/// Where captures are measured. `ran_before` says whether the run that is resumed used a device: `auto` keeps to it, since one table must
/// not mix two precisions.
pub(super) fn choose(
    choice: DeviceChoice,
    ran_before: Option<bool>,
    items: &[CaptureItem],
    (read, wanted): (&ReadSettings, MetricSet),
    context: &CliContext<'_>,
) -> Chosen {
    let choice = match (choice, ran_before) {
        (DeviceChoice::Auto, Some(true)) => DeviceChoice::Gpu,
        (DeviceChoice::Auto, Some(false)) => DeviceChoice::Cpu,
        (choice, _) => choice,
    };
    if choice != DeviceChoice::Cpu && !wanted.contains_any(&OF_DEVICE) {
        return Chosen::cores_because("a device measures none of these metrics");
    }
    let workers = NonZeroUsize::new(context.n_workers()).unwrap_or(NonZeroUsize::MIN);
    let work = Work { n_items: items.len(), workers };
    let is_timed = choice == DeviceChoice::Auto && gpu::IS_BUILT;
    let captures = if is_timed { first_captures(items, read) } else { Vec::new() };
    let on_core = || time_on_core(&captures, wanted);
    gpu::choose(choice, work, Device::of_process, on_core, |device| time_on_device(device, &captures, wanted))
}

fn first_captures(items: &[CaptureItem], read: &ReadSettings) -> Vec<Capture> {
    items.iter().take(TRIAL_CAPTURES).filter_map(|item| item.capture(read).ok()).collect()
}

/// None when none of them could be read.
fn time_on_core(captures: &[Capture], wanted: MetricSet) -> Option<Timed> {
    let mut plans = MeasurePlans::default();
    let measure = || captures.iter().for_each(|capture| drop(plans.measure(capture, wanted)));
    NonZeroUsize::new(captures.len()).map(|n_captures| Timed::on_core(n_captures, measure))
}

fn time_on_device(device: &Device, captures: &[Capture], wanted: MetricSet) -> Result<Timed, GpuError> {
    let (worker, mut plans) = (DeviceWorker::new(device.clone()), MeasurePlans::default());
    let measure = || captures.iter().try_for_each(|capture| worker.measure(capture, wanted, &mut plans).map(drop));
    Timed::on_device(NonZeroUsize::new(captures.len()).unwrap_or(NonZeroUsize::MIN), measure)
}

/// The device of this process, with buffers for captures of one length. Its threads take turns, so that whether a capture fits does not
/// depend on what the others hold at that moment.
pub(super) struct DeviceWorker {
    device: Device,
    batch: Mutex<Option<(usize, TraceBatch)>>,
}

impl DeviceWorker {
    /// The one of this process.
    ///
    /// # Errors
    /// [`GpuError`] where there is no device.
    pub(super) fn of_process() -> Result<&'static Self, GpuError> {
        static WORKER: OnceLock<Result<DeviceWorker, GpuError>> = OnceLock::new();
        WORKER.get_or_init(|| Device::of_process().map(Self::new)).as_ref().map_err(Clone::clone)
    }

    fn new(device: Device) -> Self {
        Self { device, batch: Mutex::new(None) }
    }

    /// Measures what is wanted: on the device what it can, the rest on the cores.
    ///
    /// # Errors
    /// [`GpuError`], also for what the cores refuse; the caller measures the capture on the cores then.
    pub(super) fn measure(
        &self,
        capture: &Capture,
        wanted: MetricSet,
        plans: &mut MeasurePlans,
    ) -> Result<Measurements, GpuError> {
        let summary = self.summary(capture)?;
        let rest: MetricSet = wanted.iter().filter(|metric| !OF_DEVICE.contains(metric)).collect();
        let mut measured = if rest.iter().next().is_none() {
            Measurements::undefined()
        } else {
            plans.measure(capture, rest).map_err(|error| GpuError::Input(error.to_string()))?
        };
        take(&mut measured, &summary, capture, wanted);
        Ok(measured)
    }

    fn summary(&self, capture: &Capture) -> Result<TraceSummary, GpuError> {
        let n_samples = capture.samples().len();
        // A batch writes everything anew for each run, so a panic of another thread left nothing half done.
        let mut kept = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = match &mut *kept {
            Some((length, batch)) if *length == n_samples => batch,
            other => {
                *other = None; // gives its memory back first
                &mut other.insert((n_samples, self.device.trace_summaries(n_samples)?)).1
            }
        };
        let summaries = batch.run(&[capture.samples()])?;
        summaries.first().copied().ok_or_else(|| GpuError::Input("the device measured nothing".to_owned()))
    }
}

/// Takes what is wanted of a device's summary.
fn take(measured: &mut Measurements, summary: &TraceSummary, capture: &Capture, wanted: MetricSet) {
    let values = [
        (Metric::Rms, summary.rms),
        (Metric::Peak, summary.peak),
        (Metric::Mean, summary.mean),
        (Metric::Std, summary.std),
        (Metric::CrestFactor, summary.peak / summary.rms),
        (Metric::DominantFrequency, summary.dominant_bin as f64 * capture.rate_hz() / capture.samples().len() as f64),
        (Metric::TotalPower, summary.total_power),
    ];
    for (metric, value) in values.into_iter().filter(|(metric, _)| wanted.contains(*metric)) {
        measured[metric] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_is_taken_from_the_device_in_the_units_of_the_metrics() {
        let capture = Capture::new("x", 1000.0, vec![0.0; 10]).unwrap();
        let summary = TraceSummary { rms: 2.0, mean: 1.0, std: 1.5, peak: 4.0, total_power: 9.0, dominant_bin: 3 };
        let mut measured = Measurements::undefined();
        let wanted = [Metric::CrestFactor, Metric::DominantFrequency, Metric::Snr].into_iter().collect();
        take(&mut measured, &summary, &capture, wanted);
        assert_eq!((measured[Metric::CrestFactor], measured[Metric::DominantFrequency]), (2.0, 300.0));
        assert!(measured[Metric::Rms].is_nan() && measured[Metric::Snr].is_nan());
    }
}
