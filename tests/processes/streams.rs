//! Results that are delivered while the call runs.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::fixtures::{assert_is_usable, job, kill_itself};
use crate::harness::{drills, for_worker_counts};
use crate::log::Log;

drills![
    a_finished_result_is_delivered_while_its_worker_is_at_a_slow_item,
    a_result_that_was_delivered_is_not_lost_with_its_worker,
    a_window_bounds_how_far_the_workers_are_ahead,
];

/// Every tenth item goes on only once the answer of the one before it has been seen. The quick ones between let the
/// caller send many frames ahead, so that the two may lie in one frame, or in two that are there already.
fn a_finished_result_is_delivered_while_its_worker_is_at_a_slow_item() {
    let items: Vec<usize> = (0..400).collect();
    for_worker_counts(|workers| {
        for chunk_size in [1, 2, 20] {
            let (log, _folder) = Log::new();
            let mut held_back = Vec::new();
            let work = job(&items, workers).chunk_size(chunk_size).shared(&log).map(|log: &Log, &n: &usize| {
                let awaited = format!("{}", n.wrapping_sub(1));
                n % 10 != 5 || log.wait_for(Duration::from_secs(2), |log| log.has(&awaited))
            });
            work.for_each(|index, answer| {
                log.add(&format!("{index}"));
                if !answer.unwrap() {
                    held_back.push(index - 1);
                }
                if held_back.is_empty() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .unwrap();
            assert!(held_back.is_empty(), "{workers} workers, chunks of {chunk_size}: {held_back:?} held back");
        }
    });
}

fn a_result_that_was_delivered_is_not_lost_with_its_worker() {
    let items: Vec<usize> = (0..200).collect();
    for_worker_counts(|workers| {
        for chunk_size in [1, 10, 200] {
            let mut seen = vec![0; items.len()];
            let work = job(&items, workers).chunk_size(chunk_size);
            let tally = work
                .map(|&n: &usize| if n % 50 == 30 { kill_itself() } else { n })
                .for_each(|index, answer| {
                    seen[index] += 1;
                    match answer {
                        Ok(n) => assert_eq!(n, index),
                        Err(failure) => assert!(failure.is_lost() && index % 50 == 30, "{failure}"),
                    }
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert_eq!(seen, [1; 200], "{workers} workers, chunks of {chunk_size}");
            assert_eq!((tally.succeeded, tally.failed, tally.lost_workers), (196, 4, 8));
        }
        assert_is_usable(workers);
    });
}

/// Each item notes that it begins; the callback sees how far that is ahead of what it was given.
fn a_window_bounds_how_far_the_workers_are_ahead() {
    const WINDOW: usize = 10;
    let items: Vec<usize> = (0..300).collect();
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let work = job(&items, workers).window(WINDOW).shared(&log).map(|log: &Log, &n: &usize| {
            log.add(&format!("begun {n}"));
            n
        });
        work.for_each_ordered(|index, answer| {
            assert_eq!(answer.unwrap(), index);
            if index % 10 == 0 {
                let furthest = log.after("begun").into_iter().max().unwrap_or(0);
                assert!(furthest <= index + WINDOW, "{furthest} has started while {index} is delivered");
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    });
}
