//! Counters: no count is lost or counted twice, whichever thread resets and when.

use std::sync::atomic::{AtomicU64, Ordering};

use manyhands::{AtomicCounter, counter::StripedCounter};

use crate::scenario::{scenario, together};

#[test]
fn every_count_is_in_a_sum_that_was_taken_or_is_still_there() {
    scenario("counters, with resets", |rng| {
        let (plain, striped) = (AtomicCounter::new(), StripedCounter::new());
        let [counted, from_plain, from_striped] = [(); 3].map(|()| AtomicU64::new(0));
        // More threads than a striped counter has words, so that some count on the same one.
        let n_uses = together(20, rng, |_, rng| {
            for _ in 0..300 {
                let amount = match rng.below(64) {
                    0 => {
                        from_plain.fetch_add(plain.reset(), Ordering::Relaxed);
                        from_striped.fetch_add(striped.reset(), Ordering::Relaxed);
                        0
                    }
                    1..20 => {
                        plain.increment();
                        striped.increment();
                        1
                    }
                    20..40 => {
                        plain.decrement();
                        striped.decrement();
                        u64::MAX
                    }
                    _ => {
                        let amount = rng.next_u64();
                        plain.add(amount);
                        striped.add(amount);
                        amount
                    }
                };
                counted.fetch_add(amount, Ordering::Relaxed);
            }
            600
        });
        let counted = counted.into_inner();
        assert_eq!(from_plain.into_inner().wrapping_add(plain.value()), counted);
        assert_eq!(from_striped.into_inner().wrapping_add(striped.value()), counted);
        n_uses
    });
}

#[test]
fn every_increment_gives_a_number_of_its_own_and_no_sum_goes_back() {
    const EACH: u64 = 500;
    scenario("counters, numbers given", |rng| {
        let (plain, striped) = (AtomicCounter::new(), StripedCounter::new());
        let given: Vec<AtomicU64> = (0..=4 * EACH).map(|_| AtomicU64::new(0)).collect();
        let n_uses = together(4, rng, |_, rng| {
            let mut seen = (0, 0);
            for _ in 0..EACH {
                given[usize::try_from(plain.increment()).unwrap()].fetch_add(1, Ordering::Relaxed);
                striped.increment();
                rng.yield_one_in(64);
                let now = (plain.value(), striped.value());
                assert!(now.0 >= seen.0 && now.1 >= seen.1, "{now:?} after {seen:?}");
                seen = now;
            }
            4 * EACH
        });
        let given: Vec<u64> = given.into_iter().map(AtomicU64::into_inner).collect();
        assert!(given[0] == 0 && given[1..].iter().all(|times| *times == 1));
        assert_eq!((plain.value(), striped.value()), (4 * EACH, 4 * EACH));
        n_uses
    });
}
