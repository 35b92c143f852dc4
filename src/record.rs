//! What is known of one finished item besides its value: what a journal keeps and a report shows. Plain data.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sync::SystemTime;

/// A function that gives the key of an item.
pub(crate) type Key<'a, T> = dyn Fn(&T) -> String + Send + 'a;

/// Why an item has no value, in one word: what is left of a [`Cause`](crate::Cause) where it is written down.
///
/// ```
/// use manyhands::FailureKind;
/// assert_eq!(FailureKind::TimeLimit.as_str(), "time_limit");
/// assert_eq!(FailureKind::from_name("panic"), Some(FailureKind::Panic));
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
    /// The item's worker wanted more memory than its limit.
    MemoryLimit,
    /// The item or its answer could not travel between processes, or its answer could not be written down.
    Encoding,
    /// The item was never finished.
    Cancelled,
}

impl FailureKind {
    const ALL: [Self; 7] =
        [Self::Error, Self::Panic, Self::Lost, Self::TimeLimit, Self::MemoryLimit, Self::Encoding, Self::Cancelled];

    /// The kind's name, as in journals and reports.
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

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A failure as it was written down by an earlier run: its own error value is gone, its text is left.
///
/// ```
/// let recorded: manyhands::RecordedFailure =
///     serde_json::from_str(r#"{"kind": "error", "message": "no samples"}"#).unwrap();
/// assert_eq!(recorded.to_string(), "error: no samples");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedFailure {
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// What it said.
    pub message: String,
}

impl RecordedFailure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl std::fmt::Display for RecordedFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.message)
    }
}

/// One item that was finished, in this run or in an earlier one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ItemRecord {
    /// The item's place in the input.
    pub(crate) index: usize,
    /// The item's name.
    pub(crate) key: String,
    /// Why it has no value; none when it succeeded.
    pub(crate) failure: Option<RecordedFailure>,
    /// An earlier run had finished it.
    pub(crate) is_resumed: bool,
    /// How often it was begun, over all runs that began it since it last succeeded or was recorded.
    pub(crate) attempts: u32,
    /// When its last attempt began.
    pub(crate) started: SystemTime,
    /// How long the last attempt took.
    pub(crate) elapsed: Duration,
    /// The time that its thread spent on a core in it, where that is known.
    pub(crate) cpu: Option<Duration>,
    /// Which worker had it: threads are numbered from 0 in each call, processes in the program's life.
    pub(crate) worker: Option<u32>,
    /// The most memory that its worker process had had by its end, in bytes, where that is known.
    pub(crate) peak_memory: Option<u64>,
    /// What the task reported of itself, such as samples or frames.
    pub(crate) amounts: Vec<Amount>,
}

/// How much of something an item's function worked through, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Amount {
    pub(crate) name: Cow<'static, str>,
    #[serde(with = "any_number")]
    pub(crate) value: f64,
}

/// Numbers that JSON has no word for, as texts there: a task may report what is not finite, and nothing else is to suffer.
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

/// When an item was worked on, for how long, and what it said of itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Timing {
    pub(crate) started: SystemTime,
    pub(crate) elapsed: Duration,
    /// The time that its thread spent on a core in it, where that is known.
    pub(crate) cpu: Option<Duration>,
    pub(crate) amounts: Vec<Amount>,
}

impl Timing {
    /// Of an item that nothing is known of, but that it ended now.
    pub(crate) fn unknown(now: SystemTime) -> Self {
        Self { started: now, elapsed: Duration::ZERO, cpu: None, amounts: Vec::new() }
    }
}

/// What the calling thread has spent on a core so far, where the system tells. A system call, some 200 ns.
pub(crate) fn thread_cpu_time() -> Option<Duration> {
    #[cfg(all(target_os = "linux", any(feature = "processes", feature = "journal", feature = "reports")))]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
    }
    #[cfg(not(all(target_os = "linux", any(feature = "processes", feature = "journal", feature = "reports"))))]
    None
}
