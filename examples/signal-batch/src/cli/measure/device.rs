//! `measure --device`: which metrics come from a graphics processor, whether that pays, and what happens where it cannot.
//!
//! Promises: without a device, and where one fails, a capture is measured on the cores as if none had been asked for, and the user is told
//! once. Leaves to others: the kernels, which are those of the crate `gpu`.

use std::num::NonZeroUsize;
use std::sync::OnceLock;

use consumer_support::CliContext;
use gpu::{Chosen, Device, DeviceChoice, DeviceSettings, GpuError, TraceBatch, TraceSummary, Trial};
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

/// How many captures are timed on both sides for `auto`.
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
        let note = "computing on the cores: a device measures none of these metrics".to_owned();
        return Chosen { device: None, note: Some(note) };
    }
    let workers = NonZeroUsize::new(context.n_workers()).unwrap_or(NonZeroUsize::MIN);
    let trial = |device: &Device| trial(device, items, (read, wanted));
    gpu::choose(choice, &DeviceSettings::default(), items.len(), workers, trial)
}

/// Times some captures on one core, and with the device.
fn trial(
    device: &Device,
    items: &[CaptureItem],
    (read, wanted): (&ReadSettings, MetricSet),
) -> Result<Trial, GpuError> {
    let captures: Vec<Capture> = items.iter().take(TRIAL_CAPTURES).filter_map(|item| item.capture(read).ok()).collect();
    let n_captures = NonZeroUsize::new(captures.len())
        .ok_or_else(|| GpuError::Input("none of the first captures can be read".to_owned()))?;
    let (mut on_cores, mut beside) = (MeasurePlans::default(), MeasurePlans::default());
    let mut worker = DeviceWorker::new(device.clone());
    let on_core = || {
        captures.iter().for_each(|capture| drop(on_cores.measure(capture, wanted)));
    };
    let on_device = || captures.iter().try_for_each(|capture| worker.measure(capture, wanted, &mut beside).map(drop));
    Trial::measure(n_captures, on_core, on_device)
}

/// The device of this process, which its threads share.
fn shared_device() -> Result<Device, GpuError> {
    static DEVICE: OnceLock<Result<Device, GpuError>> = OnceLock::new();
    DEVICE.get_or_init(Device::find).clone()
}

/// What a worker keeps on a device: buffers for captures of one length.
pub(super) struct DeviceWorker {
    device: Device,
    batch: Option<(usize, TraceBatch)>,
}

impl DeviceWorker {
    /// A worker on the device of this process.
    ///
    /// # Errors
    /// [`GpuError`] where there is none.
    pub(super) fn find() -> Result<Self, GpuError> {
        shared_device().map(Self::new)
    }

    fn new(device: Device) -> Self {
        Self { device, batch: None }
    }

    /// Measures what is wanted: on the device what it can, the rest on the cores.
    ///
    /// # Errors
    /// [`GpuError`], also for what the cores refuse; the caller measures the capture on the cores then.
    pub(super) fn measure(
        &mut self,
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

    fn summary(&mut self, capture: &Capture) -> Result<TraceSummary, GpuError> {
        let n_samples = capture.samples().len();
        let batch = match &mut self.batch {
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
