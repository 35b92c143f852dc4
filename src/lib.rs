//! One function over many items: every answer in order, every failure by name.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;

mod batch;
mod cache;
mod cancel;
mod collect;
mod config;
mod error;
mod executor;
mod failure_policy;
mod job;
mod map;
mod mode;
mod outcome;
mod plan;
mod pool;
mod progress;
mod slots;
mod sync;
mod task;
mod workers;

pub use batch::{adaptive_batch_size, batch_items, chunk_for_workers, chunk_ranges, group_by_cost};
pub use cache::{CacheStats, ThreadSafeCache};
pub use cancel::CancelToken;
pub use config::{
    ConfigGuard, ParallelConfig, ParallelConfigBuilder, disable_parallel_processing, enable_parallel_processing,
    override_parallel_config, parallel_config, set_parallel_config, usable_cores,
};
pub use error::{Error, Never};
pub use executor::{ParallelExecutor, TaskSet};
pub use failure_policy::OnFailure;
pub use job::Job;
pub use map::{Work, parallel_map, try_parallel_map};
pub use mode::{AnyMode, IoThreads, LocalMode, Mode, Serial, Threads};
pub use outcome::{Cause, ItemFailure, Outcome, Tally};
pub use progress::{Progress, Snapshot};
pub use task::{Alone, Each, Shared, Task, TryEach, WorkerState};
pub use workers::Workers;
