//! The way of a call, from its items to its outcome: check, plan, run, gather, outcome. No loop over items.

pub(crate) mod delivery;
pub(crate) mod gatherer;
pub(crate) mod input;
pub(crate) mod observer;
pub(crate) mod persistence;
pub(crate) mod slots;

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::panic::resume_unwind;

use crate::backend::items::Items;
use crate::backend::mode::Mode;
use crate::backend::task::{MapFn, Task, TryMapFn};
use crate::backend::{BackendStats, Output, RunContext};
use crate::error::Error;
use crate::job::{Job, Settings};
use crate::outcome::{ItemFailure, Outcome, Past, Tally, Values};
use crate::persist::codec::{Forget, Keeps};
use crate::primitives::cancel::CancelToken;
use crate::run::delivery::{Callback, Delivery, PositionMap as _};
use crate::run::gatherer::{Completed, Gatherer};
use crate::run::input::{Input, InputReader, LentBuffer, Listed, Listing, Over, Source};
use crate::run::observer::Observer;
use crate::run::persistence::{Pending, Persistence, RunReport};
use crate::run::slots::Slots;
use crate::stream::{Answers, JobHandle};

/// Calls a function for each item, in the given mode, and gives all answers in input order.
///
/// What the mode asks of the function is the mode's affair: see [`Serial`](crate::Serial), [`Threads`](crate::Threads) and,
/// for a process per worker, `Processes`. For settings, see [`Job`].
///
/// Cost: answers are written where they end up; per item an atomic load and, for tiny items, no clock.
///
/// # Errors
/// The panic with the lowest index, when the function panicked; items before it are finished first. Or a configuration
/// that cannot be.
///
/// ```
/// use manyhands::{Serial, Threads, parallel_map};
///
/// let cubes = parallel_map(Threads, &[1, 2, 3], |n| n * n * n)?;
/// assert_eq!(cubes, [1, 8, 27]);
/// assert!(parallel_map(Serial, &[] as &[i32], |n| n + 1)?.is_empty());
///
/// let error = parallel_map(Threads, &[1, 0, 2], |n| 6 / n).unwrap_err();
/// assert_eq!(error.to_string(), "item 1 panicked: attempt to divide by zero");
/// # Ok::<(), manyhands::Error>(())
/// ```
pub fn parallel_map<T, R, F, M>(mode: M, items: &[T], function: F) -> Result<Vec<R>, Error>
where
    F: Fn(&T) -> R,
    M: Mode<T, MapFn<F>>,
{
    Job::new(items).mode(mode).run(function)?.into_result()
}

/// [`parallel_map`] for a function that may return an error.
///
/// # Errors
/// The failure with the lowest index: the function's own error, or its panic. Or a configuration that cannot be.
///
/// ```
/// use manyhands::{Cause, Threads, try_parallel_map};
///
/// let error = try_parallel_map(Threads, &["1", "b", "c"], |text| text.parse::<i32>()).unwrap_err();
/// let failure = error.into_failure().unwrap();
/// assert_eq!(failure.index, 1);
/// assert!(matches!(failure.cause, Cause::Error(_)));
/// ```
pub fn try_parallel_map<T, R, E, F, M>(mode: M, items: &[T], function: F) -> Result<Vec<R>, Error<E>>
where
    F: Fn(&T) -> Result<R, E>,
    M: Mode<T, TryMapFn<F>>,
{
    Job::new(items).mode(mode).try_run(function)?.into_result()
}

/// A job that knows its function, and can be run in several ways.
#[must_use = "work does nothing until it is run"]
pub struct Work<'a, T, M, K, J = Forget, S = Listed<'a, T>> {
    pub(crate) source: S,
    pub(crate) settings: Settings<'a, T>,
    pub(crate) mode: M,
    pub(crate) task: K,
    pub(crate) keeps: PhantomData<fn() -> J>,
}

/// How a run went whose answers were handed on.
struct Ran {
    ended: RunReport,
    /// The indices that a serial run would not have run, though some of them may have been; in order, for who keeps all.
    beyond: Vec<usize>,
}

/// How answers are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HandOn {
    AsCompleted,
    InOrder,
    /// To who keeps them all.
    All,
}

impl<'a, T, M, K, J, S> Work<'a, T, M, K, J, S>
where
    K: Task<T>,
    M: Mode<T, K>,
    J: Keeps<K::Output, K::Error>,
    S: Source<T>,
{
    /// Runs the work and waits for the outcome.
    ///
    /// # Errors
    /// A setting that cannot be, a worker state that could not be made, or no worker process that could be had. Failed items are
    /// in the outcome.
    ///
    /// # Panics
    /// When a callback of the job (progress, key, cost) panics: its panic goes on here, once all workers are done.
    pub fn run(self) -> Result<Outcome<K::Output, K::Error>, Error<K::Error>> {
        let () = M::ACCEPTS;
        let is_listed = self.source.n_items().is_some();
        if is_listed && !J::KEEPS && !self.settings.needs_answers() { self.run_in_slots() } else { self.run_and_keep() }
    }

    /// The usual run: workers write values where they end up.
    fn run_in_slots(mut self) -> Result<Outcome<K::Output, K::Error>, Error<K::Error>> {
        let Input::Slice(items) = self.source.open() else { unreachable!("a source that knows its number has a list") };
        let mut checked = self.settings.check(self.mode.crew(), Some(items)).map_err(Error::widen)?;
        checked.bound_memory(self.settings.memory_budget());
        let progress = self.settings.progress.take().filter(|_| checked.shows_progress);
        let mut slots = Slots::new(checked.plan.n_items).map_err(Error::widen)?;
        let listing = Listing { items, plan: &checked.plan, is_ascending: false, key: self.settings.key.as_deref() };
        let observer =
            Observer::start(progress, Some(items.len()), &Past::default(), || listing.names()).map_err(Error::widen)?;
        let watch = observer.watch();
        let mut gatherer = Gatherer::new(&checked.plan, &self.settings.cancel, checked.tolerance, observer, &listing);
        let context = RunContext {
            items: Items::Slice(items),
            task: &self.task,
            plan: &checked.plan,
            cancel: &self.settings.cancel,
            budget: checked.budget,
            config: &checked.config,
            watch: watch.as_deref(),
        };
        let finished = self.mode.drive(&context, Output::Slots(slots.unwritten()), &mut |chunk| gatherer.take(chunk));
        // SAFETY: these are the slots that the backend was given, and when it returns, nothing that it started is alive.
        unsafe { gatherer.finish(finished, slots) }
    }

    /// A run whose answers come to the calling thread, to be looked at on their way to the outcome.
    fn run_and_keep(self) -> Result<Outcome<K::Output, K::Error>, Error<K::Error>> {
        let (mut values, mut failures) = (Vec::new(), Vec::new());
        let mut keep = |index: usize, answer| {
            if values.len() <= index {
                values.resize_with(index + 1, || None);
            }
            match answer {
                Ok(value) => values[index] = Some(value),
                Err(failure) => failures.push(failure),
            }
            ControlFlow::Continue(())
        };
        let Ran { ended, beyond } = self.drive(&mut keep, HandOn::All)?;
        values.resize_with(ended.tally.items, || None);
        failures.sort_unstable_by_key(|failure: &ItemFailure<_>| failure.index);
        for &index in &beyond {
            values[index] = None;
        }
        failures.retain(|failure| beyond.binary_search(&failure.index).is_err());
        let succeeded = values.iter().filter(|value| value.is_some()).count();
        let failed = failures.len();
        let cancelled = ended.tally.items - succeeded - failed - ended.tally.done_before;
        let tally = Tally { succeeded, failed, cancelled, ..ended.tally };
        let values = if succeeded == values.len() {
            Values::All(values.into_iter().flatten().collect())
        } else {
            Values::Some(values)
        };
        Ok(Outcome::new(values, failures, tally).with_past(ended.past).with_warnings(ended.warnings))
    }

    /// Runs the work and calls `callback` with each item's index and answer as it is finished, in no certain order.
    /// Keeps no answers: no item is started while a [`window`](Job::window) of answers waits for a slow callback. A break
    /// ends the run: items in hand finish (worker processes are not waited for), and no further answer is handed on. The tally
    /// counts what was handed on.
    ///
    /// As answers come in no certain order, some from beyond the failure that stops a run may come before it; with
    /// [`for_each_ordered`](Work::for_each_ordered) they are those of a serial run.
    ///
    /// Cost: answers travel to the calling thread. For items of some nanoseconds that costs more than the work: use
    /// [`run`](Work::run), or batches. A call made in the callback counts as one from outside.
    ///
    /// # Errors
    /// As [`Work::run`], and, when all answers are handed on, what that has in [`Outcome::warnings`]: a journal or a report that
    /// could not be written. Failed items go to the callback.
    ///
    /// # Panics
    /// When the callback panics: its panic goes on here, once all workers are done.
    ///
    /// ```
    /// use manyhands::Job;
    /// use std::ops::ControlFlow;
    ///
    /// let mut sum = 0;
    /// let tally = Job::new(&[1, 2, 3]).map(|n| n * 10).for_each(|_index, answer| {
    ///     sum += answer.unwrap();
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!((sum, tally.succeeded), (60, 3));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn for_each<C>(self, mut callback: C) -> Result<Tally, Error<K::Error>>
    where
        C: FnMut(usize, Result<K::Output, ItemFailure<K::Error>>) -> ControlFlow<()>,
    {
        self.hand_on(&mut callback, HandOn::AsCompleted)
    }

    /// [`Work::for_each`] in input order.
    ///
    /// No item is started that lies a [`window`](Job::window) or more ahead of the oldest one not yet handed on, so a slow
    /// item never makes answers pile up without bound. A run that is cancelled hands on all that is done, with gaps. (With a [`cost`](Job::cost) hint the order of work differs from the
    /// order of delivery, and answers wait as long as they must.)
    ///
    /// # Errors
    /// As [`Work::for_each`].
    ///
    /// # Panics
    /// When the callback panics: its panic goes on here, once all workers are done.
    ///
    /// ```
    /// use manyhands::Job;
    /// use std::ops::ControlFlow;
    ///
    /// let mut lines = Vec::new();
    /// Job::new(&["b", "a"]).map(|name| name.to_uppercase()).for_each_ordered(|index, answer| {
    ///     lines.push(format!("{index} {}", answer.unwrap()));
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(lines, ["0 B", "1 A"]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn for_each_ordered<C>(self, mut callback: C) -> Result<Tally, Error<K::Error>>
    where
        C: FnMut(usize, Result<K::Output, ItemFailure<K::Error>>) -> ControlFlow<()>,
    {
        self.hand_on(&mut callback, HandOn::InOrder)
    }

    /// Hands answers on; what went wrong beside the items is the call's error once they are.
    fn hand_on(self, callback: &mut Callback<'_, K::Output, K::Error>, how: HandOn) -> Result<Tally, Error<K::Error>> {
        let mut ended = self.drive(callback, how)?.ended;
        if ended.warnings.is_empty() { Ok(ended.tally) } else { Err(ended.warnings.swap_remove(0).widen()) }
    }

    /// Hands answers on to another thread.
    fn hand_over(
        self,
        hand: &mut Callback<'_, K::Output, K::Error>,
        how: HandOn,
    ) -> Result<RunReport, Error<K::Error>> {
        Ok(self.drive(hand, how)?.ended)
    }

    fn drive(mut self, callback: &mut Callback<'_, K::Output, K::Error>, how: HandOn) -> Result<Ran, Error<K::Error>> {
        let () = M::ACCEPTS;
        let Self { source, settings, mode, task, .. } = &mut self;
        match source.open() {
            Input::Slice(items) => drive_list::<T, M, K, J>(settings, mode, task, items, callback, how),
            Input::Stream(iterator, shelf) => {
                drive_coming::<T, M, K, J>(settings, mode, task, (iterator, shelf.stock()), callback, how)
            }
        }
    }
}

/// Answers of items that come, for who asks for them: the work goes on in threads of its own meanwhile, so it must own what it
/// uses.
impl<T, M, K, J, I> Work<'static, T, M, K, J, Over<I>>
where
    T: Send + Sync + 'static,
    I: Iterator<Item = T> + Send + 'static,
    K: Task<T> + Send + 'static,
    K::Output: Send + 'static,
    K::Error: Send + 'static,
    M: Mode<T, K> + Send + 'static,
    J: Keeps<K::Output, K::Error> + 'static,
{
    /// Starts the work, and gives its answers in input order as they are asked for.
    ///
    /// At most a [`window`](Job::window) of answers is ready and not taken, and the work is a window ahead of those. Dropping
    /// the iterator ends the work, as a cancellation does.
    ///
    /// # Errors
    /// A setting that cannot be. What goes wrong later is the iterator's last item.
    ///
    /// ```
    /// use manyhands::Job;
    ///
    /// let mut firsts = Vec::new();
    /// for answer in Job::over(0_u64..).window(8).map(|n| n * n).ordered()?.take(4) {
    ///     let (index, square) = answer?;
    ///     firsts.push((index, square.unwrap()));
    /// }
    /// assert_eq!(firsts, [(0, 0), (1, 1), (2, 4), (3, 9)]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn ordered(self) -> Result<Answers<K::Output, K::Error>, Error<K::Error>> {
        self.answers(HandOn::InOrder)
    }

    /// Starts the work, and gives its answers as they are finished, in no certain order; else as [`ordered`](Work::ordered).
    ///
    /// # Errors
    /// As [`ordered`](Work::ordered).
    ///
    /// ```
    /// use manyhands::Job;
    ///
    /// let answers = Job::over(vec!["a", "bcd"]).map(|text| text.len()).as_completed()?;
    /// let mut lengths: Vec<usize> = answers.map(|answer| answer.unwrap().1.unwrap()).collect();
    /// lengths.sort();
    /// assert_eq!(lengths, [1, 3]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn as_completed(self) -> Result<Answers<K::Output, K::Error>, Error<K::Error>> {
        self.answers(HandOn::AsCompleted)
    }

    /// Starts the work, and gives a future of its outcome, for any executor; answers one by one are to be had from
    /// [`JobHandle::answers`], in input order: what comes before a failure that stops the run is then what a serial run gives.
    /// The work stays on its own threads or processes.
    ///
    /// # Errors
    /// As [`ordered`](Work::ordered). What goes wrong later is the future's error.
    ///
    /// ```
    /// use manyhands::Job;
    ///
    /// let running = Job::over(1_u32..=3).map(|n| n * n).run_async()?;
    /// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// assert_eq!(runtime.block_on(running)?.into_values()?, [1, 4, 9]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn spawn(mut self) -> Result<JobHandle<K::Output, K::Error>, Error<K::Error>> {
        let (window, cancel) = self.prepare()?;
        Ok(JobHandle::start(window, cancel, move |hand| self.hand_over(hand, HandOn::InOrder)))
    }

    fn answers(mut self, how: HandOn) -> Result<Answers<K::Output, K::Error>, Error<K::Error>> {
        let (window, cancel) = self.prepare()?;
        Ok(Answers::start(window, cancel, move |hand| self.hand_over(hand, how)))
    }

    /// Refuses what cannot be before anything is started; gives the window, and a token that ends this run alone.
    fn prepare(&mut self) -> Result<(NonZeroUsize, CancelToken), Error<K::Error>> {
        let () = M::ACCEPTS;
        let checked = self.settings.check(self.mode.crew(), None).map_err(Error::widen)?;
        let window = self.settings.stream_window(checked.plan.workers).map_err(Error::widen)?;
        self.settings.cancel = self.settings.cancel.child();
        Ok((NonZeroUsize::new(window).unwrap_or(NonZeroUsize::MIN), self.settings.cancel.clone()))
    }
}

/// Runs a list whose answers are handed on.
fn drive_list<T, M, K, J>(
    settings: &mut Settings<'_, T>,
    mode: &M,
    task: &K,
    items: &[T],
    callback: &mut Callback<'_, K::Output, K::Error>,
    how: HandOn,
) -> Result<Ran, Error<K::Error>>
where
    K: Task<T>,
    M: Mode<T, K>,
    J: Keeps<K::Output, K::Error>,
{
    let mut checked = settings.check(mode.crew(), Some(items)).map_err(Error::widen)?;
    let window = settings.stream_window(checked.plan.workers).map_err(Error::widen)?;
    let (memory_budget, cancel, retry) = (settings.memory_budget(), settings.cancel.clone(), settings.retry.clone());
    let progress = settings.progress.take().filter(|_| checked.shows_progress);
    let long_run = Persistence::open(settings, J::codec(), mode.crew()).map_err(Error::widen)?;
    let Pending { todo, resumed } = long_run.divide(items).map_err(Error::widen)?;
    checked.leave(todo, items.len());
    checked.bound_memory(memory_budget);
    let is_ascending = checked.is_ascending();
    if how == HandOn::AsCompleted || how == HandOn::InOrder && is_ascending {
        checked.plan.window = window;
    }
    checked.plan.carry(long_run.is_kept(), if is_ascending { long_run.n_serial_sample() } else { 0 });
    let position_map = Listing { items, plan: &checked.plan, is_ascending, key: long_run.key() };
    let mut delivery = Delivery::new(&position_map, long_run.sink(), callback, how == HandOn::InOrder);
    let observer = Observer::start(progress, Some(items.len()), &long_run.past(), || position_map.names())
        .map_err(Error::widen)?;
    let watch = observer.watch();
    let mut gatherer =
        Gatherer::new(&checked.plan, &cancel, checked.tolerance, observer, &position_map).retrying(retry.as_ref());
    gatherer.resume(resumed, &mut delivery);
    let context = RunContext {
        items: Items::Slice(items),
        task,
        plan: &checked.plan,
        cancel: &cancel,
        budget: checked.budget,
        config: &checked.config,
        watch: watch.as_deref(),
    };
    let finished = if gatherer.has_stopped() {
        Ok(BackendStats::default()) // the callback wanted nothing beyond what is older than the run
    } else {
        mode.drive(&context, Output::InReports, &mut |chunk| gatherer.deliver(chunk, &mut delivery, None))
    };
    let (end, panic) = gatherer.finish_delivery(finished, &mut delivery, items.len());
    let fence = end.as_ref().map_or(0, |end| end.fence);
    let beyond = (fence..checked.plan.n_items).map(|position| checked.plan.index_of(position));
    let mut beyond: Vec<usize> = if how == HandOn::All { beyond.collect() } else { Vec::new() };
    beyond.sort_unstable();
    let ended = long_run.finish(end, panic.is_some());
    if let Some(payload) = panic {
        resume_unwind(payload);
    }
    Ok(Ran { ended: ended?, beyond })
}

/// Runs items that come, whose answers are handed on.
fn drive_coming<T, M, K, J>(
    settings: &mut Settings<'_, T>,
    mode: &M,
    task: &K,
    (iterator, stock): (&mut dyn Iterator<Item = T>, LentBuffer<'_, T>),
    callback: &mut Callback<'_, K::Output, K::Error>,
    how: HandOn,
) -> Result<Ran, Error<K::Error>>
where
    K: Task<T>,
    M: Mode<T, K>,
    J: Keeps<K::Output, K::Error>,
{
    let mut checked = settings.check(mode.crew(), None).map_err(Error::widen)?;
    let window = settings.stream_window(checked.plan.workers).map_err(Error::widen)?;
    let (cancel, retry) = (settings.cancel.clone(), settings.retry.clone());
    let progress = settings.progress.take().filter(|_| checked.shows_progress);
    let long_run = Persistence::open(settings, J::codec(), mode.crew()).map_err(Error::widen)?;
    checked.plan.window = window;
    checked.plan.carry(long_run.is_kept(), long_run.n_serial_sample());
    let feed = InputReader::new(iterator, stock, long_run.key(), window);
    let mut delivery = Delivery::new(&feed, long_run.sink(), callback, how == HandOn::InOrder);
    let observer = Observer::start(progress, None, &Past::default(), || None).map_err(Error::widen)?;
    let watch = observer.watch();
    feed.shown_to(watch.as_ref());
    let mut gatherer =
        Gatherer::new(&checked.plan, &cancel, checked.tolerance, observer, &feed).retrying(retry.as_ref());
    let context = RunContext {
        items: Items::Stream(feed.lend()),
        task,
        plan: &checked.plan,
        cancel: &cancel,
        budget: checked.budget,
        config: &checked.config,
        watch: watch.as_deref(),
    };
    let mut grow = |delivery: &mut Delivery<'_, _, _>, finished: Completed| {
        feed.grow(delivery, finished, |index, item, delivery| long_run.arrive(index, item, delivery))
    };
    let finished =
        mode.drive(&context, Output::InReports, &mut |chunk| gatherer.deliver(chunk, &mut delivery, Some(&mut grow)));
    let (end, panic) = gatherer.finish_delivery(finished, &mut delivery, feed.taken_in());
    let fence = end.as_ref().map_or(0, |end| end.fence);
    let beyond = (fence..feed.placed()).map(|position| feed.index_of(position));
    let beyond = if how == HandOn::All { beyond.collect() } else { Vec::new() };
    let ended = long_run.finish(end, panic.is_some());
    if let Some(payload) = panic {
        resume_unwind(payload);
    }
    Ok(Ran { ended: ended?, beyond })
}

impl<T, M: fmt::Debug, K, J, S> fmt::Debug for Work<'_, T, M, K, J, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("settings", &self.settings).field("mode", &self.mode).finish_non_exhaustive()
    }
}
