//! The kinds of calls, and which faults each can have.

mod bodies;
mod caches;
mod in_turn;
mod journals;
mod lists;
mod nested;
mod reports;
mod retries;
mod streams;
mod tasks;

use crate::call::Call;
use crate::fault::Fault;
use crate::judge::Verdict;

/// A kind of call.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Makes one such call and judges it.
    pub(crate) make: fn(&mut Call) -> Verdict,
    pub(crate) faults: &'static [Fault],
}

/// Faults of calls that may run in this process.
const HERE: &[Fault] = &[Fault::Panic, Fault::Cancel, Fault::Pause, Fault::Fork];
/// Faults of calls in worker processes.
const IN_PROCESSES: &[Fault] = &[Fault::Panic, Fault::Cancel, Fault::Pause, Fault::Fork, Fault::Kill, Fault::Death];
const OF_STATES: &[Fault] =
    &[Fault::Panic, Fault::Cancel, Fault::Pause, Fault::Fork, Fault::Kill, Fault::Death, Fault::Drop];
const WITHOUT_CANCEL: &[Fault] = &[Fault::Panic, Fault::Pause, Fault::Fork];
const WITH_DROPS: &[Fault] = &[Fault::Panic, Fault::Cancel, Fault::Pause, Fault::Fork, Fault::Drop];
const WITH_LIMITS: &[Fault] = &[Fault::Limit, Fault::Panic, Fault::Kill, Fault::Death, Fault::Pause];
const OF_BODIES: &[Fault] = &[Fault::Pause, Fault::Fork, Fault::Kill];
const OF_FILES: &[Fault] = &[Fault::Panic, Fault::Cancel, Fault::Pause, Fault::Fork, Fault::Disk];
const OF_JOURNALS: &[Fault] = &[Fault::Panic, Fault::Cancel, Fault::Pause, Fault::Fork, Fault::Disk, Fault::Lock];

pub(crate) static ALL: [Kind; 21] = [
    Kind { name: "serial", make: lists::serial, faults: HERE },
    Kind { name: "threads", make: lists::threads, faults: HERE },
    Kind { name: "io", make: lists::io, faults: HERE },
    Kind { name: "processes", make: lists::processes, faults: IN_PROCESSES },
    Kind { name: "state", make: lists::worker_state, faults: OF_STATES },
    Kind { name: "recycling", make: lists::recycling, faults: IN_PROCESSES },
    Kind { name: "limits", make: lists::limits, faults: WITH_LIMITS },
    Kind { name: "drops", make: lists::drops, faults: &[Fault::Drop, Fault::Kill, Fault::Pause, Fault::Fork] },
    Kind { name: "bodies", make: bodies::bodies, faults: OF_BODIES },
    Kind { name: "slices", make: bodies::slices, faults: OF_BODIES },
    Kind { name: "nested", make: nested::nested, faults: WITHOUT_CANCEL },
    Kind { name: "over", make: in_turn::over, faults: WITH_DROPS },
    Kind { name: "for-each", make: in_turn::for_each, faults: HERE },
    Kind { name: "ordered", make: streams::ordered, faults: HERE },
    Kind { name: "as-completed", make: streams::as_completed, faults: HERE },
    Kind { name: "spawn", make: streams::spawn, faults: HERE },
    Kind { name: "retry", make: retries::retry, faults: &[Fault::Pause, Fault::Fork] },
    Kind { name: "tasks", make: tasks::tasks, faults: WITHOUT_CANCEL },
    Kind { name: "journal", make: journals::journal, faults: OF_JOURNALS },
    Kind { name: "report", make: reports::report, faults: OF_FILES },
    Kind { name: "cache", make: caches::cache, faults: WITHOUT_CANCEL },
];

pub(crate) fn named(name: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.name == name)
}
