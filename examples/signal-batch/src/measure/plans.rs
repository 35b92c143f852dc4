//! Plans for captures of mixed lengths.

use super::{MeasurePlan, Measurements, MetricSet};
use crate::{BatchResult, Capture};

/// Keeps a plan for each of the last few lengths, so that captures of one batch share one. A worker has its own.
///
/// ```
/// use signal_batch::measure::{MeasurePlans, MetricSet};
/// use signal_batch::{Metric, workload};
///
/// let mut plans = MeasurePlans::default();
/// for capture in [workload::signal(0), workload::trace(0)] {
///     let measured = plans.measure(&capture, MetricSet::basic())?;
///     assert_eq!(measured[Metric::DominantFrequency], 1000.0);
///     assert!(measured[Metric::RiseTime].is_nan());
/// }
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
#[derive(Debug, Default)]
pub struct MeasurePlans {
    /// The one that was used last comes first.
    plans: Vec<MeasurePlan>,
}

/// How many lengths are remembered. A plan takes about 64 bytes per sample, so one for every length of a folder could fill the memory.
const KEPT: usize = 4;

impl MeasurePlans {
    /// Measures what is wanted of a capture; makes a plan where there is none for its length.
    ///
    /// # Errors
    /// As [`MeasurePlan::new`].
    pub fn measure(&mut self, capture: &Capture, wanted: MetricSet) -> BatchResult<Measurements> {
        self.plan(capture.samples().len())?.measure_only(capture.samples(), capture.rate_hz(), wanted)
    }

    fn plan(&mut self, n_samples: usize) -> BatchResult<&mut MeasurePlan> {
        match self.plans.iter().position(|plan| plan.n_samples() == n_samples) {
            Some(at) => self.plans[..=at].rotate_right(1),
            None => {
                let plan = MeasurePlan::new(n_samples)?;
                self.plans.truncate(KEPT - 1);
                self.plans.insert(0, plan);
            }
        }
        Ok(&mut self.plans[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(plans: &MeasurePlans) -> Vec<usize> {
        plans.plans.iter().map(MeasurePlan::n_samples).collect()
    }

    #[test]
    fn the_plans_of_the_last_lengths_are_kept() {
        let mut plans = MeasurePlans::default();
        for n_samples in [8, 16, 8, 24, 32, 40] {
            plans.plan(n_samples).unwrap();
        }
        assert_eq!(lengths(&plans), [40, 32, 24, 8]);
        plans.plan(24).unwrap();
        assert_eq!(lengths(&plans), [24, 40, 32, 8]);
    }
}
