//! A program that is stopped and goes on, as by a debugger, a batch system or `kill -STOP`: no item is late for it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use manyhands::{CancelToken, Job, OnFailure, Outcome, Processes};
use manyhands_test_support::wait::wait_until;
use rustix::process::{Pid, Signal, kill_process};

use crate::fixtures::job;
use crate::harness::drills;
use crate::log::Log;
use crate::parents::{Parent, command};

drills![
    a_program_that_was_stopped_with_its_workers_blames_no_item,
    a_program_that_was_stopped_in_the_iterator_of_a_stream_blames_no_item,
    a_worker_that_is_stopped_alone_is_late,
    a_worker_that_is_stopped_between_two_calls_is_replaced_under_a_limit_or_after_a_cancellation,
];

/// How long an item may take.
const LIMIT: Duration = Duration::from_millis(1000);
/// How long a program is stopped. With what an item has taken before, it is far beyond the limit.
const STOPPED: Duration = Duration::from_millis(1500);

/// Works for 400 ms, of which none passes while the process is stopped.
fn work(log: &Log, _: &usize) {
    log.add(&format!("busy {}", std::process::id()));
    let mut worked = Duration::ZERO;
    while worked < Duration::from_millis(400) {
        let begun = Instant::now();
        std::thread::sleep(Duration::from_millis(1));
        worked += begun.elapsed().min(Duration::from_millis(2));
    }
}

/// Two workers, two items. Of a stream the third comes when the program was stopped and goes on.
pub(crate) fn be_stopped(arguments: &[String]) {
    let log = Log::at(&arguments[0]);
    let mode = Processes::new().time_limit(LIMIT);
    let outcome = if arguments.len() > 1 {
        let theirs = log.clone();
        let items = (0..3).inspect(move |n| match n {
            2 => _ = theirs.wait_for(Duration::from_secs(20), |log| log.has("on")),
            _ => std::thread::sleep(Duration::from_millis(2)), // so that each item is handed out by itself
        });
        let job = Job::over(items).mode(mode).workers(2).on_failure(OnFailure::Continue);
        job.shared(&log).run(work)
    } else {
        job(&[0, 1], 2).mode(mode).chunk_size(1).on_failure(OnFailure::Continue).shared(&log).run(work)
    };
    let outcome: Outcome<()> = outcome.unwrap();
    let failures: Vec<String> = outcome.failures().iter().map(ToString::to_string).collect();
    println!("{} succeeded, {failures:?}", outcome.tally().succeeded);
}

/// Stops a program that plays `be_stopped`, with its workers or without; gives what it prints.
fn stop(arguments: &[&str], n_busy: usize, program_stops: bool, workers_stop: bool) -> String {
    let (log, _folder) = Log::new();
    let mut parent = Parent::start(command("stopped", &[&[log.path()], arguments].concat()));
    wait_until("the items are under way", Duration::from_secs(20), || log.after("busy").len() == n_busy);
    let workers = parent.workers();
    let workers = if workers_stop { workers } else { Default::default() };
    parent.stop(program_stops, &workers);
    std::thread::sleep(STOPPED); // what is drilled is the time itself
    parent.go_on(&workers);
    log.add("on");
    parent.line()
}

fn a_program_that_was_stopped_with_its_workers_blames_no_item() {
    assert_eq!(stop(&[], 2, true, true), "2 succeeded, []");
}

fn a_program_that_was_stopped_in_the_iterator_of_a_stream_blames_no_item() {
    assert_eq!(stop(&["stream"], 2, true, true), "3 succeeded, []");
}

fn a_worker_that_is_stopped_alone_is_late() {
    let said = stop(&[], 2, false, true);
    assert!(said.starts_with("0 succeeded") && said.contains("1s"), "{said}");
}

/// The item's worker, by its process number.
fn own_id(_: &usize) -> u32 {
    std::process::id()
}

fn a_worker_that_is_stopped_between_two_calls_is_replaced_under_a_limit_or_after_a_cancellation() {
    let items: Vec<usize> = (0..8).collect();
    for is_cancelled in [false, true] {
        let call = |mode| Job::new(&items).mode(mode).workers(2).chunk_size(1);
        let workers: BTreeSet<u32> =
            call(Processes::new()).run(own_id).unwrap().into_result().unwrap().into_iter().collect();
        for worker in &workers {
            let pid = i32::try_from(*worker).ok().and_then(Pid::from_raw).unwrap();
            kill_process(pid, Signal::STOP).unwrap();
        }
        if is_cancelled {
            let token = CancelToken::new();
            let theirs = token.clone();
            let cancels = std::thread::spawn(move || theirs.cancel());
            let outcome = call(Processes::new()).cancel_token(&token).run(own_id).unwrap();
            cancels.join().unwrap();
            assert!(!outcome.is_complete(), "stopped workers do nothing: {}", outcome.tally());
        } else {
            let outcome = call(Processes::new().time_limit(Duration::from_millis(300))).run(own_id).unwrap();
            let others = outcome.into_result().unwrap();
            assert!(others.iter().all(|worker| !workers.contains(worker)), "{others:?} and {workers:?}");
        }
    }
}
