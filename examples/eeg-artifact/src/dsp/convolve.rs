//! Filters applied in place, block by block, through the spectrum (overlap-save).
//!
//! Promises: the result is that of the sum over all taps, to about 1e-15 of full scale; it depends on the samples and the taps alone,
//! not on the thread or on what was filtered before. Memory beside the samples is a few blocks, each a few filters long.
//! Choosing the taps is left to `fir` and `least_squares_fir`.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// Blocks are at least this long: for short filters it is faster than shorter and longer ones, by measurement.
const SHORTEST_BLOCK: usize = 8192;

/// Blocks are at least this many filters long, then rounded up to a power of two. With 943, 3301 and 16501 taps this is within a
/// tenth of the fastest length that was measured, and longer blocks would only cost memory.
const FILTERS_PER_BLOCK: usize = 3;

/// Plans for blocks up to this length are kept by each thread; longer ones are rare, and their tables are large.
const LONGEST_KEPT_PLAN: usize = 1 << 17;

/// A filter without delay: the middle tap of an odd number of them meets the sample itself. Both ends are continued by odd reflection.
///
/// Memory: about four blocks, each of three filters or more, so 2 MB for a high-pass at 1 Hz of data at 5 kHz. Time: two transforms for each
/// block, 3 to 5 ms per million samples for filters of 900 to 16 000 taps.
///
/// ```
/// use eeg_artifact::dsp::ZeroPhaseFir;
///
/// let mut samples: Vec<f64> = (0..100).map(f64::from).collect();
/// ZeroPhaseFir::new(vec![0.25, 0.5, 0.25]).apply(&mut samples);
/// let largest = samples.iter().zip(0..).map(|(sample, n)| (sample - f64::from(n)).abs()).fold(0.0, f64::max);
/// assert!(largest < 1e-12, "a straight line stays, up to its ends");
/// ```
#[derive(Debug)]
pub struct ZeroPhaseFir {
    taps: Vec<f64>,
    /// The filter as it was last needed; for stretches of unlike lengths it may have to be cut anew.
    convolver: Option<Convolver>,
}

impl ZeroPhaseFir {
    /// A filter with these taps. Of an even number, the one after the middle meets the sample itself; without any, all becomes zero.
    #[must_use]
    pub fn new(taps: Vec<f64>) -> Self {
        Self { taps, convolver: None }
    }

    /// Filters samples in place. At each end min(taps, samples) - 1 samples are added as 2 * end - mirrored, and zeros beyond.
    pub fn apply(&mut self, samples: &mut [f64]) {
        if samples.is_empty() || self.taps.is_empty() {
            samples.fill(0.0);
            return;
        }
        let reach = self.taps.len().min(samples.len()) - 1;
        let taps = taps_within(&self.taps, samples.len() - 1 + reach);
        let n_after = taps.len() / 2;
        let before = reflect_start(samples, reach, taps.len() - 1 - n_after);
        let after = reflect_end(samples, reach, n_after);
        let fits = |old: &Convolver| old.n_taps == taps.len() && old.len() == block_len(taps.len(), samples.len());
        let kept = self.convolver.take().filter(fits);
        let convolver = self.convolver.insert(kept.unwrap_or_else(|| Convolver::new(taps, samples.len())));
        convolver.run(samples, &before, &after);
    }
}

/// The taps at most `reach` from the middle one: those beyond meet only zeros, however long the filter is.
fn taps_within(taps: &[f64], reach: usize) -> &[f64] {
    let middle = taps.len() / 2;
    &taps[middle.saturating_sub(reach)..taps.len().min(middle.saturating_add(reach + 1))]
}

/// The `count` values ahead of the first sample: odd reflection for `reach`, zeros beyond.
pub(super) fn reflect_start(samples: &[f64], reach: usize, count: usize) -> Vec<f64> {
    let mut before = vec![0.0; count.saturating_sub(reach)];
    before.extend((1..=count.min(reach)).rev().map(|idx| 2.0 * samples[0] - samples[idx]));
    before
}

/// The `count` values after the last sample: odd reflection for `reach`, zeros beyond.
pub(super) fn reflect_end(samples: &[f64], reach: usize, count: usize) -> Vec<f64> {
    let last = samples.len() - 1;
    let mut after: Vec<f64> = (1..=count.min(reach)).map(|idx| 2.0 * samples[last] - samples[last - idx]).collect();
    after.resize(count, 0.0);
    after
}

/// A sum over taps, for streams of samples.
pub(super) struct Convolver {
    n_taps: usize,
    /// The spectrum of the taps, over the block's length.
    response: Vec<Complex<f64>>,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    block: Vec<f64>,
    bins: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    /// The last samples that were read, which the next block begins with.
    overlap: Vec<f64>,
}

impl Convolver {
    /// For these taps, at least one, and rows of about this many samples.
    pub(super) fn new(taps: &[f64], n_samples: usize) -> Self {
        let len = block_len(taps.len(), n_samples);
        let (forward, inverse) = plans(len);
        let mut scratch = vec![Complex::default(); forward.get_scratch_len().max(inverse.get_scratch_len())];
        let mut block = vec![0.0; len];
        block.iter_mut().zip(taps).for_each(|(value, tap)| *value = tap / len as f64); // the inverse does not divide
        let mut response = forward.make_output_vec();
        forward.process_with_scratch(&mut block, &mut response, &mut scratch).expect("buffers have the plan's lengths");
        let (bins, overlap) = (forward.make_output_vec(), vec![0.0; taps.len() - 1]);
        Self { n_taps: taps.len(), response, forward, inverse, block, bins, scratch, overlap }
    }

    fn len(&self) -> usize {
        self.block.len()
    }

    /// Replaces samples\[n\] by the sum over k of taps\[k\] * s\[n + after.len() - k\], where s is `before`, the samples and `after`, and
    /// its index 0 is the first sample. Together, `before` and `after` are one shorter than the taps.
    pub(super) fn run(&mut self, samples: &mut [f64], before: &[f64], after: &[f64]) {
        debug_assert_eq!(before.len() + after.len() + 1, self.n_taps, "the stream must be longer by the taps but one");
        let n_overlap = self.overlap.len();
        read(&mut self.overlap, 0, before, samples, after);
        let n_new = self.len() - n_overlap;
        for start in (0..samples.len()).step_by(n_new) {
            let (old, new) = self.block.split_at_mut(n_overlap);
            old.copy_from_slice(&self.overlap);
            // What is read is always ahead of what was written, so it can be done in place.
            read(new, start + n_overlap, before, samples, after);
            self.overlap.copy_from_slice(&self.block[n_new..]);
            self.filter_block();
            let end = samples.len().min(start + n_new);
            samples[start..end].copy_from_slice(&self.block[n_overlap..n_overlap + (end - start)]);
        }
    }

    /// Replaces the block by its circular convolution with the taps.
    fn filter_block(&mut self) {
        let fits = "buffers have the plan's lengths";
        self.forward.process_with_scratch(&mut self.block, &mut self.bins, &mut self.scratch).expect(fits);
        self.bins.iter_mut().zip(&self.response).for_each(|(bin, gain)| *bin *= gain);
        make_real(&mut self.bins);
        self.inverse.process_with_scratch(&mut self.bins, &mut self.block, &mut self.scratch).expect(fits);
    }
}

impl fmt::Debug for Convolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Convolver").field("n_taps", &self.n_taps).field("block", &self.len()).finish_non_exhaustive()
    }
}

/// Makes the two bins real that are so in the spectrum of any real signal of even length; the inverse insists on it.
fn make_real(bins: &mut [Complex<f64>]) {
    if let [first, .., last] = bins {
        (first.im, last.im) = (0.0, 0.0);
    }
}

/// Fills `into` with the stream of `before`, `samples` and `after`, from its position `from` on; with zeros where it has ended.
fn read(into: &mut [f64], from: usize, before: &[f64], samples: &[f64], after: &[f64]) {
    let (mut position, mut filled) = (from, 0);
    for part in [before, samples, after] {
        if position < part.len() {
            let count = (part.len() - position).min(into.len() - filled);
            into[filled..filled + count].copy_from_slice(&part[position..position + count]);
            (position, filled) = (position + count, filled + count);
        }
        position = position.saturating_sub(part.len());
    }
    into[filled..].fill(0.0);
}

/// How long a block is: a few filters, but no longer than all of the samples need.
fn block_len(n_taps: usize, n_samples: usize) -> usize {
    let whole = (n_samples + n_taps - 1).next_power_of_two().max(4);
    (FILTERS_PER_BLOCK * n_taps).next_power_of_two().max(SHORTEST_BLOCK).min(whole)
}

type Plans = (Arc<dyn RealToComplex<f64>>, Arc<dyn ComplexToReal<f64>>);

/// The transforms of this length. A plan of one length is the same in every thread, so results are too.
fn plans(len: usize) -> Plans {
    thread_local! {
        static PLANNER: RefCell<RealFftPlanner<f64>> = RefCell::new(RealFftPlanner::new());
    }
    let plan = |planner: &mut RealFftPlanner<f64>| (planner.plan_fft_forward(len), planner.plan_fft_inverse(len));
    if len > LONGEST_KEPT_PLAN {
        return plan(&mut RealFftPlanner::new());
    }
    PLANNER.with_borrow_mut(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum over all taps, from the definition.
    fn direct(taps: &[f64], samples: &[f64]) -> Vec<f64> {
        let reach = taps.len().min(samples.len()) as i64 - 1;
        let last = samples.len() as i64 - 1;
        let at = |idx: i64| match idx {
            idx if (0..=last).contains(&idx) => samples[idx as usize],
            idx if idx < 0 && -idx <= reach => 2.0 * samples[0] - samples[(-idx) as usize],
            idx if idx > last && idx - last <= reach => {
                2.0 * samples[last as usize] - samples[(2 * last - idx) as usize]
            }
            _ => 0.0,
        };
        let middle = (taps.len() / 2) as i64;
        let sum = |n: i64| taps.iter().zip(0..).map(|(tap, k)| tap * at(n + middle - k)).sum();
        (0..=last).map(sum).collect()
    }

    fn noise(n: usize) -> Vec<f64> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state) / f64::from(u32::MAX) - 0.3
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn the_result_is_the_sum_over_all_taps_whatever_the_lengths() {
        let lengths =
            [(1, 1), (1, 9), (3, 1), (3, 2), (4, 7), (101, 50), (101, 101), (999, 10), (5000, 300), (31, 20_000)];
        for (n_taps, n_samples) in lengths {
            let (taps, samples) = (noise(n_taps), noise(n_samples));
            let expected = direct(&taps, &samples);
            let full_scale = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
            let mut found = samples;
            ZeroPhaseFir::new(taps).apply(&mut found);
            for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let off = (found - expected).abs();
                assert!(off <= 1e-13 * full_scale, "{n_taps} taps, {n_samples} samples, at {at}: off by {off:e}");
            }
        }
    }

    #[test]
    fn one_filter_takes_stretches_of_any_lengths_as_new_ones_would() {
        let taps = noise(301);
        let mut filter = ZeroPhaseFir::new(taps.clone());
        for n_samples in [20_000, 7, 20_000, 150, 9000] {
            let (mut found, mut expected) = (noise(n_samples), noise(n_samples));
            filter.apply(&mut found);
            ZeroPhaseFir::new(taps.clone()).apply(&mut expected);
            assert_eq!(found, expected, "{n_samples} samples");
        }
    }

    #[test]
    fn nothing_and_numbers_that_are_none_do_not_panic() {
        ZeroPhaseFir::new(vec![1.0]).apply(&mut []);
        let mut samples = [1.0, f64::NAN, f64::INFINITY];
        ZeroPhaseFir::new(vec![0.5; 5]).apply(&mut samples);
        assert!(samples.iter().all(|sample| sample.is_nan()));
        ZeroPhaseFir::new(Vec::new()).apply(&mut samples);
        assert_eq!(samples, [0.0; 3]);
    }
}
