//! Values between samples, by a windowed sinc.
//!
//! The value at a point between samples is the sum of the samples around it, weighted with a sinc under a Hann window (Laakso,
//! Välimäki, Karjalainen and Laine, "Splitting the unit delay", IEEE Signal Processing Magazine 13, 1996). It is exact at whole
//! samples, exact for a constant, and flat up to nine tenths of the Nyquist frequency.

use std::f64::consts::PI;

use super::correlation::correlate;

/// How many samples on each side of a point are looked at.
pub(crate) const HALF_WIDTH: usize = 16;
const N_TAPS: usize = 2 * HALF_WIDTH + 1;

/// `shifted[j]` becomes the value of `signal` at `HALF_WIDTH + j + shift`, for a shift within one sample. The signal has
/// `2 * HALF_WIDTH` samples more than `shifted`.
pub(crate) fn shift_into(signal: &[f64], shift: f64, shifted: &mut [f64]) {
    let taps = taps(shift);
    correlate(signal, &taps, shifted);
}

/// The same for the slope of the signal, per sample.
pub(crate) fn slope_into(signal: &[f64], shift: f64, slope: &mut [f64]) {
    const STEP: f64 = 1e-3;
    let (before, after) = (taps(shift - STEP), taps(shift + STEP));
    let slopes: [f64; N_TAPS] = std::array::from_fn(|tap| (after[tap] - before[tap]) / (2.0 * STEP));
    correlate(signal, &slopes, slope);
}

fn taps(shift: f64) -> [f64; N_TAPS] {
    let mut taps: [f64; N_TAPS] = std::array::from_fn(|tap| kernel(shift + HALF_WIDTH as f64 - tap as f64));
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= sum);
    taps
}

fn kernel(distance: f64) -> f64 {
    let half_width = HALF_WIDTH as f64 + 1.0;
    if distance.abs() >= half_width {
        return 0.0;
    }
    let sinc = if distance == 0.0 { 1.0 } else { (PI * distance).sin() / (PI * distance) };
    let window = (PI * distance / (2.0 * half_width)).cos();
    sinc * window * window
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(cycles_per_sample: f64, at: f64) -> f64 {
        (2.0 * PI * cycles_per_sample * at + 0.3).sin()
    }

    #[test]
    fn a_wave_below_nine_tenths_of_nyquist_is_shifted_by_the_fraction() {
        for cycles in [0.01, 0.1, 0.3, 0.4, 0.45] {
            let signal: Vec<f64> = (0..200).map(|n| wave(cycles, f64::from(n))).collect();
            for shift in [-0.5, -0.2, 0.0, 0.01, 0.5] {
                let mut shifted = vec![0.0; 200 - 2 * HALF_WIDTH];
                shift_into(&signal, shift, &mut shifted);
                let at = |j: usize| wave(cycles, (j + HALF_WIDTH) as f64 + shift);
                let worst = shifted.iter().enumerate().map(|(j, found)| (found - at(j)).abs()).fold(0.0, f64::max);
                assert!(worst < 0.02, "{cycles} cycles per sample, shift {shift}: off by {worst}");
                assert!(cycles > 0.35 || worst < 1e-3, "{cycles} cycles per sample, shift {shift}: off by {worst}");
            }
        }
    }

    #[test]
    fn the_slope_of_a_wave_is_its_derivative() {
        let signal: Vec<f64> = (0..100).map(|n| wave(0.2, f64::from(n))).collect();
        let mut slope = vec![0.0; 100 - 2 * HALF_WIDTH];
        slope_into(&signal, 0.25, &mut slope);
        for (j, found) in slope.iter().enumerate() {
            let expected = 2.0 * PI * 0.2 * (2.0 * PI * 0.2 * ((j + HALF_WIDTH) as f64 + 0.25) + 0.3).cos();
            assert!((found - expected).abs() < 5e-3, "{found} for {expected}");
        }
    }

    #[test]
    fn a_whole_sample_and_a_constant_stay_as_they_are() {
        let signal: Vec<f64> = (0..50).map(|n| f64::from(n * n % 17)).collect();
        let mut shifted = vec![0.0; 50 - 2 * HALF_WIDTH];
        shift_into(&signal, 0.0, &mut shifted);
        for (found, expected) in shifted.iter().zip(&signal[HALF_WIDTH..]) {
            assert!((found - expected).abs() < 1e-12);
        }
        shift_into(&[3.0; 50], 0.37, &mut shifted);
        assert!(shifted.iter().all(|value| (value - 3.0).abs() < 1e-12));
    }
}
