//! [`Error`]: why a call has no values. Failures of single items are data of an outcome: see `failure.rs` and `outcome.rs`.
//!
//! Promise: one opaque type with predicates, so that kinds can be added; causes are kept and returned by `source`.

use std::fmt::{self, Write as _};

use crate::config_error::ConfigError;
use crate::failure::{ErrorText, ItemFailure};
use crate::never::Never;
#[cfg(feature = "journal")]
use crate::persist::journal::JournalError;
use crate::safe_text::Printable;

/// Why a call returned no values: an invalid setting, a worker state that could not be made, or an item that failed.
///
/// `E` is the error type of the function that ran over the items. It need not implement `std::error::Error`;
/// [`Error::failure`] and [`Error::into_failure`] return it. Predicates such as [`is_config`](Error::is_config) tell
/// the kind. `{}` is the error in one line, and `{:#}` adds the causes of the function's error.
///
/// `?` converts a [`ConfigError`], and the error of a call whose function cannot fail (`Error<Never>`), into `Error<E>`
/// where `E` has `Display`. It converts `Error<E>` into `Box<dyn std::error::Error>` where `E` has `Debug` and
/// `Display`, and into `anyhow::Error` where `E` is also `Send`, `Sync` and `'static`. An enum of thiserror needs a
/// variant with `#[from] manyhands::Error<E>` for each `E` that it meets. Size: one pointer.
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
    kind: Box<ErrorKind<E>>,
}

#[derive(Debug, Clone, PartialEq)]
enum ErrorKind<E> {
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
    Destructor(String),
    Item(ItemFailure<E>),
}

impl<E> Error<E> {
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self { kind: Box::new(ErrorKind::Config(ConfigError::new(message))) }
    }

    pub(crate) fn worker_state(message: impl Into<String>) -> Self {
        Self { kind: Box::new(ErrorKind::WorkerState(message.into())) }
    }

    #[cfg(feature = "processes")]
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self { kind: Box::new(ErrorKind::Unsupported(message.into())) }
    }

    #[cfg(feature = "processes")]
    pub(crate) fn workers(message: impl Into<String>) -> Self {
        Self { kind: Box::new(ErrorKind::Workers(message.into())) }
    }

    #[cfg(feature = "processes")]
    pub(crate) fn memory(message: impl Into<String>) -> Self {
        Self { kind: Box::new(ErrorKind::Memory(message.into())) }
    }

    #[cfg(feature = "journal")]
    pub(crate) fn journal(problem: JournalError) -> Self {
        Self { kind: Box::new(ErrorKind::Journal(problem)) }
    }

    #[cfg(feature = "reports")]
    pub(crate) fn report(error: std::io::Error) -> Self {
        Self { kind: Box::new(ErrorKind::Report(error.to_string())) }
    }

    pub(crate) fn destructor(message: impl Into<String>) -> Self {
        Self { kind: Box::new(ErrorKind::Destructor(message.into())) }
    }

    pub(crate) fn item(failure: ItemFailure<E>) -> Self {
        Self { kind: Box::new(ErrorKind::Item(failure)) }
    }

    /// True when a setting or an argument is invalid. The message names the value and a valid alternative. No item was
    /// run.
    ///
    /// ```
    /// let error = manyhands::Job::new(&[1]).chunk_size(0).run(|n| n + 1).unwrap_err();
    /// assert!(error.is_config() && !error.is_item());
    /// ```
    #[must_use]
    pub fn is_config(&self) -> bool {
        matches!(*self.kind, ErrorKind::Config(_))
    }

    /// True when a worker could not be prepared: its state could not be made, or a thread could not be started.
    ///
    /// ```
    /// let job = manyhands::Job::new(&[1]).try_worker_state(|| Err::<(), _>("no model"));
    /// assert!(job.run(|_, n| n + 1).unwrap_err().is_worker_state());
    /// ```
    #[must_use]
    pub fn is_worker_state(&self) -> bool {
        matches!(*self.kind, ErrorKind::WorkerState(_))
    }

    /// True when this system lacks what the call needs or does not permit it: worker processes outside of Linux, a system
    /// call that is filtered, a program that runs with more rights than its user. The message names what is missing.
    ///
    /// ```standalone_crate
    /// use manyhands::{Error, Processes, Threads, parallel_map};
    ///
    /// fn lengths(texts: &[String]) -> Result<Vec<usize>, Error> {
    ///     match parallel_map(Processes::new(), texts, |text| text.len()) {
    ///         Err(error) if error.is_unsupported() => parallel_map(Threads, texts, |text| text.len()),
    ///         lengths => lengths,
    ///     }
    /// }
    /// manyhands::init();
    /// assert_eq!(lengths(&["a".to_owned(), "bc".to_owned()]).unwrap(), [1, 2]);
    /// ```
    #[cfg(feature = "processes")]
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(*self.kind, ErrorKind::Unsupported(_))
    }

    /// True when no worker process could be started, or each died before it was ready. The message has the exit of the
    /// last one and its last output.
    ///
    /// ```standalone_crate
    /// use manyhands::{Processes, parallel_map};
    ///
    /// if std::env::var_os("MANYHANDS_WORKER").is_some() {
    ///     std::process::exit(7); // a mistake before `init`: no copy of this program becomes a worker
    /// }
    /// manyhands::init();
    /// let error = parallel_map(Processes::new(), &[1, 2], |n: &i32| n + 1).unwrap_err();
    /// assert!(error.is_workers() && error.to_string().contains("exited with code 7"));
    /// ```
    #[cfg(feature = "processes")]
    #[must_use]
    pub fn is_workers(&self) -> bool {
        matches!(*self.kind, ErrorKind::Workers(_))
    }

    /// True when memory could not be allocated, or a limit on sizes such as `ulimit -f` is too low for it. The message
    /// says what could not be had.
    ///
    /// ```
    /// let error = manyhands::SharedSlice::<u8>::filled_by(1 << 60, |bytes| bytes.fill(1)).unwrap_err();
    /// assert!(error.is_memory());
    /// ```
    #[cfg(feature = "processes")]
    #[must_use]
    pub fn is_memory(&self) -> bool {
        matches!(*self.kind, ErrorKind::Memory(_))
    }

    /// The error of the journal, if that is the reason. Match on its kind.
    ///
    /// ```
    /// use manyhands::{Job, Journal, journal::JournalError};
    ///
    /// let journal = Journal::at("no such folder/night.sqlite").key(|n: &u32| n.to_string());
    /// let error = Job::new(&[1_u32]).map(|n| n + 1).journal(journal).run().unwrap_err();
    /// assert!(matches!(error.journal_error(), Some(JournalError::NotFound { .. })), "{error}");
    /// ```
    #[cfg(feature = "journal")]
    #[must_use]
    pub fn journal_error(&self) -> Option<&JournalError> {
        match &*self.kind {
            ErrorKind::Journal(problem) => Some(problem),
            _ => None,
        }
    }

    /// True when a destructor panicked. The message says which, with the index of its item.
    ///
    /// It is a warning: one of [`Outcome::warnings`](crate::Outcome::warnings), or the error of `for_each` and the last
    /// item of an iterator over results, once all results are delivered. No item fails by it. See
    /// [destructors that panic](crate::job#destructors-that-panic).
    ///
    /// ```
    /// use manyhands::Job;
    /// struct Fragile(usize);
    /// impl Drop for Fragile {
    ///     fn drop(&mut self) {
    ///         assert!(self.0 != 3, "no way");
    ///     }
    /// }
    /// let outcome = Job::over((0..5).map(Fragile)).run(|item| item.0).unwrap();
    /// let warning = &outcome.warnings()[0];
    /// assert!(warning.is_destructor());
    /// assert_eq!(warning.to_string(), "the destructor of item 3 panicked: no way");
    /// assert_eq!(outcome.into_result().unwrap(), [0, 1, 2, 3, 4]);
    /// ```
    #[must_use]
    pub fn is_destructor(&self) -> bool {
        matches!(*self.kind, ErrorKind::Destructor(_))
    }

    /// True when the report's folder could not be written.
    ///
    /// ```
    /// use manyhands::{Job, Report};
    /// let file = tempfile::NamedTempFile::new()?; // a file where the folder should be
    /// let error = Job::new(&[1]).map(|n| n + 1).report(Report::at(file.path())).run().unwrap_err();
    /// assert!(error.is_report(), "{error}");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(feature = "reports")]
    #[must_use]
    pub fn is_report(&self) -> bool {
        matches!(*self.kind, ErrorKind::Report(_))
    }

    /// True when an item failed, for any reason; [`Error::failure`] returns the item.
    ///
    /// ```
    /// let error = manyhands::try_parallel_map(manyhands::Serial, &["x"], |text| text.parse::<u8>()).unwrap_err();
    /// assert!(error.is_item() && !error.is_panic());
    /// ```
    #[must_use]
    pub fn is_item(&self) -> bool {
        matches!(*self.kind, ErrorKind::Item(_))
    }

    /// True when an item failed because the function panicked.
    ///
    /// ```
    /// let error = manyhands::parallel_map(manyhands::Serial, &[0], |n| 1 / n).unwrap_err();
    /// assert!(error.is_panic() && error.is_item());
    /// ```
    #[must_use]
    pub fn is_panic(&self) -> bool {
        self.failure().is_some_and(ItemFailure::is_panic)
    }

    /// True when an item has no value because the run was cancelled or stopped before.
    ///
    /// ```
    /// use manyhands::{CancelToken, Job};
    /// let token = CancelToken::new();
    /// token.cancel();
    /// let error = Job::new(&[1]).cancel_token(&token).run(|n| n + 1)?.into_result().unwrap_err();
    /// assert!(error.is_cancelled());
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.failure().is_some_and(ItemFailure::is_cancelled)
    }

    /// The failed item with the lowest index, if that is the reason.
    ///
    /// ```
    /// let error = manyhands::try_parallel_map(manyhands::Serial, &["1", "x"], |text| text.parse::<u8>()).unwrap_err();
    /// assert_eq!(error.failure().unwrap().index, 1);
    /// ```
    #[must_use]
    pub fn failure(&self) -> Option<&ItemFailure<E>> {
        match &*self.kind {
            ErrorKind::Item(failure) => Some(failure),
            _ => None,
        }
    }

    /// The failed item with the lowest index, by value, to match on its cause.
    ///
    /// ```
    /// use manyhands::{Cause, Serial, try_parallel_map};
    /// let error = try_parallel_map(Serial, &["x"], |_| Err::<(), _>("odd")).unwrap_err();
    /// assert_eq!(error.into_failure().unwrap().cause, Cause::Error("odd"));
    /// ```
    #[must_use]
    pub fn into_failure(self) -> Option<ItemFailure<E>> {
        match *self.kind {
            ErrorKind::Item(failure) => Some(failure),
            _ => None,
        }
    }
}

impl Error<Never> {
    /// The same error, for another error type of the function. `?` does this where `E` has `Display`; for other types
    /// call it.
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
            ErrorKind::Config(error) => error.into(),
            ErrorKind::WorkerState(message) => Error::worker_state(message),
            #[cfg(feature = "processes")]
            ErrorKind::Unsupported(message) => Error::unsupported(message),
            #[cfg(feature = "processes")]
            ErrorKind::Workers(message) => Error::workers(message),
            #[cfg(feature = "processes")]
            ErrorKind::Memory(message) => Error::memory(message),
            #[cfg(feature = "journal")]
            ErrorKind::Journal(problem) => Error::journal(problem),
            #[cfg(feature = "reports")]
            ErrorKind::Report(message) => Error { kind: Box::new(ErrorKind::Report(message)) },
            ErrorKind::Destructor(message) => Error::destructor(message),
            ErrorKind::Item(failure) => Error::item(failure.map_error(|never| match never {})),
        }
    }
}

/// An invalid setting, as the error of a call.
impl<E> From<ConfigError> for Error<E> {
    fn from(error: ConfigError) -> Self {
        Self { kind: Box::new(ErrorKind::Config(error)) }
    }
}

/// Widens the error of a call whose function cannot fail. [`Never`] has no `Display`, so this does not overlap with the
/// reflexive conversion.
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

/// What a terminal would obey in a path, a key or a message is written as an escape, except for line ends and tabs.
impl<E: ErrorText> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_causes = f.alternate();
        let f = &mut Printable(f);
        match &*self.kind {
            ErrorKind::Config(error) => write!(f, "{error}"),
            ErrorKind::WorkerState(message) => write!(f, "a worker could not be prepared: {message}"),
            #[cfg(feature = "processes")]
            ErrorKind::Unsupported(message) | ErrorKind::Workers(message) | ErrorKind::Memory(message) => {
                f.write_str(message)
            }
            #[cfg(feature = "journal")]
            ErrorKind::Journal(problem) => write!(f, "{problem}"),
            #[cfg(feature = "reports")]
            ErrorKind::Report(message) => write!(f, "the report could not be written: {message}"),
            ErrorKind::Destructor(message) => f.write_str(message),
            ErrorKind::Item(failure) if with_causes => write!(f, "{failure:#}"),
            ErrorKind::Item(failure) => write!(f, "{failure}"),
        }
    }
}

impl<E: fmt::Debug + ErrorText> std::error::Error for Error<E> {
    /// The cause of the error. For a journal: the error of the system or of SQLite. For a failed item: the source of
    /// the function's error, if the job called [`Work::error_sources`](crate::Work::error_sources), or else the causes
    /// that the `{:#}` of that error adds to its `{}`.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.kind {
            #[cfg(feature = "journal")]
            ErrorKind::Journal(error) => std::error::Error::source(error),
            ErrorKind::Item(failure) => std::error::Error::source(failure),
            _ => None,
        }
    }
}
