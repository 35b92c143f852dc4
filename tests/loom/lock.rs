//! The reader-writer lock, plain and striped: exclusion, wake-ups, order. The cell of the value fails the model when two
//! accesses are not ordered.

use loom::sync::Arc;
use loom::thread;
use manyhands::{RwLock, StripedRwLock};

/// Proves: a writer and two readers never see a half-written value, and all of them end, so no wake-up is lost. Leaves out:
/// more readers, and panics.
#[test]
fn readers_see_whole_values_and_everybody_ends() {
    crate::check(3, || {
        let lock = Arc::new(RwLock::new((0, 0)));
        let (for_writer, for_reader) = (Arc::clone(&lock), Arc::clone(&lock));
        let writer = thread::spawn(move || {
            let mut pair = for_writer.write();
            pair.0 = 1;
            pair.1 = 1;
        });
        let reader = thread::spawn(move || {
            let pair = for_reader.read();
            assert_eq!(pair.0, pair.1);
        });
        {
            let pair = lock.read();
            assert_eq!(pair.0, pair.1);
        }
        writer.join().unwrap();
        reader.join().unwrap();
        assert_eq!(*lock.read(), (1, 1));
    });
}

/// Proves: the same for the striped form, whose readers count on words of their own. Leaves out: more than two stripes.
#[test]
fn striped_readers_see_whole_values_and_everybody_ends() {
    crate::check(3, || {
        let lock = Arc::new(StripedRwLock::new((0, 0)));
        let other = Arc::clone(&lock);
        let writer = thread::spawn(move || {
            let mut pair = other.write();
            pair.0 = 1;
            pair.1 = 1;
        });
        {
            let pair = lock.read();
            assert_eq!(pair.0, pair.1);
        }
        writer.join().unwrap();
        assert_eq!(*lock.read(), (1, 1));
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
            // A try that fails tells that the writer has announced itself; then this reader is a later one.
            let is_later = for_reader.try_read().is_none();
            (is_later, *for_reader.read())
        });
        drop(inside);
        let (is_later, seen) = reader.join().unwrap();
        assert!(!is_later || seen == 1);
        writer.join().unwrap();
    });
}
