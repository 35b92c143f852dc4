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
use crate::fault::Fault::{self, Cancel, Death, Disk, Drop, Fork, Kill, Limit, Lock, Panic, Pause};
use crate::judge::Verdict;

/// A kind of call.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Makes one such call and judges it.
    pub(crate) make: fn(&mut Call) -> Verdict,
    pub(crate) faults: &'static [Fault],
}

/// Faults of calls that run in this process.
const HERE: &[Fault] = &[Panic, Cancel, Pause, Fork];
/// Faults of calls in worker processes, or in any mode.
const ANYWHERE: &[Fault] = &[Panic, Cancel, Pause, Fork, Kill, Death];
const WITH_DROPS: &[Fault] = &[Panic, Cancel, Pause, Fork, Kill, Death, Drop];
const OF_LIMITS: &[Fault] = &[Limit, Panic, Kill, Death, Pause];
const OF_DROPS: &[Fault] = &[Drop, Kill, Pause, Fork];
const OF_BODIES: &[Fault] = &[Pause, Fork, Kill];
const WITHOUT_CANCEL: &[Fault] = &[Panic, Pause, Fork];
const OF_RETRIES: &[Fault] = &[Pause, Fork];
const OF_REPORTS: &[Fault] = &[Panic, Cancel, Pause, Fork, Kill, Death, Disk];
const OF_JOURNALS: &[Fault] = &[Panic, Cancel, Pause, Fork, Kill, Death, Disk, Lock];

pub(crate) static ALL: [Kind; 21] = [
    Kind { name: "serial", make: lists::serial, faults: HERE },
    Kind { name: "threads", make: lists::threads, faults: HERE },
    Kind { name: "io", make: lists::io, faults: HERE },
    Kind { name: "processes", make: lists::processes, faults: ANYWHERE },
    Kind { name: "state", make: lists::worker_state, faults: WITH_DROPS },
    Kind { name: "recycling", make: lists::recycling, faults: ANYWHERE },
    Kind { name: "limits", make: lists::limits, faults: OF_LIMITS },
    Kind { name: "drops", make: lists::drops, faults: OF_DROPS },
    Kind { name: "bodies", make: bodies::bodies, faults: OF_BODIES },
    Kind { name: "slices", make: bodies::slices, faults: OF_BODIES },
    Kind { name: "nested", make: nested::nested, faults: WITHOUT_CANCEL },
    Kind { name: "over", make: in_turn::over, faults: WITH_DROPS },
    Kind { name: "for-each", make: in_turn::for_each, faults: ANYWHERE },
    Kind { name: "ordered", make: streams::ordered, faults: ANYWHERE },
    Kind { name: "as-completed", make: streams::as_completed, faults: ANYWHERE },
    Kind { name: "spawn", make: streams::spawn, faults: ANYWHERE },
    Kind { name: "retry", make: retries::retry, faults: OF_RETRIES },
    Kind { name: "tasks", make: tasks::tasks, faults: WITHOUT_CANCEL },
    Kind { name: "journal", make: journals::journal, faults: OF_JOURNALS },
    Kind { name: "report", make: reports::report, faults: OF_REPORTS },
    Kind { name: "cache", make: caches::cache, faults: WITHOUT_CANCEL },
];

pub(crate) fn named(name: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.name == name)
}
