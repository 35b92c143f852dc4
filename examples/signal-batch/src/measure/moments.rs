//! Sums over the samples of a trace: mean, mean square, deviation and extremes.

/// How many sums run side by side: the compiler makes vectors of them, and each collects less rounding.
const LANES: usize = 8;

/// Samples per block. The sums of blocks are added with compensation, so the error does not grow with the length.
const BLOCK: usize = 4096;

/// What one pass over the samples gives. Not finite where a sample is not, or where squares leave the range of `f64`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moments {
    pub(super) mean: f64,
    pub(super) mean_square: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Moments {
    /// Those of at least one sample.
    pub(super) fn of(samples: &[f64]) -> Self {
        let (mut sum, mut squares) = (CompensatedSum::default(), CompensatedSum::default());
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for block in samples.chunks(BLOCK) {
            let ((part, of_squares), (least, largest)) = (sums(block), extremes(block));
            sum.add(part);
            squares.add(of_squares);
            (min, max) = (min.min(least), max.max(largest));
        }
        let n = samples.len() as f64;
        Self { mean: sum.value() / n, mean_square: squares.value() / n, min, max }
    }

    /// The largest absolute sample.
    pub(super) fn peak(&self) -> f64 {
        self.max.max(-self.min)
    }
}

/// Writes each sample less the mean to `residuals`, and gives the population variance.
///
/// Two passes, the second one corrected for what the rounded mean leaves (T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing
/// the sample variance", The American Statistician 37, 1983): exact to a few last bits also for a small deviation on a large offset.
pub(super) fn residuals_and_variance(samples: &[f64], mean: f64, residuals: &mut [f64]) -> f64 {
    let (mut sum, mut squares) = (CompensatedSum::default(), CompensatedSum::default());
    for (block, left) in samples.chunks(BLOCK).zip(residuals.chunks_mut(BLOCK)) {
        for (residual, sample) in left.iter_mut().zip(block) {
            *residual = sample - mean;
        }
        let (part, of_squares) = sums(left);
        sum.add(part);
        squares.add(of_squares);
    }
    let n = samples.len() as f64;
    let of_mean = sum.value() / n;
    (squares.value() / n - of_mean * of_mean).max(0.0)
}

/// The sum and the sum of squares of a block.
fn sums(block: &[f64]) -> (f64, f64) {
    let (lanes, rest) = block.as_chunks::<LANES>();
    let (mut sums, mut squares) = ([0.0; LANES], [0.0; LANES]);
    for samples in lanes {
        for lane in 0..LANES {
            sums[lane] += samples[lane];
            squares[lane] += samples[lane] * samples[lane];
        }
    }
    let square = |sample: &f64| sample * sample;
    let of_rest = (rest.iter().sum::<f64>(), rest.iter().map(square).sum::<f64>());
    (sums.iter().sum::<f64>() + of_rest.0, squares.iter().sum::<f64>() + of_rest.1)
}

/// The least and the largest sample of a block.
fn extremes(block: &[f64]) -> (f64, f64) {
    let (lanes, rest) = block.as_chunks::<LANES>();
    let (mut mins, mut maxs) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    for samples in lanes {
        for lane in 0..LANES {
            let sample = samples[lane];
            // Unlike `f64::min` one instruction: no sample is NaN, or the sums are and the trace is refused.
            mins[lane] = if sample < mins[lane] { sample } else { mins[lane] };
            maxs[lane] = if sample > maxs[lane] { sample } else { maxs[lane] };
        }
    }
    let min = mins.iter().chain(rest).copied().fold(f64::INFINITY, f64::min);
    (min, maxs.iter().chain(rest).copied().fold(f64::NEG_INFINITY, f64::max))
}

/// A sum that keeps what rounding cuts off (A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54,
/// 1974).
#[derive(Debug, Clone, Copy, Default)]
struct CompensatedSum {
    sum: f64,
    cut_off: f64,
}

impl CompensatedSum {
    fn add(&mut self, term: f64) {
        let sum = self.sum + term;
        let (larger, smaller) = if self.sum.abs() >= term.abs() { (self.sum, term) } else { (term, self.sum) };
        self.cut_off += (larger - sum) + smaller;
        self.sum = sum;
    }

    fn value(self) -> f64 {
        self.sum + self.cut_off
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_deviation_on_a_large_offset_keeps_its_digits() {
        let samples: Vec<f64> = (0..10_001).map(|j| 1e9 + f64::from(j % 2) * 1e-3).collect();
        let moments = Moments::of(&samples);
        let mut residuals = vec![0.0; samples.len()];
        let variance = residuals_and_variance(&samples, moments.mean, &mut residuals);
        // 1e9 + 1e-3 is rounded to steps of 1.2e-7, so the expected value is that of what is stored.
        let step = samples[1] - samples[0];
        let share = 5000.0 / 10_001.0;
        let expected = step * step * share * (1.0 - share);
        assert!((variance / expected - 1.0).abs() < 1e-9, "{variance} {expected}");
    }

    #[test]
    fn blocks_lanes_and_rests_of_any_length_add_up() {
        for n in [1, 7, 8, 9, 4095, 4096, 4097, 12_300] {
            let samples: Vec<f64> = (1..=n).map(f64::from).collect();
            let moments = Moments::of(&samples);
            let n = f64::from(n);
            assert_eq!(moments.mean, (n + 1.0) / 2.0);
            assert_eq!(moments.mean_square, (n + 1.0) * (2.0 * n + 1.0) / 6.0);
            assert_eq!((moments.min, moments.max, moments.peak()), (1.0, n, n));
        }
    }
}
