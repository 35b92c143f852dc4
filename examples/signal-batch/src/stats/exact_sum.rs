//! Sums of numbers and of their squares without any rounding, for the few decisions that rounding could turn.
//!
//! Promises: the sum of up to 2^63 finite numbers of any sizes is exact, whatever cancels. Leaves to others: when to use it; it takes
//! several times as long as a compensated sum.
//!
//! Source: R. M. Neal, "Fast exact summation using small and large superaccumulators", arXiv:1505.05571 (2015): one 64-bit counter for
//! every 32 bits of the range of `f64`, with carries passed on only now and then.

use super::big::Big;

/// The place of the lowest bit of the smallest number above zero is 2^-1074.
pub(super) const LOWEST: i32 = -1074;
/// Bits of a digit.
const DIGIT: u32 = 32;
/// Each addition changes a counter by less than 2^32, so that this many fit before a carry must be passed on.
const ADDITIONS_UNTIL_CARRY: u32 = 1 << 30;

/// A sum that is exact. Its unit is 2^-1074, or the square of it for a sum of squares.
#[derive(Debug, Clone)]
pub(super) struct ExactSum {
    counters: Vec<i64>,
    additions: u32,
}

impl ExactSum {
    /// The sum of these finite numbers, in units of 2^-1074.
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sum = Self::empty();
        for &value in values {
            let (mantissa, place) = parts(value);
            // 53 bits, moved by up to 31.
            sum.add::<3>(u128::from(mantissa), place, value.to_bits() as i64 >> 63);
        }
        sum
    }

    /// The sum of the squares of these finite numbers, in units of 2^-2148.
    pub(super) fn of_squares(values: &[f64]) -> Self {
        let mut sum = Self::empty();
        for &value in values {
            let (mantissa, place) = parts(value);
            // 106 bits, moved by up to 31.
            sum.add::<5>(u128::from(mantissa) * u128::from(mantissa), 2 * place, 0);
        }
        sum
    }

    /// Room for the square of the largest number, counted 2^63 times: 2 * (1024 + 1074) + 63 bits.
    fn empty() -> Self {
        Self { counters: vec![0; 136], additions: 0 }
    }

    /// Adds `mantissa * 2^place`, of which `N` digits can be other than zero, or with a sign of -1 its negative: inverted and less that, a digit
    /// changes its sign. A branch would be guessed wrong at every other number.
    fn add<const N: usize>(&mut self, mantissa: u128, place: u32, sign: i64) {
        let (first, shift) = ((place / DIGIT) as usize, place % DIGIT);
        // The lowest digit takes what fits of the mantissa beside the shift.
        let (mut digit, mut left) = ((mantissa << shift) as u32, mantissa >> (DIGIT - shift));
        for counter in &mut self.counters[first..first + N] {
            *counter += (i64::from(digit) ^ sign) - sign;
            (digit, left) = (left as u32, left >> DIGIT);
        }
        self.additions += 1;
        if self.additions == ADDITIONS_UNTIL_CARRY {
            self.carry();
        }
    }

    /// Brings every counter but the last to 0..2^32.
    fn carry(&mut self) {
        for idx in 0..self.counters.len() - 1 {
            let carried = self.counters[idx] >> DIGIT;
            self.counters[idx] -= carried << DIGIT;
            self.counters[idx + 1] += carried;
        }
        self.additions = 0;
    }

    /// The sum as an integer of its unit.
    pub(super) fn to_big(&self) -> Big {
        let mut positive = self.clone();
        positive.carry();
        let is_negative = positive.counters.last().is_some_and(|&top| top < 0);
        if is_negative {
            positive.counters.iter_mut().for_each(|counter| *counter = -*counter);
            positive.carry();
        }
        let digits = positive.counters.iter().map(|&counter| counter as u32).collect();
        Big::from_digits(is_negative, digits)
    }
}

/// The integer and the place of its lowest bit above 2^-1074 that together are the absolute value.
pub(super) fn parts(value: f64) -> (u64, u32) {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as u32;
    let fraction = bits & ((1 << 52) - 1);
    match exponent {
        0 => (fraction, 0),
        _ => (fraction | 1 << 52, exponent - 1),
    }
}

#[cfg(test)]
mod tests {
    use manyhands_test_support::rng::Rng;

    use super::*;

    /// The sum times 2^-`exponent`.
    fn scaled(values: &[f64], exponent: i32) -> (f64, f64) {
        ExactSum::of(values).to_big().to_twofold(LOWEST - exponent)
    }

    #[test]
    fn what_cancels_leaves_exactly_what_is_left() {
        let values = [1e308, 1.0, 5e-324, -1e308, 1e-200, -1.0];
        assert_eq!(scaled(&values, 0), (1e-200, 5e-324));
        assert_eq!(scaled(&[1.0, 2.0f64.powi(-80), 2.0f64.powi(-140)], 0), (1.0, 2.0f64.powi(-80)));
        assert_eq!(scaled(&[], 0), (0.0, 0.0));
    }

    #[test]
    fn sums_beyond_the_range_are_scaled() {
        let values = [f64::MAX, f64::MAX, f64::MAX];
        assert_eq!(scaled(&values, 1024).0, 3.0 - 2.0 * f64::EPSILON);
        assert_eq!(scaled(&[-5e-324, -5e-324], -1074), (-2.0, 0.0));
    }

    #[test]
    fn integers_and_their_squares_are_summed_like_integers() {
        let mut rng = Rng::for_test("integers_and_their_squares_are_summed_like_integers");
        let integers: Vec<i64> = (0..500).map(|_| i64::from(rng.next_u64() as i32)).collect();
        let values: Vec<f64> = integers.iter().map(|&integer| integer as f64).collect();
        let unit = |big: Big, exponent| big.to_f64(exponent);
        assert_eq!(unit(ExactSum::of(&values).to_big(), LOWEST), integers.iter().sum::<i64>() as f64);
        let squares: i128 = integers.iter().map(|&integer| i128::from(integer) * i128::from(integer)).sum();
        assert_eq!(unit(ExactSum::of_squares(&values).to_big(), 2 * LOWEST), squares as f64);
    }

    #[test]
    fn carries_lose_nothing() {
        let mut sum = ExactSum::of(&[0.1, 3e300, -7.0, 2e-310]);
        let before = sum.to_big();
        sum.carry();
        assert!(sum.to_big() == before && sum.additions == 0);
    }
}
