//! Sampling rates: what a signal's timestamps say, and which standard rate a set of signals is brought to.
//!
//! Time differences are exact integers; only the rates themselves are floats. The grid that a rate leads to is `grid.rs`.

use crate::{SleepError, SleepResult};

/// The rates an automatic choice picks from, in Hz, ascending.
pub const STANDARD_RATES_HZ: [f64; 17] =
    [0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 50.0, 100.0, 125.0, 200.0, 250.0, 500.0, 1000.0];

/// The rate, in Hz, of a set of signals of which none is regular.
pub const RATE_WITHOUT_REGULAR_SIGNALS_HZ: f64 = 100.0;

const NS_PER_SECOND: f64 = 1e9;

/// The largest spread of the time differences of a regular signal: standard deviation over median.
const LARGEST_REGULAR_SPREAD: f64 = 0.1;

/// When a signal starts and ends, and how regularly it was sampled: all that a grid needs to know of it.
///
/// ```
/// use sleep_analysis::SignalTiming;
///
/// let timing = SignalTiming::from_timestamps(&[0, 20_000_000, 40_000_000]).unwrap();
/// assert_eq!(timing.rate_hz, Some(50.0));
/// assert_eq!(timing, SignalTiming::regular(0, 40_000_000, 3).unwrap());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SignalTiming {
    /// The earliest timestamp, nanoseconds since 1970-01-01 UTC.
    pub earliest_ns: i64,
    /// The latest timestamp, nanoseconds since 1970-01-01 UTC.
    pub latest_ns: i64,
    /// The sampling rate in Hz; none for an irregular signal and for fewer than two samples.
    pub rate_hz: Option<f64>,
}

impl SignalTiming {
    /// The timing of listed timestamps, in any order; none when there are none.
    ///
    /// Costs a pass and a copy of the timestamps, for the median.
    #[must_use]
    pub fn from_timestamps(timestamps_ns: &[i64]) -> Option<Self> {
        let earliest_ns = *timestamps_ns.iter().min()?;
        let latest_ns = *timestamps_ns.iter().max()?;
        Some(Self { earliest_ns, latest_ns, rate_hz: detected_rate_hz(timestamps_ns) })
    }

    /// The timing of `n_samples` evenly spaced samples from `first_ns` to `last_ns`; a lone sample has no rate.
    ///
    /// # Errors
    /// [`SleepError::Config`] without samples, when the last one lies before the first, and for a lone one that has two times.
    pub fn regular(first_ns: i64, last_ns: i64, n_samples: usize) -> SleepResult<Self> {
        let is_possible = match n_samples {
            0 => false,
            1 => first_ns == last_ns,
            _ => first_ns <= last_ns,
        };
        if !is_possible {
            return Err(SleepError::Config(format!(
                "{n_samples} regular samples from {first_ns} to {last_ns} ns cannot be; give first, last and count of one signal"
            )));
        }
        let span_ns = (i128::from(last_ns) - i128::from(first_ns)) as f64;
        let rate_hz = (span_ns > 0.0).then(|| NS_PER_SECOND / (span_ns / (n_samples - 1) as f64));
        Ok(Self { earliest_ns: first_ns, latest_ns: last_ns, rate_hz })
    }
}

/// The sampling rate in Hz that timestamps show: one over the median of their differences.
///
/// None below two samples, when the median is not positive, and for an irregular signal, whose differences have a standard
/// deviation (n - 1) of more than a tenth of their median.
///
/// ```
/// use sleep_analysis::detected_rate_hz;
///
/// assert_eq!(detected_rate_hz(&[0, 1_000_000_000, 2_000_000_000]), Some(1.0));
/// assert_eq!(detected_rate_hz(&[0, 1_400_000_000, 2_000_000_000]), None);
/// ```
#[must_use]
pub fn detected_rate_hz(timestamps_ns: &[i64]) -> Option<f64> {
    // Differences beyond 292 years saturate; such a signal is irregular either way.
    let mut differences: Vec<i64> = timestamps_ns.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let median_ns = median(&mut differences)?;
    let is_regular = differences.len() == 1 || spread(&differences) <= LARGEST_REGULAR_SPREAD * median_ns;
    (median_ns > 0.0 && is_regular).then(|| NS_PER_SECOND / median_ns)
}

/// The median; reorders its input. None of nothing.
fn median(values: &mut [i64]) -> Option<f64> {
    let middle = values.len() / 2;
    let is_odd = values.len() % 2 == 1;
    if values.is_empty() {
        return None;
    }
    let (below, &mut upper, _) = values.select_nth_unstable(middle);
    if is_odd {
        return Some(upper as f64);
    }
    let lower = *below.iter().max()?;
    Some((i128::from(lower) + i128::from(upper)) as f64 / 2.0)
}

/// The standard deviation with n - 1 in the divisor, in two passes.
fn spread(values: &[i64]) -> f64 {
    let sum: i128 = values.iter().map(|&value| i128::from(value)).sum();
    let mean = sum as f64 / values.len() as f64;
    let squares: f64 = values.iter().map(|&value| (value as f64 - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// The rate in Hz that a set of signals is brought to: the one requested, or else an automatic choice.
///
/// The automatic choice is the largest standard rate that the fastest regular signal reaches, the lowest standard rate when
/// it reaches none, and 100 Hz when no signal is regular.
///
/// # Errors
/// [`SleepError::Config`] when the rate requested is not a positive number of at most 1e9 Hz (one point per nanosecond).
///
/// ```
/// use sleep_analysis::{SignalTiming, target_rate_hz};
///
/// let eeg = SignalTiming::regular(0, 3_906_250 * 299, 300)?;
/// assert_eq!(eeg.rate_hz, Some(256.0));
/// assert_eq!(target_rate_hz(&[eeg], None)?, 250.0);
/// assert_eq!(target_rate_hz(&[eeg], Some(3.0))?, 3.0);
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn target_rate_hz(timings: &[SignalTiming], asked_hz: Option<f64>) -> SleepResult<f64> {
    match asked_hz {
        Some(rate_hz) => period_ns(rate_hz).map(|_| rate_hz),
        None => Ok(standard_rate_hz(timings)),
    }
}

fn standard_rate_hz(timings: &[SignalTiming]) -> f64 {
    let Some(fastest) = timings.iter().filter_map(|timing| timing.rate_hz).reduce(f64::max) else {
        return RATE_WITHOUT_REGULAR_SIGNALS_HZ;
    };
    let reached = STANDARD_RATES_HZ.iter().rev().find(|&&standard| standard <= fastest);
    *reached.unwrap_or(&STANDARD_RATES_HZ[0])
}

/// Whole nanoseconds between two points at this rate, the fraction cut off.
pub(super) fn period_ns(rate_hz: f64) -> SleepResult<i64> {
    let period = (NS_PER_SECOND / rate_hz).trunc();
    let is_usable = rate_hz.is_finite() && period >= 1.0 && period < i64::MAX as f64;
    if !is_usable {
        return Err(SleepError::Config(format!(
            "{rate_hz} Hz asked for; give a rate above 0 and up to 1e9 Hz, or none to choose it from the signals"
        )));
    }
    Ok(period as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_difference_is_a_rate_of_its_own() {
        assert_eq!(detected_rate_hz(&[0, 500_000_000]), Some(2.0));
    }

    #[test]
    fn samples_without_progress_have_no_rate() {
        assert_eq!(detected_rate_hz(&[]), None);
        assert_eq!(detected_rate_hz(&[7]), None);
        assert_eq!(detected_rate_hz(&[7, 7, 7]), None);
        assert_eq!(detected_rate_hz(&[30, 20, 10]), None);
    }

    #[test]
    fn a_spread_of_exactly_a_tenth_is_still_regular() {
        // Differences 9, 10 and 11: median 10, standard deviation 1.
        assert_eq!(detected_rate_hz(&[0, 9, 19, 30]), Some(1e8));
        assert_eq!(detected_rate_hz(&[0, 9, 19, 31]), None);
    }

    #[test]
    fn the_median_of_an_even_count_lies_between_the_middle_two() {
        assert_eq!(median(&mut [4, 1, 3, 100]), Some(3.5));
        assert_eq!(median(&mut [i64::MAX, i64::MAX]), Some(i64::MAX as f64));
    }

    #[test]
    fn every_standard_rate_chooses_itself_and_a_slightly_slower_signal_the_next_lower() {
        for (idx, &rate_hz) in STANDARD_RATES_HZ.iter().enumerate() {
            let timing = |rate_hz| SignalTiming { earliest_ns: 0, latest_ns: 1, rate_hz: Some(rate_hz) };
            assert_eq!(standard_rate_hz(&[timing(rate_hz)]), rate_hz);
            assert_eq!(standard_rate_hz(&[timing(rate_hz * 0.999)]), STANDARD_RATES_HZ[idx.saturating_sub(1)]);
        }
    }

    #[test]
    fn a_rate_that_leads_to_no_period_is_refused() {
        for rate_hz in [0.0, -1.0, f64::NAN, f64::INFINITY, 2e9, 1e-12] {
            assert!(target_rate_hz(&[], Some(rate_hz)).is_err(), "{rate_hz} Hz");
        }
        assert_eq!(period_ns(1e9), Ok(1));
        assert_eq!(period_ns(3.0), Ok(333_333_333));
    }
}
