//! One helper that runs a behaviour in every mode, with several worker counts and chunk sizes.

use std::sync::{Mutex, PoisonError};

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

    /// [`Way::job`] over items that come one after another.
    pub(crate) fn job_over<'a, T, I>(&self, items: I) -> Job<'a, T, LocalMode>
    where
        T: Send + Sync + 'a,
        I: Iterator<Item = T> + Send + 'a,
    {
        let job = Job::over(items).mode(self.mode).workers(self.workers);
        if self.chunk_size == 0 { job } else { job.chunk_size(self.chunk_size) }
    }
}

/// The turn of a test whose items wait for each other: two such calls at once may each hold threads that the other waits for.
pub(crate) fn my_turn() -> impl Drop {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
