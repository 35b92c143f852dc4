//! What every command has: the flags that all take, and where it prints.

use std::time::Duration;

use consumer_support::{Heartbeat, Interruption, Output, Usage, notice};
use eeg_artifact::JobExecutor;
use manyhands::config::parallel_config;
use manyhands::{AnyMode, CancelToken};

use super::Refusal;
use super::args::Common;

/// How often a long command says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What every command has.
#[derive(Debug, Clone, Copy)]
pub(super) struct CliContext<'a> {
    pub(super) common: &'a Common,
    pub(super) output: &'a Output,
}

impl CliContext<'_> {
    /// An executor as the flags say.
    pub(super) fn executor(&self, stop: &CancelToken) -> JobExecutor {
        let Common { mode, workers, chunk_size, .. } = *self.common;
        JobExecutor::new(mode).workers(workers).chunk_size(chunk_size).cancel_token(stop)
    }

    /// Listens to Ctrl+C and SIGTERM. The first one lets `what` finish, and says so unless quiet.
    ///
    /// # Errors
    /// A message when the system refuses the handler.
    pub(super) fn listen(&self, what: String) -> Result<Interruption, Refusal> {
        let is_quiet = self.output.is_quiet();
        let on_first = move |signal: &str| {
            if !is_quiet {
                notice(&format!("{signal}: finishing {what}; again to end at once"));
            }
        };
        Interruption::listen(on_first).map_err(|error| format!("signals cannot be listened to: {error}"))
    }

    /// Says what is used of cores and memory while it lives, where progress is shown.
    pub(super) fn heartbeat(&self) -> Option<Heartbeat> {
        let begin = Usage::now();
        let line = move || {
            let usage = Usage::now().since(&begin);
            format!("working for {} s: {usage}", usage.wall.as_secs())
        };
        self.output.shows_progress().then(|| Heartbeat::start(HEARTBEAT, line))
    }

    /// How many workers the mode may use.
    pub(super) fn n_workers(&self) -> usize {
        let config = parallel_config();
        let of_config = match self.common.mode {
            AnyMode::Serial => return 1,
            AnyMode::IoThreads => config.max_workers_io(),
            _ => config.max_workers_cpu(),
        };
        self.common.workers.unwrap_or_else(|| of_config.get())
    }
}
