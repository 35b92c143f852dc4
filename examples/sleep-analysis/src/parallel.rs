//! The parallel engine: features over batches of epochs, alignment over signals, a night over its signals. The one file of the library
//! that calls manyhands.
//!
//! Promises: the same results, bit for bit, for every mode, any number of workers and any chunks; a lost batch or signal affects no
//! other. Leaves to others: the science, and what is done with the results.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use manyhands::cache::{CacheStats, ComputeError};
use manyhands::config::parallel_config;
use manyhands::job::ErrorText;
use manyhands::{
    AnyMode, Cause, ConfigError, Error, ItemFailure, Job, OnFailure, Outcome, Progress, ThreadSafeCache, Threads,
    adaptive_batch_size,
};

use crate::features::{FeatureBlock, FeatureRequest, FeatureScratch, Features, collect_blocks, epoch_features_with};
use crate::{
    AlignRequest, AlignedSignal, NightPlan, Signal, SignalKind, SleepError, SleepResult, align_signal, make_signal,
    read_signal,
};

/// Fewer epochs than this stay in the calling thread.
pub const EPOCHS_WORTH_SHARING: usize = 20;
/// Fewer signals than this stay in the calling thread.
pub const SIGNALS_WORTH_SHARING: usize = 3;

/// Runs operations in one mode, and caches their features.
///
/// ```
/// use sleep_analysis::features::{Aggregation, FeatureRequest, Operation};
/// use sleep_analysis::parallel::Engine;
/// use sleep_analysis::{EpochGrid, EpochGridSettings, SyntheticNight, SignalKind};
///
/// let night = SyntheticNight::new(1).kinds([SignalKind::HeartRate]).make()?;
/// let grid = EpochGrid::over_signals(&night, EpochGridSettings::adjoining(30_000_000_000))?;
/// let request = FeatureRequest::new(night.into(), grid, Operation::Statistics { aggregations: vec![Aggregation::Mean] })?;
///
/// let engine = Engine::new("threads".parse().unwrap()).workers(2);
/// let features = engine.features(&request)?;
/// assert_eq!(features.table.columns[0].name, "hr|hr_mean");
/// engine.features(&request)?; // from the cache
/// assert_eq!((engine.cache_stats().hits, engine.cache_stats().misses), (1, 1));
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub struct Engine {
    mode: AnyMode,
    workers: Option<usize>,
    chunk_size: Option<usize>,
    show: Option<ShowProgress>,
    cache: ThreadSafeCache<Vec<u8>, Arc<Features>>,
}

/// Called with what is being done, how many parts of it are finished, and how many there are.
pub type ShowProgress = Box<dyn Fn(&str, usize, usize) + Send + Sync>;

impl Engine {
    /// An engine that works in this mode, with the config's number of workers.
    #[must_use]
    pub fn new(mode: AnyMode) -> Self {
        Self { mode, workers: None, chunk_size: None, show: None, cache: ThreadSafeCache::new() }
    }

    /// How many workers. Zero is an error of the first operation.
    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Self { workers: Some(workers), ..self }
    }

    /// How many batches or signals a worker takes at a time.
    #[must_use]
    pub fn chunk_size(self, chunk_size: usize) -> Self {
        Self { chunk_size: Some(chunk_size), ..self }
    }

    /// Where progress goes. Called in the calling thread.
    #[must_use]
    pub fn progress(self, show: ShowProgress) -> Self {
        Self { show: Some(show), ..self }
    }

    /// The features of all epochs of a request: from the cache when the same ones were computed before, else in parallel
    /// from [`EPOCHS_WORTH_SHARING`] epochs on. Epochs that have no result are NaN and reported.
    ///
    /// Two requests are the same when operation, parameters, window, every epoch start, the names, columns, timestamps
    /// and samples of the signals, in order, and the densities from elsewhere, if any, are the same. The comparison reads all samples once, and not again for the next request.
    ///
    /// # Errors
    /// [`SleepError::Config`] for workers or chunks of zero.
    pub fn features(&self, request: &FeatureRequest) -> SleepResult<Arc<Features>> {
        let compute = || self.compute_features(request).map(Arc::new);
        self.cache.try_get_or_compute(cache_key(request), compute).map_err(|error| match error {
            ComputeError::Failed(error) => error,
            ComputeError::Cycle => SleepError::Config("features asked for themselves; ask for them one by one".into()),
        })
    }

    /// The counters of the feature cache.
    #[must_use]
    pub fn cache_stats(&self) -> CacheStats {
        self.cache.stats()
    }

    fn compute_features(&self, request: &FeatureRequest) -> SleepResult<Features> {
        let batches = self.batches(request.grid().n_epochs())?;
        let is_worth_sharing = request.grid().n_epochs() >= EPOCHS_WORTH_SHARING;
        if is_worth_sharing {
            self.share_samples(request.signals())?;
        }
        let outcome = self
            .job(&batches, "features", is_worth_sharing)
            .shared(request)
            .worker_state(FeatureWorker::new)
            .try_run(batch_features)?;
        let blocks = outcome.into_results().into_iter().zip(&batches).map(|(block, batch)| {
            block.unwrap_or_else(|failure| FeatureBlock::lost(request, batch.clone(), &failure.to_string()))
        });
        collect_blocks(request, blocks)
    }

    /// Brings the signals with these indices to the grid, in parallel from [`SIGNALS_WORTH_SHARING`] signals on; one
    /// result per index, in order. A signal that cannot be aligned fails alone.
    ///
    /// # Errors
    /// [`SleepError::Config`] for workers or chunks of zero.
    pub fn align(&self, request: &AlignRequest, idxs: &[usize]) -> SleepResult<Vec<SleepResult<AlignedSignal>>> {
        let is_worth_sharing = idxs.len() >= SIGNALS_WORTH_SHARING;
        if is_worth_sharing {
            self.share_samples(&request.signals)?;
        }
        let outcome = self
            .job(idxs, "alignment", is_worth_sharing)
            .cost(|&idx| request.signals.get(idx).map_or(0, |signal| signal.len() as u64))
            .shared(request)
            .try_run(align_signal)?;
        let results = outcome.into_results().into_iter().zip(idxs);
        Ok(results.map(|(aligned, &idx)| aligned.map_err(|failure| signal_failure(request, idx, failure))).collect())
    }

    /// Makes the signals of a planned night in parallel; one result per kind, in order. A lost signal affects no other.
    ///
    /// # Errors
    /// [`SleepError::Config`] for workers or chunks of zero.
    pub fn make_night(&self, plan: &NightPlan) -> SleepResult<Vec<SleepResult<Signal>>> {
        let outcome = self.job(plan.kinds(), "night", true).shared(plan).run(make_and_read)?;
        let results = outcome.into_results().into_iter().zip(plan.kinds());
        Ok(results.map(|(made, kind)| made.map_err(|failure| lost(kind.name(), &failure))).collect())
    }

    /// Reads signals in parallel, each with its name from its file; one result per file, in order. A file that cannot be read fails
    /// alone.
    ///
    /// # Errors
    /// [`SleepError::Config`] for workers or chunks of zero.
    pub fn read_signals(&self, files: &[(String, PathBuf)]) -> SleepResult<Vec<SleepResult<Signal>>> {
        let outcome = self.job(files, "reading", true).try_run(read_file)?;
        let results = outcome.into_results().into_iter().zip(files);
        Ok(results.map(|(read, (name, _))| read.map_err(|failure| own_error(name, failure))).collect())
    }

    /// Copies signals into memory that worker processes share, in parallel too: encoding would do it in one thread.
    fn share_samples(&self, signals: &[Signal]) -> SleepResult<()> {
        if matches!(self.mode, AnyMode::Processes(_)) {
            let shares: Vec<_> = signals.iter().flat_map(Signal::to_share).collect();
            let job = Job::new(&shares).mode(Threads).chunk_size(1);
            let job = if let Some(workers) = self.workers { job.workers(workers) } else { job };
            job.run(|share| share()).and_then(Outcome::into_result)?;
        }
        Ok(())
    }

    /// Consecutive batches of epochs, about two per worker.
    fn batches(&self, n_epochs: usize) -> SleepResult<Vec<Range<usize>>> {
        let workers = self.workers.unwrap_or_else(|| parallel_config().max_workers_cpu().get());
        let size = adaptive_batch_size(n_epochs, workers)?;
        Ok((0..n_epochs).step_by(size).map(|first| first..n_epochs.min(first + size)).collect())
    }

    fn job<'a, T>(&'a self, items: &'a [T], doing: &'a str, worth_sharing: bool) -> Job<'a, T, AnyMode> {
        let mode = if worth_sharing { self.mode } else { AnyMode::Serial };
        let mut job = Job::new(items).mode(mode).on_failure(OnFailure::Continue);
        if let Some(workers) = self.workers {
            job = job.workers(workers);
        }
        if let Some(size) = self.chunk_size {
            job = job.chunk_size(size);
        }
        if let Some(show) = &self.show {
            job = job.progress(Progress::callback(move |snapshot| show(doing, snapshot.done, snapshot.total)));
        }
        job
    }
}

/// What a worker keeps from batch to batch.
struct FeatureWorker {
    /// A copy that shares the signals.
    request: FeatureRequest,
    scratch: FeatureScratch,
}

impl FeatureWorker {
    fn new(request: &FeatureRequest) -> Self {
        Self { request: request.clone(), scratch: FeatureScratch::default() }
    }
}

/// Makes a signal, and computes in the same worker what the caller would otherwise compute in one thread: its order and its hashes.
fn make_and_read(plan: &NightPlan, kind: &SignalKind) -> Signal {
    let signal = make_signal(plan, kind);
    let (_is_sorted, _hashes) = (signal.is_sorted(), signal.hashes().last());
    signal
}

fn read_file((name, path): &(String, PathBuf)) -> SleepResult<Signal> {
    read_signal(name, path)
}

fn batch_features(worker: &mut FeatureWorker, epochs: &Range<usize>) -> SleepResult<FeatureBlock> {
    epoch_features_with(&mut worker.scratch, &worker.request, epochs)
}

/// A call that could not begin, such as one with zero workers.
impl<E: ErrorText> From<Error<E>> for SleepError {
    fn from(error: Error<E>) -> Self {
        Self::Config(error.to_string())
    }
}

/// A setting that is not possible, such as zero workers.
impl From<ConfigError> for SleepError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error.to_string())
    }
}

/// A signal's own error, or its loss as an error.
fn signal_failure(request: &AlignRequest, idx: usize, failure: ItemFailure<SleepError>) -> SleepError {
    let name = request.signals.get(idx).map_or_else(|| idx.to_string(), |signal| signal.name().to_owned());
    own_error(&name, failure)
}

/// The error of the signal's function, or what happened to it.
fn own_error(signal: &str, failure: ItemFailure<SleepError>) -> SleepError {
    let loss = lost(signal, &failure);
    match failure.cause {
        Cause::Error(error) => error,
        _ => loss,
    }
}

/// What happened to a signal whose item has no result.
fn lost(signal: &str, failure: &dyn fmt::Display) -> SleepError {
    SleepError::Signal { signal: signal.to_owned(), reason: failure.to_string() }
}

/// All that the features of a request depend on, as bytes. Parameters are part of it as they are; each list of samples as a
/// 128-bit hash of its content (xxh3), so that it is read only once.
fn cache_key(request: &FeatureRequest) -> Vec<u8> {
    let names: Vec<(&str, Vec<&str>)> = request
        .signals()
        .iter()
        .map(|signal| (signal.name(), signal.columns().iter().map(|column| column.name.as_str()).collect()))
        .collect();
    let parameters = (request.operation(), request.window_ns(), request.grid(), names);
    let mut key = postcard::to_stdvec(&parameters).expect("numbers, names and lists of them always have bytes");
    for signal in request.signals() {
        key.extend(signal.hashes().flat_map(u128::to_le_bytes));
    }
    key.extend(request.densities().map(|densities| densities.hash().to_le_bytes()).into_iter().flatten());
    key
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Engine");
        shown.field("mode", &self.mode).field("workers", &self.workers).field("chunk_size", &self.chunk_size);
        shown.finish_non_exhaustive()
    }
}
