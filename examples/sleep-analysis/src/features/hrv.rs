//! Heart rate variability in the time domain, from the intervals between beats or, roughly, from heart rate.
//!
//! Definitions follow the Task Force of the ESC and NASPE, "Heart rate variability: standards of measurement",
//! Circulation 93 (1996). NaN samples are dropped first; fewer than two that remain give NaN throughout.

use serde::{Deserialize, Serialize};

use super::selection::{Selection, select};
use super::sums::{keep_numbers, largest, mean_of, sample_variance, smallest, squares_about, sum_of};

/// Differences above this many milliseconds count for pNN50.
const PNN50_LIMIT_MS: f64 = 50.0;

/// What the heart's variability is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum HrvSource {
    /// The column `rr_interval`: milliseconds between beats.
    RrIntervals,
    /// The column `hr`: heart rate in beats per minute.
    #[default]
    HeartRate,
}

impl HrvSource {
    /// The column that is read.
    #[must_use]
    pub fn column(self) -> &'static str {
        match self {
            Self::RrIntervals => "rr_interval",
            Self::HeartRate => "hr",
        }
    }

    /// Every metric that this source can give.
    #[must_use]
    pub fn all_metrics(self) -> &'static [HrvMetric] {
        use HrvMetric::*;
        match self {
            Self::RrIntervals => &[RrMean, RrStd, Sdnn, Rmssd, Sdsd, Pnn50],
            Self::HeartRate => &[HrMean, HrStd, HrCv, HrRange],
        }
    }

    /// What is computed when nothing is requested: SDNN, RMSSD and pNN50 from intervals, all four from heart rate.
    #[must_use]
    pub fn default_metrics(self) -> &'static [HrvMetric] {
        use HrvMetric::*;
        match self {
            Self::RrIntervals => &[Sdnn, Rmssd, Pnn50],
            Self::HeartRate => self.all_metrics(),
        }
    }

    /// Looks names up among the metrics that this source can give; `all` alone means each of them.
    ///
    /// ```
    /// # use sleep_analysis::features::HrvSource;
    /// assert_eq!(HrvSource::RrIntervals.select(["all"]).known.len(), 6);
    /// assert_eq!(HrvSource::HeartRate.select(["hr_cv", "rmssd"]).unknown, ["rmssd"]);
    /// ```
    pub fn select(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Selection<HrvMetric> {
        let selection = select(self.all_metrics(), HrvMetric::name, names);
        if selection.known.is_empty() && selection.unknown == ["all"] {
            return Selection { known: self.all_metrics().to_vec(), unknown: Vec::new() };
        }
        selection
    }
}

/// One measure of heart rate variability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HrvMetric {
    /// Mean interval, ms.
    RrMean,
    /// Standard deviation of the intervals, ms; the same as SDNN.
    RrStd,
    /// Standard deviation of the intervals, n - 1 in the denominator, ms.
    Sdnn,
    /// Root mean square of successive differences, ms.
    Rmssd,
    /// Standard deviation of successive differences, n in the denominator, ms.
    Sdsd,
    /// Successive differences of more than 50 ms, percent.
    Pnn50,
    /// Mean heart rate, bpm.
    HrMean,
    /// Standard deviation of heart rate, n - 1 in the denominator, bpm.
    HrStd,
    /// Standard deviation over mean, percent; NaN when the mean is not above zero.
    HrCv,
    /// Largest minus smallest heart rate, bpm.
    HrRange,
}

impl HrvMetric {
    /// The name in job files and column names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RrMean => "rr_mean",
            Self::RrStd => "rr_std",
            Self::Sdnn => "sdnn",
            Self::Rmssd => "rmssd",
            Self::Sdsd => "sdsd",
            Self::Pnn50 => "pnn50",
            Self::HrMean => "hr_mean",
            Self::HrStd => "hr_std",
            Self::HrCv => "hr_cv",
            Self::HrRange => "hr_range",
        }
    }
}

/// Variability from the intervals between beats; see [`HrvMetric`] for each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RrVariability {
    /// Mean interval, ms.
    pub rr_mean: f64,
    /// Standard deviation of the intervals, ms.
    pub sdnn: f64,
    /// Root mean square of successive differences, ms.
    pub rmssd: f64,
    /// Standard deviation of successive differences, ms.
    pub sdsd: f64,
    /// Successive differences of more than 50 ms, percent.
    pub pnn50: f64,
}

/// Variability from heart rate; see [`HrvMetric`] for each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HrVariability {
    /// Mean heart rate, bpm.
    pub hr_mean: f64,
    /// Standard deviation, bpm.
    pub hr_std: f64,
    /// Standard deviation over mean, percent.
    pub hr_cv: f64,
    /// Largest minus smallest, bpm.
    pub hr_range: f64,
}

/// Variability of intervals in milliseconds, in time order; differences bridge what was dropped.
///
/// ```
/// # use sleep_analysis::features::hrv_from_rr;
/// let beats = hrv_from_rr(&[850.0, 900.0, f64::NAN, 851.0]);
/// assert_eq!((beats.rr_mean, beats.sdsd, beats.pnn50), (867.0, 49.5, 0.0)); // exactly 50 ms does not count
/// ```
#[must_use]
pub fn hrv_from_rr(intervals_ms: &[f64]) -> RrVariability {
    rr_variability(intervals_ms, &mut HrvScratch::default())
}

/// Variability of heart rates in beats per minute.
///
/// ```
/// # use sleep_analysis::features::hrv_from_heart_rate;
/// let hr = hrv_from_heart_rate(&[59.0, 60.0, 61.0]);
/// assert_eq!((hr.hr_mean, hr.hr_std, hr.hr_range), (60.0, 1.0, 2.0));
/// ```
#[must_use]
pub fn hrv_from_heart_rate(rates_bpm: &[f64]) -> HrVariability {
    hr_variability(rates_bpm, &mut HrvScratch::default())
}

/// Buffers that are used again from epoch to epoch.
#[derive(Debug, Default)]
pub(crate) struct HrvScratch {
    numbers: Vec<f64>,
    differences: Vec<f64>,
}

/// A function from metric to value for the samples of one epoch.
pub(crate) fn hrv_metric(
    source: HrvSource,
    samples: &[f64],
    scratch: &mut HrvScratch,
) -> impl Fn(HrvMetric) -> f64 + use<> {
    let nothing = f64::NAN;
    let mut rr = RrVariability { rr_mean: nothing, sdnn: nothing, rmssd: nothing, sdsd: nothing, pnn50: nothing };
    let mut hr = HrVariability { hr_mean: nothing, hr_std: nothing, hr_cv: nothing, hr_range: nothing };
    match source {
        HrvSource::RrIntervals => rr = rr_variability(samples, scratch),
        HrvSource::HeartRate => hr = hr_variability(samples, scratch),
    }
    move |metric| match metric {
        HrvMetric::RrMean => rr.rr_mean,
        HrvMetric::RrStd | HrvMetric::Sdnn => rr.sdnn,
        HrvMetric::Rmssd => rr.rmssd,
        HrvMetric::Sdsd => rr.sdsd,
        HrvMetric::Pnn50 => rr.pnn50,
        HrvMetric::HrMean => hr.hr_mean,
        HrvMetric::HrStd => hr.hr_std,
        HrvMetric::HrCv => hr.hr_cv,
        HrvMetric::HrRange => hr.hr_range,
    }
}

fn rr_variability(intervals_ms: &[f64], scratch: &mut HrvScratch) -> RrVariability {
    let HrvScratch { numbers, differences } = scratch;
    keep_numbers(intervals_ms, numbers);
    let none = f64::NAN;
    if numbers.len() < 2 {
        return RrVariability { rr_mean: none, sdnn: none, rmssd: none, sdsd: none, pnn50: none };
    }
    differences.clear();
    differences.extend(numbers.windows(2).map(|pair| pair[1] - pair[0]));
    let n_differences = differences.len() as f64;
    let rr_mean = mean_of(numbers);
    let large = differences.iter().filter(|difference| difference.abs() > PNN50_LIMIT_MS).count();
    RrVariability {
        rr_mean,
        sdnn: sample_variance(numbers, rr_mean).sqrt(),
        rmssd: (sum_of(differences, |difference| difference * difference) / n_differences).sqrt(),
        sdsd: (squares_about(differences, mean_of(differences)) / n_differences).sqrt(),
        pnn50: 100.0 * large as f64 / n_differences,
    }
}

fn hr_variability(rates_bpm: &[f64], scratch: &mut HrvScratch) -> HrVariability {
    let numbers = &mut scratch.numbers;
    keep_numbers(rates_bpm, numbers);
    let none = f64::NAN;
    if numbers.len() < 2 {
        return HrVariability { hr_mean: none, hr_std: none, hr_cv: none, hr_range: none };
    }
    let hr_mean = mean_of(numbers);
    let hr_std = sample_variance(numbers, hr_mean).sqrt();
    let hr_cv = if hr_mean > 0.0 { 100.0 * hr_std / hr_mean } else { f64::NAN };
    HrVariability { hr_mean, hr_std, hr_cv, hr_range: largest(numbers) - smallest(numbers) }
}
