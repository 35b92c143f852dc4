//! The box search on a device: uploads a light curve once, and runs as many periods at a time as fit.

use super::quantised::Quantised;
use super::{BoxFound, BoxObjective, BoxShape};
use crate::driver::{Buffer, Kernel};
use crate::{Device, GpuError};

/// Workgroups of one submission, in any dimension: what every device has.
const MOST_PERIODS: u64 = 65_535;

/// Points and boxes of one submission. More would take so long that drivers take a device for hung, and reset it.
const MOST_STEPS: u64 = 1 << 28;

/// The bytes of a period, of its copy that is uploaded, of a result, and of its copy that comes back.
const PERIOD_BYTES: u64 = 2 * 16 + 2 * 20;

/// The share of the memory that the bins of one submission take: others may work on the device, too.
const SHARE: u64 = 4;

/// A box search that is compiled for a device.
///
/// ```
/// use gpu::{BoxObjective, BoxShape, Device};
///
/// let time: Vec<f64> = (0..2000).map(|at| f64::from(at) * 0.013_7).collect();
/// // One day in ten is darker by a hundredth.
/// let points: Vec<[f64; 2]> = time.iter().map(|time| [if time % 10.0 < 1.0 { -0.01 } else { 0.0 }, 1.0]).collect();
/// let shape = BoxShape {
///     time: &time,
///     points: &points,
///     bin: 0.1,
///     durations: &[10],
///     oversample: 10,
///     objective: BoxObjective::Likelihood,
/// };
/// if let Ok(device) = Device::find() {
///     let found = device.box_search()?.run(&shape, &[7.0, 10.0, 13.0])?;
///     let best = found[1].best.unwrap();
///     assert!((best.sum / best.weight + 0.01).abs() < 1e-6);
/// }
/// # Ok::<(), gpu::GpuError>(())
/// ```
#[derive(Debug)]
pub struct BoxBatch {
    device: Device,
    kernel: Kernel,
}

impl Device {
    /// Compiles the box search, for any number of light curves.
    ///
    /// # Errors
    /// The device is lost, or its driver refuses the program.
    pub fn box_search(&self) -> Result<BoxBatch, GpuError> {
        let kernel = self.kernel(include_str!("kernel.wgsl"), "best_boxes")?;
        Ok(BoxBatch { device: self.clone(), kernel })
    }
}

impl BoxBatch {
    /// The device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The best box at each period (days, all longer than the wrapped bins), in the order of the periods.
    ///
    /// Takes time in proportion to periods x (points + bins x durations), and memory on the device for the points (16 bytes each) and
    /// for the bins of as many periods as fit (8 bytes each).
    ///
    /// # Errors
    /// [`GpuError::Input`] for numbers that a device cannot hold well enough, [`GpuError::TooLarge`] when the light curve and one period
    /// do not fit, and whatever happens to the device.
    pub fn run(&self, shape: &BoxShape<'_>, periods: &[f64]) -> Result<Vec<BoxFound>, GpuError> {
        let quantised = Quantised::new(shape, periods)?;
        let period_bins = quantised.most_bins(shape.oversample) + 1;
        let durations: Vec<u32> = shape.durations.iter().map(|&bins| bins as u32).collect();
        let points = self.device.buffer_with(&quantised.points)?;
        let durations = self.device.buffer_with(&durations)?;
        let search = self.device.buffer_with(&head(shape, &quantised, period_bins))?;
        let at_a_time = self.periods_at_a_time(shape, period_bins).min(periods.len() as u64);
        let batch = Batch {
            periods: self.device.buffer(at_a_time * 16)?,
            found: self.device.buffer(at_a_time * 20)?,
            bins: self.device.buffer(at_a_time.saturating_mul(8 * period_bins))?,
        };
        let buffers =
            [(0, &search), (1, &points), (2, &batch.periods), (3, &durations), (4, &batch.bins), (5, &batch.found)];
        let step = self.device.step(&self.kernel, &buffers)?;
        let mut found = Vec::with_capacity(periods.len());
        for periods in quantised.periods.chunks(at_a_time as usize) {
            self.device.upload(&batch.periods, periods)?;
            self.device.run(&[(&step, [periods.len() as u32, 1, 1])])?;
            let results: Vec<[u32; 5]> = self.device.read(&batch.found, periods.len())?;
            found.extend(results.into_iter().map(|result| quantised.found(result)));
        }
        Ok(found)
    }

    /// How many periods fit at a time; one at least, which the allocation then refuses.
    fn periods_at_a_time(&self, shape: &BoxShape<'_>, period_bins: u64) -> u64 {
        let bin_bytes = 8 * period_bins;
        let steps = shape.time.len() as u64 + period_bins * (shape.durations.len() as u64 + 3);
        let fit = [
            MOST_PERIODS,
            MOST_STEPS / steps,
            self.device.largest_buffer() / bin_bytes,
            self.device.free_memory().min(self.device.memory_limit() / SHARE) / (bin_bytes + PERIOD_BYTES),
        ];
        fit.into_iter().fold(u64::MAX, u64::min).max(1)
    }
}

/// The buffers that are written again for each batch of periods.
struct Batch {
    periods: Buffer,
    found: Buffer,
    bins: Buffer,
}

/// The fields of `Search` in the kernel.
fn head(shape: &BoxShape<'_>, quantised: &Quantised, period_bins: u64) -> [u32; 9] {
    [
        shape.time.len() as u32,
        shape.durations.len() as u32,
        shape.oversample as u32,
        u32::from(shape.objective == BoxObjective::Snr),
        quantised.fraction_bits,
        quantised.doubt,
        quantised.sum.cast_unsigned(),
        quantised.total_weight.cast_unsigned(),
        (2 * period_bins) as u32,
    ]
}
