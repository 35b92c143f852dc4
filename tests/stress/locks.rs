//! Locks: a writer is alone, readers see whole values that never go back, no thread is kept out for ever or overtaken.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use manyhands::lock::StripedRwLock;
use manyhands::{RwLock, Synchronized};
use manyhands_test_support::rng::Rng;

use crate::scenario::{caught, panic_on_purpose, scenario, together};

#[test]
fn readers_of_a_plain_lock_see_whole_values() {
    scenario("plain lock, readers and writers", |rng| plain::uses_of_all_kinds(rng, 0));
}

#[test]
fn readers_of_a_striped_lock_see_whole_values() {
    scenario("striped lock, readers and writers", |rng| striped::uses_of_all_kinds(rng, 0));
}

#[test]
fn panics_under_guards_release_a_plain_lock() {
    scenario("plain lock, panics under guards", |rng| plain::uses_of_all_kinds(rng, 4));
}

#[test]
fn panics_under_guards_release_a_striped_lock() {
    scenario("striped lock, panics under guards", |rng| striped::uses_of_all_kinds(rng, 4));
}

#[test]
fn no_reader_overtakes_a_writer_that_waits_for_a_plain_lock() {
    scenario("plain lock, order of arrival", plain::order_of_arrival);
}

#[test]
fn no_reader_overtakes_a_writer_that_waits_for_a_striped_lock() {
    scenario("striped lock, order of arrival", striped::order_of_arrival);
}

#[test]
fn neither_side_of_a_plain_lock_starves() {
    scenario("plain lock, many readers or writers", |rng| plain::many_readers(rng) + plain::many_writers(rng));
}

#[test]
fn neither_side_of_a_striped_lock_starves() {
    scenario("striped lock, many readers or writers", |rng| striped::many_readers(rng) + striped::many_writers(rng));
}

#[test]
fn a_synchronized_value_is_changed_by_one_at_a_time() {
    scenario("synchronized value", |rng| {
        let (value, n_taken) = (Synchronized::new(Words::default()), AtomicU64::new(0));
        let n_uses = together(4, rng, |_, rng| {
            for use_number in 0..400 {
                if rng.one_in(16) {
                    let taken = value.replace(Words::default()).number();
                    n_taken.fetch_add(taken, Ordering::Relaxed);
                } else {
                    let changed = caught(|| {
                        value.with(|words| {
                            words.increase(rng);
                            panic_one_in(8, use_number, rng);
                        });
                    });
                    assert!(changed.is_ok() || changed == Err(use_number));
                    n_taken.fetch_sub(1, Ordering::Relaxed);
                }
            }
            400
        });
        // Each change was counted down, and is either in what was taken or still there.
        assert_eq!(n_taken.into_inner().wrapping_add(value.into_inner().number()), 0);
        n_uses
    });
}

/// Words that are one number, except in the middle of a change.
#[derive(Debug, Default)]
struct Words([u64; 16]);

impl Words {
    fn increase(&mut self, rng: &mut Rng) {
        for word in &mut self.0 {
            *word += 1;
            rng.yield_one_in(200);
        }
    }

    fn number(&self) -> u64 {
        assert!(self.0.iter().all(|word| *word == self.0[0]), "seen in the middle of a change: {:?}", self.0);
        self.0[0]
    }
}

fn panic_one_in(times: u64, number: u64, rng: &mut Rng) {
    if times > 0 && rng.one_in(times) {
        panic_on_purpose(number);
    }
}

fn change(words: &mut Words, n_changes: &AtomicU64, rng: &mut Rng) {
    words.increase(rng);
    n_changes.fetch_add(1, Ordering::Relaxed);
}

fn look(words: &Words, seen: &mut u64, rng: &mut Rng) {
    let number = words.number();
    assert!(number >= *seen, "{number} after {seen}");
    rng.yield_one_in(32);
    assert_eq!(words.number(), number, "changed under a reader's guard");
    *seen = number;
}

/// The two kinds of lock have no common trait, so what is done with each is written by this macro.
macro_rules! uses_of {
    ($module:ident, $lock:ident) => {
        mod $module {
            use super::*;

            pub(super) fn uses_of_all_kinds(rng: &mut Rng, panic_once_in: u64) -> u64 {
                let (lock, n_changes) = ($lock::new(Words::default()), AtomicU64::new(0));
                let n_uses = together(4, rng, |_, rng| {
                    let mut seen = 0;
                    for use_number in 0..500 {
                        let ended = caught(|| {
                            match rng.below(8) {
                                0 => change(&mut lock.write(), &n_changes, rng),
                                1 => {
                                    if let Some(mut words) = lock.try_write() {
                                        change(&mut words, &n_changes, rng);
                                        // Under the guard, as in all of these.
                                        panic_one_in(panic_once_in, use_number, rng);
                                    }
                                }
                                2 | 3 => {
                                    if let Some(words) = lock.try_read() {
                                        look(&words, &mut seen, rng);
                                        panic_one_in(panic_once_in, use_number, rng);
                                    }
                                }
                                4 => {
                                    let mut words = lock.write();
                                    change(&mut words, &n_changes, rng);
                                    panic_one_in(panic_once_in, use_number, rng);
                                }
                                _ => {
                                    let words = lock.read();
                                    look(&words, &mut seen, rng);
                                    panic_one_in(panic_once_in, use_number, rng);
                                }
                            }
                        });
                        assert!(ended.is_ok() || ended == Err(use_number));
                    }
                    500
                });
                assert!(lock.try_read().is_some() && lock.try_write().is_some(), "all threads have left");
                assert_eq!(lock.into_inner().number(), n_changes.into_inner());
                n_uses
            }

            /// A reader that finds the lock taken by a writer, or a writer waiting, and then waits itself, finds that writer's work.
            pub(super) fn order_of_arrival(rng: &mut Rng) -> u64 {
                let lock = $lock::new(0_u64);
                together(5, rng, |thread, rng| {
                    for _ in 0..200 {
                        if thread < 2 {
                            *lock.write() += 1;
                            rng.yield_one_in(2);
                        } else {
                            let reader = lock.read();
                            let before = *reader;
                            rng.yield_one_in(2); // so that writers have a reader to wait for
                            drop(reader);
                            if lock.try_read().is_none() {
                                let after = *lock.read();
                                assert!(after > before, "overtook the writer after {before}");
                            }
                        }
                    }
                    200
                })
            }

            /// Readers that come for as long as the writer has not been in often enough: it is, or this hangs.
            pub(super) fn many_readers(rng: &mut Rng) -> u64 {
                let (lock, is_over) = ($lock::new(0_u64), AtomicBool::new(false));
                together(4, rng, |thread, rng| {
                    let mut n_uses = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        n_uses += 1;
                        if thread > 0 {
                            let number = lock.read();
                            rng.yield_one_in(2); // so that one is inside at any time
                            assert!(*number <= 50);
                        } else {
                            *lock.write() += 1;
                            is_over.store(n_uses == 50, Ordering::Relaxed);
                        }
                    }
                    n_uses
                })
            }

            /// Writers that come for as long as the reader has not been in often enough: it is, or this hangs.
            pub(super) fn many_writers(rng: &mut Rng) -> u64 {
                let (lock, is_over) = ($lock::new(0_u64), AtomicBool::new(false));
                together(4, rng, |thread, rng| {
                    let (mut n_uses, mut seen) = (0, 0);
                    while !is_over.load(Ordering::Relaxed) {
                        n_uses += 1;
                        if thread > 0 {
                            let mut number = lock.write();
                            rng.yield_one_in(2); // so that one is waiting at any time
                            *number += 1;
                        } else {
                            let number = lock.read();
                            assert!(*number >= seen);
                            seen = *number;
                            is_over.store(n_uses == 50, Ordering::Relaxed);
                        }
                    }
                    n_uses
                })
            }
        }
    };
}

uses_of!(plain, RwLock);
uses_of!(striped, StripedRwLock);
