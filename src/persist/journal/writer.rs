//! The life of a journal's writer: adds rows in transactions, and tries again where the file cannot be written.
//!
//! A full disk, another program that has the file locked, an error of the disk: all of them may pass, and a run may go
//! on for days. So the writer keeps each row until the commit that contains it has succeeded. After an error it rolls
//! the transaction back and writes the rows again, after pauses that grow from [`FIRST_PAUSE`] to [`LONGEST_PAUSE`], and
//! a few more times when the run ends. Each row is in the file exactly once. A row that the file does not take, such as one that
//! is too large, is skipped and named, and the rows after it are written.
//!
//! After each commit, and after each error, the writer looks whether the journal's path still leads to the file that it writes.

use std::time::Duration;

use crate::persist::journal::database::{AddError, Database, Writing};
use crate::persist::journal::error::JournalError;
use crate::persist::journal::queue::{Lost, WriteQueue, WriterStep};
use crate::persist::journal::rows::Rows;
use crate::sync::{SystemTime, WallClock};

/// A year. Longer intervals are cut to it, so that the end of an interval is a valid time.
const LONGEST_INTERVAL: Duration = Duration::from_secs(31_536_000);
/// The first pause after an error; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 100 });
const LONGEST_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 5000 });
/// At the end of the run, after which no row is tried again.
const TRIES_AT_THE_END: u32 = 3;

/// Writes the rows of one run. Lives in a thread of its own.
pub(super) struct Writer<'d> {
    queue: &'d WriteQueue,
    database: &'d Database,
    writing: Writing<'d>,
    interval: Duration,
    /// All rows that are not committed, behind some that are.
    rows: Rows,
    n_committed: usize,
    /// How many rows are committed or added to the open transaction.
    n_added: usize,
    /// Empty buffers, for the exchange with the queue.
    spare: Rows,
    /// When the open transaction is to be committed; `None` without one.
    due: Option<WallClock>,
    /// Whether the run has recorded nothing.
    is_empty: bool,
    is_displaced: bool,
    n_tries_left: u32,
    interruption: Option<Interruption>,
    past: PastInterruptions,
}

/// A time during which the file cannot be written.
struct Interruption {
    since: WallClock,
    pause: Duration,
    next_try: WallClock,
}

/// What was interrupted and went on, for one warning at the end.
#[derive(Default)]
struct PastInterruptions {
    error: Option<JournalError>,
    times: u32,
    lasted: Duration,
    rows: u64,
}

impl<'d> Writer<'d> {
    /// # Errors
    /// When SQLite does not prepare the statement that adds a row.
    pub(super) fn new(
        queue: &'d WriteQueue,
        database: &'d Database,
        run: i64,
        interval: Duration,
    ) -> Result<Self, JournalError> {
        let writing = database.writing(run)?;
        Ok(Self {
            queue,
            database,
            writing,
            interval: interval.min(LONGEST_INTERVAL),
            rows: Rows::default(),
            n_committed: 0,
            n_added: 0,
            spare: Rows::default(),
            due: None,
            is_empty: true,
            is_displaced: false,
            n_tries_left: TRIES_AT_THE_END,
            interruption: None,
            past: PastInterruptions::default(),
        })
    }

    /// Writes rows as they come until the queue is closed, or the file turns out to be damaged.
    pub(super) fn write_all(mut self) {
        loop {
            let step = self.next_step();
            self.is_empty &= self.rows.is_empty();
            let n_waiting = self.rows.len() - self.n_committed;
            let written = self.write(step);
            if step == WriterStep::End {
                self.n_tries_left -= 1;
            }
            match written {
                Ok(()) => {
                    self.note_success(n_waiting);
                    if step == WriterStep::End {
                        return self.queue.end(self.past.warning(self.queue.lost()));
                    }
                }
                Err(error) if error.may_pass() && self.n_tries_left > 0 => self.interrupt(error),
                Err(error) => return self.give_up(error),
            }
        }
    }

    /// Fetches rows, up to the limits of a buffer. While the file cannot be written, waits for the next try first.
    fn next_step(&mut self) -> WriterStep {
        if let Some(interruption) = &self.interruption {
            // The end of the run is worth a try at once; the tries after that one have their pauses.
            let is_ending = self.n_tries_left < TRIES_AT_THE_END;
            let step = self.queue.wait_until(interruption.next_try, is_ending);
            if step == WriterStep::End || !self.rows.are_too_many() {
                self.queue.take(&mut self.rows, &mut self.spare);
            }
            return step;
        }
        match self.queue.fetch(&mut self.rows, &mut self.spare, self.due) {
            // A long interval must not fill the memory.
            WriterStep::Add if self.rows.are_too_many() => WriterStep::Commit,
            step => step,
        }
    }

    fn write(&mut self, step: WriterStep) -> Result<(), JournalError> {
        if step == WriterStep::End {
            self.database.wait_for_locks_at_the_end()?;
        }
        if self.interruption.is_some() {
            self.database.fold_log();
        }
        while self.n_added < self.rows.len() {
            self.begin()?;
            self.add_next()?;
            // A run that floods the journal hands over so many rows at once that they take several intervals.
            if self.n_added.is_multiple_of(64) && self.due.is_some_and(|due| WallClock::now() >= due) {
                self.commit()?;
            }
        }
        match step {
            WriterStep::Add => Ok(()),
            WriterStep::Commit => self.commit(),
            WriterStep::End => {
                self.begin()?;
                match self.is_empty && self.queue.is_refused() {
                    true => self.writing.forget_run()?,
                    false => self.writing.end_run(SystemTime::now())?,
                }
                self.commit()
            }
        }
    }

    fn begin(&mut self) -> Result<(), JournalError> {
        if self.due.is_none() {
            self.writing.begin()?;
            self.due = Some(WallClock::now() + self.interval);
        }
        Ok(())
    }

    fn add_next(&mut self) -> Result<(), JournalError> {
        let row_idx = self.n_added;
        if let Some(row) = self.rows.get(row_idx) {
            match self.writing.add(&row) {
                Ok(()) => {}
                Err(AddError::OfRow(why)) => {
                    tracing::error!(key = row.key, error = %why, "the journal does not take the row of an item");
                    self.queue.name_unwritable(row.key, why);
                    self.rows.skip(row_idx);
                }
                Err(AddError::OfJournal(error)) => return Err(error),
            }
        }
        self.n_added += 1;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), JournalError> {
        if self.due.is_none() {
            return Ok(());
        }
        self.writing.commit()?;
        self.note_commit();
        Ok(())
    }

    fn note_commit(&mut self) {
        self.due = None;
        self.n_committed = self.n_added;
        if self.n_committed == self.rows.len() {
            self.rows.clear();
            (self.n_committed, self.n_added) = (0, 0);
        }
        self.look_for_the_file();
    }

    /// Says once, and at once, that the journal is not where it was: the run may go on for days.
    fn look_for_the_file(&mut self) {
        if self.is_displaced {
            return;
        }
        if let Some(displaced) = self.database.displaced() {
            tracing::error!(error = %displaced, "the journal was moved, removed or replaced");
            self.queue.warn(displaced);
            self.is_displaced = true;
        }
    }

    fn note_success(&mut self, n_rows: usize) {
        let Some(interruption) = self.interruption.take() else { return };
        self.past.lasted += WallClock::now().saturating_duration_since(interruption.since);
        self.past.rows += n_rows as u64;
        self.queue.set_interrupted(false);
        tracing::info!(rows = n_rows, "the journal is written again");
    }

    /// Keeps the rows of the failed transaction, and tries them again after a pause. At the end of the run the pauses
    /// begin anew.
    fn interrupt(&mut self, error: JournalError) {
        if self.interruption.is_none() {
            tracing::error!(
                error = %error,
                "the journal cannot be written: rows wait in memory, and are tried again while the run goes on"
            );
        }
        self.roll_back();
        self.note_error(error);
        self.queue.set_interrupted(true);
        self.look_for_the_file(); // without a write-ahead log, a file that is not at its path takes no commit
    }

    fn note_error(&mut self, error: JournalError) {
        let now = WallClock::now();
        self.past.error = Some(error);
        self.past.times += u32::from(self.interruption.is_none());
        let is_first_of_the_end = self.n_tries_left == TRIES_AT_THE_END - 1;
        let (since, pause) = match &self.interruption {
            Some(known) if is_first_of_the_end => (known.since, FIRST_PAUSE),
            Some(known) => (known.since, (known.pause * 2).min(LONGEST_PAUSE)),
            None => (now, FIRST_PAUSE),
        };
        self.interruption = Some(Interruption { since, pause, next_try: now + pause });
    }

    /// An error of a commit may come after its rows are in the file; they are not written again then.
    fn roll_back(&mut self) {
        match self.writing.roll_back() {
            true => self.note_commit(),
            false => (self.due, self.n_added) = (None, self.n_committed),
        }
    }

    /// No row is written from here on: the run has ended, or the file is damaged.
    fn give_up(mut self, error: JournalError) {
        tracing::error!(error = %error, "the journal takes nothing more in this run");
        self.roll_back();
        self.note_error(error);
        self.past.rows += (self.rows.len() - self.n_committed) as u64;
        self.rows.keys_from(self.n_committed).for_each(|key| self.queue.lose(key));
        if let Some(interruption) = self.interruption.take() {
            self.past.lasted += WallClock::now().saturating_duration_since(interruption.since);
        }
        self.look_for_the_file();
        self.queue.end(self.past.warning(Lost::default()));
    }
}

impl PastInterruptions {
    fn warning(self, lost: Lost) -> Option<JournalError> {
        let Self { error, times, lasted, rows } = self;
        let error = Box::new(error?);
        Some(JournalError::Interrupted { error, times, lasted, rows, lost: lost.count, lost_keys: lost.keys })
    }
}
