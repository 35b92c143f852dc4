//! What is written down of results: kept or not as an option says, told apart by the run that made them, with the causes of
//! failures, and with attempts that add up.

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::ControlFlow::Continue;
use std::path::Path;
use std::sync::Mutex;

use manyhands::journal::{JournalReader, RetryRecorded};
use manyhands::{Job, Journal, OnFailure, Outcome, Report, Retry, Threads};
use serde_json::Value;

use crate::errors::{fails_with_a_chain, fails_with_links};
use crate::modes::for_every_way;

const CHAIN: &str = "decode: reading header: disk on fire";

fn journal(folder: &Path) -> Journal<'static, usize> {
    Journal::at(folder.join("journal")).key(|n: &usize| format!("n{n}")).version("1")
}

/// The lines of the report's table of failed items.
fn failed_lines(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("failed.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_option_says_whether_a_journal_and_a_report_are_kept() {
    let items = [1_usize, 2, 3];
    for is_kept in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let report = is_kept.then(|| Report::at(folder.path().join("run")));
        let work = Job::new(&items).map(|n| n * 2).journal(is_kept.then(|| journal(folder.path()))).report(report);
        let outcome = work.run().unwrap();
        assert!(outcome.warnings().is_empty());
        assert_eq!(outcome.into_result().unwrap(), [2, 4, 6]);
        let there = ["journal", "run"].map(|name| folder.path().join(name).exists());
        assert_eq!(there, [is_kept; 2]);
    }
    let outcome = Job::new(&items).map(|n| n * 2).journal(None).report(None).run().unwrap();
    assert_eq!(outcome.into_result().unwrap(), [2, 4, 6]);
}

#[test]
fn a_job_can_be_stored_changed_and_run_later() {
    struct Study<'a> {
        name: &'static str,
        nights: Job<'a, usize>,
    }
    impl Study<'_> {
        fn run(self, folder: &Path) -> Outcome<usize> {
            self.nights.map(|n| n + 1).journal(journal(folder)).run().unwrap()
        }
    }
    let items = [1, 2, 3];
    let mut study = Study { name: "sleep", nights: Job::new(&items) };
    study.nights = study.nights.mode(Threads).workers(2).key(|n| n.to_string());
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(study.name, "sleep");
    assert_eq!(study.run(folder.path()).into_result().unwrap(), [2, 3, 4]);
}

#[test]
fn a_delivered_result_says_whether_an_earlier_run_made_it() {
    for_every_way(|way| {
        if ![1, 3].contains(&way.workers) || way.chunk_size == 1000 {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let earlier = Job::new(&[2_usize, 5, 6]).map(|n| n * 2).journal(journal(folder.path())).run().unwrap();
        assert!(earlier.is_complete());
        let items: Vec<usize> = (0..8).collect();
        let expected: Vec<(usize, bool)> = (0..8).map(|index| (index, [2, 5, 6].contains(&index))).collect();
        for is_ordered in [true, false] {
            // The second of the two finds everything in the journal.
            let work = way.job(&items).map(|n| n * 2).journal(journal(folder.path()));
            let mut seen = Vec::new();
            let take = |delivered: manyhands::job::DeliveredResult<usize, _>| {
                assert_eq!(delivered.result.unwrap(), delivered.index * 2);
                seen.push((delivered.index, delivered.is_resumed));
                Continue(())
            };
            let tally =
                if is_ordered { work.for_each_result_ordered(take) } else { work.for_each_result(take) }.unwrap();
            seen.sort_unstable();
            match is_ordered {
                true => assert_eq!((&seen, tally.resumed), (&expected, 3), "{way:?}"),
                false => assert!(tally.resumed == 8 && seen.iter().all(|(_, is_resumed)| *is_resumed), "{way:?}"),
            }
        }
    });
}

/// Asserts that journal and report have the failure of item 1 with all its causes, and that a later run shows them.
fn assert_chain_is_recorded<E: Display>(folder: &Path, first: Outcome<usize, E>, second: Outcome<usize, E>) {
    assert!(first.warnings().is_empty());
    let lines = failed_lines(&folder.join("run"));
    assert_eq!((lines.len(), &lines[0]["message"]), (1, &CHAIN.into()));
    let entries = JournalReader::open(folder.join("journal")).unwrap().entries().unwrap();
    let messages: Vec<String> = entries.into_iter().filter_map(|entry| Some(entry.failure?.message)).collect();
    assert_eq!(messages, [CHAIN]);
    let recorded = second.failures()[0].to_string();
    assert!(recorded.contains("failed in an earlier run") && recorded.ends_with(CHAIN), "{recorded}");
}

#[test]
fn journal_and_report_have_the_whole_chain_of_a_failure() {
    for_every_way(|way| {
        if way.workers != 2 || way.chunk_size != 1 {
            return;
        }
        let items = [0, 1, 2];
        let job = || way.job(&items).on_failure(OnFailure::Continue);
        let kept = |folder: &Path| journal(folder).retry_recorded(RetryRecorded::Nothing);
        let report = |folder: &Path| Report::at(folder.join("run"));

        let folder = tempfile::tempdir().unwrap();
        let run = || {
            let work = job().try_map(fails_with_a_chain);
            work.journal(kept(folder.path())).report(report(folder.path())).run().unwrap()
        };
        assert_chain_is_recorded(folder.path(), run(), run());

        let folder = tempfile::tempdir().unwrap();
        let run = || {
            let work = job().try_map(fails_with_links).error_sources();
            work.journal(kept(folder.path())).report(report(folder.path())).run().unwrap()
        };
        assert_chain_is_recorded(folder.path(), run(), run());
    });
}

#[test]
fn attempts_of_failures_and_the_retries_of_the_tally_add_up() {
    for_every_way(|way| {
        if ![1, 3].contains(&way.workers) || way.chunk_size == 1000 {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let items: Vec<usize> = (0..12).collect();
        let calls = Mutex::new(HashMap::new());
        // Item 3 never succeeds, item 7 at its second attempt, item 9 at its third.
        let flaky = |&n: &usize| {
            let attempt = {
                let mut calls = calls.lock().unwrap();
                let attempt: &mut u32 = calls.entry(n).or_default();
                *attempt += 1;
                *attempt
            };
            let needed = match n {
                3 => u32::MAX,
                7 => 2,
                9 => 3,
                _ => 1,
            };
            if attempt < needed { Err("busy") } else { Ok(n) }
        };
        let job = way.job(&items).on_failure(OnFailure::Continue).retry(Retry::times(2));
        let work = job.try_map(flaky).journal(journal(folder.path())).report(Report::at(folder.path().join("run")));
        let outcome = work.run().unwrap();
        let called: u32 = calls.lock().unwrap().values().sum();
        let tally = outcome.tally();
        assert_eq!((tally.succeeded, tally.failed, tally.retries), (11, 1, 2 + 1 + 2), "{way:?}");
        assert_eq!(called as usize, tally.items + tally.retries);
        assert_eq!((outcome.failures()[0].index, outcome.failures()[0].attempts), (3, 3));
        assert_eq!(failed_lines(&folder.path().join("run"))[0]["attempts"], 3);
        let entries = JournalReader::open(folder.path().join("journal")).unwrap().entries().unwrap();
        assert_eq!(entries.iter().map(|entry| entry.attempts).sum::<u32>(), called);
        let summary: Value =
            serde_json::from_slice(&std::fs::read(folder.path().join("run/summary.json")).unwrap()).unwrap();
        assert_eq!(summary["retries"], 5);
    });
}
