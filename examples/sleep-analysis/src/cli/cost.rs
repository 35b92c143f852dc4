//! What a command cost: its mode and workers, its time, and what the feature cache saved.

use std::time::Instant;

use serde::Serialize;
use sleep_analysis::parallel::Engine;

use super::analysis::CliContext;

/// The part of every summary that is about the work and not its results.
#[derive(Debug, Serialize)]
pub(crate) struct Cost {
    mode: String,
    workers: usize,
    chunk_size: Option<usize>,
    seconds: f64,
    cache: CacheUse,
}

/// The counters of the feature cache.
#[derive(Debug, Serialize)]
pub(crate) struct CacheUse {
    pub(crate) entries: usize,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    /// Hits among look-ups, in percent.
    pub(crate) hit_rate: f64,
}

impl Cost {
    pub(crate) fn since(started: Instant, context: &CliContext<'_>) -> Self {
        Self {
            mode: context.common.mode.to_string(),
            workers: context.common.n_workers(),
            chunk_size: context.common.chunk_size,
            seconds: started.elapsed().as_secs_f64(),
            cache: CacheUse::of(context.engine),
        }
    }
}

impl CacheUse {
    pub(crate) fn of(engine: &Engine) -> Self {
        let stats = engine.cache_stats();
        Self { entries: stats.entries, hits: stats.hits, misses: stats.misses, hit_rate: stats.hit_rate() }
    }
}
