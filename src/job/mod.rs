//! A call with settings: collects and checks them, runs nothing.

pub(crate) mod dry_run;
pub(crate) mod executor;
pub(crate) mod on_failure;
#[cfg(feature = "processes")]
pub(crate) mod process_task_set;
pub(crate) mod retry;
pub(crate) mod workers;

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Budget;
use crate::backend::mode::{Mode, ModeKind, Threads};
use crate::backend::plan::{ChunkRule, MemoryBudget, Plan, longest_first, shuffled};
use crate::backend::task::{Context, Init, MapFn, NoContext, Shared, TryInit, TryMapFn, WorkerState};
use crate::config::{self, ParallelConfig, usable_cores};
use crate::error::{Error, Never};
use crate::job::on_failure::{OnFailure, Tolerance};
use crate::job::retry::Retry;
use crate::job::workers::Workers;
use crate::outcome::Outcome;
#[cfg(feature = "reports")]
use crate::persist::codec::AndReported;
#[cfg(feature = "journal")]
use crate::persist::codec::Journaled;
use crate::persist::codec::{Forget, Keeps};
#[cfg(feature = "journal")]
use crate::persist::journal::Journal;
#[cfg(feature = "reports")]
use crate::persist::report::Report;
use crate::primitives::cancel::CancelToken;
use crate::progress::Progress;
use crate::run::Work;
use crate::run::input::{Key, Listed, Over, Source};

/// A call of one function over many items, with settings.
///
/// The settings may come in any order; `map` or `try_map` gives it the function, `run` or `try_run` runs it at once.
/// What the function is called with depends on what it was promised:
///
/// | settings | the function is called with |
/// |---|---|
/// | none | `(&item)` |
/// | [`shared`](Job::shared) | `(&shared, &item)` |
/// | [`worker_state`](Job::worker_state) | `(&mut state, &item)` |
///
/// ```
/// use manyhands::{Job, OnFailure, Serial, Threads};
///
/// struct Settings { threshold: f64 }
/// fn above(settings: &Settings, samples: &Vec<f64>) -> usize {
///     samples.iter().filter(|&&sample| sample > settings.threshold).count()
/// }
///
/// let epochs = vec![vec![0.1, 0.9], vec![0.8, 0.7], vec![]];
/// let outcome = Job::new(&epochs)
///     .mode(Threads)
///     .workers(2)
///     .shared(&Settings { threshold: 0.5 })
///     .on_failure(OnFailure::Continue)
///     .run(above)?;
/// assert_eq!(outcome.tally().succeeded, 3);
/// assert_eq!(outcome.into_values()?, [1, 2, 0]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[must_use = "a job does nothing until it is run"]
pub struct Job<'a, T, M = Threads, W = NoContext, J = Forget, S = Listed<'a, T>> {
    pub(crate) source: S,
    pub(crate) settings: Settings<'a, T>,
    pub(crate) mode: M,
    pub(crate) with: W,
    keeps: PhantomData<fn() -> J>,
}

/// What a job was told, before it is checked.
pub(crate) struct Settings<'a, T> {
    workers: Option<Workers>,
    chunk_size: Option<usize>,
    window: Option<usize>,
    on_failure: OnFailure,
    pub(crate) retry: Option<Retry>,
    cost: Option<Box<dyn Fn(&T) -> u64 + Send + 'a>>,
    shuffle: Option<u64>,
    memory_budget: Option<u64>,
    pub(crate) key: Option<Box<Key<'a, T>>>,
    pub(crate) done_if: Option<Box<dyn Fn(&T) -> bool + Send + 'a>>,
    #[cfg(feature = "journal")]
    pub(crate) journal: Option<Journal<'a, T>>,
    #[cfg(feature = "reports")]
    pub(crate) report: Option<Report<'a>>,
    pub(crate) progress: Option<Progress<'a>>,
    pub(crate) cancel: CancelToken,
    config: Option<Arc<ParallelConfig>>,
}

/// What was told, checked and filled from the config and the machine.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) plan: Plan,
    /// What each item costs, by index.
    pub(crate) costs: Option<Vec<u64>>,
    shuffle: Option<u64>,
    pub(crate) tolerance: Tolerance,
    pub(crate) budget: Budget,
    pub(crate) shows_progress: bool,
    pub(crate) config: Arc<ParallelConfig>,
}

impl Checked {
    /// Leaves these items to do, of a list of so many; `None` leaves all.
    pub(crate) fn leave(&mut self, todo: Option<Vec<usize>>, n_items: usize) {
        let Some(mut todo) = todo.filter(|todo| todo.len() < n_items) else { return };
        self.plan.n_items = todo.len();
        if let Some(costs) = &self.costs {
            let of_those: Vec<u64> = todo.iter().map(|&index| costs[index]).collect();
            todo = longest_first(&of_those).into_iter().map(|idx| todo[idx]).collect();
        }
        if let Some(seed) = self.shuffle {
            todo = shuffled(todo.len(), seed).into_iter().map(|idx| todo[idx]).collect();
        }
        self.plan.order = Some(todo);
    }

    /// Whether a later position is always a later item.
    pub(crate) fn is_ascending(&self) -> bool {
        self.costs.is_none() && self.shuffle.is_none()
    }

    /// Lets items in hand need no more than this together.
    pub(crate) fn bound_memory(&mut self, budget: Option<u64>) {
        let (Some(budget), Some(costs)) = (budget, &self.costs) else { return };
        let costs = (0..self.plan.n_items).map(|position| costs[self.plan.index_of(position)]).collect();
        self.plan.memory = Some(MemoryBudget { budget, costs });
    }
}

impl<'a, T> Job<'a, T> {
    /// A call over these items, on [`Threads`], that stops at the first failure.
    pub fn new(items: &'a [T]) -> Self {
        Self::from_source(Listed(items))
    }

    pub(crate) fn with_config(mut self, config: Arc<ParallelConfig>) -> Self {
        self.settings.config = Some(config);
        self
    }
}

impl<'a, T, I: Iterator<Item = T>> Job<'a, T, Threads, NoContext, Forget, Over<I>> {
    /// A call over the items that come from here, on [`Threads`], that stops at the first failure. The iterator may be
    /// endless: it is asked for a [`window`](Job::window) ahead of what was handed on, and an item is dropped when it is
    /// finished, so memory stays flat. (A [journal](Job::journal) and a [report](Job::report) keep a key and a record of each item.)
    ///
    /// The iterator is asked in the calling thread, or, by [`Work::ordered`], [`Work::as_completed`] and
    /// [`Work::spawn`], in the thread that these start. While it makes its caller wait, workers go on with what they have,
    /// and answers, the journal, a cancellation and time limits wait. It may be asked for several items before the first of them is begun, so it must not wait for what
    /// becomes of one. When it panics, the run ends, and the panic goes on in the caller.
    ///
    /// ```
    /// use manyhands::Job;
    /// use std::ops::ControlFlow;
    ///
    /// let mut sum = 0;
    /// Job::over(1..).map(|n: &u64| n * n).for_each_ordered(|_index, square| {
    ///     sum += square.unwrap();
    ///     if sum < 30 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    /// })?;
    /// assert_eq!(sum, 1 + 4 + 9 + 16);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn over(items: impl IntoIterator<IntoIter = I>) -> Self {
        Self::from_source(Over(items.into_iter()))
    }
}

impl<'a, T, S> Job<'a, T, Threads, NoContext, Forget, S> {
    fn from_source(source: S) -> Self {
        let settings = Settings {
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
            #[cfg(feature = "journal")]
            journal: None,
            #[cfg(feature = "reports")]
            report: None,
            progress: None,
            cancel: CancelToken::new(),
            config: None,
        };
        Self { source, settings, mode: Threads, with: NoContext, keeps: PhantomData }
    }
}

impl<'a, T, M, W, J, S> Job<'a, T, M, W, J, S> {
    /// How the call runs.
    pub fn mode<N>(self, mode: N) -> Job<'a, T, N, W, J, S> {
        Job { source: self.source, settings: self.settings, mode, with: self.with, keeps: PhantomData }
    }

    /// How many workers, whatever the config says: a number or a rule of [`Workers`]. Zero is an error of the run.
    ///
    /// Items that wait for each other need this: without it, a call that was quick before may run in the calling thread. Two such
    /// calls must not run at the same time: calls share threads, and each may hold one that the other waits for.
    ///
    /// ```
    /// use manyhands::{Job, Workers};
    /// let outcome = Job::new(&[1, 2, 3]).workers(Workers::PerCore).run(|n| n * 2)?;
    /// assert_eq!(outcome.into_values()?, [2, 4, 6]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn workers(mut self, workers: impl Into<Workers>) -> Self {
        self.settings.workers = Some(workers.into());
        self
    }

    /// How many items a worker takes at a time, instead of a number chosen by measured item time.
    pub fn chunk_size(mut self, items: usize) -> Self {
        self.settings.chunk_size = Some(items);
        self
    }

    /// How far ahead of what was handed on [`Work::for_each`] and [`Work::for_each_ordered`] may run: the most answers that
    /// they ever hold. Without it, 4096 answers per worker. An ordered stream with a [`cost`](Job::cost) hint has no window.
    ///
    /// ```
    /// use manyhands::Job;
    /// use std::ops::ControlFlow;
    /// let items: Vec<u32> = (0..100).collect();
    /// let tally = Job::new(&items).window(10).map(|n| n + 1).for_each_ordered(|_, _| ControlFlow::Continue(()))?;
    /// assert_eq!(tally.succeeded, 100);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn window(mut self, items: usize) -> Self {
        self.settings.window = Some(items);
        self
    }

    /// What a failed item does to the rest of the run; without this, the first failure stops it.
    ///
    /// ```
    /// use manyhands::{Job, OnFailure};
    /// let outcome = Job::new(&[1, 0, 2]).on_failure(OnFailure::Continue).run(|n| 6 / n)?;
    /// assert_eq!(outcome.into_options(), [Some(6), None, Some(3)]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn on_failure(mut self, policy: OnFailure) -> Self {
        self.settings.on_failure = policy;
        self
    }

    /// How often failed items are tried again, and which of them; without this, none are.
    ///
    /// ```
    /// use manyhands::{Job, Retry};
    /// let outcome = Job::new(&[1]).retry(Retry::times(2)).try_run(|_| Err::<(), _>("busy"))?;
    /// assert_eq!(outcome.into_values().unwrap_err().failure().unwrap().attempts, 3);
    /// # Ok::<(), manyhands::Error<&str>>(())
    /// ```
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = Some(retry);
        self
    }

    /// Passes over the items of which this says that they are done, such as those whose output file is there. They have no
    /// value in the outcome. Asked once per item, in the calling thread: before the run, or when the item comes.
    ///
    /// A file that is half written must not look done: let the task write with
    /// [`write_atomically`](crate::write_atomically).
    ///
    /// ```
    /// use manyhands::Job;
    /// let outcome = Job::new(&[1, 2, 3]).done_if(|&n| n == 2).run(|n| n * 10)?;
    /// assert_eq!((outcome.tally().succeeded, outcome.tally().done_before), (2, 1));
    /// assert_eq!(outcome.into_options(), [Some(10), None, Some(30)]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn done_if(mut self, is_done: impl Fn(&T) -> bool + Send + 'a) -> Self {
        self.settings.done_if = Some(Box::new(is_done));
        self
    }

    /// Stops the run when this token is cancelled: items in hand finish, their answers are kept.
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.settings.cancel = token.clone();
        self
    }

    /// Where progress goes.
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    /// let mut calls = 0;
    /// Job::new(&[1, 2]).progress(Progress::callback(|_| calls += 1)).run(|n| n + 1)?.into_values()?;
    /// assert!(calls > 0);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn progress(mut self, progress: Progress<'a>) -> Self {
        self.settings.progress = Some(progress);
        self
    }

    /// A hint how much work each item is, in any unit: the costliest items are started first, so that no worker is left
    /// alone with one at the end. Called once per item, in the calling thread, before the run.
    ///
    /// Answers stay in input order. "First" failure then means the first in the order of work.
    ///
    /// ```
    /// use manyhands::Job;
    /// let outcome = Job::new(&[3, 900, 5]).cost(|&samples| samples).run(|samples| samples * 2)?;
    /// assert_eq!(outcome.into_values()?, [6, 1800, 10]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn cost(mut self, cost: impl Fn(&T) -> u64 + Send + 'a) -> Self {
        self.settings.cost = Some(Box::new(cost));
        self
    }

    /// Works on the items in an order drawn by this seed, the same on every machine. For a first impression of a long run whose
    /// items are sorted: what it has done after a tenth of the time is like the rest, and so is the time left that it shows.
    ///
    /// Answers stay in input order. "First" failure then means the first in the order of work.
    ///
    /// ```
    /// use manyhands::Job;
    /// let outcome = Job::new(&[1, 2, 3]).shuffle(42).run(|n| n * 2)?;
    /// assert_eq!(outcome.into_values()?, [2, 4, 6]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.settings.shuffle = Some(seed);
        self
    }

    /// How much the items that are in hand at the same time may need together, in the unit of [`cost`](Job::cost), such as
    /// bytes. An item waits until there is room for it; one that needs more than all of it runs alone.
    ///
    /// ```
    /// use manyhands::Job;
    /// let recordings = [vec![0_u8; 1000], vec![0; 10], vec![0; 2000]];
    /// let outcome = Job::new(&recordings).cost(|bytes| bytes.len() as u64).memory_budget(1500).run(|bytes| bytes.len())?;
    /// assert_eq!(outcome.into_values()?, [1000, 10, 2000]);
    ///
    /// let error = Job::new(&recordings).memory_budget(1500).run(|bytes| bytes.len()).unwrap_err();
    /// assert_eq!(error.to_string(), "a memory budget given, but not what an item needs; use .cost(|item| bytes)");
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn memory_budget(mut self, units: u64) -> Self {
        self.settings.memory_budget = Some(units);
        self
    }

    /// How an item is called in failures. Called for failed items alone, in the calling thread.
    ///
    /// ```
    /// use manyhands::Job;
    /// let outcome = Job::new(&["night.edf"]).key(|name| name.to_string()).try_run(|_| Err::<(), _>("torn"))?;
    /// assert_eq!(outcome.failures()[0].key.as_deref(), Some("night.edf"));
    /// # Ok::<(), manyhands::Error<&str>>(())
    /// ```
    pub fn key(mut self, key: impl Fn(&T) -> String + Send + 'a) -> Self {
        self.settings.key = Some(Box::new(key));
        self
    }

    /// Remembers finished items in a file, and takes up those that an earlier run has finished; answers must be serde types,
    /// and errors be shown as text. See [`Journal`].
    ///
    /// Values and failures of earlier runs are in the outcome as if they were this run's; [`Outcome::resumed`] names them, and
    /// a failure that is not tried again is [`Cause::Recorded`](crate::Cause::Recorded). Should the journal fail on the way, the run goes on:
    /// [`Outcome::warnings`] says so.
    ///
    /// ```
    /// use manyhands::{Job, Journal};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let journal = || Journal::at(folder.path().join("night.sqlite")).key(|name: &&str| name.to_string()).version("1");
    /// let files = ["a.edf", "b.edf"];
    /// Job::new(&files[..1]).journal(journal()).run(|name| name.len())?.into_values()?;
    ///
    /// let outcome = Job::new(&files).journal(journal()).run(|name| name.len())?;
    /// assert_eq!(outcome.resumed().collect::<Vec<_>>(), [0]);
    /// assert_eq!(outcome.into_values()?, [5, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "journal")]
    pub fn journal(mut self, journal: Journal<'a, T>) -> Job<'a, T, M, W, Journaled, S> {
        self.settings.journal = Some(journal).filter(|journal| !journal.is_off());
        self.keeping()
    }

    /// Tells in a folder what the run did: see [`Report`].
    ///
    /// ```
    /// use manyhands::{Job, Report};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let outcome = Job::new(&[2.0, 3.0]).report(Report::at(folder.path())).run(|x| x * x)?;
    /// assert!(outcome.troubles().is_empty());
    /// let summary: serde_json::Value = serde_json::from_reader(std::fs::File::open(folder.path().join("summary.json"))?)?;
    /// assert_eq!(summary["succeeded"], 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "reports")]
    pub fn report(mut self, report: Report<'a>) -> Job<'a, T, M, W, J::Both, S>
    where
        J: AndReported,
    {
        self.settings.report = Some(report).filter(|report| !report.is_off());
        self.keeping()
    }

    #[cfg(any(feature = "journal", feature = "reports"))]
    fn keeping<V>(self) -> Job<'a, T, M, W, V, S> {
        Job { source: self.source, settings: self.settings, mode: self.mode, with: self.with, keeps: PhantomData }
    }

    fn with<V>(self, with: impl FnOnce(W) -> V) -> Job<'a, T, M, V, J, S> {
        let with = with(self.with);
        Job { source: self.source, settings: self.settings, mode: self.mode, with, keeps: PhantomData }
    }

    fn work<K>(self, task: impl FnOnce(W) -> K) -> Work<'a, T, M, K, J, S> {
        let task = task(self.with);
        Work { source: self.source, settings: self.settings, mode: self.mode, task, keeps: PhantomData }
    }
}

impl<'a, T, M, J, S> Job<'a, T, M, NoContext, J, S> {
    /// Gives every call of the function a reference to this value: `&value`, or an `Arc` of it. A function that gets what
    /// it needs this way captures nothing, and so can run in every mode.
    ///
    /// ```
    /// use manyhands::Job;
    /// let offset = 10;
    /// assert_eq!(Job::new(&[1, 2]).shared(&offset).run(|offset, n| offset + n)?.into_values()?, [11, 12]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn shared<D: Deref>(self, shared: D) -> Job<'a, T, M, Shared<D>, J, S> {
        self.with(|NoContext| Shared(shared))
    }

    /// Gives each worker a state of its own: made once per worker, on that worker, before its first item; dropped there
    /// after its last. It needs no bound at all. After an item's panic the worker goes on with the same state.
    ///
    /// ```
    /// use manyhands::Job;
    /// let lengths = Job::new(&["one", "three"])
    ///     .worker_state(String::new) // a buffer that is used again
    ///     .run(|buffer, word| {
    ///         buffer.clear();
    ///         buffer.push_str(word);
    ///         buffer.len()
    ///     })?;
    /// assert_eq!(lengths.into_values()?, [3, 5]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn worker_state<V, I: Fn() -> V>(self, init: I) -> Job<'a, T, M, WorkerState<NoContext, Init<I>>, J, S> {
        self.with(|context| WorkerState { context, init: Init(init) })
    }

    /// [`worker_state`](Job::worker_state) that may fail: then the run is an error, whose message is this one.
    ///
    /// ```
    /// use manyhands::Job;
    /// let error = Job::new(&[1, 2]).try_worker_state(|| Err::<(), _>("no model")).run(|_, n| n + 1).unwrap_err();
    /// assert!(error.is_worker_state());
    /// assert_eq!(error.to_string(), "a worker could not be prepared: no model");
    /// ```
    pub fn try_worker_state<V, E: fmt::Display, I: Fn() -> Result<V, E>>(
        self,
        init: I,
    ) -> Job<'a, T, M, WorkerState<NoContext, TryInit<I>>, J, S> {
        self.with(|context| WorkerState { context, init: TryInit(init) })
    }

    /// The work of calling `function(&item)` for each item.
    pub fn map<R, F: Fn(&T) -> R>(self, function: F) -> Work<'a, T, M, MapFn<F>, J, S> {
        self.work(|with| MapFn { function, with })
    }

    /// [`map`](Job::map) for a function that may return an error.
    pub fn try_map<R, E, F: Fn(&T) -> Result<R, E>>(self, function: F) -> Work<'a, T, M, TryMapFn<F>, J, S> {
        self.work(|with| TryMapFn { function, with })
    }
}

impl<'a, T, M, D: Deref, J, S> Job<'a, T, M, Shared<D>, J, S> {
    /// [`worker_state`](Job::worker_state), made with a look at the shared value. The function is then given the state alone:
    /// keep in it what it needs of the shared value, such as a clone of an `Arc`.
    ///
    /// ```
    /// use manyhands::Job;
    /// let capacity = 64;
    /// let sums = Job::new(&[1, 2])
    ///     .shared(&capacity)
    ///     .worker_state(|&capacity| Vec::<i32>::with_capacity(capacity))
    ///     .run(|buffer, &n| {
    ///         buffer.push(n);
    ///         n
    ///     })?;
    /// assert_eq!(sums.into_values()?, [1, 2]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn worker_state<V, I: Fn(&D::Target) -> V>(
        self,
        init: I,
    ) -> Job<'a, T, M, WorkerState<Shared<D>, Init<I>>, J, S> {
        self.with(|context| WorkerState { context, init: Init(init) })
    }

    /// [`worker_state`](Job::worker_state), made with a look at the shared value, that may fail.
    ///
    /// ```
    /// use manyhands::Job;
    /// let path = "model.bin";
    /// let load = |path: &str| Err::<Vec<f64>, _>(format!("{path} is missing"));
    /// let error = Job::new(&[1.0, 2.0]).shared(path).try_worker_state(load).run(|model, x| model[0] * x).unwrap_err();
    /// assert_eq!(error.to_string(), "a worker could not be prepared: model.bin is missing");
    /// ```
    pub fn try_worker_state<V, E: fmt::Display, I: Fn(&D::Target) -> Result<V, E>>(
        self,
        init: I,
    ) -> Job<'a, T, M, WorkerState<Shared<D>, TryInit<I>>, J, S> {
        self.with(|context| WorkerState { context, init: TryInit(init) })
    }

    /// The work of calling `function(&shared, &item)` for each item.
    pub fn map<R, F: Fn(&D::Target, &T) -> R>(self, function: F) -> Work<'a, T, M, MapFn<F, Shared<D>>, J, S> {
        self.work(|with| MapFn { function, with })
    }

    /// [`map`](Job::map) for a function that may return an error.
    pub fn try_map<R, E, F: Fn(&D::Target, &T) -> Result<R, E>>(
        self,
        function: F,
    ) -> Work<'a, T, M, TryMapFn<F, Shared<D>>, J, S> {
        self.work(|with| TryMapFn { function, with })
    }
}

impl<'a, T, M, C, I, J, S> Job<'a, T, M, WorkerState<C, I>, J, S>
where
    WorkerState<C, I>: Context,
{
    /// The work of calling `function(&mut state, &item)` for each item.
    pub fn map<R, F>(self, function: F) -> Work<'a, T, M, MapFn<F, WorkerState<C, I>>, J, S>
    where
        F: Fn(&mut <WorkerState<C, I> as Context>::State, &T) -> R,
    {
        self.work(|with| MapFn { function, with })
    }

    /// [`map`](Job::map) for a function that may return an error.
    pub fn try_map<R, E, F>(self, function: F) -> Work<'a, T, M, TryMapFn<F, WorkerState<C, I>>, J, S>
    where
        F: Fn(&mut <WorkerState<C, I> as Context>::State, &T) -> Result<R, E>,
    {
        self.work(|with| TryMapFn { function, with })
    }
}

/// `run` and `try_run` of each shape of function: `map(..).run()` and `try_map(..).run()` in one.
macro_rules! run_at_once {
    (<$($parameter:ident),*> $with:ty, ($($argument:ty),*) $(where $($bound:tt)+)?) => {
        impl<'a, T, M, $($parameter,)* J, S: Source<T>> Job<'a, T, M, $with, J, S> $(where $($bound)+)? {
            /// Runs the function over all items and waits for the outcome: `map(function).run()`.
            ///
            /// # Errors
            /// A setting that cannot be, or a worker state that could not be made. Failed items are in the outcome.
            pub fn run<R, F: Fn($($argument,)* &T) -> R>(self, function: F) -> Result<Outcome<R>, Error>
            where
                M: Mode<T, MapFn<F, $with>>,
                J: Keeps<R, Never>,
            {
                self.map(function).run()
            }

            /// [`run`](Job::run) for a function that may return an error: `try_map(function).run()`.
            ///
            /// # Errors
            /// As [`run`](Job::run).
            pub fn try_run<R, E, F: Fn($($argument,)* &T) -> Result<R, E>>(self, function: F) -> Result<Outcome<R, E>, Error<E>>
            where
                M: Mode<T, TryMapFn<F, $with>>,
                J: Keeps<R, E>,
            {
                self.try_map(function).run()
            }
        }
    };
}

run_at_once!(<> NoContext, ());
run_at_once!(<D> Shared<D>, (&D::Target) where D: Deref);
run_at_once!(<C, I> WorkerState<C, I>, (&mut <WorkerState<C, I> as Context>::State) where WorkerState<C, I>: Context);

impl<T> Settings<'_, T> {
    /// Checks what was told, and fills the rest from the config and the machine. The plan is of these items, or of as many as
    /// may come.
    pub(crate) fn check(&self, crew: ModeKind, items: Option<&[T]>) -> Result<Checked, Error> {
        let config = self.config.clone().unwrap_or_else(config::current);
        let budget = Budget { computing: config.max_workers_cpu()?, waiting: config.max_workers_io()? };
        let n_items = items.map_or(usize::MAX, <[T]>::len);
        let workers = self.workers(crew, n_items, budget, &config)?;
        let failure_limit = self.failure_limit(items.map(<[T]>::len))?;
        self.retry.as_ref().map_or(Ok(()), Retry::check)?;
        let costs = self.costs(items)?;
        // A guess at the item time must not hold up who asked for so many workers, or for progress; and waiting costs no
        // core's time, so what it takes says nothing about whether helpers are worth waking.
        let may_stay_here = crew == ModeKind::Computing && self.workers.is_none() && self.progress.is_none();
        let plan = Plan {
            n_items,
            workers,
            chunks: self.chunk_rule(&config)?,
            order: self.order(n_items, costs.as_deref())?,
            window: usize::MAX,
            stocked: if items.is_some() { usize::MAX } else { 0 },
            may_retry: self.retry.is_some(),
            alone: 0,
            traces: false,
            memory: None,
            halt_on_failure: failure_limit == Some(1) && self.retry.is_none(),
            serial_below: if may_stay_here { config.serial_below_time()? } else { Duration::ZERO },
        };
        let shows_progress = config.enable_progress()?;
        let shuffle = self.shuffle;
        Ok(Checked { plan, costs, shuffle, tolerance: Tolerance::new(failure_limit), budget, shows_progress, config })
    }

    fn failure_limit(&self, n_items: Option<usize>) -> Result<Option<usize>, Error> {
        match (n_items, self.on_failure) {
            (None, OnFailure::StopAbove(_)) => Err(Error::config(
                "a stop above a share of all items asked for, of items whose number is not known; use OnFailure::StopAfter",
            )),
            (n_items, policy) => policy.limit(n_items.unwrap_or(usize::MAX)),
        }
    }

    /// The order of work, where it is not that of the input.
    fn order(&self, n_items: usize, costs: Option<&[u64]>) -> Result<Option<Vec<usize>>, Error> {
        match (costs, self.shuffle) {
            (Some(_), Some(_)) => {
                Err(Error::config("a cost hint and a shuffle asked for; one of them can decide the order of work"))
            }
            (None, Some(_)) if n_items == usize::MAX => Err(Error::config(
                "a shuffle of items that come one after another asked for; it needs a list: use Job::new",
            )),
            (None, Some(seed)) => Ok(Some(shuffled(n_items, seed))),
            (costs, None) => Ok(costs.map(longest_first)),
        }
    }

    /// What each item costs, where that was told.
    fn costs(&self, items: Option<&[T]>) -> Result<Option<Vec<u64>>, Error> {
        match (&self.cost, items) {
            (Some(cost), Some(items)) => Ok(Some(items.iter().map(cost).collect())),
            (Some(_), None) => Err(Error::config(
                "a cost hint given for items that come one after another; it needs a list: use Job::new",
            )),
            (None, _) if self.memory_budget.is_some() => {
                Err(Error::config("a memory budget given, but not what an item needs; use .cost(|item| bytes)"))
            }
            (None, _) => Ok(None),
        }
    }

    /// Whether answers have to travel to the calling thread, whatever the call gives back.
    pub(crate) fn needs_answers(&self) -> bool {
        self.retry.is_some() || self.done_if.is_some()
    }

    fn workers(
        &self,
        crew: ModeKind,
        n_items: usize,
        budget: Budget,
        config: &ParallelConfig,
    ) -> Result<NonZeroUsize, Error> {
        let asked = self.workers.as_ref().map(|workers| workers.on(usable_cores())).transpose()?;
        let stays_here = crew == ModeKind::Caller || !config.enabled()? || n_items < config.serial_below_items()?;
        Ok(match crew {
            _ if stays_here => NonZeroUsize::MIN,
            ModeKind::Waiting => asked.unwrap_or(budget.waiting),
            _ => asked.unwrap_or(budget.computing),
        })
    }

    fn chunk_rule(&self, config: &ParallelConfig) -> Result<ChunkRule, Error> {
        let size = match self.chunk_size {
            Some(0) => return Err(Error::config("chunks of 0 items asked for; use a chunk size of 1 or more")),
            Some(size) => NonZeroUsize::new(size),
            None => config.chunk_size()?,
        };
        Ok(size.map_or(ChunkRule::Guided, ChunkRule::Fixed))
    }

    /// How far ahead of what was handed on a stream may run.
    pub(crate) fn stream_window(&self, workers: NonZeroUsize) -> Result<usize, Error> {
        const PER_WORKER: usize = 4096;
        match self.window {
            Some(0) => Err(Error::config("a window of 0 items asked for; use 1 or more")),
            Some(window) => Ok(window),
            None => Ok(workers.get().saturating_mul(PER_WORKER)),
        }
    }

    /// How much memory the items in hand may need together, where that is bounded.
    pub(crate) fn memory_budget(&self) -> Option<u64> {
        self.memory_budget
    }
}

impl<T, M: fmt::Debug, W, J, S> fmt::Debug for Job<'_, T, M, W, J, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("settings", &self.settings).field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Settings<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("workers", &self.workers)
            .field("chunk_size", &self.chunk_size)
            .field("on_failure", &self.on_failure)
            .finish_non_exhaustive()
    }
}
