//! What a command cost: how it worked, how long, and what the feature cache saved.

use std::time::Instant;

use serde::Serialize;
use sleep_analysis::parallel::Hands;

use super::args::Common;

/// The part of every summary that is about the work and not its results.
#[derive(Debug, Serialize)]
pub(crate) struct Effort {
    mode: String,
    workers: usize,
    chunk_size: Option<usize>,
    seconds: f64,
    cache: CacheUse,
}

/// What the feature cache has seen.
#[derive(Debug, Serialize)]
struct CacheUse {
    entries: usize,
    hits: u64,
    misses: u64,
    /// Hits among look-ups, in percent.
    hit_rate: f64,
}

impl Effort {
    pub(crate) fn since(started: Instant, common: &Common, hands: &Hands) -> Self {
        let stats = hands.cache_stats();
        Self {
            mode: common.mode.to_string(),
            workers: common.n_workers(),
            chunk_size: common.chunk_size,
            seconds: started.elapsed().as_secs_f64(),
            cache: CacheUse {
                entries: stats.entries,
                hits: stats.hits,
                misses: stats.misses,
                hit_rate: stats.hit_rate(),
            },
        }
    }
}
