//! The form of `summary.json`: which numbers stand there, under which names, in which order. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::persist::report::aggregate::{AmountTotals, Slow, Spread, Totals, float, per_second, ratio};
use crate::persist::report::facts::{RunFacts, SerialSample};
use crate::persist::report::tables;
use crate::primitives::cache::CacheStats;

/// Fields are in the order in which they are written: what a reader asks first comes first.
#[derive(Debug, Serialize)]
pub(crate) struct Summary<'a> {
    begun: Option<String>,
    ended: Option<String>,
    ended_by: &'static str,
    is_whole: bool,

    items: usize,
    succeeded: usize,
    failed: usize,
    unfinished: usize,
    failed_by_kind: &'a BTreeMap<&'static str, usize>,
    resumed: usize,
    retries: u64,

    mode: &'a str,
    n_workers: usize,
    lost_workers: usize,
    recycled_workers: usize,

    wall_seconds: f64,
    busy_seconds: f64,
    cpu_seconds: Option<f64>,
    items_per_second: Option<f64>,
    concurrency: Option<f64>,
    speed_up: Option<f64>,
    serial_sample: Option<SampleTimes>,
    peak_memory_bytes: Option<u64>,
    peak_worker_memory_bytes: Option<u64>,

    seconds_per_item: Spread,
    slowest: &'a [Slow<'a>],
    amounts: &'a BTreeMap<&'a str, AmountTotals>,
    caches: BTreeMap<&'a str, CacheCounts>,
    program: &'a Map<String, Value>,
    versions: Versions,
}

#[derive(Debug, Serialize)]
struct SampleTimes {
    items: usize,
    seconds: f64,
    seconds_per_item: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Versions {
    manyhands: &'static str,
}

/// The statistics of a cache.
#[derive(Debug, Serialize)]
pub(crate) struct CacheCounts {
    hits: u64,
    misses: u64,
    hit_percent: f64,
    computes: u64,
    inserts: u64,
    evictions: u64,
    cycles: u64,
    entries: usize,
}

impl<'a> Summary<'a> {
    pub(crate) fn new(
        facts: &RunFacts<'a>,
        totals: &'a Totals<'a>,
        caches: BTreeMap<&'a str, CacheCounts>,
        program: &'a Map<String, Value>,
    ) -> Self {
        let run = &facts.totals;
        Self {
            begun: tables::time_of_day(facts.begun),
            ended: tables::time_of_day(facts.ended),
            ended_by: facts.ended_by.as_str(),
            is_whole: facts.is_whole,
            items: run.n_items,
            succeeded: totals.succeeded,
            failed: totals.n_failed(),
            unfinished: run.n_unfinished,
            failed_by_kind: &totals.failed,
            resumed: totals.resumed,
            retries: facts.retries,
            mode: facts.mode,
            n_workers: run.n_workers,
            lost_workers: run.lost_workers,
            recycled_workers: run.recycled_workers,
            wall_seconds: run.wall.as_secs_f64(),
            busy_seconds: run.busy.as_secs_f64(),
            cpu_seconds: totals.cpu.map(|time| time.as_secs_f64()),
            items_per_second: per_second(float(totals.computed), run.wall),
            concurrency: per_second(run.busy.as_secs_f64(), run.wall),
            speed_up: facts.serial.and_then(|sample| speed_up(sample, totals.computed, run.wall)),
            serial_sample: facts.serial.map(SampleTimes::from),
            peak_memory_bytes: facts.peak_memory,
            peak_worker_memory_bytes: totals.peak_memory,
            seconds_per_item: totals.seconds,
            slowest: &totals.slowest,
            amounts: &totals.amounts,
            caches,
            program,
            versions: Versions { manyhands: env!("CARGO_PKG_VERSION") },
        }
    }
}

/// The peak memory of this process in bytes, which Linux records.
///
/// Reads one file of `/proc`, once per run; `None` where there is none.
pub(crate) fn peak_memory_of_this_process() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Items per second of all workers, over those of one worker alone. The sample was part of the run, so the workers did
/// the rest.
///
/// For example 10 items of a sample in 20 s, and 110 items in 45 s altogether: the workers did 100 in 25 s, so 4 items
/// per second against 0.5, a speed-up of 8. `None` when the sample was the whole run or a time is zero.
pub(crate) fn speed_up(sample: SerialSample, computed: usize, wall: Duration) -> Option<f64> {
    let rest = computed.checked_sub(sample.n_items).filter(|&n_items| n_items > 0)?;
    let rate = per_second(float(rest), wall.checked_sub(sample.elapsed)?)?;
    ratio(rate, per_second(float(sample.n_items), sample.elapsed)?)
}

impl From<SerialSample> for SampleTimes {
    fn from(sample: SerialSample) -> Self {
        let seconds = sample.elapsed.as_secs_f64();
        Self { items: sample.n_items, seconds, seconds_per_item: ratio(seconds, float(sample.n_items)) }
    }
}

impl From<CacheStats> for CacheCounts {
    fn from(stats: CacheStats) -> Self {
        let CacheStats { hits, misses, computes, inserts, evictions, cycles, entries } = stats;
        Self { hits, misses, hit_percent: stats.hit_rate(), computes, inserts, evictions, cycles, entries }
    }
}
