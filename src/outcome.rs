//! What a run gives back: values in input order, failures by name, and what it cost. Plain data; knows no backend.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::record::{FailureKind, RecordedFailure};

/// Why an item has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Cause<E> {
    /// The function returned this error.
    Error(E),
    /// The function panicked with this message.
    Panic(String),
    /// The process that worked on the item died.
    Lost(LostWorker),
    /// The item took longer than this limit.
    TimeLimit(Duration),
    /// The item's worker wanted more memory than this, in bytes.
    MemoryLimit(u64),
    /// The item or its answer could not travel between processes: says which of the two, whether it could not be encoded or
    /// decoded, and what kind of refusal of its type's serde code that was.
    Encoding(String),
    /// An earlier run recorded this failure, and the item was not tried again: see [`Journal`](crate::Journal).
    Recorded(RecordedFailure),
    /// The item was done before this run, which has no value of it: see [`Job::done_if`](crate::Job::done_if).
    DoneBefore,
    /// The item was never finished: the run was cancelled, or stopped after another item's failure.
    Cancelled,
}

impl<E> Cause<E> {
    /// What happened, for who has no words for the function's own errors.
    pub(crate) fn story(&self) -> String {
        match self {
            Self::Error(_) => "the function returned an error".to_owned(),
            Self::Panic(message) | Self::Encoding(message) => message.clone(),
            Self::Lost(worker) => worker.to_string(),
            Self::TimeLimit(limit) => format!("took longer than its time limit of {limit:?}"),
            Self::MemoryLimit(limit) => format!("wanted more memory than the limit of {limit} bytes"),
            Self::Recorded(recorded) => recorded.message.clone(),
            Self::DoneBefore => "was done before this run".to_owned(),
            Self::Cancelled => "was not finished: the run ended before".to_owned(),
        }
    }

    /// What kind of failure it is; that of a recorded one is the kind that was recorded.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Error(_) => FailureKind::Error,
            Self::Panic(_) => FailureKind::Panic,
            Self::Lost(_) => FailureKind::Lost,
            Self::TimeLimit(_) => FailureKind::TimeLimit,
            Self::MemoryLimit(_) => FailureKind::MemoryLimit,
            Self::Encoding(_) => FailureKind::Encoding,
            Self::Recorded(recorded) => recorded.kind,
            Self::DoneBefore | Self::Cancelled => FailureKind::Cancelled,
        }
    }
}

/// How a worker process died.
///
/// ```
/// use manyhands::{Cause, ItemFailure};
///
/// fn story(failure: &ItemFailure<String>) -> String {
///     match &failure.cause {
///         Cause::Lost(worker) => format!("its worker was {}; the last that it said: {}", worker.ending, worker.last_lines),
///         other => format!("{other:?}"),
///     }
/// }
/// # let _ = story;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LostWorker {
    /// How it ended.
    pub ending: WorkerExit,
    /// The last lines that it printed in the call, on either stream, up to 2 KiB.
    pub last_lines: String,
}

/// How a worker process ended.
///
/// ```
/// let ending: manyhands::WorkerEnding = serde_json::from_str(r#"{"Signal": 9}"#).unwrap();
/// assert_eq!(ending.to_string(), "killed by SIGKILL (signal 9)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum WorkerExit {
    /// A signal of this number killed it.
    Signal(i32),
    /// It exited with this code.
    Exit(i32),
    /// Something else in this program asked for its ending first, so that it is not known.
    Unknown,
    /// No worker could be started to begin with.
    NeverStarted,
}

impl fmt::Display for WorkerExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(number) => write!(f, "killed by {}", SignalName(*number)),
            Self::Exit(code) => write!(f, "exited with code {code}"),
            Self::Unknown => f.write_str("ended, nobody knows how"),
            Self::NeverStarted => f.write_str("could not be started"),
        }
    }
}

/// The names that everybody knows; numbers are those of Linux on its usual machines.
struct SignalName(i32);

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            1 => "SIGHUP",
            2 => "SIGINT",
            3 => "SIGQUIT",
            4 => "SIGILL",
            6 => "SIGABRT",
            7 => "SIGBUS",
            8 => "SIGFPE",
            9 => "SIGKILL",
            11 => "SIGSEGV",
            13 => "SIGPIPE",
            14 => "SIGALRM",
            15 => "SIGTERM",
            24 => "SIGXCPU",
            31 => "SIGSYS",
            number => return write!(f, "signal {number}"),
        };
        write!(f, "{name} (signal {})", self.0)
    }
}

impl fmt::Display for LostWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ending.fmt(f)?;
        match self.last_lines.trim_end() {
            "" => Ok(()),
            lines => write!(f, "; it last printed: {lines}"),
        }
    }
}

/// One item that has no value, and why.
///
/// ```
/// use manyhands::{Job, OnFailure};
///
/// let outcome = Job::new(&["a.edf", "b.edf"])
///     .key(|name| name.to_string())
///     .on_failure(OnFailure::Continue)
///     .try_run(|name| if *name == "b.edf" { Err("no samples") } else { Ok(name.len()) })?;
/// let failure = &outcome.failures()[0];
/// assert_eq!((failure.index, failure.key.as_deref()), (1, Some("b.edf")));
/// assert_eq!(failure.to_string(), r#"item 1 ("b.edf") failed: no samples"#);
/// # Ok::<(), manyhands::Error<&'static str>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ItemFailure<E> {
    /// The item's place in the input.
    pub index: usize,
    /// The item's name, where the job was given a way to tell it ([`Job::key`](crate::Job::key)) and the item was tried.
    pub key: Option<String>,
    /// How often the item was tried; 0 when it was never started.
    pub attempts: u32,
    /// How long the last attempt took. In chunks of many quick items: the mean of the chunk.
    pub elapsed: Duration,
    /// What went wrong.
    pub cause: Cause<E>,
}

impl<E> ItemFailure<E> {
    pub(crate) fn cancelled(index: usize) -> Self {
        Self { index, key: None, attempts: 0, elapsed: Duration::ZERO, cause: Cause::Cancelled }
    }

    pub(crate) fn done_before(index: usize) -> Self {
        Self { cause: Cause::DoneBefore, ..Self::cancelled(index) }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.cause.kind()
    }

    /// True when the function panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.cause, Cause::Panic(_))
    }

    /// True when the process that worked on the item died.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.cause, Cause::Lost(_))
    }

    /// True when the item took longer than its time limit.
    #[must_use]
    pub fn is_time_limit(&self) -> bool {
        matches!(self.cause, Cause::TimeLimit(_))
    }

    /// True when the item's worker wanted more memory than its limit.
    #[must_use]
    pub fn is_memory_limit(&self) -> bool {
        matches!(self.cause, Cause::MemoryLimit(_))
    }

    /// True when the item was never finished because the run ended before.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.cause, Cause::Cancelled)
    }

    /// The error that the function returned, if that is why the item failed.
    #[must_use]
    pub fn error(&self) -> Option<&E> {
        match &self.cause {
            Cause::Error(error) => Some(error),
            _ => None,
        }
    }

    /// The same failure with its error turned into another.
    pub(crate) fn map_error<F>(self, turn: impl FnOnce(E) -> F) -> ItemFailure<F> {
        let cause = match self.cause {
            Cause::Error(error) => Cause::Error(turn(error)),
            Cause::Panic(message) => Cause::Panic(message),
            Cause::Lost(worker) => Cause::Lost(worker),
            Cause::TimeLimit(limit) => Cause::TimeLimit(limit),
            Cause::MemoryLimit(limit) => Cause::MemoryLimit(limit),
            Cause::Encoding(message) => Cause::Encoding(message),
            Cause::Recorded(recorded) => Cause::Recorded(recorded),
            Cause::DoneBefore => Cause::DoneBefore,
            Cause::Cancelled => Cause::Cancelled,
        };
        ItemFailure { index: self.index, key: self.key, attempts: self.attempts, elapsed: self.elapsed, cause }
    }
}

impl<E: fmt::Display> fmt::Display for ItemFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {}", self.index)?;
        if let Some(key) = &self.key {
            write!(f, " ({key:?})")?;
        }
        match &self.cause {
            Cause::Error(error) => write!(f, " failed: {error}"),
            Cause::Panic(message) => write!(f, " panicked: {message}"),
            Cause::Lost(worker) => write!(f, " lost its worker: {worker}"),
            Cause::TimeLimit(limit) => write!(f, " took longer than its time limit of {limit:?}"),
            Cause::MemoryLimit(limit) => write!(f, " wanted more memory than the limit of {limit} bytes"),
            Cause::Encoding(message) => write!(f, " could not travel between processes: {message}"),
            Cause::Recorded(recorded) => write!(f, " failed in an earlier run: {recorded}"),
            Cause::DoneBefore => f.write_str(" was done before this run, which has no value of it"),
            Cause::Cancelled => f.write_str(" was not finished: the run ended before"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for ItemFailure<E> {}

/// What a run did and what it cost. Unlike values and failures, it differs from mode to mode and from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tally {
    /// The items of the call.
    pub items: usize,
    /// Items that have a value.
    pub succeeded: usize,
    /// Items whose function failed.
    pub failed: usize,
    /// Items of both kinds that an earlier run had finished, by its journal.
    #[serde(default)]
    pub resumed: usize,
    /// Items that were done before, as [`Job::done_if`](crate::Job::done_if) said. They have no value here.
    #[serde(default)]
    pub done_before: usize,
    /// How often a failed item was tried again.
    #[serde(default)]
    pub retries: usize,
    /// Items that were never finished.
    pub cancelled: usize,
    /// True when the run ended before its input did, so that nobody knows how many more items would have come: only of
    /// [`Job::over`](crate::Job::over), after a cancellation, a failure or a callback that ended it.
    #[serde(default)]
    pub is_cut_short: bool,
    /// Workers that took part: 1 when the call ran in the calling thread.
    pub workers: usize,
    /// Workers that died in the call: processes only.
    #[serde(default)]
    pub lost_workers: usize,
    /// Workers that were replaced on purpose: processes only.
    #[serde(default)]
    pub recycled_workers: usize,
    /// Chunks that workers reported.
    pub chunks: usize,
    /// From the call to its outcome.
    pub wall: Duration,
    /// Time that workers spent in the function, summed over workers.
    pub busy: Duration,
}

/// Values in input order, failures by name, and the tally.
///
/// ```
/// use manyhands::{Job, OnFailure};
///
/// let outcome = Job::new(&["1", "x", "3"]).on_failure(OnFailure::Continue).try_run(|text| text.parse::<i32>())?;
/// assert_eq!(outcome.get(2), Some(&3));
/// assert_eq!(outcome.failures().len(), 1);
/// assert_eq!(outcome.into_options(), [Some(1), None, Some(3)]);
/// # Ok::<(), manyhands::Error<std::num::ParseIntError>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an outcome may hold failures: look at them, or turn it into values with into_values"]
pub struct Outcome<R, E = crate::Never> {
    values: Values<R>,
    failures: Vec<ItemFailure<E>>,
    tally: Tally,
    past: Past,
    warnings: Vec<Error>,
}

/// What of an outcome is older than the run, by index, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Past {
    /// An earlier run's journal had these.
    pub(crate) resumed: Vec<usize>,
    /// These were done, and have no value here.
    pub(crate) done_before: Vec<usize>,
}

/// The usual run has a value for every item and pays nothing for the chance of a hole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values<R> {
    All(Vec<R>),
    Some(Vec<Option<R>>),
}

impl<R, E> Outcome<R, E> {
    /// `failures` are in the order of their indices.
    pub(crate) fn new(values: Values<R>, failures: Vec<ItemFailure<E>>, tally: Tally) -> Self {
        Self { values, failures, tally, past: Past::default(), warnings: Vec::new() }
    }

    pub(crate) fn with_past(self, past: Past) -> Self {
        Self { past, ..self }
    }

    pub(crate) fn with_warnings(self, warnings: Vec<Error>) -> Self {
        Self { warnings, ..self }
    }

    /// The number of items of the call, with or without a value.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.values {
            Values::All(values) => values.len(),
            Values::Some(values) => values.len(),
        }
    }

    /// True when the call had no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when every item has a value, and all items have come.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.tally.succeeded + self.tally.done_before == self.len() && !self.tally.is_cut_short
    }

    /// The value of the item at this place of the input; `None` when it failed, was not finished, or does not exist.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&R> {
        match &self.values {
            Values::All(values) => values.get(index),
            Values::Some(values) => values.get(index)?.as_ref(),
        }
    }

    /// The values that are there, each with its item's index, in input order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &R)> {
        (0..self.len()).filter_map(|index| self.get(index).map(|value| (index, value)))
    }

    /// The items whose function failed, in input order.
    ///
    /// Items that were never finished are not among them, since a stop can leave millions: see [`Outcome::unfinished`].
    #[must_use]
    pub fn failures(&self) -> &[ItemFailure<E>] {
        &self.failures
    }

    /// The indices of the items that were never finished because the run was cancelled or stopped, in input order; of those
    /// that came, where [`Tally::is_cut_short`] says that more may have been to come.
    pub fn unfinished(&self) -> impl Iterator<Item = usize> {
        let mut failed = self.failures.iter().map(|failure| failure.index).peekable();
        let mut done_before = self.past.done_before.iter().copied().peekable();
        (0..self.len()).filter(move |&index| {
            let has_failed = failed.next_if_eq(&index).is_some();
            let was_done = done_before.next_if_eq(&index).is_some();
            !has_failed && !was_done && self.get(index).is_none()
        })
    }

    /// The indices of the items that an earlier run had finished, whose values or failures came from its
    /// [`Journal`](crate::Journal), in input order.
    pub fn resumed(&self) -> impl Iterator<Item = usize> {
        self.past.resumed.iter().copied()
    }

    /// What went wrong beside the items: a journal that could not be written to its end, or a report that could not be
    /// written at all. Values and failures are whole nonetheless. A program that counts on either looks here.
    #[must_use]
    pub fn warnings(&self) -> &[Error] {
        &self.warnings
    }

    /// What the run did and what it cost.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// All values in input order, or the failure with the lowest index.
    ///
    /// Costs nothing when every item has a value.
    ///
    /// # Errors
    /// The first failed item; where none failed and the run was cancelled, the first item that was not finished, be it one that
    /// never came.
    pub fn into_result(mut self) -> Result<Vec<R>, Error<E>> {
        if !self.failures.is_empty() {
            return Err(Error::item(self.failures.swap_remove(0)));
        }
        match self.values {
            Values::All(values) if self.tally.is_cut_short => Err(Error::item(ItemFailure::cancelled(values.len()))),
            Values::All(values) => Ok(values),
            Values::Some(values) => {
                let first_hole = values.iter().position(Option::is_none);
                match first_hole {
                    Some(index) => Err(Error::item(self.past.hole(index))),
                    None => Ok(values.into_iter().flatten().collect()),
                }
            }
        }
    }

    /// One option per item, in input order: `None` where the item has no value.
    #[must_use]
    pub fn into_options(self) -> Vec<Option<R>> {
        match self.values {
            Values::All(values) => values.into_iter().map(Some).collect(),
            Values::Some(values) => values,
        }
    }

    /// One result per item, in input order; an item that was not finished is a failure with [`Cause::Cancelled`].
    #[must_use]
    pub fn into_results(self) -> Vec<Result<R, ItemFailure<E>>> {
        let mut failures = self.failures.into_iter().peekable();
        let options = match self.values {
            Values::All(values) => return values.into_iter().map(Ok).collect(),
            Values::Some(values) => values,
        };
        let past = self.past;
        let to_result = |(index, value): (usize, Option<R>)| match value {
            Some(value) => Ok(value),
            None => Err(failures.next_if(|failure| failure.index == index).unwrap_or_else(|| past.hole(index))),
        };
        options.into_iter().enumerate().map(to_result).collect()
    }
}

impl Past {
    /// Why the item at this index has neither a value nor a failure.
    fn hole<E>(&self, index: usize) -> ItemFailure<E> {
        match self.done_before.binary_search(&index) {
            Ok(_) => ItemFailure::done_before(index),
            Err(_) => ItemFailure::cancelled(index),
        }
    }
}
