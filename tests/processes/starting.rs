//! Programs whose workers cannot begin: an error, never a hang and never a program that multiplies.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{self, Command, Stdio};
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
    a_program_that_an_item_starts_is_no_worker_whatever_it_inherits,
    a_process_that_another_than_its_parent_wants_as_a_worker_refuses,
];

/// Set by the library for a copy that is to become a worker.
const WORKER: &str = "MANYHANDS_WORKER";
/// Set by a drill: what to do before `init`, and where to note that it was done.
const BEFORE_INIT: &str = "DRILL_BEFORE_INIT";
const NOTES: &str = "DRILL_NOTES";
/// Set by a drill for a copy that is no worker although it has the variable.
pub(crate) const PASSES_OVER: &str = "DRILL_PASSES_OVER";
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
///
/// A drill lets copies through that find the variable and are right to pass over it. They have a role, and workers have none.
pub(crate) fn refuse_to_multiply() {
    let is_right = std::env::var_os(PASSES_OVER).is_some() && std::env::args().len() > 1;
    if std::env::var_os(WORKER).is_some() && !is_right {
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
        Err(error) if error.is_unsupported() => println!("unsupported: {error}"),
        Err(error) => println!("config: {}, workers: {}: {error}", error.is_config(), error.is_workers()),
    }
}

/// A parent that prints how many of its items see the variable of workers.
pub(crate) fn variable(_: &[String]) {
    let sees = |_: &u32| std::env::var_os(WORKER).is_some();
    let seen = Job::new(&[0; 8]).mode(Processes::new()).workers(2).run(sees).unwrap().into_result().unwrap();
    println!("{} of {}", seen.iter().filter(|sees| **sees).count(), seen.len());
}

/// A parent whose item starts a program that makes a call in processes itself, and says what that printed.
pub(crate) fn start_another(_: &[String]) {
    let start = |_: &u32| {
        let output = command("reports", &["2"]).env(PASSES_OVER, "1").output().unwrap();
        format!(
            "{} {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    };
    let said = Job::new(&[0]).mode(Processes::new()).run(start).unwrap().into_result().unwrap();
    println!("{}", said[0].trim());
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

fn a_program_that_an_item_starts_is_no_worker_whatever_it_inherits() {
    for before in ["nothing", "thread"] {
        let (notes, _folder) = Log::new();
        let mut parent = Parent::start(prepared(command("starts-another", &[]), before, &notes));
        assert_eq!(parent.line(), "exit status: 0 50 values", "{before}");
        assert!(parent.end().0.is_success());
    }
}

/// The value of the variable for a worker of this process: the form is that of a caller, the secret is not.
pub(crate) fn variable_of(caller: u32) -> String {
    format!("{caller}:00112233445566ff")
}

/// A program that would be a worker if it believed its variable: its stdin is a socket, whose other end a drill holds.
pub(crate) fn would_be_worker(mut command: Command) -> (Command, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    command.stdin(OwnedFd::from(theirs)).stdout(Stdio::piped()).stderr(Stdio::piped());
    (command, ours)
}

/// The shell between this process and the copy makes one of them the parent and the other the maker of the socket.
fn a_process_that_another_than_its_parent_wants_as_a_worker_refuses() {
    let through_a_shell = |variable: &str| {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{WORKER}={variable} /proc/{}/exe; exit $?", process::id()));
        let (mut shell, _ours) = would_be_worker(shell);
        shell.output().unwrap()
    };
    for (variable, reason) in
        [(variable_of(process::id()), "its parent is not process"), (variable_of_the_shell(), "its stdin was made by")]
    {
        let output = through_a_shell(&variable);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(125), "{variable}: {said}");
        assert!(said.contains(reason) && said.contains(WORKER), "{variable}: {said}");
    }
}

/// As [`variable_of`], with what a shell puts in for its own number.
fn variable_of_the_shell() -> String {
    "$$:00112233445566ff".to_owned()
}
