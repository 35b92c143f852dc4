//! [`Work`]: a job with its function. It says how results are kept, and starts the run in one of several ways.
//!
//! It checks the settings and passes a checked specification to `run/mod.rs`, which runs it. `stream` wraps the same
//! run in a thread of its own for iterators and futures. `job/mod.rs` makes a `Work`.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

#[cfg(feature = "journal")]
use serde::{Serialize, de::DeserializeOwned};

use crate::backend::contract::Dropped;
use crate::backend::mode::Mode;
use crate::backend::task::Task;
use crate::config_error::ConfigError;
#[cfg(feature = "journal")]
use crate::encoding::type_shape;
use crate::error::Error;
#[cfg(any(feature = "journal", feature = "reports"))]
use crate::failure::ErrorText;
use crate::failure::{ErrorSources, ItemFailure};
use crate::job::settings::JobSettings;
use crate::outcome::Outcome;
use crate::panics::{DropApart, Whole, drop_apart_logged, drop_caught, log_drop_panic, run_then_drop};
#[cfg(feature = "journal")]
use crate::persist::journal::Journal;
#[cfg(feature = "reports")]
use crate::persist::report::Report;
use crate::primitives::cancel::CancelToken;
#[cfg(feature = "journal")]
use crate::run::codec::ValueCodec;
#[cfg(any(feature = "journal", feature = "reports"))]
use crate::run::codec::error_text;
use crate::run::delivery::{Callback, Origin};
use crate::run::drop_panics::DropPanics;
use crate::run::end::RunReport;
use crate::run::input::Input;
use crate::run::persistence::KeepSpec;
use crate::run::spec::{DeliveryOrder, RunSpec};
use crate::run::{self, DeliveredRun, Run};
use crate::stream::{Emit, JobHandle, Results};
use crate::tally::Tally;

/// A job with its function, ready to run. [`Job::map`](crate::Job::map) and [`Job::try_map`](crate::Job::try_map)
/// return it.
///
/// | method | results |
/// |---|---|
/// | [`run`](Work::run) | all of them, in an [`Outcome`] |
/// | [`for_each`](Work::for_each), [`for_each_ordered`](Work::for_each_ordered) | one by one, to a callback in the calling thread |
/// | [`ordered`](Work::ordered), [`as_completed`](Work::as_completed) | one by one, by an iterator |
/// | [`spawn`](Work::spawn) | an [`Outcome`], by a future |
///
/// [`journal`](Work::journal) and [`report`](Work::report) say what is written to disk.
///
/// `T` is the item, `M` the mode, `K` the function with its context: [`MapFn`](crate::job::MapFn),
/// [`TryMapFn`](crate::job::TryMapFn), [`OwnedFn`](crate::job::OwnedFn) or [`TryOwnedFn`](crate::job::TryOwnedFn).
///
/// ```
/// use manyhands::Job;
/// let work = Job::new(&["a", "bc"]).workers(2).map(|text| text.len());
/// assert_eq!(work.run()?.into_result()?, [1, 2]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[must_use = "work does nothing until it is run, for example by `.run()`"]
pub struct Work<'a, T, M, K: Task<T>> {
    input: Input<'a, T>,
    settings: JobSettings<'a, T>,
    mode: M,
    task: K,
    keep: KeepSpec<'a, T, K::Output, K::Error>,
}

/// The result of one item, and whether an earlier run made it: the argument of the callback of
/// [`Work::for_each_result`].
///
/// ```
/// use manyhands::{Job, job::DeliveredResult};
/// use std::ops::ControlFlow;
///
/// let show = |delivered: DeliveredResult<u32, manyhands::Never>| {
///     assert_eq!(delivered.result.unwrap(), 10 * delivered.index as u32);
///     assert!(!delivered.is_resumed);
///     ControlFlow::Continue(())
/// };
/// Job::new(&[0, 1, 2]).map(|n| n * 10).for_each_result(show)?;
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DeliveredResult<R, E> {
    /// The item's place in the input.
    pub index: usize,
    /// The item's value, or why it has none.
    pub result: Result<R, ItemFailure<E>>,
    /// Whether an earlier run made the result and the journal stored it.
    pub is_resumed: bool,
}

impl<'a, T, M, K: Task<T>> Work<'a, T, M, K> {
    pub(crate) fn new(input: Input<'a, T>, settings: JobSettings<'a, T>, mode: M, task: K) -> Self {
        Self { input, settings, mode, task, keep: KeepSpec::default() }
    }

    /// Writes finished items to a journal, and reads the results of earlier runs from it. `None` and [`Journal::off`]
    /// write nothing. See [`Journal`].
    ///
    /// Values must be serde types, and errors need a text. Results of earlier runs are in the outcome like those of
    /// this run; [`Outcome::resumed`] lists them, and a failure that is not retried is
    /// [`Cause::Recorded`](crate::Cause::Recorded).
    ///
    /// # Errors
    /// The methods that run the work return [`Error::journal_error`] when the journal cannot be opened or read. A write
    /// that fails later does not end the run: it is tried again, and [`Outcome::warnings`] says what was missing.
    ///
    /// ```
    /// use manyhands::{Job, Journal};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let journal = || Journal::at(folder.path().join("night.sqlite")).key(|name: &&str| name.to_string()).version("1");
    /// let files = ["a.edf", "b.edf"];
    /// Job::new(&files[..1]).map(|name| name.len()).journal(journal()).run()?.into_result()?;
    ///
    /// let outcome = Job::new(&files).map(|name| name.len()).journal(journal()).run()?;
    /// assert_eq!(outcome.resumed().collect::<Vec<_>>(), [0]);
    /// assert_eq!(outcome.into_result()?, [5, 5]);
    ///
    /// let path: Option<&str> = None; // such as an option of the command line
    /// let journal = path.map(|path| Journal::at(path).key(|name: &&str| name.to_string()));
    /// assert!(Job::new(&files).map(|name| name.len()).journal(journal).run()?.is_complete());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "journal")]
    pub fn journal(mut self, journal: impl Into<Option<Journal<'a, T>>>) -> Self
    where
        K::Output: Serialize + DeserializeOwned,
        K::Error: ErrorText,
    {
        self.keep.journal = journal.into().filter(|journal| !journal.is_off()).map(|mut journal| {
            journal.settings.value_type = type_shape::<K::Output>;
            journal
        });
        self.keep.codec.values = Some(ValueCodec::new());
        self.keep.codec.error_text = Some(error_text::<K::Error>);
        self
    }

    /// Writes a report of the run into a folder: summary, metrics and failures. `None` writes nothing. See [`Report`].
    ///
    /// # Errors
    /// The methods that run the work return an error with [`Error::is_report`] when the folder cannot be used. A report
    /// that cannot be written at the end does not lose results: [`Outcome::warnings`] reports it.
    ///
    /// ```
    /// use manyhands::{Job, Report};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let outcome = Job::new(&[2.0, 3.0]).map(|x| x * x).report(Report::at(folder.path())).run()?;
    /// assert!(outcome.warnings().is_empty());
    /// let summary: serde_json::Value = serde_json::from_reader(std::fs::File::open(folder.path().join("summary.json"))?)?;
    /// assert_eq!(summary["succeeded"], 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "reports")]
    pub fn report(mut self, report: impl Into<Option<Report<'a>>>) -> Self
    where
        K::Error: ErrorText,
    {
        self.keep.report = report.into().filter(|report| !report.is_off());
        self.keep.codec.error_text = Some(error_text::<K::Error>);
        self
    }

    /// Makes failures show the causes of the function's error: `source()` of [`ItemFailure`] and [`Error`] returns
    /// them, and `{:#}`, the journal and the report show the whole chain.
    ///
    /// Rust cannot detect by itself whether an error type implements `std::error::Error`, so this method states it.
    /// Error types whose own `{:#}` shows the chain, such as that of `anyhow`, do not need it.
    ///
    /// ```
    /// use manyhands::{Job, OnFailure};
    /// use std::error::Error;
    /// use std::fmt;
    ///
    /// #[derive(Debug)]
    /// struct Decode(std::io::Error);
    /// impl fmt::Display for Decode {
    ///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    ///         f.write_str("decode")
    ///     }
    /// }
    /// impl Error for Decode {
    ///     fn source(&self) -> Option<&(dyn Error + 'static)> {
    ///         Some(&self.0)
    ///     }
    /// }
    /// let read = |_: &u32| Err::<(), _>(Decode(std::io::Error::other("disk on fire")));
    /// let outcome = Job::new(&[1]).try_map(read).error_sources().run().unwrap();
    /// let failure = &outcome.failures()[0];
    /// assert_eq!(failure.to_string(), "item 0 failed: decode");
    /// assert_eq!(format!("{failure:#}"), "item 0 failed: decode: disk on fire");
    /// assert_eq!(failure.source().unwrap().to_string(), "disk on fire");
    /// ```
    pub fn error_sources(mut self) -> Self
    where
        K::Error: std::error::Error,
    {
        self.keep.sources = ErrorSources::of_std();
        self
    }

    pub(crate) fn into_parts(self) -> (Input<'a, T>, JobSettings<'a, T>, KeepSpec<'a, T, K::Output, K::Error>) {
        (self.input, self.settings, self.keep)
    }
}

impl<'a, T, M, K> Work<'a, T, M, K>
where
    K: Task<T>,
    M: Mode<T, K>,
{
    /// Runs the work and waits for the outcome, which holds all results.
    ///
    /// Cost: without a journal, a report, a retry and `done_if`, workers write values of a slice straight into the
    /// output. Otherwise each result travels to the calling thread.
    ///
    /// # Errors
    /// An invalid setting, a worker state that could not be made, a worker process that could not be started, or a
    /// journal or report that could not be opened. Failed items are in the outcome.
    ///
    /// # Panics
    /// When a closure of the job (progress, key, cost) panics: its panic is raised here, once all workers are done.
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[1, 2, 3]).map(|n| n * 10).run()?;
    /// assert_eq!(outcome.into_result()?, [10, 20, 30]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn run(self) -> Result<Outcome<K::Output, K::Error>, Error<K::Error>> {
        let (spec, work) = self.checked()?;
        let needs_delivery = spec.retry.is_some() || work.keep.needs_delivery();
        let Self { input, settings, mode, keep, task } = work;
        let closures = (spec, keep, task, settings);
        let (outcome, dropped) = run_then_drop(closures, |(spec, keep, task, _)| {
            let run = Run { spec, keep, mode: &mode, task: &*task };
            match input {
                Input::Slice(items) if !needs_delivery => run::run_in_slots(run, items),
                input => run::run_and_collect(run, input),
            }
        });
        match outcome {
            Ok(outcome) => Ok(outcome.with_more_warnings(DropPanics::warnings_of(Dropped::Closure, dropped))),
            Err(error) => Err(without_warnings(error, &dropped)),
        }
    }

    /// Runs the work and calls `callback` with each item's index and result as it finishes, in no particular order.
    ///
    /// No results are kept: no item starts while a [`window`](crate::Job::window) of results waits for a slow callback.
    /// A break ends the run: items in hand finish (worker processes are not waited for), and no further result is
    /// delivered. The tally counts delivered results. Where a failure stops the run, results of items beyond it may be
    /// delivered before it; [`for_each_ordered`](Work::for_each_ordered) delivers exactly those of a serial run.
    ///
    /// Cost: each result travels to the calling thread. For items of a few nanoseconds that costs more than the work:
    /// use [`run`](Work::run), or batches.
    ///
    /// # Errors
    /// As [`Work::run`]. When all results were delivered, also the first of [`Outcome::warnings`]: a journal or a
    /// report that could not be written, a destructor that panicked. Failed items go to the callback.
    ///
    /// # Panics
    /// When the callback panics: its panic is raised here, once all workers are done.
    ///
    /// # Concurrency
    /// The callback runs in the calling thread, between the reports of workers, and no lock is held. A call of this
    /// crate in the callback is a top-level call, not a nested one.
    ///
    /// ```
    /// use manyhands::Job;
    /// use std::ops::ControlFlow;
    ///
    /// let mut sum = 0;
    /// let tally = Job::new(&[1, 2, 3]).map(|n| n * 10).for_each(|_index, result| {
    ///     sum += result.unwrap();
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!((sum, tally.succeeded), (60, 3));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn for_each<C>(self, mut callback: C) -> Result<Tally, Error<K::Error>>
    where
        C: FnMut(usize, Result<K::Output, ItemFailure<K::Error>>) -> ControlFlow<()>,
    {
        self.deliver(move |index, result, _| callback(index, result), DeliveryOrder::AsCompleted)
    }

    /// Runs the work and calls `callback` with each item's index and result in input order: [`Work::for_each`],
    /// ordered.
    ///
    /// No item starts that is a [`window`](crate::Job::window) or more ahead of the oldest undelivered one, so a slow
    /// item never makes results pile up without bound. A cancelled run delivers all finished results, with gaps. With
    /// [`cost`](crate::Job::cost) or [`shuffle`](crate::Job::shuffle) the order of work differs from the order of
    /// delivery, and results wait without a bound.
    ///
    /// # Errors
    /// As [`Work::for_each`].
    ///
    /// # Panics
    /// When the callback panics: its panic is raised here, once all workers are done.
    ///
    /// ```
    /// use manyhands::Job;
    /// use std::ops::ControlFlow;
    ///
    /// let mut lines = Vec::new();
    /// Job::new(&["b", "a"]).map(|name| name.to_uppercase()).for_each_ordered(|index, result| {
    ///     lines.push(format!("{index} {}", result.unwrap()));
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(lines, ["0 B", "1 A"]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn for_each_ordered<C>(self, mut callback: C) -> Result<Tally, Error<K::Error>>
    where
        C: FnMut(usize, Result<K::Output, ItemFailure<K::Error>>) -> ControlFlow<()>,
    {
        self.deliver(move |index, result, _| callback(index, result), DeliveryOrder::InOrder)
    }

    /// [`Work::for_each`] with a callback that also gets whether an earlier run made the result.
    ///
    /// # Errors
    /// As [`Work::for_each`].
    ///
    /// # Panics
    /// As [`Work::for_each`].
    ///
    /// ```
    /// use manyhands::Job;
    /// use std::ops::ControlFlow;
    ///
    /// let mut fresh = 0;
    /// Job::new(&[1, 2, 3]).map(|n| n * 10).for_each_result(|delivered| {
    ///     fresh += usize::from(!delivered.is_resumed);
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(fresh, 3);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn for_each_result<C>(self, mut callback: C) -> Result<Tally, Error<K::Error>>
    where
        C: FnMut(DeliveredResult<K::Output, K::Error>) -> ControlFlow<()>,
    {
        let callback = move |index, result, origin| {
            callback(DeliveredResult { index, result, is_resumed: origin == Origin::Earlier })
        };
        self.deliver(callback, DeliveryOrder::AsCompleted)
    }

    /// [`Work::for_each_ordered`] with a callback that also gets whether an earlier run made the result.
    ///
    /// # Errors
    /// As [`Work::for_each`].
    ///
    /// # Panics
    /// As [`Work::for_each`].
    ///
    /// ```
    /// use manyhands::Job;
    /// use std::ops::ControlFlow;
    ///
    /// let mut indices = Vec::new();
    /// Job::new(&["a", "b"]).map(|text| text.len()).for_each_result_ordered(|delivered| {
    ///     indices.push(delivered.index);
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(indices, [0, 1]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn for_each_result_ordered<C>(self, mut callback: C) -> Result<Tally, Error<K::Error>>
    where
        C: FnMut(DeliveredResult<K::Output, K::Error>) -> ControlFlow<()>,
    {
        let callback = move |index, result, origin| {
            callback(DeliveredResult { index, result, is_resumed: origin == Origin::Earlier })
        };
        self.deliver(callback, DeliveryOrder::InOrder)
    }

    /// Runs the work and delivers its results. The first warning is the error of the call, once all results are
    /// delivered.
    fn deliver<C>(self, callback: C, order: DeliveryOrder) -> Result<Tally, Error<K::Error>>
    where
        C: FnMut(usize, Result<K::Output, ItemFailure<K::Error>>, Origin) -> ControlFlow<()>,
    {
        let mut dropped_early = None;
        let (ended, mut dropped) = run_then_drop(Whole(Some(callback)), |Whole(callback)| {
            let (spec, work) = self.checked()?;
            let callback = |index, result, origin| {
                let Some(call) = callback.as_mut() else { return ControlFlow::Break(()) };
                let flow = catch_unwind(AssertUnwindSafe(|| call(index, result, origin)));
                // Dropped at its end, as the run waits for an iterator that may wait for what the callback has.
                if !matches!(flow, Ok(ControlFlow::Continue(()))) {
                    dropped_early = drop_caught(callback.take()).err();
                }
                flow.unwrap_or_else(|payload| resume_unwind(payload))
            };
            work.run_checked(spec, &mut { callback }, order)
        });
        dropped.extend(dropped_early);
        match ended {
            Ok(RunReport { tally, warnings, .. }) => {
                let mut warnings = warnings.into_iter().chain(DropPanics::warnings_of(Dropped::Closure, dropped));
                warnings.next().map_or(Ok(tally), |warning| Err(warning.widen()))
            }
            Err(error) => Err(without_warnings(error, &dropped)),
        }
    }

    /// The work with its specification. Where the settings are refused, or the cost function panics, its parts are dropped one by
    /// one.
    fn checked(mut self) -> Result<(RunSpec<'a>, Self), ConfigError> {
        match catch_unwind(AssertUnwindSafe(|| self.check())) {
            Ok(Ok(spec)) => Ok((spec, self)),
            Ok(Err(error)) => {
                drop_apart_logged(self);
                Err(error)
            }
            Err(payload) => {
                drop_apart_logged(self);
                resume_unwind(payload)
            }
        }
    }

    /// Checks the settings, moves the closures that find items into `keep`, and takes relative paths as they are now:
    /// the run may begin in another thread.
    fn check(&mut self) -> Result<RunSpec<'a>, ConfigError> {
        let spec = self.settings.check(self.mode.kind(), self.input.slice())?;
        self.keep.key = self.settings.key.take();
        self.keep.done_if = self.settings.done_if.take();
        self.keep.make_paths_absolute();
        Ok(spec)
    }

    fn run_checked(
        self,
        spec: RunSpec<'a>,
        callback: &mut Callback<'_, K::Output, K::Error>,
        order: DeliveryOrder,
    ) -> Result<RunReport, Error<K::Error>> {
        let Self { input, settings, mode, keep, task } = self;
        let closures = (spec, keep, task, settings);
        let (ended, dropped) = run_then_drop(closures, |(spec, keep, task, _)| {
            let run = Run { spec, keep, mode: &mode, task: &*task };
            run::run_and_deliver(run, input, callback, order)
        });
        match ended {
            Ok(DeliveredRun { mut report, .. }) => {
                report.warnings.extend(DropPanics::warnings_of(Dropped::Closure, dropped));
                Ok(report)
            }
            Err(error) => Err(without_warnings(error, &dropped)),
        }
    }
}

impl<T, M, K: Task<T>> DropApart for Work<'_, T, M, K> {
    fn drop_apart(self, panicked: &mut Vec<String>) {
        let Self { input, settings, mode: _, task, keep } = self;
        Whole(input).drop_apart(panicked);
        settings.drop_apart(panicked);
        task.drop_apart(panicked);
        keep.drop_apart(panicked);
    }
}

/// The error of a call whose closures have been dropped. It has no place for warnings, so those become events.
fn without_warnings<E>(error: Error<E>, dropped: &[String]) -> Error<E> {
    dropped.iter().for_each(|message| log_drop_panic(message));
    error
}

/// Results for a consumer that asks for them. The work runs in threads of its own meanwhile, so it must own all that it
/// uses: take the items with [`Job::over`](crate::Job::over), and write `move` before a closure that captures.
impl<T, M, K> Work<'static, T, M, K>
where
    T: Send + Sync + 'static,
    K: Task<T> + Send + 'static,
    K::Output: Send + 'static,
    K::Error: Send + 'static,
    M: Mode<T, K> + Send + 'static,
{
    /// Starts the work and returns an iterator over its results in input order.
    ///
    /// At most a [`window`](crate::Job::window) of results waits for the consumer, and the work is at most a window
    /// ahead of those. Dropping the iterator cancels the work and waits for the items in hand, not for an input that
    /// blocks: see [`Job::over`](crate::Job::over).
    ///
    /// A cancellation ends the iterator early and without an error: where all results count, look at
    /// [`Results::tally`](crate::stream::Results::tally) at the end.
    ///
    /// # Errors
    /// An invalid setting. A later error is the iterator's last item.
    ///
    /// ```
    /// use manyhands::Job;
    ///
    /// let mut firsts = Vec::new();
    /// for result in Job::over(0_u64..).window(8).map(|n| n * n).ordered()?.take(4) {
    ///     let (index, square) = result?;
    ///     firsts.push((index, square.unwrap()));
    /// }
    /// assert_eq!(firsts, [(0, 0), (1, 1), (2, 4), (3, 9)]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn ordered(self) -> Result<Results<K::Output, K::Error>, Error<K::Error>> {
        self.results(DeliveryOrder::InOrder)
    }

    /// Starts the work and returns an iterator over its results as they finish, in no particular order. Otherwise as
    /// [`ordered`](Work::ordered).
    ///
    /// # Errors
    /// As [`ordered`](Work::ordered).
    ///
    /// ```
    /// use manyhands::Job;
    ///
    /// let results = Job::over(vec!["a", "bcd"]).map(|text| text.len()).as_completed()?;
    /// let mut lengths: Vec<usize> = results.map(|result| result.unwrap().1.unwrap()).collect();
    /// lengths.sort();
    /// assert_eq!(lengths, [1, 3]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn as_completed(self) -> Result<Results<K::Output, K::Error>, Error<K::Error>> {
        self.results(DeliveryOrder::AsCompleted)
    }

    /// Starts the work and returns a future of its outcome, for any executor.
    ///
    /// [`JobHandle::results`] returns the results one by one instead, in input order: those before a failure that stops the run
    /// are the results of a serial run. The work runs on its own threads or processes, never on the executor's.
    ///
    /// # Errors
    /// As [`ordered`](Work::ordered). A later error is the output of the future.
    ///
    /// ```
    /// use manyhands::Job;
    ///
    /// let handle = Job::over(1_u32..=3).map(|n| n * n).spawn()?;
    /// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// assert_eq!(runtime.block_on(handle)?.into_result()?, [1, 4, 9]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn spawn(self) -> Result<JobHandle<K::Output, K::Error>, Error<K::Error>> {
        let (window, cancel, body) = self.into_body(DeliveryOrder::InOrder)?;
        Ok(JobHandle::start(window, cancel, body))
    }

    fn results(self, order: DeliveryOrder) -> Result<Results<K::Output, K::Error>, Error<K::Error>> {
        let (window, cancel, body) = self.into_body(order)?;
        Ok(Results::start(window, cancel, body))
    }

    /// Checks the settings before anything starts. Returns the window, a token that cancels this run and no other, and
    /// the run's body.
    #[expect(clippy::type_complexity, reason = "three values for its two callers")]
    fn into_body(
        mut self,
        order: DeliveryOrder,
    ) -> Result<
        (
            NonZeroUsize,
            CancelToken,
            impl FnOnce(&mut Emit<'_, K::Output, K::Error>) -> Result<RunReport, Error<K::Error>> + Send + 'static,
        ),
        Error<K::Error>,
    > {
        self.settings.cancel = self.settings.cancel.child();
        let (spec, work) = self.checked()?;
        let window = NonZeroUsize::new(spec.window).unwrap_or(NonZeroUsize::MIN);
        let cancel = spec.cancel.clone();
        let body = move |emit: &mut Emit<'_, K::Output, K::Error>| {
            let _reader = work.input.start_own_reader();
            work.run_checked(spec, &mut |index, result, _| emit(index, result), order)
        };
        Ok((window, cancel, body))
    }
}

impl<T, M: fmt::Debug, K: Task<T>> fmt::Debug for Work<'_, T, M, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("input", &self.input)
            .field("settings", &self.settings)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
