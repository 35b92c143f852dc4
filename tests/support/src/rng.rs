//! Pseudo-random numbers that are the same for the same seed, on every machine.

use std::thread;
use std::time::Duration;

use crate::seed::seed;

/// A SplitMix64 generator. Costs some nanoseconds per number. Not for secrets.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// A generator whose numbers depend on this seed alone.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator for one test: its numbers depend on the [seed of the program](seed()) and on the name, so a test that is run
    /// alone draws the numbers that it draws among others.
    pub fn for_test(name: &str) -> Self {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(name.bytes().fold(seed(), mix))
    }

    /// Any number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next_u64() % end
    }

    /// An index below this one, which is not 0.
    pub fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap()
    }

    /// A number from 0 to 1, without 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A part of this time.
    pub fn part_of(&mut self, time: Duration) -> Duration {
        time.mul_f64(self.fraction())
    }

    /// True once in so many calls, on average.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Lets other threads run, once in so many calls on average.
    pub fn yield_one_in(&mut self, times: u64) {
        if self.one_in(times) {
            thread::yield_now();
        }
    }

    /// Another generator, whose numbers are independent of those that this one gives next.
    pub fn fork(&mut self) -> Self {
        Self(self.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the reference implementation by Sebastiano Vigna.
    #[test]
    fn numbers_are_those_of_the_reference() {
        let mut rng = Rng::new(1_234_567);
        let numbers = [(); 3].map(|()| rng.next_u64());
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn each_test_has_numbers_of_its_own_and_the_same_ones_again() {
        let first = |name: &str| Rng::for_test(name).next_u64();
        assert_eq!(first("kills"), first("kills"));
        assert_ne!(first("kills"), first("reports"));
    }

    #[test]
    fn a_fraction_is_below_one() {
        let mut rng = Rng::for_test("fractions");
        for _ in 0..10_000 {
            let fraction = rng.fraction();
            assert!((0.0..1.0).contains(&fraction), "{fraction}");
        }
    }
}
