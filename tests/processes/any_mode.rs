//! Processes give what serial gives, whatever the items, the workers, the chunks and the policy.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::mpsc::{Sender, channel};

use manyhands::{AnyMode, Cause, Job, OnFailure, Processes, Progress, Tally};
use manyhands_test_support::property::config;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::harness::{drills, for_worker_counts};
use crate::log::Log;

drills![
    any_mode_gives_what_serial_gives,
    any_mode_delivers_what_serial_delivers,
    results_come_in_input_order_and_of_every_shape,
    progress_counts_finished_items_and_ends_at_the_total,
    the_costliest_items_start_first_and_results_stay_in_order,
    a_thread_that_is_ending_makes_calls_in_every_mode,
];

/// One call with all of its settings.
#[derive(Debug, Clone)]
struct Call {
    items: Vec<u16>,
    workers: usize,
    chunk_size: Option<usize>,
    by_cost: bool,
    policy: OnFailure,
    window: usize,
}

fn calls() -> impl Strategy<Value = Call> {
    let policies = [OnFailure::Stop, OnFailure::Continue, OnFailure::StopAfter(3), OnFailure::StopAbove(2.0)];
    (
        prop::collection::vec(0_u16..40, 0..300),
        prop::sample::select(vec![1_usize, 2, 3, 16]),
        prop::option::of(1_usize..50),
        any::<bool>(),
        prop::sample::select(policies.to_vec()),
        1_usize..200,
    )
        .prop_map(|(items, workers, chunk_size, by_cost, policy, window)| Call {
            items,
            workers,
            chunk_size,
            by_cost,
            policy,
            window,
        })
}

/// Some items fail, some panic, the others have answers of some length.
fn repeated(panics_at: &u16, &n: &u16) -> Result<Vec<u16>, String> {
    match n {
        0 => Err("zero".to_owned()),
        n if n == *panics_at => panic!("{n}"),
        n => Ok(vec![n; usize::from(n)]),
    }
}

const PANICS_AT: u16 = 1;

/// What must not depend on the mode.
type Seen = (Vec<(usize, Option<String>, Cause<String>)>, Vec<usize>, Vec<Option<Vec<u16>>>, [usize; 4]);

impl Call {
    fn job(&self, mode: AnyMode) -> Job<'_, u16, AnyMode> {
        let mut job = Job::new(&self.items).mode(mode).workers(self.workers).on_failure(self.policy);
        job = job.key(|n| format!("n{n}"));
        if let Some(size) = self.chunk_size {
            job = job.chunk_size(size);
        }
        if self.by_cost { job.cost(|&n| u64::from(n)) } else { job }
    }

    fn run(&self, mode: AnyMode) -> Seen {
        let outcome = self.job(mode).shared(&PANICS_AT).try_run(repeated).unwrap();
        let counts = counts(outcome.tally());
        let names = outcome.failures().iter().map(|f| (f.index, f.key.clone(), f.cause.clone())).collect();
        let unfinished: Vec<usize> = outcome.unfinished().collect();
        (names, unfinished, outcome.into_options(), counts)
    }

    /// What was delivered, in order.
    fn stream(&self, mode: AnyMode) -> (Vec<(usize, Result<Vec<u16>, Cause<String>>)>, [usize; 4]) {
        let mut handed_on = Vec::new();
        let work = self.job(mode).window(self.window).shared(&PANICS_AT).try_map(repeated);
        let tally = work
            .for_each_ordered(|index, answer| {
                handed_on.push((index, answer.map_err(|failure| failure.cause)));
                ControlFlow::Continue(())
            })
            .unwrap();
        (handed_on, counts(&tally))
    }
}

fn counts(tally: &Tally) -> [usize; 4] {
    [tally.items, tally.succeeded, tally.failed, tally.cancelled]
}

fn other_modes() -> [AnyMode; 3] {
    [AnyMode::Threads, AnyMode::IoThreads, AnyMode::Processes(Processes::new())]
}

fn for_any_call(check: impl Fn(&Call) -> Result<(), TestCaseError>) {
    TestRunner::new(config(100)).run(&calls(), |call| check(&call)).unwrap();
}

fn any_mode_gives_what_serial_gives() {
    for_any_call(|call| {
        let serial = call.run(AnyMode::Serial);
        for mode in other_modes() {
            prop_assert_eq!(&call.run(mode), &serial, "{}", mode);
        }
        Ok(())
    });
}

/// In the order of the items. With a hint of cost the order of work is another, and a stop, which comes in that
/// order, may come after the delivery of results that a serial run never made.
fn any_mode_delivers_what_serial_delivers() {
    for_any_call(|call| {
        let call = &Call { by_cost: false, ..call.clone() };
        let serial = call.stream(AnyMode::Serial);
        for mode in other_modes() {
            prop_assert_eq!(&call.stream(mode), &serial, "{}", mode);
        }
        Ok(())
    });
}

/// Ways to run in processes: workers, and chunks of 0 for automatic ones.
fn for_every_way(mut check: impl FnMut(usize, usize)) {
    for_worker_counts(|workers| {
        for chunk_size in [0, 1, 5, 1000] {
            check(workers, chunk_size);
        }
    });
}

fn way<T>(items: &[T], workers: usize, chunk_size: usize) -> Job<'_, T, Processes> {
    let job = Job::new(items).mode(Processes::new()).workers(workers);
    if chunk_size == 0 { job } else { job.chunk_size(chunk_size) }
}

fn results_come_in_input_order_and_of_every_shape() {
    let items: Vec<usize> = (0..997).collect();
    for_every_way(|workers, chunk_size| {
        let way = || way(&items, workers, chunk_size);
        let triples = way().run(|n: &usize| n * 3).unwrap().into_result().unwrap();
        assert!(triples.iter().enumerate().all(|(index, value)| *value == index * 3));
        let texts = way().run(|n: &usize| "x".repeat(n % 7)).unwrap().into_result().unwrap();
        assert!(texts.iter().enumerate().all(|(index, text)| text.len() == index % 7));
        let nothings = way().run(|_: &usize| ()).unwrap().into_result().unwrap();
        assert_eq!(nothings.len(), items.len());
        let rows = way().run(|&n: &usize| [n; 32]).unwrap().into_result().unwrap();
        assert!(rows.iter().enumerate().all(|(index, row)| row[31] == index));
        let units = Job::new(&[(); 100]).mode(Processes::new()).workers(workers).run(|(): &()| 1);
        assert_eq!(units.unwrap().into_result().unwrap(), [1; 100]);
    });
}

fn progress_counts_finished_items_and_ends_at_the_total() {
    let items: Vec<usize> = (0..1000).collect();
    for_every_way(|workers, chunk_size| {
        let mut snapshots = Vec::new();
        let progress = Progress::callback(|snapshot| snapshots.push(*snapshot));
        way(&items, workers, chunk_size).progress(progress).run(|n: &usize| n + 1).unwrap().into_result().unwrap();
        assert!(snapshots.is_sorted_by_key(|snapshot| snapshot.done));
        let last = snapshots.last().unwrap();
        assert_eq!((last.done, last.failed, last.total), (1000, 0, 1000));
    });
}

/// Each item notes that it began: with one worker, in the order of cost.
fn the_costliest_items_start_first_and_results_stay_in_order() {
    let items: Vec<u64> = (0..200).map(|n| n * 7919 % 200).collect();
    let expected: Vec<u64> = items.iter().map(|n| n + 1).collect();
    for_every_way(|workers, chunk_size| {
        let (log, _folder) = Log::new();
        let work = way(&items, workers, chunk_size).cost(|&n| n).shared(&log);
        let outcome = work.run(|log: &Log, &n: &u64| {
            log.add(&n.to_string());
            n + 1
        });
        assert_eq!(outcome.unwrap().into_result().unwrap(), expected);
        let begun: Vec<u64> = log.lines().iter().map(|line| line.parse().unwrap()).collect();
        assert!(workers > 1 || begun.is_sorted_by(|one, next| one >= next), "{begun:?}");
    });
}

/// Makes calls in each mode when it is dropped, and says what came of them.
struct Late(Sender<Vec<Vec<u64>>>);

impl Drop for Late {
    fn drop(&mut self) {
        let squares = ["serial", "threads", "io", "processes"].map(|name| {
            let mode: AnyMode = name.parse().unwrap();
            let over = Job::over(0..20_u64).mode(mode).workers(2).run((|n| n * n) as fn(&u64) -> u64);
            let list = Job::new(&[1_u64, 2]).mode(mode).workers(2).run((|n| n * n) as fn(&u64) -> u64);
            [over.unwrap().into_result().unwrap(), list.unwrap().into_result().unwrap()].concat()
        });
        self.0.send(squares.to_vec()).unwrap();
    }
}

fn a_thread_that_is_ending_makes_calls_in_every_mode() {
    thread_local! {
        static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
    }
    let (sender, squares) = channel();
    let ends = std::thread::spawn(move || {
        LATE.with(|late| *late.borrow_mut() = Some(Late(sender)));
        // What this call keeps for its thread is destroyed before the value above is.
        let _config = manyhands::config::override_parallel_config(manyhands::ParallelConfig::default());
        let squares = Job::new(&[1, 2]).mode(Processes::new()).run(|n: &u64| n * n).unwrap().into_result();
        assert_eq!(squares.unwrap(), [1, 4]);
    });
    ends.join().unwrap();
    let expected: Vec<u64> = (0..20).map(|n| n * n).chain([1, 4]).collect();
    assert_eq!(squares.recv().unwrap(), vec![expected; 4]);
}
