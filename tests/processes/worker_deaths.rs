//! Whatever an item does to its worker, it fails alone, its failure says why, and the pool goes on.

use std::process::Command;
use std::time::Duration;

use manyhands::{Cause, Never, OnFailure, Outcome, Processes, job::WorkerExit};
use manyhands_test_support::capture::captured;
use manyhands_test_support::wait::wait_until;
use rustix::process::{Signal, getpid, kill_process};

use crate::fixtures::{Act, FLOOD, LAST_WORDS, assert_failed_alone, assert_is_usable, doubles_but, job, perform};
use crate::harness::{drills, for_worker_counts};
use crate::log::Log;

drills![
    an_item_that_kills_its_worker_fails_alone,
    an_item_that_raises_sigsegv_fails_alone,
    an_item_that_writes_to_nowhere_fails_alone,
    an_item_that_aborts_fails_alone,
    an_item_that_exits_as_if_all_were_well_fails_alone,
    an_item_that_exits_with_a_code_fails_alone_and_the_code_is_reported,
    an_item_that_overflows_its_stack_fails_alone,
    an_item_that_wants_too_much_memory_fails_alone,
    an_item_that_is_refused_memory_may_go_on,
    an_item_that_panics_fails_alone_and_its_worker_goes_on,
    an_item_that_never_ends_fails_alone_at_its_time_limit,
    an_item_that_is_deaf_to_sigterm_fails_alone_at_its_time_limit,
    an_item_that_floods_both_streams_has_its_value_and_no_line_is_lost,
    an_item_that_floods_and_dies_fails_alone_with_its_last_line,
    an_item_that_closes_the_standard_streams_has_its_value,
    several_killers_in_one_call_are_all_named,
    a_call_in_which_every_item_kills_its_worker_ends_and_names_all,
    an_item_is_blamed_exactly_whatever_the_chunks,
    a_killer_in_every_chunk_is_blamed_exactly,
    what_an_item_started_ends_with_its_worker,
    an_item_that_closes_all_descriptors_is_told_from_one_that_was_killed,
];

/// Item 5 of 50 does this, with each number of workers; then the same workers take another call.
fn outcomes_of(act: Act, mode: Processes, check: impl Fn(usize, Outcome<u64>)) {
    let items = doubles_but(50, &[(5, act)]);
    for_worker_counts(|workers| {
        check(workers, job(&items, workers).mode(mode).run(perform).unwrap());
        assert_is_usable(workers);
    });
}

fn fails_alone(act: Act, mode: Processes, is_cause: impl Fn(&Cause<Never>) -> bool) {
    outcomes_of(act, mode, |workers, outcome| {
        assert_failed_alone(&outcome, &[5]);
        let failure = &outcome.failures()[0];
        assert!(is_cause(&failure.cause), "{act:?}, {workers} workers: {failure:?}");
        assert!(failure.attempts > 0);
    });
}

fn dies_of(act: Act, exit: WorkerExit) {
    fails_alone(act, Processes::new(), |cause| matches!(cause, Cause::Lost(worker) if worker.exit == exit));
}

fn an_item_that_kills_its_worker_fails_alone() {
    dies_of(Act::KillItself, WorkerExit::Signal(9));
}

fn an_item_that_raises_sigsegv_fails_alone() {
    dies_of(Act::RaiseSegv, WorkerExit::Signal(11));
}

fn an_item_that_writes_to_nowhere_fails_alone() {
    dies_of(Act::WriteNowhere, WorkerExit::Signal(11));
}

fn an_item_that_aborts_fails_alone() {
    dies_of(Act::Abort, WorkerExit::Signal(6));
}

fn an_item_that_exits_as_if_all_were_well_fails_alone() {
    dies_of(Act::Exit(0), WorkerExit::Exit(0));
}

fn an_item_that_exits_with_a_code_fails_alone_and_the_code_is_reported() {
    dies_of(Act::Exit(3), WorkerExit::Exit(3));
}

fn an_item_that_overflows_its_stack_fails_alone() {
    fails_alone(Act::OverflowStack, Processes::new(), |cause| match cause {
        Cause::Lost(worker) => {
            worker.exit == WorkerExit::Signal(6) && worker.last_lines.contains("overflowed its stack")
        }
        _ => false,
    });
}

fn an_item_that_wants_too_much_memory_fails_alone() {
    const LIMIT: u64 = 300 << 20;
    fails_alone(Act::EatMemory, Processes::new().memory_limit(LIMIT), |cause| *cause == Cause::MemoryLimit(LIMIT));
}

fn an_item_that_is_refused_memory_may_go_on() {
    outcomes_of(Act::ReserveMuch, Processes::new().memory_limit(300 << 20), |_, outcome| {
        assert_failed_alone(&outcome, &[]);
        assert_eq!(outcome.tally().lost_workers, 0);
    });
}

fn an_item_that_panics_fails_alone_and_its_worker_goes_on() {
    outcomes_of(Act::Panic, Processes::new(), |_, outcome| {
        assert_failed_alone(&outcome, &[5]);
        let failure = &outcome.failures()[0];
        assert_eq!((&failure.cause, failure.attempts), (&Cause::Panic("on purpose".to_owned()), 1));
        assert_eq!(outcome.tally().lost_workers, 0);
    });
}

const LIMIT: Duration = Duration::from_millis(200);

fn an_item_that_never_ends_fails_alone_at_its_time_limit() {
    let mode = Processes::new().time_limit(LIMIT);
    fails_alone(Act::SleepForEver, mode, |cause| *cause == Cause::TimeLimit(LIMIT));
}

fn an_item_that_is_deaf_to_sigterm_fails_alone_at_its_time_limit() {
    let mode = Processes::new().time_limit(LIMIT);
    fails_alone(Act::SleepForEverDeafToSigterm, mode, |cause| *cause == Cause::TimeLimit(LIMIT));
}

fn an_item_that_floods_both_streams_has_its_value_and_no_line_is_lost() {
    let n_printed = || ["flood on stdout, ", "flood on stderr, "].map(|what| captured().matches(what).count());
    outcomes_of(Act::Flood, Processes::new(), |_, outcome| assert_failed_alone(&outcome, &[]));
    wait_until("every line of three floods arrives", Duration::from_secs(10), || n_printed() == [3 * FLOOD; 2]);
}

fn an_item_that_floods_and_dies_fails_alone_with_its_last_line() {
    fails_alone(Act::FloodAndDie, Processes::new(), |cause| match cause {
        Cause::Lost(worker) => {
            worker.exit == WorkerExit::Signal(9)
                && worker.last_lines.trim_end().lines().last().is_some_and(|line| line.ends_with(LAST_WORDS))
        }
        _ => false,
    });
}

fn an_item_that_closes_the_standard_streams_has_its_value() {
    outcomes_of(Act::CloseStandardStreams, Processes::new(), |_, outcome| {
        assert_failed_alone(&outcome, &[]);
        assert_eq!(outcome.tally().lost_workers, 0);
    });
}

fn several_killers_in_one_call_are_all_named() {
    let killers = [3, 17, 18, 40];
    let items = doubles_but(50, &killers.map(|index| (index, Act::KillItself)));
    for_worker_counts(|workers| {
        let outcome = job(&items, workers).run(perform).unwrap();
        assert_failed_alone(&outcome, &killers);
        assert!(outcome.failures().iter().all(|failure| failure.is_lost() && failure.attempts == 2));
        assert_eq!(outcome.tally().lost_workers, 2 * killers.len());
        assert_is_usable(workers);
    });
}

fn a_call_in_which_every_item_kills_its_worker_ends_and_names_all() {
    let all: Vec<usize> = (0..20).collect();
    for_worker_counts(|workers| {
        let outcome = job(&[Act::KillItself; 20], workers).run(perform).unwrap();
        assert_failed_alone(&outcome, &all);
        assert!(outcome.failures().iter().all(|failure| failure.is_lost() && failure.attempts == 2));
        assert_eq!(outcome.tally().lost_workers, 40);
        assert_is_usable(workers);
    });
}

/// Chunk sizes to try: 0 stands for the automatic one.
const CHUNK_SIZES: [usize; 4] = [1, 10, 50, 0];

fn in_chunks(items: &[Act], workers: usize, chunk_size: usize) -> Outcome<u64> {
    let job = job(items, workers);
    let job = if chunk_size == 0 { job } else { job.chunk_size(chunk_size) };
    job.run(perform).unwrap()
}

fn an_item_is_blamed_exactly_whatever_the_chunks() {
    let items = doubles_but(1000, &[(500, Act::KillItself)]);
    for_worker_counts(|workers| {
        for chunk_size in CHUNK_SIZES {
            let outcome = in_chunks(&items, workers, chunk_size);
            assert_failed_alone(&outcome, &[500]);
            let failure = &outcome.failures()[0];
            assert!(failure.is_lost() && failure.attempts == 2, "chunks of {chunk_size}: {failure:?}");
            assert_eq!(outcome.tally().lost_workers, 2);
            assert_is_usable(workers);
        }
    });
}

fn a_killer_in_every_chunk_is_blamed_exactly() {
    // The first, the last and inner places of chunks of ten, and two in one chunk.
    let killers = [0, 9, 10, 19, 25, 55, 56, 99];
    let items = doubles_but(100, &killers.map(|index| (index, Act::Abort)));
    for_worker_counts(|workers| {
        for chunk_size in CHUNK_SIZES {
            let outcome = in_chunks(&items, workers, chunk_size);
            assert_failed_alone(&outcome, &killers);
            assert!(outcome.failures().iter().all(|failure| failure.is_lost() && failure.attempts == 2));
        }
        assert_is_usable(workers);
    });
}

fn what_an_item_started_ends_with_its_worker() {
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let start_and_hang = |log: &Log, _: &usize| -> () {
            let mut started = Command::new("sleep").arg("600").spawn().unwrap();
            log.add(&started.id().to_string());
            started.wait().unwrap();
        };
        let mode = Processes::new().time_limit(Duration::from_millis(300));
        let outcome = job(&[0_usize], workers).mode(mode).shared(&log).run(start_and_hang).unwrap();
        assert!(outcome.failures()[0].is_time_limit(), "{}", outcome.failures()[0]);
        let started: u32 = log.lines()[0].parse().unwrap();
        let is_gone =
            || std::fs::read_to_string(format!("/proc/{started}/stat")).map_or(true, |stat| stat.contains(") Z "));
        wait_until("what the item started is gone", Duration::from_secs(10), is_gone);
    });
}

fn an_item_that_closes_all_descriptors_is_told_from_one_that_was_killed() {
    fn close_all(n: &u32) -> u32 {
        if *n == 3 {
            // SAFETY: the descriptors are the worker's, which ends for it; no code of this test uses them afterwards.
            (0..1024).for_each(|fd| unsafe { _ = libc::close(fd) });
            std::thread::sleep(Duration::from_secs(60));
        }
        *n
    }
    let items: Vec<u32> = (0..8).collect();
    let outcome = job(&items, 2).mode(Processes::new()).on_failure(OnFailure::Continue).run(close_all).unwrap();
    let said: Vec<String> = outcome.failures().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("item 3 lost its worker") && said[0].contains("had closed its connection"), "{said:?}");
    let killed = job(&items, 2).mode(Processes::new()).on_failure(OnFailure::Continue).run(|n: &u32| {
        if *n == 3 {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
        *n
    });
    let said = killed.unwrap().failures()[0].to_string();
    assert!(said.contains("SIGKILL") && !said.contains("had closed"), "{said}");
}
