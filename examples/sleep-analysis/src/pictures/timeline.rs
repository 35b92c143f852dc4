//! Epochs on the time axis: the pixels that each covers, and which follow each other without a gap. Pure.

use consumer_support::picture::{Point, is_drawable};

use super::clock::{ClockTick, clock_ticks};
use crate::{SleepError, SleepResult};

/// When the epochs of a picture are: their starts, and how long each is.
///
/// ```
/// let starts_ns = [0, 30_000_000_000];
/// let epochs = sleep_analysis::pictures::EpochTimes { starts_ns: &starts_ns, length_ns: 30_000_000_000 };
/// assert_eq!(epochs.starts_ns.len(), 2);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct EpochTimes<'a> {
    /// The start of each epoch, nanoseconds since 1970-01-01 UTC, in ascending order.
    pub starts_ns: &'a [i64],
    /// The length of an epoch in nanoseconds, above zero.
    pub length_ns: i64,
}

/// The epochs of a picture, placed between two vertical edges.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) start_ns: i128,
    pub(super) end_ns: i128,
    /// From one epoch to the next, as most of them are.
    pub(super) step_ns: i128,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) cells: Vec<Cell>,
}

/// The pixels of one epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) left: f64,
    pub(super) middle: f64,
    pub(super) right: f64,
    /// True when the epoch before ends where this one begins; false after a gap in time, and for the first.
    pub(super) follows: bool,
}

impl EpochTimes<'_> {
    /// The epochs between two edges; `None` when there are none.
    ///
    /// Each epoch is centred on its own middle and covers one step, so overlapping epochs share the width evenly.
    /// A distance of more than one and a half steps is a gap.
    pub(super) fn place(&self, left: f64, right: f64) -> SleepResult<Option<Timeline>> {
        self.check()?;
        let (Some(first), Some(last)) = (self.starts_ns.first(), self.starts_ns.last()) else { return Ok(None) };
        let (length, step_ns) = (i128::from(self.length_ns), self.step_ns());
        let start_ns = i128::from(*first) + (length - step_ns) / 2;
        let end_ns = i128::from(*last) + (length - step_ns) / 2 + step_ns;
        let mut timeline = Timeline { start_ns, end_ns, step_ns, left, right, cells: Vec::new() };
        timeline.cells = (0..self.starts_ns.len()).map(|idx| self.cell(&timeline, idx)).collect();
        Ok(Some(timeline))
    }

    fn check(&self) -> SleepResult<()> {
        if self.length_ns <= 0 {
            return Err(SleepError::Config(format!(
                "an epoch of {} ns has no length; use 1 ns or more",
                self.length_ns
            )));
        }
        match self.starts_ns.windows(2).position(|pair| pair[0] >= pair[1]) {
            None => Ok(()),
            Some(idx) => Err(SleepError::Config(format!(
                "epoch {} starts at {} ns, not after the one before it at {} ns; sort the epochs and drop doubles",
                idx + 1,
                self.starts_ns[idx + 1],
                self.starts_ns[idx]
            ))),
        }
    }

    /// The median distance between neighbours; the length when there is one epoch only.
    fn step_ns(&self) -> i128 {
        let mut distances: Vec<i128> =
            self.starts_ns.windows(2).map(|pair| i128::from(pair[1]) - i128::from(pair[0])).collect();
        distances.sort_unstable();
        distances.get(distances.len() / 2).copied().unwrap_or(i128::from(self.length_ns))
    }

    fn cell(&self, timeline: &Timeline, idx: usize) -> Cell {
        let start = |idx: usize| i128::from(self.starts_ns[idx]);
        let left_ns = start(idx) + (i128::from(self.length_ns) - timeline.step_ns) / 2;
        let (left, right) = (timeline.x(left_ns), timeline.x(left_ns + timeline.step_ns));
        let follows = idx > 0 && 2 * (start(idx) - start(idx - 1)) <= 3 * timeline.step_ns;
        Cell { left, middle: (left + right) / 2.0, right, follows }
    }
}

impl Timeline {
    /// The horizontal pixel of a time.
    pub(super) fn x(&self, at_ns: i128) -> f64 {
        let share = (at_ns - self.start_ns) as f64 / (self.end_ns - self.start_ns) as f64;
        self.left + share * (self.right - self.left)
    }

    /// Ticks on round clock times, `spacing` pixels or more apart, with their horizontal pixels.
    pub(super) fn ticks(&self, spacing: f64) -> Vec<(f64, ClockTick)> {
        let most = ((self.right - self.left) / spacing) as usize;
        clock_ticks(self.start_ns, self.end_ns, most).into_iter().map(|tick| (self.x(tick.at_ns), tick)).collect()
    }

    /// The epochs that have a value, as runs without a gap in values or in time.
    pub(super) fn runs<V>(&self, value: impl Fn(usize) -> Option<V>) -> Vec<Vec<(Cell, V)>> {
        let mut runs: Vec<Vec<(Cell, V)>> = Vec::new();
        let mut is_open = false;
        for (idx, cell) in self.cells.iter().enumerate() {
            let Some(value) = value(idx) else {
                is_open = false;
                continue;
            };
            match runs.last_mut() {
                Some(run) if is_open && cell.follows => run.push((*cell, value)),
                _ => runs.push(vec![(*cell, value)]),
            }
            is_open = true;
        }
        runs
    }
}

/// The value at a position, unless it is a gap.
pub(super) fn drawable(values: &[f64], idx: usize) -> Option<f64> {
    values.get(idx).copied().filter(|value| is_drawable(*value))
}

/// The same line with at most four points per pixel column: first, lowest, highest, last. No difference is visible.
pub(super) fn thin_line(points: &[Point]) -> Vec<Point> {
    points.chunk_by(|one, other| one.0.floor() == other.0.floor()).flat_map(thin_column).collect()
}

fn thin_column(column: &[Point]) -> Vec<Point> {
    if column.len() <= 4 {
        return column.to_vec();
    }
    let by_height = |one: &&Point, other: &&Point| one.1.total_cmp(&other.1);
    let ends = column.first().into_iter().chain(column.iter().min_by(by_height));
    ends.chain(column.iter().max_by(by_height)).chain(column.last()).copied().collect()
}

/// A lower and an upper vertical pixel at one horizontal pixel.
type Rung = (f64, (f64, f64));

/// The outline of a run between lower and upper pixels, straight from the middle of one epoch to the middle of the next.
/// A run of one epoch is as wide as its epoch.
pub(super) fn sloped_outline(run: &[(Cell, (f64, f64))]) -> Vec<Point> {
    match run {
        [_] => stepped_outline(run),
        _ => outline(run.iter().map(|(cell, edges)| (cell.middle, *edges)).collect()),
    }
}

/// The outline of a run between lower and upper pixels, level over each epoch.
pub(super) fn stepped_outline(run: &[(Cell, (f64, f64))]) -> Vec<Point> {
    outline(run.iter().flat_map(|(cell, edges)| [(cell.left, *edges), (cell.right, *edges)]).collect())
}

/// Along the upper pixels and back along the lower ones, with one rung per half pixel, as wide as the widest there.
/// The first and the last keep their positions.
fn outline(rungs: Vec<Rung>) -> Vec<Point> {
    let half_pixel = |rung: &Rung| (rung.0 * 2.0).floor();
    let mut merged: Vec<Rung> =
        rungs.chunk_by(|one, other| half_pixel(one) == half_pixel(other)).flat_map(merge_rungs).collect();
    if let (Some(end), Some(last)) = (merged.last_mut(), rungs.last()) {
        end.0 = last.0;
    }
    let upper = merged.iter().map(|(x, (_, high))| (*x, *high));
    upper.chain(merged.iter().rev().map(|(x, (low, _))| (*x, *low))).collect()
}

/// Up to two rungs stay as they are, so that a step stays upright.
fn merge_rungs(rungs: &[Rung]) -> Vec<Rung> {
    if rungs.len() <= 2 {
        return rungs.to_vec();
    }
    let widest =
        rungs.iter().fold((f64::MIN, f64::MAX), |(low, high), (_, edges)| (low.max(edges.0), high.min(edges.1)));
    vec![(rungs[0].0, widest)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(starts_s: &[i64], length_s: i64) -> Timeline {
        let starts_ns: Vec<i64> = starts_s.iter().map(|start| start * 1_000_000_000).collect();
        EpochTimes { starts_ns: &starts_ns, length_ns: length_s * 1_000_000_000 }.place(0.0, 100.0).unwrap().unwrap()
    }

    #[test]
    fn epochs_side_by_side_cover_the_width() {
        let cells = timeline(&[0, 30], 30).cells;
        assert_eq!((cells[0].left, cells[0].right, cells[1].right), (0.0, 50.0, 100.0));
    }

    #[test]
    fn a_hole_in_time_is_a_gap_and_a_wide_step_is_none() {
        let follows = |starts: &[i64]| timeline(starts, 30).cells.iter().map(|cell| cell.follows).collect::<Vec<_>>();
        assert_eq!(follows(&[0, 30, 60, 150, 180]), [false, true, true, false, true]);
        assert_eq!(follows(&[0, 60, 120]), [false, true, true]);
        assert_eq!(follows(&[0, 10, 20]), [false, true, true]);
    }

    #[test]
    fn runs_break_at_missing_values_and_at_missing_time() {
        let values = [1.0, f64::NAN, 1.0, 1.0, 1.0];
        let runs = timeline(&[0, 30, 60, 90, 300], 30).runs(|idx| drawable(&values, idx));
        assert_eq!(runs.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 1]);
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        let starts_ns = [i64::MIN, 0, i64::MAX];
        let placed = EpochTimes { starts_ns: &starts_ns, length_ns: i64::MAX }.place(0.0, 100.0).unwrap().unwrap();
        assert!(placed.cells.iter().all(|cell| cell.left >= -1.0 && cell.right <= 101.0));
    }

    #[test]
    fn outlines_reach_over_whole_epochs_or_from_middle_to_middle() {
        let cells = timeline(&[0, 30], 30).cells;
        let run = [(cells[0], (90.0, 10.0)), (cells[1], (90.0, 20.0))];
        assert_eq!(sloped_outline(&run), [(25.0, 10.0), (75.0, 20.0), (75.0, 90.0), (25.0, 90.0)]);
        let upper = [(0.0, 10.0), (50.0, 10.0), (50.0, 20.0), (100.0, 20.0)];
        assert_eq!(stepped_outline(&run)[..4], upper);
        assert_eq!(sloped_outline(&run[..1]), stepped_outline(&run[..1]));
    }

    #[test]
    fn thinning_keeps_the_ends_and_the_extremes_of_each_pixel() {
        let column: Vec<Point> = [5.0, 1.0, 3.0, 9.0, 4.0, 6.0].iter().map(|y| (7.5, *y)).collect();
        let heights: Vec<f64> = thin_line(&column).iter().map(|point| point.1).collect();
        assert_eq!(heights, [5.0, 1.0, 9.0, 6.0]);
    }
}
