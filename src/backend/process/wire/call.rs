//! What a worker is told of a call before its first item.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::backend::process::memory::block::BlockId;
use crate::backend::process::wire::function::FunctionName;
use crate::config::ParallelConfig;
use crate::config_error::ConfigError;

/// A call, as a worker sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallHead {
    /// Serves the call: made for its types.
    pub(crate) function: FunctionName,
    /// Called for each item.
    pub(crate) item_function: FunctionName,
    /// Makes a worker's state, where the call has one.
    pub(crate) init: Option<FunctionName>,
    /// Whether a failure makes all later items pointless.
    pub(crate) halts: bool,
    /// The most memory of its own that the worker may have, in bytes.
    pub(crate) memory: Option<u64>,
    /// Whether items have a time limit.
    pub(crate) watches_time: bool,
    /// Whether the caller wants to know how much memory the worker has.
    pub(crate) watches_memory: bool,
    /// Whether the caller wants to know of each item when it was worked on, and what it said of itself.
    pub(crate) traces: bool,
    pub(crate) settings: Settings,
    pub(crate) shared: SharedValue,
}

/// Where the bytes of the shared value lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SharedValue {
    Here(Vec<u8>),
    /// In memory that all workers see.
    Block(BlockId),
}

/// The config that calls made inside of an item inherit. A config file has names; frames have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    enabled: bool,
    waiting: usize,
    chunk_size: Option<NonZeroUsize>,
    progress: bool,
    serial_below_items: usize,
    serial_below_time: Duration,
}

impl Settings {
    /// Of this config, for one of so many workers.
    pub(crate) fn of(config: &ParallelConfig, workers: NonZeroUsize) -> Self {
        Self {
            enabled: config.enabled(),
            waiting: (config.max_workers_io().get() / workers).max(1),
            chunk_size: config.chunk_size(),
            progress: config.enable_progress(),
            serial_below_items: config.serial_below_items(),
            serial_below_time: config.serial_below_time(),
        }
    }

    /// As a config, for a worker that may use so many threads for computing.
    pub(crate) fn config(&self, threads: usize) -> Result<ParallelConfig, ConfigError> {
        let builder = ParallelConfig::builder()
            .enabled(self.enabled)
            .max_workers_cpu(threads)
            .max_workers_io(self.waiting)
            .enable_progress(self.progress)
            .serial_below_items(self.serial_below_items)
            .serial_below_time(self.serial_below_time);
        match self.chunk_size {
            Some(size) => builder.chunk_size(size.get()).build(),
            None => builder.build(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_has_the_callers_config_with_its_own_share_of_the_threads() {
        let config = ParallelConfig::builder().chunk_size(7).max_workers_cpu(8).max_workers_io(9).build().unwrap();
        let settings = Settings::of(&config, NonZeroUsize::new(4).unwrap());
        let travelled: Settings = postcard::from_bytes(&postcard::to_stdvec(&settings).unwrap()).unwrap();
        let theirs = travelled.config(2).unwrap();
        assert_eq!((theirs.max_workers_cpu().get(), theirs.max_workers_io().get()), (2, 2));
        assert_eq!(theirs.chunk_size().unwrap().get(), 7);
    }
}
