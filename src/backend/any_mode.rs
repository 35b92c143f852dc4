//! [`AnyMode`]: any mode, processes included, chosen at run time.
//!
//! It has the bounds of the strictest mode and delegates to the others. The modes of this process are in `mode.rs`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::contract::{Backend, BackendError, BackendStats, ModeKind, Output, ReportSink, RunContext};
use crate::backend::mode::{IoThreads, LocalMode, Mode, ModeSeal, Serial, SupportsContext, Threads, unknown_mode};
#[cfg(feature = "processes")]
use crate::backend::process::processes::Processes;
use crate::backend::process_task::{ProcessContext, ProcessTask};
use crate::backend::task::SharedOf;
use crate::config_error::ConfigError;

/// Any mode, processes included, chosen at run time with the function written once.
///
/// It has the bounds of all modes, so that a program that compiles today also runs in modes that are added later:
///
/// - Items, shared value, results and errors are serde types. The parse errors of std are not; turn them into text.
/// - The function is a `fn` pointer: a plain function, or a closure without captures. `cargo check` refuses captures.
///   Pass what the function needs with [`Job::shared`](crate::Job::shared).
/// - [`Job::mode`](crate::Job::mode) comes before `worker_state` and `map`, so that closures coerce to pointers.
///
/// Where that is too much, use [`LocalMode`]. The cost is that of the chosen mode; the choice itself is one branch per
/// call. `"serial"`, `"threads"`, `"io"` and `"processes"` parse into it, and it displays as the same names. The parsed
/// `"processes"` has no limits: for those write `AnyMode::Processes(..)`.
///
/// ```
/// use manyhands::{AnyMode, Job};
/// fn scaled(factor: &u32, item: &u32) -> u32 {
///     factor * item
/// }
/// let mode: AnyMode = "threads".parse().unwrap();
/// let values = Job::new(&[1, 2, 3]).mode(mode).shared(&5).run(scaled)?.into_result()?;
/// assert_eq!(values, [5, 10, 15]);
/// # Ok::<(), manyhands::Error>(())
/// ```
///
/// ```compile_fail,E0308
/// use manyhands::{AnyMode, parallel_map};
/// let factor = 3;
/// let _ = parallel_map(AnyMode::Threads, &[1, 2], |n: &u32| n * factor); // captures `factor`; use `.shared(&factor)`
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnyMode {
    /// The mode [`Serial`].
    Serial,
    /// The mode [`Threads`].
    Threads,
    /// The mode [`IoThreads`].
    IoThreads,
    /// The mode [`Processes`], with these limits.
    #[cfg(feature = "processes")]
    Processes(Processes),
}

impl ModeSeal for AnyMode {}
impl<C: ProcessContext> SupportsContext<C> for AnyMode {}

impl<T, K> Mode<T, K> for AnyMode
where
    T: Sync + Serialize + DeserializeOwned,
    K: ProcessTask<T> + Sync,
    SharedOf<T, K>: Serialize + DeserializeOwned,
    K::Output: Send + Serialize + DeserializeOwned,
    K::Error: Send + Serialize + DeserializeOwned,
{
}

impl<T, K> Backend<T, K> for AnyMode
where
    T: Sync + Serialize + DeserializeOwned,
    K: ProcessTask<T> + Sync,
    SharedOf<T, K>: Serialize + DeserializeOwned,
    K::Output: Send + Serialize + DeserializeOwned,
    K::Error: Send + Serialize + DeserializeOwned,
{
    fn kind(&self) -> ModeKind {
        match self {
            Self::Serial => ModeKind::Serial,
            Self::Threads => ModeKind::Threads,
            Self::IoThreads => ModeKind::IoThreads,
            #[cfg(feature = "processes")]
            Self::Processes(_) => ModeKind::Processes,
        }
    }

    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        sink: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError> {
        match self {
            Self::Serial => Serial.drive(context, output, sink),
            Self::Threads => Threads.drive(context, output, sink),
            Self::IoThreads => IoThreads.drive(context, output, sink),
            #[cfg(feature = "processes")]
            Self::Processes(processes) => processes.drive(context, output, sink),
        }
    }
}

/// The names of all modes, for messages.
#[cfg(feature = "processes")]
const ANY_MODES: &str = "serial, threads, io, processes";
#[cfg(not(feature = "processes"))]
const ANY_MODES: &str = "serial, threads, io";

/// Widens a mode of this process.
///
/// ```
/// use manyhands::{AnyMode, LocalMode};
///
/// assert_eq!(AnyMode::from(LocalMode::IoThreads), AnyMode::IoThreads);
/// ```
impl From<LocalMode> for AnyMode {
    fn from(mode: LocalMode) -> Self {
        match mode {
            LocalMode::Serial => Self::Serial,
            LocalMode::Threads => Self::Threads,
            LocalMode::IoThreads => Self::IoThreads,
        }
    }
}

/// Parses the name of a mode, in lower case and without spaces around it. Without the feature `processes` the name
/// `"processes"` is an error.
///
/// ```
/// use manyhands::AnyMode;
///
/// assert_eq!("threads".parse::<AnyMode>().unwrap(), AnyMode::Threads);
/// assert!("gpu".parse::<AnyMode>().unwrap_err().to_string().contains("serial, threads, io"));
/// ```
impl FromStr for AnyMode {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        match name {
            #[cfg(feature = "processes")]
            "processes" => Ok(Self::Processes(Processes::new())),
            _ => name.parse::<LocalMode>().map(Self::from).map_err(|_| unknown_mode(name, ANY_MODES)),
        }
    }
}

/// Shows the name that parses into the mode; the limits of processes are not shown.
///
/// ```
/// use manyhands::AnyMode;
///
/// assert_eq!(AnyMode::Serial.to_string().parse::<AnyMode>().unwrap(), AnyMode::Serial);
/// ```
impl fmt::Display for AnyMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial => LocalMode::Serial.fmt(f),
            Self::Threads => LocalMode::Threads.fmt(f),
            Self::IoThreads => LocalMode::IoThreads.fmt(f),
            #[cfg(feature = "processes")]
            Self::Processes(_) => f.pad("processes"),
        }
    }
}
