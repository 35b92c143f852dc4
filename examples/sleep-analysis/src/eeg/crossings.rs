//! Changes of sign: of the samples, and of their differences as a measure of roughness.

/// The number of neighbours whose sign bits differ; 0.0 counts as positive and -0.0 as negative.
///
/// ```
/// # use sleep_analysis::eeg::zero_crossings;
/// assert_eq!(zero_crossings(&[1.0, -1.0, -2.0, 0.0]), 2);
/// ```
#[must_use]
pub fn zero_crossings(samples: &[f64]) -> usize {
    let later = samples.get(1..).unwrap_or_default();
    samples.iter().zip(later).map(|(now, next)| sign_change(*now, *next)).sum::<u64>() as usize
}

/// Petrosian's fractal dimension: `log n / (log n + log(n / (n + 0.4 c)))`, where `c` counts the changes of sign of the
/// differences.
///
/// Source: A. Petrosian, "Kolmogorov complexity of finite sequences and recognition of different preictal EEG patterns",
/// Proc. IEEE CBMS (1995).
///
/// ```
/// # use sleep_analysis::eeg::petrosian_fd;
/// assert_eq!(petrosian_fd(&[1.0, 2.0, 3.0, 4.0]), 1.0);
/// assert!(petrosian_fd(&[1.0, 2.0, 1.0, 4.0]) > 1.0);
/// ```
#[must_use]
pub fn petrosian_fd(samples: &[f64]) -> f64 {
    let n = samples.len() as f64;
    let n_turns = turns(samples) as f64;
    n.log10() / (n.log10() + (n / (n + 0.4 * n_turns)).log10())
}

/// The number of neighbouring differences whose sign bits differ.
fn turns(samples: &[f64]) -> u64 {
    let n_pairs = samples.len().saturating_sub(2);
    let (now, next, after) = (
        &samples[..n_pairs],
        &samples.get(1..).unwrap_or_default()[..n_pairs],
        &samples.get(2..).unwrap_or_default()[..n_pairs],
    );
    now.iter().zip(next).zip(after).map(|((now, next), after)| sign_change(next - now, after - next)).sum()
}

/// 1 when the sign bits differ, else 0.
fn sign_change(a: f64, b: f64) -> u64 {
    (a.to_bits() ^ b.to_bits()) >> 63
}
