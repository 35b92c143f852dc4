//! The spectrum of a whole epoch at once, behind its spectral entropy. The density by Welch's method is in `welch.rs`.

use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// The power of a whole epoch's transform, one-sided, in no particular unit.
#[derive(Clone)]
pub(super) struct Periodogram {
    transform: Arc<dyn RealToComplex<f64>>,
    samples: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    power: Vec<f64>,
}

impl Periodogram {
    pub(super) fn new(n_samples: usize) -> Self {
        let transform = RealFftPlanner::new().plan_fft_forward(n_samples);
        let spectrum = transform.make_output_vec();
        Self {
            samples: transform.make_input_vec(),
            power: vec![0.0; spectrum.len()],
            scratch: transform.make_scratch_vec(),
            spectrum,
            transform,
        }
    }

    /// The power of each bin of an epoch with this mean, from 0 Hz up to half the sampling rate. Nothing is allocated.
    pub(super) fn power(&mut self, epoch: &[f64], mean: f64) -> &[f64] {
        for (sample, value) in self.samples.iter_mut().zip(epoch) {
            *sample = value - mean;
        }
        self.transform
            .process_with_scratch(&mut self.samples, &mut self.spectrum, &mut self.scratch)
            .expect("all buffers were made by the transform itself");
        for (power, value) in self.power.iter_mut().zip(&self.spectrum) {
            *power = 2.0 * value.norm_sqr();
        }
        // Half the sampling rate has no twin on the other side. Nor has 0 Hz, but with the mean its power is gone.
        if epoch.len().is_multiple_of(2) {
            self.power[epoch.len() / 2] /= 2.0;
        }
        &self.power
    }
}

impl fmt::Debug for Periodogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Periodogram").field("n_samples", &self.samples.len()).finish_non_exhaustive()
    }
}
