//! The strongest bin by a transform in single precision, where its rounding cannot matter.
//!
//! Promises: the bin that the transform in double precision finds, or none. Leaves to others: what to do without an answer, which is the
//! transform in double precision.
//!
//! Why the answer is the same. A transform of length n in a precision with unit u is the product of sparse unitary stages, so its error, as
//! a vector, is below c log2(n) u of the vector of all lines (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition,
//! theorem 24.2; the same argument serves stages of radix p that are computed as written, whose c is below (p + 3) √p / log2(p), with 4
//! for the factors in between: below 14 up to radix 7). The error of one line is not above that of the vector, whose length Parseval's
//! theorem gives from the variance. Samples in single precision add 1 u, and so does each of the few steps from the transform of half the
//! length to powers: below 48 u together. A bin that leads all others by twice this bound leads them exactly, and in double
//! precision. Lengths with prime factors above 7 are transformed in other ways, of which nothing is stated here: they have no quick peak.

use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use super::moments::{Moments, Spread};
use crate::wide_registers::in_wide_registers;

/// The bound for one line: this for each doubling of the length, and this besides, times the unit, times the length of the vector.
const FOR_EACH_DOUBLING: f64 = 16.0;
const BESIDES: f64 = 48.0;
/// The unit of single precision.
const UNIT: f64 = f32::EPSILON as f64 / 2.0;
/// Bins that are computed together, for vector instructions.
const LANES: usize = 8;

/// The transform of traces of one length in single precision, with its buffers.
pub(super) struct QuickPeak {
    /// Of pairs of samples as complex numbers.
    transform: Arc<dyn Fft<f32>>,
    residuals: Vec<f32>,
    pairs: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    /// cos and sin of -2πk/n for k below n/4.
    turns: [Vec<f32>; 2],
    /// The powers of bins 0, 1, .. and those of bins n/2, n/2 - 1, .., which meet at n/4.
    powers: [Vec<f32>; 2],
}

impl QuickPeak {
    /// None for lengths without one: odd ones, short ones, and those with prime factors above 7.
    pub(super) fn new(n_samples: usize) -> Option<Self> {
        let is_smooth = [2, 3, 5, 7].into_iter().fold(n_samples, without_factor) == 1;
        if !n_samples.is_multiple_of(2) || !is_smooth || n_samples < 4 * LANES {
            return None;
        }
        let transform = FftPlanner::new().plan_fft_forward(n_samples / 2);
        let n_turns = (n_samples / 2).div_ceil(2);
        let angle = |bin: usize| -std::f64::consts::TAU * bin as f64 / n_samples as f64;
        let turns = |part: fn(f64) -> f64| (0..n_turns).map(|bin| part(angle(bin)) as f32).collect();
        Some(Self {
            residuals: vec![0.0; n_samples],
            pairs: vec![Complex::default(); n_samples / 2],
            scratch: vec![Complex::default(); transform.get_inplace_scratch_len()],
            turns: [turns(f64::cos), turns(f64::sin)],
            powers: [vec![0.0; n_samples / 4 + 1], vec![0.0; n_turns]],
            transform,
        })
    }

    /// The sums over the residuals, and the bin of most power, where it is certain.
    pub(super) fn find(&mut self, samples: &[f64], moments: &Moments) -> (Spread, Option<usize>) {
        let scale = power_of_two_below(1.0 / moments.reach());
        let spread = Spread::of_scaled(samples, moments.mean, scale, &mut self.residuals);
        if !(scale.is_normal() && spread.variance > 0.0) {
            return (spread, None);
        }
        self.transform_pairs();
        let n = samples.len() as f64;
        let vector = n * spread.variance.sqrt() * scale;
        let error = (FOR_EACH_DOUBLING * n.log2() + BESIDES) * UNIT * vector;
        let at_zero = (moments.mean * n).abs() * scale;
        (spread, self.leader(at_zero, error))
    }

    fn transform_pairs(&mut self) {
        let (pairs, _) = self.residuals.as_chunks::<2>();
        for (complex, [even, odd]) in self.pairs.iter_mut().zip(pairs) {
            *complex = Complex::new(*even, *odd);
        }
        self.transform.process_with_scratch(&mut self.pairs, &mut self.scratch);
        powers(&self.pairs, &self.turns, &mut self.powers);
        self.powers[0][0] = 0.0; // The mean was taken off; what is left is rounding.
    }

    /// The bin whose line leads all others by twice the error; `at_zero` is the length of the line of bin 0.
    fn leader(&self, at_zero: f64, error: f64) -> Option<usize> {
        let [rising, falling] = &self.powers;
        let longest = f64::from(largest(rising).max(largest(falling))).sqrt();
        if at_zero > longest + 2.0 * error {
            return Some(0);
        }
        let least = longest - 2.0 * error;
        if at_zero >= least || least <= 0.0 {
            return None;
        }
        let least = ((least * least) as f32).next_down(); // so that no bin is passed over
        let n_leading = count_from(rising, least) + count_from(falling, least);
        let place = |powers: &[f32]| powers.iter().position(|&power| power >= least);
        let bin = || place(rising).or_else(|| Some(self.pairs.len() - place(falling)?));
        if n_leading == 1 { bin() } else { None }
    }
}

fn without_factor(mut number: usize, factor: usize) -> usize {
    while number.is_multiple_of(factor) {
        number /= factor;
    }
    number
}

/// The largest power of two that is not above a number; not normal where that is not.
fn power_of_two_below(number: f64) -> f64 {
    f64::from_bits(number.to_bits() & f64::INFINITY.to_bits())
}

/// The powers of a real transform from the transform of pairs (H. V. Sorensen et al., "Real-valued fast Fourier transform algorithms",
/// IEEE Trans. Acoust. Speech Signal Process. 35, 1987).
fn powers(pairs: &[Complex<f32>], turns: &[Vec<f32>; 2], powers: &mut [Vec<f32>; 2]) {
    let [rising, falling] = powers;
    let [cos, sin] = turns;
    in_wide_registers!(all_powers(
        pairs: &[Complex<f32>], cos: &[f32], sin: &[f32], rising: &mut [f32], falling: &mut [f32]
    ) -> ())
}

#[inline(always)]
fn all_powers(pairs: &[Complex<f32>], cos: &[f32], sin: &[f32], rising: &mut [f32], falling: &mut [f32]) {
    let (n_half, n_turns) = (pairs.len(), cos.len());
    (rising[0], falling[0]) = both_powers(pairs[0], pairs[0], 1.0, 0.0);
    if n_half.is_multiple_of(2) {
        rising[n_turns] = pairs[n_turns].norm_sqr(); // its own mirror image
    }
    let n_blocks = (n_turns - 1) / LANES;
    for block in 0..n_blocks {
        let first = 1 + block * LANES;
        let lines: &[_; LANES] = pairs[first..].first_chunk().expect("blocks end before the middle");
        let mirrored: &[_; LANES] = pairs[..=n_half - first].last_chunk().expect("blocks end before the middle");
        let (cos, sin): (&[_; LANES], &[_; LANES]) = (
            cos[first..].first_chunk().expect("there is one each"),
            sin[first..].first_chunk().expect("there is one each"),
        );
        let (mut up, mut down) = ([0.0; LANES], [0.0; LANES]);
        for lane in 0..LANES {
            (up[lane], down[lane]) = both_powers(lines[lane], mirrored[LANES - 1 - lane], cos[lane], sin[lane]);
        }
        rising[first..first + LANES].copy_from_slice(&up);
        falling[first..first + LANES].copy_from_slice(&down);
    }
    for bin in 1 + n_blocks * LANES..n_turns {
        (rising[bin], falling[bin]) = both_powers(pairs[bin], pairs[n_half - bin], cos[bin], sin[bin]);
    }
}

/// The powers of a bin and of the one as far below half the rate, from the lines of both among pairs.
#[inline(always)]
fn both_powers(line: Complex<f32>, mirrored: Complex<f32>, cos: f32, sin: f32) -> (f32, f32) {
    // Twice the lines of the even samples and of the odd ones, the latter turned.
    let even = (line.re + mirrored.re, line.im - mirrored.im);
    let odd = (line.im + mirrored.im, mirrored.re - line.re);
    let turned = (odd.0 * cos - odd.1 * sin, odd.0 * sin + odd.1 * cos);
    let power = |re: f32, im: f32| 0.25 * (re * re + im * im);
    (power(even.0 + turned.0, even.1 + turned.1), power(even.0 - turned.0, even.1 - turned.1))
}

fn largest(powers: &[f32]) -> f32 {
    in_wide_registers!(largest_of(powers: &[f32]) -> f32)
}

#[inline(always)]
fn largest_of(powers: &[f32]) -> f32 {
    let (lanes, rest) = powers.as_chunks::<{ 4 * LANES }>();
    let mut largest = [0.0; 4 * LANES];
    for powers in lanes {
        for (largest, power) in largest.iter_mut().zip(powers) {
            *largest = if *power > *largest { *power } else { *largest };
        }
    }
    largest.iter().chain(rest).copied().fold(0.0, f32::max)
}

fn count_from(powers: &[f32], least: f32) -> u32 {
    in_wide_registers!(number_from(powers: &[f32], least: f32) -> u32)
}

#[inline(always)]
fn number_from(powers: &[f32], least: f32) -> u32 {
    powers.iter().map(|power| u32::from(*power >= least)).sum()
}

impl fmt::Debug for QuickPeak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuickPeak").field("n_samples", &self.residuals.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use manyhands_test_support::property::config;
    use manyhands_test_support::rng::Rng;
    use proptest::prelude::*;

    use super::super::spectrum::Spectrum;
    use super::*;

    /// The bin in double precision, and the quick one.
    fn both(samples: &[f64]) -> (usize, Option<usize>) {
        let moments = Moments::of(samples);
        let mut spectrum = Spectrum::new(samples.len());
        Spread::of(samples, moments.mean, spectrum.input());
        let sum = moments.mean * samples.len() as f64;
        let bin = spectrum.transform(sum * sum);
        (bin, QuickPeak::new(samples.len()).and_then(|mut quick| quick.find(samples, &moments).1))
    }

    fn tones(n: usize, tones: &[(f64, f64)]) -> Vec<f64> {
        let sine = |bins: f64, j: usize| (TAU * bins * j as f64 / n as f64 + 0.3).sin();
        (0..n).map(|j| tones.iter().map(|(bins, amplitude)| amplitude * sine(*bins, j)).sum()).collect()
    }

    #[test]
    fn one_tone_is_certain_wherever_it_lies() {
        for n in [32, 64, 70, 250, 1000, 1400] {
            for bin in (1..n / 2).step_by(1 + n / 100) {
                let found = both(&tones(n, &[(bin as f64, 1e-3)]));
                assert_eq!(found, (bin, Some(bin)), "{n} samples");
            }
            let nyquist: Vec<f64> = (0..n).map(|j| if j % 2 == 0 { 1.0 } else { -1.0 }).collect();
            assert_eq!(both(&nyquist), (n / 2, Some(n / 2)));
        }
    }

    #[test]
    fn what_single_precision_cannot_tell_apart_is_left_open() {
        let n = 1000;
        let certain = [(100.0, 1.0), (380.0, 0.999)];
        assert_eq!(both(&tones(n, &certain)), (100, Some(100)));
        for near in [1.0, 1.0 - 1e-6, 1.0 + 1e-6, 1.0 + 1e-12] {
            assert_eq!(both(&tones(n, &[(100.0, 1.0), (380.0, near)])).1, None, "{near}");
            assert_eq!(both(&tones(n, &[(100.0, near), (101.0, 1.0)])).1, None, "{near}");
        }
        let impulse: Vec<f64> = (0..n).map(|j| if j == 7 { 1.0 } else { 0.0 }).collect();
        assert_eq!(both(&impulse).1, None);
        assert_eq!(both(&vec![2.5; n]).1, None);
        assert_eq!(both(&vec![0.0; n]), (0, None));
    }

    #[test]
    fn an_offset_takes_no_digit_from_the_residuals() {
        let with_offset =
            |offset: f64| -> Vec<f64> { tones(2000, &[(700.0, 1.0)]).iter().map(|sample| sample + offset).collect() };
        assert_eq!(both(&with_offset(1e6)), (0, Some(0)));
        // The line of the offset is as long as that of the tone.
        assert_eq!(both(&with_offset(0.5)).1, None);
        assert_eq!(both(&with_offset(0.499)), (700, Some(700)));
        assert_eq!(both(&with_offset(0.501)), (0, Some(0)));
    }

    #[test]
    fn lengths_that_are_transformed_in_other_ways_have_none() {
        assert!([1, 2, 30, 1001, 22 * 50, 26 * 50, 997 * 2].into_iter().all(|n| QuickPeak::new(n).is_none()));
        assert!([32, 64, 20_000, 1 << 12, 2 * 2401].into_iter().all(|n| QuickPeak::new(n).is_some()));
    }

    /// How far lines in single precision are off, as a share of the bound; noise and tones are what transforms meet.
    #[test]
    fn lines_stay_far_within_the_bound() {
        let mut rng = Rng::for_test("lines_stay_far_within_the_bound");
        for n in [32, 500, 4802, 16_384, 20_000] {
            let noise: Vec<f64> = (0..n).map(|_| rng.fraction() - 0.5).collect();
            for samples in [noise, tones(n, &[(3.0, 1.0)]), tones(n, &[(n as f64 / 5.3, 1.0), (9.5, 0.8)])] {
                let moments = Moments::of(&samples);
                let mut quick = QuickPeak::new(n).unwrap();
                let (spread, _) = quick.find(&samples, &moments);
                let mut spectrum = Spectrum::new(n);
                Spread::of(&samples, moments.mean, spectrum.input());
                spectrum.transform(0.0);
                let scale = power_of_two_below(1.0 / moments.reach());
                let bound =
                    (FOR_EACH_DOUBLING * (n as f64).log2() + BESIDES) * UNIT * n as f64 * spread.variance.sqrt();
                let [rising, falling] = &quick.powers;
                let quick =
                    rising.iter().enumerate().chain(falling.iter().enumerate().map(|(at, power)| (n / 2 - at, power)));
                for (bin, power) in quick {
                    let off = f64::from(*power).sqrt() / scale - spectrum.power(bin).sqrt();
                    assert!(off.abs() < 0.1 * bound, "bin {bin} of {n} is off by {off}, with a bound of {bound}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(config(200))]

        #[test]
        fn a_quick_peak_is_that_of_double_precision(
            n in prop::sample::select(vec![32_usize, 48, 50, 98, 100, 128, 350, 1000, 2000]),
            offset in prop::sample::select(vec![0.0, 1e-9, 0.5, 1e6]),
            scale in prop::sample::select(vec![1e-300, 1e-130, 1.0, 1e130]),
            noise in prop::sample::select(vec![0.0, 1e-9, 1e-4, 1.0]),
            first in 0.0..0.5_f64,
            second in 0.0..0.5_f64,
            lead in prop::sample::select(vec![0.0, 1e-15, 1e-9, 1e-6, 1e-5, 1e-3, 0.5]),
            whole: bool,
            seed: u32,
        ) {
            let mut rng = Rng::for_test(&seed.to_string());
            let place = |share: f64| if whole { (share * n as f64).round() } else { share * n as f64 };
            let made = tones(n, &[(place(first), 1.0 + lead), (place(second), 1.0)]);
            let samples: Vec<f64> =
                made.iter().map(|sample| scale * (offset + sample + noise * (rng.fraction() - 0.5))).collect();
            let (bin, quick) = both(&samples);
            prop_assert!(quick.is_none() || quick == Some(bin), "{quick:?} {bin}");
        }
    }
}
