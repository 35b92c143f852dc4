//! The as-of step: every grid point takes the sample nearest to it, if one lies within half a period and a nanosecond.
//!
//! Timestamps must be sorted; `mod.rs` checks that. One pass over points and samples, no division.

use super::fill::passed_by;
use super::grid::AlignmentGrid;
use super::rows::{ROWS_PER_BLOCK, Rows, append_samples};
use crate::{Signal, SleepResult};
use std::ops::Range;

/// Stands for "no sample"; no signal has that many.
const NO_SAMPLE: usize = usize::MAX;

/// The fewest points, each with one sample in its cell, that are worth copying as a stretch.
const SHORTEST_STRETCH: usize = 16;

/// How many points are searched one by one before the next look for such a stretch.
const POINTS_BEFORE_NEXT_STRETCH: usize = 64;

/// A row for every point: the nearest sample within the tolerance, otherwise NaN.
///
/// The earlier sample wins a tie. Of samples with one time the last wins at or before the point, the first after it.
pub(super) fn nearest_sample(signal: &Signal, grid: &AlignmentGrid) -> SleepResult<Rows> {
    let mut rows = Rows::with_room(signal.columns().len(), grid.count())?;
    let mut sources = Vec::new();
    let (mut first, mut n_passed) = (0, 0);
    while first < grid.count() {
        sources.clear();
        n_passed = match one_per_cell(signal.timestamps_ns(), grid, first, n_passed) {
            Some(stretch) => {
                sources.extend(stretch.clone());
                stretch.end
            }
            None => find_one_by_one(&mut sources, signal.timestamps_ns(), grid, first, n_passed),
        };
        let n_before = rows.len();
        for (column, samples) in rows.columns.iter_mut().zip(signal.columns()) {
            append_samples(column, &samples.values, &sources);
        }
        rows.take_in_stretch(n_before, first);
        first += sources.len();
    }
    Ok(rows)
}

/// Samples that lie one by one in the cells from the point `first` on; each is the nearest to its point.
///
/// A cell reaches no further than the tolerance, and samples in other cells are further away, or as far away and later.
fn one_per_cell(timestamps_ns: &[i64], grid: &AlignmentGrid, first: usize, n_passed: usize) -> Option<Range<usize>> {
    let cell_first_ns = grid.cell(first).first_ns;
    let start = passed_by(timestamps_ns, n_passed, |time_ns| time_ns < cell_first_ns);
    let ahead = &timestamps_ns[start..timestamps_ns.len().min(start + ROWS_PER_BLOCK)];
    // The last one stays behind: a sample after it may share its cell and be nearer.
    let n_samples = grid.n_one_per_cell(ahead, first).saturating_sub(1);
    (n_samples >= SHORTEST_STRETCH).then_some(start..start + n_samples)
}

/// Finds the sources of the next few points; the result is how many samples lie at or before the last of them.
fn find_one_by_one(
    sources: &mut Vec<usize>,
    timestamps_ns: &[i64],
    grid: &AlignmentGrid,
    first: usize,
    mut n_passed: usize,
) -> usize {
    let end = grid.count().min(first + POINTS_BEFORE_NEXT_STRETCH);
    sources.extend((first..end).map(|idx| {
        let point_ns = grid.point(idx);
        n_passed = passed_by(timestamps_ns, n_passed, |time_ns| time_ns <= point_ns);
        nearer_of_two(timestamps_ns, n_passed, point_ns, grid.asof_tolerance_ns())
    }));
    n_passed
}

/// The sample before `n_passed` or the one at it, whichever is nearer to the point and within the tolerance.
fn nearer_of_two(timestamps_ns: &[i64], n_passed: usize, point_ns: i64, tolerance_ns: u64) -> usize {
    let before = n_passed.wrapping_sub(1);
    let distance_of = |sample: usize| timestamps_ns.get(sample).map(|time_ns| time_ns.abs_diff(point_ns));
    match (distance_of(before), distance_of(n_passed)) {
        (Some(earlier), later) if earlier <= tolerance_ns && later.is_none_or(|later| earlier <= later) => before,
        (_, Some(later)) if later <= tolerance_ns => n_passed,
        _ => NO_SAMPLE,
    }
}
