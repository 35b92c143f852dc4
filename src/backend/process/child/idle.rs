//! The pool of idle workers: processes that have ended one call and wait for the next one.
//!
//! Promises: an idle worker belongs to no call; the pool hands each out once. Leaves starting and ending to `Worker`.
//!
//! A worker is handed out only in the folder, with the environment and as the user that this process had when it was
//! started; otherwise it is outdated, and the call ends it.
//!
//! An idle worker costs its memory and three descriptors of this process, and no CPU. A worker that dies while it is
//! idle is taken out and reaped at once, and what its items had left in its group is killed; the thread of `spawner.rs` sees
//! to that. A call that is faster gets another in its place, and the death does not count.

use std::io;

use crate::backend::process::child::Worker;
use crate::backend::process::surroundings::{Origin, Surroundings};
use crate::sync::{Arc, Mutex, per_process};

per_process! {
    static IDLE: Mutex<Pool> = Mutex::new(Pool::default());
}

/// The idle workers.
#[derive(Default)]
struct Pool {
    /// The one that worked last is at the end.
    workers: Vec<Worker>,
    /// Whether a worker has died since one was kept last: it was in a call then, which may not have noticed before it ended.
    may_hold_dead: bool,
}

impl Pool {
    /// Takes out the workers that have died. Costs a system call for each idle worker.
    fn take_dead(&mut self) -> Vec<Worker> {
        self.may_hold_dead = false;
        self.workers.extract_if(.., |worker| worker.has_ended()).collect()
    }
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
    let idle = &mut IDLE.lock().workers;
    // The one that worked last: its core is awake, and its memory is in the caches.
    let may_serve =
        |worker: &Worker| worker.threads() == threads && worker.served() < max_served && worker.is_of(surroundings);
    let found = idle.iter().rposition(may_serve)?;
    Some(idle.remove(found))
}

/// Starts a worker for a call in which none is idle; see [`Worker::start`].
pub(in crate::backend::process) fn start(threads: usize, origin: &Arc<Origin>) -> io::Result<Worker> {
    Worker::start(threads, origin, note_deaths)
}

/// Takes the idle workers that were started in other surroundings than these, to be ended. Gives also what the others
/// were started with, if there are others.
///
/// Costs a comparison for each idle worker, under a lock.
pub(in crate::backend::process) fn take_outdated(surroundings: &Surroundings) -> (Vec<Worker>, Option<Arc<Origin>>) {
    let idle = &mut IDLE.lock().workers;
    let outdated = idle.extract_if(.., |worker| !worker.is_of(surroundings)).collect();
    (outdated, idle.last().map(|worker| Arc::clone(worker.origin())))
}

/// Keeps a worker for the next call.
///
/// What it printed since the last wait is shown first: a read of its pipe, at most 256 KiB.
pub(in crate::backend::process) fn keep(mut worker: Worker) {
    worker.become_idle();
    let mut idle = IDLE.lock();
    idle.workers.push(worker);
    let dead = if idle.may_hold_dead { idle.take_dead() } else { Vec::new() };
    drop(idle);
    drop(dead);
}

/// Ends what is left of idle workers that have died: kills their groups, and reaps them.
///
/// Called after a worker has died. Where it was in a call then, the call handles the death, or the next worker that is
/// kept brings it to light.
fn note_deaths() {
    let mut idle = IDLE.lock();
    let dead = idle.take_dead();
    idle.may_hold_dead = true;
    drop(idle);
    drop(dead);
}

/// Ends the idle workers, and gives their number. Waits up to a second for each; one that takes longer is killed.
///
/// All are asked before the first is waited for, so ten workers that end in 20 ms take about 20 ms together. Workers of
/// calls that run are not touched.
pub(in crate::backend::process) fn end_idle_workers() -> usize {
    let idle = std::mem::take(&mut IDLE.lock().workers);
    let count = idle.len();
    idle.iter().for_each(Worker::close);
    idle.into_iter().for_each(Worker::join);
    count
}
