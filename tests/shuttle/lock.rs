//! The locks with eight threads: exclusion, wake-ups, and tries in between.

use manyhands::RwLock;
use manyhands::lock::StripedRwLock;
use manyhands::sync::{Arc, model};

use crate::{join_all, start_all};

type Pair = (usize, usize);

/// The two kinds of lock have no common trait, so what is done with each is written by this macro.
macro_rules! uses_of {
    ($module:ident, $lock:ident) => {
        mod $module {
            use super::*;

            pub(super) fn write(lock: &$lock<Pair>) -> usize {
                let mut pair = lock.write();
                pair.0 += 1;
                pair.1 += 1;
                pair.0
            }

            pub(super) fn read(lock: &$lock<Pair>) {
                let pair = lock.read();
                assert_eq!(pair.0, pair.1);
            }

            pub(super) fn readers_and_writers() {
                let lock = Arc::new($lock::<Pair>::default());
                let act = |lock: &$lock<Pair>, number: usize| match number % 2 {
                    0 => Some(write(lock)),
                    _ => {
                        read(lock);
                        None
                    }
                };
                let mut written: Vec<usize> = join_all(start_all(8, &lock, act)).into_iter().flatten().collect();
                written.sort_unstable();
                assert_eq!(written, [1, 2, 3, 4], "each writer was alone");
                assert_eq!(*lock.read(), (4, 4));
            }
        }
    };
}

uses_of!(plain, RwLock);
uses_of!(striped, StripedRwLock);

/// Proves: four readers and four writers of a plain lock see whole values, each writer is alone, and all end. Leaves out:
/// memory orderings.
#[test]
fn readers_and_writers_of_a_plain_lock_all_end() {
    model(plain::readers_and_writers);
}

/// Proves: the same for a striped lock. Leaves out: memory orderings.
#[test]
fn readers_and_writers_of_a_striped_lock_all_end() {
    model(striped::readers_and_writers);
}

/// Proves: tries to read and write among readers and writers keep no thread waiting, and count exactly when they succeed. Leaves
/// out: memory orderings.
#[test]
fn tries_keep_no_thread_waiting() {
    model(|| {
        let lock = Arc::new(StripedRwLock::<Pair>::default());
        let act = |lock: &StripedRwLock<Pair>, number: usize| match number % 4 {
            0 => usize::from(striped::write(lock) > 0),
            1 => usize::from(lock.try_write().map(|mut pair| *pair = (pair.0 + 1, pair.1 + 1)).is_some()),
            2 => {
                striped::read(lock);
                0
            }
            _ => lock.try_read().map_or(0, |pair| pair.0 - pair.1),
        };
        let n_written: usize = join_all(start_all(8, &lock, act)).into_iter().sum();
        assert_eq!(*lock.read(), (n_written, n_written));
    });
}
