//! The settings of a job, and the check that turns them into the specification of a run.
//!
//! Promise: all settings are checked here, once, before anything starts. Values that the job leaves open come from the
//! config and the machine. `run/spec.rs` is the result.
//!
//! Checked in this order, and the first problem is the error: config, number of workers, failure limit, retry, order of
//! work (cost, shuffle, memory budget), chunk size, window. Cost: one call of the cost function per item, and the sort
//! or the shuffle that follows from it.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::backend::contract::{ModeKind, ThreadBudget};
use crate::backend::plan::{ChunkRule, Plan};
use crate::config::{self, ParallelConfig, usable_cores};
use crate::config_error::ConfigError;
use crate::job::on_failure::OnFailure;
use crate::job::workers::Workers;
use crate::panics::{DropApart, Whole};
use crate::primitives::cancel::CancelToken;
use crate::progress::Progress;
use crate::record::Key;
use crate::run::persistence::DoneIf;
use crate::run::retry::Retry;
use crate::run::spec::{RunSpec, WorkOrder};
use crate::run::tolerance::Tolerance;
use std::sync::Arc;

/// The most workers of a call. A process with many more threads has no room for the mappings of its own memory: Linux
/// permits 65 530, and each thread takes two or three.
const MOST_WORKERS: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not 0");

/// The settings of a job, not checked yet.
pub(crate) struct JobSettings<'a, T> {
    pub(crate) workers: Option<Workers>,
    pub(crate) chunk_size: Option<usize>,
    pub(crate) window: Option<usize>,
    pub(crate) on_failure: OnFailure,
    pub(crate) retry: Option<Retry>,
    pub(crate) cost: Option<Box<dyn Fn(&T) -> u64 + Send + 'a>>,
    pub(crate) shuffle: Option<u64>,
    pub(crate) memory_budget: Option<u64>,
    pub(crate) key: Option<Box<Key<'a, T>>>,
    pub(crate) done_if: Option<Box<DoneIf<'a, T>>>,
    pub(crate) progress: Option<Progress<'a>>,
    pub(crate) cancel: CancelToken,
    pub(crate) config: Option<Arc<ParallelConfig>>,
}

impl<T> Default for JobSettings<'_, T> {
    fn default() -> Self {
        Self {
            workers: None,
            chunk_size: None,
            window: None,
            on_failure: OnFailure::default(),
            retry: None,
            cost: None,
            shuffle: None,
            memory_budget: None,
            key: None,
            done_if: None,
            progress: None,
            cancel: CancelToken::new(),
            config: None,
        }
    }
}

impl<T> DropApart for JobSettings<'_, T> {
    fn drop_apart(self, panicked: &mut Vec<String>) {
        Whole(self.cost).drop_apart(panicked);
        Whole(self.key).drop_apart(panicked);
        Whole(self.done_if).drop_apart(panicked);
        Whole(self.progress).drop_apart(panicked);
    }
}

impl<'a, T> JobSettings<'a, T> {
    /// Checks the settings, and takes the rest from the config and the machine. `items` is `None` for a stream.
    pub(crate) fn check(&mut self, mode: ModeKind, items: Option<&[T]>) -> Result<RunSpec<'a>, ConfigError> {
        let config = self.config.clone().unwrap_or_else(config::current);
        config.check()?;
        let budget = ThreadBudget { computing: config.max_workers_cpu(), waiting: config.max_workers_io() };
        let n_items = items.map_or(usize::MAX, <[T]>::len);
        let workers = self.workers(mode, n_items, budget, &config)?;
        let failure_limit = self.failure_limit(items.map(<[T]>::len))?;
        self.retry.as_ref().map_or(Ok(()), Retry::check)?;
        let order = self.order(items)?;
        // A job with a number of workers or with progress never runs in the calling thread alone because of a guess at the item
        // time. Neither does one that waits: its duration does not show whether helpers are worth waking.
        let may_run_inline = mode == ModeKind::Threads && self.workers.is_none() && self.progress.is_none();
        let plan = Plan {
            n_items,
            workers,
            chunks: self.chunk_rule(&config)?,
            order: order.of(n_items),
            window: usize::MAX,
            arrived: if items.is_some() { usize::MAX } else { 0 },
            may_retry: self.retry.is_some(),
            serial_sample: 0,
            traces: false,
            memory: None,
            halt_on_failure: failure_limit == Some(1) && self.retry.is_none(),
            serial_below: if may_run_inline { config.serial_below_time() } else { Duration::ZERO },
        };
        let shows_progress = config.enable_progress();
        Ok(RunSpec {
            mode,
            plan,
            order,
            tolerance: Tolerance::new(failure_limit),
            retry: self.retry.take(),
            window: self.window(workers)?,
            memory_budget: self.memory_budget,
            budget,
            config,
            cancel: self.cancel.clone(),
            progress: self.progress.take().filter(|_| shows_progress),
        })
    }

    /// The number of failures that ends the run; `None` for no limit.
    fn failure_limit(&self, n_items: Option<usize>) -> Result<Option<usize>, ConfigError> {
        match (n_items, self.on_failure) {
            (None, OnFailure::StopAbove(_)) => Err(ConfigError::new(
                "OnFailure::StopAbove needs the number of items, which is unknown for an iterator; use OnFailure::StopAfter",
            )),
            (n_items, policy) => policy.limit(n_items.unwrap_or(usize::MAX)),
        }
    }

    /// How the order of work is chosen.
    fn order(&self, items: Option<&[T]>) -> Result<WorkOrder, ConfigError> {
        let costs = self.costs(items)?;
        match (&costs, self.shuffle, items) {
            (Some(_), Some(_), _) => {
                Err(ConfigError::new("a cost hint and a shuffle asked for; one of them can decide the order of work"))
            }
            (None, Some(_), None) => Err(ConfigError::new(
                "a shuffle needs all items in memory, but the input is an iterator; use Job::new with a slice",
            )),
            _ => Ok(WorkOrder { costs, shuffle: self.shuffle }),
        }
    }

    /// The cost of each item, by index, where the job has a cost function.
    ///
    /// The only setting whose check calls a closure of the caller: a panic of it unwinds before anything has started.
    fn costs(&self, items: Option<&[T]>) -> Result<Option<Vec<u64>>, ConfigError> {
        match (&self.cost, items) {
            (Some(cost), Some(items)) => Ok(Some(items.iter().map(cost).collect())),
            (Some(_), None) => Err(ConfigError::new(
                "a cost hint needs all items in memory, but the input is an iterator; use Job::new with a slice",
            )),
            (None, _) if self.memory_budget.is_some() => {
                Err(ConfigError::new("a memory budget given, but not what an item needs; use .cost(|item| bytes)"))
            }
            (None, _) => Ok(None),
        }
    }

    /// The number of workers. One, where the call runs in the calling thread.
    ///
    /// A number that is not valid is an error also where the call runs in the calling thread anyway.
    fn workers(
        &self,
        mode: ModeKind,
        n_items: usize,
        budget: ThreadBudget,
        config: &ParallelConfig,
    ) -> Result<NonZeroUsize, ConfigError> {
        let requested = self.workers.as_ref().map(|workers| workers.resolve(usable_cores())).transpose()?;
        let runs_inline = mode == ModeKind::Serial || !config.enabled() || n_items < config.serial_below_items();
        let workers = match mode {
            _ if runs_inline => NonZeroUsize::MIN,
            ModeKind::IoThreads => requested.unwrap_or(budget.waiting),
            _ => requested.unwrap_or(budget.computing),
        };
        if workers > MOST_WORKERS && n_items > MOST_WORKERS.get() {
            tracing::warn!(%workers, most = %MOST_WORKERS, "more workers asked for than a call may have; it has the most");
        }
        Ok(workers.min(MOST_WORKERS))
    }

    /// How items are grouped into chunks.
    fn chunk_rule(&self, config: &ParallelConfig) -> Result<ChunkRule, ConfigError> {
        let size = match self.chunk_size {
            Some(0) => return Err(ConfigError::new("chunks of 0 items asked for; use a chunk size of 1 or more")),
            Some(size) => NonZeroUsize::new(size),
            None => config.chunk_size(),
        };
        Ok(size.map_or(ChunkRule::Guided, ChunkRule::Fixed))
    }

    /// The most results that may be ahead of the delivered ones.
    fn window(&self, workers: NonZeroUsize) -> Result<usize, ConfigError> {
        const PER_WORKER: usize = 4096;
        match self.window {
            Some(0) => Err(ConfigError::new("a window of 0 items asked for; use 1 or more")),
            Some(window) => Ok(window),
            None => Ok(workers.get().saturating_mul(PER_WORKER)),
        }
    }
}

impl<T> fmt::Debug for JobSettings<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobSettings")
            .field("workers", &self.workers)
            .field("chunk_size", &self.chunk_size)
            .field("window", &self.window)
            .field("on_failure", &self.on_failure)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
