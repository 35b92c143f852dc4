//! Cutting a recording into epochs of evenly spaced samples, as spectra need them.
//!
//! Epochs are half-open here and hold the same number of samples each. Timestamps may be rounded and clocks may drift a
//! little; a gap, an early end or another rate makes the epoch fail.

use std::ops::Range;

use super::block::FailureReason;
use crate::eeg::EegSettings;
use crate::epoch::EpochSlices;

/// A sample this share of a period ahead of an epoch's start still counts as its first: timestamps are rounded.
const EARLY_SHARE: f64 = 0.25;

/// Two samples further apart than this many periods have a gap between them.
const GAP_PERIODS: f64 = 1.5;

/// How an epoch is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EvenCut {
    n_samples: usize,
    window_ns: i64,
    period_ns: f64,
}

impl EvenCut {
    pub(crate) fn new(settings: &EegSettings, window_ns: i64) -> Self {
        let n_samples = settings.samples_per_epoch(window_ns);
        Self { n_samples, window_ns, period_ns: 1e9 / settings.sampling_rate_hz }
    }

    /// The samples of each epoch, or why it has none that would do. Starts must not go back.
    pub(crate) fn stretches(
        self,
        timestamps_ns: &[i64],
        starts_ns: impl Iterator<Item = i64>,
    ) -> Vec<Result<Range<usize>, FailureReason>> {
        let early_ns = (EARLY_SHARE * self.period_ns) as i64;
        let mut slices = EpochSlices::new(timestamps_ns);
        let within = |start_ns: i64| {
            let first_ns = start_ns.saturating_sub(early_ns);
            let found = slices.half_open(first_ns, first_ns.saturating_add(self.window_ns));
            let stretch = found.start..found.start + self.n_samples;
            let is_even = timestamps_ns.get(stretch.clone()).is_some_and(|times| self.is_even(times, start_ns));
            if is_even {
                Ok(stretch)
            } else {
                Err(FailureReason::Uneven { found: found.len(), needed: self.n_samples })
            }
        };
        starts_ns.map(within).collect()
    }

    /// True when the samples begin with the epoch, take as long as they should, and have no gap among them.
    fn is_even(self, timestamps_ns: &[i64], start_ns: i64) -> bool {
        let [first, .., last] = timestamps_ns else { return false };
        let late_ns = (first.saturating_sub(start_ns)) as f64;
        let span_ns = (last - first) as f64;
        let due_ns = (timestamps_ns.len() - 1) as f64 * self.period_ns;
        let widest_ns = timestamps_ns.windows(2).fold(0, |widest, pair| widest.max(pair[1] - pair[0])) as f64;
        late_ns <= (1.0 + EARLY_SHARE) * self.period_ns
            && (span_ns - due_ns).abs() <= self.period_ns
            && widest_ns <= GAP_PERIODS * self.period_ns
    }
}
