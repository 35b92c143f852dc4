//! Counters in one thread: one plain number, modulo 2^64.

use manyhands::{AtomicCounter, counter::StripedCounter};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Step {
    Increment,
    Decrement,
    Add(u64),
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    let amount = prop_oneof![0..10_u64, any::<u64>(), Just(u64::MAX), Just(1 << 63)];
    prop_oneof![
        3 => Just(Step::Increment),
        3 => Just(Step::Decrement),
        3 => amount.prop_map(Step::Add),
        1 => Just(Step::Reset),
    ]
}

proptest! {
    #![proptest_config(manyhands_test_support::property::config(256))]
    #[test]
    fn both_counters_are_a_number_that_wraps_around(steps in prop::collection::vec(step(), 0..60)) {
        let (plain, striped) = (AtomicCounter::new(), StripedCounter::new());
        let mut count = 0_u64;
        for step in steps {
            match step {
                Step::Increment => {
                    count = count.wrapping_add(1);
                    assert_eq!(plain.increment(), count);
                    striped.increment();
                }
                Step::Decrement => {
                    count = count.wrapping_sub(1);
                    assert_eq!(plain.decrement(), count);
                    striped.decrement();
                }
                Step::Add(amount) => {
                    count = count.wrapping_add(amount);
                    assert_eq!(plain.add(amount), count);
                    striped.add(amount);
                }
                Step::Reset => {
                    assert_eq!((plain.reset(), striped.reset()), (count, count));
                    count = 0;
                }
            }
            assert_eq!((plain.value(), striped.value()), (count, count));
        }
    }
}

#[test]
fn below_nothing_comes_the_largest_count() {
    let (plain, striped) = (AtomicCounter::default(), StripedCounter::default());
    striped.decrement();
    assert_eq!((plain.decrement(), striped.value()), (u64::MAX, u64::MAX));
    striped.increment();
    assert_eq!((plain.increment(), striped.value()), (0, 0));
}
