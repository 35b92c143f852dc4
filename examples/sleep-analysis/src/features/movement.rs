//! How much a wrist moved: the magnitude of acceleration and the spread of each axis.
//!
//! A row with NaN on any axis is dropped; fewer than two rows that remain give NaN throughout.

use serde::{Deserialize, Serialize};

use super::selection::{Selection, select};
use super::sums::{largest, mean_of, sample_variance};

/// A sample counts as activity this many standard deviations above the mean magnitude.
const ACTIVITY_THRESHOLD_STDS: f64 = 0.5;

/// One measure of movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MovementMetric {
    /// Mean of `sqrt(x^2 + y^2 + z^2)`, in the unit of the axes.
    MagnitudeMean,
    /// Standard deviation of the magnitude, n - 1 in the denominator.
    MagnitudeStd,
    /// Largest magnitude.
    MagnitudeMax,
    /// Samples whose magnitude lies more than half a standard deviation above the mean, a count.
    ActivityCount,
    /// The other samples, percent.
    StillnessRatio,
    /// Standard deviation of x, n - 1 in the denominator.
    XStd,
    /// Standard deviation of y, n - 1 in the denominator.
    YStd,
    /// Standard deviation of z, n - 1 in the denominator.
    ZStd,
}

impl MovementMetric {
    /// Every metric; this is also what is computed when nothing is requested.
    pub const ALL: [Self; 8] = [
        Self::MagnitudeMean,
        Self::MagnitudeStd,
        Self::MagnitudeMax,
        Self::ActivityCount,
        Self::StillnessRatio,
        Self::XStd,
        Self::YStd,
        Self::ZStd,
    ];

    /// The name in job files and column names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MagnitudeMean => "magnitude_mean",
            Self::MagnitudeStd => "magnitude_std",
            Self::MagnitudeMax => "magnitude_max",
            Self::ActivityCount => "activity_count",
            Self::StillnessRatio => "stillness_ratio",
            Self::XStd => "x_std",
            Self::YStd => "y_std",
            Self::ZStd => "z_std",
        }
    }

    /// Looks names up; `all` alone means every metric.
    ///
    /// ```
    /// # use sleep_analysis::features::MovementMetric;
    /// assert_eq!(MovementMetric::select(["all"]).known, MovementMetric::ALL);
    /// assert_eq!(MovementMetric::select(["x_std", "jerk"]).unknown, ["jerk"]);
    /// ```
    pub fn select(names: impl IntoIterator<Item = impl AsRef<str>>) -> Selection<Self> {
        let selection = select(&Self::ALL, Self::name, names);
        if selection.known.is_empty() && selection.unknown == ["all"] {
            return Selection { known: Self::ALL.to_vec(), unknown: Vec::new() };
        }
        selection
    }
}

/// All measures of movement of one stretch; see [`MovementMetric`] for each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Movement {
    /// Mean magnitude.
    pub magnitude_mean: f64,
    /// Standard deviation of the magnitude.
    pub magnitude_std: f64,
    /// Largest magnitude.
    pub magnitude_max: f64,
    /// Samples well above the mean magnitude.
    pub activity_count: f64,
    /// The other samples, percent.
    pub stillness_ratio: f64,
    /// Standard deviation of x.
    pub x_std: f64,
    /// Standard deviation of y.
    pub y_std: f64,
    /// Standard deviation of z.
    pub z_std: f64,
}

impl Movement {
    const NONE: Self = Self {
        magnitude_mean: f64::NAN,
        magnitude_std: f64::NAN,
        magnitude_max: f64::NAN,
        activity_count: f64::NAN,
        stillness_ratio: f64::NAN,
        x_std: f64::NAN,
        y_std: f64::NAN,
        z_std: f64::NAN,
    };

    /// One of them.
    #[must_use]
    pub fn get(&self, metric: MovementMetric) -> f64 {
        match metric {
            MovementMetric::MagnitudeMean => self.magnitude_mean,
            MovementMetric::MagnitudeStd => self.magnitude_std,
            MovementMetric::MagnitudeMax => self.magnitude_max,
            MovementMetric::ActivityCount => self.activity_count,
            MovementMetric::StillnessRatio => self.stillness_ratio,
            MovementMetric::XStd => self.x_std,
            MovementMetric::YStd => self.y_std,
            MovementMetric::ZStd => self.z_std,
        }
    }
}

/// The movement in three axes of one length.
///
/// # Panics
/// When the axes differ in length.
///
/// ```
/// # use sleep_analysis::features::movement;
/// let turn = movement(&[0.0; 4], &[0.0; 4], &[0.0, 0.0, 0.0, 8.0]);
/// assert_eq!((turn.magnitude_mean, turn.activity_count, turn.stillness_ratio), (2.0, 1.0, 75.0));
/// ```
#[must_use]
pub fn movement(x: &[f64], y: &[f64], z: &[f64]) -> Movement {
    assert!(x.len() == y.len() && y.len() == z.len(), "axes of {}, {} and {} samples", x.len(), y.len(), z.len());
    movement_with([x, y, z], &mut MovementScratch::default())
}

/// Buffers that are used again from epoch to epoch.
#[derive(Debug, Default)]
pub(crate) struct MovementScratch {
    magnitudes: Vec<f64>,
    axes: [Vec<f64>; 3],
}

/// As [`movement`], for axes known to be of one length.
pub(crate) fn movement_with(axes: [&[f64]; 3], scratch: &mut MovementScratch) -> Movement {
    let MovementScratch { magnitudes, axes: whole_rows } = scratch;
    if axes.iter().any(|axis| axis.iter().fold(false, |any, value| any | value.is_nan())) {
        keep_whole_rows(axes, whole_rows);
        let [x, y, z] = whole_rows;
        return movement_of_rows([x, y, z], magnitudes);
    }
    movement_of_rows(axes, magnitudes)
}

fn keep_whole_rows(axes: [&[f64]; 3], kept: &mut [Vec<f64>; 3]) {
    kept.iter_mut().for_each(Vec::clear);
    for ((&x, &y), &z) in axes[0].iter().zip(axes[1]).zip(axes[2]) {
        if !(x.is_nan() || y.is_nan() || z.is_nan()) {
            for (axis, value) in kept.iter_mut().zip([x, y, z]) {
                axis.push(value);
            }
        }
    }
}

fn movement_of_rows([x, y, z]: [&[f64]; 3], magnitudes: &mut Vec<f64>) -> Movement {
    let n_rows = x.len();
    if n_rows < 2 {
        return Movement::NONE;
    }
    magnitudes.clear();
    magnitudes.extend(x.iter().zip(y).zip(z).map(|((x, y), z)| (x * x + y * y + z * z).sqrt()));
    let magnitude_mean = mean_of(magnitudes);
    let magnitude_std = sample_variance(magnitudes, magnitude_mean).sqrt();
    let threshold = magnitude_mean + ACTIVITY_THRESHOLD_STDS * magnitude_std;
    let n_active = magnitudes.iter().map(|&magnitude| u64::from(magnitude > threshold)).sum::<u64>() as f64;
    let spread = |axis: &[f64]| sample_variance(axis, mean_of(axis)).sqrt();
    Movement {
        magnitude_mean,
        magnitude_std,
        magnitude_max: largest(magnitudes),
        activity_count: n_active,
        stillness_ratio: 100.0 * (n_rows as f64 - n_active) / n_rows as f64,
        x_std: spread(x),
        y_std: spread(y),
        z_std: spread(z),
    }
}
