//! Counters: no count is lost, whatever meets whatever.

use loom::sync::Arc;
use loom::thread;
use manyhands::{AtomicCounter, StripedCounter};

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
