//! How pure a tone is: SNR, THD and SINAD from the powers of a windowed spectrum, after IEEE Std 1241-2010.
//!
//! Definitions of the standard: harmonics are the second to the tenth, folded back where they lie above half the rate; THD compares their
//! powers with that of the fundamental; SINAD compares the fundamental with noise and harmonics together; SNR, the standard's
//! signal-to-nonharmonic ratio, with noise alone. 0 Hz counts for none of them.
//!
//! Choices of this file: the window is H.-H. Albrecht's five cosines (PTB, "A family of cosine-sum windows for high-resolution
//! measurements", ICASSP 2001), whose side lobes are 124 dB down, so that a capture needs no whole number of periods. Its main lobe has
//! 5 bins on each side, and these count for a tone. Noise is the mean power of all bins that no lobe covers, times all bins, as if it were
//! spread evenly below the lobes too; what it puts into a lobe is taken off that lobe. So the figures of a noisy tone are not biased by the
//! width of lobes. An SNR above about 105 dB, or a THD below 0.0001 %, is that of the window.

use realfft::num_complex::Complex;

use super::spectrum::{MARGIN, sum};
use crate::wide_registers::in_wide_registers;

/// The coefficients of the window, from the constant to the fourth cosine; signs alternate.
const COSINES: [f64; MARGIN + 1] = [
    3.232_153_788_877_343e-1,
    -4.714_921_439_576_26e-1,
    1.755_341_299_601_972e-1,
    -2.849_699_010_614_994e-2,
    1.261_357_088_292_677e-3,
];

/// Bins from the middle of a main lobe to its end.
const LOBE: usize = COSINES.len();

/// The last harmonic.
const HARMONICS: u32 = 10;

/// The powers of a trace's tone, in one unit that is not stated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tone {
    fundamental: f64,
    harmonics: f64,
    noise: f64,
}

impl Tone {
    pub(super) fn snr_db(&self) -> f64 {
        decibel(self.fundamental / self.noise)
    }

    pub(super) fn thd_percent(&self) -> f64 {
        100.0 * (self.harmonics / self.fundamental).sqrt()
    }

    pub(super) fn sinad_db(&self) -> f64 {
        decibel(self.fundamental / (self.harmonics + self.noise))
    }
}

fn decibel(power_ratio: f64) -> f64 {
    10.0 * power_ratio.log10()
}

/// The power of each bin through the window: bins of the transform with their margins in, as many powers as bins without them out.
pub(super) fn windowed_powers(bins: &[Complex<f64>], powers: &mut [f64]) {
    in_wide_registers!(powers_through_window(bins: &[Complex<f64>], powers: &mut [f64]) -> ())
}

#[inline(always)]
fn powers_through_window(bins: &[Complex<f64>], powers: &mut [f64]) {
    // cos(m a) = (e^(ima) + e^(-ima)) / 2: half of each coefficient goes to either side.
    let [middle, sides @ ..] = COSINES;
    let sides = sides.map(|coefficient| coefficient / 2.0);
    for (power, around) in powers.iter_mut().zip(bins.windows(2 * MARGIN + 1)) {
        let [b0, b1, b2, b3, at, a3, a2, a1, a0] = around else { unreachable!("windows have this length") };
        let line =
            *at * middle + (b3 + a3) * sides[0] + (b2 + a2) * sides[1] + (b1 + a1) * sides[2] + (b0 + a0) * sides[3];
        *power = line.norm_sqr();
    }
}

/// The powers of the tone at so many bins; none where its lobe meets that of 0 Hz or half the rate, where no bin
/// is left for noise, and where it does not rise above the noise.
///
/// Uses the powers up: those of a lobe become 0.
pub(super) fn measure(powers: &mut [f64], fundamental: f64, n_samples: usize) -> Option<Tone> {
    let n_bins = powers.len();
    let middle = fundamental.round() as usize;
    if middle <= 2 * LOBE || middle + LOBE >= n_bins {
        return None;
    }
    take_lobe(powers, 0);
    let fundamental_lobe = take_lobe(powers, middle);
    let mut harmonics = [Lobe::default(); HARMONICS as usize - 1];
    for (order, lobe) in (2..=HARMONICS).zip(&mut harmonics) {
        *lobe = take_lobe(powers, folded(f64::from(order) * fundamental, n_samples));
    }
    let n_left = powers.iter().filter(|power| !is_taken(power)).count();
    let density = sum(powers) / n_left as f64;
    let without_noise = |lobe: &Lobe| lobe.power - density * lobe.n_bins as f64;
    let tone = Tone {
        fundamental: without_noise(&fundamental_lobe),
        // Of the sum, not of each: where there are none, noise is as often too much for a lobe as too little.
        harmonics: harmonics.iter().map(without_noise).sum::<f64>().max(0.0),
        noise: density * n_bins as f64,
    };
    (n_left > 0 && tone.fundamental > 0.0).then_some(tone)
}

/// What a main lobe holds.
#[derive(Debug, Clone, Copy, Default)]
struct Lobe {
    power: f64,
    n_bins: usize,
}

/// A bin that belongs to a lobe. It adds nothing to a sum, and no square has this sign.
const TAKEN: f64 = -0.0;

fn is_taken(power: &f64) -> bool {
    power.is_sign_negative()
}

/// Takes the bins around this one that no earlier lobe has: a harmonic that folds back onto another tone is not counted twice.
fn take_lobe(powers: &mut [f64], middle: usize) -> Lobe {
    let end = powers.len().min(middle + LOBE + 1);
    let mut lobe = Lobe::default();
    for power in powers[middle.saturating_sub(LOBE)..end].iter_mut().filter(|power| !is_taken(power)) {
        lobe.power += std::mem::replace(power, TAKEN);
        lobe.n_bins += 1;
    }
    lobe
}

/// The bin at which a frequency in bins appears in a sampled spectrum.
fn folded(bins: f64, n_samples: usize) -> usize {
    let n = n_samples as f64;
    let within = bins % n;
    within.min(n - within).round() as usize
}

/// The window at an angle from 0 to 2π.
#[cfg(test)]
pub(super) fn window(angle: f64) -> f64 {
    COSINES.iter().enumerate().map(|(order, coefficient)| coefficient * (order as f64 * angle).cos()).sum()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn side_lobes_are_a_hundred_and_twenty_four_decibels_down() {
        let n = 512;
        let line = |bins: f64| -> Complex<f64> {
            let angle = |j: u32| TAU * f64::from(j) / f64::from(n);
            (0..n).map(|j| Complex::from_polar(window(angle(j)), -bins * angle(j))).sum()
        };
        let middle = line(0.0).norm();
        let worst = (0..400).map(|step| line(LOBE as f64 + 0.05 * f64::from(step)).norm()).fold(0.0, f64::max);
        let decibels = 20.0 * (worst / middle).log10();
        assert!((-126.0..-124.0).contains(&decibels), "{decibels}");
    }

    #[test]
    fn frequencies_above_half_the_rate_fold_back() {
        assert_eq!([3.0, 51.0, 97.6, 104.0, 250.0].map(|bins| folded(bins, 100)), [3, 49, 2, 4, 50]);
    }

    #[test]
    fn a_bin_counts_for_one_lobe_only() {
        let mut powers = [1.0; 30];
        let lobes = [10, 12, 12, 29].map(|middle| take_lobe(&mut powers, middle).n_bins);
        assert_eq!(lobes, [11, 2, 0, 6]);
        assert_eq!(sum(&powers), 11.0);
    }
}
