//! The transform of a trace, and what is read from it: dominant bin, and the fundamental between bins.
//!
//! One transform serves all. A window of cosines multiplies samples, which in the spectrum is a sum over a few neighbouring bins, exactly
//! (F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", Proc. IEEE 66, 1978, section V).

use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::tone::{self, Tone};
use crate::wide_registers::in_wide_registers;

/// How many bins below 0 and above half the rate are kept beside the others: as many as a window reaches.
pub(super) const MARGIN: usize = 4;

/// The transform of traces of one length, with its buffers.
pub(super) struct Spectrum {
    transform: Arc<dyn RealToComplex<f64>>,
    /// The samples less their mean. The transform uses it up.
    input: Vec<f64>,
    scratch: Vec<Complex<f64>>,
    /// Bins 0 ..= n/2 from [`MARGIN`] on, and what mirrors them on both sides.
    bins: Vec<Complex<f64>>,
    powers: Vec<f64>,
}

impl Spectrum {
    /// For so many samples, at least one.
    pub(super) fn new(n_samples: usize) -> Self {
        let transform = RealFftPlanner::new().plan_fft_forward(n_samples);
        let n_bins = n_samples / 2 + 1;
        Self {
            input: vec![0.0; n_samples],
            scratch: transform.make_scratch_vec(),
            bins: vec![Complex::default(); n_bins + 2 * MARGIN],
            powers: vec![0.0; n_bins],
            transform,
        }
    }

    pub(super) fn n_samples(&self) -> usize {
        self.input.len()
    }

    fn n_bins(&self) -> usize {
        self.powers.len()
    }

    /// Where the samples less their mean go before [`Spectrum::transform`].
    pub(super) fn input(&mut self) -> &mut [f64] {
        &mut self.input
    }

    /// Transforms the input and gives the bin of most power, the first one on a tie; `power_of_mean` is the square of the sum of the samples,
    /// which is the power of bin 0.
    pub(super) fn transform(&mut self, power_of_mean: f64) -> usize {
        let n_bins = self.n_bins();
        let bins = &mut self.bins[MARGIN..MARGIN + n_bins];
        self.transform
            .process_with_scratch(&mut self.input, bins, &mut self.scratch)
            .expect("all buffers have the lengths that the transform asked for");
        bins[0] = Complex::default(); // The mean was taken off; what is left is rounding.
        powers_of(bins, &mut self.powers);
        self.powers[0] = power_of_mean;
        first_largest(&self.powers)
    }

    /// The power of a bin of what was transformed last.
    #[cfg(test)]
    pub(super) fn power(&self, bin: usize) -> f64 {
        self.powers[bin]
    }

    /// The frequency of the strongest bin above 0 Hz in bins, interpolated; none where there are fewer than 4 samples or no power.
    ///
    /// With a Hann window, the ratio a of the two largest lines tells how far the tone is from the larger one:
    /// d = (2a − 1) / (a + 1) bins (T. Grandke, "Interpolation algorithms for discrete Fourier transforms of weighted signals",
    /// IEEE Trans. Instrum. Meas. 32, 1983). Exact for one tone far from its mirror image below 0 Hz: from 3 periods on within 0.01 bins,
    /// from 10 on within 0.001.
    pub(super) fn fundamental(&mut self) -> Option<f64> {
        if self.n_samples() < 4 {
            return None;
        }
        let peak = 1 + first_largest(&self.powers[1..]);
        if self.powers[peak] == 0.0 {
            return None;
        }
        self.mirror();
        let [below, at, above] = [peak - 1, peak, peak + 1].map(|bin| self.hann(bin).norm());
        let (neighbour, side) = if above >= below { (above, 1.0) } else { (below, -1.0) };
        let ratio = neighbour / at;
        let offset = ((2.0 * ratio - 1.0) / (ratio + 1.0)).clamp(-0.5, 1.0);
        Some((peak as f64 + side * offset).clamp(0.0, self.n_samples() as f64 / 2.0))
    }

    /// The line of the Hann window at a bin from 0 to n/2 + 1: half of it, less a quarter of each neighbour.
    fn hann(&self, bin: usize) -> Complex<f64> {
        let at = MARGIN + bin;
        self.bins[at] * 0.5 - (self.bins[at - 1] + self.bins[at + 1]) * 0.25
    }

    /// Fills both margins: the transform of real samples is mirrored at 0 Hz and at half the rate, conjugated.
    fn mirror(&mut self) {
        let (n_samples, n_bins) = (self.n_samples(), self.n_bins());
        for beyond in 1..=MARGIN {
            let below = self.bins.get(MARGIN + beyond).filter(|_| beyond < n_bins).copied().unwrap_or_default();
            self.bins[MARGIN - beyond] = below.conj();
            let bin = n_bins - 1 + beyond;
            let image = n_samples.checked_sub(bin).filter(|&image| image < n_bins);
            self.bins[MARGIN + bin] = image.map_or_else(Complex::default, |image| self.bins[MARGIN + image].conj());
        }
    }

    /// The powers of a tone at so many bins, its harmonics and the noise. Takes the place of the powers without a window.
    pub(super) fn tone(&mut self, fundamental: f64) -> Option<Tone> {
        let n_samples = self.n_samples();
        tone::windowed_powers(&self.bins, &mut self.powers);
        if n_samples.is_multiple_of(2) {
            // Half the rate is its own mirror image, where the power of other bins is that of one of two.
            *self.powers.last_mut()? *= 0.5;
        }
        tone::measure(&mut self.powers, fundamental, n_samples)
    }
}

impl fmt::Debug for Spectrum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spectrum").field("n_samples", &self.n_samples()).finish_non_exhaustive()
    }
}

fn powers_of(bins: &[Complex<f64>], powers: &mut [f64]) {
    in_wide_registers!(all_powers(bins: &[Complex<f64>], powers: &mut [f64]) -> ())
}

#[inline(always)]
fn all_powers(bins: &[Complex<f64>], powers: &mut [f64]) {
    for (power, bin) in powers.iter_mut().zip(bins) {
        *power = bin.norm_sqr();
    }
}

/// In eight lanes.
pub(super) fn sum(powers: &[f64]) -> f64 {
    let (lanes, rest) = powers.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for powers in lanes {
        sums.iter_mut().zip(powers).for_each(|(sum, power)| *sum += power);
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// Where the largest power is, the first one on a tie; 0 for none.
fn first_largest(powers: &[f64]) -> usize {
    in_wide_registers!(place_of_largest(powers: &[f64]) -> usize)
}

#[inline(always)]
fn place_of_largest(powers: &[f64]) -> usize {
    let (lanes, rest) = powers.as_chunks::<8>();
    let mut largest = [0.0; 8];
    let keep_larger = |largest: &mut f64, power: &f64| *largest = if *power > *largest { *power } else { *largest };
    for powers in lanes {
        largest.iter_mut().zip(powers).for_each(|(largest, power)| keep_larger(largest, power));
    }
    let largest = largest.iter().chain(rest).copied().fold(0.0, f64::max);
    powers.iter().position(|&power| power == largest).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn spectrum_of(samples: &[f64]) -> Spectrum {
        let mut spectrum = Spectrum::new(samples.len());
        let mean = samples.iter().sum::<f64>() / samples.len() as f64;
        spectrum.input().iter_mut().zip(samples).for_each(|(input, sample)| *input = sample - mean);
        spectrum.transform(0.0);
        spectrum
    }

    fn sine(n_samples: usize, bins: f64, phase: f64) -> Vec<f64> {
        (0..n_samples).map(|j| 3.0 + (TAU * bins * j as f64 / n_samples as f64 + phase).sin()).collect()
    }

    #[test]
    fn a_sine_between_bins_is_found_to_a_hundredth_from_three_periods_on_and_to_a_thousandth_from_ten() {
        for n_samples in [1000, 1001] {
            for tenth in 0..40 {
                for phase in [0.0, 0.9, 2.1, 4.0] {
                    for (least, tolerance) in [(3.0, 0.01), (10.0, 0.001), (300.0, 1e-6), (490.0, 0.003)] {
                        let bins = least + 0.1 * f64::from(tenth);
                        let found = spectrum_of(&sine(n_samples, bins, phase)).fundamental().unwrap();
                        assert!((found - bins).abs() < tolerance, "{bins} bins, phase {phase}: {found}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_first_of_equal_powers_dominates() {
        for n in [1, 7, 8, 9, 40] {
            for first in 0..n {
                let powers: Vec<f64> = (0..n).map(|bin| if bin >= first { 2.0 } else { 1.0 }).collect();
                assert_eq!(first_largest(&powers), first);
            }
        }
        assert_eq!(first_largest(&[0.0; 9]), 0);
    }

    /// The sum over bins against the window multiplied and transformed.
    #[test]
    fn a_window_in_the_spectrum_is_that_window_on_the_samples() {
        for n_samples in [64, 65, 9, 10] {
            let samples: Vec<f64> = sine(n_samples, 5.3, 0.4).iter().map(|sample| sample - 3.0).collect();
            let mean = samples.iter().sum::<f64>() / n_samples as f64;
            let mut spectrum = spectrum_of(&samples);
            spectrum.mirror();
            let mut powers = vec![0.0; n_samples / 2 + 1];
            tone::windowed_powers(&spectrum.bins, &mut powers);
            let angle = |j: usize| TAU * j as f64 / n_samples as f64;
            let windowed: Vec<f64> =
                samples.iter().enumerate().map(|(j, sample)| (sample - mean) * tone::window(angle(j))).collect();
            for (bin, power) in powers.iter().enumerate() {
                let line: Complex<f64> = windowed
                    .iter()
                    .enumerate()
                    .map(|(j, sample)| Complex::from_polar(*sample, -angle(j) * bin as f64))
                    .sum();
                assert!((power - line.norm_sqr()).abs() < 1e-9, "bin {bin} of {n_samples}: {power} {line}");
            }
        }
    }
}
