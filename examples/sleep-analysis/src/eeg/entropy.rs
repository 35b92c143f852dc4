//! Entropy of a spectrum and of the order of samples, each between 0 (one thing only) and 1 (all alike).

use crate::features::sums::sum_of;

/// The spectral entropy of a power spectrum: Shannon's entropy of its shares, over the logarithm of the number of bins.
///
/// NaN when the power is zero or NaN. Source: T. Inouye et al., "Quantification of EEG irregularity by use of the
/// entropy of the power spectrum", Electroenceph. Clin. Neurophysiol. 79 (1991).
///
/// ```
/// # use sleep_analysis::eeg::spectral_entropy;
/// assert_eq!(spectral_entropy(&[2.0, 2.0, 2.0, 2.0]), 1.0);
/// assert_eq!(spectral_entropy(&[0.0, 5.0, 0.0, 0.0]), 0.0);
/// assert!(spectral_entropy(&[0.0, 0.0]).is_nan());
/// ```
#[must_use]
pub fn spectral_entropy(power: &[f64]) -> f64 {
    let total = sum_of(power, |value| value);
    // No power makes every share 0/0, and so the entropy NaN: an order of nothing is neither high nor low.
    let shares = sum_of(power, |value| share_times_log(value / total));
    (0.0 - shares) / (power.len() as f64).log2()
}

/// `p log2 p`, and 0 for a share of nothing, which is its limit.
fn share_times_log(share: f64) -> f64 {
    if share == 0.0 { 0.0 } else { share * share.log2() }
}

/// The permutation entropy of order 3 and delay 1: Shannon's entropy of the six orders that three neighbours can stand
/// in, over `log2(6)`. Of equal samples the earlier counts as smaller. NaN below three samples, or with a NaN among them.
///
/// Source: C. Bandt and B. Pompe, "Permutation entropy: a natural complexity measure for time series", Phys. Rev. Lett.
/// 88 (2002).
///
/// ```
/// # use sleep_analysis::eeg::permutation_entropy;
/// assert_eq!(permutation_entropy(&[1.0, 2.0, 3.0, 4.0]), 0.0);
/// assert!(permutation_entropy(&[1.0, 3.0, 2.0, 4.0, 0.0]) > 0.5);
/// ```
#[must_use]
pub fn permutation_entropy(samples: &[f64]) -> f64 {
    if samples.len() < 3 || samples.iter().any(|sample| sample.is_nan()) {
        return f64::NAN;
    }
    permutation_entropy_of_numbers(samples)
}

/// As [`permutation_entropy`], for at least three samples without NaN.
pub(crate) fn permutation_entropy_of_numbers(samples: &[f64]) -> f64 {
    let n_patterns = (samples.len() - 2) as f64;
    let shares: f64 = order_counts(samples).iter().map(|&count| share_times_log(count as f64 / n_patterns)).sum();
    ((0.0 - shares) / 6.0_f64.log2()).clamp(0.0, 1.0)
}

/// How often each of the six orders occurs.
///
/// Three comparisons give the order, and counting them and their combinations needs no branch. Rising twice implies rising
/// over both steps, so five counts determine all six orders.
fn order_counts(samples: &[f64]) -> [u64; 6] {
    let n_patterns = samples.len() - 2;
    let (first, second, third) = (&samples[..n_patterns], &samples[1..][..n_patterns], &samples[2..][..n_patterns]);
    let [mut rises_first, mut rises_then, mut rises_over, mut rises_twice, mut first_and_over, mut then_and_over] =
        [0_u64; 6];
    for ((&a, &b), &c) in first.iter().zip(second).zip(third) {
        let (first_rise, then_rise, over_rise) = (a <= b, b <= c, a <= c);
        rises_first += u64::from(first_rise);
        rises_then += u64::from(then_rise);
        rises_over += u64::from(over_rise);
        rises_twice += u64::from(first_rise & then_rise);
        first_and_over += u64::from(first_rise & over_rise);
        then_and_over += u64::from(then_rise & over_rise);
    }
    let up_down_up = first_and_over - rises_twice;
    let down_up_up = then_and_over - rises_twice;
    let up_down_down = rises_first - first_and_over;
    let down_up_down = rises_then - then_and_over;
    let never = n_patterns as u64 - rises_twice - up_down_up - down_up_up - up_down_down - down_up_down;
    debug_assert_eq!(rises_over, rises_twice + up_down_up + down_up_up, "falling twice never rises over both steps");
    [rises_twice, up_down_up, down_up_up, up_down_down, down_up_down, never]
}
