//! The messages that a worker gets before items: one when it starts, and one at the beginning of each call.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::backend::process::memory::block::BlockId;
use crate::backend::process::wire::function::{Executable, FunctionName};
use crate::config::ParallelConfig;
use crate::config_error::ConfigError;
use crate::encoding::{Digest, Format};

/// The environment variable that makes a copy of the program a worker: it holds a [`Summons`].
pub(crate) const VARIABLE: &str = "MANYHANDS_WORKER";

/// What tells a copy of the program that it is to be a worker, and whose. As text: `1234:00a1b2c3d4e5f607`.
///
/// A process for which it is meant is a child of the caller and has the caller's socket as its stdin. Any other process
/// that finds it has inherited it from a worker, and is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summons {
    /// The process id of the caller.
    pub(crate) caller: i32,
    /// A random number that the first frame repeats, so that a worker serves the caller that started it and no other.
    pub(crate) secret: u64,
}

impl Summons {
    /// One for a worker that this process starts.
    pub(crate) fn new() -> Self {
        // Each such state has random keys of its own, so the hash of nothing is a random number.
        let secret = RandomState::new().build_hasher().finish();
        Self { caller: rustix::process::getpid().as_raw_nonzero().get(), secret }
    }
}

impl fmt::Display for Summons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:016x}", self.caller, self.secret)
    }
}

impl FromStr for Summons {
    /// The text is none. The error needs no words: its user has the text.
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_secret = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (caller, secret) = text.split_once(':').filter(|(_, secret)| is_secret(secret)).ok_or(())?;
        let caller = caller.parse().ok().filter(|&caller| caller > 0).ok_or(())?;
        Ok(Self { caller, secret: u64::from_str_radix(secret, 16).map_err(|_| ())? })
    }
}

/// The first message to a worker: which executable it must be, who sends it, and how many threads it may use.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// The caller's; a worker that is another program refuses.
    pub(crate) executable: Executable,
    /// That of the worker's [`Summons`].
    pub(crate) secret: u64,
    /// How many threads the worker may use.
    pub(crate) threads: usize,
}

/// What a worker must know of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallHead {
    /// The instance of `serve` for the types of the call.
    pub(crate) function: FunctionName,
    /// The function that is called for each item.
    pub(crate) item_function: FunctionName,
    /// The function that makes a worker's state, where the call has one.
    pub(crate) init: Option<FunctionName>,
    /// Whether a failure stops the call, so that later items need not run.
    pub(crate) halts: bool,
    /// The most memory of its own that the worker may have, in bytes, shared memory not counted.
    pub(crate) memory: Option<u64>,
    /// Whether items have a time limit.
    pub(crate) watches_time: bool,
    /// Whether the worker measures its memory.
    pub(crate) watches_memory: bool,
    /// Whether the worker sends a trace with each result.
    pub(crate) traces: bool,
    /// The config of calls inside of an item.
    pub(crate) settings: Settings,
    /// How the shared value, items, results and errors are written.
    pub(crate) format: Format,
    /// The value that all items share, encoded.
    pub(crate) shared: SharedValue,
    /// The digest of the shared value, with which a worker compares what it reads.
    pub(crate) shared_digest: Digest,
}

/// Where the bytes of the shared value lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SharedValue {
    /// In this frame.
    Here(Vec<u8>),
    /// In a block that all workers map.
    Block(BlockId),
}

/// The config that calls made inside of an item inherit, in the form in which it travels.
///
/// With 9 waiting workers in the config and 4 worker processes, each gets 9 / 4 = 2, and at least 1. Computing threads
/// are not in it: they are the worker's own number, from `Hello`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    enabled: bool,
    waiting: usize,
    chunk_size: Option<NonZeroUsize>,
    progress: bool,
    serial_below_items: usize,
    serial_below_time: Duration,
    thread_stack_size: usize,
    keep_threads: bool,
}

impl Settings {
    /// Those of `config`, for one of `workers` workers.
    pub(crate) fn of(config: &ParallelConfig, workers: NonZeroUsize) -> Self {
        Self {
            enabled: config.enabled(),
            waiting: (config.max_workers_io().get() / workers).max(1),
            chunk_size: config.chunk_size(),
            progress: config.enable_progress(),
            serial_below_items: config.serial_below_items(),
            serial_below_time: config.serial_below_time(),
            thread_stack_size: config.thread_stack_size(),
            keep_threads: config.keep_threads(),
        }
    }

    /// As a config, for a worker that may use `threads` threads for computing.
    pub(crate) fn config(&self, threads: usize) -> Result<ParallelConfig, ConfigError> {
        let builder = ParallelConfig::builder()
            .enabled(self.enabled)
            .max_workers_cpu(threads)
            .max_workers_io(self.waiting)
            .enable_progress(self.progress)
            .serial_below_items(self.serial_below_items)
            .serial_below_time(self.serial_below_time)
            .thread_stack_size(self.thread_stack_size)
            .keep_threads(self.keep_threads);
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
    fn a_summons_is_read_as_it_was_written_and_nothing_else_is_one() {
        let summons = Summons::new();
        assert_eq!(summons.to_string().parse(), Ok(summons));
        assert_ne!(summons, Summons::new(), "each worker has a secret of its own");
        for text in
            ["", "1", "3:4", "0:0011223344556677", "-1:0011223344556677", "7:zz11223344556677", "7:+011223344556677"]
        {
            assert_eq!(text.parse::<Summons>(), Err(()), "{text:?}");
        }
    }

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
