//! How good a batch of captures is.

use serde::Serialize;

use super::describe::describe;
use super::outliers::z_outliers;

/// Amplitudes further from their mean than so many deviations make a file invalid.
const OUTLIER_THRESHOLD: f64 = 3.0;
/// Captures above are good, in dB.
const HIGH_QUALITY_DB: f64 = 30.0;
/// Captures below are bad, in dB.
const LOW_QUALITY_DB: f64 = 20.0;

/// The quality of a batch; what is not defined is NaN, which JSON writes as `null`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quality {
    /// How many captures there are, those without a value included.
    pub total_files: usize,
    /// Those whose amplitude is no outlier.
    pub valid_files: usize,
    /// Their share in percent; 0 of none.
    pub quality_rate: f64,
    /// The mean ratio of signal to noise, in dB; not defined without one.
    pub mean_snr: f64,
    /// Captures above 30 dB.
    pub high_quality_count: usize,
    /// Captures below 20 dB.
    pub low_quality_count: usize,
    /// `100 max(0, 1 - s / |mean|)` of the amplitudes, with the deviation of the sample; not defined for fewer than two.
    pub consistency_percent: f64,
}

/// Judges a batch by the amplitude and the ratio of signal to noise (in dB) of each capture.
///
/// An amplitude more than three deviations from the mean, as of [`z_outliers`], makes its capture invalid. A missing amplitude (NaN) is none. Where
/// the mean of amplitudes that vary is zero, the consistency is 0.
///
/// ```
/// # use signal_batch::stats::quality;
/// let judged = quality(&[1.0, 3.0], &[35.0, 10.0]);
/// assert_eq!((judged.quality_rate, judged.mean_snr, judged.high_quality_count, judged.low_quality_count), (100.0, 22.5, 1, 1));
/// ```
#[must_use]
pub fn quality(amplitude: &[f64], snr_db: &[f64]) -> Quality {
    let total_files = amplitude.len();
    let valid_files = total_files - z_outliers(amplitude, OUTLIER_THRESHOLD).len();
    let described = describe(amplitude);
    Quality {
        total_files,
        valid_files,
        quality_rate: if total_files == 0 { 0.0 } else { 100.0 * valid_files as f64 / total_files as f64 },
        mean_snr: describe(snr_db).mean,
        high_quality_count: snr_db.iter().filter(|&&snr| snr > HIGH_QUALITY_DB).count(),
        low_quality_count: snr_db.iter().filter(|&&snr| snr < LOW_QUALITY_DB).count(),
        consistency_percent: consistency(described.mean, described.std),
    }
}

fn consistency(mean: f64, std: f64) -> f64 {
    match (std.is_nan(), std == 0.0) {
        (true, _) => f64::NAN,
        (_, true) => 100.0,
        _ => 100.0 * (1.0 - std / mean.abs()).max(0.0),
    }
}
