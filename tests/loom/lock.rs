//! The reader-writer lock, plain and striped: exclusion, wake-ups, order. The cell of the value fails the model when two
//! accesses are not ordered. All leave out that a reader or writer looks again for a while before it waits: that repeats
//! what is modelled.

use loom::sync::Arc;
use loom::thread;
use manyhands::modelled_parts::announced;
use manyhands::{RwLock, lock::StripedRwLock};

type Pair = (usize, usize);

/// A lock around two numbers that are always equal. The two kinds of lock have no common trait of their own.
trait PairLock {
    /// Sets both numbers, one after the other.
    fn set_both(&self, value: usize);
    /// The number that both are.
    fn see_both(&self) -> usize;
}

macro_rules! pair_lock {
    ($lock:ident) => {
        impl PairLock for $lock<Pair> {
            fn set_both(&self, value: usize) {
                let mut pair = self.write();
                pair.0 = value;
                pair.1 = value;
            }

            fn see_both(&self) -> usize {
                let pair = self.read();
                assert_eq!(pair.0, pair.1);
                pair.0
            }
        }
    };
}

pair_lock!(RwLock);
pair_lock!(StripedRwLock);

fn set_both(lock: &impl PairLock, value: usize) {
    lock.set_both(value);
}

fn see_both(lock: &impl PairLock) -> usize {
    lock.see_both()
}

/// Proves: a writer and two readers never see a half-written value, and all of them end, so no wake-up is lost. Leaves out:
/// more readers, and panics.
#[test]
fn readers_see_whole_values_and_all_threads_end() {
    crate::check(3, || {
        let lock = Arc::new(RwLock::new((0, 0)));
        let (for_writer, for_reader) = (Arc::clone(&lock), Arc::clone(&lock));
        let writer = thread::spawn(move || set_both(&*for_writer, 1));
        let reader = thread::spawn(move || _ = see_both(&*for_reader));
        see_both(&*lock);
        writer.join().unwrap();
        reader.join().unwrap();
        assert_eq!(see_both(&*lock), 1);
    });
}

/// Proves: the same for the striped form, whose readers count on words of their own. Leaves out: more than two stripes.
#[test]
fn striped_readers_see_whole_values_and_all_threads_end() {
    crate::check(3, || {
        let lock = Arc::new(StripedRwLock::new((0, 0)));
        let other = Arc::clone(&lock);
        let writer = thread::spawn(move || set_both(&*other, 1));
        see_both(&*lock);
        writer.join().unwrap();
        assert_eq!(see_both(&*lock), 1);
    });
}

/// Proves: with a reader on each of two stripes, the writer waits for both, whichever leaves last. Leaves out: more stripes.
#[test]
fn a_writer_waits_for_the_readers_of_all_stripes() {
    crate::check(2, || {
        let lock = Arc::new(StripedRwLock::new((0, 0)));
        let (for_writer, for_reader) = (Arc::clone(&lock), Arc::clone(&lock));
        let reader = thread::spawn(move || _ = see_both(&*for_reader));
        let writer = thread::spawn(move || set_both(&*for_writer, 1));
        see_both(&*lock);
        reader.join().unwrap();
        writer.join().unwrap();
        assert_eq!(see_both(&*lock), 1);
    });
}

/// Proves: two writers exclude each other, and none is forgotten in the line. Leaves out: a third.
#[test]
fn writers_exclude_each_other() {
    crate::check(3, || {
        let lock = Arc::new(StripedRwLock::new(0));
        let other = Arc::clone(&lock);
        let writer = thread::spawn(move || *other.write() += 1);
        *lock.write() += 1;
        writer.join().unwrap();
        assert_eq!(*lock.read(), 2);
    });
}

/// Proves: of three writers, two of which wait in line, each is alone and each is woken. Leaves out: readers among them.
#[test]
fn three_writers_exclude_each_other_and_all_end() {
    crate::check(2, || {
        let lock = Arc::new(RwLock::new(0));
        let others = [(); 2].map(|()| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || *lock.write() += 1)
        });
        *lock.write() += 1;
        others.into_iter().for_each(|writer| writer.join().unwrap());
        assert_eq!(*lock.read(), 3);
    });
}

/// Proves: a reader that waits in line behind one writer, while another waits behind the reader, goes in between, and all
/// three end. Leaves out: which of the three comes first, which is drawn anew in each interleaving.
#[test]
fn a_reader_between_two_writers_ends_and_sees_whole_values() {
    crate::check(2, || {
        let lock = Arc::new(RwLock::new((0, 0)));
        let writers = [1, 2].map(|value| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || set_both(&*lock, value))
        });
        see_both(&*lock);
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        assert!(see_both(&*lock) > 0);
    });
}

/// Proves: a try to write that meets a reader leaves nothing behind that anybody waits for, and one that succeeds is alone.
/// Leaves out: a try to read against a try to write.
#[test]
fn a_try_to_write_leaves_nothing_behind() {
    crate::check(3, || {
        let lock = Arc::new(RwLock::new(0));
        let other = Arc::clone(&lock);
        let tries = thread::spawn(move || other.try_write().map(|mut value| *value += 1).is_some());
        let seen = *lock.read();
        let written = tries.join().unwrap();
        assert!(seen <= usize::from(written));
        assert_eq!(*lock.read(), usize::from(written));
        *lock.write() += 1;
    });
}

/// Proves: a try to read against a writer: it fails, or sees a whole value; and it never keeps the writer waiting. Leaves out:
/// several tries.
#[test]
fn a_try_to_read_keeps_no_writer_waiting() {
    crate::check(3, || {
        let lock = Arc::new(StripedRwLock::new((0, 0)));
        let other = Arc::clone(&lock);
        let writer = thread::spawn(move || set_both(&*other, 1));
        if let Some(pair) = lock.try_read() {
            assert_eq!(pair.0, pair.1);
        }
        writer.join().unwrap();
        assert_eq!(lock.try_read().map(|pair| *pair), Some((1, 1)));
    });
}

/// Proves: a reader that comes after a writer which waits behind another reader sees the writer's work. Leaves out: longer
/// lines.
#[test]
fn no_later_reader_enters_before_a_writer_that_came_first() {
    crate::check(2, || {
        let lock = Arc::new(RwLock::new(0));
        let inside = lock.read();
        let (for_writer, for_reader) = (Arc::clone(&lock), Arc::clone(&lock));
        let writer = thread::spawn(move || *for_writer.write() = 1);
        let reader = thread::spawn(move || {
            // A try that fails shows that the writer has announced itself; then this reader is a later one.
            let is_later = for_reader.try_read().is_none();
            (is_later, *for_reader.read())
        });
        drop(inside);
        let (is_later, seen) = reader.join().unwrap();
        assert!(!is_later || seen == 1);
        writer.join().unwrap();
    });
}

/// Proves: a reader that comes when a writer waits in line, behind another one that is inside, goes in after both. Leaves out:
/// longer lines.
#[test]
fn a_reader_goes_in_after_a_writer_that_was_in_line_before_it() {
    crate::check(2, || {
        let lock = Arc::new(RwLock::new(0));
        let (for_writer, for_reader) = (Arc::clone(&lock), Arc::clone(&lock));
        let mut inside = lock.write();
        let writer = thread::spawn(move || *for_writer.write() += 10);
        let reader = thread::spawn(move || {
            let is_later = announced(&for_reader).0 == 2;
            (is_later, *for_reader.read())
        });
        *inside = 1;
        drop(inside);
        let (is_later, seen) = reader.join().unwrap();
        assert!(seen == 11 || (seen == 1 && !is_later), "{seen}");
        writer.join().unwrap();
    });
}

/// Proves: a writer that comes when a reader waits in line, behind a writer that is inside, goes in after it. Leaves out:
/// longer lines.
#[test]
fn a_writer_goes_in_after_a_reader_that_was_in_line_before_it() {
    crate::check(2, || {
        let lock = Arc::new(RwLock::new(0));
        let (for_writer, for_reader) = (Arc::clone(&lock), Arc::clone(&lock));
        let mut inside = lock.write();
        let reader = thread::spawn(move || *for_reader.read());
        let writer = thread::spawn(move || {
            let is_later = announced(&for_writer).1;
            *for_writer.write() += 10;
            is_later
        });
        *inside = 1;
        drop(inside);
        let (seen, is_later) = (reader.join().unwrap(), writer.join().unwrap());
        assert!(seen == 1 || (seen == 11 && !is_later), "{seen}");
    });
}

/// Proves: the lock hands over what was done under it, though it has no order of its own beside it: a cell that each of two
/// writers changes under the lock is never changed by both at once, and a reader sees all of it. Leaves out: what is done
/// outside of the lock.
#[test]
fn what_was_done_under_the_lock_is_seen_under_the_lock() {
    crate::check(3, || {
        let lock = Arc::new(RwLock::new(()));
        let cell = Arc::new(loom::cell::UnsafeCell::new(0));
        let (other_lock, other_cell) = (Arc::clone(&lock), Arc::clone(&cell));
        let writer = thread::spawn(move || {
            let _alone = other_lock.write();
            // SAFETY: alone under the lock; loom reports a race before the pointer is followed.
            other_cell.with_mut(|value| unsafe { *value += 1 });
        });
        {
            let _among_readers = lock.read();
            // SAFETY: no writer is inside; loom reports a race before the pointer is followed.
            cell.with(|value| unsafe { assert!(*value <= 1) });
        }
        writer.join().unwrap();
    });
}
