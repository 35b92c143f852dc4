//! State of a worker process: made once in it, kept to its last item of the call, dropped in it.

use std::collections::BTreeSet;
use std::process;

use manyhands::{Error, OnFailure, Outcome, Processes};

use crate::fixtures::{assert_is_usable, job, kill_itself};
use crate::harness::{drills, for_worker_counts};
use crate::log::Log;

drills![
    a_state_is_made_once_per_worker_in_it_and_dropped_at_the_end_of_the_call,
    a_state_is_dropped_when_its_worker_is_recycled,
    a_worker_that_took_the_place_of_a_dead_one_makes_a_state_of_its_own,
    a_state_is_kept_after_a_panic,
    each_call_makes_states_of_its_own,
    a_state_that_cannot_be_made_is_one_error_of_the_call,
    a_state_whose_maker_panics_is_one_error_of_the_call,
    a_state_whose_maker_kills_its_worker_is_one_error_of_the_call,
];

/// A state that notes its beginning and its end.
struct State {
    pid: u32,
    log: Log,
}

impl State {
    fn new(log: &Log) -> Self {
        log.add(&format!("made {}", process::id()));
        Self { pid: process::id(), log: log.clone() }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        assert_eq!(self.pid, process::id());
        self.log.add(&format!("dropped {}", self.pid));
    }
}

/// Says where its state was made; some of its kind do worse.
fn home(state: &mut State, item: &Deed) -> u32 {
    match item {
        Deed::Work => {}
        Deed::Panic => panic!("on purpose"),
        Deed::DieAtFirst => {
            if state.log.is_first("killed") {
                kill_itself();
            }
        }
    }
    assert_eq!(state.pid, process::id(), "a state never leaves its process");
    state.pid
}

#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
enum Deed {
    Work,
    Panic,
    DieAtFirst,
}

fn with_states(items: &[Deed], workers: usize, mode: Processes, log: &Log) -> Outcome<u32> {
    job(items, workers).mode(mode).shared(log).worker_state(State::new).run(home).unwrap()
}

fn pids(values: impl Iterator<Item = u32>) -> Vec<usize> {
    values.map(|pid| pid as usize).collect::<BTreeSet<_>>().into_iter().collect()
}

fn a_state_is_made_once_per_worker_in_it_and_dropped_at_the_end_of_the_call() {
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let outcome = with_states(&[Deed::Work; 500], workers, Processes::new(), &log);
        let (made, dropped) = (log.after("made"), log.after("dropped"));
        assert_eq!(made, dropped, "each is dropped once, by the end of the call");
        assert!(made.is_sorted_by(|one, next| one < next), "one per worker: {made:?}");
        assert!(made.len() <= workers && !made.contains(&(process::id() as usize)));
        let used = pids(outcome.into_result().unwrap().into_iter());
        assert!(used.iter().all(|pid| made.contains(pid)));
        assert_is_usable(workers);
    });
}

fn a_state_is_dropped_when_its_worker_is_recycled() {
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let items = vec![Deed::Work; 50 * workers];
        let outcome = with_states(&items, workers, Processes::new().recycle_after(7), &log);
        assert!(outcome.tally().recycled_workers > 0);
        let (made, dropped) = (log.after("made"), log.after("dropped"));
        assert_eq!(made, dropped);
        assert!(made.is_sorted_by(|one, next| one < next) && made.len() * 7 >= items.len(), "{made:?}");
        let used = pids(outcome.into_result().unwrap().into_iter());
        assert!(used.iter().all(|pid| made.contains(pid)));
    });
}

fn a_worker_that_took_the_place_of_a_dead_one_makes_a_state_of_its_own() {
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let mut items = [Deed::Work; 200];
        items[100] = Deed::DieAtFirst;
        let outcome = with_states(&items, workers, Processes::new(), &log);
        assert_eq!((outcome.tally().lost_workers, outcome.tally().succeeded), (1, 200));
        let (made, dropped) = (log.after("made"), log.after("dropped"));
        assert!(made.is_sorted_by(|one, next| one < next));
        assert_eq!(made.len(), dropped.len() + 1, "what dies drops nothing");
    });
}

fn a_state_is_kept_after_a_panic() {
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let mut items = [Deed::Work; 100];
        items[10] = Deed::Panic;
        let outcome = with_states(&items, workers, Processes::new(), &log);
        assert_eq!((outcome.tally().failed, outcome.tally().lost_workers), (1, 0));
        assert!(outcome.failures()[0].is_panic() && outcome.failures()[0].index == 10);
        let made = log.after("made");
        assert!(made.is_sorted_by(|one, next| one < next), "no worker makes a second one: {made:?}");
        assert_eq!(made, log.after("dropped"));
    });
}

fn each_call_makes_states_of_its_own() {
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        for call in 1..=3 {
            with_states(&[Deed::Work; 300], workers, Processes::new(), &log).into_result().unwrap();
            assert!(log.after("made").len() >= call, "a kept worker keeps no state from an earlier call");
            assert_eq!(log.after("made"), log.after("dropped"));
        }
    });
}

/// What a maker does that never makes a state.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
enum Maker {
    Fails,
    Panics,
    Dies,
}

fn unmade((log, maker): &(Log, Maker)) -> Result<(), String> {
    log.add("tried");
    match maker {
        Maker::Fails => Err("no model".to_owned()),
        Maker::Panics => panic!("no model"),
        Maker::Dies => kill_itself(),
    }
}

/// The error of a call whose states cannot be made, whatever the call thinks of failures.
fn errors_of(maker: Maker, check: impl Fn(usize, &Error)) {
    let items = [1; 50];
    for_worker_counts(|workers| {
        let modes = [Processes::new(), Processes::new().at_most_once()];
        for (policy, mode) in [OnFailure::Stop, OnFailure::Continue].into_iter().zip(modes) {
            let (log, _folder) = Log::new();
            let shared = (log.clone(), maker);
            let job = job(&items, workers).mode(mode).on_failure(policy);
            let work = job.shared(&shared).try_worker_state(unmade);
            check(workers, &work.run(|(): &mut (), n: &i32| *n).unwrap_err());
            let n_tried = log.lines().len();
            assert!((1..=20 + 4 * workers).contains(&n_tried), "{n_tried} tries by {workers} workers");
            assert_is_usable(workers);
        }
    });
}

fn a_state_that_cannot_be_made_is_one_error_of_the_call() {
    errors_of(Maker::Fails, |_, error| {
        assert!(error.is_worker_state(), "{error}");
        assert_eq!(error.to_string(), "a worker could not be prepared: no model");
    });
}

fn a_state_whose_maker_panics_is_one_error_of_the_call() {
    errors_of(Maker::Panics, |_, error| {
        assert!(error.is_worker_state() && error.to_string().contains("no model"), "{error}");
    });
}

/// Which kind of error is the library's choice; what killed the worker must be in it.
fn a_state_whose_maker_kills_its_worker_is_one_error_of_the_call() {
    errors_of(Maker::Dies, |_, error| {
        assert!(error.is_worker_state() || error.is_workers(), "{error:?}");
        assert!(error.to_string().contains("SIGKILL"), "{error}");
    });
}
