//! Why an item has no value: its cause, how its worker died, and what is left of a failure once it is written down.
//! Plain data. The outcome that holds failures is in `outcome.rs`, the error of a whole call in `error.rs`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::never::Never;
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
    /// Describes the cause without formatting the function's error value.
    pub(crate) fn describe_without_error(&self) -> String {
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
/// let ending: manyhands::WorkerExit = serde_json::from_str(r#"{"Signal": 9}"#).unwrap();
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
            Self::Unknown => f.write_str("ended in an unknown way"),
            Self::NeverStarted => f.write_str("could not be started"),
        }
    }
}

/// The names of the usual signals; the numbers are those of Linux on x86 and ARM.
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
    /// The item's key, where the job has a function that gives it ([`Job::key`](crate::Job::key)) and the item was tried.
    pub key: Option<String>,
    /// How often the item was tried; 0 when it never started.
    pub attempts: u32,
    /// How long the last attempt took. In chunks of many quick items: the mean of the chunk.
    pub elapsed: Duration,
    /// What went wrong.
    pub cause: Cause<E>,
    /// Finds the source of the function's error, where the job was asked to.
    #[serde(skip)]
    pub(crate) sources: ErrorSources<E>,
}

/// How the source of a function's error is found: known only where the error type is known to be an error of std.
pub(crate) struct ErrorSources<E>(Option<SourceOf<E>>);

/// Gives the source of an error.
type SourceOf<E> = for<'e> fn(&'e E) -> Option<&'e (dyn std::error::Error + 'static)>;

impl<E> ErrorSources<E> {
    /// Sources as an error of std gives them.
    pub(crate) fn of_std() -> Self
    where
        E: std::error::Error,
    {
        Self(Some(|error| error.source()))
    }

    fn of<'e>(&self, error: &'e E) -> Option<&'e (dyn std::error::Error + 'static)> {
        self.0.and_then(|source_of| source_of(error))
    }
}

impl<E> Default for ErrorSources<E> {
    fn default() -> Self {
        Self(None)
    }
}

impl<E> Clone for ErrorSources<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for ErrorSources<E> {}

/// Two failures are the same however their sources are found.
impl<E> PartialEq for ErrorSources<E> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<E> Eq for ErrorSources<E> {}

impl<E> fmt::Debug for ErrorSources<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "known" } else { "unknown" })
    }
}

impl<E> ItemFailure<E> {
    pub(crate) fn cancelled(index: usize) -> Self {
        let sources = ErrorSources::default();
        Self { index, key: None, attempts: 0, elapsed: Duration::ZERO, cause: Cause::Cancelled, sources }
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
        let sources = ErrorSources::default();
        ItemFailure { index: self.index, key: self.key, attempts: self.attempts, elapsed: self.elapsed, cause, sources }
    }
}

/// An error that can be written as text: every type with `Display`, and [`Never`].
///
/// It is asked of a function's error where text is needed: for the `Display` of failures, and where a journal or a report
/// writes them down. `{:#}` is used where causes are wanted, which `anyhow` and its like answer with the whole chain.
pub trait ErrorText {
    /// Writes the error, with the causes that its own `{:#}` shows where `f` is alternate.
    #[doc(hidden)]
    fn write_text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl<E: fmt::Display> ErrorText for E {
    fn write_text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt(f)
    }
}

impl ErrorText for Never {
    fn write_text(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

/// An error with its causes in one line.
pub(crate) struct WithCauses<'e, E> {
    error: &'e E,
    sources: ErrorSources<E>,
}

impl<'e, E> WithCauses<'e, E> {
    pub(crate) fn new(error: &'e E, sources: ErrorSources<E>) -> Self {
        Self { error, sources }
    }
}

impl<E: ErrorText> fmt::Display for WithCauses<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.write_text(f)?;
        if f.alternate() {
            let first = self.sources.of(self.error);
            for source in std::iter::successors(first, |source| source.source()) {
                write!(f, ": {source}")?;
            }
        }
        Ok(())
    }
}

/// `{}` is the failure in one line; `{:#}` adds the causes of the function's error.
impl<E: ErrorText> fmt::Display for ItemFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {}", self.index)?;
        if let Some(key) = &self.key {
            write!(f, " ({key:?})")?;
        }
        match &self.cause {
            Cause::Error(error) => {
                f.write_str(" failed: ")?;
                WithCauses::new(error, self.sources).fmt(f)
            }
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

impl<E: fmt::Debug + ErrorText> std::error::Error for ItemFailure<E> {
    /// The source of the function's error, where the job knows it: see [`Work::error_sources`](crate::Work::error_sources).
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.sources.of(self.error()?)
    }
}
