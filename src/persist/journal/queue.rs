//! Where the run and the journal's writer meet: rows that wait, whether the file can be written, and what is to be said at
//! the end.
//!
//! `store.rs` has the run's side, `writer.rs` the writer's. There is one lock, and neither side holds it while it reads or
//! writes the file.

use std::mem;

use crate::persist::journal::error::JournalError;
use crate::persist::journal::row_warnings::MOST_NAMED;
use crate::persist::journal::rows::Rows;
use crate::record::ItemRecord;
use crate::sync::{Condvar, Mutex, WallClock};

/// This many rows wake the writer before its interval is over.
///
/// So a fast run neither fills the queue during an interval nor wakes the writer for each row.
const WAKE_ROWS: usize = 512;

/// Rows on their way from the run to the writer.
///
/// Two users: the run's calling thread appends, the writer fetches.
#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    pub(super) state: Mutex<State>,
    /// Notified when the writer has work.
    filled: Condvar,
    /// Notified when the queue has room again, or writing is interrupted.
    emptied: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) rows: Rows,
    is_closed: bool,
    /// The run ended with an error before its first item.
    is_refused: bool,
    /// The file cannot be written at this time, so `append` waits for nothing.
    pub(super) is_interrupted: bool,
    /// The writer has ended, so the queue takes no row.
    pub(super) is_over: bool,
    lost: Lost,
    pub(super) warnings: Vec<JournalError>,
    /// Rows that the file does not take, beyond those that `warnings` names.
    n_unnamed: u64,
}

/// Rows that are not written: how many, and the keys of the first.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) count: u64,
    pub(super) keys: Vec<String>,
}

impl Lost {
    pub(super) fn add(&mut self, key: &str) {
        self.count += 1;
        if self.keys.len() < MOST_NAMED {
            self.keys.push(key.to_owned());
        }
    }
}

/// What the writer does next.
///
/// `Add`: add the fetched rows. `Commit`: add them, then commit, as the interval is over. `End`: the same, and end the
/// run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriterStep {
    Add,
    Commit,
    End,
}

impl WriteQueue {
    /// Adds a row. Waits only while the queue is full and the file can be written; drops the row where it cannot.
    pub(super) fn append(&self, record: &ItemRecord, fingerprint: Option<&str>, value: Option<&[u8]>) {
        let mut state = self.state.lock();
        while state.rows.are_too_many() && !state.is_interrupted && !state.is_over {
            self.filled.notify_one();
            self.emptied.wait(&mut state);
        }
        if state.is_over || state.rows.are_too_many() {
            return state.lost.add(&record.key);
        }
        state.rows.push(record, fingerprint, value);
        let waiting = state.rows.len();
        drop(state);
        if waiting == 1 || waiting == WAKE_ROWS {
            self.filled.notify_one();
        }
    }

    /// Takes no further row; the writer ends once it has written what is there.
    pub(super) fn close(&self, is_refused: bool) {
        let mut state = self.state.lock();
        (state.is_closed, state.is_refused) = (true, is_refused);
        drop(state);
        self.filled.notify_one();
    }

    /// Waits for rows and moves them behind the given ones. With a commit due, waits no longer than that.
    ///
    /// A close comes first: a closed queue gives `End` with all rows that are left. Rows are exchanged and not copied
    /// where the writer has none, and the run gets back buffers that already have room.
    pub(super) fn fetch(&self, rows: &mut Rows, spare: &mut Rows, due: Option<WallClock>) -> WriterStep {
        let mut state = self.state.lock();
        let next = loop {
            if state.is_closed {
                break WriterStep::End;
            }
            match due {
                None if !state.rows.is_empty() => break WriterStep::Add,
                None => self.filled.wait(&mut state),
                Some(due) => {
                    let left = due.saturating_duration_since(WallClock::now());
                    if left.is_zero() {
                        break WriterStep::Commit;
                    }
                    if state.rows.len() >= WAKE_ROWS || state.rows.are_too_many() {
                        break WriterStep::Add;
                    }
                    self.filled.wait_for(&mut state, left);
                }
            }
        };
        mem::swap(&mut state.rows, spare);
        drop(state);
        self.emptied.notify_all();
        rows.append(spare);
        next
    }

    /// Waits until it is time to try again, or the run ends; once it `is_ending`, for the time alone. Rows stay in the
    /// queue.
    pub(super) fn wait_until(&self, due: WallClock, is_ending: bool) -> WriterStep {
        let mut state = self.state.lock();
        loop {
            let left = due.saturating_duration_since(WallClock::now());
            match (state.is_closed, left.is_zero()) {
                (true, is_over) if is_over || !is_ending => return WriterStep::End,
                (false, true) => return WriterStep::Commit,
                _ => drop(self.filled.wait_for(&mut state, left)),
            }
        }
    }

    /// Moves what waits behind the given rows, without a wait.
    pub(super) fn take(&self, rows: &mut Rows, spare: &mut Rows) {
        mem::swap(&mut self.state.lock().rows, spare);
        self.emptied.notify_all();
        rows.append(spare);
    }

    pub(super) fn is_refused(&self) -> bool {
        self.state.lock().is_refused
    }

    pub(super) fn set_interrupted(&self, is_interrupted: bool) {
        self.state.lock().is_interrupted = is_interrupted;
        self.emptied.notify_all();
    }

    pub(super) fn lost(&self) -> Lost {
        self.state.lock().lost.clone()
    }

    pub(super) fn lose(&self, key: &str) {
        self.state.lock().lost.add(key);
    }

    pub(super) fn warn(&self, warning: JournalError) {
        self.state.lock().warnings.push(warning);
    }

    /// Names a row that the file does not take, or counts it where too many are named already.
    pub(super) fn name_unwritable(&self, key: &str, why: String) {
        let mut state = self.state.lock();
        let n_named = state.warnings.iter().filter(|known| matches!(known, JournalError::Unwritable { .. })).count();
        match n_named < MOST_NAMED {
            true => state.warnings.push(JournalError::Unwritable { key: key.to_owned(), why }),
            false => state.n_unnamed += 1,
        }
    }

    /// Nothing is written from here on. Rows that still come are counted as lost.
    pub(super) fn end(&self, warning: Option<JournalError>) {
        let mut state = self.state.lock();
        state.is_over = true;
        state.warnings.extend(warning);
        let State { rows, lost, .. } = &mut *state;
        rows.keys_from(0).for_each(|key| lost.add(key));
        state.rows = Rows::default();
        drop(state);
        self.emptied.notify_all();
    }

    /// All warnings. Those that count rows were made while rows still came, and get the last count here.
    pub(super) fn take_warnings(&self) -> Vec<JournalError> {
        let mut state = self.state.lock();
        let (lost, n_unnamed) = (mem::take(&mut state.lost), state.n_unnamed);
        let mut warnings = mem::take(&mut state.warnings);
        for warning in &mut warnings {
            if let JournalError::Interrupted { lost: count, lost_keys, .. } = warning {
                (*count, *lost_keys) = (lost.count, lost.keys.clone());
            }
        }
        let last = warnings.iter_mut().rfind(|known| matches!(known, JournalError::Unwritable { .. }));
        if let (Some(JournalError::Unwritable { why, .. }), 1..) = (last, n_unnamed) {
            why.push_str(&format!(" (and {n_unnamed} more rows cannot be written)"));
        }
        warnings
    }
}

#[cfg(test)]
impl WriteQueue {
    pub(super) fn is_interrupted(&self) -> bool {
        self.state.lock().is_interrupted
    }
}
