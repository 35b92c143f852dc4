//! Grids of trial periods.

use crate::error::TransitError;

/// More periods than this are a mistake in the question, or a stray time in the light curve: they would take hours, and a gigabyte.
pub(crate) const MOST_PERIODS: f64 = 1e7;

/// What a grid that is even in frequency is made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AutoPeriod {
    /// Days; twice the longest duration without it.
    pub shortest: Option<f64>,
    /// Days; half of the span without it, so that three transits fit.
    pub longest: Option<f64>,
    /// How much coarser the grid is than the step that moves the last transit by the shortest duration.
    pub frequency_factor: f64,
}

impl Default for AutoPeriod {
    fn default() -> Self {
        Self { shortest: None, longest: None, frequency_factor: 1.0 }
    }
}

impl AutoPeriod {
    /// Trial periods in days, ascending, even in frequency, for a light curve of this span and boxes of these durations (both in
    /// days). The last one need not be the longest.
    ///
    /// The step is `frequency_factor` x shortest duration / span²: the grid of box least squares (Kovács, Zucker and Mazeh
    /// 2002) as astropy's `BoxLeastSquares.autoperiod` lays it out.
    ///
    /// # Errors
    /// There are no durations, a number is not above zero, or there would be more than ten million periods.
    pub fn periods(&self, span: f64, durations: &[f64]) -> Result<Vec<f64>, TransitError> {
        let shortest_duration = durations.iter().copied().reduce(f64::min).ok_or(TransitError::NoDurations)?;
        let longest_duration = durations.iter().copied().fold(shortest_duration, f64::max);
        let step = self.frequency_factor * shortest_duration / (span * span);
        let (first, last) = (self.shortest.unwrap_or(2.0 * longest_duration), self.longest.unwrap_or(span / 2.0));
        let (shortest, longest) = if last < first { (last, first) } else { (first, last) };
        for (what, value) in [("shortest period", shortest), ("longest period", longest), ("step in frequency", step)] {
            require_positive(what, value)?;
        }
        let (highest, lowest) = (1.0 / shortest, 1.0 / longest);
        let periods = 1.0 + ((highest - lowest) / step).round_ties_even();
        if periods > MOST_PERIODS {
            return Err(TransitError::GridTooFine { shortest, longest, periods });
        }
        Ok((0..periods as usize).map(|at| 1.0 / (highest - step * at as f64)).collect())
    }
}

/// `count` trial periods from `start` to `stop` in days, even in period: the one at `i` is start + i x ((stop - start) / (count - 1)).
///
/// # Errors
/// There are none, or one of them is not above zero.
///
/// ```
/// assert_eq!(transit_search::linear_periods(1.0, 2.0, 5)?, [1.0, 1.25, 1.5, 1.75, 2.0]);
/// # Ok::<(), transit_search::TransitError>(())
/// ```
pub fn linear_periods(start: f64, stop: f64, count: usize) -> Result<Vec<f64>, TransitError> {
    if count == 0 {
        return Err(TransitError::NoPeriods);
    }
    require_positive("first period", start)?;
    require_positive("last period", stop)?;
    let step = if count == 1 { 0.0 } else { (stop - start) / (count - 1) as f64 };
    Ok((0..count).map(|at| start + at as f64 * step).collect())
}

pub(crate) fn require_positive(what: &'static str, value: f64) -> Result<(), TransitError> {
    if value.is_finite() && value > 0.0 { Ok(()) } else { Err(TransitError::NotPositive { what, value }) }
}
