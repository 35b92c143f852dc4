//! Spectra of power by Welch's method.
//!
//! Welch (1967), The use of fast Fourier transform for the estimation of power spectra, IEEE Transactions on Audio and Electroacoustics
//! 15:70-73. Hann windows that overlap by half, each segment less its mean; the squares of the transform over the rate times the sum of
//! the window's squares, averaged over segments, and doubled except at 0 and at half the rate. So the integral over frequency is the
//! variance. What does not fill a last segment is left out.

use realfft::RealFftPlanner;
use serde::Serialize;

/// A spectrum of power.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spectrum {
    /// From one value to the next, in Hz; the first is at 0.
    pub resolution_hz: f64,
    /// The power, in V² per Hz.
    pub power: Vec<f64>,
}

impl Spectrum {
    /// The frequency of a value, in Hz.
    #[must_use]
    pub fn frequency_hz(&self, bin: usize) -> f64 {
        bin as f64 * self.resolution_hz
    }

    /// The mean power of the bins around a frequency, as many on each side as are asked for.
    pub(super) fn mean_around(&self, frequency_hz: f64, n_beside: usize) -> f64 {
        let bin = (frequency_hz / self.resolution_hz).round() as usize;
        let bins = bin.saturating_sub(n_beside)..(bin + n_beside + 1).min(self.power.len());
        let n_bins = bins.len();
        self.power[bins].iter().sum::<f64>() / n_bins.max(1) as f64
    }
}

/// A spectrum by Welch's method; memory of a few segments. A signal that is shorter than a segment is one segment.
///
/// ```
/// // A sine of 3 V has a power of 9 / 2 V².
/// let sine: Vec<f64> = (0..10_000).map(|at| 3.0 * (at as f64 * 0.2).sin()).collect();
/// let spectrum = eeg_artifact::quality::welch(&sine, 500.0, 1000);
/// let total: f64 = spectrum.power.iter().map(|power| power * spectrum.resolution_hz).sum();
/// assert!((total - 4.5).abs() < 0.01);
/// ```
///
/// # Panics
/// On no input: the transform gets rows of the lengths that it asked for.
#[must_use]
pub fn welch(samples: &[f64], sfreq_hz: f64, segment: usize) -> Spectrum {
    let segment = segment.min(samples.len()).max(1);
    let step = (segment / 2).max(1);
    let turn = std::f64::consts::TAU / segment as f64;
    let window: Vec<f64> = (0..segment).map(|at| 0.5 - 0.5 * (turn * at as f64).cos()).collect();
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(segment);
    let (mut input, mut output) = (fft.make_input_vec(), fft.make_output_vec());
    let mut power = vec![0.0; output.len()];
    let mut n_segments = 0.0;
    for piece in samples.windows(segment).step_by(step) {
        let mean = piece.iter().sum::<f64>() / segment as f64;
        input
            .iter_mut()
            .zip(piece.iter().zip(&window))
            .for_each(|(to, (sample, window))| *to = (sample - mean) * window);
        fft.process(&mut input, &mut output).expect("both have the lengths that the plan made");
        power.iter_mut().zip(&output).for_each(|(power, value)| *power += value.norm_sqr());
        n_segments += 1.0;
    }
    let window_power: f64 = window.iter().map(|window| window * window).sum();
    let scale = 1.0 / (sfreq_hz * window_power.max(f64::MIN_POSITIVE) * f64::max(n_segments, 1.0));
    for (bin, power) in power.iter_mut().enumerate() {
        let is_single = bin == 0 || 2 * bin == segment;
        *power *= if is_single { scale } else { 2.0 * scale };
    }
    Spectrum { resolution_hz: sfreq_hz / segment as f64, power }
}
