//! Cancellation: items in hand finish, nothing new starts, what is done is kept.

use crate::modes::for_every_way;
use manyhands::{CancelToken, job::CancelReason};
use std::time::{Duration, Instant};

#[test]
fn a_run_that_is_cancelled_from_an_item_keeps_what_is_done() {
    let items: Vec<usize> = (0..100_000).collect();
    for_every_way(|way| {
        let token = CancelToken::new();
        let outcome = way
            .job(&items)
            .cancel_token(&token)
            .run(|&n| {
                if n == 50 {
                    token.cancel();
                }
                n
            })
            .unwrap();
        let tally = *outcome.tally();
        assert_eq!(tally.succeeded + tally.cancelled, items.len());
        assert!(tally.cancelled > 0 && tally.succeeded >= 1, "{way:?} {tally:?}");
        assert!(outcome.iter().all(|(idx, &value)| idx == value));
        assert_eq!(outcome.unfinished().count(), tally.cancelled);
        assert!(outcome.into_result().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_token_that_is_cancelled_before_the_run_lets_nothing_start() {
    for_every_way(|way| {
        let parent = CancelToken::new();
        let token = parent.child();
        parent.cancel();
        let outcome = way.job(&[1, 2, 3]).cancel_token(&token).run(|_| unreachable!("nothing may start")).unwrap();
        assert_eq!((outcome.tally().cancelled, outcome.failures().len()), (3, 0));
        let _: Vec<Option<()>> = outcome.into_options();
    });
}

#[test]
fn a_cancelled_ordered_stream_delivers_all_that_is_done_in_order() {
    let items: Vec<usize> = (0..50_000).collect();
    for_every_way(|way| {
        let token = CancelToken::new();
        let mut delivered = Vec::new();
        let tally = way
            .job(&items)
            .cancel_token(&token)
            .window(300)
            .map(|&n| n)
            .for_each_ordered(|index, answer| {
                assert_eq!(answer.unwrap(), index);
                delivered.push(index);
                if index == 20 {
                    token.cancel();
                }
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        assert!(delivered.is_sorted_by(|before, after| before < after));
        assert_eq!((tally.succeeded, tally.succeeded + tally.cancelled), (delivered.len(), items.len()), "{way:?}");
        assert!(tally.cancelled > 0, "{way:?} {tally:?}");
    });
}

#[test]
fn a_deadline_that_has_passed_lets_nothing_start_and_is_inherited() {
    for_every_way(|way| {
        let night = CancelToken::new().with_deadline(Instant::now());
        let token = night.with_time_limit(Duration::from_secs(3600));
        let outcome = way.job(&[1, 2, 3]).cancel_token(&token).run(|_| unreachable!("nothing may start")).unwrap();
        assert_eq!(outcome.tally().cancelled, 3);
        assert_eq!(token.cancel_reason(), Some(CancelReason::Deadline));
        let _: Vec<Option<()>> = outcome.into_options();
    });
}

#[test]
fn a_deadline_that_passes_during_a_run_ends_it() {
    let items: Vec<usize> = (0..100_000).collect();
    for_every_way(|way| {
        let token = CancelToken::new().with_time_limit(Duration::from_millis(20));
        let deadline = token.deadline().unwrap();
        let outcome = way.job(&items).cancel_token(&token).run(|&n| until(n, deadline)).unwrap();
        let tally = *outcome.tally();
        assert_eq!(tally.succeeded + tally.cancelled, items.len());
        assert!(tally.cancelled > 0, "{way:?} {tally:?}");
    });
}

/// The item; the tenth and all later ones are finished only once the deadline has passed.
fn until(item: usize, deadline: Instant) -> usize {
    while item >= 10 && Instant::now() < deadline {
        std::hint::spin_loop();
    }
    item
}
