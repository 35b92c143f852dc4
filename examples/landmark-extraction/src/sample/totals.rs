//! The totals of a run, as `extraction_summary.json` has them. Pure.

use serde::Serialize;

use super::extract::rate;
use super::figures::{SampleFigures, SampleStatus};

/// What the samples of a run come to.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
pub struct RunTotals {
    /// Samples whose array this run made.
    pub newly_extracted: usize,
    /// Samples that have none.
    pub failed: usize,
    /// Rows of the new arrays.
    pub total_frames: usize,
    /// The sum of their seconds: more than the wall time where workers run side by side.
    pub total_processing_time: f64,
    /// That over the wall time: how many workers were busy on average. It is no speed-up, as workers that hinder each other raise
    /// it, too.
    pub concurrency_factor: f64,
    /// Frames per second of one worker.
    pub average_fps: f64,
    /// The mean of the samples' own frames per second.
    pub mean_fps_per_item: f64,
    /// Their median.
    pub median_fps_per_item: f64,
    /// The mean of the memory that a sample added, in 2^20 bytes.
    pub mean_memory_mb: f64,
}

impl RunTotals {
    /// The totals of these samples, which took so many seconds of wall time together. All but `failed` is of those that succeeded;
    /// what has no value is 0.
    #[must_use]
    pub fn of<'a>(samples: impl IntoIterator<Item = &'a SampleFigures>, wall_seconds: f64) -> Self {
        let (mut totals, mut fps, mut memory) = (Self::default(), Vec::new(), 0.0);
        for sample in samples {
            match sample.status {
                SampleStatus::Failed => totals.failed += 1,
                SampleStatus::Success => {
                    totals.newly_extracted += 1;
                    totals.total_frames += sample.num_frames;
                    totals.total_processing_time += sample.processing_time;
                    fps.push(sample.fps);
                    memory += sample.memory_used_mb;
                }
            }
        }
        let n = fps.len() as f64;
        if wall_seconds > 0.0 {
            totals.concurrency_factor = totals.total_processing_time / wall_seconds;
        }
        totals.average_fps = rate(totals.total_frames, totals.total_processing_time);
        if n > 0.0 {
            totals.mean_fps_per_item = fps.iter().sum::<f64>() / n;
            totals.median_fps_per_item = median(&mut fps);
            totals.mean_memory_mb = memory / n;
        }
        totals
    }
}

/// Of at least one number.
fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[middle] } else { (numbers[middle - 1] + numbers[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_success_has_no_rates() {
        let failed = SampleFigures { status: SampleStatus::Failed, ..SampleFigures::default() };
        let expected = RunTotals { failed: 1, ..RunTotals::default() };
        assert_eq!(RunTotals::of([&failed], 0.0), expected);
        assert_eq!(RunTotals::of([], 1.0), RunTotals::default());
    }
}
