//! Sums and middles of columns of numbers.

/// The median; the mean of the two middle ones of an even count. NaN of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    if sorted.is_empty() {
        return f64::NAN;
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 }
}

/// The sum, in halves of halves: what is lost grows with the logarithm of the count, and not with the count.
pub(crate) fn sum(values: &[f64]) -> f64 {
    if values.len() <= 8 {
        return values.iter().sum();
    }
    let (front, back) = values.split_at(values.len() / 2);
    sum(front) + sum(back)
}

/// The mean; NaN of none.
pub(crate) fn mean(values: &[f64]) -> f64 {
    sum(values) / values.len() as f64
}

/// The standard deviation, divided by the count.
pub(crate) fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: Vec<f64> = values.iter().map(|value| (value - mean) * (value - mean)).collect();
    (sum(&squares) / values.len() as f64).sqrt()
}

/// What is left of `value` after whole `divisor`s: from 0 to the divisor.
pub(crate) fn modulo(value: f64, divisor: f64) -> f64 {
    value.rem_euclid(divisor)
}
