//! The locks with eight threads: exclusion, wake-ups, and tries in between.

use manyhands::lock::{LockWords, RwLockOf, Sharded, Single};
use manyhands::sync::{Arc, model};

use crate::{all, crowd};

type Pair<W> = RwLockOf<(usize, usize), W>;

fn write<W: LockWords>(lock: &Pair<W>) -> usize {
    let mut pair = lock.write();
    pair.0 += 1;
    pair.1 += 1;
    pair.0
}

fn read<W: LockWords>(lock: &Pair<W>) {
    let pair = lock.read();
    assert_eq!(pair.0, pair.1);
}

fn readers_and_writers<W: LockWords>() {
    let lock = Arc::new(Pair::<W>::default());
    let act = |lock: &Pair<W>, number: usize| match number % 2 {
        0 => Some(write(lock)),
        _ => {
            read(lock);
            None
        }
    };
    let mut written: Vec<usize> = all(crowd(8, &lock, act)).into_iter().flatten().collect();
    written.sort_unstable();
    assert_eq!(written, [1, 2, 3, 4], "each writer was alone");
    assert_eq!(*lock.read(), (4, 4));
}

/// Proves: four readers and four writers of a plain lock see whole values, each writer is alone, and all end. Leaves out:
/// memory orderings.
#[test]
fn readers_and_writers_of_a_plain_lock_all_end() {
    model(readers_and_writers::<Single>);
}

/// Proves: the same for a striped lock. Leaves out: memory orderings.
#[test]
fn readers_and_writers_of_a_striped_lock_all_end() {
    model(readers_and_writers::<Sharded>);
}

/// Proves: tries to read and write among readers and writers keep no thread waiting, and count exactly when they succeed. Leaves
/// out: memory orderings.
#[test]
fn tries_keep_no_thread_waiting() {
    model(|| {
        let lock = Arc::new(Pair::<Sharded>::default());
        let act = |lock: &Pair<Sharded>, number: usize| match number % 4 {
            0 => usize::from(write(lock) > 0),
            1 => usize::from(lock.try_write().map(|mut pair| *pair = (pair.0 + 1, pair.1 + 1)).is_some()),
            2 => {
                read(lock);
                0
            }
            _ => lock.try_read().map_or(0, |pair| pair.0 - pair.1),
        };
        let n_written: usize = all(crowd(8, &lock, act)).into_iter().sum();
        assert_eq!(*lock.read(), (n_written, n_written));
    });
}
