//! The rows of an aligned signal while they are made: which grid points have one, and what each column holds.
//!
//! Rows come block by block in grid order; a row without a single value is dropped here and nowhere else. The points are
//! kept as runs of neighbours, which costs at most 8 bytes a row and next to nothing for a signal without holes.

use crate::{SleepError, SleepResult};

/// Rows made at a time: few enough that a block stays in the innermost cache, many enough that its overhead vanishes.
pub(super) const ROWS_PER_BLOCK: usize = 1024;

/// The points of a grid that have a row, ascending, as runs of neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct GridPoints {
    runs: Vec<Run>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Run {
    first_idx: u32,
    n_points: u32,
}

impl GridPoints {
    /// The points' indexes on the grid, ascending.
    pub(super) fn idxs(&self) -> impl Iterator<Item = usize> + '_ {
        self.ranges().flatten()
    }

    /// The points' indexes on the grid as ascending ranges that do not touch.
    pub(super) fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.runs.iter().map(|run| run.first_idx as usize..run.first_idx as usize + run.n_points as usize)
    }

    /// Adds points behind those that are there.
    fn append(&mut self, run: Run) {
        match self.runs.last_mut() {
            Some(last) if last.first_idx + last.n_points == run.first_idx => last.n_points += run.n_points,
            _ if run.n_points == 0 => {}
            _ => self.runs.push(run),
        }
    }
}

/// Grid points and the values on them, one list per column of the signal.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) points: GridPoints,
    pub(super) columns: Vec<Vec<f64>>,
}

impl Rows {
    /// No rows yet, and room for `n_rows` of them; room that stays unused costs address space only.
    pub(super) fn with_room(n_columns: usize, n_rows: usize) -> SleepResult<Self> {
        let columns = (0..n_columns).map(|_| list_with_room(n_rows)).collect::<SleepResult<_>>()?;
        Ok(Self { points: GridPoints::default(), columns })
    }

    /// The number of rows so far.
    pub(super) fn len(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Takes in the rows behind `n_before`, which are at the ascending points `idxs`, and drops those without any value.
    pub(super) fn take_in_rows_with_values(&mut self, n_before: usize, idxs: &[u32]) {
        match idxs {
            [] => {}
            [first_idx, .., last_idx] if (last_idx - first_idx) as usize == idxs.len() - 1 => {
                self.take_in_stretch_with_values(n_before, *first_idx as usize);
            }
            _ => self.take_in_one_by_one(n_before, idxs.iter().copied()),
        }
    }

    /// Takes in the rows behind `n_before`, which are at neighbouring points, and drops those without any value.
    pub(super) fn take_in_stretch_with_values(&mut self, n_before: usize, first_idx: usize) {
        let is_some_column_full = self.columns.iter().any(|column| !has_gap(&column[n_before..]));
        if is_some_column_full {
            self.take_in_stretch(n_before, first_idx);
        } else {
            self.take_in_one_by_one(n_before, first_idx as u32..);
        }
    }

    /// Takes in all rows behind `n_before`, which are at neighbouring points.
    pub(super) fn take_in_stretch(&mut self, n_before: usize, first_idx: usize) {
        let n_points = (self.len() - n_before) as u32;
        self.points.append(Run { first_idx: first_idx as u32, n_points });
    }

    fn take_in_one_by_one(&mut self, n_before: usize, idxs: impl Iterator<Item = u32>) {
        let mut n_kept = n_before;
        for (row, first_idx) in (n_before..self.len()).zip(idxs) {
            let has_value = self.columns.iter().any(|column| !column[row].is_nan());
            if has_value {
                self.columns.iter_mut().for_each(|column| column[n_kept] = column[row]);
                self.points.append(Run { first_idx, n_points: 1 });
                n_kept += 1;
            }
        }
        self.columns.iter_mut().for_each(|column| column.truncate(n_kept));
    }
}

/// Appends to a column the samples at `sources`; NaN where a source lies beyond the samples.
pub(super) fn append_samples(column: &mut Vec<f64>, samples: &[f64], sources: &[usize]) {
    column.extend(sources.iter().map(|&source| samples.get(source).copied().unwrap_or(f64::NAN)));
}

// A fold instead of `any`: without an early way out the compiler compares several values at a time.
fn has_gap(values: &[f64]) -> bool {
    values.iter().fold(false, |found, value| found | value.is_nan())
}

fn list_with_room(n_rows: usize) -> SleepResult<Vec<f64>> {
    let mut list = Vec::new();
    list.try_reserve_exact(n_rows).map_err(|_| {
        SleepError::Config(format!(
            "{n_rows} rows do not fit into memory; check for stray timestamps, or ask for a lower rate"
        ))
    })?;
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_points_share_a_run_however_they_arrive() {
        let mut points = GridPoints::default();
        for (first_idx, n_points) in [(0, 0), (3, 1), (4, 3), (8, 1), (9, 1), (12, 1), (13, 0), (13, 1)] {
            points.append(Run { first_idx, n_points });
        }
        assert_eq!(points.ranges().collect::<Vec<_>>(), [3..7, 8..10, 12..14]);
        assert_eq!(points.idxs().collect::<Vec<_>>(), [3, 4, 5, 6, 8, 9, 12, 13]);
    }

    #[test]
    fn a_row_goes_only_when_all_of_its_columns_are_empty() {
        let mut rows = Rows::with_room(2, 4).unwrap();
        rows.columns = vec![vec![1.0, f64::NAN, f64::NAN, 4.0], vec![f64::NAN, f64::NAN, 3.0, f64::NAN]];
        rows.take_in_rows_with_values(0, &[10, 11, 12, 13]);
        assert_eq!(rows.points.idxs().collect::<Vec<_>>(), [10, 12, 13]);
        assert_eq!(rows.columns[0].len(), 3);
        assert_eq!((rows.columns[0][0], rows.columns[1][1], rows.columns[0][2]), (1.0, 3.0, 4.0));
    }

    #[test]
    fn more_rows_than_memory_are_an_error_and_no_crash() {
        assert!(Rows::with_room(1, usize::MAX / 16).is_err());
    }
}
