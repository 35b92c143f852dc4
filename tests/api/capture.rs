//! What items and iterators print and panic with under `cargo test` is part of the output of the test that made the call.

use std::process::Command;

use manyhands::{Job, LocalMode, OnFailure};

/// Two calls in each mode with threads: a kept thread of the first test would run items of the second.
fn print_in_items(test: &'static str) {
    for mode in [LocalMode::Threads, LocalMode::IoThreads] {
        let outcome = Job::new(&[1, 2, 3, 4]).mode(mode).workers(2).on_failure(OnFailure::Continue).run(|n| {
            println!("{test} prints {n} in {mode}");
            assert!(*n != 3, "{test} panics in {mode}");
        });
        assert_eq!(outcome.unwrap().failures().len(), 1);
    }
    let items = move |way: &'static str| (0..4).inspect(move |n| println!("{test} reads {n} of {way}"));
    let stream =
        Job::over(items("a stream")).workers(2).map(move |n| println!("{test} streams {n}")).ordered().unwrap();
    assert_eq!(stream.count(), 4);
    assert_eq!(Job::over(items("a run")).workers(2).run(|n| *n).unwrap().tally().succeeded, 4);
}

#[test]
fn captured_first() {
    print_in_items("captured_first");
}

#[test]
fn captured_second() {
    print_in_items("captured_second");
}

#[test]
fn what_items_print_reaches_the_test_that_made_the_call() {
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--test-threads=1", "--show-output", "capture::captured_"])
        .env("MANYHANDS_KEEP_THREADS", "0")
        .output()
        .unwrap();
    let stdout = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success(), "{stdout}");
    let outputs = stdout.split("---- capture::").skip(1).map(|output| output.split_once(" stdout ----\n").unwrap());
    let outputs: Vec<_> = outputs.collect();
    assert_eq!(outputs.len(), 2, "{stdout}");
    for (test, output) in outputs {
        for mode in [LocalMode::Threads, LocalMode::IoThreads] {
            for n in 1..=4 {
                assert!(output.contains(&format!("{test} prints {n} in {mode}\n")), "{test}:\n{stdout}");
            }
            assert!(output.contains(&format!("{test} panics in {mode}")), "{test}:\n{stdout}");
        }
        assert!((0..4).all(|n| output.contains(&format!("{test} streams {n}\n"))), "{test}:\n{stdout}");
        for way in ["a stream", "a run"] {
            let is_there = |n| output.contains(&format!("{test} reads {n} of {way}\n"));
            assert!((0..4).all(is_there), "{test}, {way}:\n{stdout}");
        }
    }
    let stderr = String::from_utf8(run.stderr).unwrap();
    assert!(!stderr.contains("panics in"), "{stderr}");
}
