//! Cross-correlation, and the lag at which it is greatest.
//!
//! Several lags are summed side by side, each in the plain order of its terms. So vector instructions are used, and each sum has the
//! same bits as that of a simple loop.

/// How many lags are summed side by side.
const LANES: usize = 16;

/// The lag s in `-radius..=radius` at which `segment[n] * template[n - s]`, summed over n, is greatest; indices outside of a slice count
/// as zero. Of equal sums the smallest lag wins. A positive lag says that the template's shape comes later in the segment.
///
/// A NaN is never the greatest. With no sample in common, or all sums zero, the lag is `-radius`.
///
/// Cost: `template.len() * (2 * radius + 1)` products, and room for the template and both radii once more.
///
/// ```
/// let template = [0.0, 1.0, -1.0, 0.0];
/// assert_eq!(eeg_artifact::dsp::best_lag(&[0.0, 0.0, 0.0, 1.0, -1.0, 0.0], &template, 3), 2);
/// ```
#[must_use]
pub fn best_lag(segment: &[f64], template: &[f64], radius: usize) -> i64 {
    let n_lags = 2 * radius + 1;
    let used = segment.len().min(template.len() + radius);
    let mut padded = vec![0.0; template.len() + n_lags];
    padded[radius..radius + used].copy_from_slice(&segment[..used]);
    best_offset(&padded, template, n_lags) as i64 - radius as i64
}

/// The offset in `0..n_offsets` at which `template` correlates most with what lies there in `window`; the first of equals. The window
/// has at least `n_offsets - 1` samples more than the template.
pub(crate) fn best_offset(window: &[f64], template: &[f64], n_offsets: usize) -> usize {
    let (mut best, mut greatest) = (0, f64::NEG_INFINITY);
    let mut sums = [0.0; LANES];
    for first in (0..n_offsets).step_by(LANES) {
        let sums = &mut sums[..LANES.min(n_offsets)];
        let first = first.min(n_offsets - sums.len()); // as in `correlate`
        correlate(&window[first..], template, sums);
        for (lane, sum) in sums.iter().enumerate() {
            if *sum > greatest {
                (best, greatest) = (first + lane, *sum);
            }
        }
    }
    best
}

/// `sums[s]` becomes the sum over j of `template[j] * signal[s + j]`. The signal has at least `sums.len() + template.len() - 1` samples.
pub(crate) fn correlate(signal: &[f64], template: &[f64], sums: &mut [f64]) {
    let n_sums = sums.len();
    if n_sums < LANES {
        for (first, sum) in sums.iter_mut().enumerate() {
            [*sum] = correlate_lanes::<1>(&signal[first..], template);
        }
        return;
    }
    for first in (0..n_sums).step_by(LANES) {
        // The last block begins earlier, so that it is a whole one: some sums are made twice, and are the same.
        let first = first.min(n_sums - LANES);
        sums[first..first + LANES].copy_from_slice(&correlate_lanes::<LANES>(&signal[first..], template));
    }
}

fn correlate_lanes<const N: usize>(signal: &[f64], template: &[f64]) -> [f64; N] {
    let mut sums = [0.0; N];
    for (signal, factor) in signal.windows(N).zip(template) {
        for lane in 0..N {
            sums[lane] += factor * signal[lane];
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, term by term.
    fn plain_best_lag(segment: &[f64], template: &[f64], radius: i64) -> i64 {
        let at =
            |list: &[f64], idx: i64| usize::try_from(idx).ok().and_then(|idx| list.get(idx)).copied().unwrap_or(0.0);
        let n = segment.len().max(template.len()) as i64;
        let sum = |lag: i64| -> f64 { (0..n + radius).map(|k| at(template, k) * at(segment, k + lag)).sum() };
        let mut best = (-radius, f64::NEG_INFINITY);
        for lag in -radius..=radius {
            let sum = sum(lag);
            if sum > best.1 {
                best = (lag, sum);
            }
        }
        best.0
    }

    /// Numbers without a pattern, from -0.5 to 0.5.
    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        std::iter::repeat_with(next).take(n).collect()
    }

    #[test]
    fn the_fast_search_finds_what_the_definition_says() {
        for seed in 0..60 {
            let (n_segment, n_template) = (seed as usize * 7 % 50, 1 + seed as usize * 11 % 43);
            let (segment, template) = (noise(n_segment, seed), noise(n_template, seed + 1000));
            for radius in [0, 1, 7, 8, 9, 30, 70] {
                let expected = plain_best_lag(&segment, &template, radius);
                let found = best_lag(&segment, &template, radius as usize);
                assert_eq!(found, expected, "seed {seed}, radius {radius}");
            }
        }
    }

    #[test]
    fn sums_of_every_number_are_those_of_a_simple_loop() {
        for n_sums in 0..70 {
            let (signal, template) = (noise(n_sums + 12, 7), noise(13, 8));
            let mut sums = vec![0.0; n_sums];
            correlate(&signal, &template, &mut sums);
            let plain = |first: usize| template.iter().zip(&signal[first..]).fold(0.0, |sum, (a, b)| sum + a * b);
            assert_eq!(sums, (0..n_sums).map(plain).collect::<Vec<f64>>());
        }
    }

    #[test]
    fn of_equal_sums_the_smallest_lag_wins() {
        assert_eq!(best_lag(&[1.0, 1.0, 1.0, 1.0], &[1.0], 3), 0);
        assert_eq!(best_lag(&[0.0; 9], &[1.0; 4], 5), -5);
        assert_eq!(best_lag(&[], &[], 2), -2);
    }
}
