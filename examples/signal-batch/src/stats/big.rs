//! Integers of any size, as far as exact decisions about sums need them: difference, product, order.

use std::cmp::Ordering;

use super::exact_sum::parts;

/// An integer: its sign, and the digits of its absolute value in base 2^32, lowest first and without zeros at the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Big {
    is_negative: bool,
    digits: Vec<u32>,
}

impl Big {
    /// The integer of these digits, lowest first.
    pub(super) fn from_digits(is_negative: bool, mut digits: Vec<u32>) -> Self {
        while digits.last() == Some(&0) {
            digits.pop();
        }
        Self { is_negative: is_negative && !digits.is_empty(), digits }
    }

    /// A whole number.
    pub(super) fn of_u64(value: u64) -> Self {
        Self::from_digits(false, vec![value as u32, (value >> 32) as u32])
    }

    /// A finite number in units of `2^unit`, of which it is a whole multiple.
    pub(super) fn of_f64(value: f64, unit: i32) -> Self {
        let (mantissa, place) = parts(value);
        let place = place as i32 - 1074 - unit;
        let mut big = Self::of_u64(mantissa);
        match u32::try_from(place) {
            Ok(place) => big = big.shifted(place),
            Err(_) => big = Self::of_u64(mantissa >> place.unsigned_abs().min(63)),
        }
        big.is_negative = value < 0.0 && !big.digits.is_empty();
        big
    }

    /// Whether it is below zero.
    pub(super) fn is_negative(&self) -> bool {
        self.is_negative
    }

    /// Times `2^places`.
    pub(super) fn shifted(&self, places: u32) -> Self {
        let mut digits = vec![0; (places / 32) as usize];
        let mut carried = 0_u64;
        for &digit in &self.digits {
            carried |= u64::from(digit) << (places % 32);
            digits.push(carried as u32);
            carried >>= 32;
        }
        digits.push(carried as u32);
        Self::from_digits(self.is_negative, digits)
    }

    /// The product, by the method of school.
    pub(super) fn times(&self, other: &Self) -> Self {
        let mut digits = vec![0_u32; self.digits.len() + other.digits.len()];
        for (first, &own) in self.digits.iter().enumerate() {
            let mut carried = 0_u64;
            for (digit, &factor) in digits[first..].iter_mut().zip(other.digits.iter().chain([&0])) {
                carried += u64::from(*digit) + u64::from(own) * u64::from(factor);
                *digit = carried as u32;
                carried >>= 32;
            }
        }
        Self::from_digits(self.is_negative != other.is_negative, digits)
    }

    /// The difference.
    pub(super) fn minus(&self, other: &Self) -> Self {
        if self.is_negative != other.is_negative {
            return Self::from_digits(self.is_negative, added(&self.digits, &other.digits));
        }
        match self.compare_absolute(other) {
            Ordering::Less => Self::from_digits(!self.is_negative, subtracted(&other.digits, &self.digits)),
            _ => Self::from_digits(self.is_negative, subtracted(&self.digits, &other.digits)),
        }
    }

    /// The order of the absolute values.
    pub(super) fn compare_absolute(&self, other: &Self) -> Ordering {
        let by_length = self.digits.len().cmp(&other.digits.len());
        by_length.then_with(|| self.digits.iter().rev().cmp(other.digits.iter().rev()))
    }

    /// The nearest number to this many units of `2^unit`; one of the two nearest where it is below 1e-307.
    pub(super) fn to_f64(&self, unit: i32) -> f64 {
        // 64 bits from the top; what lies below only says that the value is not exactly half way.
        let n_bits = self.n_bits();
        let cut = n_bits.saturating_sub(64);
        let mut top = self.bits_from(cut);
        if self.has_bit_below(cut) {
            top |= 1;
        }
        let value = scaled_by_two(top as f64, unit.saturating_add(cut as i32));
        if self.is_negative { -value } else { value }
    }

    /// This many units of `2^unit`, as the nearest number and what is missing to it.
    pub(super) fn to_twofold(&self, unit: i32) -> (f64, f64) {
        let high = self.to_f64(unit);
        (high, self.minus(&Self::of_f64(high, unit)).to_f64(unit))
    }

    /// The exponent of the first power of two above its absolute value.
    pub(super) fn exponent(&self) -> i32 {
        self.n_bits() as i32
    }

    fn n_bits(&self) -> u32 {
        self.digits.last().map_or(0, |top| self.digits.len() as u32 * 32 - top.leading_zeros())
    }

    /// The 64 bits from this one upwards.
    fn bits_from(&self, place: u32) -> u64 {
        let digit = |idx: usize| u128::from(self.digits.get(idx).copied().unwrap_or(0));
        let first = (place / 32) as usize;
        ((digit(first) | digit(first + 1) << 32 | digit(first + 2) << 64) >> (place % 32)) as u64
    }

    fn has_bit_below(&self, place: u32) -> bool {
        let whole = (place / 32) as usize;
        self.digits[..whole].iter().any(|&digit| digit != 0)
            || self.digits.get(whole).is_some_and(|digit| digit & ((1 << (place % 32)) - 1) != 0)
    }
}

fn added(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut carried = 0_u64;
    let digit = |digits: &[u32], idx: usize| u64::from(digits.get(idx).copied().unwrap_or(0));
    let sum = (0..=a.len().max(b.len())).map(|idx| {
        carried += digit(a, idx) + digit(b, idx);
        let low = carried as u32;
        carried >>= 32;
        low
    });
    sum.collect()
}

/// `a` is not below `b`.
fn subtracted(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut borrowed = false;
    let difference = a.iter().enumerate().map(|(idx, &digit)| {
        let (once, first) = digit.overflowing_sub(b.get(idx).copied().unwrap_or(0));
        let (twice, second) = once.overflowing_sub(u32::from(borrowed));
        borrowed = first || second;
        twice
    });
    difference.collect()
}

/// `value * 2^exponent`, for any exponent. Exact unless the result overflows or is below the normal numbers.
pub(super) fn scaled_by_two(value: f64, exponent: i32) -> f64 {
    let mut left = exponent.clamp(-4000, 4000);
    let mut scaled = value;
    // At most one of these steps rounds: the others stay among normal numbers, or have reached zero or infinity.
    while left > 1023 {
        scaled *= power_of_two(1023);
        left -= 1023;
    }
    while left < -969 {
        scaled *= power_of_two(-969);
        left += 969;
    }
    scaled * power_of_two(left)
}

/// `2^exponent`, for exponents of normal numbers.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use manyhands_test_support::rng::Rng;

    use super::*;

    fn big(value: i128) -> Big {
        let magnitude = value.unsigned_abs();
        let digits = [0, 32, 64, 96].map(|shift| (magnitude >> shift) as u32);
        Big::from_digits(value < 0, digits.to_vec())
    }

    #[test]
    fn arithmetic_is_that_of_integers() {
        let mut rng = Rng::for_test("arithmetic_is_that_of_integers");
        for _ in 0..2000 {
            let mut draw = || i128::from(rng.next_u64() as i64 >> rng.below(64));
            let (a, b) = (draw(), draw());
            assert_eq!(big(a).times(&big(b)), big(a * b));
            assert_eq!(big(a).minus(&big(b)), big(a - b));
            assert_eq!(big(a).compare_absolute(&big(b)), a.unsigned_abs().cmp(&b.unsigned_abs()));
            assert_eq!(big(a * b).to_f64(0), (a * b) as f64);
            assert_eq!(big(a).shifted(40), big(a << 40));
        }
    }

    #[test]
    fn numbers_survive_the_way_there_and_back() {
        for value in [0.0, 1.0, -0.1, 5e-324, f64::MAX, f64::MIN_POSITIVE, -1e-310] {
            assert_eq!(Big::of_f64(value, -1074).to_f64(-1074), value);
        }
        assert_eq!(scaled_by_two(3.0, -1074), 15e-324);
        assert_eq!(scaled_by_two(1e-320, 2000), 1e-320 * 2f64.powi(1000) * 2f64.powi(1000));
    }
}
