//! Alignment by filling: every grid point takes the last sample at or before it, or the first one at or after it.
//!
//! There is no limit to the distance, and a NaN in the sample taken stays NaN. Timestamps must increase; `mod.rs` checks that.

use super::grid::AlignmentGrid;
use super::rows::{ROWS_PER_BLOCK, Rows, append_samples};
use crate::{Signal, SleepResult};
use std::ops::Range;

/// Every point takes the last sample at or before it; points before the first sample have no row.
pub(super) fn fill_forward(signal: &Signal, grid: &AlignmentGrid) -> SleepResult<Rows> {
    let Some(&earliest_ns) = signal.timestamps_ns().first() else { return Rows::with_room(signal.columns().len(), 0) };
    fill(signal, grid, grid.n_points_before(earliest_ns)..grid.count(), |timestamps_ns, n_passed, point_ns| {
        // The first sample is at or before the first point, so at least one has been passed.
        passed_by(timestamps_ns, n_passed, |time_ns| time_ns <= point_ns) - 1
    })
}

/// Every point takes the first sample at or after it; points after the last sample have no row.
pub(super) fn fill_backward(signal: &Signal, grid: &AlignmentGrid) -> SleepResult<Rows> {
    let Some(&latest_ns) = signal.timestamps_ns().last() else { return Rows::with_room(signal.columns().len(), 0) };
    let n_points_at_or_before =
        latest_ns.checked_add(1).map_or(grid.count(), |after_ns| grid.n_points_before(after_ns));
    fill(signal, grid, 0..n_points_at_or_before, |timestamps_ns, n_passed, point_ns| {
        passed_by(timestamps_ns, n_passed, |time_ns| time_ns < point_ns)
    })
}

/// Makes a row for each of `points` from the sample that `source` finds, searching from the one it found before.
fn fill(
    signal: &Signal,
    grid: &AlignmentGrid,
    points: Range<usize>,
    source: impl Fn(&[i64], usize, i64) -> usize,
) -> SleepResult<Rows> {
    let mut rows = Rows::with_room(signal.columns().len(), points.len())?;
    let mut sources = Vec::new();
    let mut found = 0;
    for block_start in points.clone().step_by(ROWS_PER_BLOCK) {
        let block = block_start..points.end.min(block_start + ROWS_PER_BLOCK);
        sources.clear();
        sources.extend(block.map(|idx| {
            found = source(signal.timestamps_ns(), found, grid.point(idx));
            found
        }));
        let n_before = rows.len();
        for (column, samples) in rows.columns.iter_mut().zip(signal.columns()) {
            append_samples(column, &samples.values, &sources);
        }
        rows.take_in_stretch_with_values(n_before, block_start);
    }
    Ok(rows)
}

/// How many samples from `n_passed` on are passed too, and those before them.
pub(super) fn passed_by(timestamps_ns: &[i64], n_passed: usize, is_passed: impl Fn(i64) -> bool) -> usize {
    let ahead = &timestamps_ns[n_passed..];
    n_passed + ahead.iter().position(|&time_ns| !is_passed(time_ns)).unwrap_or(ahead.len())
}
