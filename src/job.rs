//! A call with settings: collects and checks them, runs nothing.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::config::{self, ParallelConfig, usable_cores};
use crate::error::Error;
use crate::failure_policy::{OnFailure, Tolerance};
use crate::map::Work;
use crate::mode::{Crew, Mode, Threads};
use crate::outcome::Outcome;
use crate::plan::{ChunkRule, Plan, longest_first};
use crate::pool::Budget;
use crate::progress::Progress;
use crate::task::{Alone, Each, Fallible, Setup, Shared, Sure, TryEach, WorkerState};
use crate::workers::Workers;

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
pub struct Job<'a, T, M = Threads, W = Alone> {
    pub(crate) settings: Settings<'a, T>,
    pub(crate) mode: M,
    pub(crate) with: W,
}

/// What a job was told, before it is checked.
pub(crate) struct Settings<'a, T> {
    pub(crate) items: &'a [T],
    workers: Option<Workers>,
    chunk_size: Option<usize>,
    window: Option<usize>,
    on_failure: OnFailure,
    cost: Option<Box<dyn Fn(&T) -> u64 + 'a>>,
    pub(crate) key: Option<Box<dyn Fn(&T) -> String + 'a>>,
    pub(crate) progress: Option<Progress<'a>>,
    pub(crate) cancel: CancelToken,
    config: Option<Arc<ParallelConfig>>,
}

/// What was told, checked and filled from the config and the machine.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) plan: Plan,
    pub(crate) tolerance: Tolerance,
    pub(crate) budget: Budget,
    pub(crate) shows_progress: bool,
    pub(crate) config: Arc<ParallelConfig>,
}

impl<'a, T> Job<'a, T> {
    /// A call over these items, on [`Threads`], that stops at the first failure.
    pub fn new(items: &'a [T]) -> Self {
        let settings = Settings {
            items,
            workers: None,
            chunk_size: None,
            window: None,
            on_failure: OnFailure::default(),
            cost: None,
            key: None,
            progress: None,
            cancel: CancelToken::new(),
            config: None,
        };
        Self { settings, mode: Threads, with: Alone }
    }

    pub(crate) fn with_config(mut self, config: Arc<ParallelConfig>) -> Self {
        self.settings.config = Some(config);
        self
    }
}

impl<'a, T, M, W> Job<'a, T, M, W> {
    /// How the call runs.
    pub fn mode<N>(self, mode: N) -> Job<'a, T, N, W> {
        Job { settings: self.settings, mode, with: self.with }
    }

    /// How many workers, whatever the config says: a number or a rule of [`Workers`]. Zero is an error of the run.
    ///
    /// Items that wait for each other need this: without it, a call that was quick before may run in the calling thread.
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
    pub fn cost(mut self, cost: impl Fn(&T) -> u64 + 'a) -> Self {
        self.settings.cost = Some(Box::new(cost));
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
    pub fn key(mut self, key: impl Fn(&T) -> String + 'a) -> Self {
        self.settings.key = Some(Box::new(key));
        self
    }

    fn work<K>(self, task: impl FnOnce(W) -> K) -> Work<'a, T, M, K> {
        Work { settings: self.settings, mode: self.mode, task: task(self.with) }
    }
}

impl<'a, T, M> Job<'a, T, M, Alone> {
    /// Gives every call of the function a reference to this value: `&value`, or an `Arc` of it. A function that gets what
    /// it needs this way captures nothing, and so can run in every mode.
    ///
    /// ```
    /// use manyhands::Job;
    /// let offset = 10;
    /// assert_eq!(Job::new(&[1, 2]).shared(&offset).run(|offset, n| offset + n)?.into_values()?, [11, 12]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn shared<D: Deref>(self, shared: D) -> Job<'a, T, M, Shared<D>> {
        Job { settings: self.settings, mode: self.mode, with: Shared(shared) }
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
    pub fn worker_state<S, I: Fn() -> S>(self, init: I) -> Job<'a, T, M, WorkerState<Alone, Sure<I>>> {
        Job { settings: self.settings, mode: self.mode, with: WorkerState { context: Alone, init: Sure(init) } }
    }

    /// [`worker_state`](Job::worker_state) that may fail: then the run is an error, whose message is this one.
    ///
    /// ```
    /// use manyhands::Job;
    /// let error = Job::new(&[1, 2]).try_worker_state(|| Err::<(), _>("no model")).run(|_, n| n + 1).unwrap_err();
    /// assert!(error.is_worker_state());
    /// assert_eq!(error.to_string(), "a worker could not be prepared: no model");
    /// ```
    pub fn try_worker_state<S, E: fmt::Display, I: Fn() -> Result<S, E>>(
        self,
        init: I,
    ) -> Job<'a, T, M, WorkerState<Alone, Fallible<I>>> {
        Job { settings: self.settings, mode: self.mode, with: WorkerState { context: Alone, init: Fallible(init) } }
    }

    /// The work of calling `function(&item)` for each item.
    pub fn map<R, F: Fn(&T) -> R>(self, function: F) -> Work<'a, T, M, Each<F>> {
        self.work(|with| Each { function, with })
    }

    /// [`map`](Job::map) for a function that may return an error.
    pub fn try_map<R, E, F: Fn(&T) -> Result<R, E>>(self, function: F) -> Work<'a, T, M, TryEach<F>> {
        self.work(|with| TryEach { function, with })
    }
}

impl<'a, T, M, D: Deref> Job<'a, T, M, Shared<D>> {
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
    pub fn worker_state<S, I: Fn(&D::Target) -> S>(self, init: I) -> Job<'a, T, M, WorkerState<Shared<D>, Sure<I>>> {
        Job { settings: self.settings, mode: self.mode, with: WorkerState { context: self.with, init: Sure(init) } }
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
    pub fn try_worker_state<S, E: fmt::Display, I: Fn(&D::Target) -> Result<S, E>>(
        self,
        init: I,
    ) -> Job<'a, T, M, WorkerState<Shared<D>, Fallible<I>>> {
        Job { settings: self.settings, mode: self.mode, with: WorkerState { context: self.with, init: Fallible(init) } }
    }

    /// The work of calling `function(&shared, &item)` for each item.
    pub fn map<R, F: Fn(&D::Target, &T) -> R>(self, function: F) -> Work<'a, T, M, Each<F, Shared<D>>> {
        self.work(|with| Each { function, with })
    }

    /// [`map`](Job::map) for a function that may return an error.
    pub fn try_map<R, E, F: Fn(&D::Target, &T) -> Result<R, E>>(
        self,
        function: F,
    ) -> Work<'a, T, M, TryEach<F, Shared<D>>> {
        self.work(|with| TryEach { function, with })
    }
}

impl<'a, T, M, C, I> Job<'a, T, M, WorkerState<C, I>>
where
    WorkerState<C, I>: Setup,
{
    /// The work of calling `function(&mut state, &item)` for each item.
    pub fn map<R, F>(self, function: F) -> Work<'a, T, M, Each<F, WorkerState<C, I>>>
    where
        F: Fn(&mut <WorkerState<C, I> as Setup>::State, &T) -> R,
    {
        self.work(|with| Each { function, with })
    }

    /// [`map`](Job::map) for a function that may return an error.
    pub fn try_map<R, E, F>(self, function: F) -> Work<'a, T, M, TryEach<F, WorkerState<C, I>>>
    where
        F: Fn(&mut <WorkerState<C, I> as Setup>::State, &T) -> Result<R, E>,
    {
        self.work(|with| TryEach { function, with })
    }
}

/// `run` and `try_run` of each shape of function: `map(..).run()` and `try_map(..).run()` in one.
macro_rules! run_at_once {
    (<$($parameter:ident),*> $with:ty, ($($argument:ty),*) $(where $($bound:tt)+)?) => {
        impl<'a, T, M, $($parameter),*> Job<'a, T, M, $with> $(where $($bound)+)? {
            /// Runs the function over all items and waits for the outcome: `map(function).run()`.
            ///
            /// # Errors
            /// A setting that cannot be, or a worker state that could not be made. Failed items are in the outcome.
            pub fn run<R, F: Fn($($argument,)* &T) -> R>(self, function: F) -> Result<Outcome<R>, Error>
            where
                M: Mode<T, Each<F, $with>>,
            {
                self.map(function).run()
            }

            /// [`run`](Job::run) for a function that may return an error: `try_map(function).run()`.
            ///
            /// # Errors
            /// As [`run`](Job::run).
            pub fn try_run<R, E, F: Fn($($argument,)* &T) -> Result<R, E>>(self, function: F) -> Result<Outcome<R, E>, Error<E>>
            where
                M: Mode<T, TryEach<F, $with>>,
            {
                self.try_map(function).run()
            }
        }
    };
}

run_at_once!(<> Alone, ());
run_at_once!(<D> Shared<D>, (&D::Target) where D: Deref);
run_at_once!(<C, I> WorkerState<C, I>, (&mut <WorkerState<C, I> as Setup>::State) where WorkerState<C, I>: Setup);

impl<T> Settings<'_, T> {
    /// Checks what was told, and fills the rest from the config and the machine.
    pub(crate) fn check(&self, crew: Crew) -> Result<Checked, Error> {
        let config = self.config.clone().unwrap_or_else(config::current);
        let budget = Budget { computing: config.max_workers_cpu()?, waiting: config.max_workers_io()? };
        let workers = self.workers(crew, budget, &config)?;
        let failure_limit = self.on_failure.limit(self.items.len())?;
        // A guess at the item time must not hold up who asked for so many workers, or for progress; and waiting costs no
        // core's time, so what it takes says nothing about whether helpers are worth waking.
        let may_stay_here = crew == Crew::Computing && self.workers.is_none() && self.progress.is_none();
        let plan = Plan {
            n_items: self.items.len(),
            workers,
            chunks: self.chunk_rule(&config)?,
            order: self.cost.as_ref().map(|cost| longest_first(&self.items.iter().map(cost).collect::<Vec<_>>())),
            window: usize::MAX,
            halt_on_failure: failure_limit == Some(1),
            serial_below: if may_stay_here { config.serial_below_time()? } else { Duration::ZERO },
        };
        let shows_progress = config.enable_progress()?;
        Ok(Checked { plan, tolerance: Tolerance::new(failure_limit), budget, shows_progress, config })
    }

    fn workers(&self, crew: Crew, budget: Budget, config: &ParallelConfig) -> Result<NonZeroUsize, Error> {
        let asked = self.workers.as_ref().map(|workers| workers.on(usable_cores())).transpose()?;
        let stays_here =
            crew == Crew::Caller || !config.enabled()? || self.items.len() < config.serial_below_items()?;
        Ok(match crew {
            _ if stays_here => NonZeroUsize::MIN,
            Crew::Waiting => asked.unwrap_or(budget.waiting),
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

    /// The item's name, where the job can tell it.
    pub(crate) fn name(&self, index: usize) -> Option<String> {
        self.key.as_ref().map(|key| key(&self.items[index]))
    }
}

impl<T, M: fmt::Debug, W> fmt::Debug for Job<'_, T, M, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("settings", &self.settings).field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Settings<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("n_items", &self.items.len())
            .field("workers", &self.workers)
            .field("chunk_size", &self.chunk_size)
            .field("on_failure", &self.on_failure)
            .finish_non_exhaustive()
    }
}
