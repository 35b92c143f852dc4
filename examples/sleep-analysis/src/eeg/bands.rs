//! Frequency bands of the sleep EEG, and the power within them by Simpson's rule.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{SleepError, SleepResult};

/// A frequency band; both ends belong to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// The name in column names, such as `Delta`.
    pub name: String,
    /// The lowest frequency, Hz.
    pub low_hz: f64,
    /// The highest frequency, Hz.
    pub high_hz: f64,
}

impl Band {
    /// A band from its name and ends.
    ///
    /// ```
    /// # use sleep_analysis::eeg::Band;
    /// assert_eq!(Band::new("Sigma", 12.0, 16.0), Band::sleep_bands()[3]);
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>, low_hz: f64, high_hz: f64) -> Self {
        Self { name: name.into(), low_hz, high_hz }
    }

    /// Delta 0.5-4, Theta 4-8, Alpha 8-12, Sigma 12-16, Beta 16-30 and Gamma 30-40 Hz.
    #[must_use]
    pub fn sleep_bands() -> Vec<Self> {
        [
            ("Delta", 0.5, 4.0),
            ("Theta", 4.0, 8.0),
            ("Alpha", 8.0, 12.0),
            ("Sigma", 12.0, 16.0),
            ("Beta", 16.0, 30.0),
            ("Gamma", 30.0, 40.0),
        ]
        .into_iter()
        .map(|(name, low_hz, high_hz)| Self::new(name, low_hz, high_hz))
        .collect()
    }

    /// The bins within the band, given how many there are and the frequency of each.
    ///
    /// # Errors
    /// [`SleepError::Config`] when fewer than two bins lie within it, for they have no integral.
    pub(crate) fn bins(&self, n_bins: usize, frequency_hz: impl Fn(usize) -> f64) -> SleepResult<Range<usize>> {
        let first = (0..n_bins).find(|&bin| frequency_hz(bin) >= self.low_hz).unwrap_or(n_bins);
        let end = (first..n_bins).find(|&bin| frequency_hz(bin) > self.high_hz).unwrap_or(n_bins);
        if end - first >= 2 {
            return Ok(first..end);
        }
        Err(SleepError::Config(format!(
            "band {} from {} to {} Hz holds {} of the spectrum's bins and needs 2; use a wider band, longer epochs or a higher sampling rate",
            self.name,
            self.low_hz,
            self.high_hz,
            end - first
        )))
    }
}

/// The integral of evenly spaced values by Simpson's rule; an even count ends with a parabola over its last interval,
/// two values make a trapezoid, one value or none has no area.
///
/// Source of the last interval's weights: the parabola through the last three points (Cartwright, "Simpson's rule
/// cumulative integration with MS Excel and irregularly-spaced data", J. Math. Sci. Math. Educ. 12, 2017).
///
/// ```
/// # use sleep_analysis::eeg::simpson;
/// assert_eq!(simpson(&[0.0, 1.0, 4.0], 1.0), 8.0 / 3.0); // x^2 from 0 to 2
/// ```
#[must_use]
pub fn simpson(values: &[f64], spacing: f64) -> f64 {
    match values {
        [] | [_] => 0.0,
        [a, b] => spacing * 0.5 * (a + b),
        [body @ .., last] if values.len().is_multiple_of(2) => {
            let [.., third_last, second_last] = body else { unreachable!("an even count above two") };
            let last_interval = 5.0 / 12.0 * last + 8.0 / 12.0 * second_last - 1.0 / 12.0 * third_last;
            simpson_odd(body, spacing) + spacing * last_interval
        }
        _ => simpson_odd(values, spacing),
    }
}

/// Simpson's rule for an odd count of at least three: each pair of intervals weighs its points 1, 4, 1.
fn simpson_odd(values: &[f64], spacing: f64) -> f64 {
    let (mut odd, mut even) = (0.0, 0.0);
    let inner = &values[1..values.len() - 1];
    for pair in inner.chunks(2) {
        odd += pair[0];
        even += pair.get(1).copied().unwrap_or(0.0);
    }
    spacing / 3.0 * (values[0] + 4.0 * odd + 2.0 * even + values[values.len() - 1])
}
