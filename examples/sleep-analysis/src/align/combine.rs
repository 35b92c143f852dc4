//! The common table: all points of a grid, and beside them every column of every aligned signal.
//!
//! It is what `aligned.csv` holds. A point without a row in a signal has NaN there.

use std::collections::HashSet;

use super::{AlignMethod, AlignRequest, AlignedSignal, AlignmentGrid, align_signal, choose_signals};
use crate::{Column, Signal, SleepError, SleepResult};

/// All points of a grid with the columns of any number of signals.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AlignedTable {
    /// The points of the grid; one row each.
    pub grid: AlignmentGrid,
    /// The columns, named `<signal>|<column>`, each with a value per point, NaN where the signal has no row.
    pub columns: Vec<Column>,
}

/// What [`align_and_combine`] made, and what it could not.
#[derive(Debug, Clone, PartialEq)]
pub struct Combined {
    /// The signals that could be aligned.
    pub table: AlignedTable,
    /// The signals that could not.
    pub failures: Vec<SleepError>,
    /// Signals without samples: the name, and why it was left out.
    pub left_out: Vec<(String, String)>,
}

/// The as-of step for a set of signals: one table in which every point takes its nearest sample ([`AlignMethod::AsOf`]).
///
/// A signal that cannot be aligned is named among the failures and affects no other signal. One signal after the
/// other; for many workers run [`align_signal`] as a job and give its results to [`combine`].
///
/// # Errors
/// [`SleepError::Config`] when two signals share a name and so would their columns.
///
/// ```
/// use sleep_analysis::{AlignmentGrid, Column, Signal, align_and_combine};
///
/// let column = Column::new("hr", vec![60.0, 64.0, 70.0]);
/// let signal = Signal::new("heart", vec![90, 110, 350], vec![column])?;
/// let combined = align_and_combine(vec![signal], AlignmentGrid::new(0, 100, 4)?)?;
/// let column = &combined.table.columns[0];
/// assert_eq!(column.name, "heart|hr");
/// assert!(column.values[0].is_nan() && column.values[2].is_nan());
/// assert_eq!((column.values[1], column.values[3]), (60.0, 70.0)); // The earlier of 90 and 110; 350 is 50 away.
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn align_and_combine(signals: Vec<Signal>, grid: AlignmentGrid) -> SleepResult<Combined> {
    let choice = choose_signals::<&str>(&signals, None);
    let request = AlignRequest { signals: signals.into(), grid, method: AlignMethod::AsOf };
    let (mut aligned, mut failures) = (Vec::new(), Vec::new());
    for idx in &choice.idxs {
        match align_signal(&request, idx) {
            Ok(signal) => aligned.push(signal),
            Err(error) => failures.push(error),
        }
    }
    Ok(Combined { table: combine(&grid, aligned)?, failures, left_out: choice.left_out })
}

/// Puts aligned signals into one table over all points of their grid.
///
/// A signal with a row for every point moves its columns into the table; others cost one new column at a time, 8 bytes per point.
///
/// # Errors
/// [`SleepError::Config`] when a signal is on another grid, and when two columns would have one name.
pub fn combine(grid: &AlignmentGrid, signals: impl IntoIterator<Item = AlignedSignal>) -> SleepResult<AlignedTable> {
    let mut columns: Vec<Column> = Vec::new();
    let mut names = HashSet::new();
    for signal in signals {
        require_grid(&signal, grid)?;
        for column in spread_over_grid(signal) {
            if !names.insert(column.name.clone()) {
                let name = column.name;
                return Err(SleepError::Config(format!(
                    "two columns would be named {name:?}; rename one of the signals"
                )));
            }
            columns.push(column);
        }
    }
    Ok(AlignedTable { grid: *grid, columns })
}

fn require_grid(signal: &AlignedSignal, grid: &AlignmentGrid) -> SleepResult<()> {
    if signal.grid == *grid {
        return Ok(());
    }
    Err(SleepError::Config(format!("signal {:?} is on another grid; align it to this one first", signal.name)))
}

/// The columns of a signal with a value for every point, under their names in the table.
fn spread_over_grid(signal: AlignedSignal) -> impl Iterator<Item = Column> {
    let AlignedSignal { name, grid, points, columns } = signal;
    columns.into_iter().map(move |column| {
        let is_whole = column.values.len() == grid.count();
        let values = if is_whole { column.values } else { spread(&column.values, &points, grid.count()).into() };
        Column { name: format!("{name}|{}", column.name), values }
    })
}

fn spread(values: &[f64], points: &super::rows::GridPoints, n_points: usize) -> Vec<f64> {
    let mut spread = vec![f64::NAN; n_points];
    let mut rest = values;
    for range in points.ranges() {
        let (here, behind) = rest.split_at(range.len());
        spread[range].copy_from_slice(here);
        rest = behind;
    }
    spread
}
