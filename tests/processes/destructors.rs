//! Destructors that panic, abort or hang in a worker: each costs its own item at most, and the outcome names it.

use std::time::Duration;

use manyhands::job::FailureKind;
use manyhands::{Cause, Error, Job, OnFailure, Outcome, Processes, Retry};
use serde::{Deserialize, Serialize};

use crate::fixtures::{assert_is_usable, job};
use crate::harness::{drills, for_worker_counts};

drills![
    items_whose_destructors_panic_keep_their_results,
    items_of_a_stream_whose_destructors_panic_keep_their_results,
    an_item_that_panics_and_whose_destructor_panics_too_fails_alone,
    an_item_whose_destructor_aborts_fails_alone,
    an_item_whose_destructor_hangs_fails_alone,
    results_and_errors_whose_destructors_panic_arrive,
    states_and_shared_values_whose_destructors_panic_cost_no_result,
    the_panic_of_a_closure_is_raised_though_results_break_that_were_not_handed_out,
];

/// What the destructor of a value does in a worker process. In the process that made the value it does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Deed {
    Nothing,
    Panic,
    Abort,
    Hang,
}

#[derive(Debug, Serialize, Deserialize)]
struct Fragile {
    number: u32,
    deed: Deed,
    /// The process in which the program runs.
    program: u32,
}

impl Drop for Fragile {
    fn drop(&mut self) {
        match self.deed {
            _ if std::process::id() == self.program => {}
            Deed::Nothing => {}
            // Without the message of the panic hook, which takes longer than all else here.
            Deed::Panic => std::panic::resume_unwind(Box::new(format!("{} broke", self.number))),
            Deed::Abort => std::process::abort(),
            Deed::Hang => std::thread::sleep(Duration::from_secs(100)),
        }
    }
}

fn items(deed: impl Fn(u32) -> Deed) -> Vec<Fragile> {
    (0..200).map(|number| Fragile { number, deed: deed(number), program: std::process::id() }).collect()
}

fn panics_if(condition: bool) -> Deed {
    if condition { Deed::Panic } else { Deed::Nothing }
}

fn number(item: &Fragile) -> u32 {
    item.number
}

fn texts<R, E>(outcome: &Outcome<R, E>) -> Vec<String> {
    assert!(outcome.warnings().iter().all(Error::is_destructor));
    assert_eq!(outcome.tally().lost_workers, 0);
    let mut texts: Vec<String> = outcome.warnings().iter().map(ToString::to_string).collect();
    texts.sort();
    texts
}

/// The warnings about these items, sorted like those of `texts`.
fn expected(what: &str, numbers: impl Iterator<Item = u32>) -> Vec<String> {
    let mut texts: Vec<String> =
        numbers.map(|n| format!("the destructor of {what}item {n} panicked: {n} broke")).collect();
    texts.sort();
    texts
}

fn items_whose_destructors_panic_keep_their_results() {
    let (one, many) = (items(|n| panics_if(n == 100)), items(|n| panics_if(n % 2 == 1 && n < 64)));
    for_worker_counts(|workers| {
        for chunk_size in [1, 64, 200] {
            let outcome = job(&one, workers).chunk_size(chunk_size).run(number).unwrap();
            assert_eq!(texts(&outcome), expected("", 100..101));
            assert_eq!(outcome.into_result().unwrap(), (0..200).collect::<Vec<_>>());
            let outcome = job(&many, workers).chunk_size(chunk_size).run(number).unwrap();
            assert_eq!(texts(&outcome), expected("", (1..64).step_by(2)));
            assert_eq!(outcome.into_result().unwrap(), (0..200).collect::<Vec<_>>());
        }
    });
    assert_is_usable(2);
}

fn items_of_a_stream_whose_destructors_panic_keep_their_results() {
    for_worker_counts(|workers| {
        let stream = items(|n| panics_if(n == 7)).into_iter();
        let job = Job::over(stream).mode(Processes::new()).workers(workers).window(9).done_if(|item| item.number < 5);
        let outcome = job.run(number).unwrap();
        assert_eq!(texts(&outcome), expected("", 7..8));
        assert_eq!((outcome.tally().succeeded, outcome.tally().done_before), (195, 5));
    });
}

fn an_item_that_panics_and_whose_destructor_panics_too_fails_alone() {
    let items = items(|n| panics_if(n == 13));
    for_worker_counts(|workers| {
        let outcome = job(&items, workers).on_failure(OnFailure::Continue).run(|item: &Fragile| {
            assert_ne!(item.number, 13, "in the function");
            item.number
        });
        let outcome = outcome.unwrap();
        assert_eq!(texts(&outcome), expected("", 13..14));
        assert_eq!(outcome.tally().succeeded, 199);
        assert!(matches!(&outcome.failures()[0].cause, Cause::Panic(text) if text.contains("in the function")));
    });
}

fn an_item_whose_destructor_aborts_fails_alone() {
    let items = items(|n| if n == 100 { Deed::Abort } else { Deed::Nothing });
    for_worker_counts(|workers| {
        let outcome = job(&items, workers).chunk_size(64).on_failure(OnFailure::Continue).run(number).unwrap();
        assert_eq!((outcome.tally().succeeded, outcome.tally().lost_workers), (199, 2));
        assert!(outcome.failures()[0].is_lost() && outcome.failures()[0].index == 100);
    });
    assert_is_usable(2);
}

fn an_item_whose_destructor_hangs_fails_alone() {
    let items = items(|n| if n == 100 { Deed::Hang } else { Deed::Nothing });
    let mode = Processes::new().time_limit(Duration::from_millis(300));
    let outcome = job(&items, 2).mode(mode).on_failure(OnFailure::Continue).run(number).unwrap();
    assert_eq!((outcome.tally().succeeded, outcome.failures()[0].index), (199, 100));
    assert!(matches!(outcome.failures()[0].cause, Cause::TimeLimit(_)));
}

fn results_and_errors_whose_destructors_panic_arrive() {
    let numbers: Vec<(u32, u32)> = (0..200).map(|number| (number, std::process::id())).collect();
    let result = |&(number, program): &(u32, u32)| {
        let fragile = Fragile { number, deed: panics_if(number % 50 < 2), program };
        if number % 50 == 1 { Err(fragile) } else { Ok(fragile) }
    };
    for_worker_counts(|workers| {
        for chunk_size in [1, 200] {
            let job = || job(&numbers, workers).chunk_size(chunk_size).on_failure(OnFailure::Continue);
            let outcome = job().try_run(result).unwrap();
            let mut all = expected("the value of ", (0..200).step_by(50));
            all.extend(expected("the error of ", (1..200).step_by(50)));
            all.sort();
            assert_eq!(texts(&outcome), all);
            assert_eq!((outcome.tally().succeeded, outcome.tally().failed), (196, 4));
            let retried = job().retry(Retry::times(1)).try_run(result).unwrap();
            assert_eq!((retried.tally().succeeded, retried.tally().retries, retried.tally().lost_workers), (196, 4, 0));
        }
    });
}

fn states_and_shared_values_whose_destructors_panic_cost_no_result() {
    let numbers: Vec<u32> = (0..50).collect();
    let shared = Fragile { number: 3, deed: Deed::Panic, program: std::process::id() };
    for_worker_counts(|workers| {
        for mode in [Processes::new(), Processes::new().recycle_after(20)] {
            let job = Job::new(&numbers).mode(mode).workers(workers).shared(&shared);
            let state = |shared: &Fragile| Fragile { number: 4, deed: Deed::Panic, program: shared.program };
            let outcome = job.worker_state(state).run(|_: &mut Fragile, n: &u32| *n).unwrap();
            let texts = texts(&outcome);
            let count = |what: &str| texts.iter().filter(|text| text.contains(what)).count();
            assert!(count("of a worker's state panicked: 4 broke") >= outcome.tally().workers, "{texts:?}");
            assert_eq!(count("a worker's state"), count("of a worker's copy of the shared value panicked: 3 broke"));
            assert_eq!(outcome.into_result().unwrap(), numbers);
        }
    });
}

/// Its destructor panics in the process in which the program runs, and does nothing in its workers.
#[derive(Debug, Serialize, Deserialize)]
struct BreaksHere {
    number: u32,
    program: u32,
}

impl Drop for BreaksHere {
    fn drop(&mut self) {
        if std::process::id() == self.program {
            std::panic::resume_unwind(Box::new(format!("{} broke", self.number)));
        }
    }
}

/// Runs a job in which this closure panics, and gives the text of the panic that comes out of the call.
fn panic_of(closure: &'static str, taken: &str, workers: usize) -> &'static str {
    let program = std::process::id();
    let items: Vec<(u32, u32)> = (0..40).map(|number| (number, program)).collect();
    let items: &'static [(u32, u32)] = items.leak();
    let panic_if = move |panics: bool| {
        if panics {
            std::panic::resume_unwind(Box::new(closure));
        }
    };
    let job = match taken {
        "stream" => Job::over(items.to_vec()).mode(Processes::new()).workers(workers),
        "delivered" => job(items, workers).retry(Retry::times(1).only([FailureKind::Panic])),
        _ => job(items, workers),
    };
    let job = job.on_failure(OnFailure::Continue).chunk_size(10);
    let progress = move |snapshot: &manyhands::progress::Snapshot| {
        panic_if(closure == "progress" && snapshot.done >= 20);
    };
    let key = move |_: &(u32, u32)| {
        panic_if(closure == "key");
        String::new()
    };
    let job = job.progress(manyhands::Progress::callback(progress)).key(key);
    let work = job.try_map(|&(number, program): &(u32, u32)| {
        let value = BreaksHere { number, program };
        if number == 35 { Err(value) } else { Ok(value) }
    });
    let mut n_seen = 0;
    let mut see = |result| {
        std::mem::forget(result);
        n_seen += 1;
        panic_if(closure == "callback" && n_seen == 3);
        std::ops::ControlFlow::Continue(())
    };
    let run = std::panic::AssertUnwindSafe(|| match taken {
        "for_each" => _ = work.for_each(|_, result| see(result)).err().unwrap(),
        "iterator" => {
            work.ordered().ok().unwrap().for_each(|result| assert!(see(result.ok().unwrap().1).is_continue()))
        }
        _ => drop(work.run().ok().unwrap()),
    });
    *std::panic::catch_unwind(run).unwrap_err().downcast::<&str>().unwrap()
}

fn the_panic_of_a_closure_is_raised_though_results_break_that_were_not_handed_out() {
    for_worker_counts(|workers| {
        for taken in ["slots", "delivered", "stream", "for_each", "iterator"] {
            for closure in ["progress", "callback", "key"] {
                if closure != "callback" || ["for_each", "iterator"].contains(&taken) {
                    assert_eq!(panic_of(closure, taken, workers), closure, "{taken}, {workers} workers");
                }
            }
        }
    });
    assert_is_usable(2);
}
