//! The folder that tells what a run did: summary, metrics, failures. `aggregate.rs` sums up and `summary.rs` gives it
//! its form, both pure; `tables.rs` writes the rows. Nothing here runs items or decides about any.

mod aggregate;
mod summary;
mod tables;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::outcome::Tally;
use crate::persist::atomic_file::{check_folder, write_atomically};
use crate::primitives::cache::CacheStats;
use crate::primitives::cancel::CancelReason;
use crate::record::ItemRecord;
use crate::sync::SystemTime;

pub(crate) use summary::peak_memory_of_this_process;

/// A folder that tells what a run did, written at its end.
///
/// | file | what is in it |
/// |---|---|
/// | `summary.json` | counts, times, rates, speed-up, memory, the ten slowest items, sums of what items reported of themselves, caches, versions |
/// | `metrics.csv` | a row per finished item, in input order: `key`, `status`, `attempts`, `start`, `seconds`, `cpu_seconds`, `worker`, `peak_memory_bytes`, `resumed`, then a column per name of [`report_amount`](crate::report_amount) |
/// | `failed.jsonl` | a line per failed item: `key`, `kind`, `message`, `attempts`; empty when none failed |
///
/// Each is replaced as a whole or not at all, the summary last. They tell of all items, those that an earlier run had
/// finished included. What is not known is `null` in the summary and an empty field in the table. Times of day are RFC
/// 3339 in UTC. `status` is `succeeded` or the [kind](crate::FailureKind) of the failure.
///
/// Two numbers of the summary are easily taken for each other. `concurrency` is the time that workers spent in the
/// function over the time that passed: how many were at work, on average. Workers that get in each other's way take
/// longer and so raise it. `speed_up` compares with items that were run one after the other on the same machine, and is
/// there when [`serial_sample`](Report::serial_sample) asked for that.
///
/// `wall_seconds`, `busy_seconds`, `cpu_seconds`, `items_per_second` and an amount's `per_wall_second` are of the items
/// that this run worked on; all else is of all items. Amounts are summed up over the items that succeeded: their
/// `per_busy_second` is what one worker does, and `mean_item_rate` and `median_item_rate` take each item's own rate,
/// however large the item. The `seconds` of items that are so quick that many are handed out at a time are the mean of
/// those.
///
/// `peak_memory_bytes` of the summary is the most that the calling process had in memory since it began, and is known on
/// Linux. That of an item is what its worker process had of its own, less what it shares with others, when last looked at
/// before the item ended; `peak_worker_memory_bytes` is the largest of those.
///
/// Until the end some 250 bytes are kept for each item, besides its key, its message and its amounts.
///
/// ```
/// use manyhands::{Report, ThreadSafeCache};
///
/// let spectra: ThreadSafeCache<String, Vec<f64>> = ThreadSafeCache::new();
/// let report = Report::at("out/run")
///     .serial_sample(4)
///     .cache("spectra", || spectra.stats())
///     .field("band", (8.0, 13.0));
/// assert_eq!(report.folder(), std::path::Path::new("out/run"));
/// ```
#[must_use = "a report is written by the job that it is given to"]
pub struct Report<'a> {
    folder: PathBuf,
    serial_sample: usize,
    caches: Vec<(String, Box<dyn Fn() -> CacheStats + Send + 'a>)>,
    program: Map<String, Value>,
    /// The first field that could not be taken, told when the run begins.
    refused: Option<String>,
}

impl<'a> Report<'a> {
    /// A report in this folder, which is made when the run begins. Files of the same names are replaced at its end.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), serial_sample: 0, caches: Vec::new(), program: Map::new(), refused: None }
    }

    /// Runs the first `n_items` items that are to do one after the other, before the workers begin, to measure the
    /// speed-up against. They are not run again.
    pub fn serial_sample(mut self, n_items: usize) -> Self {
        self.serial_sample = n_items;
        self
    }

    /// Puts what a cache has seen into the summary, below `caches` and this name. Asked once, at the run's end, in the
    /// calling thread.
    pub fn cache(mut self, name: impl Into<String>, stats: impl Fn() -> CacheStats + Send + 'a) -> Self {
        self.caches.push((name.into(), Box::new(stats)));
        self
    }

    /// Puts a version or a setting of the program into the summary, below `program` and this name; the last one of a
    /// name counts. One that JSON cannot hold, such as a map whose keys are lists, is an error of the run, before it
    /// begins.
    pub fn field(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        let name = name.into();
        match serde_json::to_value(value) {
            Ok(value) => drop(self.program.insert(name, value)),
            Err(error) => {
                self.refused
                    .get_or_insert(format!("report field {name:?} does not fit into JSON: {error}; turn it into text"));
            }
        }
        self
    }

    /// The folder that it is written to.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What a run knows of itself besides its items.
#[derive(Debug, Clone)]
pub(crate) struct RunFacts<'a> {
    pub(crate) tally: Tally,
    pub(crate) mode: &'a str,
    pub(crate) begun: SystemTime,
    pub(crate) ended: SystemTime,
    pub(crate) ended_by: EndedBy,
    /// Every item of the input has a value or a failure.
    pub(crate) is_whole: bool,
    pub(crate) retries: u64,
    /// The most memory that the calling process ever had, in bytes.
    pub(crate) peak_memory: Option<u64>,
    pub(crate) serial: Option<SerialSample>,
}

/// Items that were run one after the other before the workers began: part of the run, its items and its wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SerialSample {
    pub(crate) n_items: usize,
    pub(crate) elapsed: Duration,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndedBy {
    /// Nothing was left to do.
    LastItem,
    /// Too many items failed.
    Failures,
    Cancelled(CancelReason),
    /// The function that answers go to wanted no more.
    Callback,
    /// An item came that the journal does not allow: its key twice, or another fingerprint than is recorded.
    Fault,
    /// The function of the program that progress or answers go to, or that items come from, panicked.
    Panic,
}

impl EndedBy {
    fn as_str(self) -> &'static str {
        match self {
            Self::LastItem => "last_item",
            Self::Failures => "failures",
            Self::Cancelled(CancelReason::Requested) => "cancelled",
            Self::Cancelled(CancelReason::Deadline) => "deadline",
            Self::Callback => "callback",
            Self::Fault => "fault",
            Self::Panic => "panic",
        }
    }
}

/// Takes up items as they are finished, and writes the folder at the end.
#[derive(Debug)]
pub(crate) struct Reporter<'a> {
    report: Report<'a>,
    items: Vec<ItemRecord>,
}

impl<'a> Reporter<'a> {
    /// Makes the folder and tries it, so that a run of hours is not the way to find out that it cannot be written to.
    pub(crate) fn new(report: Report<'a>) -> io::Result<Self> {
        if let Some(refused) = report.refused {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, refused));
        }
        let folder = &report.folder;
        std::fs::create_dir_all(folder).and_then(|()| check_folder(folder)).map_err(|error| {
            let message = format!("report folder {} cannot be written to: {error}", folder.display());
            io::Error::new(error.kind(), message)
        })?;
        Ok(Self { report, items: Vec::new() })
    }

    /// How many items are to run one after the other, before the others.
    pub(crate) fn n_serial(&self) -> usize {
        self.report.serial_sample
    }

    /// An item that is finished, or was by an earlier run. In any order; the last one of an index counts.
    pub(crate) fn add(&mut self, mut item: ItemRecord) {
        // A list grows in steps, and this one is kept to the end.
        item.amounts.shrink_to_fit();
        self.items.push(item);
    }

    /// Writes the three files; the summary last, so that it stands for the others.
    pub(crate) fn finish(self, facts: &RunFacts<'_>) -> io::Result<()> {
        let Self { report, items } = self;
        let items = in_input_order(items);
        let totals = aggregate::totals(&items, facts.tally.wall);
        let file = |name| report.folder.join(name);

        write_atomically(file("metrics.csv"), |file| tables::write_metrics(file, &items))?;
        write_atomically(file("failed.jsonl"), |file| tables::write_failures(file, &items))?;
        let caches = report.caches.iter().map(|(name, stats)| (name.as_str(), stats().into())).collect();
        let summary = summary::Summary::new(facts, &totals, caches, &report.program);
        write_atomically(file("summary.json"), |file| {
            serde_json::to_writer_pretty(&mut *file, &summary)?;
            writeln!(file)
        })
    }
}

fn in_input_order(mut items: Vec<ItemRecord>) -> Vec<ItemRecord> {
    items.sort_by_key(|item| item.index);
    items.dedup_by(|later, earlier| {
        let is_same = later.index == earlier.index;
        if is_same {
            std::mem::swap(later, earlier); // The earlier one stays where it is, so the later one has to go there.
        }
        is_same
    });
    items
}
