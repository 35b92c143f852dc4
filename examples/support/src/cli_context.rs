//! What every command has: how the work runs, where it prints, and that it listens to signals.

use std::time::Duration;

use manyhands::AnyMode;
use manyhands::config::parallel_config;

use crate::{Heartbeat, Interruption, Output, Usage, notice};

/// How often a long command says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The flags that all commands take, and where they print.
#[derive(Debug, Clone, Copy)]
pub struct CliContext<'a> {
    /// How the work runs.
    pub mode: AnyMode,
    /// How many workers, where a flag says so.
    pub workers: Option<usize>,
    /// How many items a worker takes at a time, where a flag says so.
    pub chunk_size: Option<usize>,
    /// Where it prints.
    pub output: &'a Output,
}

impl CliContext<'_> {
    /// Listens to Ctrl+C and SIGTERM. The first one lets `what` finish, and says so unless quiet.
    ///
    /// # Errors
    /// A message when the system refuses the handler.
    pub fn listen(&self, what: String) -> Result<Interruption, String> {
        let is_quiet = self.output.is_quiet();
        let on_first = move |signal: &str| {
            if !is_quiet {
                notice(&format!("{signal}: finishing {what}; again to end at once"));
            }
        };
        Interruption::listen(on_first).map_err(|error| format!("signals cannot be listened to: {error}"))
    }

    /// Says what is used of cores and memory while it lives, where progress is shown.
    #[must_use]
    pub fn heartbeat(&self) -> Option<Heartbeat> {
        let begin = Usage::now();
        let line = move || {
            let usage = Usage::now().since(&begin);
            format!("working for {} s: {usage}", usage.wall.as_secs())
        };
        self.output.shows_progress().then(|| Heartbeat::start(HEARTBEAT, line))
    }

    /// How many workers the mode may use.
    #[must_use]
    pub fn n_workers(&self) -> usize {
        let config = parallel_config();
        let of_config = match self.mode {
            AnyMode::Serial => return 1,
            AnyMode::IoThreads => config.max_workers_io(),
            _ => config.max_workers_cpu(),
        };
        self.workers.unwrap_or_else(|| of_config.get())
    }
}
