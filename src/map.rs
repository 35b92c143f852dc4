//! The way of a call, from its items to its outcome: check, plan, run, gather, outcome. No loop over items.

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::collect::{Callback, Gatherer, Stream};
use crate::error::Error;
use crate::job::{Job, Settings};
use crate::mode::Mode;
use crate::outcome::{ItemFailure, Outcome, Tally};
use crate::pool::{Brief, Output};
use crate::slots::Slots;
use crate::task::{Each, Task, TryEach};

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
    M: Mode<T, Each<F>>,
{
    Job::new(items).mode(mode).run(function)?.into_values()
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
    M: Mode<T, TryEach<F>>,
{
    Job::new(items).mode(mode).try_run(function)?.into_values()
}

/// A job that knows its function, and can be run in several ways.
#[must_use = "work does nothing until it is run"]
pub struct Work<'a, T, M, K> {
    pub(crate) settings: Settings<'a, T>,
    pub(crate) mode: M,
    pub(crate) task: K,
}

impl<T, M, K> Work<'_, T, M, K>
where
    K: Task<T>,
    M: Mode<T, K>,
{
    /// Runs the work and waits for the outcome.
    ///
    /// # Errors
    /// A setting that cannot be, a worker state that could not be made, or no worker process that could be had. Failed items are
    /// in the outcome.
    ///
    /// # Panics
    /// When a callback of the job (progress, key, cost) panics: its panic goes on here, once all workers are done.
    pub fn run(mut self) -> Result<Outcome<K::Output, K::Error>, Error<K::Error>> {
        let () = M::ACCEPTS;
        let checked = self.settings.check(self.mode.crew()).map_err(Error::widen)?;
        let progress = self.settings.progress.take().filter(|_| checked.shows_progress);
        let mut slots = Slots::new(checked.plan.n_items).map_err(Error::widen)?;
        let mut gatherer = Gatherer::new(&checked.plan, &self.settings.cancel, checked.tolerance, progress);
        let brief = Brief {
            items: self.settings.items,
            task: &self.task,
            plan: &checked.plan,
            cancel: &self.settings.cancel,
            budget: checked.budget,
            config: &checked.config,
        };
        let finished = self.mode.drive(&brief, Output::Slots(slots.unwritten()), &mut |chunk| gatherer.take(chunk));
        // SAFETY: these are the slots that the backend was given, and when it returns, nothing that it started is alive.
        unsafe { gatherer.finish(finished, slots, |index| self.settings.name(index)) }
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
    /// As [`Work::run`]. Failed items go to the callback.
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
        self.stream(&mut callback, false)
    }

    /// [`Work::for_each`] in input order.
    ///
    /// No item is started that lies a [`window`](Job::window) or more ahead of the oldest one not yet handed on, so a slow
    /// item never makes answers pile up without bound. A run that is cancelled hands on all that is done, with gaps. (With a [`cost`](Job::cost) hint the order of work differs from the
    /// order of delivery, and answers wait as long as they must.)
    ///
    /// # Errors
    /// As [`Work::run`]. Failed items go to the callback.
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
        self.stream(&mut callback, true)
    }

    fn stream(
        mut self,
        callback: &mut Callback<'_, K::Output, K::Error>,
        ordered: bool,
    ) -> Result<Tally, Error<K::Error>> {
        let () = M::ACCEPTS;
        let mut checked = self.settings.check(self.mode.crew()).map_err(Error::widen)?;
        let window = self.settings.stream_window(checked.plan.workers).map_err(Error::widen)?;
        let delivery_follows_work = !ordered || checked.plan.order.is_none();
        if delivery_follows_work {
            checked.plan.window = window;
        }
        // Whoever wants answers as they come wants a caller that is free to hand them on.
        checked.plan.serial_below = Duration::ZERO;
        let progress = self.settings.progress.take().filter(|_| checked.shows_progress);
        let name = |index| self.settings.name(index);
        let mut stream = Stream::new(&checked.plan, &name, callback, ordered);
        let mut gatherer = Gatherer::new(&checked.plan, &self.settings.cancel, checked.tolerance, progress);
        let brief = Brief {
            items: self.settings.items,
            task: &self.task,
            plan: &checked.plan,
            cancel: &self.settings.cancel,
            budget: checked.budget,
            config: &checked.config,
        };
        let finished = self.mode.drive(&brief, Output::Carried, &mut |chunk| gatherer.deliver(chunk, &mut stream));
        gatherer.finish_stream(finished, &mut stream)
    }
}

impl<T, M: fmt::Debug, K> fmt::Debug for Work<'_, T, M, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("settings", &self.settings).field("mode", &self.mode).finish_non_exhaustive()
    }
}
