//! The epoch grid, and which samples belong to which epoch.
//!
//! A grid is arithmetic: a start, a step and a count, all exact integers. It promises that every epoch start lies
//! strictly before the end it was made for. What is computed in an epoch is left to [`features`](crate::features).

use std::ops::Range;

use consumer_support::input::Budget;
use serde::{Deserialize, Serialize};

use crate::{Signal, SleepError, SleepResult};

/// More epochs than this are taken for a mistake (a step in the wrong unit) before they fill the memory.
const MOST_EPOCHS: i128 = 100_000_000;

/// How an epoch grid is to be laid over the signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EpochGridSettings {
    /// The length of each epoch, nanoseconds; above zero.
    pub window_ns: i64,
    /// The distance between epoch starts, nanoseconds; above zero. Less than the window makes epochs overlap.
    pub step_ns: i64,
    /// The first epoch's start, nanoseconds since 1970-01-01 UTC; without it, the earliest sample.
    pub start_ns: Option<i64>,
    /// The end that all epoch starts lie before, nanoseconds since 1970-01-01 UTC; without it, the latest sample.
    pub end_ns: Option<i64>,
}

impl EpochGridSettings {
    /// Epochs that follow each other without overlap, over all of the data.
    ///
    /// ```
    /// # use sleep_analysis::EpochGridSettings;
    /// assert_eq!(EpochGridSettings::adjoining(30_000_000_000).step_ns, 30_000_000_000);
    /// ```
    #[must_use]
    pub fn adjoining(window_ns: i64) -> Self {
        Self { window_ns, step_ns: window_ns, start_ns: None, end_ns: None }
    }
}

/// Epochs at a fixed step: epoch `k` starts at `start + k * step`.
///
/// ```
/// # use sleep_analysis::{EpochGrid, EpochGridSettings};
/// let second = 1_000_000_000;
/// let grid = EpochGrid::over_spans([(0, 70 * second)], EpochGridSettings::adjoining(30 * second))?;
/// assert_eq!(grid.starts_ns().collect::<Vec<_>>(), [0, 30 * second, 60 * second]); // the last reaches beyond the data
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "EpochGridParts")]
pub struct EpochGrid {
    start_ns: i64,
    step_ns: i64,
    window_ns: i64,
    n_epochs: usize,
}

impl EpochGrid {
    /// Lays a grid from the earliest to the latest sample of all signals, or between the bounds that the settings give.
    ///
    /// # Errors
    /// As [`EpochGrid::over_spans`]; a signal without samples has no span. [`SleepError::GridOverBudget`] for more than 250 000 epochs and
    /// more than the longest signal has samples: one stray time, such as that of a clock that is not set yet, makes millions of them.
    pub fn over_signals(signals: &[Signal], settings: EpochGridSettings) -> SleepResult<Self> {
        let grid = Self::over_spans(signals.iter().filter_map(span_ns), settings)?;
        let n_samples = signals.iter().map(Signal::len).max().unwrap_or(0);
        grid.require_budget(n_samples)?;
        Ok(grid)
    }

    /// Checks that the epochs are not far more than this many samples justify.
    ///
    /// # Errors
    /// [`SleepError::GridOverBudget`] for more than 250 000 epochs and more than there are samples.
    pub fn require_budget(&self, n_samples: usize) -> SleepResult<()> {
        let checked = Budget::STANDARD.require_epochs(self.n_epochs as u64, n_samples as u64);
        checked.map_err(|over| SleepError::GridOverBudget {
            first_ns: self.start_ns,
            last_ns: self.start_ns(self.n_epochs - 1),
            over,
        })
    }

    /// Lays a grid over spans, each the first and the last timestamp of one signal.
    ///
    /// # Errors
    /// [`SleepError::Config`] when window or step are not above zero, there is no span, or the grid would have more
    /// than 100 million epochs; [`SleepError::Range`] when the start is not before the end.
    pub fn over_spans(spans: impl IntoIterator<Item = (i64, i64)>, settings: EpochGridSettings) -> SleepResult<Self> {
        check_length("window", settings.window_ns)?;
        check_length("step", settings.step_ns)?;
        let whole = spans.into_iter().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let (earliest, latest) =
            whole.ok_or_else(|| SleepError::Config("no signal has a sample; give one that has".into()))?;
        Self::between(settings.start_ns.unwrap_or(earliest), settings.end_ns.unwrap_or(latest), settings)
    }

    /// The number of epochs, at least one.
    #[must_use]
    pub fn n_epochs(&self) -> usize {
        self.n_epochs
    }

    /// The length of each epoch, nanoseconds.
    #[must_use]
    pub fn window_ns(&self) -> i64 {
        self.window_ns
    }

    /// The distance between epoch starts, nanoseconds.
    #[must_use]
    pub fn step_ns(&self) -> i64 {
        self.step_ns
    }

    /// The start of one epoch, nanoseconds since 1970-01-01 UTC.
    ///
    /// # Panics
    /// When the grid has no such epoch.
    #[must_use]
    pub fn start_ns(&self, epoch_idx: usize) -> i64 {
        assert!(epoch_idx < self.n_epochs, "epoch {epoch_idx} of a grid of {} epochs", self.n_epochs);
        self.start_ns + epoch_idx as i64 * self.step_ns
    }

    /// All epoch starts in order.
    pub fn starts_ns(&self) -> impl ExactSizeIterator<Item = i64> + use<> {
        let Self { start_ns, step_ns, n_epochs, .. } = *self;
        (0..n_epochs).map(move |epoch_idx| start_ns + epoch_idx as i64 * step_ns)
    }

    fn between(start_ns: i64, end_ns: i64, settings: EpochGridSettings) -> SleepResult<Self> {
        let span = i128::from(end_ns) - i128::from(start_ns);
        if span <= 0 {
            return Err(SleepError::Range(format!(
                "the grid would start at {start_ns} ns and end at {end_ns} ns; the start must lie before the end"
            )));
        }
        let step = i128::from(settings.step_ns);
        let n_epochs = (span + step - 1) / step;
        if n_epochs > MOST_EPOCHS {
            return Err(SleepError::Config(format!(
                "a step of {step} ns gives {n_epochs} epochs; use a longer step, for at most {MOST_EPOCHS}"
            )));
        }
        Ok(Self { start_ns, step_ns: settings.step_ns, window_ns: settings.window_ns, n_epochs: n_epochs as usize })
    }
}

/// The earliest and the latest timestamp, in any order.
fn span_ns(signal: &Signal) -> Option<(i64, i64)> {
    let timestamps = signal.timestamps_ns();
    Some((*timestamps.iter().min()?, *timestamps.iter().max()?))
}

pub(crate) fn check_length(what: &str, length_ns: i64) -> SleepResult<()> {
    if length_ns > 0 {
        return Ok(());
    }
    Err(SleepError::Config(format!("a {what} of {length_ns} ns; give one above zero, such as 30s")))
}

/// A grid as it travels; it becomes a grid only through the checks.
#[derive(Deserialize)]
struct EpochGridParts {
    start_ns: i64,
    step_ns: i64,
    window_ns: i64,
    n_epochs: usize,
}

impl TryFrom<EpochGridParts> for EpochGrid {
    type Error = SleepError;

    fn try_from(parts: EpochGridParts) -> SleepResult<Self> {
        let EpochGridParts { start_ns, step_ns, window_ns, n_epochs } = parts;
        check_length("window", window_ns)?;
        check_length("step", step_ns)?;
        let last_start = i128::from(start_ns) + (n_epochs as i128 - 1) * i128::from(step_ns);
        if n_epochs == 0 || n_epochs as i128 > MOST_EPOCHS || last_start >= i128::from(i64::MAX) {
            return Err(SleepError::Config(format!(
                "{n_epochs} epochs of step {step_ns} ns from {start_ns} ns; give fewer"
            )));
        }
        Ok(Self { start_ns, step_ns, window_ns, n_epochs })
    }
}

/// Finds the samples of one epoch after the other, each from where the one before was found.
///
/// For bounds that never go back the cost per epoch grows with the logarithm of the step in samples, not of the signal.
#[derive(Debug)]
pub(crate) struct EpochSlices<'a> {
    timestamps_ns: &'a [i64],
    low: usize,
    high: usize,
}

impl<'a> EpochSlices<'a> {
    /// Over timestamps that are sorted.
    pub(crate) fn new(timestamps_ns: &'a [i64]) -> Self {
        Self { timestamps_ns, low: 0, high: 0 }
    }

    /// The samples with `first_ns <= t <= last_ns`: both bounds belong to the epoch.
    pub(crate) fn closed(&mut self, first_ns: i64, last_ns: i64) -> Range<usize> {
        self.low = first_from(self.timestamps_ns, self.low, |t| t >= first_ns);
        self.high = first_from(self.timestamps_ns, self.high, |t| t > last_ns);
        self.low..self.high
    }

    /// The samples with `first_ns <= t < end_ns`.
    pub(crate) fn half_open(&mut self, first_ns: i64, end_ns: i64) -> Range<usize> {
        self.closed(first_ns, end_ns.saturating_sub(1))
    }
}

/// The first index at or after `from` whose timestamp passes: steps that double, then a search between the last two.
fn first_from(timestamps: &[i64], from: usize, passes: impl Fn(i64) -> bool) -> usize {
    let mut below = from;
    let mut step = 1;
    while below + step <= timestamps.len() && !passes(timestamps[below + step - 1]) {
        below += step;
        step *= 2;
    }
    let above = (below + step - 1).min(timestamps.len());
    below + timestamps[below..above].partition_point(|&t| !passes(t))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bound_belongs_to_both_neighbours() {
        let timestamps: Vec<i64> = (0..=90).collect();
        let mut slices = EpochSlices::new(&timestamps);
        assert_eq!(slices.closed(0, 30), 0..31);
        assert_eq!(slices.closed(30, 60), 30..61);
        assert_eq!(slices.closed(90, 120), 90..91);
        assert_eq!(slices.closed(91, 120), 91..91);
    }

    #[test]
    fn a_step_in_the_wrong_unit_is_refused_before_it_fills_the_memory() {
        let settings = EpochGridSettings { step_ns: 1, ..EpochGridSettings::adjoining(30_000_000_000) };
        assert!(matches!(EpochGrid::over_spans([(i64::MIN, i64::MAX)], settings), Err(SleepError::Config(_))));
    }

    #[test]
    fn one_stray_time_is_refused_and_a_long_recording_is_not() {
        let second = 1_000_000_000;
        let night = 1_710_108_840 * second;
        let signal = |times: Vec<i64>| Signal::new("hr", times, Vec::new()).unwrap();
        let stray = signal([0].into_iter().chain((0..60).map(|idx| night + idx * second)).collect());
        let error = EpochGrid::over_signals(&[stray], EpochGridSettings::adjoining(30 * second)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a grid from 1970-01-01T00:00:00Z to 2024-03-10T22:14:30Z: 57003630 epochs for 61 samples where at most 250000 \
             are read; check for stray timestamps, or ask for longer steps or a start and an end"
        );
        let long = signal((0..300_000).map(|idx| night + idx * second).collect());
        assert!(EpochGrid::over_signals(&[long], EpochGridSettings::adjoining(second)).is_ok());
    }

    proptest! {
        #[test]
        fn slices_are_what_a_look_at_every_timestamp_gives(
            mut timestamps in prop::collection::vec(-50_i64..200, 0..80),
            starts in prop::collection::vec(0_i64..40, 1..20),
            window in 0_i64..60,
        ) {
            timestamps.sort_unstable();
            let mut closed = EpochSlices::new(&timestamps);
            let mut half_open = EpochSlices::new(&timestamps);
            let mut start = -60;
            for ahead in starts {
                start += ahead;
                let inside = |t: &&i64| **t >= start && **t <= start + window;
                let found: Vec<&i64> = timestamps[closed.closed(start, start + window)].iter().collect();
                prop_assert_eq!(found, timestamps.iter().filter(inside).collect::<Vec<_>>());
                let inside = |t: &&i64| **t >= start && **t < start + window;
                let found: Vec<&i64> = timestamps[half_open.half_open(start, start + window)].iter().collect();
                prop_assert_eq!(found, timestamps.iter().filter(inside).collect::<Vec<_>>());
            }
        }
    }
}
