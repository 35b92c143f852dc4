//! What a run keeps beyond its end, and what limits it by itself, when its items run in worker processes.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use manyhands::{
    Job, Journal, OnFailure, Processes, Report, job::FailureKind, journal::JournalReader, report::report_amount,
};
use serde_json::Value;

use crate::fixtures::{Act, doubles_but, job, kill_itself, perform, sleep_for_ever};
use crate::harness::{drills, for_worker_counts};
use crate::log::Log;

drills![
    a_journal_has_what_workers_finished_and_a_resumed_run_begins_only_the_rest,
    a_failure_that_took_its_worker_is_recorded_with_its_kind_and_tries,
    a_report_names_the_workers_and_what_items_reported_in_them,
    what_is_done_before_travels_to_no_worker,
    an_item_that_takes_many_times_the_median_has_no_more_time,
    an_item_whose_time_is_up_may_use_its_grace,
];

fn journal<T>(path: &Path, key: impl Fn(&T) -> String + Send + 'static) -> Journal<'static, T> {
    Journal::at(path).key(key).version("1")
}

fn a_journal_has_what_workers_finished_and_a_resumed_run_begins_only_the_rest() {
    let items: Vec<usize> = (0..60).collect();
    for_worker_counts(|workers| {
        let (log, folder) = Log::new();
        let path = folder.path().join("run.journal");
        let run = |may_fail: bool| {
            job(&items, workers)
                .on_failure(OnFailure::Stop)
                .shared(&(log.clone(), may_fail))
                .try_map(|(log, may_fail): &(Log, bool), &n: &usize| {
                    log.add(&n.to_string());
                    if *may_fail && n == 41 { Err("busy".to_owned()) } else { Ok(n * 2) }
                })
                .journal(journal(&path, usize::to_string))
                .run()
                .unwrap()
        };
        assert_eq!(run(true).failures().len(), 1);
        let recorded = JournalReader::open(&path).unwrap().entries().unwrap();
        let succeeded = recorded.iter().filter(|entry| entry.failure.is_none());
        let mut finished: Vec<usize> = succeeded.map(|entry| entry.key.parse().unwrap()).collect();
        finished.sort_unstable();
        assert!((41..60).contains(&finished.len()), "{}", finished.len());
        let begun_before = log.lines().len();
        let outcome = run(false);
        assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
        assert_eq!(outcome.resumed().collect::<Vec<_>>(), finished);
        assert_eq!(log.lines().len() - begun_before, 60 - finished.len());
        assert_eq!(outcome.into_result().unwrap(), items.iter().map(|n| n * 2).collect::<Vec<_>>());
    });
}

fn a_failure_that_took_its_worker_is_recorded_with_its_kind_and_tries() {
    let items = doubles_but(20, &[(3, Act::KillItself), (8, Act::Panic)]);
    for_worker_counts(|workers| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.journal");
        let run = || {
            let numbered: Vec<(usize, Act)> = items.iter().copied().enumerate().collect();
            let journal = journal(&path, |(n, _): &(usize, Act)| n.to_string());
            let work = job(&numbered, workers).map(|(_, act): &(usize, Act)| perform(act)).journal(journal);
            work.report(Report::at(folder.path())).run().unwrap()
        };
        let outcome = run();
        let tried: Vec<_> = outcome.failures().iter().map(|failure| (failure.index, failure.attempts)).collect();
        assert_eq!(tried, [(3, 2), (8, 1)]);
        let lines: Vec<Value> = std::fs::read_to_string(folder.path().join("failed.jsonl"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let rows: Vec<_> = lines.iter().map(|failed| (&failed["key"], &failed["kind"], &failed["attempts"])).collect();
        let (lost, panicked) = ("3".into(), "8".into());
        let (killed, panic) = ("lost".into(), "panic".into());
        assert_eq!(rows, [(&lost, &killed, &2.into()), (&panicked, &panic, &1.into())]);
        let mut recorded = JournalReader::open(&path).unwrap().entries().unwrap();
        recorded.retain(|entry| entry.failure.is_some());
        recorded.sort_by(|a, b| a.key.cmp(&b.key));
        let kinds: Vec<_> =
            recorded.iter().map(|entry| (entry.failure.as_ref().unwrap().kind, entry.attempts)).collect();
        assert_eq!(kinds, [(FailureKind::Lost, 2), (FailureKind::Panic, 1)]);
        let again: Vec<_> = run().failures().iter().map(|failure| (failure.index, failure.attempts)).collect();
        assert_eq!(again, [(3, 2), (8, 1)], "of this run");
    });
}

fn a_report_names_the_workers_and_what_items_reported_in_them() {
    let items: Vec<usize> = (0..40).collect();
    for_worker_counts(|workers| {
        let folder = tempfile::tempdir().unwrap();
        let outcome = job(&items, workers)
            .key(|n| format!("n{n}"))
            .map(|&n| {
                report_amount("samples", n as f64);
                n
            })
            .report(Report::at(folder.path()))
            .run()
            .unwrap();
        assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
        let summary: Value =
            serde_json::from_slice(&std::fs::read(folder.path().join("summary.json")).unwrap()).unwrap();
        assert_eq!((&summary["mode"], &summary["succeeded"]), (&"processes".into(), &40.into()));
        assert!(
            ["peak_memory_bytes", "peak_worker_memory_bytes"]
                .iter()
                .all(|name| summary[*name].as_u64() > Some(100_000))
        );
        let metrics = std::fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
        let mut lines = metrics.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let head = lines.next().unwrap();
        let column = |name| head.iter().position(|column| *column == name).unwrap();
        let rows: Vec<_> = lines.collect();
        assert_eq!(rows.len(), 40);
        let by: HashSet<u32> = rows.iter().map(|row| row[column("worker")].parse().unwrap()).collect();
        assert!((1..=workers).contains(&by.len()), "{by:?}");
        for (n, row) in rows.iter().enumerate() {
            assert_eq!(row[column("key")], format!("n{n}"));
            assert_eq!(row[column("samples")].parse::<f64>().unwrap(), n as f64);
            assert!(row[column("peak_memory_bytes")].parse::<u64>().unwrap() > 100_000);
            assert!(row[column("seconds")].parse::<f64>().unwrap() >= 0.0);
        }
    });
}

fn what_is_done_before_travels_to_no_worker() {
    let items: Vec<usize> = (0..30).collect();
    for_worker_counts(|workers| {
        let outcome =
            job(&items, workers).done_if(|n| n % 3 == 0).run(|&n| if n % 3 == 0 { kill_itself() } else { n }).unwrap();
        assert_eq!((outcome.tally().done_before, outcome.tally().succeeded, outcome.failures().len()), (10, 20, 0));
    });
}

fn an_item_that_takes_many_times_the_median_has_no_more_time() {
    let items: Vec<usize> = (0..40).collect();
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        // Item 30 sleeps when enough others are done that a median is known.
        let outcome = Job::new(&items)
            .mode(Processes::new().time_limit_percent(2000))
            .workers(workers)
            .chunk_size(1)
            .on_failure(OnFailure::Continue)
            .shared(&log)
            .run(|log: &Log, &n: &usize| {
                std::thread::sleep(Duration::from_millis(2));
                log.add(&n.to_string());
                if n == 30 { sleep_for_ever() } else { n }
            })
            .unwrap();
        let failures = outcome.failures();
        assert!(failures.iter().any(|failure| failure.index == 30 && failure.is_time_limit()), "{failures:?}");
        assert!(failures.iter().all(|failure| failure.is_time_limit()), "{failures:?}");
        assert!(log.has("30") && outcome.tally().succeeded + failures.len() == 40);
    });
}

fn an_item_whose_time_is_up_may_use_its_grace() {
    for_worker_counts(|workers| {
        // Deaf to SIGTERM, it is there until the grace has passed: SIGKILL comes then, and not before.
        for grace in [Duration::ZERO, Duration::from_millis(300)] {
            let mode = Processes::new().time_limit(Duration::from_millis(50)).grace(grace);
            let items = [Act::Double(1), Act::SleepForEverDeafToSigterm];
            let outcome = job(&items, workers).mode(mode).run(perform).unwrap();
            let failure = &outcome.failures()[0];
            assert!(failure.index == 1 && failure.is_time_limit(), "{failure:?}");
            assert!(failure.elapsed >= grace + Duration::from_millis(50), "{grace:?} {:?}", failure.elapsed);
        }
    });
}
