//! Sums over the samples of a trace: mean, mean square, deviation and extremes.

use crate::wide_registers::in_wide_registers;

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
            let [part, of_squares, least, largest] = of_block(block);
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

    /// The largest distance of a sample from the mean.
    pub(super) fn reach(&self) -> f64 {
        (self.max - self.mean).max(self.mean - self.min)
    }
}

/// The sum, the sum of squares, the least and the largest sample of a block.
fn of_block(block: &[f64]) -> [f64; 4] {
    let (chunks, rest) = block.as_chunks::<LANES>();
    let [sums, squares, mins, maxs] = lanes_of(chunks);
    let square = |sample: &f64| sample * sample;
    [
        sums.iter().sum::<f64>() + rest.iter().sum::<f64>(),
        squares.iter().sum::<f64>() + rest.iter().map(square).sum::<f64>(),
        mins.iter().chain(rest).copied().fold(f64::INFINITY, f64::min),
        maxs.iter().chain(rest).copied().fold(f64::NEG_INFINITY, f64::max),
    ]
}

/// The same for each lane. Apart from what reads the lanes one by one: seeing both, the compiler makes vectors across the four arrays, which
/// takes ten times as long.
#[inline(never)]
fn lanes_of(chunks: &[[f64; LANES]]) -> [[f64; LANES]; 4] {
    in_wide_registers!(each_lane(chunks: &[[f64; LANES]]) -> [[f64; LANES]; 4])
}

#[inline(always)]
fn each_lane(chunks: &[[f64; LANES]]) -> [[f64; LANES]; 4] {
    let (mut sums, mut squares) = ([0.0; LANES], [0.0; LANES]);
    let (mut mins, mut maxs) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    for samples in chunks {
        for lane in 0..LANES {
            let sample = samples[lane];
            sums[lane] += sample;
            squares[lane] += sample * sample;
            // Unlike `f64::min` one instruction: no sample is NaN, or the sums are and the trace is refused.
            mins[lane] = if sample < mins[lane] { sample } else { mins[lane] };
            maxs[lane] = if sample > maxs[lane] { sample } else { maxs[lane] };
        }
    }
    [sums, squares, mins, maxs]
}

/// Sums over the residuals, which are the samples less their mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    /// The population variance.
    pub(super) variance: f64,
    /// Residuals with an even place less those with an odd one.
    pub(super) alternating: f64,
}

impl Spread {
    /// Writes each residual to `residuals`.
    ///
    /// Two passes, the second one corrected for what the rounded mean leaves (T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for
    /// computing the sample variance", The American Statistician 37, 1983): exact to a few last bits also for a small deviation on a large
    /// offset.
    pub(super) fn of(samples: &[f64], mean: f64, residuals: &mut [f64]) -> Self {
        in_wide_registers!(spread(samples: &[f64], mean: f64, residuals: &mut [f64]) -> Spread)
    }

    /// The same bits; the residuals times `scale` are written in single precision.
    pub(super) fn of_scaled(samples: &[f64], mean: f64, scale: f64, residuals: &mut [f32]) -> Self {
        in_wide_registers!(spread_scaled(samples: &[f64], mean: f64, scale: f64, residuals: &mut [f32]) -> Spread)
    }

    /// The sum of the powers of all bins from 0 ..= n/2 of so many samples with this mean, by M.-A. Parseval's theorem.
    ///
    /// Over all n bins, the powers of residuals add up to n times the sum of their squares. Bins above 0 appear twice among these, but for
    /// the one at half the rate of an even number of samples: it appears once, and its line is the alternating sum. That of bin 0 is the sum
    /// of the samples. All terms are above zero, so nothing cancels.
    pub(super) fn total_power(&self, mean: f64, n_samples: usize) -> f64 {
        let n = n_samples as f64;
        let at_half_rate = if n_samples.is_multiple_of(2) { self.alternating * self.alternating } else { 0.0 };
        let sum = mean * n;
        sum * sum + 0.5 * (n * (n * self.variance) + at_half_rate)
    }
}

#[inline(always)]
fn spread(samples: &[f64], mean: f64, residuals: &mut [f64]) -> Spread {
    spread_as(samples, mean, residuals, |residual| residual)
}

#[inline(always)]
fn spread_scaled(samples: &[f64], mean: f64, scale: f64, residuals: &mut [f32]) -> Spread {
    spread_as(samples, mean, residuals, |residual| (residual * scale) as f32)
}

#[inline(always)]
fn spread_as<T>(samples: &[f64], mean: f64, residuals: &mut [T], kept: impl Fn(f64) -> T) -> Spread {
    let [mut even, mut odd, mut squares] = [CompensatedSum::default(); 3];
    for (block, left) in samples.chunks(BLOCK).zip(residuals.chunks_mut(BLOCK)) {
        let [of_even, of_odd, of_squares] = residuals_of_block(block, mean, left, &kept);
        even.add(of_even);
        odd.add(of_odd);
        squares.add(of_squares);
    }
    let n = samples.len() as f64;
    let of_mean = (even.value() + odd.value()) / n;
    Spread { variance: (squares.value() / n - of_mean * of_mean).max(0.0), alternating: even.value() - odd.value() }
}

/// The sums of the residuals with an even place, of those with an odd one, and of their squares.
#[inline(always)]
fn residuals_of_block<T>(block: &[f64], mean: f64, residuals: &mut [T], kept: impl Fn(f64) -> T) -> [f64; 3] {
    let (lanes, rest) = block.as_chunks::<LANES>();
    let (left, left_of_rest) = residuals.as_chunks_mut::<LANES>();
    let (mut sums, mut squares) = ([0.0; LANES], [0.0; LANES]);
    for (samples, left) in lanes.iter().zip(left) {
        for lane in 0..LANES {
            let residual = samples[lane] - mean;
            sums[lane] += residual;
            squares[lane] += residual * residual;
            left[lane] = kept(residual);
        }
    }
    for (lane, (sample, left)) in rest.iter().zip(left_of_rest).enumerate() {
        let residual = sample - mean;
        sums[lane] += residual;
        squares[lane] += residual * residual;
        *left = kept(residual);
    }
    // Lanes and blocks are even in number, so that an even lane has even places.
    let every_second = |first: usize| sums.iter().skip(first).step_by(2).sum::<f64>();
    [every_second(0), every_second(1), squares.iter().sum()]
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
    use realfft::num_complex::Complex;

    use super::*;

    #[test]
    fn a_small_deviation_on_a_large_offset_keeps_its_digits() {
        let samples: Vec<f64> = (0..10_001).map(|j| 1e9 + f64::from(j % 2) * 1e-3).collect();
        let moments = Moments::of(&samples);
        let mut residuals = vec![0.0; samples.len()];
        let variance = Spread::of(&samples, moments.mean, &mut residuals).variance;
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

    #[test]
    fn residuals_in_single_precision_have_the_same_sums() {
        let samples: Vec<f64> = (0..4103).map(|j| 3.0 + (0.37 * f64::from(j)).sin()).collect();
        let (mut residuals, mut scaled) = (vec![0.0; samples.len()], vec![0.0; samples.len()]);
        let spread = Spread::of(&samples, 3.0, &mut residuals);
        assert_eq!(Spread::of_scaled(&samples, 3.0, 0.25, &mut scaled), spread);
        assert!(residuals.iter().zip(&scaled).all(|(residual, scaled)| (residual * 0.25) as f32 == *scaled));
        let alternating: f64 = residuals.chunks(2).map(|pair| pair[0] - pair.get(1).unwrap_or(&0.0)).sum();
        assert!((spread.alternating - alternating).abs() < 1e-12, "{spread:?} {alternating}");
    }

    #[test]
    fn total_power_is_that_of_the_bins_by_definition() {
        for n in [1, 2, 3, 4, 5, 8, 9, 30, 31] {
            let samples: Vec<f64> = (0..n).map(|j| 0.7 + f64::from(j % 2) + (f64::from(j * j)).sin()).collect();
            let power = |bin: i32| {
                let angle = |j: i32| -std::f64::consts::TAU * f64::from(bin * j) / f64::from(n);
                let line = (0..n).map(|j| Complex::from_polar(samples[j as usize], angle(j)));
                line.sum::<Complex<f64>>().norm_sqr()
            };
            let expected: f64 = (0..=n / 2).map(power).sum();
            let mean = Moments::of(&samples).mean;
            let found = Spread::of(&samples, mean, &mut vec![0.0; samples.len()]).total_power(mean, samples.len());
            assert!((found / expected - 1.0).abs() < 1e-12, "{n} samples: {found} {expected}");
        }
    }
}
