//! [`ItemFailure`]: one item that has no value, and the [`Cause`]. Plain data.
//!
//! `outcome.rs` holds failures, `error.rs` is the error of a whole call, and `record.rs` is what a journal stores of a
//! failure.

use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::never::Never;
use crate::panics::into_message;
use crate::record::{FailureKind, RecordedFailure};
use crate::safe_text::Printable;
#[expect(clippy::disallowed_types, reason = "a field that is computed from another one, not a static")]
use crate::sync::OnceLock;

/// Why an item has no value.
///
/// ```
/// use manyhands::{Cause, Job, OnFailure};
///
/// let outcome = Job::new(&[2, 0]).on_failure(OnFailure::Continue).run(|n| 6 / n)?;
/// match &outcome.failures()[0].cause {
///     Cause::Panic(message) => assert_eq!(message, "attempt to divide by zero"),
///     other => panic!("unexpected: {other:?}"),
/// }
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Cause<E> {
    /// The function returned this error.
    Error(E),
    /// The function panicked with this message.
    Panic(String),
    /// The process that worked on the item died.
    Lost(Box<LostWorker>),
    /// The item took longer than this limit.
    TimeLimit(Duration),
    /// The item's worker needed more memory than this limit, in bytes.
    MemoryLimit(u64),
    /// The item or its result could not be sent between processes, or did not read back as it was written. The message
    /// says which of the two, whether encoding or decoding failed, and the error of its type's serde code.
    Encoding(String),
    /// An earlier run recorded this failure, and the item was not retried: see [`Journal`](crate::Journal).
    Recorded(RecordedFailure),
    /// The item was done before this run and has no value in it: see [`Job::done_if`](crate::Job::done_if).
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

    /// The kind of failure. For a recorded failure it is the recorded kind.
    ///
    /// ```
    /// use manyhands::{Cause, job::FailureKind};
    /// assert_eq!(Cause::<String>::Panic("overflow".into()).kind(), FailureKind::Panic);
    /// ```
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

/// A worker process that died while it ran an item; or, for an item that no worker could take, the last one that died.
///
/// ```
/// use manyhands::job::LostWorker;
///
/// let worker: LostWorker = serde_json::from_str(r#"{"exit": {"Exit": 3}, "last_lines": "bad header\n"}"#).unwrap();
/// assert_eq!(worker.to_string(), "exited with code 3; it last printed: bad header");
///
/// let none: LostWorker =
///     serde_json::from_str(r#"{"exit": "NeverStarted", "last_lines": "", "reason": "too many open files"}"#).unwrap();
/// assert_eq!(none.to_string(), "could not be started; too many open files");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LostWorker {
    /// How the process ended.
    pub exit: WorkerExit,
    /// The last lines that the process printed during the call, on stdout and stderr, up to 2 KiB.
    pub last_lines: String,
    /// What manyhands knows beyond that: why no other worker could take the item, or how the worker broke the protocol.
    #[serde(default)]
    pub reason: Option<String>,
}

/// How a worker process ended.
///
/// ```
/// let exit: manyhands::job::WorkerExit = serde_json::from_str(r#"{"Signal": 9}"#).unwrap();
/// assert_eq!(exit.to_string(), "killed by SIGKILL (signal 9)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum WorkerExit {
    /// A signal of this number killed it.
    Signal(i32),
    /// It exited with this code.
    Exit(i32),
    /// The exit status is unknown, because other code of this program waited for the process first.
    Unknown,
    /// No worker process could be started.
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
        let f = &mut Printable(f);
        write!(f, "{}", self.exit)?;
        if let Some(reason) = &self.reason {
            write!(f, "; {reason}")?;
        }
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
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ItemFailure<E> {
    /// The item's place in the input.
    pub index: usize,
    /// The item's key, where the job has a function that gives it ([`Job::key`](crate::Job::key)) and the item was
    /// tried.
    pub key: Option<String>,
    /// The number of attempts; 0 when the item never started.
    pub attempts: u32,
    /// The duration of the last attempt. In chunks of many quick items: the mean of the chunk.
    pub elapsed: Duration,
    /// Why the item has no value.
    pub cause: Cause<E>,
    /// Finds the source of the function's error, where the job called `error_sources`.
    #[serde(skip)]
    pub(crate) sources: ErrorSources<E>,
    /// What `source` returns where `sources` finds nothing.
    #[serde(skip)]
    pub(crate) shown: ShownCauses,
}

impl<E: fmt::Debug> fmt::Debug for ItemFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, key, attempts, elapsed, cause, .. } = self;
        let mut fields = f.debug_struct("ItemFailure");
        fields.field("index", index).field("key", key).field("attempts", attempts).field("elapsed", elapsed);
        fields.field("cause", cause).finish()
    }
}

/// How to find the source of a function's error. Known only where the error type implements `std::error::Error`.
pub(crate) struct ErrorSources<E>(Option<SourceOf<E>>);

/// Returns the source of an error.
type SourceOf<E> = for<'e> fn(&'e E) -> Option<&'e (dyn std::error::Error + 'static)>;

impl<E> ErrorSources<E> {
    /// The sources that `std::error::Error::source` returns.
    pub(crate) fn of_std() -> Self
    where
        E: std::error::Error,
    {
        Self(Some(|error| error.source()))
    }

    /// The source of an error, where it is known.
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

/// Always equal: two failures are compared without the way in which their sources are found.
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

/// The causes that an error's own `{:#}` shows, as one error. Read from its text when they are first asked for.
#[derive(Clone, Default)]
#[expect(clippy::disallowed_types, reason = "a field that is computed from another one, not a static")]
pub(crate) struct ShownCauses(OnceLock<Option<Box<CausesText>>>);

impl ShownCauses {
    /// The causes of this error; `None` where `{:#}` adds nothing to `{}`.
    fn of<E: ErrorText>(&self, error: &E) -> Option<&(dyn std::error::Error + 'static)> {
        let read = || {
            let sources = ErrorSources::default();
            let (alone, chain) =
                (WithCauses::new(error, sources).to_string(), format!("{:#}", WithCauses::new(error, sources)));
            let causes = chain.strip_prefix(&alone)?.strip_prefix(": ")?;
            Some(Box::new(CausesText(causes.to_owned())))
        };
        self.0.get_or_init(read).as_deref().map(|causes| causes as _)
    }
}

/// Always equal: they are read from the cause, which is compared.
impl PartialEq for ShownCauses {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ShownCauses {}

/// The text of one or more causes.
#[derive(Debug, Clone)]
struct CausesText(String);

impl fmt::Display for CausesText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CausesText {}

impl<E> ItemFailure<E> {
    /// A failure without a key, of an item that was never tried.
    pub(crate) fn new(index: usize, cause: Cause<E>, sources: ErrorSources<E>) -> Self {
        let shown = ShownCauses::default();
        Self { index, key: None, attempts: 0, elapsed: Duration::ZERO, cause, sources, shown }
    }

    pub(crate) fn cancelled(index: usize) -> Self {
        Self::new(index, Cause::Cancelled, ErrorSources::default())
    }

    pub(crate) fn done_before(index: usize) -> Self {
        Self { cause: Cause::DoneBefore, ..Self::cancelled(index) }
    }

    /// The kind of failure, for counting and filtering.
    ///
    /// ```
    /// let error = manyhands::parallel_map(manyhands::Serial, &[0], |n| 1 / n).unwrap_err();
    /// assert_eq!(error.failure().unwrap().kind().to_string(), "panic");
    /// ```
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.cause.kind()
    }

    /// True when the function panicked.
    ///
    /// ```
    /// let error = manyhands::parallel_map(manyhands::Serial, &[0], |n| 1 / n).unwrap_err();
    /// let failure = error.into_failure().unwrap();
    /// assert!(failure.is_panic() && !failure.is_lost() && !failure.is_time_limit() && !failure.is_memory_limit());
    /// ```
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.cause, Cause::Panic(_))
    }

    /// True when the worker process of the item died. See [`LostWorker`].
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, Processes};
    ///
    /// manyhands::init();
    /// let outcome = Job::new(&[1]).mode(Processes::new()).run(|n| if *n > 0 { std::process::abort() } else { *n }).unwrap();
    /// assert!(outcome.failures()[0].is_lost());
    /// ```
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.cause, Cause::Lost(_))
    }

    /// True when the item took longer than its time limit. Only in worker processes.
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, Processes};
    /// use std::time::Duration;
    ///
    /// fn never_ends(_: &i32) {
    ///     loop {
    ///         std::thread::yield_now();
    ///     }
    /// }
    /// manyhands::init();
    /// let mode = Processes::new().time_limit(Duration::from_millis(50));
    /// assert!(Job::new(&[1]).mode(mode).run(never_ends).unwrap().failures()[0].is_time_limit());
    /// ```
    #[must_use]
    pub fn is_time_limit(&self) -> bool {
        matches!(self.cause, Cause::TimeLimit(_))
    }

    /// True when the item's worker needed more memory than its limit. Only in worker processes.
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, Processes};
    ///
    /// manyhands::init();
    /// let mode = Processes::new().memory_limit(1 << 28);
    /// let outcome = Job::new(&[1 << 30]).mode(mode).run(|n: &usize| vec![7_u8; *n].len()).unwrap();
    /// assert!(outcome.failures()[0].is_memory_limit());
    /// ```
    #[must_use]
    pub fn is_memory_limit(&self) -> bool {
        matches!(self.cause, Cause::MemoryLimit(_))
    }

    /// True when the item was never finished because the run ended before.
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[0, 1]).mode(manyhands::Serial).run(|n| 1 / n)?;
    /// assert!(outcome.into_results()[1].as_ref().unwrap_err().is_cancelled()); // the first failure stopped the run
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.cause, Cause::Cancelled)
    }

    /// The error that the function returned, if that is the cause.
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[1]).try_run(|_| Err::<(), _>("odd"))?;
    /// assert_eq!(outcome.failures()[0].error(), Some(&"odd"));
    /// # Ok::<(), manyhands::Error<&str>>(())
    /// ```
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
        let Self { index, key, attempts, elapsed, .. } = self;
        ItemFailure { key, attempts, elapsed, ..ItemFailure::new(index, cause, ErrorSources::default()) }
    }
}

/// An error that can be written as text: every type with `Display`, and [`Never`]. You need it as a bound only.
///
/// The `Display` of failures requires it of the function's error, and so do journals and reports. A `Display` that panics
/// leaves a text that says so, wherever the failure is shown. `{:#}` is used where
/// causes are shown, which types such as `anyhow::Error` write as the whole chain.
///
/// ```
/// use manyhands::{Outcome, job::ErrorText};
///
/// fn first_failure<R, E: ErrorText>(outcome: &Outcome<R, E>) -> Option<String> {
///     outcome.failures().first().map(|failure| failure.to_string())
/// }
/// let outcome = manyhands::Job::new(&[0]).run(|n| 1 / n)?; // of `Never`
/// assert_eq!(first_failure(&outcome).unwrap(), "item 0 panicked: attempt to divide by zero");
/// # Ok::<(), manyhands::Error>(())
/// ```
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
        write_guarded(f, |f| self.error.write_text(f))?;
        if f.alternate() {
            write_guarded(f, |f| self.write_sources(f))?;
        }
        Ok(())
    }
}

impl<E> WithCauses<'_, E> {
    fn write_sources(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.sources.of(self.error);
        std::iter::successors(first, |source| source.source()).try_for_each(|source| write!(f, ": {source}"))
    }
}

/// Writes what the caller's code writes. A panic of that code is written in place of the rest: it must neither take other
/// items' results along nor hide that this item failed.
fn write_guarded(
    f: &mut fmt::Formatter<'_>,
    write: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    // Unwind safe: what was written before the panic stays, as it is a part of the text.
    match catch_unwind(AssertUnwindSafe(|| write(f))) {
        Ok(written) => written,
        Err(payload) => write!(f, "(the error's text could not be written, it panicked: {})", into_message(payload)),
    }
}

/// `{}` is the failure in one line; `{:#}` adds the causes of the function's error. What a terminal would obey in the key,
/// the message or what a worker printed is written as an escape, except for line ends and tabs.
impl<E: ErrorText> fmt::Display for ItemFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_causes = f.alternate();
        let f = &mut Printable(f);
        write!(f, "item {}", self.index)?;
        if let Some(key) = &self.key {
            write!(f, " ({key:?})")?;
        }
        match &self.cause {
            Cause::Error(error) if with_causes => write!(f, " failed: {:#}", WithCauses::new(error, self.sources)),
            Cause::Error(error) => write!(f, " failed: {}", WithCauses::new(error, self.sources)),
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
    /// The source of the function's error, if the job called [`Work::error_sources`](crate::Work::error_sources). Else,
    /// where the `{:#}` of that error adds causes to its `{}`, as that of `anyhow::Error` does, one error with their
    /// text.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let error = self.error()?;
        self.sources.of(error).or_else(|| self.shown.of(error))
    }
}
