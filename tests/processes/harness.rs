//! What holds for every drill: nothing is left behind, nothing hangs, and what workers print is shown when it fails.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Once;
use std::thread;
use std::time::Duration;

use manyhands::{Job, LocalMode, Processes};
use manyhands_test_support::capture::{Capture, last_part};
pub(crate) use manyhands_test_support::harness::{Drill, drills};
use manyhands_test_support::harness::{Failed, one_after_the_other, run_watched};
use manyhands_test_support::leak_check;

/// A drill is given nothing.
pub(crate) type Function = fn();

/// How long a drill may take before the program ends, hung.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) fn run_suite(modules: &[&'static [Drill<Function>]]) -> ExitCode {
    let arguments = one_after_the_other();
    let shows_all = arguments.nocapture;
    let no_core_files = rustix::process::Rlimit { current: Some(0), ..rustix::process::getrlimit(CORE) };
    rustix::process::setrlimit(CORE, no_core_files).unwrap();
    manyhands_test_support::harness::run_suite(&arguments, modules, move |name, function| {
        run(name, function, shows_all)
    })
}

const CORE: rustix::process::Resource = rustix::process::Resource::Core;

fn run(name: &'static str, function: Function, shows_all: bool) -> Result<(), Failed> {
    let capture = Capture::begin();
    let result = run_watched(name, TIMEOUT, || assert_no_leak("the drill", function));
    let captured = capture.end();
    if result.is_err() || shows_all {
        std::io::stderr().write_all(last_part(&captured).as_bytes()).unwrap();
    }
    result.map_err(Failed::from)
}

/// The behaviour with one worker, with as many as this machine may have cores, and with far more.
pub(crate) fn for_worker_counts(mut check: impl FnMut(usize)) {
    for workers in [1, 2, 16] {
        assert_no_leak(&format!("a call with {workers} workers"), || check(workers));
    }
}

/// Runs it and asserts that no process, descriptor, shared memory or thread is there that was not there before.
pub(crate) fn assert_no_leak(what: &str, act: impl FnOnce()) {
    static HAS_RUN_BEFORE: Once = Once::new();
    // The first call of a program makes what later ones use again.
    HAS_RUN_BEFORE.call_once_force(|_| {
        for mode in [LocalMode::Threads, LocalMode::IoThreads] {
            let waiting = Job::new(&[(); 100]).mode(mode).workers(16).chunk_size(1);
            waiting.run(|()| thread::sleep(Duration::from_micros(100))).unwrap().into_result().unwrap();
        }
        // From an iterator, which a kept thread reads.
        let outcome = Job::over(1..5).mode(Processes::new()).workers(2).run(|n: &i32| n + 1);
        assert_eq!(outcome.unwrap().into_result().unwrap(), [2, 3, 4, 5]);
    });
    leak_check::assert_no_leak(what, || _ = Processes::end_idle_workers(), act);
}
