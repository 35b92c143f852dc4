//! Probabilities of many tests, adjusted so that many tests find no more than one.

use std::cmp::Ordering;

/// The adjusted probabilities of S. Holm's step-down procedure (Scand. J. Stat. 6, 1979), in the order given: with m tests, the one of rank i
/// becomes the largest of `(m - j + 1) p_j` over all ranks j up to i, at most 1. Below a level are then with that probability no false ones at all.
///
/// NaN is a test that was not made: it stays NaN and is not counted.
///
/// ```
/// # use signal_batch::stats::holm;
/// assert_eq!(holm(&[0.25, 0.125, 0.375]), [0.5, 0.375, 0.5]);
/// ```
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let ranked = ranked(p);
    let mut largest = 0.0_f64;
    let mut adjusted = vec![f64::NAN; p.len()];
    for (idx, &at) in ranked.iter().enumerate() {
        largest = largest.max((ranked.len() - idx) as f64 * p[at]);
        adjusted[at] = largest.min(1.0);
    }
    adjusted
}

/// The adjusted probabilities of Y. Benjamini and Y. Hochberg (J. R. Stat. Soc. B 57, 1995), in the order given: the one of rank i becomes the
/// smallest of `m p_j / j` over all ranks j from i on, at most 1. Of those below a level, that share is false in the mean.
///
/// NaN is a test that was not made: it stays NaN and is not counted.
///
/// ```
/// # use signal_batch::stats::benjamini_hochberg;
/// assert_eq!(benjamini_hochberg(&[0.75, 0.125, 0.25]), [0.75, 0.375, 0.375]);
/// ```
#[must_use]
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let ranked = ranked(p);
    let mut smallest = 1.0_f64;
    let mut adjusted = vec![f64::NAN; p.len()];
    for (idx, &at) in ranked.iter().enumerate().rev() {
        smallest = smallest.min(p[at] * ranked.len() as f64 / (idx + 1) as f64);
        adjusted[at] = smallest;
    }
    adjusted
}

/// The positions of all numbers, from the smallest.
fn ranked(p: &[f64]) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..p.len()).filter(|&at| !p[at].is_nan()).collect();
    positions.sort_by(|&a, &b| p[a].partial_cmp(&p[b]).unwrap_or(Ordering::Equal));
    positions
}
