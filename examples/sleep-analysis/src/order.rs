//! The order of timestamps: which row breaks it first, for operations that need sorted or distinct times.
//!
//! Reading a signal keeps its rows as they are, because statistics accept repeated ones; an operation checks the order before it starts.

use crate::{Signal, SleepError, SleepResult};

/// Checks that no timestamp lies before the one ahead of it; equal ones may follow each other.
///
/// # Errors
/// [`SleepError::Signal`] naming the first row that lies before its predecessor; rows count from 1.
pub fn require_sorted(signal: &Signal) -> SleepResult<()> {
    match first_pair(signal, |earlier, later| later < earlier) {
        Some(row) => refuse(signal, row, "lies before the row ahead of it", "sort the rows by time"),
        None => Ok(()),
    }
}

/// Checks that every timestamp lies after the one ahead of it.
///
/// # Errors
/// [`SleepError::Signal`] naming the first row that repeats its predecessor's time or lies before it; rows count from 1.
///
/// ```
/// use sleep_analysis::{Column, Signal, require_increasing, require_sorted};
///
/// let column = Column::new("hr", vec![60.0, 61.0, 62.0]);
/// let signal = Signal::new("heart", vec![10, 20, 20], vec![column])?;
/// assert!(require_sorted(&signal).is_ok());
/// assert!(require_increasing(&signal).unwrap_err().to_string().contains("row 3 (20 ns) repeats"));
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn require_increasing(signal: &Signal) -> SleepResult<()> {
    match first_pair(signal, |earlier, later| later <= earlier) {
        Some(row) if signal.timestamps_ns()[row] == signal.timestamps_ns()[row - 1] => {
            refuse(signal, row, "repeats the time of the row ahead of it", "keep one row per time, or align to nearest")
        }
        Some(row) => refuse(signal, row, "lies before the row ahead of it", "sort the rows by time"),
        None => Ok(()),
    }
}

/// The index of the first row that breaks the order with the row ahead of it.
fn first_pair(signal: &Signal, is_broken: impl Fn(i64, i64) -> bool) -> Option<usize> {
    let mut pairs = signal.timestamps_ns().windows(2);
    pairs.position(|pair| is_broken(pair[0], pair[1])).map(|idx| idx + 1)
}

fn refuse(signal: &Signal, row: usize, what: &str, way_out: &str) -> SleepResult<()> {
    let time_ns = signal.timestamps_ns()[row];
    let reason = format!("row {} ({time_ns} ns) {what}; {way_out}", row + 1);
    Err(SleepError::Signal { signal: signal.name().to_owned(), reason })
}
