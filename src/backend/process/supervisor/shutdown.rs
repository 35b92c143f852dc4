//! Workers whose call has ended, until they have dropped what they were given. Then a worker that is kept becomes idle,
//! and a recycled one ends.
//!
//! Promises: dropping it kills the workers in it. Leaves to the supervisor how long to wait.
//!
//! A worker leaves its slot and passes through here in two cases. At the end of a call it is kept if it has dropped the
//! state and the shared value. During a call it is recycled: its socket is closed behind the `End` frame, so that the
//! process ends by itself after the destructors, while the slot already has another worker. Each is confirmed by an
//! `Ended` frame, behind the messages of destructors that panicked.

use crate::backend::contract::DropPanic;
use crate::backend::process::child::idle;
use crate::backend::process::child::{CallEnd, Worker};
use crate::sync::nanos;

/// The workers that shut down, and the destructors that panicked in them.
#[derive(Debug, Default)]
pub(super) struct Shutdowns {
    /// In the order in which they began to shut down.
    workers: Vec<ShuttingDown>,
    /// Destructors of states and shared values that panicked.
    drop_panics: Vec<DropPanic>,
}

/// A worker whose call has ended.
#[derive(Debug)]
struct ShuttingDown {
    worker: Worker,
    /// Whether it waits for another call afterwards.
    is_kept: bool,
    /// When it had dropped everything of the call, or died, in nanoseconds of the steady clock.
    ended: Option<u64>,
}

/// A process that has nothing of a call any more, and is to end, has this long for it, in nanoseconds: what runs at its exit
/// is not the program's, and a worker may be stopped.
const MOST_TO_EXIT: u64 = 1_000_000_000;

impl ShuttingDown {
    /// Whether its process should have ended by now.
    fn is_late(&self, now: u64) -> bool {
        !self.is_kept && self.ended.is_some_and(|ended| now.saturating_sub(ended) > MOST_TO_EXIT)
    }
}

impl Shutdowns {
    /// Whether no worker shuts down.
    pub(super) fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }

    /// The workers, to send to and to wait for.
    pub(super) fn workers_mut(&mut self) -> impl Iterator<Item = &mut Worker> {
        self.workers.iter_mut().map(|shutting_down| &mut shutting_down.worker)
    }

    /// Makes a worker drop what it has of the call; it is kept for the next one.
    pub(super) fn begin_to_keep(&mut self, mut worker: Worker) {
        worker.forget_blocks();
        worker.send_end();
        self.workers.push(ShuttingDown { worker, is_kept: true, ended: None });
    }

    /// Makes a worker drop what it has of the call, and end.
    pub(super) fn begin_to_recycle(&mut self, mut worker: Worker) {
        worker.send_end();
        worker.close();
        self.workers.push(ShuttingDown { worker, is_kept: false, ended: None });
    }

    /// Ends a worker that was idle, and so has nothing of a call.
    pub(super) fn begin_to_end_idle(&mut self, worker: Worker) {
        worker.close();
        self.workers.push(ShuttingDown { worker, is_kept: false, ended: Some(nanos()) });
    }

    /// Takes what the last wait found: workers that have dropped everything become idle or end. Gives how many were
    /// lost, that is, died though they were to be kept. They had no items, so nothing else is lost with them.
    ///
    /// | state of the worker | what becomes of it |
    /// |---|---|
    /// | dead | it is reaped |
    /// | kept, and has confirmed | it goes to the pool of idle workers |
    /// | recycled, and has confirmed | it stays here until its process has ended; after a second it is killed |
    /// | has not confirmed | it stays here |
    pub(super) fn collect(&mut self) -> usize {
        let mut n_lost = 0;
        for mut shutting_down in std::mem::take(&mut self.workers) {
            let is_dead = shutting_down.worker.is_dead();
            n_lost += usize::from(self.take_end(&mut shutting_down));
            let is_over = is_dead || shutting_down.is_late(nanos());
            match (shutting_down.is_kept, shutting_down.ended.is_some(), is_over) {
                (_, _, true) => drop(shutting_down),
                (true, true, false) => idle::keep(shutting_down.worker),
                _ => self.workers.push(shutting_down),
            }
        }
        n_lost
    }

    /// Takes what a worker says of its end; true when it died though it was to be kept.
    fn take_end(&mut self, shutting_down: &mut ShuttingDown) -> bool {
        if shutting_down.ended.is_some() {
            return false;
        }
        let Some(end) = shutting_down.worker.take_call_end() else { return false };
        shutting_down.ended = Some(nanos());
        self.drop_panics.extend(shutting_down.worker.take_drop_panics());
        end == CallEnd::Died && shutting_down.is_kept
    }

    /// Kills the workers that have not ended; gives their number.
    pub(super) fn kill_all(&mut self) -> usize {
        let n_killed = self.workers.len();
        self.workers.clear();
        n_killed
    }

    /// The destructors that panicked.
    pub(super) fn take_drop_panics(&mut self) -> Vec<DropPanic> {
        std::mem::take(&mut self.drop_panics)
    }
}
