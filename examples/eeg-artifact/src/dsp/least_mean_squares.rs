//! A filter that adapts by least mean squares.
//!
//! Promises: sums are taken in the same order every time, in eight lanes, which a compiler can turn into vectors. Choosing order and
//! step, and judging whether the filter stayed stable, are left to the step.

/// How many sums run side by side.
const LANES: usize = 8;

/// Replaces each value of `signal` by what is predicted of it from `reference`, of the same length.
///
/// The prediction at n, from `order` on, is the sum over `n_taps` weights of weight times reference, for the references from
/// n - `order` on; ahead of that it is 0. Weights begin at 0, and after each prediction they move by `step` * error * reference. The cost is
/// two multiplications per tap and sample.
pub(crate) fn predict_by_least_mean_squares(
    signal: &mut [f64],
    reference: &[f64],
    order: usize,
    n_taps: usize,
    step: f64,
) {
    let mut weights = vec![0.0; n_taps];
    let mut last = &reference[..n_taps.min(reference.len())];
    let mut gain = 0.0;
    let (ahead, predicted) = signal.split_at_mut(order.min(signal.len()));
    ahead.fill(0.0);
    for (value, next) in predicted.iter_mut().zip(reference.windows(n_taps)) {
        let prediction = adapt_and_predict(&mut weights, last, gain, next);
        gain = step * (*value - prediction);
        *value = prediction;
        last = next;
    }
}

/// Moves the weights by `gain` * `last`, and returns their sum over `next`: both at once, because memory is the bound.
fn adapt_and_predict(weights: &mut [f64], last: &[f64], gain: f64, next: &[f64]) -> f64 {
    let (weights, few_weights) = weights.as_chunks_mut::<LANES>();
    let (last, few_last) = last.as_chunks::<LANES>();
    let (next, few_next) = next.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for ((weights, last), next) in weights.iter_mut().zip(last).zip(next) {
        for lane in 0..LANES {
            weights[lane] += gain * last[lane];
            sums[lane] += weights[lane] * next[lane];
        }
    }
    for (((weight, last), next), sum) in few_weights.iter_mut().zip(few_last).zip(few_next).zip(&mut sums) {
        *weight += gain * last;
        *sum += *weight * next;
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recursion, from its definition.
    fn direct(signal: &[f64], reference: &[f64], order: usize, n_taps: usize, step: f64) -> Vec<f64> {
        let mut weights = vec![0.0; n_taps];
        let mut found = vec![0.0; signal.len()];
        for n in order..signal.len() {
            let past = &reference[n - order..n - order + n_taps];
            found[n] = weights.iter().zip(past).map(|(weight, value)| weight * value).sum();
            let error = signal[n] - found[n];
            weights.iter_mut().zip(past).for_each(|(weight, value)| *weight += step * error * value);
        }
        found
    }

    #[test]
    fn predictions_are_those_of_the_definition() {
        let reference: Vec<f64> =
            (0..500).map(|n| (f64::from(n) * 0.7).sin() + (f64::from(n * n) * 0.01).cos()).collect();
        let signal: Vec<f64> = (0..500).map(|n| (f64::from(n) * 0.7 + 0.4).sin()).collect();
        for (order, n_taps) in [(1, 1), (1, 2), (7, 7), (8, 8), (40, 41), (499, 499)] {
            let mut found = signal.clone();
            predict_by_least_mean_squares(&mut found, &reference, order, n_taps, 0.01);
            for (found, expected) in found.iter().zip(direct(&signal, &reference, order, n_taps, 0.01)) {
                assert!((found - expected).abs() < 1e-12, "order {order}, {n_taps} taps: {found} {expected}");
            }
        }
    }

    #[test]
    fn a_signal_that_follows_from_the_reference_is_predicted_in_the_end() {
        let reference: Vec<f64> = (0..5000).map(|n| (f64::from(n) * 0.7).sin() + (f64::from(n) * 1.9).cos()).collect();
        let signal: Vec<f64> = (0..5000).map(|n: i32| 2.0 * reference[usize::try_from(n - 3).unwrap_or(0)]).collect();
        let mut found = signal.clone();
        predict_by_least_mean_squares(&mut found, &reference, 10, 10, 0.05);
        let largest = found.iter().zip(&signal).skip(4000).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(largest < 1e-6, "off by {largest}");
    }
}
