//! Sums over slices in eight lanes: a fixed order of additions that vector units can follow.
//!
//! The order depends on the slice alone, so an epoch's sums are the same bits in whatever batch it is computed.

const LANES: usize = 8;

/// The sum of `term(value)` over all values.
pub(crate) fn sum_of(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane += term(value);
        }
    }
    total(lanes) + rest.iter().map(|&value| term(value)).sum::<f64>()
}

/// The sum of `term(a, b)` over the pairs of two slices of one length.
pub(crate) fn sum_of_pairs(first: &[f64], second: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let (first_blocks, first_rest) = first.as_chunks::<LANES>();
    let (second_blocks, second_rest) = second.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (first, second) in first_blocks.iter().zip(second_blocks) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(first).zip(second) {
            *lane += term(a, b);
        }
    }
    total(lanes) + first_rest.iter().zip(second_rest).map(|(&a, &b)| term(a, b)).sum::<f64>()
}

/// The arithmetic mean; NaN for no values.
pub(crate) fn mean_of(values: &[f64]) -> f64 {
    sum_of(values, |value| value) / values.len() as f64
}

/// The sum of squared distances from a centre, such as the mean: the second pass of a two-pass variance.
pub(crate) fn squares_about(values: &[f64], centre: f64) -> f64 {
    sum_of(values, |value| (value - centre) * (value - centre))
}

/// The variance with n - 1 in the denominator, about a mean that is known; NaN below two values.
pub(crate) fn sample_variance(values: &[f64], mean: f64) -> f64 {
    match values.len() {
        0 | 1 => f64::NAN,
        n => squares_about(values, mean) / (n - 1) as f64,
    }
}

/// The smallest value; infinity for none. No value may be NaN.
pub(crate) fn smallest(values: &[f64]) -> f64 {
    fold_lanes(values, f64::INFINITY, |least, value| if value < least { value } else { least })
}

/// The largest value; minus infinity for none. No value may be NaN.
pub(crate) fn largest(values: &[f64]) -> f64 {
    fold_lanes(values, f64::NEG_INFINITY, |most, value| if value > most { value } else { most })
}

/// Fills `kept` with the values that are numbers, in order.
pub(crate) fn keep_numbers(values: &[f64], kept: &mut Vec<f64>) {
    kept.clear();
    if values.iter().fold(false, |any, value| any | value.is_nan()) {
        kept.extend(values.iter().filter(|value| !value.is_nan()));
    } else {
        kept.extend_from_slice(values);
    }
}

fn fold_lanes(values: &[f64], start: f64, pick: impl Fn(f64, f64) -> f64) -> f64 {
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [start; LANES];
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane = pick(*lane, value);
        }
    }
    lanes.into_iter().chain(rest.iter().copied()).fold(start, pick)
}

fn total(lanes: [f64; LANES]) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}
