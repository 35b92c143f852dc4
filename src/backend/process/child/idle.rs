//! The pool of idle workers: processes that have ended one call and wait for the next one.
//!
//! Promises: an idle worker belongs to no call; the pool hands each out once. Leaves starting and ending to `Worker`.
//!
//! A worker is handed out only in the folder, with the environment and as the user that this process had when it was
//! started; otherwise it is outdated, and the call ends it.
//!
//! An idle worker costs its memory and three descriptors of this process, and no CPU. A worker that dies while it is
//! idle stays in the pool until a call takes it; the call then gets another in its place, and the death does not count.

use crate::backend::process::child::Worker;
use crate::backend::process::surroundings::Surroundings;
use crate::sync::{Mutex, per_process};

per_process! {
    /// The idle workers, the one that worked last at the end.
    static IDLE: Mutex<Vec<Worker>> = Mutex::new(Vec::new());
}

/// Takes an idle worker that may use `threads` threads, was started in these surroundings and has served fewer than
/// `max_served` items, if there is one.
///
/// `max_served` is the limit after which workers are recycled, so a worker that would be replaced at once is not taken:
/// it stays in the pool for calls without that limit, and the call starts another. Costs a step for each idle worker,
/// under a lock, and no system call.
pub(in crate::backend::process) fn take_idle(
    threads: usize,
    max_served: usize,
    surroundings: &Surroundings,
) -> Option<Worker> {
    let mut idle = IDLE.lock();
    // The one that worked last: its core is awake, and its memory is in the caches.
    let may_serve =
        |worker: &Worker| worker.threads() == threads && worker.served() < max_served && worker.is_of(surroundings);
    let found = idle.iter().rposition(may_serve)?;
    Some(idle.remove(found))
}

/// Takes the idle workers that were started in other surroundings than these, to be ended.
///
/// Costs a comparison for each idle worker, under a lock.
pub(in crate::backend::process) fn take_outdated(surroundings: &Surroundings) -> Vec<Worker> {
    let mut idle = IDLE.lock();
    let (current, outdated) = std::mem::take(&mut *idle).into_iter().partition(|worker| worker.is_of(surroundings));
    *idle = current;
    outdated
}

/// Keeps a worker for the next call.
///
/// What it printed since the last wait is shown first: a read of its pipe, at most 256 KiB.
pub(in crate::backend::process) fn keep(mut worker: Worker) {
    worker.become_idle();
    IDLE.lock().push(worker);
}

/// Ends the idle workers, and gives their number. Waits up to a second for each; one that takes longer is killed.
///
/// All are asked before the first is waited for, so ten workers that end in 20 ms take about 20 ms together. Workers of
/// calls that run are not touched.
pub(in crate::backend::process) fn end_idle_workers() -> usize {
    let idle = std::mem::take(&mut *IDLE.lock());
    let count = idle.len();
    idle.iter().for_each(Worker::close);
    idle.into_iter().for_each(Worker::join);
    count
}
