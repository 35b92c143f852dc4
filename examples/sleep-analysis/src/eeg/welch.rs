//! Power spectral density by Welch's method: overlapping Hann segments, mean removed, averaged.
//!
//! Source: P. D. Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE Trans. Audio
//! Electroacoust. 15 (1967). Two real segments share one complex transform: for `z = a + ib` the powers add up as
//! `|A_k|^2 + |B_k|^2 = (|Z_k|^2 + |Z_(n-k)|^2) / 2`, and a mean over segments needs no more than their sum.

use std::fmt;
use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use crate::features::sums::mean_of;
use crate::{SleepError, SleepResult};

/// Everything that Welch's method needs for stretches of one length: window, transform and buffers, made once.
///
/// The density is one-sided, in the square of the samples' unit per Hz; bin `k` lies at `k * bin_hz()`.
///
/// ```
/// # use sleep_analysis::eeg::WelchPlan;
/// let sine: Vec<f64> = (0..1000).map(|i| (std::f64::consts::TAU * 10.0 * i as f64 / 100.0).sin()).collect();
/// let mut plan = WelchPlan::new(1000, 100.0, 400, 200)?;
/// let density = plan.density(&sine)?;
/// let peak = (0..density.len()).max_by(|&a, &b| density[a].total_cmp(&density[b])).unwrap();
/// assert_eq!(peak as f64 * plan.bin_hz(), 10.0);
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
#[derive(Clone)]
pub struct WelchPlan {
    n_samples: usize,
    n_segments: usize,
    hop: usize,
    sampling_rate_hz: f64,
    window: Vec<f64>,
    scale: f64,
    fft: Arc<dyn Fft<f64>>,
    fft_scratch: Vec<Complex<f64>>,
    segment_pair: Vec<Complex<f64>>,
    power: Vec<f64>,
    density: Vec<f64>,
}

impl WelchPlan {
    /// For stretches of `n_samples` in segments of `segment_len` that share `overlap` samples with the one before, or in
    /// one segment where they are shorter than that. A rest that does not fill a segment is left out.
    ///
    /// # Errors
    /// [`SleepError::Config`] when a length is zero, the rate is not a number above zero, or segments overlap wholly.
    pub fn new(n_samples: usize, sampling_rate_hz: f64, segment_len: usize, overlap: usize) -> SleepResult<Self> {
        if overlap >= segment_len.max(1) {
            return Err(SleepError::Config(format!(
                "segments of {segment_len} samples cannot overlap by {overlap}; half of their length is usual"
            )));
        }
        let hop = segment_len - overlap;
        let segment_len = segment_len.min(n_samples);
        if segment_len == 0 || !(sampling_rate_hz.is_finite() && sampling_rate_hz > 0.0) {
            return Err(SleepError::Config(format!(
                "{n_samples} samples at {sampling_rate_hz} Hz in segments of {segment_len} have no spectrum; all must be above zero"
            )));
        }
        let window: Vec<f64> = (0..segment_len).map(|i| periodic_hann(i, segment_len)).collect();
        let n_segments = (n_samples - segment_len) / hop + 1;
        let window_power: f64 = window.iter().map(|weight| weight * weight).sum();
        let fft = FftPlanner::new().plan_fft_forward(segment_len);
        Ok(Self {
            n_samples,
            n_segments,
            hop,
            sampling_rate_hz,
            scale: 1.0 / (sampling_rate_hz * window_power * n_segments as f64),
            fft_scratch: vec![Complex::default(); fft.get_inplace_scratch_len()],
            fft,
            segment_pair: vec![Complex::default(); segment_len],
            power: vec![0.0; segment_len],
            density: vec![0.0; segment_len / 2 + 1],
            window,
        })
    }

    /// The number of bins, from 0 Hz up to half the sampling rate.
    #[must_use]
    pub fn n_bins(&self) -> usize {
        self.density.len()
    }

    /// The distance between bins.
    #[must_use]
    pub fn bin_hz(&self) -> f64 {
        self.sampling_rate_hz / self.window.len() as f64
    }

    /// The frequency of one bin; exact wherever a float can hold it.
    #[must_use]
    pub fn frequency_hz(&self, bin: usize) -> f64 {
        bin as f64 * self.sampling_rate_hz / self.window.len() as f64
    }

    /// The density of a stretch; the plan keeps it until the next call. Nothing is allocated.
    ///
    /// # Errors
    /// [`SleepError::Config`] when the stretch is not as long as the plan is for.
    pub fn density(&mut self, samples: &[f64]) -> SleepResult<&[f64]> {
        if samples.len() != self.n_samples {
            return Err(SleepError::Config(format!(
                "{} samples for a plan of {}; make a plan for each length",
                samples.len(),
                self.n_samples
            )));
        }
        self.power.fill(0.0);
        for segment in (0..self.n_segments).step_by(2) {
            self.load_pair(samples, segment);
            self.fft.process_with_scratch(&mut self.segment_pair, &mut self.fft_scratch);
            for (power, value) in self.power.iter_mut().zip(&self.segment_pair) {
                *power += value.norm_sqr();
            }
        }
        self.fold_to_one_side();
        Ok(&self.density)
    }

    /// The density of the last stretch.
    #[must_use]
    pub fn last_density(&self) -> &[f64] {
        &self.density
    }

    /// How many samples a stretch has.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// The weight of each sample of a segment; as many as a segment has samples.
    #[must_use]
    pub fn window(&self) -> &[f64] {
        &self.window
    }

    /// From the start of a segment to that of the next one, in samples.
    #[must_use]
    pub fn hop(&self) -> usize {
        self.hop
    }

    /// What turns the sum of the squared magnitudes of all segments' transforms into a density. It is the whole density at 0 Hz, and
    /// at half the sampling rate where that is a bin; the other bins count twice, for their twins on the other side.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The density from elsewhere, with as many bins.
    pub(crate) fn set_density(&mut self, density: &[f64]) {
        self.density.copy_from_slice(density);
    }

    pub(crate) fn fill_density(&mut self, value: f64) {
        self.density.fill(value);
    }

    /// Windows a segment into the real parts and the next one, where there is one, into the imaginary parts.
    fn load_pair(&mut self, samples: &[f64], segment: usize) {
        let segment_len = self.window.len();
        let first = &samples[segment * self.hop..][..segment_len];
        let first_mean = mean_of(first);
        if segment + 1 == self.n_segments {
            for ((value, weight), a) in self.segment_pair.iter_mut().zip(&self.window).zip(first) {
                *value = Complex::new(weight * (a - first_mean), 0.0);
            }
            return;
        }
        let second = &samples[(segment + 1) * self.hop..][..segment_len];
        let second_mean = mean_of(second);
        for (((value, weight), a), b) in self.segment_pair.iter_mut().zip(&self.window).zip(first).zip(second) {
            *value = Complex::new(weight * (a - first_mean), weight * (b - second_mean));
        }
    }

    /// Adds up the two halves of the spectrum; 0 Hz, and half the sampling rate where it is a bin, have no twin.
    fn fold_to_one_side(&mut self) {
        let segment_len = self.power.len();
        self.density[0] = self.scale * self.power[0];
        for (bin, density) in self.density.iter_mut().enumerate().skip(1) {
            *density = self.scale * (self.power[bin] + self.power[segment_len - bin]);
        }
        if segment_len.is_multiple_of(2) {
            self.density[segment_len / 2] = self.scale * self.power[segment_len / 2];
        }
    }
}

impl fmt::Debug for WelchPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WelchPlan")
            .field("n_samples", &self.n_samples)
            .field("segment_len", &self.window.len())
            .field("sampling_rate_hz", &self.sampling_rate_hz)
            .finish_non_exhaustive()
    }
}

/// The Hann window that continues periodically, as spectra need it: it would be zero again at `len`.
fn periodic_hann(idx: usize, len: usize) -> f64 {
    0.5 - 0.5 * (std::f64::consts::TAU * idx as f64 / len as f64).cos()
}
