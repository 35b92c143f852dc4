//! Facts about one finished item besides its value. A journal stores them and a report shows them. Plain data.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config_error::ConfigError;
use crate::safe_text::Printable;
use crate::sync::SystemTime;

/// A function that returns the key of an item.
pub(crate) type Key<'a, T> = dyn Fn(&T) -> String + Send + 'a;

/// Why an item has no value, in one word: the kind of a [`Cause`](crate::Cause), as journals and reports write it.
///
/// `Display` and `FromStr` use the names of [`as_str`](FailureKind::as_str).
///
/// ```
/// use manyhands::job::FailureKind;
/// assert_eq!(FailureKind::TimeLimit.to_string(), "time_limit");
/// assert_eq!("panic".parse(), Ok(FailureKind::Panic));
/// assert!("typo".parse::<FailureKind>().unwrap_err().to_string().starts_with(r#"failure kind "typo" is not known; use one of error,"#));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The function returned an error.
    Error,
    /// The function panicked.
    Panic,
    /// The process that worked on the item died.
    Lost,
    /// The item took longer than its time limit.
    TimeLimit,
    /// The item's worker needed more memory than its limit.
    MemoryLimit,
    /// The item or its result could not be sent between processes, or its value could not be encoded for a journal.
    Encoding,
    /// The item was never finished.
    Cancelled,
}

impl FailureKind {
    const ALL: [Self; 7] =
        [Self::Error, Self::Panic, Self::Lost, Self::TimeLimit, Self::MemoryLimit, Self::Encoding, Self::Cancelled];

    /// The kind's name, as in journals and reports.
    ///
    /// ```
    /// assert_eq!(manyhands::job::FailureKind::MemoryLimit.as_str(), "memory_limit");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Lost => "lost",
            Self::TimeLimit => "time_limit",
            Self::MemoryLimit => "memory_limit",
            Self::Encoding => "encoding",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The kind's name: [`FailureKind::as_str`].
impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Parses the kind's name. The error lists all names.
impl FromStr for FailureKind {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            ConfigError::new(format!("failure kind {name:?} is not known; use one of {names}"))
        })
    }
}

/// A failure that an earlier run recorded, as text: the error value itself is not stored.
///
/// Its `Display` escapes control characters except ends of lines: the text is from a file, and a terminal would obey
/// some of them. The field `message` has it as it was recorded.
///
/// ```
/// let recorded: manyhands::job::RecordedFailure =
///     serde_json::from_str(r#"{"kind": "error", "message": "no samples"}"#).unwrap();
/// assert_eq!(recorded.to_string(), "error: no samples");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedFailure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// The failure's message, with the causes of its error.
    pub message: String,
}

impl RecordedFailure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl fmt::Display for RecordedFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Printable(f), "{}: {}", self.kind, self.message)
    }
}

/// One item that finished, in this run or in an earlier one.
///
/// A run makes one per finished item, in its calling thread, where a journal or a report is kept; runs without either
/// make none. The journal copies it, and the report then takes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ItemRecord {
    /// The item's place in the input.
    pub(crate) index: usize,
    /// The item's key.
    pub(crate) key: String,
    /// Why the item has no value; `None` when it succeeded.
    pub(crate) failure: Option<RecordedFailure>,
    /// Whether an earlier run finished the item.
    pub(crate) is_resumed: bool,
    /// The number of attempts, over all runs since the item last succeeded or its fingerprint changed.
    pub(crate) attempts: u32,
    /// The start of the last attempt.
    pub(crate) started: SystemTime,
    /// The duration of the last attempt.
    pub(crate) elapsed: Duration,
    /// The CPU time of the thread in that attempt, where it is known.
    pub(crate) cpu: Option<Duration>,
    /// The number of the worker. Threads are numbered from 0 per call. Processes are numbered from 1
    /// per program, each with the lowest number that is free.
    pub(crate) worker: Option<u32>,
    /// The peak memory of the worker process at the item's end, in bytes, where it is known.
    pub(crate) peak_memory: Option<u64>,
    /// The amounts that the item's function reported, such as samples or frames.
    pub(crate) amounts: Vec<Amount>,
}

/// An amount that an item's function processed, such as samples, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Amount {
    pub(crate) name: Cow<'static, str>,
    #[serde(with = "any_number")]
    pub(crate) value: f64,
}

/// Encodes numbers that are not finite as text in JSON, which has no notation for them.
mod any_number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
        Nothing(()),
    }

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() && !value.is_finite() {
            return value.to_string().serialize(serializer);
        }
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        if !deserializer.is_human_readable() {
            return f64::deserialize(deserializer);
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Number(value) => value,
            Written::Text(text) => text.parse().unwrap_or(f64::NAN),
            Written::Nothing(()) => f64::NAN,
        })
    }
}

/// The time of an item's last attempt, and the amounts that it reported.
///
/// Taken by the worker; an item that a lost worker had in hand has none, and gets `unknown`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Timing {
    pub(crate) started: SystemTime,
    pub(crate) elapsed: Duration,
    /// The CPU time of the thread in that attempt, where it is known.
    pub(crate) cpu: Option<Duration>,
    pub(crate) amounts: Vec<Amount>,
}

impl Timing {
    /// The timing of an item of which only the end is known: now.
    pub(crate) fn unknown(now: SystemTime) -> Self {
        Self { started: now, elapsed: Duration::ZERO, cpu: None, amounts: Vec::new() }
    }
}

/// The CPU time of the calling thread, where the system provides it. Costs a system call, about 200 ns.
///
/// So the worker loop does not call it after a quick item, and takes the elapsed time instead.
pub(crate) fn thread_cpu_time() -> Option<Duration> {
    #[cfg(all(target_os = "linux", any(feature = "processes", feature = "journal", feature = "reports")))]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
    }
    #[cfg(not(all(target_os = "linux", any(feature = "processes", feature = "journal", feature = "reports"))))]
    None
}
