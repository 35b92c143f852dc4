//! One capture: read or made, and measured. What a worker does.

use gpu::GpuError;
use manyhands::report::report_amount;
use serde::{Deserialize, Serialize};
use signal_batch::files::ReadSettings;
use signal_batch::measure::{MeasurePlans, MetricSet};
use signal_batch::{Capture, Measurements};

use super::device::DeviceWorker;
use super::inputs::CaptureItem;

/// What the results depend on, beside the captures: a run is resumed with the same, or refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::cli) struct MeasureSettings {
    pub(in crate::cli) read: ReadSettings,
    pub(in crate::cli) metrics: MetricSet,
    /// Whether a graphics processor measures what it can.
    pub(in crate::cli) on_device: bool,
}

/// What became of a capture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::cli) struct Measured {
    /// In RFC 3339; empty where it is not known.
    pub(in crate::cli) captured_at: String,
    pub(in crate::cli) unit: String,
    pub(in crate::cli) n_samples: usize,
    pub(in crate::cli) rate_hz: f64,
    /// The rate that its file states, where --rate is another.
    pub(in crate::cli) overruled_rate_hz: Option<f64>,
    pub(in crate::cli) values: Measurements,
    /// Why the cores had to do what a device was chosen for.
    pub(in crate::cli) device_error: Option<String>,
}

/// What a worker keeps from capture to capture.
pub(in crate::cli) struct Worker {
    settings: MeasureSettings,
    plans: MeasurePlans,
    device: Option<Result<&'static DeviceWorker, GpuError>>,
}

impl Worker {
    /// A worker that has measured nothing yet.
    pub(in crate::cli) fn new(settings: &MeasureSettings) -> Self {
        let device = settings.on_device.then(DeviceWorker::of_process);
        Self { settings: settings.clone(), plans: MeasurePlans::default(), device }
    }

    /// Measures one capture.
    ///
    /// # Errors
    /// A message: the capture cannot be read or measured.
    pub(in crate::cli) fn measure(&mut self, item: &CaptureItem) -> Result<Measured, String> {
        let capture = item.capture(&self.settings.read)?;
        report_amount("samples", capture.samples().len() as f64);
        let (values, device_error) = self.values(&capture)?;
        Ok(Measured {
            captured_at: capture.captured_at.map(|time| time.to_string()).unwrap_or_default(),
            n_samples: capture.samples().len(),
            rate_hz: capture.rate_hz(),
            overruled_rate_hz: capture.overruled_rate_hz,
            unit: capture.unit,
            values,
            device_error,
        })
    }

    /// The measurements, and why none of them are a device's where they should be.
    fn values(&mut self, capture: &Capture) -> Result<(Measurements, Option<String>), String> {
        let device_error = match &self.device {
            None => None,
            Some(Err(error)) => Some(error.to_string()),
            Some(Ok(device)) => match device.measure(capture, self.settings.metrics, &mut self.plans) {
                Ok(values) => return Ok((values, None)),
                Err(error) => Some(error.to_string()),
            },
        };
        let values = self.plans.measure(capture, self.settings.metrics).map_err(|error| error.to_string())?;
        Ok((values, device_error))
    }
}
