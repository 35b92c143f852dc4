//! Programs whose workers cannot begin: an error, never a hang and never a program that multiplies.

use std::process::Command;
use std::time::Duration;

use manyhands::{Cause, Job, OnFailure, Processes};
use manyhands_test_support::child::Exit;

use crate::fixtures::{Act, doubles_but, perform};
use crate::harness::{drills, for_worker_counts};
use crate::log::Log;
use crate::parents::{Parent, command};

drills![
    workers_that_all_die_at_their_start_are_an_error_that_tells_the_code,
    items_that_no_later_worker_can_take_fail_with_the_reason_and_results_are_kept,
    a_program_that_forgets_init_gets_an_error_that_says_so,
    a_worker_whose_program_forgets_init_starts_no_workers,
    a_program_that_is_no_expected_worker_says_so_and_ends,
    a_worker_whose_program_has_other_threads_does_not_change_the_environment,
];

/// Set by the library for a copy that is to become a worker.
const WORKER: &str = "MANYHANDS_WORKER";
/// Set by a drill: what to do before `init`, and where to note that it was done.
const BEFORE_INIT: &str = "DRILL_BEFORE_INIT";
const NOTES: &str = "DRILL_NOTES";
/// Says that `init` let a worker through; no drill takes it for the library's own doing.
const LET_THROUGH: i32 = 70;

/// What a badly written program does first. Workers inherit the variables of their parent.
pub(crate) fn before_init() {
    let note = |what: &str| Log::at(&std::env::var(NOTES).unwrap()).add(what);
    let is_worker = std::env::var_os(WORKER).is_some();
    match std::env::var(BEFORE_INIT).as_deref() {
        Ok("die") if is_worker => {
            note("died");
            std::process::exit(7);
        }
        Ok("die later") if is_worker && !Log::at(&std::env::var(NOTES).unwrap()).lines().is_empty() => {
            println!("no more");
            std::process::exit(7);
        }
        Ok("forget") => {
            note("began");
            // A copy of a copy would be one too many.
            if Log::at(&std::env::var(NOTES).unwrap()).lines().len() < 10 {
                report(&["2".to_owned()]);
            }
            std::process::exit(0);
        }
        Ok("thread") => {
            std::thread::spawn(std::thread::park); // is there for good when `spawn` returns
        }
        _ => {}
    }
}

/// Ends a copy that should have become a worker, so that no mistake makes this program start itself for ever.
pub(crate) fn refuse_to_multiply() {
    if std::env::var_os(WORKER).is_some() {
        eprintln!("init let a worker through");
        std::process::exit(LET_THROUGH);
    }
}

/// A parent that prints what came of its call.
pub(crate) fn report(arguments: &[String]) {
    let workers: usize = arguments[0].parse().unwrap();
    let items: Vec<Act> = doubles_but(50, &[]);
    match Job::new(&items).mode(Processes::new()).workers(workers).run(perform) {
        Ok(outcome) => println!("{} values", outcome.tally().succeeded),
        Err(error) => println!("config: {}, workers: {}: {error}", error.is_config(), error.is_workers()),
    }
}

/// A parent that prints how many of its items see the variable of workers.
pub(crate) fn variable(_: &[String]) {
    let sees = |_: &u32| std::env::var_os(WORKER).is_some();
    let seen = Job::new(&[0; 8]).mode(Processes::new()).workers(2).run(sees).unwrap().into_result().unwrap();
    println!("{} of {}", seen.iter().filter(|sees| **sees).count(), seen.len());
}

/// A parent whose second item ends its worker, after which none can be started. It prints how each item ended.
pub(crate) fn last_worker(_: &[String]) {
    let ends_the_last = |&n: &u32| {
        if n == 1 {
            Log::at(&std::env::var(NOTES).unwrap()).add("the last worker ends");
            std::process::exit(9);
        }
        n
    };
    let job = Job::new(&[0, 1, 2]).mode(Processes::new()).workers(1).chunk_size(1).on_failure(OnFailure::Continue);
    for result in job.run(ends_the_last).unwrap() {
        match result.map_err(|failure| failure.cause) {
            Ok(value) => println!("value {value}"),
            Err(Cause::Lost(worker)) => println!("{}|{}|{:?}", worker.exit, worker.last_lines.trim(), worker.reason),
            Err(cause) => println!("{cause:?}"),
        }
    }
}

fn prepared(mut command: Command, before_init: &str, notes: &Log) -> Command {
    command.env(BEFORE_INIT, before_init).env(NOTES, notes.path());
    command
}

fn workers_that_all_die_at_their_start_are_an_error_that_tells_the_code() {
    for_worker_counts(|workers| {
        let (notes, _folder) = Log::new();
        let mut parent = Parent::start(prepared(command("reports", &[&workers.to_string()]), "die", &notes));
        let line = parent.line();
        assert!(line.starts_with("config: false, workers: true: ") && line.contains("code 7"), "{line}");
        let n_started = notes.lines().len();
        assert!(n_started > 0 && n_started <= 20 + 4 * workers, "{n_started} starts for {workers} workers");
        let (exit, _, stderr) = parent.end();
        assert!(exit.is_success(), "{exit} {stderr}");
    });
}

fn items_that_no_later_worker_can_take_fail_with_the_reason_and_results_are_kept() {
    let (notes, _folder) = Log::new();
    let mut parent = Parent::start(prepared(command("last_worker", &[]), "die later", &notes));
    assert_eq!(parent.line(), "value 0");
    for item in [1, 2] {
        let line = parent.line();
        let is_told_apart =
            line.starts_with("exited with code 7|no more|Some(") && line.contains("died in a row before");
        assert!(is_told_apart, "item {item}: {line}");
    }
    assert!(parent.end().0.is_success());
}

fn a_program_that_forgets_init_gets_an_error_that_says_so() {
    for_worker_counts(|workers| {
        let (notes, _folder) = Log::new();
        let mut parent = Parent::start(prepared(command("reports", &[&workers.to_string()]), "forget", &notes));
        let line = parent.line();
        assert!(line.starts_with("config: true, ") && line.contains("manyhands::init"), "{line}");
        assert_eq!(notes.lines().len(), 1, "no copy of it was started");
        assert!(parent.end().0.is_success());
    });
}

fn a_worker_whose_program_forgets_init_starts_no_workers() {
    let (notes, _folder) = Log::new();
    let mut command = prepared(command("reports", &["2"]), "forget", &notes);
    command.env(WORKER, "1");
    let (_, stdout, _) = Parent::start(command).end();
    assert!(stdout.starts_with("config: true, "), "{stdout}");
    assert_eq!(notes.lines().len(), 1, "no copy of it was started");
}

fn a_program_that_is_no_expected_worker_says_so_and_ends() {
    for value in ["1", "0", "yes", "3:4", "-1", "99999999999999999999"] {
        let mut command = command("reports", &["2"]);
        command.env(WORKER, value);
        let mut parent = Parent::start(command);
        let exit = parent.ended_within(Duration::from_secs(10));
        let (_, stdout, stderr) = parent.end();
        assert!(!exit.is_success() && exit != Exit::Code(LET_THROUGH), "{value:?}: {exit} {stderr}");
        assert!(stderr.contains(WORKER), "{value:?}: {stderr}");
        assert_eq!((stdout.as_str(), stderr.lines().count()), ("", 1), "{value:?}: {stderr}");
    }
}

/// A C library may read the environment in a thread that was started before `init`.
fn a_worker_whose_program_has_other_threads_does_not_change_the_environment() {
    for (before, seen) in [("nothing", "0 of 8"), ("thread", "8 of 8")] {
        let (notes, _folder) = Log::new();
        let mut parent = Parent::start(prepared(command("variable", &[]), before, &notes));
        assert_eq!(parent.line(), seen, "{before}");
        assert!(parent.end().0.is_success());
    }
}
