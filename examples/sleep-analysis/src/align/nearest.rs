//! Alignment to the nearest point: every sample moves to its nearest grid point, and samples that meet there are averaged.
//!
//! One pass over the samples: they come in order of time, so the next one lies in the current cell or mostly in the one
//! behind it, and only a leap needs a division. Samples that are out of order are sorted by time first, in a copy.

use super::grid::{AlignmentGrid, Cell};
use super::rows::{ROWS_PER_BLOCK, Rows};
use crate::{Column, Signal, SleepResult};
use std::ops::Range;

/// The fewest samples, each alone in its cell, that are worth a block of their own.
const SHORTEST_STRETCH: usize = 16;

/// How many cells are walked one by one before the next look for such a stretch.
const CELLS_BEFORE_NEXT_STRETCH: usize = 64;

/// The rows of a signal whose samples all moved to their nearest points; points that no sample reached have none.
pub(super) fn nearest(signal: &Signal, grid: &AlignmentGrid) -> SleepResult<Rows> {
    match average_in_order(signal.timestamps_ns(), signal.columns(), grid)? {
        Some(rows) => Ok(rows),
        None => {
            let (timestamps_ns, columns) = sorted_by_time(signal);
            let rows = average_in_order(&timestamps_ns, &columns, grid)?;
            Ok(rows.expect("sorted times never leave a cell backwards"))
        }
    }
}

/// None when a sample lies in an earlier cell than the one ahead of it.
fn average_in_order(timestamps_ns: &[i64], columns: &[Column], grid: &AlignmentGrid) -> SleepResult<Option<Rows>> {
    let mut rows = Rows::with_room(columns.len(), timestamps_ns.len().min(grid.count()))?;
    let mut block = Block::default();
    let mut first = 0;
    while first < timestamps_ns.len() {
        let n_before = rows.len();
        let idx = grid.nearest_idx(timestamps_ns[first]);
        if let Some(stretch) = one_per_cell(timestamps_ns, first, grid, idx) {
            for (means, column) in rows.columns.iter_mut().zip(columns) {
                means.extend_from_slice(&column.values[stretch.clone()]);
            }
            rows.take_in_stretch_with_values(n_before, idx);
            first = stretch.end;
        } else if block.fill(timestamps_ns, first, grid, idx) {
            for (means, column) in rows.columns.iter_mut().zip(columns) {
                block.append_means(means, &column.values, first);
            }
            rows.take_in_rows_with_values(n_before, &block.idxs);
            first = block.end();
        } else {
            return Ok(None);
        }
    }
    Ok(Some(rows))
}

/// The next samples if each is alone in its cell, one cell after the other: nothing to average, nothing to search.
fn one_per_cell(timestamps_ns: &[i64], first: usize, grid: &AlignmentGrid, idx: usize) -> Option<Range<usize>> {
    let ahead = &timestamps_ns[first..timestamps_ns.len().min(first + ROWS_PER_BLOCK)];
    // The last one stays behind: samples after it may share its cell.
    let n_samples = grid.n_one_per_cell(ahead, idx).saturating_sub(1);
    (n_samples >= SHORTEST_STRETCH).then_some(first..first + n_samples)
}

/// Consecutive cells that have samples: the point each belongs to, and where its samples end.
#[derive(Default)]
struct Block {
    idxs: Vec<u32>,
    ends: Vec<usize>,
}

impl Block {
    /// Collects cells of any number of samples; false when a sample lies before the current cell.
    fn fill(&mut self, timestamps_ns: &[i64], first: usize, grid: &AlignmentGrid, idx: usize) -> bool {
        self.idxs.clear();
        self.ends.clear();
        let mut cell = grid.cell(idx);
        for (sample, &time_ns) in timestamps_ns.iter().enumerate().skip(first) {
            if time_ns > cell.last_ns {
                self.close(cell, sample);
                if self.ends.len() == CELLS_BEFORE_NEXT_STRETCH {
                    return true;
                }
                cell = cell_ahead(grid, cell, time_ns);
            } else if time_ns < cell.first_ns {
                return false;
            }
        }
        self.close(cell, timestamps_ns.len());
        true
    }

    fn close(&mut self, cell: Cell, end: usize) {
        self.idxs.push(cell.idx as u32);
        self.ends.push(end);
    }

    fn end(&self) -> usize {
        self.ends.last().copied().unwrap_or_default()
    }

    /// Appends each cell's mean of the samples that are not NaN.
    fn append_means(&self, means: &mut Vec<f64>, samples: &[f64], first: usize) {
        let mut start = first;
        means.extend(self.ends.iter().map(|&end| {
            let mean = mean_of_present(&samples[start..end]);
            start = end;
            mean
        }));
    }
}

/// The cell of a time beyond the current cell.
fn cell_ahead(grid: &AlignmentGrid, cell: Cell, time_ns: i64) -> Cell {
    let next = grid.cell(cell.idx + 1);
    if time_ns <= next.last_ns { next } else { grid.cell(grid.nearest_idx(time_ns)) }
}

/// The mean of the samples that are not NaN; NaN when there are none.
fn mean_of_present(samples: &[f64]) -> f64 {
    if let [sample] = samples {
        return *sample;
    }
    let (mut sum, mut n_present) = (-0.0, 0_u32);
    for &sample in samples {
        let is_present = !sample.is_nan();
        sum += if is_present { sample } else { -0.0 };
        n_present += u32::from(is_present);
    }
    // Without a sample this is -0.0 / 0.0, which is NaN.
    sum / f64::from(n_present)
}

/// A copy of the samples in order of time; samples of one time keep their order.
fn sorted_by_time(signal: &Signal) -> (Vec<i64>, Vec<Column>) {
    let timestamps_ns = signal.timestamps_ns();
    let mut order: Vec<usize> = (0..timestamps_ns.len()).collect();
    order.sort_by_key(|&sample| timestamps_ns[sample]);
    let columns = signal.columns().iter().map(|column| Column {
        name: column.name.clone(),
        values: order.iter().map(|&sample| column.values[sample]).collect(),
    });
    (order.iter().map(|&sample| timestamps_ns[sample]).collect(), columns.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_skips_missing_samples_and_keeps_infinities() {
        assert_eq!(mean_of_present(&[1.0, f64::NAN, 4.0]), 2.5);
        assert!(mean_of_present(&[f64::NAN, f64::NAN]).is_nan());
        assert!(mean_of_present(&[]).is_nan());
        assert_eq!(mean_of_present(&[f64::INFINITY, 1.0]), f64::INFINITY);
        assert!(mean_of_present(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }

    #[test]
    fn a_lone_sample_keeps_its_every_bit() {
        assert!(mean_of_present(&[-0.0]).is_sign_negative());
        assert!(mean_of_present(&[-0.0, f64::NAN]).is_sign_negative());
    }
}
