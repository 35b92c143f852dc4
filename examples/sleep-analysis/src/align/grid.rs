//! The alignment grid: evenly spaced points in time that every signal is brought to.
//!
//! All arithmetic is exact, in integer nanoseconds. A grid that exists has at least one point, and every point is an `i64`.
//! How samples get onto the points is `nearest.rs`, `fill.rs` and `asof.rs`.

use super::rate::period_ns;
use crate::{SignalTiming, SleepError, SleepResult};

/// Evenly spaced points in time, first to last; three integers, however long.
///
/// ```
/// use sleep_analysis::{AlignmentGrid, SignalTiming};
///
/// let timing = SignalTiming::regular(7_000_000, 1_007_000_000, 101)?;
/// let grid = AlignmentGrid::covering(&[timing], 100.0)?;
/// assert_eq!((grid.reference_ns(), grid.period_ns(), grid.count()), (0, 10_000_000, 101));
/// assert_eq!(grid.last_ns(), 1_000_000_000);
/// assert_eq!(grid.nearest_idx(15_000_000), 2); // A tie goes to the later point.
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "GridParts")]
pub struct AlignmentGrid {
    reference_ns: i64,
    period_ns: i64,
    count: usize,
}

/// What a grid looks like before it is checked.
#[derive(serde::Deserialize)]
struct GridParts {
    reference_ns: i64,
    period_ns: i64,
    count: usize,
}

impl TryFrom<GridParts> for AlignmentGrid {
    type Error = SleepError;

    fn try_from(parts: GridParts) -> SleepResult<Self> {
        Self::new(parts.reference_ns, parts.period_ns, parts.count)
    }
}

impl AlignmentGrid {
    /// The grid `reference_ns + i * period_ns` for `i` in `0..count`.
    ///
    /// # Errors
    /// [`SleepError::Config`] for no points, a period that is not positive, and a last point beyond the year 2262.
    pub fn new(reference_ns: i64, period_ns: i64, count: usize) -> SleepResult<Self> {
        let last_ns = i128::from(reference_ns) + i128::from(period_ns) * (count as i128 - 1);
        if count == 0 || period_ns <= 0 || i64::try_from(last_ns).is_err() {
            return Err(SleepError::Config(format!(
                "a grid of {count} points from {reference_ns} ns, {period_ns} ns apart, cannot be; \
                 give 1 or more points, a positive period and an end before the year 2262"
            )));
        }
        Ok(Self { reference_ns, period_ns, count })
    }

    /// The grid at `rate_hz` over signals from the earliest to the latest of their timestamps.
    ///
    /// The period is `trunc(1e9 / rate)`; the first point is the multiple of the period since 1970 at or before the earliest
    /// sample; then follow `ceil((latest - earliest) / period)` more. As the first point may lie before the earliest sample,
    /// the last one may lie up to a period before the latest.
    ///
    /// # Errors
    /// [`SleepError::Config`] when there are no signals, when the rate is not a positive number of at most 1e9 Hz, and when
    /// the grid would leave the range of 64-bit nanoseconds.
    pub fn covering(timings: &[SignalTiming], rate_hz: f64) -> SleepResult<Self> {
        let period = i128::from(period_ns(rate_hz)?);
        let earliest = timings.iter().map(|timing| timing.earliest_ns).min();
        let latest = timings.iter().map(|timing| timing.latest_ns).max();
        let (Some(earliest), Some(latest)) = (earliest, latest) else {
            return Err(SleepError::Config("no signal with samples; give at least one to span a grid".to_owned()));
        };
        let (earliest, latest) = (i128::from(earliest), i128::from(latest));
        let reference = earliest.div_euclid(period) * period;
        let n_steps = (latest - earliest + period - 1).div_euclid(period);
        let parts = (i64::try_from(reference), i64::try_from(period), usize::try_from(n_steps + 1));
        match parts {
            (Ok(reference_ns), Ok(period_ns), Ok(count)) => Self::new(reference_ns, period_ns, count),
            _ => Err(SleepError::Config(format!(
                "a grid at {rate_hz} Hz from {earliest} to {latest} ns leaves the range of 64-bit nanoseconds; \
                 check the timestamps, or ask for another rate"
            ))),
        }
    }

    /// The first point, nanoseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn reference_ns(&self) -> i64 {
        self.reference_ns
    }

    /// The distance of two neighbours in nanoseconds, at least 1.
    #[must_use]
    pub fn period_ns(&self) -> i64 {
        self.period_ns
    }

    /// The number of points, at least 1.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The last point, nanoseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn last_ns(&self) -> i64 {
        self.point(self.count - 1)
    }

    /// The point at `idx`, nanoseconds since 1970-01-01 UTC.
    ///
    /// # Panics
    /// When `idx` is not below [`count`](Self::count).
    #[must_use]
    pub fn point_ns(&self, idx: usize) -> i64 {
        assert!(idx < self.count, "point {idx} asked of a grid of {}", self.count);
        self.point(idx)
    }

    /// All points in order, nanoseconds since 1970-01-01 UTC.
    pub fn points_ns(&self) -> impl ExactSizeIterator<Item = i64> + use<> {
        let grid = *self;
        (0..self.count).map(move |idx| grid.point(idx))
    }

    /// The index of the point nearest to a time: the later one on a tie, the first or last one for a time off the grid.
    #[must_use]
    pub fn nearest_idx(&self, time_ns: i64) -> usize {
        if time_ns <= self.reference_ns {
            return 0;
        }
        if time_ns >= self.last_ns() {
            return self.count - 1;
        }
        let (whole, rest) = self.periods_and_rest(time_ns);
        let is_nearer_to_next = rest >= self.period_ns.abs_diff(self.half_period_ns());
        whole + usize::from(is_nearer_to_next)
    }

    /// The largest distance in nanoseconds at which the as-of step takes a sample: half a period and one nanosecond.
    #[must_use]
    pub fn asof_tolerance_ns(&self) -> u64 {
        self.half_period_ns().unsigned_abs() + 1
    }

    /// How many points lie before a time; the index of the first point at or after it, unless all lie before.
    pub(super) fn n_points_before(&self, time_ns: i64) -> usize {
        if time_ns <= self.reference_ns {
            return 0;
        }
        if time_ns > self.last_ns() {
            return self.count;
        }
        let (whole, rest) = self.periods_and_rest(time_ns);
        whole + usize::from(rest > 0)
    }

    /// The times whose nearest point is `idx`, first and last, both inclusive; the outermost cells reach to the end of time.
    pub(super) fn cell(&self, idx: usize) -> Cell {
        let first_ns = if idx == 0 { i64::MIN } else { self.point(idx) - self.half_period_ns() };
        let is_last = idx + 1 == self.count;
        let last_ns = if is_last { i64::MAX } else { self.point(idx + 1) - self.half_period_ns() - 1 };
        Cell { idx, first_ns, last_ns }
    }

    /// How many samples from the first on lie one by one in the cells from `idx` on, one sample per cell.
    ///
    /// The outermost cells have no such stretch, as they have no width.
    pub(super) fn n_one_per_cell(&self, timestamps_ns: &[i64], idx: usize) -> usize {
        if idx == 0 || idx + 1 >= self.count {
            return 0;
        }
        let n_inner_cells = self.count - 1 - idx;
        let period = self.period_ns.unsigned_abs();
        let mut cell_first_ns = self.cell(idx).first_ns;
        let lies_in_next_cell = |&&time_ns: &&i64| {
            // A sample before its cell wraps around to a large number, so one comparison serves both ends.
            let is_inside = (time_ns.wrapping_sub(cell_first_ns) as u64) < period;
            cell_first_ns = cell_first_ns.wrapping_add(self.period_ns);
            is_inside
        };
        timestamps_ns.iter().take(n_inner_cells).take_while(lies_in_next_cell).count()
    }

    /// Any point up to the last; a caller that goes further gets a wrong time, never a panic.
    pub(super) fn point(&self, idx: usize) -> i64 {
        self.reference_ns.wrapping_add(self.period_ns.wrapping_mul(idx as i64))
    }

    /// Half a period, cut to whole nanoseconds: with an odd period no whole time lies halfway, so nothing is lost.
    fn half_period_ns(&self) -> i64 {
        self.period_ns / 2
    }

    /// Whole periods, and the nanoseconds over, from the reference to a time that is not before it.
    fn periods_and_rest(&self, time_ns: i64) -> (usize, u64) {
        let (since, period) = (time_ns.abs_diff(self.reference_ns), self.period_ns.unsigned_abs());
        ((since / period) as usize, since % period)
    }
}

/// The stretch of time that belongs to one point of a grid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) idx: usize,
    pub(super) first_ns: i64,
    pub(super) last_ns: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_without_points_or_progress_or_end_is_refused() {
        assert!(AlignmentGrid::new(0, 1, 0).is_err());
        assert!(AlignmentGrid::new(0, 0, 5).is_err());
        assert!(AlignmentGrid::new(0, -1, 5).is_err());
        assert!(AlignmentGrid::new(i64::MAX, 1, 2).is_err());
        assert!(AlignmentGrid::new(i64::MIN, i64::MAX, 3).is_ok());
        assert!(AlignmentGrid::covering(&[], 1.0).is_err());
    }

    #[test]
    fn a_grid_before_1970_starts_at_or_before_its_earliest_sample() {
        let timing = SignalTiming::regular(-1_500, 700, 2).unwrap();
        let grid = AlignmentGrid::covering(&[timing], 1e6).unwrap();
        assert_eq!((grid.reference_ns(), grid.count(), grid.last_ns()), (-2_000, 4, 1_000));
    }

    #[test]
    fn the_whole_range_of_time_needs_no_wider_integers() {
        let timing = SignalTiming { earliest_ns: i64::MIN + 808, latest_ns: i64::MAX - 807, rate_hz: None };
        let grid = AlignmentGrid::covering(&[timing], 1e6).unwrap();
        assert_eq!(grid.nearest_idx(i64::MAX), grid.count() - 1);
        assert_eq!(grid.nearest_idx(i64::MIN), 0);
        assert_eq!(grid.point_ns(grid.nearest_idx(499)), 0);
        assert!(AlignmentGrid::covering(&[SignalTiming { earliest_ns: i64::MIN, ..timing }], 1e6).is_err());
    }

    #[test]
    fn a_cell_is_exactly_the_times_whose_nearest_point_it_belongs_to() {
        for period_ns in [1, 2, 3, 4, 7] {
            let grid = AlignmentGrid::new(-10, period_ns, 5).unwrap();
            for time_ns in -30..60 {
                let cell = grid.cell(grid.nearest_idx(time_ns));
                assert!(cell.first_ns <= time_ns && time_ns <= cell.last_ns, "{time_ns} with period {period_ns}");
            }
        }
    }

    #[test]
    fn a_grid_read_back_is_checked_again() {
        let grid = AlignmentGrid::new(5, 2, 3).unwrap();
        let text = serde_json::to_string(&grid).unwrap();
        assert_eq!(serde_json::from_str::<AlignmentGrid>(&text).unwrap(), grid);
        assert!(serde_json::from_str::<AlignmentGrid>(&text.replace("\"count\":3", "\"count\":0")).is_err());
    }
}
