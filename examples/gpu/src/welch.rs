//! Power spectral densities of many epochs of one length by Welch's method: segments, windows, transforms and means on the device.
//!
//! Source: P. D. Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE Trans. Audio Electroacoust. 15 (1967).

use crate::batch::{ItemBytes, capacity, whole_number};
use crate::driver::{Buffer, Kernel, Step};
use crate::fft::real::{REAL, RealTransform};
use crate::fft::{MOST_GROUPS, Work, groups};
use crate::scaled::Scaling;
use crate::{Device, GpuError};

const WELCH: &str = include_str!("welch.wgsl");

/// How epochs are cut into segments, and how their powers become a density.
#[derive(Debug, Clone, PartialEq)]
pub struct WelchShape {
    /// The samples of one epoch.
    pub n_samples: usize,
    /// The samples of one segment, at most those of an epoch.
    pub segment_len: usize,
    /// The samples from the begin of a segment to that of the next one. A rest that does not fill a segment is left out.
    pub hop: usize,
    /// What each sample of a segment is multiplied by, after the segment's mean is taken off; as long as a segment.
    pub window: Vec<f64>,
    /// What the sum of the segments' squared magnitudes is multiplied by: `1 / (rate * sum of window^2 * number of segments)` for a density
    /// in the square of the samples' unit per Hz.
    pub scale: f64,
}

/// Kernels and buffers for epochs of one shape; see [`Device::welch`].
#[derive(Debug)]
pub struct WelchBatch {
    device: Device,
    shape: WelchShape,
    n_segments: u32,
    real: RealTransform,
    on_device: Buffer,
    window: Buffer,
    cut: Kernel,
    averaged: Kernel,
    buffers: Option<WelchBuffers>,
    floats: Vec<f32>,
}

/// What is on the device for a number of epochs.
#[derive(Debug)]
struct WelchBuffers {
    n_epochs: usize,
    epochs: Buffer,
    work: Work,
    densities: Buffer,
    cut: Step,
    averaged: Step,
}

impl Device {
    /// Prepares densities of epochs of one shape: one-sided, with the mean of each segment removed.
    ///
    /// # Errors
    /// [`GpuError::Input`] for a shape without samples, segments or hop, or with a window of another length; [`GpuError::TooLarge`] when one
    /// epoch does not fit; what the driver says.
    ///
    /// ```
    /// # fn measured(device: &gpu::Device) -> Result<(), gpu::GpuError> {
    /// let sine: Vec<f64> = (0..1000).map(|i| (std::f64::consts::TAU * 10.0 * i as f64 / 100.0).sin()).collect();
    /// let hann = |i: usize| 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / 400.0).cos();
    /// let window: Vec<f64> = (0..400).map(hann).collect();
    /// let scale = 1.0 / (100.0 * window.iter().map(|weight| weight * weight).sum::<f64>() * 4.0);
    /// let shape = gpu::WelchShape { n_samples: 1000, segment_len: 400, hop: 200, window, scale };
    /// let densities = device.welch(&shape)?.densities(&[&sine])?;
    /// let peak = (0..201).max_by(|&a, &b| densities[0][a].total_cmp(&densities[0][b]));
    /// assert_eq!(peak, Some(40)); // 10 Hz in steps of 0.25 Hz
    /// # Ok(())
    /// # }
    /// # gpu::Device::find().map_or(Ok(()), |device| measured(&device)).unwrap();
    /// ```
    pub fn welch(&self, shape: &WelchShape) -> Result<WelchBatch, GpuError> {
        shape.check()?;
        let n_samples = whole_number(self, shape.n_samples, "samples")?;
        let segment_len = whole_number(self, shape.segment_len, "samples")?;
        // A hop beyond the epoch is one beyond its last segment.
        let hop = shape.hop.min(shape.n_samples) as u32;
        let n_segments = (n_samples - segment_len) / hop + 1;
        let real = RealTransform::new(self, segment_len)?;
        let window: Vec<f32> = shape.window.iter().map(|weight| *weight as f32).collect();
        let wgsl = [REAL, WELCH].concat();
        Ok(WelchBatch {
            device: self.clone(),
            shape: shape.clone(),
            n_segments,
            real,
            on_device: self.buffer_with(&[n_samples, segment_len, hop, n_segments])?,
            window: self.buffer_with(&window)?,
            cut: self.kernel(&wgsl, "cut")?,
            averaged: self.kernel(&wgsl, "averaged")?,
            buffers: None,
            floats: Vec::new(),
        })
    }
}

impl WelchShape {
    fn check(&self) -> Result<(), GpuError> {
        let Self { n_samples, segment_len, hop, window, scale } = self;
        let refused = if *segment_len == 0 || *hop == 0 || segment_len > n_samples {
            format!("segments of {segment_len} samples each {hop} do not fit into epochs of {n_samples}")
        } else if window.len() != *segment_len {
            format!("a window of {} samples does not fit segments of {segment_len}", window.len())
        } else if !scale.is_finite() || window.iter().any(|weight| !(*weight as f32).is_finite()) {
            "the window and the scale must be numbers of single precision".to_owned()
        } else {
            return Ok(());
        };
        Err(GpuError::Input(refused))
    }
}

impl WelchBatch {
    /// The bins of a density, from 0 Hz up to half the sampling rate.
    #[must_use]
    pub fn n_bins(&self) -> usize {
        self.real.n_bins() as usize
    }

    /// The density of each epoch, in order; as many epochs at a time as fit.
    ///
    /// # Errors
    /// [`GpuError::Input`] when an epoch has another length or a sample that is no number; [`GpuError::TooLarge`] and [`GpuError::Lost`]
    /// with nothing computed: the caller still has its epochs.
    pub fn densities(&mut self, epochs: &[&[f64]]) -> Result<Vec<Vec<f64>>, GpuError> {
        let mut densities = Vec::with_capacity(epochs.len());
        let Some(n_at_once) = self.make_room(epochs.len())? else { return Ok(densities) };
        for part in epochs.chunks(n_at_once) {
            let scalings = self.lay_out(part, densities.len())?;
            let powers = self.powers(part.len())?;
            for (powers, scaling) in powers.chunks_exact(self.n_bins()).zip(scalings) {
                let scaled = |power: &f32| f64::from(*power) * scaling.unit * scaling.unit * self.shape.scale;
                densities.push(powers.iter().map(scaled).collect());
            }
        }
        Ok(densities)
    }

    /// Buffers for as many of `n_epochs` as fit; none for no epochs.
    fn make_room(&mut self, n_epochs: usize) -> Result<Option<usize>, GpuError> {
        // Each segment is an item of the transform, and a dimension of a dispatch counts them.
        let most = (MOST_GROUPS / self.n_segments).max(1) as usize;
        let wanted = capacity(&self.device, n_epochs, self.bytes_per_epoch()).min(most);
        if wanted == 0 {
            return Ok(None);
        }
        if self.buffers.as_ref().is_none_or(|buffers| buffers.n_epochs < wanted) {
            self.buffers = None; // gives its memory back first
            self.buffers = Some(self.new_buffers(wanted)?);
        }
        Ok(self.buffers.as_ref().map(|buffers| buffers.n_epochs))
    }

    fn bytes_per_epoch(&self) -> ItemBytes {
        let segments = self.real.bytes_per_item().saturating_mul(u64::from(self.n_segments));
        let samples = 4 * self.shape.n_samples as u64;
        let densities = 4 * u64::from(self.real.n_bins());
        // The samples are there twice while they are uploaded, the densities while they come back.
        let all = segments.saturating_add(2 * (samples + densities));
        ItemBytes { largest: (segments / 2).max(samples), all }
    }

    fn new_buffers(&self, n_epochs: usize) -> Result<WelchBuffers, GpuError> {
        let n_segments = n_epochs as u64 * u64::from(self.n_segments);
        if n_segments > u64::from(MOST_GROUPS) {
            return Err(self.too_many_segments());
        }
        let bytes = |values: usize| (n_epochs * values * size_of::<f32>()) as u64;
        let epochs = self.device.buffer(bytes(self.shape.n_samples))?;
        let densities = self.device.buffer(bytes(self.n_bins()))?;
        let work = self.real.work(&self.device, n_segments as u32)?;
        let shape = [(0, self.real.shape()), (3, &self.on_device)];
        let [real, welch] = shape;
        let cut_of = [real, welch, (4, &epochs), (5, &self.window), (6, work.input())];
        let averaged_of = [real, (1, work.output()), (2, self.real.turns()), welch, (7, &densities)];
        let cut = self.device.step(&self.cut, &cut_of)?;
        let averaged = self.device.step(&self.averaged, &averaged_of)?;
        Ok(WelchBuffers { n_epochs, epochs, work, densities, cut, averaged })
    }

    fn too_many_segments(&self) -> GpuError {
        GpuError::TooLarge {
            name: self.device.name().to_owned(),
            needed: self.bytes_per_epoch().all,
            reason: format!("an epoch may have {MOST_GROUPS} segments, not {}", self.n_segments),
        }
    }

    /// Scales epochs into what will be uploaded. `before` epochs came earlier.
    fn lay_out(&mut self, epochs: &[&[f64]], before: usize) -> Result<Vec<Scaling>, GpuError> {
        self.floats.clear();
        let mut scalings = Vec::with_capacity(epochs.len());
        for (epoch, item) in epochs.iter().zip(before + 1..) {
            let scaling = Scaling::of_item(epoch, item, self.shape.n_samples)?;
            self.floats.extend(scaling.apply(epoch));
            scalings.push(scaling);
        }
        Ok(scalings)
    }

    /// Uploads what was laid out, runs everything, and brings the powers back.
    fn powers(&self, n_epochs: usize) -> Result<Vec<f32>, GpuError> {
        let buffers = self.buffers.as_ref().expect("there is room");
        self.device.upload(&buffers.epochs, &self.floats)?;
        let epochs = n_epochs as u32;
        let first = std::iter::once((&buffers.cut, [self.n_segments.min(MOST_GROUPS), epochs, 1]));
        let last = std::iter::once((&buffers.averaged, [groups(self.real.n_bins()), epochs, 1]));
        let steps: Vec<_> = first.chain(buffers.work.steps(epochs * self.n_segments)).chain(last).collect();
        self.device.run(&steps)?;
        self.device.read(&buffers.densities, n_epochs * self.n_bins())
    }
}
