//! Sums over long slices: deterministic, accurate, and in a form that the compiler turns into vector instructions.
//!
//! Eight partial sums run side by side and are added in a fixed order, so a sum has the same bits on every machine and in every mode.

/// How many partial sums run side by side.
const LANES: usize = 8;
/// How many samples a partial sum takes before it is added to the total: it keeps the rounding error of long sums small.
const BLOCK: usize = 4096;

/// The sum.
pub(crate) fn sum(values: &[f64]) -> f64 {
    values.chunks(BLOCK).map(|block| sum_of_block(block, |value| value)).sum()
}

/// The mean; NaN of no values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    sum(values) / values.len() as f64
}

/// The sum of the products of `values - centre` with `weights`; what is longer is cut.
pub(crate) fn centred_dot(weights: &[f64], values: &[f64], centre: f64) -> f64 {
    let n = weights.len().min(values.len());
    let (mut lanes, mut rest) = ([0.0; LANES], 0.0);
    let (weights, values) = (&weights[..n], &values[..n]);
    let (weights_chunks, values_chunks) = (weights.chunks_exact(LANES), values.chunks_exact(LANES));
    for (weight, value) in weights_chunks.remainder().iter().zip(values_chunks.remainder()) {
        rest += weight * (value - centre);
    }
    for (weights, values) in weights_chunks.zip(values_chunks) {
        for lane in 0..LANES {
            lanes[lane] += weights[lane] * (values[lane] - centre);
        }
    }
    total(lanes) + rest
}

/// The sum of the squares of `values - centre`.
pub(crate) fn centred_energy(values: &[f64], centre: f64) -> f64 {
    sum_of_block(values, |value| (value - centre) * (value - centre))
}

fn sum_of_block(block: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let chunks = block.chunks_exact(LANES);
    let rest: f64 = chunks.remainder().iter().map(|value| term(*value)).sum();
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] += term(chunk[lane]);
        }
    }
    total(lanes) + rest
}

fn total(lanes: [f64; LANES]) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_every_length_take_each_value_once() {
        for n in 0..40_usize {
            let values: Vec<f64> = (1..=n).map(|value| value as f64).collect();
            let expected = (n * (n + 1) / 2) as f64;
            assert_eq!(sum(&values), expected);
            let squares: f64 = values.iter().map(|value| (value - 1.0) * (value - 1.0)).sum();
            assert_eq!(centred_energy(&values, 1.0), squares);
            let products: f64 = values.iter().map(|value| value * (value - 2.0)).sum();
            assert_eq!(centred_dot(&values, &values, 2.0), products);
        }
    }

    #[test]
    fn a_long_sum_keeps_its_last_digits() {
        let n = 1_000_000;
        let values = vec![0.1; n];
        assert!((sum(&values) - 1e5).abs() < 1e-8, "{:e}", sum(&values) - 1e5);
        assert!(mean(&[]).is_nan());
    }
}
