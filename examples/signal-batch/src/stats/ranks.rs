//! What the joint order of two samples says: who is larger how often, and how far their distributions lie apart.
//!
//! Promises: counts are whole numbers, exact for up to 2^31 values a side; only the last step to a probability rounds. Leaves to others: missing values.

use super::compare::{KolmogorovSmirnov, MannWhitney};
use super::distributions::{kolmogorov, normal_two_sided};

/// Counts over the merged order of two samples, both of which have values.
#[derive(Debug)]
pub(super) struct JointOrder {
    n_a: u128,
    n_b: u128,
    /// Twice the number of pairs with b above a, plus the number of ties.
    twice_u_b: u128,
    /// Σ (t³ - t) over all groups of t equal values.
    ties: u128,
    /// The largest `|i n_b - j n_a|` over all values, with i of a and j of b not above it.
    largest_gap: u128,
}

impl JointOrder {
    /// Sorts a copy of each sample and walks through both once.
    pub(super) fn of(a: &[f64], b: &[f64]) -> Self {
        let (a, b) = (sorted_keys(a), sorted_keys(b));
        let (n_a, n_b) = (a.len() as u128, b.len() as u128);
        let mut order = Self { n_a, n_b, twice_u_b: 0, ties: 0, largest_gap: 0 };
        let (mut seen_a, mut seen_b) = (0, 0);
        while let Some(value) = a.get(seen_a).into_iter().chain(b.get(seen_b)).min().copied() {
            let (equal_a, equal_b) = (run_of(&a[seen_a..], value), run_of(&b[seen_b..], value));
            order.twice_u_b += equal_b as u128 * (2 * seen_a + equal_a) as u128;
            let tied = (equal_a + equal_b) as u128;
            order.ties += tied * tied * tied - tied;
            (seen_a, seen_b) = (seen_a + equal_a, seen_b + equal_b);
            order.largest_gap = order.largest_gap.max((seen_a as u128 * n_b).abs_diff(seen_b as u128 * n_a));
        }
        order
    }

    /// The rank test, two-sided, by its normal approximation with a correction for ties and for continuity.
    pub(super) fn mann_whitney(&self) -> MannWhitney {
        let n = self.n_a + self.n_b;
        let pairs = self.n_a * self.n_b;
        // σ² = n_a n_b (n³ - n - ties) / (12 n (n - 1)); the difference is a whole number.
        let untied = (n * n * n - n - self.ties) as f64;
        let variance = pairs as f64 / 12.0 * (untied / (n * (n - 1)) as f64);
        let distance = self.twice_u_b.abs_diff(pairs) as f64 / 2.0;
        let z = (distance - 0.5) / variance.sqrt();
        let p = if z > 0.0 { normal_two_sided(z) } else { 1.0 };
        MannWhitney { u_b: self.twice_u_b as f64 / 2.0, p }
    }

    /// Cliff's delta: the share of pairs with b above a, less the share of those with b below.
    pub(super) fn cliffs_delta(&self) -> f64 {
        let pairs = self.n_a * self.n_b;
        let distance = self.twice_u_b.abs_diff(pairs) as f64 / pairs as f64;
        if self.twice_u_b < pairs { -distance } else { distance }
    }

    /// The largest gap of the two distribution functions, and its limiting probability.
    pub(super) fn kolmogorov_smirnov(&self) -> KolmogorovSmirnov {
        let pairs = self.n_a as f64 * self.n_b as f64;
        let d = self.largest_gap as f64 / pairs;
        KolmogorovSmirnov { d, p_limit: kolmogorov((pairs / (self.n_a + self.n_b) as f64).sqrt() * d) }
    }
}

/// Integers in the order of the numbers, sorted: they compare faster. Both zeros are one.
fn sorted_keys(values: &[f64]) -> Vec<u64> {
    let mut keys: Vec<u64> = values.iter().map(|&value| key(value)).collect();
    keys.sort_unstable();
    keys
}

fn key(value: f64) -> u64 {
    // Adding zero turns -0 into 0.
    let bits = (value + 0.0).to_bits();
    match bits >> 63 {
        0 => bits | 1 << 63,
        _ => !bits,
    }
}

/// How many keys at the front are this one.
fn run_of(keys: &[u64], value: u64) -> usize {
    keys.iter().take_while(|&&key| key == value).count()
}

#[cfg(test)]
mod tests {
    use manyhands_test_support::rng::Rng;

    use super::*;

    #[test]
    fn counts_are_those_of_all_pairs() {
        let mut rng = Rng::for_test("counts_are_those_of_all_pairs");
        for _ in 0..200 {
            let mut draw = || -> Vec<f64> { (0..=rng.below(12)).map(|_| rng.below(6) as f64 - 2.0).collect() };
            let (a, b) = (draw(), draw());
            let pairs = a.iter().flat_map(|a| b.iter().map(move |b| (a, b)));
            let twice_u_b: u128 = pairs.map(|(a, b)| u128::from(a < b) + u128::from(a <= b)).sum();
            let share = |values: &[f64], at: f64| {
                values.iter().filter(|&&value| value <= at).count() as f64 / values.len() as f64
            };
            let gaps = a.iter().chain(&b).map(|&at| (share(&a, at) - share(&b, at)).abs());
            let order = JointOrder::of(&a, &b);
            assert_eq!(order.twice_u_b, twice_u_b);
            assert!((order.kolmogorov_smirnov().d - gaps.fold(0.0, f64::max)).abs() < 1e-15);
        }
    }

    #[test]
    fn keys_have_the_order_of_numbers() {
        let rising = [f64::NEG_INFINITY, -1e300, -1.0, -5e-324, 0.0, 5e-324, 1.0, f64::INFINITY];
        assert!(rising.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
        assert_eq!(key(-0.0), key(0.0));
    }
}
