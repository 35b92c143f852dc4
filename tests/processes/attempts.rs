//! How often an item is tried whose worker died.

use std::collections::BTreeMap;
use std::process;

use manyhands::Processes;

use crate::fixtures::{Act, assert_failed_alone, doubles_but, job, kill_itself, perform};
use crate::harness::{drills, for_worker_counts};
use crate::log::Log;

drills![
    an_item_that_kills_its_worker_is_tried_twice,
    at_most_once_no_item_is_begun_twice,
    an_item_that_kills_its_worker_only_at_first_has_its_value,
];

/// Notes that it begins, and does it.
fn noted(log: &Log, (index, act): &(usize, Act)) -> u64 {
    log.add(&format!("{index}"));
    perform(act)
}

fn numbered(items: Vec<Act>) -> Vec<(usize, Act)> {
    items.into_iter().enumerate().collect()
}

/// How often each item was begun.
fn begun(log: &Log) -> BTreeMap<usize, usize> {
    let mut times = BTreeMap::new();
    log.after("").into_iter().for_each(|index| *times.entry(index).or_default() += 1);
    times
}

fn an_item_that_kills_its_worker_is_tried_twice() {
    let items = numbered(doubles_but(50, &[(5, Act::KillItself)]));
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let outcome = job(&items, workers).shared(&log).run(noted).unwrap();
        assert_failed_alone(&outcome, &[5]);
        assert_eq!(outcome.failures()[0].attempts, 2);
        let begun = begun(&log);
        assert_eq!((begun.len(), begun[&5]), (50, 2));
        assert_eq!(outcome.tally().lost_workers, 2);
    });
}

fn at_most_once_no_item_is_begun_twice() {
    let items = numbered(doubles_but(50, &[(5, Act::KillItself), (20, Act::Exit(0)), (21, Act::Abort)]));
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let mode = Processes::new().at_most_once();
        let outcome = job(&items, workers).mode(mode).shared(&log).run(noted).unwrap();
        assert_failed_alone(&outcome, &[5, 20, 21]);
        assert!(outcome.failures().iter().all(|failure| failure.is_lost() && failure.attempts == 1));
        assert_eq!(begun(&log), (0..50).map(|index| (index, 1)).collect());
        assert_eq!(outcome.tally().lost_workers, 3);
    });
}

fn an_item_that_kills_its_worker_only_at_first_has_its_value() {
    let items: Vec<u32> = (0..50).collect();
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let outcome = job(&items, workers).shared(&log).run(killing_at_first).unwrap();
        assert_eq!(outcome.tally().lost_workers, 1);
        let values = outcome.into_result().unwrap();
        assert!(values.iter().enumerate().all(|(index, (value, _))| *value as usize == index));
        let pids = log.after("5 in ");
        assert!(pids.len() == 2 && pids[0] != pids[1], "tried in {pids:?}");
        assert!(pids.contains(&(values[5].1 as usize)));
    });
}

fn killing_at_first(log: &Log, &n: &u32) -> (u32, u32) {
    if n == 5 {
        log.add(&format!("5 in {}", process::id()));
        if log.is_first("killed") {
            kill_itself();
        }
    }
    (n, process::id())
}
