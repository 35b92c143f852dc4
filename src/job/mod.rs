//! Jobs: one function over many items, with settings. [`Job`] collects settings, [`Work`] runs; the other types of this
//! module describe tasks, contexts, failures and dry runs.
//!
//! ```
//! use manyhands::{Job, OnFailure};
//! let outcome = Job::new(&[6, 0, 3]).on_failure(OnFailure::Continue).run(|n| 6 / n)?;
//! assert_eq!(outcome.into_options(), [Some(1), None, Some(2)]);
//! # Ok::<(), manyhands::Error>(())
//! ```
//!
//! # Destructors that panic
//! A destructor that panics costs its own value alone: no other value, no item, and not the run. Each is a warning that
//! names what was dropped and the index of its item, and for which [`Error::is_destructor`] is true. `run` and futures
//! have the warnings in [`Outcome::warnings`]; `for_each` and the iterators over results give the first one as their
//! error, once all results are delivered. Beyond a hundred, panics are counted in one more warning.
//!
//! | the destructor of | runs | what follows when it panics |
//! |---|---|---|
//! | an item of a slice | where the program drops it | nothing in the run |
//! | an item of [`Job::over`], whether it is finished, skipped or never started | in the calling thread or in the last worker that used it; in the thread that reads the iterator, if it comes after the end of the run | a warning; its result counts |
//! | the copy of an item in a worker process | while the item is in hand | a warning; its result counts |
//! | a value or an error that is not delivered, because it lies beyond the failure that stops the run or after a break, or because its item is retried | in the thread that gathers the results | a warning |
//! | the copy of a value or an error in a worker process | when it is encoded | a warning; the result arrives |
//! | a result that was not handed out when a closure of the job panics, or when the call ends by an error | in the thread that gathers the results | an event; the panic is raised, or the error returned |
//! | a result that was delivered | where the program drops it | nothing in the run; in a callback, the panic ends the run as any panic of a callback does |
//! | a value or an error in an [`Outcome`] that is dropped, or that [`Outcome::into_result`] leaves behind | in that thread | an event; the others are dropped too, and the error is returned |
//! | a result that waits in a stream that is dropped | in the thread that drops the stream, or in that of the run | an event; the others are dropped too |
//! | a worker's state; the copy of the shared value in a worker process | when the call ends | a warning |
//! | the iterator; the handle of the shared value; what the function, the callback and the other closures of the job capture | when the call ends | a warning |
//! | the payload of a panic of an item | when its text was read | nothing |
//!
//! An event is one of `tracing`, of the level `WARN`. What would be a warning becomes one, too, where the call ends by an
//! error or by a panic and has nothing to hold warnings.
//!
//! Rust ends a process in which a destructor panics while another panic unwinds through it. A run drops none of its
//! values in that way. Two things are beyond its reach: what a function or a callback that panics has in hand, and the
//! parts of one value, such as an item that is a list of two values whose destructors both panic, or a closure that
//! captures two. In the program itself such a second panic ends it. In a worker process it is a lost worker, and its
//! item alone is blamed, as for a destructor that aborts or exceeds the time limit.
//!
//! # Time that does not count
//! The time in which the program was stopped, by a debugger, a batch system that suspends it or `kill -STOP`, counts
//! towards no time limit of an item, no start of a worker process and no warning about a stalled item. A worker process
//! that is stopped alone is late.
//!
//! These times, the waits before a retry and the deadline of a [`CancelToken`] are of the steady clock. A change of the
//! date does not move it, and on Linux it stands still while the machine is suspended. A deadline is a moment, so it
//! passes while the program is stopped, too. Dates in journals and reports are those of the system, and nothing is
//! computed from them.

// `settings.rs` holds and checks the settings, `work.rs` starts the run, and `run/mod.rs` runs it. This file starts nothing.

pub(crate) mod dry_run;
pub(crate) mod executor;
pub(crate) mod on_failure;
pub(crate) mod parallel_map;
#[cfg(feature = "processes")]
pub(crate) mod process_task_set;
pub(crate) mod settings;
pub(crate) mod work;
pub(crate) mod workers;

use std::fmt;
use std::ops::Deref;

use crate::backend::mode::{Mode, Threads};
use crate::config::ParallelConfig;
use crate::error::Error;
use crate::job::on_failure::OnFailure;
use crate::job::settings::JobSettings;
use crate::job::work::Work;
use crate::job::workers::Workers;
use crate::outcome::Outcome;
use crate::primitives::cancel::CancelToken;
use crate::progress::Progress;
use crate::run::input::Input;
use crate::run::retry::Retry;
use std::sync::Arc;

pub use crate::backend::mode::SupportsContext;
pub use crate::backend::process_task::{ProcessContext, ProcessTask};
pub use crate::backend::task::{
    Context, Init, MapFn, NoContext, OwnedFn, Shared, Task, TryInit, TryMapFn, TryOwnedFn, WorkerState,
};
pub use crate::failure::{ErrorText, LostWorker, WorkerExit};
pub use crate::outcome::OutcomeIter;
pub use crate::primitives::cancel::CancelReason;
pub use crate::record::{FailureKind, RecordedFailure};
pub use dry_run::DryRun;
pub use executor::Tasks;
pub use work::DeliveredResult;

/// A call of one function over many items, with settings.
///
/// Settings may be given in any order, with two exceptions, which the compiler reports: [`shared`](Job::shared) comes
/// before [`worker_state`](Job::worker_state), and a [`mode`](Job::mode) with worker processes comes before
/// `worker_state`. [`map`](Job::map) takes the function and returns [`Work`], which says how results are kept and
/// delivered; `run` and `try_run` are short for `map(..).run()` and `try_map(..).run()`. Settings are checked when the
/// job runs: an invalid one is an [`Error`] with [`is_config`](Error::is_config), and no item has started then.
///
/// | setting | decides | without it |
/// |---|---|---|
/// | [`mode`](Job::mode), [`workers`](Job::workers) | where items run, and how many at a time | threads, as many as the config says |
/// | [`chunk_size`](Job::chunk_size), [`window`](Job::window) | items per claim, results that wait | by measured time, 4096 per worker |
/// | [`cost`](Job::cost), [`shuffle`](Job::shuffle) | the order of work | input order |
/// | [`memory_budget`](Job::memory_budget) | what the items in hand may need together | no bound |
/// | [`on_failure`](Job::on_failure), [`retry`](Job::retry) | what a failed item does to the run | it stops the run |
/// | [`done_if`](Job::done_if), [`key`](Job::key) | which items are finished already, and the name of each | none, its number |
/// | [`progress`](Job::progress), [`cancel_token`](Job::cancel_token) | what is shown, and what may stop the run | nothing |
///
/// | context | the function is called with |
/// |---|---|
/// | none | `(&item)` |
/// | [`shared`](Job::shared) | `(&shared, &item)` |
/// | [`worker_state`](Job::worker_state) | `(&mut state, &item)` |
/// | `shared`, then `worker_state` | `(&mut state, &item)`; the state is made from `&shared` |
///
/// `T` is the item, `M` the mode, `C` the context: what the function is called with besides the item. `Job<'a, T>` is a
/// job on threads whose function gets the item alone. Other jobs name more: `Job<'a, T, Processes>`, or
/// `Job<'a, T, Threads, Shared<&'a Settings>>` with [`Shared`]. A job can be stored in a struct and passed to a
/// function:
///
/// ```
/// use manyhands::{Job, OnFailure};
///
/// struct Study<'a> { nights: Job<'a, String> }
///
/// fn run(study: Study<'_>) -> usize {
///     study.nights.run(|night| night.len()).unwrap().iter().map(|(_, length)| length).sum()
/// }
/// let nights = ["a.edf".to_owned(), "b.edf".to_owned()];
/// assert_eq!(run(Study { nights: Job::new(&nights).on_failure(OnFailure::Continue) }), 10);
/// ```
///
/// A job with several settings:
///
/// ```
/// use manyhands::{Job, OnFailure, Threads};
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
/// assert_eq!(outcome.into_result()?, [1, 2, 0]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[must_use = "a job does nothing until it is run, for example by `.run(function)`"]
pub struct Job<'a, T, M = Threads, C = NoContext> {
    input: Input<'a, T>,
    settings: JobSettings<'a, T>,
    mode: M,
    context: C,
}

impl<'a, T> Job<'a, T> {
    /// A job over these items, on [`Threads`], that stops at the first failure.
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[1, 2, 3]).run(|n| n * n)?;
    /// assert_eq!(outcome.into_result()?, [1, 4, 9]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn new(items: &'a [T]) -> Self {
        Self { input: Input::Slice(items), settings: JobSettings::default(), mode: Threads, context: NoContext }
    }

    /// A job over the items of an iterator, on [`Threads`], that stops at the first failure.
    ///
    /// The iterator may be endless: the run reads items up to a [`window`](Job::window) ahead of the delivered results,
    /// and drops each item when it is finished, so memory stays bounded. (A journal and a report keep a key and a
    /// record per item.)
    ///
    /// The iterator must be `Send`: it is read in a thread of its own, in mode [`Serial`](crate::Serial) in the calling
    /// thread. `std::io::stdin().lines()` is not `Send`; use `std::io::BufReader::new(std::io::stdin()).lines()`.
    ///
    /// # Panics
    /// When the iterator panics, the run ends, and the panic is raised in the caller.
    ///
    /// # Concurrency
    /// The reading thread counts as no worker and against no budget. It sees the config of the caller. It reads ahead as
    /// far as the window allows, so `next` must not wait for the delivery of an item that is further back than that.
    ///
    /// Nothing waits for an iterator that blocks: items that came are under way, results are delivered and written to the
    /// journal, and time limits hold. A cancellation or a break ends the run without it:
    /// - [`Work::ordered`], [`Work::as_completed`] and [`Work::spawn`] own the iterator, and end at once. The thread that reads
    ///   it is left behind; when `next` returns, what it gave is dropped there, and the iterator with it.
    /// - [`Work::run`] and the `for_each` methods may have borrowed the iterator. They deliver and write down all that is
    ///   finished, close journal and report, and return once `next` has returned. So let an iterator that may block for
    ///   ever wait with a time limit, such as that of [`recv_timeout`](std::sync::mpsc::Receiver::recv_timeout), and look
    ///   at the [`cancel_token`](Job::cancel_token) in between.
    ///
    /// An iterator that waits for the run itself must know that it ends: the callback of a `for_each` method is dropped when it
    /// breaks or panics, so a channel that it sends to is closed by then; what other closures have is dropped after `next`.
    ///
    /// In mode `Serial`, [`Work::run`] and the `for_each` methods read in the calling thread, between two items: all that
    /// came before is delivered by then, but for items that wait for their next attempt, and a cancellation ends the run when
    /// `next` returns. That costs about a microsecond
    /// per item. The other modes do the same where the system starts no thread for the iterator.
    ///
    /// Cost: a wake-up of the reading thread per run, and a lock per item there. An item from an iterator that is slower than
    /// the workers is handed on at once; a result that comes while they wait for one is delivered within 8 ms.
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
    pub fn over<I>(items: I) -> Self
    where
        T: Send + Sync + 'a,
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'a,
    {
        let input = Input::stream(items.into_iter());
        Self { input, settings: JobSettings::default(), mode: Threads, context: NoContext }
    }

    pub(crate) fn with_config(mut self, config: Arc<ParallelConfig>) -> Self {
        self.settings.config = Some(config);
        self
    }
}

impl<'a, T, M, C> Job<'a, T, M, C> {
    /// The mode in which the job runs; without this, [`Threads`]. Set [`Processes`](crate::Processes) and
    /// [`AnyMode`](crate::AnyMode) before `worker_state`: with them its function, like that of `map`, is a `fn`
    /// pointer, that is a plain function or a closure that captures nothing.
    ///
    /// ```
    /// use manyhands::{Job, Serial};
    /// let outcome = Job::new(&[1, 2]).mode(Serial).run(|n| n + 1)?;
    /// assert_eq!(outcome.into_result()?, [2, 3]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn mode<N: SupportsContext<C>>(self, mode: N) -> Job<'a, T, N, C> {
        Job { input: self.input, settings: self.settings, mode, context: self.context }
    }

    /// The number of workers, instead of the config's: a number or a rule of [`Workers`]. Zero is a configuration
    /// error.
    ///
    /// # Concurrency
    /// Items that wait for each other need this setting: without it, a call that was quick before may run in the
    /// calling thread alone. Do not run two such calls at the same time: calls share threads, so each may hold a thread
    /// that the other needs.
    ///
    /// ```
    /// use manyhands::{Job, Workers};
    /// let outcome = Job::new(&[1, 2, 3]).workers(Workers::PerCore).run(|n| n * 2)?;
    /// assert_eq!(outcome.into_result()?, [2, 4, 6]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn workers(mut self, workers: impl Into<Workers>) -> Self {
        self.settings.workers = Some(workers.into());
        self
    }

    /// The number of items that a worker takes at a time, instead of a number chosen by measured item time. Zero is a
    /// configuration error.
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[1, 2, 3, 4]).workers(2).chunk_size(2).run(|n| n * 2)?;
    /// assert_eq!(outcome.tally().chunks, 2);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn chunk_size(mut self, items: usize) -> Self {
        self.settings.chunk_size = Some(items);
        self
    }

    /// The most results that wait to be delivered: no item starts further ahead of the delivered ones than this.
    /// Without it, 4096 results per worker. It applies to callbacks, iterators, futures, and to `run` over an
    /// iterator. Zero is a configuration error. Results in input order have no window when [`cost`](Job::cost) or
    /// [`shuffle`](Job::shuffle) changes the order of work.
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

    /// The effect of a failed item on the rest of the run; without this, the first failure stops it.
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

    /// How often failed items are retried, which of them, and after how long.
    ///
    /// Without this, none are, with one exception: an item whose worker process died is tried once more, unless the
    /// mode is `Processes::at_most_once`.
    ///
    /// Cost: each result travels to the calling thread, as with [`Work::for_each`].
    ///
    /// ```
    /// use manyhands::{Job, Retry};
    /// let outcome = Job::new(&[1]).retry(Retry::times(2)).try_run(|_| Err::<(), _>("busy"))?;
    /// assert_eq!(outcome.into_result().unwrap_err().failure().unwrap().attempts, 3);
    /// # Ok::<(), manyhands::Error<&str>>(())
    /// ```
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = Some(retry);
        self
    }

    /// Skips the items for which this returns true, such as those whose output file exists. They have no value in the
    /// outcome, and are counted as [`Tally::done_before`](crate::Tally::done_before).
    ///
    /// It is called once per item, in the calling thread: before the run for a slice, and when an item is read from a
    /// stream. A half-written file must not count as done: let the task write with
    /// [`write_atomically`](crate::report::write_atomically).
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

    /// Stops the run when this token is cancelled. Items in hand finish, and their results are kept. The run waits for
    /// them, in worker processes too: give these a time limit where an item may hang.
    ///
    /// ```
    /// use manyhands::{CancelToken, Job, Serial};
    ///
    /// let token = CancelToken::new();
    /// let job = Job::new(&[1, 2, 3]).mode(Serial).chunk_size(1).cancel_token(&token);
    /// let outcome = job.run(|&n| if n == 2 { token.cancel() })?;
    /// assert!(outcome.get(0).is_some());
    /// assert_eq!(outcome.unfinished().last(), Some(2));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn cancel_token<'t>(mut self, token: impl Into<Option<&'t CancelToken>>) -> Self {
        self.settings.cancel = token.into().cloned().unwrap_or_default();
        self
    }

    /// Shows the progress of the run; without this, nothing is shown. A panic of a progress callback ends the run and
    /// is raised in the caller.
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    /// let mut calls = 0;
    /// Job::new(&[1, 2]).progress(Progress::callback(|_| calls += 1)).run(|n| n + 1)?.into_result()?;
    /// assert!(calls > 0);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn progress(mut self, progress: impl Into<Option<Progress<'a>>>) -> Self {
        self.settings.progress = progress.into();
        self
    }

    /// A hint how much work each item is, in any unit: the costliest items start first, so that no worker is left alone
    /// with one at the end. It is called once per item, in the calling thread, before the run.
    ///
    /// Results stay in input order; the "first" failure is then the first in the order of work. Only for slices, and
    /// not together with [`shuffle`](Job::shuffle): both are configuration errors.
    ///
    /// ```
    /// use manyhands::Job;
    /// let outcome = Job::new(&[3, 900, 5]).cost(|&samples| samples).run(|samples| samples * 2)?;
    /// assert_eq!(outcome.into_result()?, [6, 1800, 10]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn cost(mut self, cost: impl Fn(&T) -> u64 + Send + 'a) -> Self {
        self.settings.cost = Some(Box::new(cost));
        self
    }

    /// Processes the items in an order drawn with this seed, the same on every machine. Use it for long runs over
    /// sorted items: the first tenth of the work is then like the rest, and so is the estimate of the remaining time.
    ///
    /// Results stay in input order; the "first" failure is then the first in the order of work. Only for slices.
    ///
    /// ```
    /// use manyhands::Job;
    /// let outcome = Job::new(&[1, 2, 3]).shuffle(42).run(|n| n * 2)?;
    /// assert_eq!(outcome.into_result()?, [2, 4, 6]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.settings.shuffle = Some(seed);
        self
    }

    /// The most that the items in hand may need together, in the unit of [`cost`](Job::cost), such as bytes. An item
    /// waits until the budget allows it; an item that exceeds the whole budget runs alone. It needs a
    /// [`cost`](Job::cost).
    ///
    /// ```
    /// use manyhands::Job;
    /// let recordings = [vec![0_u8; 1000], vec![0; 10], vec![0; 2000]];
    /// let outcome = Job::new(&recordings).cost(|bytes| bytes.len() as u64).memory_budget(1500).run(|bytes| bytes.len())?;
    /// assert_eq!(outcome.into_result()?, [1000, 10, 2000]);
    ///
    /// let error = Job::new(&recordings).memory_budget(1500).run(|bytes| bytes.len()).unwrap_err();
    /// assert_eq!(error.to_string(), "a memory budget given, but not what an item needs; use .cost(|item| bytes)");
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn memory_budget(mut self, units: u64) -> Self {
        self.settings.memory_budget = Some(units);
        self
    }

    /// The name of an item in failures, progress, journal and report. It is called in the calling thread: for failed
    /// items only, unless progress, a journal or a report need the key of each item.
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

    /// The same job with another context.
    fn with_context<D>(self, change: impl FnOnce(C) -> D) -> Job<'a, T, M, D> {
        Job { input: self.input, settings: self.settings, mode: self.mode, context: change(self.context) }
    }

    /// The job with the task that this makes of its context.
    fn work<K: Task<T>>(self, task: impl FnOnce(C) -> K) -> Work<'a, T, M, K> {
        Work::new(self.input, self.settings, self.mode, task(self.context))
    }
}

impl<'a, T, M> Job<'a, T, M, NoContext> {
    /// Passes a reference to this value to every call of the function. The argument is `&value`, or an `Arc` of it.
    ///
    /// A function that gets its parameters this way captures nothing, and so can run in every mode. Worker processes
    /// get one encoded copy per process and call.
    ///
    /// ```
    /// use manyhands::Job;
    /// let offset = 10;
    /// assert_eq!(Job::new(&[1, 2]).shared(&offset).run(|offset, n| offset + n)?.into_result()?, [11, 12]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn shared<D: Deref>(self, shared: D) -> Job<'a, T, M, Shared<D>> {
        self.with_context(|NoContext| Shared(shared))
    }

    /// Passes a state of its own to each worker, such as a buffer or a loaded model.
    ///
    /// The state is made once per worker, on that worker, before its first item, and dropped there after its last item.
    /// So it needs neither `Send` nor `Sync`. After a panic of an item the worker continues with the same state.
    ///
    /// ```
    /// use manyhands::Job;
    /// let lengths = Job::new(&["one", "three"])
    ///     .worker_state(String::new) // a buffer that is reused
    ///     .run(|buffer, word| {
    ///         buffer.clear();
    ///         buffer.push_str(word);
    ///         buffer.len()
    ///     })?;
    /// assert_eq!(lengths.into_result()?, [3, 5]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn worker_state<V, I: Fn() -> V>(self, init: I) -> Job<'a, T, M, WorkerState<NoContext, Init<I>>>
    where
        M: SupportsContext<WorkerState<NoContext, Init<I>>>,
    {
        self.with_context(|context| WorkerState { context, init: Init(init) })
    }

    /// [`worker_state`](Job::worker_state) whose function may fail. The run then returns an error with that message, for which
    /// [`is_worker_state`](Error::is_worker_state) is true.
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
    ) -> Job<'a, T, M, WorkerState<NoContext, TryInit<I>>>
    where
        M: SupportsContext<WorkerState<NoContext, TryInit<I>>>,
    {
        self.with_context(|context| WorkerState { context, init: TryInit(init) })
    }

    /// Work that calls `function(&item)` for each item.
    ///
    /// ```
    /// use manyhands::Job;
    /// let work = Job::new(&[1, 2]).map(|n| n + 1);
    /// assert_eq!(work.run()?.into_result()?, [2, 3]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn map<R, F: Fn(&T) -> R>(self, function: F) -> Work<'a, T, M, MapFn<F>>
    where
        M: Mode<T, MapFn<F>>,
    {
        self.work(|context| MapFn { function, context })
    }

    /// [`map`](Job::map) for a function that may return an error.
    ///
    /// ```
    /// use manyhands::Job;
    /// let work = Job::new(&["1", "2"]).try_map(|text| text.parse::<u8>());
    /// assert_eq!(work.run()?.into_result()?, [1, 2]);
    /// # Ok::<(), manyhands::Error<std::num::ParseIntError>>(())
    /// ```
    pub fn try_map<R, E, F: Fn(&T) -> Result<R, E>>(self, function: F) -> Work<'a, T, M, TryMapFn<F>>
    where
        M: Mode<T, TryMapFn<F>>,
    {
        self.work(|context| TryMapFn { function, context })
    }
}

impl<'a, T: Clone, M> Job<'a, T, M> {
    /// [`map`](Job::map) for a function that takes its item by value. The item is cloned for each attempt, since the run may
    /// need it again: for a retry, for its key, or for its fingerprint in a journal.
    ///
    /// Cost: one clone per attempt. Where that is too much, let the function take a reference, or make the items
    /// `Arc`s.
    ///
    /// ```
    /// use manyhands::Job;
    ///
    /// fn sorted(mut samples: Vec<u32>) -> Vec<u32> {
    ///     samples.sort();
    ///     samples
    /// }
    /// let outcome = Job::over(vec![vec![3, 1], vec![2]]).map_owned(sorted).run()?;
    /// assert_eq!(outcome.into_result()?, [vec![1, 3], vec![2]]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn map_owned<R, F: Fn(T) -> R>(self, function: F) -> Work<'a, T, M, OwnedFn<F>>
    where
        M: Mode<T, OwnedFn<F>>,
    {
        self.work(|NoContext| OwnedFn { function })
    }

    /// [`map_owned`](Job::map_owned) for a function that may return an error.
    ///
    /// ```
    /// use manyhands::Job;
    /// let work = Job::over(vec!["1".to_owned()]).try_map_owned(|text| text.parse::<u8>());
    /// assert_eq!(work.run()?.into_result()?, [1]);
    /// # Ok::<(), manyhands::Error<std::num::ParseIntError>>(())
    /// ```
    pub fn try_map_owned<R, E, F: Fn(T) -> Result<R, E>>(self, function: F) -> Work<'a, T, M, TryOwnedFn<F>>
    where
        M: Mode<T, TryOwnedFn<F>>,
    {
        self.work(|NoContext| TryOwnedFn { function })
    }
}

impl<'a, T, M, D: Deref> Job<'a, T, M, Shared<D>> {
    /// [`worker_state`](Job::worker_state) made from the shared value. The function gets the state and not the shared value: keep
    /// in the state what it needs, such as a clone of an `Arc`.
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
    /// assert_eq!(sums.into_result()?, [1, 2]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn worker_state<V, I: Fn(&D::Target) -> V>(self, init: I) -> Job<'a, T, M, WorkerState<Shared<D>, Init<I>>>
    where
        M: SupportsContext<WorkerState<Shared<D>, Init<I>>>,
    {
        self.with_context(|context| WorkerState { context, init: Init(init) })
    }

    /// [`worker_state`](Job::worker_state) made from the shared value by a function that may fail.
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
    ) -> Job<'a, T, M, WorkerState<Shared<D>, TryInit<I>>>
    where
        M: SupportsContext<WorkerState<Shared<D>, TryInit<I>>>,
    {
        self.with_context(|context| WorkerState { context, init: TryInit(init) })
    }

    /// Work that calls `function(&shared, &item)` for each item.
    ///
    /// ```
    /// let work = manyhands::Job::new(&[1, 2]).shared(&10).map(|offset, n| offset + n);
    /// assert_eq!(work.run()?.into_result()?, [11, 12]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn map<R, F: Fn(&D::Target, &T) -> R>(self, function: F) -> Work<'a, T, M, MapFn<F, Shared<D>>>
    where
        M: Mode<T, MapFn<F, Shared<D>>>,
    {
        self.work(|context| MapFn { function, context })
    }

    /// [`map`](Job::map) for a function that may return an error.
    ///
    /// ```
    /// let parse = |radix: &u32, text: &&str| u32::from_str_radix(text, *radix);
    /// let work = manyhands::Job::new(&["f", "10"]).shared(&16).try_map(parse);
    /// assert_eq!(work.run()?.into_result()?, [15, 16]);
    /// # Ok::<(), manyhands::Error<std::num::ParseIntError>>(())
    /// ```
    pub fn try_map<R, E, F: Fn(&D::Target, &T) -> Result<R, E>>(
        self,
        function: F,
    ) -> Work<'a, T, M, TryMapFn<F, Shared<D>>>
    where
        M: Mode<T, TryMapFn<F, Shared<D>>>,
    {
        self.work(|context| TryMapFn { function, context })
    }
}

impl<'a, T, M, C, I> Job<'a, T, M, WorkerState<C, I>>
where
    WorkerState<C, I>: Context,
{
    /// Work that calls `function(&mut state, &item)` for each item.
    ///
    /// ```
    /// let work = manyhands::Job::new(&[1, 2]).worker_state(|| 10).map(|state, n| *state + n);
    /// assert_eq!(work.run()?.into_result()?, [11, 12]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn map<R, F>(self, function: F) -> Work<'a, T, M, MapFn<F, WorkerState<C, I>>>
    where
        F: Fn(&mut <WorkerState<C, I> as Context>::State, &T) -> R,
        M: Mode<T, MapFn<F, WorkerState<C, I>>>,
    {
        self.work(|context| MapFn { function, context })
    }

    /// [`map`](Job::map) for a function that may return an error.
    ///
    /// ```
    /// let work = manyhands::Job::new(&["1", "x"]).worker_state(|| 10).try_map(|radix, text| u32::from_str_radix(text, *radix));
    /// assert_eq!(work.run()?.failures()[0].index, 1);
    /// # Ok::<(), manyhands::Error<std::num::ParseIntError>>(())
    /// ```
    pub fn try_map<R, E, F>(self, function: F) -> Work<'a, T, M, TryMapFn<F, WorkerState<C, I>>>
    where
        F: Fn(&mut <WorkerState<C, I> as Context>::State, &T) -> Result<R, E>,
        M: Mode<T, TryMapFn<F, WorkerState<C, I>>>,
    {
        self.work(|context| TryMapFn { function, context })
    }
}

impl<'a, T, M, C, I> Job<'a, T, M, WorkerState<C, I>> {
    /// Never compiles: [`shared`](Job::shared) must be set before [`worker_state`](Job::worker_state), which may use
    /// it.
    #[doc(hidden)]
    pub fn shared<D: Deref>(self, shared: D) -> Job<'a, T, M, Shared<D>>
    where
        WorkerState<C, I>: SharedComesFirst,
    {
        self.with_context(|_| Shared(shared))
    }
}

/// No type implements this trait: it carries the compiler's message for `.shared` after `.worker_state`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`.shared(..)` comes before `.worker_state(..)`",
    label = "this job has a worker state already, and its function is called with `(&mut state, &item)`",
    note = "write `.shared(&value).worker_state(|value| ..)`: the state can keep what it needs of the shared value"
)]
pub trait SharedComesFirst {}

impl<'a, T, M, C> Job<'a, T, M, C> {
    /// Refused: how results are kept is said after [`map`](Job::map), where their type is known: [`Work::journal`].
    #[cfg(feature = "journal")]
    #[doc(hidden)]
    pub fn journal<J>(self, _: J) -> Self
    where
        Self: FunctionComesFirst,
    {
        self
    }

    /// Refused: how results are kept is said after [`map`](Job::map), where their type is known: [`Work::report`].
    #[cfg(feature = "reports")]
    #[doc(hidden)]
    pub fn report<J>(self, _: J) -> Self
    where
        Self: FunctionComesFirst,
    {
        self
    }
}

/// No job implements it: it carries the message for `.journal` and `.report` before the function.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`.journal(..)` and `.report(..)` come after `.map(..)` or `.try_map(..)`",
    label = "this job has no function yet, so the type of its results is not known",
    note = "write `job.map(function).journal(journal).report(report).run()` instead of `job.journal(journal).run(function)`"
)]
pub trait FunctionComesFirst {}

impl<'a, T, M> Job<'a, T, M, NoContext> {
    /// Runs the function over all items and waits for the outcome: `map(function).run()`. The table at the top of this page
    /// says what the function is called with.
    ///
    /// # Errors
    /// As [`Work::run`]. Failed items are in the outcome.
    ///
    /// # Panics
    /// As [`Work::run`].
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[1, 2, 3]).run(|n| n * n)?;
    /// assert_eq!(outcome.into_result()?, [1, 4, 9]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn run<R, F: Fn(&T) -> R>(self, function: F) -> Result<Outcome<R>, Error>
    where
        M: Mode<T, MapFn<F, NoContext>>,
    {
        self.map(function).run()
    }

    /// [`run`](Job::run) for a function that may return an error: `try_map(function).run()`.
    ///
    /// # Errors
    /// As [`run`](Job::run).
    ///
    /// # Panics
    /// As [`Work::run`].
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&["1", "x"]).try_run(|text| text.parse::<u8>())?;
    /// assert_eq!(outcome.failures()[0].index, 1);
    /// # Ok::<(), manyhands::Error<std::num::ParseIntError>>(())
    /// ```
    pub fn try_run<R, E, F: Fn(&T) -> Result<R, E>>(self, function: F) -> Result<Outcome<R, E>, Error<E>>
    where
        M: Mode<T, TryMapFn<F, NoContext>>,
    {
        self.try_map(function).run()
    }
}

impl<'a, T, M, D: Deref> Job<'a, T, M, Shared<D>> {
    /// Runs the function over all items and waits for the outcome: `map(function).run()`. The table at the top of this page
    /// says what the function is called with.
    ///
    /// # Errors
    /// As [`Work::run`]. Failed items are in the outcome.
    ///
    /// # Panics
    /// As [`Work::run`].
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[1, 2, 3]).shared(&10).run(|factor, n| factor * n)?;
    /// assert_eq!(outcome.into_result()?, [10, 20, 30]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn run<R, F: Fn(&D::Target, &T) -> R>(self, function: F) -> Result<Outcome<R>, Error>
    where
        M: Mode<T, MapFn<F, Shared<D>>>,
    {
        self.map(function).run()
    }

    /// [`run`](Job::run) for a function that may return an error: `try_map(function).run()`.
    ///
    /// # Errors
    /// As [`run`](Job::run).
    ///
    /// # Panics
    /// As [`Work::run`].
    ///
    /// ```
    /// let job = manyhands::Job::new(&["1", "x"]).shared(&10);
    /// let outcome = job.try_run(|factor, text| text.parse::<i32>().map(|n| factor * n))?;
    /// assert_eq!(outcome.failures()[0].index, 1);
    /// # Ok::<(), manyhands::Error<std::num::ParseIntError>>(())
    /// ```
    pub fn try_run<R, E, F: Fn(&D::Target, &T) -> Result<R, E>>(self, function: F) -> Result<Outcome<R, E>, Error<E>>
    where
        M: Mode<T, TryMapFn<F, Shared<D>>>,
    {
        self.try_map(function).run()
    }
}

impl<'a, T, M, C, I> Job<'a, T, M, WorkerState<C, I>>
where
    WorkerState<C, I>: Context,
{
    /// Runs the function over all items and waits for the outcome: `map(function).run()`. The table at the top of this page
    /// says what the function is called with.
    ///
    /// # Errors
    /// As [`Work::run`]. Failed items are in the outcome.
    ///
    /// # Panics
    /// As [`Work::run`].
    ///
    /// ```
    /// let job = manyhands::Job::new(&["a", "bc"]).worker_state(String::new);
    /// let outcome = job.run(|buffer, text| {
    ///     buffer.push_str(text); // used again by the next item of the same worker
    ///     text.len()
    /// })?;
    /// assert_eq!(outcome.into_result()?, [1, 2]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn run<R, F: Fn(&mut <WorkerState<C, I> as Context>::State, &T) -> R>(
        self,
        function: F,
    ) -> Result<Outcome<R>, Error>
    where
        M: Mode<T, MapFn<F, WorkerState<C, I>>>,
    {
        self.map(function).run()
    }

    /// [`run`](Job::run) for a function that may return an error: `try_map(function).run()`.
    ///
    /// # Errors
    /// As [`run`](Job::run).
    ///
    /// # Panics
    /// As [`Work::run`].
    ///
    /// ```
    /// let job = manyhands::Job::new(&["1", "x"]).worker_state(|| 10);
    /// let outcome = job.try_run(|factor, text| text.parse::<i32>().map(|n| *factor * n))?;
    /// assert_eq!(outcome.failures()[0].index, 1);
    /// # Ok::<(), manyhands::Error<std::num::ParseIntError>>(())
    /// ```
    pub fn try_run<R, E, F: Fn(&mut <WorkerState<C, I> as Context>::State, &T) -> Result<R, E>>(
        self,
        function: F,
    ) -> Result<Outcome<R, E>, Error<E>>
    where
        M: Mode<T, TryMapFn<F, WorkerState<C, I>>>,
    {
        self.try_map(function).run()
    }
}

impl<T, M: fmt::Debug, C> fmt::Debug for Job<'_, T, M, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("input", &self.input)
            .field("settings", &self.settings)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
