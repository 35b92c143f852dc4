//! Measurements of many traces of one length: sums over time and over the spectrum, on the device, so that a trace comes back as six numbers.

use crate::batch::{ItemBytes, capacity, whole_number};
use crate::driver::{Buffer, Kernel, Step};
use crate::fft::Work;
use crate::fft::real::{REAL, RealTransform};
use crate::scaled::Scaling;
use crate::{Device, GpuError};

const TRACES: &str = include_str!("traces.wgsl");

/// The floats of one trace that come back.
const SUMS: usize = 8;

/// What a device measures of a trace.
///
/// Agreement with double precision: the mean within 1e-5 of the root mean square, everything else within 1e-5 of itself, for samples of any
/// size and offset, because a trace is shifted and scaled before it loses digits. Powers of single bins agree within
/// [`SPECTRUM_TOLERANCE`](crate::SPECTRUM_TOLERANCE) of the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceSummary {
    /// The root of the mean square, in the samples' unit.
    pub rms: f64,
    /// The mean.
    pub mean: f64,
    /// The standard deviation of the whole (divided by the number of samples).
    pub std: f64,
    /// The largest absolute value.
    pub peak: f64,
    /// The squared magnitudes of the transform, not normalised, over the bins from zero to half the length.
    pub total_power: f64,
    /// The bin with the largest squared magnitude, from zero to half the length; the first of equal ones. Bins whose powers differ by less
    /// than single precision tells apart may win in another order than in double precision.
    pub dominant_bin: usize,
}

/// Kernels and buffers for traces of one length; see [`Device::trace_summaries`].
#[derive(Debug)]
pub struct TraceBatch {
    device: Device,
    n_samples: usize,
    real: RealTransform,
    over_time: Kernel,
    over_bins: Kernel,
    buffers: Option<TraceBuffers>,
    floats: Vec<f32>,
}

/// What is on the device for a number of traces.
#[derive(Debug)]
struct TraceBuffers {
    n_traces: usize,
    work: Work,
    sums: Buffer,
    over_time: Step,
    over_bins: Step,
}

impl Device {
    /// Prepares to measure traces of one length, of any number of samples from one up.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] when one trace does not fit; [`GpuError::Input`] for no samples; what the driver says.
    ///
    /// ```
    /// # fn measured(device: &gpu::Device) -> Result<(), gpu::GpuError> {
    /// let sine: Vec<f64> = (0..1000).map(|i| (std::f64::consts::TAU * 50.0 * i as f64 / 1000.0).sin()).collect();
    /// let mut batch = device.trace_summaries(1000)?;
    /// let summaries = batch.run(&[&sine])?;
    /// assert_eq!(summaries[0].dominant_bin, 50);
    /// assert!((summaries[0].rms - 0.5_f64.sqrt()).abs() < 1e-6);
    /// # Ok(())
    /// # }
    /// # gpu::Device::find().map_or(Ok(()), |device| measured(&device)).unwrap();
    /// ```
    pub fn trace_summaries(&self, n_samples: usize) -> Result<TraceBatch, GpuError> {
        let real = RealTransform::new(self, whole_number(self, n_samples, "samples")?)?;
        let wgsl = [REAL, TRACES].concat();
        Ok(TraceBatch {
            device: self.clone(),
            n_samples,
            real,
            over_time: self.kernel(&wgsl, "over_time")?,
            over_bins: self.kernel(&wgsl, "over_bins")?,
            buffers: None,
            floats: Vec::new(),
        })
    }
}

impl TraceBatch {
    /// Measures traces, in order; as many at a time as fit.
    ///
    /// # Errors
    /// [`GpuError::Input`] when a trace has another length or a sample that is no number; [`GpuError::TooLarge`] and
    /// [`GpuError::Lost`] with nothing measured: the caller still has its traces.
    pub fn run(&mut self, traces: &[&[f64]]) -> Result<Vec<TraceSummary>, GpuError> {
        let mut summaries = Vec::with_capacity(traces.len());
        let Some(n_at_once) = self.make_room(traces.len())? else { return Ok(summaries) };
        for part in traces.chunks(n_at_once) {
            let scalings = self.lay_out(part, summaries.len())?;
            let sums = self.sums(part.len())?;
            let summary = |(sums, scaling): (&[f32], &Scaling)| summary(sums, *scaling, self.n_samples);
            summaries.extend(sums.chunks_exact(SUMS).zip(&scalings).map(summary));
        }
        Ok(summaries)
    }

    /// Buffers for as many of `n_traces` as fit; none for no traces.
    fn make_room(&mut self, n_traces: usize) -> Result<Option<usize>, GpuError> {
        let wanted = capacity(&self.device, n_traces, self.bytes_per_trace());
        if wanted == 0 {
            return Ok(None);
        }
        if self.buffers.as_ref().is_none_or(|buffers| buffers.n_traces < wanted) {
            self.buffers = None; // gives its memory back first
            self.buffers = Some(self.new_buffers(wanted)?);
        }
        Ok(self.buffers.as_ref().map(|buffers| buffers.n_traces))
    }

    fn bytes_per_trace(&self) -> ItemBytes {
        let (samples, sums) = (self.real.bytes_per_item() / 2, (SUMS * size_of::<f32>()) as u64);
        // Two buffers and an upload; the sums are there twice while they come back.
        ItemBytes { largest: samples.max(sums), all: samples.saturating_mul(3).saturating_add(2 * sums) }
    }

    fn new_buffers(&self, n_traces: usize) -> Result<TraceBuffers, GpuError> {
        let work = self.real.work(&self.device, n_traces as u32)?;
        let sums = self.device.buffer((n_traces * SUMS * size_of::<f32>()) as u64)?;
        let bound = |values| [(0, self.real.shape()), (1, values), (2, self.real.turns()), (3, &sums)];
        let [shape, values, _, into] = bound(work.input());
        let over_time = self.device.step(&self.over_time, &[shape, values, into])?;
        let over_bins = self.device.step(&self.over_bins, &bound(work.output()))?;
        Ok(TraceBuffers { n_traces, work, sums, over_time, over_bins })
    }

    /// Scales traces into what will be uploaded. `before` traces came earlier.
    fn lay_out(&mut self, traces: &[&[f64]], before: usize) -> Result<Vec<Scaling>, GpuError> {
        self.floats.clear();
        let mut scalings = Vec::with_capacity(traces.len());
        for (trace, item) in traces.iter().zip(before + 1..) {
            let scaling = Scaling::of_item(trace, item, self.n_samples)?;
            self.real.lay_out(scaling.apply(trace), &mut self.floats);
            scalings.push(scaling);
        }
        Ok(scalings)
    }

    /// Uploads what was laid out, runs everything, and brings the sums back.
    fn sums(&self, n_traces: usize) -> Result<Vec<f32>, GpuError> {
        let buffers = self.buffers.as_ref().expect("there is room");
        self.device.upload(buffers.work.input(), &self.floats)?;
        let items = n_traces as u32;
        let first = std::iter::once((&buffers.over_time, [items, 1, 1]));
        let last = std::iter::once((&buffers.over_bins, [items, 1, 1]));
        let steps: Vec<_> = first.chain(buffers.work.steps(items)).chain(last).collect();
        self.device.run(&steps)?;
        self.device.read(&buffers.sums, n_traces * SUMS)
    }
}

/// Puts the shift and the unit back. The shift is part of the mean and of bin zero alone, where double precision keeps it whole.
fn summary(sums: &[f32], Scaling { shift, unit }: Scaling, n_samples: usize) -> TraceSummary {
    let n = n_samples as f64;
    let [total, squares, smallest, largest, powers, best_power] =
        [0, 1, 2, 3, 4, 5].map(|position| f64::from(sums[position]));
    let scaled_mean = total / n;
    let variance = (squares / n - scaled_mean * scaled_mean).max(0.0);
    let mean = shift + scaled_mean * unit;
    let std = variance.sqrt() * unit;
    let power_at_zero = (n * mean) * (n * mean);
    // Compared as scaled: the powers of huge samples are infinite in their own unit, and those of tiny ones 0.
    let scaled_power_at_zero = (n * (mean / unit)).powi(2);
    TraceSummary {
        rms: mean.hypot(std),
        mean,
        std,
        peak: (shift + smallest * unit).abs().max((shift + largest * unit).abs()),
        total_power: power_at_zero + powers * unit * unit,
        dominant_bin: if best_power > scaled_power_at_zero { sums[6].to_bits() as usize } else { 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dominant_bin_is_that_of_the_samples_also_where_their_powers_leave_double_precision() {
        for exponent in [-1074, -600, 0, 600, 1023] {
            let unit = f64::from(exponent).exp2();
            let of = |mean: f32| {
                let sums = [8.0 * mean, 8.0, -1.0, 1.0, 20.0, 16.0, f32::from_bits(3), 0.0];
                summary(&sums, Scaling { shift: 0.0, unit }, 8).dominant_bin
            };
            assert_eq!([0.0, 0.25, 0.75].map(of), [3, 3, 0], "{exponent}");
        }
    }
}
