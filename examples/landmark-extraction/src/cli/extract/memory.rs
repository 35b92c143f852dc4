//! How many workers fit into `--memory`, by what one was measured to take.

use std::path::PathBuf;

use consumer_support::CliContext;
use landmark_extraction::sample::FrameSet;
use landmark_extraction::sample::memory::resident_bytes;
use manyhands::{AnyMode, Job, Processes};

use super::samples::SampleItem;
use super::settings::ExtractSettings;
use super::worker::{ProbeItem, Worker};
use crate::cli::{Refusal, text};

/// What the calling process takes beside its workers, in bytes: journal, tables, page.
const OWN_BYTES: u64 = 24 << 20;

/// Workers that fit, and a sentence that says why there are not more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fitting {
    pub(super) workers: usize,
    pub(super) sentence: String,
}

/// Loads the models in one worker, lets it handle a frame, and counts how many such workers fit.
///
/// # Errors
/// A message when the models cannot be loaded.
pub(super) fn fitting_workers(
    budget: u64,
    samples: &[SampleItem],
    settings: &ExtractSettings,
    context: &CliContext<'_>,
) -> Result<Fitting, Refusal> {
    let item = ProbeItem { frame: first_frame(samples) };
    let before = resident_bytes();
    let probed = Job::new(std::slice::from_ref(&item))
        .mode(context.mode)
        .workers(1)
        .shared(settings)
        .try_worker_state(Worker::new)
        .try_map(Worker::probe)
        .run()
        .map_err(text)?;
    Processes::end_idle_workers(); // Beside those of the run, this one would take its memory to the end.
    let probed = probed.into_result().map_err(text)?;
    let Some(probed) = probed.first() else { return Err("no worker could be measured".to_owned()) };
    let (own, worker) = match context.mode {
        AnyMode::Processes(_) => (before.max(OWN_BYTES), probed.peak),
        // The models are there once; a thread adds what a frame takes.
        _ => (probed.loaded.max(OWN_BYTES), probed.peak.saturating_sub(probed.loaded).max(1 << 20)),
    };
    Ok(fitting(budget, own, worker, context.n_workers()))
}

fn fitting(budget: u64, own: u64, worker: u64, asked: usize) -> Fitting {
    let fit = usize::try_from(budget.saturating_sub(own) / worker.max(1)).unwrap_or(usize::MAX);
    let workers = fit.clamp(1, asked.max(1));
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let measured = format!(
        "--memory is {} MiB; a worker was measured to take {} MiB, and the program {} MiB",
        mebibytes(budget),
        mebibytes(worker),
        mebibytes(own)
    );
    let sentence = match fit {
        0 => format!("{measured}: not even one worker fits, so one runs alone and may take more"),
        fit if fit < asked => format!("{measured}: {workers} of {asked} workers"),
        _ => format!("{measured}: all {asked} workers fit"),
    };
    Fitting { workers, sentence }
}

fn first_frame(samples: &[SampleItem]) -> Option<PathBuf> {
    samples.iter().find_map(|sample| FrameSet::read(&sample.folder).ok()?.rows(1).find_map(|slot| slot.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn as_many_workers_as_fit_and_at_least_one() {
        for (budget, fit) in [(1000, 4), (424, 4), (423, 3), (224, 2), (124, 1), (100, 1), (0, 1)] {
            assert_eq!(fitting(budget * MIB, 24 * MIB, 100 * MIB, 4).workers, fit, "{budget} MiB");
        }
        assert!(fitting(224 * MIB, 24 * MIB, 100 * MIB, 4).sentence.ends_with("2 of 4 workers"));
        assert!(fitting(100 * MIB, 24 * MIB, 100 * MIB, 4).sentence.contains("not even one"));
    }
}
