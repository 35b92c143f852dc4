//! Counters: no count is lost, whatever meets whatever.

use loom::sync::Arc;
use loom::thread;
use manyhands::{AtomicCounter, counter::StripedCounter};

/// Proves: counts of two threads and a reset in between are each in what the reset gave or in what is left. Leaves out: more
/// threads than stripes.
#[test]
fn no_count_is_lost_to_a_reset() {
    crate::check(4, || {
        let counters = Arc::new((AtomicCounter::new(), StripedCounter::new()));
        let other = Arc::clone(&counters);
        let counts = thread::spawn(move || {
            other.0.increment();
            other.1.add(2);
            other.1.decrement();
        });
        counters.0.increment();
        counters.1.increment();
        let taken = (counters.0.reset(), counters.1.reset());
        counts.join().unwrap();
        assert_eq!(taken.0 + counters.0.value(), 2);
        assert_eq!(taken.1.wrapping_add(counters.1.value()), 2);
    });
}

/// Proves: each increment gives a number of its own, from 1 on without a gap, so numbers may name things. Leaves out: more
/// than three counts.
#[test]
fn each_increment_gives_a_number_of_its_own() {
    crate::check(4, || {
        let counter = Arc::new(AtomicCounter::new());
        let other = Arc::clone(&counter);
        let theirs = thread::spawn(move || [other.increment(), other.increment()]);
        let own = counter.increment();
        let [first, second] = theirs.join().unwrap();
        assert!(first < second);
        let mut all = [first, second, own];
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3]);
    });
}

/// Proves: counts up and down end at their difference; on the way exactly one thread counts down to 0, the last one to leave.
/// Leaves out: more than two threads.
#[test]
fn of_the_threads_that_count_down_one_alone_reaches_zero() {
    crate::check(4, || {
        let counter = Arc::new(AtomicCounter::new());
        counter.add(2);
        let other = Arc::clone(&counter);
        let theirs = thread::spawn(move || other.decrement() == 0);
        let own = counter.decrement() == 0;
        assert!(own != theirs.join().unwrap());
        assert_eq!(counter.value(), 0);
    });
}

/// Proves: of three threads on two words no count is lost where two share one. Leaves out: more words than two.
#[test]
fn threads_that_share_a_word_lose_no_count() {
    crate::check(3, || {
        let counter = Arc::new(StripedCounter::new());
        let count = || {
            let counter = Arc::clone(&counter);
            thread::spawn(move || counter.add(2))
        };
        let others = [count(), count()];
        counter.decrement();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(counter.value(), 3);
    });
}

/// Proves: a sum that is below 0 in one word and above it in the other is right once counting has ended. Leaves out: sums
/// that are read meanwhile, which may show a count down without the count up that came before it.
#[test]
fn counts_up_and_down_on_two_words_end_at_their_difference() {
    crate::check(4, || {
        let counter = Arc::new(StripedCounter::new());
        let other = Arc::clone(&counter);
        let leaves = thread::spawn(move || {
            other.decrement();
            other.decrement();
        });
        counter.add(3);
        let taken = counter.reset();
        leaves.join().unwrap();
        assert_eq!(taken.wrapping_add(counter.value()), 1);
    });
}

/// Proves: a value that is read while another thread counts lies between what was counted before and after, and no later
/// one is less. Leaves out: counting down.
#[test]
fn a_value_lies_between_what_was_counted_before_and_after() {
    crate::check(4, || {
        let counter = Arc::new(StripedCounter::new());
        let other = Arc::clone(&counter);
        counter.increment();
        let counts = thread::spawn(move || {
            other.increment();
            other.increment();
        });
        let (early, late) = (counter.value(), counter.value());
        assert!(1 <= early && early <= late && late <= 3, "after 1 of 3 counts {early} was read, and then {late}");
        counts.join().unwrap();
        assert_eq!(counter.value(), 3);
    });
}
