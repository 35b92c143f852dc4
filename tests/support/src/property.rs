//! Properties of proptest that can be replayed.

use proptest::test_runner::{Config, RngSeed};

use crate::seed::{current_test, replay_command, seed};

/// A configuration for so many cases, whose random numbers come from the [seed of the program](seed()). Prints the command that
/// replays the test; the harness shows it when the test fails.
///
/// proptest's own file of failed cases is switched off: it would stand beside the source, and some tests cannot have one.
///
/// ```
/// proptest::proptest! {
///     #![proptest_config(manyhands_test_support::property::config(64))]
///     # fn doubled_numbers_are_even(number in 0..1000_u32) {
///         proptest::prop_assert_eq!((2 * number) % 2, 0);
///     # }
/// }
/// ```
pub fn config(n_cases: u32) -> Config {
    eprintln!("replay with: {}", replay_command(current_test().as_deref()));
    Config { rng_seed: RngSeed::Fixed(seed()), failure_persistence: None, ..Config::with_cases(n_cases) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::{TestError, TestRunner};

    use super::config;

    #[test]
    fn a_failing_property_fails_with_the_same_case_again() {
        let smallest = || {
            let failed = TestRunner::new(config(1000)).run(&(0_u64..1 << 40), |number| {
                // Which of these a run meets first is up to the seed, and so is what shrinking makes of it.
                prop_assert!(number % 7 != 3);
                Ok(())
            });
            match failed {
                Err(TestError::Fail(_, number)) => number,
                other => panic!("the property did not fail: {other:?}"),
            }
        };
        assert_eq!(smallest(), smallest());
    }
}
