//! Failed items are tried again, and no worker waits for them that has something else to do.

use std::collections::HashMap;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use manyhands::{CancelToken, Job, LocalMode, OnFailure, Retry, job::FailureKind};

use crate::modes::for_every_way;

/// How often each item was begun.
#[derive(Default)]
struct Begun(Mutex<HashMap<usize, u32>>);

impl Begun {
    /// Records that this item starts; returns the attempt number, from 1.
    fn begin(&self, item: usize) -> u32 {
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let times = begun.entry(item).or_default();
        *times += 1;
        *times
    }

    fn times(&self, item: usize) -> u32 {
        self.0.lock().unwrap().get(&item).copied().unwrap_or(0)
    }
}

#[test]
fn an_item_that_fails_at_first_has_its_value_in_the_end() {
    let items: Vec<usize> = (0..200).collect();
    for_every_way(|way| {
        let begun = Begun::default();
        let outcome = way
            .job(&items)
            .retry(Retry::times(2))
            .try_run(|&n| {
                let attempt = begun.begin(n);
                assert!(n % 20 != 9 || attempt > 2, "on purpose");
                if n % 20 == 3 && attempt < 3 { Err("busy") } else { Ok(n * 2) }
            })
            .unwrap();
        assert_eq!(outcome.tally().retries, 40, "{way:?}");
        assert_eq!(outcome.into_result().unwrap(), items.iter().map(|n| n * 2).collect::<Vec<_>>());
        assert!(items.iter().all(|&n| begun.times(n) == if n % 20 == 3 || n % 20 == 9 { 3 } else { 1 }));
    });
}

#[test]
fn what_is_still_wrong_after_the_last_attempt_is_the_failure_that_stops_the_run() {
    let items: Vec<usize> = (0..100).collect();
    for_every_way(|way| {
        let begun = Begun::default();
        let compute = |&n: &usize| match begun.begin(n) {
            1 if n % 10 == 4 => Err("once"),
            _ if n == 57 || n == 80 => Err("for ever"),
            _ => Ok(n),
        };
        let outcome = way.job(&items).retry(Retry::times(3)).try_run(compute).unwrap();
        let failed: Vec<_> = outcome.failures().iter().map(|failure| (failure.index, failure.attempts)).collect();
        assert_eq!(failed, [(57, 4)], "{way:?}");
        let tally = outcome.tally();
        assert_eq!((tally.succeeded, tally.failed, tally.cancelled), (57, 1, 42));
        let values = outcome.into_options();
        assert!(values.iter().enumerate().all(|(index, value)| *value == (index < 57).then_some(index)));
    });
}

#[test]
fn other_kinds_are_left_alone() {
    for_every_way(|way| {
        let begun = Begun::default();
        let retry = Retry::times(3).only([FailureKind::Panic]);
        let outcome = way
            .job(&[0, 1, 2, 3])
            .on_failure(OnFailure::Continue)
            .retry(retry)
            .try_run(|&n| {
                assert!(begun.begin(n) > 1 || n != 1, "on purpose");
                if n == 2 { Err("wrong") } else { Ok(n) }
            })
            .unwrap();
        let attempts: Vec<_> = outcome.failures().iter().map(|failure| (failure.index, failure.attempts)).collect();
        assert_eq!((attempts, begun.times(1), begun.times(2)), (vec![(2, 1)], 2, 1), "{way:?}");
    });
}

#[test]
fn results_are_delivered_in_order_though_some_take_several_attempts() {
    for_every_way(|way| {
        for window in [1, 3, 1000] {
            let (begun, mut seen) = (Begun::default(), Vec::new());
            let compute = |&n: &usize| if n % 7 == 2 && begun.begin(n) == 1 { Err(()) } else { Ok(n) };
            way.job_over(0..50)
                .window(window)
                .retry(Retry::times(1).backoff(Duration::from_micros(50)))
                .try_map(compute)
                .for_each_ordered(|index, answer| {
                    seen.push((index, answer.unwrap()));
                    Continue(())
                })
                .unwrap();
            assert_eq!(seen, (0..50).map(|n| (n, n)).collect::<Vec<_>>(), "{way:?}, window {window}");
        }
    });
}

#[test]
fn an_item_that_waits_holds_no_worker_up() {
    // Item 0 comes back only when all others are done, so a worker that waited for it would wait for ever.
    let items: Vec<usize> = (0..100).collect();
    for_every_way(|way| {
        if way.chunk_size > 1 {
            return;
        }
        let (begun, others) = (Begun::default(), Begun::default());
        let retry = Retry::times(10_000).backoff(Duration::from_micros(100)).backoff_at_most(Duration::from_millis(1));
        let outcome = way
            .job(&items)
            .retry(retry)
            .try_run(|&n| {
                if n > 0 {
                    others.begin(n);
                } else if begun.begin(0) == 1 || others.0.lock().unwrap().len() < 99 {
                    return Err("too early");
                }
                Ok(n)
            })
            .unwrap();
        assert_eq!(outcome.into_result().unwrap(), items, "{way:?}");
    });
}

#[test]
fn a_cancelled_run_does_not_wait_for_a_back_off() {
    for_every_way(|way| {
        let cancel = CancelToken::new();
        let outcome = way
            .job(&[0, 1, 2])
            .cancel_token(&cancel)
            .retry(Retry::times(1).backoff(Duration::from_secs(3000)))
            .progress(manyhands::Progress::callback(|snapshot| {
                if snapshot.retries == 1 && snapshot.done == 2 {
                    cancel.cancel();
                }
            }))
            .try_run(|&n| if n == 1 { Err("busy") } else { Ok(n) })
            .unwrap();
        assert_eq!(outcome.unfinished().collect::<Vec<_>>(), [1], "{way:?}");
        assert_eq!(outcome.into_options(), [Some(0), None, Some(2)]);
    });
}

#[test]
fn a_break_does_not_wait_for_a_back_off() {
    for_every_way(|way| {
        let retry = Retry::times(1).backoff(Duration::from_secs(3000));
        let work = way.job(&[0, 1, 2]).retry(retry).try_map(|&n| if n == 1 { Err("busy") } else { Ok(n) });
        let tally = work.for_each(|index, _| if index == 2 { Break(()) } else { Continue(()) }).unwrap();
        assert!(tally.succeeded <= 2 && tally.failed == 0, "{way:?}");
    });
}

#[test]
fn a_stop_beyond_which_an_item_waits_does_not_wait_for_it() {
    for_every_way(|way| {
        let compute = |&n: &usize| {
            if n == 30 {
                Err("never")
            } else if n == 35 {
                panic!("later")
            } else {
                Ok(n)
            }
        };
        let retry = Retry::times(1).backoff(Duration::from_secs(3000)).only([FailureKind::Panic]);
        let items: Vec<usize> = (0..40).collect();
        let outcome = way.job(&items).retry(retry).try_run(compute).unwrap();
        assert_eq!((outcome.tally().succeeded, outcome.failures()[0].index), (30, 30), "{way:?}");
    });
}

#[cfg(all(target_os = "linux", feature = "processes"))]
mod at_rest {
    use std::ops::ControlFlow::Continue;
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use manyhands::{Job, LocalMode, Retry};
    use rustix::time::{ClockId, clock_gettime};

    use super::Begun;

    /// What the calling thread computes while workers are at one item that takes long.
    fn caller_is_at_rest<T: Sync>(job: Job<'_, T, LocalMode>, is_long: impl Fn(&T) -> bool + Sync, retries: bool) {
        let now = || {
            let time = clock_gettime(ClockId::ThreadCPUTime);
            Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.try_into().unwrap())
        };
        // Nothing is ever sent: it takes as long as the time says.
        let (_sender, never): (_, Receiver<()>) = channel();
        let (never, begun) = (Mutex::new(never), Begun::default());
        let before = now();
        let work = job.try_map(|item| {
            if is_long(item) {
                let _ = never.lock().unwrap().recv_timeout(Duration::from_millis(400));
            } else if retries && begun.begin(0) == 1 {
                return Err("at first");
            }
            Ok(())
        });
        work.for_each_ordered(|_, answer| {
            answer.unwrap();
            Continue(())
        })
        .unwrap();
        let computed = now() - before;
        assert!(
            computed < Duration::from_millis(80),
            "the caller computed for {computed:?} while it had nothing to do"
        );
    }

    #[test]
    fn no_worker_spins_while_a_slow_item_holds_the_others() {
        let items: Vec<usize> = (0..100).collect();
        let job = || Job::new(&items).mode(LocalMode::Threads).workers(2).chunk_size(1);
        // The other worker waits for the window, ...
        caller_is_at_rest(job().window(2), |&n| n == 0, false);
        // ... for an item that may have to come back, ...
        caller_is_at_rest(job().retry(Retry::times(1)), |&n| n == 99, false);
        // ... or one waits for a worker, whose time has come long ago.
        let items = [1, 0, 0];
        let job = Job::new(&items).mode(LocalMode::Threads).workers(2).chunk_size(1);
        caller_is_at_rest(job.retry(Retry::times(1).backoff(Duration::from_millis(20))), |&n| n == 0, true);
    }
}

#[test]
fn an_item_whose_next_attempt_is_beyond_the_end_of_the_clock_waits_until_the_run_is_cancelled() {
    for mode in [LocalMode::Serial, LocalMode::Threads, LocalMode::IoThreads] {
        let token = CancelToken::new().with_time_limit(Duration::from_millis(100));
        let retry = Retry::times(3).backoff(Duration::MAX).backoff_at_most(Duration::MAX);
        let job = Job::new(&[1, 2, 3]).mode(mode).workers(2).cancel_token(&token).retry(retry);
        let outcome = job.on_failure(OnFailure::Continue).try_run(|n| if *n == 3 { Err("three") } else { Ok(*n) });
        assert_eq!(outcome.unwrap().into_options(), [Some(1), Some(2), None], "{mode}");
    }
}
