//! An iterator, the thread that reads it, and the one that takes its items.

use std::collections::VecDeque;
use std::sync::Arc as RealArc;
use std::sync::atomic::{AtomicUsize as RealCount, Ordering};

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use manyhands::modelled_parts::Source;

/// Counts without being part of the model.
#[derive(Clone, Default)]
struct Count(RealArc<RealCount>);

impl Count {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// An item, or the iterator: counts when it is dropped.
struct Counted(usize, Count);

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.add();
    }
}

/// What an iterator gave, and what of it was dropped.
#[derive(Clone, Default)]
struct Counts {
    given: Count,
    dropped: Count,
    iterators: Count,
}

impl Counts {
    /// So many items.
    fn items(&self, n_items: usize) -> impl Iterator<Item = Counted> + Send + 'static {
        let (counts, held) = (self.clone(), Counted(0, self.iterators.clone()));
        (0..n_items).map(move |n| {
            let _held = &held;
            counts.given.add();
            Counted(n, counts.dropped.clone())
        })
    }
}

fn read<T: Send + 'static>(source: &Arc<Source<T>>) -> JoinHandle<()> {
    let theirs = Arc::clone(source);
    thread::spawn(move || theirs.read())
}

/// Takes the items with at most `window` of them not taken, until all are taken; asserts that each comes once and in order.
fn assert_all_come(source: &Source<Counted>, n_items: usize, window: usize, waits: impl Fn(usize) -> bool) {
    let (mut items, mut n_taken) = (VecDeque::new(), 0);
    while !source.take(n_taken + window, waits(n_taken), &mut items) {
        for item in items.drain(..) {
            assert_eq!(item.0, n_taken, "an item is lost, or came twice");
            n_taken += 1;
        }
    }
    assert_eq!(n_taken, n_items);
    assert_eq!(source.end().0, n_items);
}

/// Proves: with room for one item, each comes once and in order, then the end, and a thread that waits, for room or for an item,
/// is woken. Leaves out: more than three items, and the end of a timed wait, since time stands still here.
#[test]
fn every_item_comes_through_room_for_one() {
    crate::check(3, || {
        let counts = Counts::default();
        let source = Arc::new(Source::new(counts.items(3), true));
        let reader = read(&source);
        assert_all_come(&source, 3, 1, |_| true);
        reader.join().unwrap();
        assert_eq!((counts.given.get(), counts.dropped.get(), counts.iterators.get()), (3, 3, 1));
    });
}

/// Proves: the same with room for two, where several items may be taken at once. Leaves out: wider windows.
#[test]
fn every_item_comes_through_room_for_two() {
    crate::check(3, || {
        let source = Arc::new(Source::new(Counts::default().items(3), true));
        let reader = read(&source);
        assert_all_come(&source, 3, 2, |_| true);
        reader.join().unwrap();
    });
}

/// Proves: a calling thread that looks once without waiting, as it does while workers are busy, loses nothing by that. Leaves
/// out: one that never waits, which would look for ever.
#[test]
fn a_look_without_a_wait_loses_no_item() {
    crate::check(3, || {
        let source = Arc::new(Source::new(Counts::default().items(2), true));
        let reader = read(&source);
        let mut items = VecDeque::new();
        let is_over = source.take(1, false, &mut items);
        assert!(!is_over && items.len() <= 1);
        let n_before = items.len();
        let mut numbers: Vec<usize> = items.drain(..).map(|item| item.0).collect();
        while !source.take(3, true, &mut items) {
            numbers.extend(items.drain(..).map(|item| item.0));
        }
        assert_eq!(numbers, [0, 1], "{n_before} came at the look");
        reader.join().unwrap();
    });
}

/// Proves: a run that ends at any time ends a reading thread that waits for room, calls the iterator, or is about to; each item
/// that was given is taken, handed back or dropped, and the iterator is dropped once, by whichever thread has it last. Leaves
/// out: a run that does not wait for the thread.
#[test]
fn the_end_of_a_run_ends_the_reading_and_drops_what_came() {
    for n_taken in [0, 1] {
        crate::check(3, move || {
            let counts = Counts::default();
            let source = Arc::new(Source::new(counts.items(9), true));
            let reader = read(&source);
            let mut items = VecDeque::new();
            if n_taken > 0 {
                assert!(!source.take(1, true, &mut items) && items.len() == 1);
            }
            assert!(!source.take(2, false, &mut VecDeque::new()), "the iterator has more");
            let (n_read, rest) = source.end();
            let n_here = items.len() + rest.len();
            reader.join().unwrap();
            assert_eq!(counts.iterators.get(), 1, "the iterator is not dropped, or twice");
            assert_eq!(counts.given.get() - counts.dropped.get(), n_here, "an item is lost");
            assert!(n_read <= counts.given.get() && counts.given.get() <= 2, "read beyond the limit");
        });
    }
}

/// Proves: a thread that comes late, when the calling thread has begun to read itself, reads nothing more than it may, and ends
/// with the run. Leaves out: the pool that sends it.
#[test]
fn a_reading_thread_that_comes_late_ends_with_the_run() {
    crate::check(3, || {
        let source = Arc::new(Source::new(Counts::default().items(2), true));
        let reader = read(&source);
        source.set_served(false);
        assert_all_come(&source, 2, 1, |_| false);
        reader.join().unwrap();
    });
}

/// Proves: a panic of the iterator comes out where its items are taken, after those before it, and wakes a thread that waits.
/// Leaves out: panics under the lock, of which there are none.
#[test]
fn a_panic_of_the_iterator_reaches_the_calling_thread_after_the_items_before_it() {
    crate::check_no_deeper(2, || {
        let items = (0..2).inspect(|&n| {
            if n == 1 {
                std::panic::resume_unwind(Box::new("on purpose"))
            }
        });
        let source = Arc::new(Source::new(items, true));
        let reader = read(&source);
        let mut items = VecDeque::new();
        let mut n_taken = 0;
        let caught = loop {
            let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| source.take(2, true, &mut items)));
            match taken {
                Ok(is_over) => assert!(!is_over, "the end came before the panic"),
                Err(payload) => break payload,
            }
            n_taken += items.drain(..).count();
        };
        assert_eq!(*caught.downcast::<&str>().unwrap(), "on purpose");
        assert_eq!(n_taken, 1);
        assert!(source.take(2, false, &mut items), "the panic is raised once");
        source.end();
        reader.join().unwrap();
    });
}
