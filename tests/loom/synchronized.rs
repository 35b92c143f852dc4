//! A value behind a lock of its own.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use manyhands::Synchronized;

/// What a closure works on, as loom sees it: two closures at once, or one that does not see the other's work, are a
/// causality violation.
struct Value(UnsafeCell<usize>);

// SAFETY: the cell is only reached through loom, which runs one thread at a time and reports every race.
unsafe impl Send for Value {}

impl Value {
    fn add(&mut self, more: usize) -> usize {
        // SAFETY: as for `Send`.
        self.0.with_mut(|value| unsafe {
            *value += more;
            *value
        })
    }
}

/// Proves: closures on three threads run one after the other, each on what the one before it left. Leaves out: panics, which
/// loom cannot follow through a lock.
#[test]
fn closures_run_alone_and_each_sees_the_work_of_those_before_it() {
    crate::check(3, || {
        let value = Arc::new(Synchronized::new(Value(UnsafeCell::new(0))));
        let add = |more| {
            let value = Arc::clone(&value);
            thread::spawn(move || value.with(|value| value.add(more)))
        };
        let others = [add(2), add(4)];
        let mut seen = vec![value.with(|value| value.add(1))];
        seen.extend(others.map(|other| other.join().unwrap()));
        seen.sort_unstable();
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "two closures worked on one value: {seen:?}");
        assert_eq!(value.with(|value| value.add(0)), 7);
    });
}

/// Proves: of two threads that each put a value in its place, one is given the first value and the other what the first one
/// put there; none is given twice or lost. Leaves out: more threads.
#[test]
fn a_replaced_value_is_given_to_one_alone() {
    crate::check(4, || {
        let place = Arc::new(Synchronized::new(0));
        let other = Arc::clone(&place);
        let theirs = thread::spawn(move || other.replace(1));
        let own = place.replace(2);
        let theirs = theirs.join().unwrap();
        let last = place.replace(3);
        let mut all = [own, theirs, last];
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2]);
    });
}
