//! What a call says when it has no outcome to give. Failures of single items are data and live in `outcome.rs`.

use std::fmt;

use crate::config_error::ConfigError;
use crate::failure::{ErrorText, ItemFailure};
use crate::never::Never;
#[cfg(feature = "journal")]
use crate::persist::journal::JournalError;

/// Why a call gave no values: a setting that cannot be, a worker state that could not be made, or an item that failed.
///
/// `E` is the error type of the function that ran over the items. It need not be an error of std: [`Error::failure`] and
/// [`Error::into_failure`] give it. Predicates tell the kind, so that kinds can be added later. `{}` is the error in one line,
/// and `{:#}` adds the causes of the function's error.
///
/// An error widens by `?`: a [`ConfigError`] and the error of a call whose function cannot fail convert into the `Error<E>` of
/// any `E` with `Display`, and every `Error<E>` into `Box<dyn std::error::Error>` and the errors of anyhow and its like.
///
/// ```
/// use manyhands::{Job, try_parallel_map, Threads};
///
/// let error = Job::new(&[1, 2, 3]).workers(0).run(|n| n + 1).unwrap_err();
/// assert!(error.is_config());
/// assert_eq!(error.to_string(), "0 workers asked for; use 1 or more, or Workers::PerCore");
///
/// let error = try_parallel_map(Threads, &["1", "two"], |text| text.parse::<u32>()).unwrap_err();
/// assert_eq!(error.failure().unwrap().index, 1);
/// ```
pub struct Error<E = Never> {
    kind: Box<Kind<E>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind<E> {
    Config(ConfigError),
    WorkerState(String),
    #[cfg(feature = "processes")]
    Unsupported(String),
    #[cfg(feature = "processes")]
    Workers(String),
    #[cfg(feature = "processes")]
    Memory(String),
    #[cfg(feature = "journal")]
    Journal(JournalError),
    #[cfg(feature = "reports")]
    Report(String),
    Item(ItemFailure<E>),
}

impl<E> Error<E> {
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self { kind: Box::new(Kind::Config(ConfigError::new(message))) }
    }

    pub(crate) fn worker_state(message: impl Into<String>) -> Self {
        Self { kind: Box::new(Kind::WorkerState(message.into())) }
    }

    #[cfg(feature = "processes")]
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self { kind: Box::new(Kind::Unsupported(message.into())) }
    }

    #[cfg(feature = "processes")]
    pub(crate) fn workers(message: impl Into<String>) -> Self {
        Self { kind: Box::new(Kind::Workers(message.into())) }
    }

    #[cfg(feature = "processes")]
    pub(crate) fn memory(message: impl Into<String>) -> Self {
        Self { kind: Box::new(Kind::Memory(message.into())) }
    }

    #[cfg(feature = "journal")]
    pub(crate) fn journal(problem: JournalError) -> Self {
        Self { kind: Box::new(Kind::Journal(problem)) }
    }

    #[cfg(feature = "reports")]
    pub(crate) fn report(error: std::io::Error) -> Self {
        Self { kind: Box::new(Kind::Report(error.to_string())) }
    }

    pub(crate) fn item(failure: ItemFailure<E>) -> Self {
        Self { kind: Box::new(Kind::Item(failure)) }
    }

    /// True when a setting or an argument cannot be: the message names the value and the way out. No item was run to its end.
    #[must_use]
    pub fn is_config(&self) -> bool {
        matches!(*self.kind, Kind::Config(_))
    }

    /// True when a worker could not make the state that it works with.
    #[must_use]
    pub fn is_worker_state(&self) -> bool {
        matches!(*self.kind, Kind::WorkerState(_))
    }

    /// True when this system does not offer what the call needs.
    ///
    /// ```
    /// let error = manyhands::Job::new(&[1]).workers(0).run(|n| n + 1).unwrap_err();
    /// assert!(!error.is_unsupported() && !error.is_workers());
    /// ```
    #[cfg(feature = "processes")]
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(*self.kind, Kind::Unsupported(_))
    }

    /// True when no worker process could be had, or every one of them died before it began. The message says how the last one
    /// ended and what it printed.
    ///
    /// ```
    /// let error = manyhands::Job::new(&[1]).workers(0).run(|n| n + 1).unwrap_err();
    /// assert!(error.is_config() && !error.is_workers());
    /// ```
    #[cfg(feature = "processes")]
    #[must_use]
    pub fn is_workers(&self) -> bool {
        matches!(*self.kind, Kind::Workers(_))
    }

    /// True when the memory that was asked for cannot be had: the message names the number of bytes and the way out.
    #[cfg(feature = "processes")]
    #[must_use]
    pub fn is_memory(&self) -> bool {
        matches!(*self.kind, Kind::Memory(_))
    }

    /// What is wrong with the journal, if that is why: to match on its kind.
    ///
    /// ```
    /// use manyhands::{Job, Journal, JournalError};
    ///
    /// let journal = Journal::at("no such folder/night.sqlite").key(|n: &u32| n.to_string());
    /// let error = Job::new(&[1_u32]).journal(journal).run(|n| n + 1).unwrap_err();
    /// assert!(matches!(error.journal_error(), Some(JournalError::NotFound { .. })), "{error}");
    /// ```
    #[cfg(feature = "journal")]
    #[must_use]
    pub fn journal_error(&self) -> Option<&JournalError> {
        match &*self.kind {
            Kind::Journal(problem) => Some(problem),
            _ => None,
        }
    }

    /// True when the report's folder could not be written.
    #[cfg(feature = "reports")]
    #[must_use]
    pub fn is_report(&self) -> bool {
        matches!(*self.kind, Kind::Report(_))
    }

    /// True when an item failed, in whatever way; [`Error::failure`] tells which.
    #[must_use]
    pub fn is_item(&self) -> bool {
        matches!(*self.kind, Kind::Item(_))
    }

    /// True when an item failed because the function panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        self.failure().is_some_and(ItemFailure::is_panic)
    }

    /// True when items were left because the run was cancelled or stopped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.failure().is_some_and(ItemFailure::is_cancelled)
    }

    /// The failed item: the one with the lowest index.
    #[must_use]
    pub fn failure(&self) -> Option<&ItemFailure<E>> {
        match &*self.kind {
            Kind::Item(failure) => Some(failure),
            _ => None,
        }
    }

    /// Gives the failed item away, to match on its cause.
    #[must_use]
    pub fn into_failure(self) -> Option<ItemFailure<E>> {
        match *self.kind {
            Kind::Item(failure) => Some(failure),
            _ => None,
        }
    }
}

impl Error<Never> {
    /// The same error, for another error type of the function. `?` does this where `E` has `Display`.
    ///
    /// ```
    /// use manyhands::{Error, Serial, parallel_map};
    ///
    /// struct Silent; // an error without a text
    /// fn first(items: &[u32]) -> Result<Option<u32>, Error<Silent>> {
    ///     Ok(parallel_map(Serial, items, |n| n + 1).map_err(Error::widen)?.first().copied())
    /// }
    /// assert_eq!(first(&[1]).ok(), Some(Some(2)));
    /// ```
    #[must_use]
    pub fn widen<E>(self) -> Error<E> {
        match *self.kind {
            Kind::Config(error) => error.into(),
            Kind::WorkerState(message) => Error::worker_state(message),
            #[cfg(feature = "processes")]
            Kind::Unsupported(message) => Error::unsupported(message),
            #[cfg(feature = "processes")]
            Kind::Workers(message) => Error::workers(message),
            #[cfg(feature = "processes")]
            Kind::Memory(message) => Error::memory(message),
            #[cfg(feature = "journal")]
            Kind::Journal(problem) => Error::journal(problem),
            #[cfg(feature = "reports")]
            Kind::Report(message) => Error { kind: Box::new(Kind::Report(message)) },
            Kind::Item(failure) => Error::item(failure.map_error(|never| match never {})),
        }
    }
}

/// A setting that cannot be, as the error of a call.
impl<E> From<ConfigError> for Error<E> {
    fn from(error: ConfigError) -> Self {
        Self { kind: Box::new(Kind::Config(error)) }
    }
}

/// Widens the error of a call whose function cannot fail. [`Never`] has no `Display`, so this is not the reflexive conversion.
impl<E: fmt::Display> From<Error<Never>> for Error<E> {
    fn from(error: Error<Never>) -> Self {
        error.widen()
    }
}

impl<E: fmt::Debug> fmt::Debug for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl<E: Clone> Clone for Error<E> {
    fn clone(&self) -> Self {
        Self { kind: self.kind.clone() }
    }
}

impl<E: PartialEq> PartialEq for Error<E> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl<E: ErrorText> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            Kind::Config(error) => error.fmt(f),
            Kind::WorkerState(message) => write!(f, "a worker could not be prepared: {message}"),
            #[cfg(feature = "processes")]
            Kind::Unsupported(message) | Kind::Workers(message) | Kind::Memory(message) => f.write_str(message),
            #[cfg(feature = "journal")]
            Kind::Journal(problem) => problem.fmt(f),
            #[cfg(feature = "reports")]
            Kind::Report(message) => write!(f, "the report could not be written: {message}"),
            Kind::Item(failure) => failure.fmt(f),
        }
    }
}

impl<E: fmt::Debug + ErrorText> std::error::Error for Error<E> {
    /// The cause below the message: of a journal the error of the system or of SQLite, of a failed item the source of the
    /// function's error, where the job knows it (see [`Work::error_sources`](crate::Work::error_sources)).
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.kind {
            #[cfg(feature = "journal")]
            Kind::Journal(error) => std::error::Error::source(error),
            Kind::Item(failure) => std::error::Error::source(failure),
            _ => None,
        }
    }
}
