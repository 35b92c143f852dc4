//! A folder with a summary, metrics and failures of a run. `facts.rs` has what the run says about itself,
//! `aggregate.rs` sums up its items, `summary.rs` is the form of the summary (all three pure), and `tables.rs` writes
//! the rows. The run decides what it reports; nothing here runs items.

mod aggregate;
mod facts;
mod summary;
mod tables;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::panics::OneByOne;
use crate::persist::atomic_file::{check_folder, write_in};
use crate::persist::folder::Folder;
use crate::persist::place::absolute;
use crate::primitives::cache::CacheStats;
use crate::record::ItemRecord;

pub(crate) use facts::{EndedBy, RunFacts, RunTotals, SerialSample};
pub(crate) use summary::peak_memory_of_this_process;

/// A folder that describes a run, written at its end.
///
/// Needs the feature `reports`, and goes into [`Work::report`](crate::Work::report).
///
/// | file | contents |
/// |---|---|
/// | `summary.json` | counts, times, rates, speed-up, memory, the ten slowest items, sums of reported amounts, caches, versions |
/// | `metrics.csv` | a row per finished item, in input order: `key`, `status`, `attempts`, `start`, `seconds`, `cpu_seconds`, `worker`, `peak_memory_bytes`, `resumed`, then a column for each of the first 256 names of [`report_amount`](crate::report::report_amount), and for the other names one column of JSON, `other_amounts`; no key and no name is a formula to a spreadsheet, see [`csv_text`](crate::report::csv_text) |
/// | `failed.jsonl` | a line per failed item: `key`, `kind`, `message`, `attempts`; empty when no item failed |
///
/// The files include the items that an earlier run finished. Unknown values are `null` in the summary and an empty field
/// in the table. Times of day are RFC 3339 in UTC. `status` is `succeeded` or the [kind](crate::job::FailureKind) of the
/// failure.
///
/// The folder is found when the run begins: its path is made absolute and its links are followed then, so a later change
/// of the current folder, or a rename of the folder, loses nothing. Each file is replaced as a whole or not at all, the
/// summary last. A link at the place of a file is not followed but replaced.
///
/// Do not confuse two numbers of the summary. `concurrency` is the time that workers spent in the function over the
/// wall time: the mean number of busy workers. Workers that slow each other down take longer and so raise it.
/// `speed_up` compares with items that ran one after the other on the same machine; it needs
/// [`serial_sample`](Report::serial_sample).
///
/// `wall_seconds`, `busy_seconds`, `cpu_seconds`, `items_per_second` and an amount's `per_wall_second` are of the items
/// that this run worked on; all else is of all items. Amounts are summed up over the items that succeeded:
/// `per_busy_second` is the speed of one worker, and `mean_item_rate` and `median_item_rate` use each item's own rate,
/// however large the item. Quick items travel to a worker in chunks, and the `seconds` of each are the mean of its
/// chunk.
///
/// `peak_memory_bytes` of the summary is the most memory that the calling process had since it began; only Linux
/// records it. That of an item is the private memory of its worker process (without shared pages) at the last sample
/// before the item ended; `peak_worker_memory_bytes` is the largest of those.
///
/// # Cost
/// 250 bytes of memory per item until the end of the run, besides its key, its message and its amounts. The files are
/// written once.
///
/// ```
/// use manyhands::{Job, Report};
///
/// let folder = tempfile::tempdir()?;
/// let outcome = Job::new(&[1_u64, 2, 3]).map(|n| n * n).report(Report::at(folder.path().join("run"))).run()?;
/// assert_eq!(outcome.tally().succeeded, 3);
/// let summary = std::fs::read_to_string(folder.path().join("run/summary.json"))?;
/// assert!(summary.contains(r#""succeeded": 3"#), "{summary}");
/// let metrics = std::fs::read_to_string(folder.path().join("run/metrics.csv"))?;
/// assert_eq!(metrics.lines().count(), 4, "a header and three rows");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a report is written by the job that it is given to"]
pub struct Report<'a> {
    /// `None` for a report that writes nothing.
    folder: Option<PathBuf>,
    serial_sample: usize,
    /// Dropped one by one: the closures may hold the caller's values.
    caches: OneByOne<(String, CacheCounter<'a>)>,
    program: Map<String, Value>,
    /// The first field without JSON, an error when the run begins.
    refused: Option<String>,
}

impl<'a> Report<'a> {
    /// The closures of the program, to be dropped.
    pub(crate) fn into_closures(self) -> impl Iterator<Item = CacheCounter<'a>> {
        self.caches.into_iter().map(|(_, stats)| stats)
    }

    /// A report in this folder. The run creates the folder when it begins, and replaces files of the same names at its
    /// end.
    ///
    /// ```
    /// let report = manyhands::Report::at("out/run");
    /// assert_eq!(report.folder(), Some(std::path::Path::new("out/run")));
    /// ```
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..Self::off() }
    }

    /// A report that writes nothing, for programs that switch the report by an option. A job with it runs as without a
    /// report.
    ///
    /// ```
    /// use manyhands::{Job, Report};
    ///
    /// let folder: Option<&str> = None; // an option of the command line
    /// let report = folder.map_or_else(Report::off, Report::at);
    /// let outcome = Job::new(&[1_u64, 2, 3]).map(|n| n * n).report(report.serial_sample(1)).run()?;
    /// assert_eq!(outcome.tally().succeeded, 3);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn off() -> Self {
        Self { folder: None, serial_sample: 0, caches: OneByOne::default(), program: Map::new(), refused: None }
    }

    /// Makes the folder's path absolute, so that a program that changes its current folder later does not move it. Where
    /// that cannot be done, the error comes when the folder is made.
    pub(crate) fn make_absolute(&mut self) {
        if let Some(folder) = &mut self.folder
            && let Ok(full) = absolute(folder)
        {
            *folder = full;
        }
    }

    /// Whether the first items run alone to be measured.
    pub(crate) fn has_serial_sample(&self) -> bool {
        !self.is_off() && self.serial_sample > 0
    }

    /// Whether this is a report that writes nothing.
    pub(crate) fn is_off(&self) -> bool {
        self.folder.is_none()
    }

    /// Runs the first `n_items` unfinished items one after the other, before the workers begin, and compares the
    /// workers' speed with theirs. The items run once and are part of the results. With
    /// [`shuffle`](crate::Job::shuffle) they are the first in that order. Together with [`cost`](crate::Job::cost) it is
    /// a configuration error of the run: the costliest items, which start first, are no fair sample.
    ///
    /// ```
    /// use manyhands::{Job, Report};
    ///
    /// let folder = tempfile::tempdir()?;
    /// Job::new(&[1_u64, 2, 3]).map(|n| n * n).report(Report::at(folder.path()).serial_sample(2)).run()?;
    /// let summary = std::fs::read_to_string(folder.path().join("summary.json"))?;
    /// assert!(summary.contains("serial_sample"), "{summary}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn serial_sample(mut self, n_items: usize) -> Self {
        self.serial_sample = n_items;
        self
    }

    /// Adds the statistics of a cache to the summary, below `caches` and this name. The closure is called once, at the
    /// end of the run, in the calling thread.
    ///
    /// ```
    /// use manyhands::{Job, Report, ThreadSafeCache};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let squares = ThreadSafeCache::new();
    /// let report = Report::at(folder.path()).cache("squares", || squares.stats());
    /// Job::new(&[1_u64, 2, 1]).map(|&n| squares.get_or_compute(n, || n * n)).report(report).run()?;
    /// let summary = std::fs::read_to_string(folder.path().join("summary.json"))?;
    /// assert!(summary.contains(r#""computes": 2"#), "{summary}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cache(mut self, name: impl Into<String>, stats: impl Fn() -> CacheStats + Send + 'a) -> Self {
        self.caches.push((name.into(), Box::new(stats)));
        self
    }

    /// Adds a version or a setting of the program to the summary, below `program` and this name. The last one of a name
    /// counts. A value that JSON does not have, such as a map with lists as keys, is an error of the run, before its
    /// first item.
    ///
    /// ```
    /// use manyhands::{Job, Report};
    ///
    /// let folder = tempfile::tempdir()?;
    /// Job::new(&[1_u64]).map(|n| n * n).report(Report::at(folder.path()).field("reference", "Cz")).run()?;
    /// let summary = std::fs::read_to_string(folder.path().join("summary.json"))?;
    /// assert!(summary.contains(r#""reference": "Cz""#), "{summary}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

    /// The folder of the report; `None` for a report that is [off](Self::off).
    ///
    /// ```
    /// assert_eq!(manyhands::Report::off().folder(), None);
    /// ```
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Collects finished items and writes the folder at the end.
///
/// The list grows to one record per item and is sorted once, at the end: workers finish in any order.
#[derive(Debug)]
pub(crate) struct Reporter<'a> {
    report: Report<'a>,
    /// Open from the beginning of the run, so that its files go into it wherever it is at the end.
    folder: Option<Folder>,
    items: Vec<ItemRecord>,
}

impl<'a> Reporter<'a> {
    /// Creates the folder and a file in it, so that a folder that is not writable fails a run before its first item.
    ///
    /// # Errors
    /// A field without JSON, and a folder that cannot be made or written to. The message names the field or the folder.
    pub(crate) fn new(report: Report<'a>) -> io::Result<Self> {
        if let Some(refused) = report.refused {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, refused));
        }
        let folder = report.folder.as_deref().map(open_folder).transpose()?;
        Ok(Self { report, folder, items: Vec::new() })
    }

    /// Number of items that run one after the other, before the workers begin.
    pub(crate) fn n_serial(&self) -> usize {
        self.report.serial_sample
    }

    /// Adds an item that this run or an earlier one finished. In any order; the last one of an index counts.
    pub(crate) fn add(&mut self, mut item: ItemRecord) {
        // A list grows in steps, and this one stays in memory to the end.
        item.amounts.shrink_to_fit();
        self.items.push(item);
    }

    /// The closures of the program, to be dropped.
    pub(crate) fn into_closures(self) -> impl Iterator<Item = CacheCounter<'a>> {
        self.report.into_closures()
    }

    /// Writes the three files. The summary comes last: where it exists, the others do.
    ///
    /// Costs a sort of the items and two syncs per file. The statistics of caches are taken after the tables are
    /// written.
    ///
    /// # Errors
    /// The first file that cannot be written; the files before it are new, those after it are the old ones. The run
    /// makes it a warning, so its results are not lost.
    pub(crate) fn finish(&mut self, facts: &RunFacts<'_>) -> io::Result<()> {
        let Self { report, folder, items } = self;
        let Some(folder) = &folder else { return Ok(()) };
        let items = in_input_order(std::mem::take(items));
        let totals = aggregate::totals(&items, facts.totals.wall);
        write_in(folder, "metrics.csv", |file| tables::write_metrics(file, &items))?;
        write_in(folder, "failed.jsonl", |file| tables::write_failures(file, &items))?;
        let caches = report.caches.iter().map(|(name, stats)| (name.as_str(), stats().into())).collect();
        let summary = summary::Summary::new(facts, &totals, caches, &report.program);
        write_in(folder, "summary.json", |file| {
            serde_json::to_writer_pretty(&mut *file, &summary)?;
            writeln!(file)
        })
    }
}

fn open_folder(path: &Path) -> io::Result<Folder> {
    let open = || {
        let full = absolute(path)?;
        std::fs::create_dir_all(&full)?;
        let folder = Folder::open(&std::fs::canonicalize(full)?)?;
        check_folder(&folder)?;
        Ok(folder)
    };
    open().map_err(|error: io::Error| {
        let message = format!("report folder {} cannot be written to: {error}", path.display());
        io::Error::new(error.kind(), message)
    })
}

/// The statistics of a cache of the program.
pub(crate) type CacheCounter<'a> = Box<dyn Fn() -> CacheStats + Send + 'a>;

/// The sort is stable, so of two records with one index the one that was added later stays.
fn in_input_order(mut items: Vec<ItemRecord>) -> Vec<ItemRecord> {
    items.sort_by_key(|item| item.index);
    items.dedup_by(|later, earlier| {
        let is_same = later.index == earlier.index;
        if is_same {
            std::mem::swap(later, earlier); // `dedup_by` keeps the earlier place, so the later item moves there.
        }
        is_same
    });
    items
}
