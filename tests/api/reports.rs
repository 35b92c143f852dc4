//! The folder that records what a run did, in every mode.

use std::collections::HashSet;
use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use manyhands::{Job, Journal, LocalMode, OnFailure, Report, Retry, report::report_amount};
use serde_json::Value;

use crate::modes::for_every_way;

fn summary(folder: &Path) -> Value {
    serde_json::from_reader(std::fs::File::open(folder.join("summary.json")).unwrap()).unwrap()
}

/// Each row of the metrics: column names and fields.
fn rows(folder: &Path) -> Vec<Vec<(String, String)>> {
    let text = std::fs::read_to_string(folder.join("metrics.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let head = lines.next().unwrap();
    lines.map(|fields| head.iter().cloned().zip(fields).collect()).collect()
}

fn field<'r>(row: &'r [(String, String)], name: &str) -> &'r str {
    &row.iter().find(|(column, _)| column == name).unwrap().1
}

#[test]
fn a_run_that_a_callback_or_a_bad_item_ended_says_so() {
    for_every_way(|way| {
        if way.workers != 3 {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let work = way.job_over(0..).window(4).map(|&n: &usize| n).report(Report::at(folder.path()));
        work.for_each(|index, _| if index == 7 { Break(()) } else { Continue(()) }).unwrap();
        let written = summary(folder.path());
        assert_eq!((&written["ended_by"], &written["is_whole"]), (&"callback".into(), &false.into()), "{way:?}");

        let journal = Journal::at(folder.path().join("journal")).key(|n: &usize| n.to_string());
        let twice = way.job_over([1, 2, 1].into_iter()).map(|&n| n).journal(journal).report(Report::at(folder.path()));
        twice.run().unwrap_err();
        let written = summary(folder.path());
        assert_eq!((&written["ended_by"], &written["is_whole"]), (&"fault".into(), &false.into()), "{way:?}");
    });
}

#[test]
fn every_item_has_its_row_with_what_it_took_and_reported() {
    let items: Vec<usize> = (0..40).collect();
    for_every_way(|way| {
        if ![1, 3].contains(&way.workers) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let failed = Mutex::new(HashSet::new());
        let outcome = way
            .job(&items)
            .on_failure(OnFailure::Continue)
            .retry(Retry::times(2))
            .key(|n| format!("n{n}"))
            .try_map(|&n| {
                report_amount("samples", n as f64);
                assert_ne!(n, 11, "on purpose");
                if n == 20 || n == 7 && failed.lock().unwrap().insert(n) { Err("busy") } else { Ok(n) }
            })
            .report(Report::at(folder.path()).serial_sample(3))
            .run()
            .unwrap();
        assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
        let rows = rows(folder.path());
        assert_eq!(rows.len(), 40, "{way:?}");
        for (n, row) in rows.iter().enumerate() {
            assert_eq!(field(row, "key"), format!("n{n}"));
            let attempts = match n {
                7 => "2",
                11 | 20 => "3",
                _ => "1",
            };
            assert_eq!(field(row, "attempts"), attempts, "{way:?} {n}");
            assert_eq!(field(row, "samples").parse::<f64>().unwrap(), n as f64, "{way:?}: item {n}");
            assert!(field(row, "seconds").parse::<f64>().unwrap() >= 0.0);
            assert!(field(row, "worker").parse::<usize>().unwrap() < way.workers.max(1));
        }
        let summary = summary(folder.path());
        assert_eq!((&summary["succeeded"], &summary["failed"]), (&38.into(), &2.into()));
    });
}

#[test]
fn the_first_items_run_alone_to_be_measured_and_no_worker_is_left_waiting() {
    let items: Vec<usize> = (0..50).collect();
    for n_alone in [1, 10, 49, 70] {
        for retries in [false, true] {
            for_every_way(|way| {
                if way.workers == 1 || way.chunk_size == 5 {
                    return; // a report is synced to the disk, which takes its time
                }
                let folder = tempfile::tempdir().unwrap();
                let (in_hand, failed) = (AtomicUsize::new(0), Mutex::new(HashSet::new()));
                let job = if retries { way.job(&items).retry(Retry::times(1)) } else { way.job(&items) };
                let outcome = job
                    .try_map(|&n| {
                        let others = in_hand.fetch_add(1, Ordering::SeqCst);
                        assert!(others == 0 || n >= n_alone || retries, "item {n} is not alone");
                        std::thread::yield_now();
                        in_hand.fetch_sub(1, Ordering::SeqCst);
                        if retries && n % 9 == 4 && failed.lock().unwrap().insert(n) { Err(n) } else { Ok(n) }
                    })
                    .report(Report::at(folder.path()).serial_sample(n_alone))
                    .run();
                assert_eq!(outcome.unwrap().into_result().unwrap(), items, "{way:?}");
            });
        }
    }
    for_every_way(|way| {
        for n_items in [0, 1, 5, 30] {
            let folder = tempfile::tempdir().unwrap();
            let report = Report::at(folder.path()).serial_sample(5);
            let work = way.job_over(0..n_items).window(4).map(|&n: &usize| n).report(report);
            assert_eq!(work.run().unwrap().into_result().unwrap(), (0..n_items).collect::<Vec<_>>());
        }
    });
}

#[test]
fn the_sample_of_a_shuffled_run_runs_alone_and_by_cost_there_is_none() {
    let items: Vec<usize> = (0..50).collect();
    for mode in [LocalMode::Serial, LocalMode::Threads] {
        let folder = tempfile::tempdir().unwrap();
        let (in_hand, started) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let outcome = Job::new(&items)
            .mode(mode)
            .workers(3)
            .shuffle(7)
            .map(|&n| {
                let (others, rank) = (in_hand.fetch_add(1, Ordering::SeqCst), started.fetch_add(1, Ordering::SeqCst));
                std::thread::yield_now();
                in_hand.fetch_sub(1, Ordering::SeqCst);
                assert!(others == 0 || rank >= 10, "item {n}, started after {rank} others, is not alone");
                n
            })
            .report(Report::at(folder.path()).serial_sample(10))
            .run();
        assert_eq!(outcome.unwrap().into_result().unwrap(), items, "{mode}");
        assert_eq!(summary(folder.path())["serial_sample"]["items"], 10, "{mode}");

        let by_cost = || Job::new(&items).mode(mode).cost(|&n| n as u64).map(|&n| n);
        let error = by_cost().report(Report::at(folder.path()).serial_sample(1)).run().unwrap_err();
        assert!(error.is_config() && error.to_string().contains("leave out .serial_sample(..)"), "{error}");
        by_cost().report(Report::at(folder.path())).run().unwrap().into_result().unwrap();
        by_cost().report(Report::off().serial_sample(1)).run().unwrap().into_result().unwrap();
    }
}

#[test]
fn after_a_resume_the_report_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let items: Vec<usize> = (0..20).collect();
    let run = |items: &[usize]| {
        let journal = Journal::at(folder.path().join("journal")).key(|n: &usize| n.to_string());
        let job = Job::new(items).mode(LocalMode::Threads).workers(2);
        job.map(|&n| {
            report_amount("samples", n as f64);
            n
        })
        .journal(journal)
        .report(Report::at(folder.path().join("run")))
        .run()
    };
    run(&items[5..15]).unwrap().into_result().unwrap();
    run(&items).unwrap().into_result().unwrap();
    let rows = rows(&folder.path().join("run"));
    assert_eq!(rows.len(), 20);
    for (n, row) in rows.iter().enumerate() {
        assert_eq!(field(row, "resumed"), ((5..15).contains(&n)).to_string());
        assert_eq!(field(row, "samples").parse::<f64>().unwrap(), n as f64);
    }
    assert_eq!(summary(&folder.path().join("run"))["resumed"], 10);
}

/// The panic of a closure that looks up items, a key that comes twice, and a state that cannot be made.
#[test]
fn a_run_that_ends_before_its_items_has_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let report = || Report::at(folder.path().join("report"));
    let ended_by = || summary(&folder.path().join("report"))["ended_by"].clone();

    let job = Job::new(&[1, 2, 3]).done_if(|n| *n > 1 && panic!("no look-up"));
    let caught = catch_unwind(AssertUnwindSafe(|| job.map(|n| n + 1).report(report()).run()));
    assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"no look-up"));
    assert_eq!(ended_by(), "panic");

    assert_eq!(Job::new(&[1]).map(|n| n + 1).report(report()).run().unwrap().tally().succeeded, 1);
    assert_eq!(ended_by(), "last_item");

    let journal = Journal::at(folder.path().join("run.journal")).key(|_: &i32| "twice".to_owned());
    let error = Job::new(&[1, 2]).map(|n| n + 1).journal(journal).report(report()).run().unwrap_err();
    assert!(error.journal_error().is_some(), "{error}");
    assert_eq!(ended_by(), "fault");

    assert_eq!(Job::new(&[1]).map(|n| n + 1).report(report()).run().unwrap().tally().succeeded, 1);
    let job = Job::new(&[1, 2]).try_worker_state(|| Err::<(), _>("no model"));
    let error = job.map(|(), n| n + 1).report(report()).run().unwrap_err();
    assert!(error.is_worker_state(), "{error}");
    assert_eq!((ended_by(), summary(&folder.path().join("report"))["unfinished"].clone()), ("fault".into(), 2.into()));
}
