//! One helper that runs a behaviour in every mode, with several worker counts and chunk sizes.

use manyhands::{Job, LocalMode};

/// The ways to run: mode, workers, chunk size (0: automatic).
pub(crate) fn for_every_way(mut check: impl FnMut(Way)) {
    for mode in [LocalMode::Serial, LocalMode::Threads, LocalMode::IoThreads] {
        for workers in [1, 2, 3, 7, 16] {
            for chunk_size in [0, 1, 5, 1000] {
                check(Way { mode, workers, chunk_size });
            }
        }
    }
}

/// One way to run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub(crate) mode: LocalMode,
    pub(crate) workers: usize,
    pub(crate) chunk_size: usize,
}

impl Way {
    /// A job that runs this way.
    pub(crate) fn job<'a, T>(&self, items: &'a [T]) -> Job<'a, T, LocalMode> {
        let job = Job::new(items).mode(self.mode).workers(self.workers);
        if self.chunk_size == 0 { job } else { job.chunk_size(self.chunk_size) }
    }
}
