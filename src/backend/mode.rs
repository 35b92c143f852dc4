//! How a call runs, as a value: each mode asks for its own bounds and no more.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(feature = "processes")]
use crate::backend::process::processes::Processes;
use crate::backend::task::Task;
use crate::backend::threads::{COMPUTING, WAITING};
use crate::backend::{BackendError, BackendStats, Output, ReportSink, RunContext, serial, threads};
use crate::error::Error;

/// A way to run a task over items of type `T`. Implemented by the modes of this crate, each with the bounds that it needs.
pub trait Mode<T, K: Task<T>>: sealed::Sealed {
    /// Fails the build where this mode cannot take the task: evaluated in each public entry.
    #[doc(hidden)]
    const ACCEPTS: () = ();

    /// Runs the plan to its end.
    #[doc(hidden)]
    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        gather: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError>;
}

pub(crate) mod sealed {
    /// What a plan asks of a mode.
    pub trait Sealed {
        /// Who works.
        fn crew(&self) -> super::ModeKind;
    }
}

/// Who works in a mode: decides the number of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeKind {
    /// The calling thread.
    Caller,
    /// Threads that compute.
    Computing,
    /// Threads that wait.
    Waiting,
    /// Processes that compute.
    #[cfg(feature = "processes")]
    Processes,
}

impl ModeKind {
    /// The name of the mode, as it is asked for.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Caller => "serial",
            Self::Computing => "threads",
            Self::Waiting => "io",
            #[cfg(feature = "processes")]
            Self::Processes => "processes",
        }
    }
}

/// In the calling thread, one item after the other: the meaning of all other modes. Asks for no bounds at all.
///
/// ```
/// use manyhands::{Serial, parallel_map};
/// let names = std::rc::Rc::new(["a", "b"]); // not Sync, and welcome here
/// assert_eq!(parallel_map(Serial, &[0, 1], |&idx: &usize| names[idx])?, ["a", "b"]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Serial;

/// On threads for work that computes: as many as [`ParallelConfig::max_workers_cpu`](crate::ParallelConfig::max_workers_cpu)
/// or [`Job::workers`](crate::Job::workers) says. Threads are kept between calls.
///
/// The function and the items are shared by reference (`Sync`), answers and errors travel (`Send`). Memory: 2 MiB of
/// reserved stack per thread, touched only as far as it is used. A call that is expected to take less than
/// [`serial_below_time`](crate::ParallelConfig::serial_below_time), measured in earlier calls of the same function, stays
/// in the calling thread.
///
/// ```
/// use manyhands::{Threads, parallel_map};
/// assert_eq!(parallel_map(Threads, &[1, 2, 3], |n| n * n * n)?, [1, 8, 27]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Threads;

impl Threads {
    /// Threads for work that waits, for disks or servers: more of them than cores, in a pool of their own.
    ///
    /// ```
    /// use manyhands::{Threads, parallel_map};
    /// let sizes = parallel_map(Threads::io(), &["Cargo.toml", "src/lib.rs"], |path| {
    ///     std::fs::metadata(path).map(|file| file.len()).unwrap_or(0)
    /// })?;
    /// assert!(sizes.iter().all(|&size| size > 0));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn io() -> IoThreads {
        IoThreads
    }
}

/// On threads for work that waits: see [`Threads::io`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IoThreads;

/// A mode of this process, chosen at run time. Asks for what threads ask for; functions may capture.
///
/// ```
/// use manyhands::{LocalMode, parallel_map};
/// let factor = 3;
/// for name in ["serial", "threads", "io"] {
///     let mode: LocalMode = name.parse().unwrap();
///     assert_eq!(parallel_map(mode, &[1, 2], |n| n * factor)?, [3, 6]);
/// }
/// assert!("gpu".parse::<LocalMode>().unwrap_err().to_string().contains("serial, threads, io"));
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalMode {
    /// [`Serial`].
    Serial,
    /// [`Threads`].
    Threads,
    /// [`IoThreads`].
    IoThreads,
}

/// Any mode, chosen at run time, with the function written once. Asks for what every mode asks for, so that a program
/// that compiles today runs in modes that are added later: items, shared value, answers and errors that are serde types
/// (std's parse errors are not: turn them into text), and a function that captures nothing, which is checked by
/// `cargo build`, not by `cargo check`. Where that is too much, use [`LocalMode`].
///
/// ```
/// use manyhands::{AnyMode, Job};
/// fn scaled(factor: &u32, item: &u32) -> u32 {
///     factor * item
/// }
/// let mode: AnyMode = "threads".parse().unwrap();
/// let values = Job::new(&[1, 2, 3]).mode(mode).shared(&5).run(scaled)?.into_values()?;
/// assert_eq!(values, [5, 10, 15]);
/// # Ok::<(), manyhands::Error>(())
/// ```
///
/// ```compile_fail,E0080
/// use manyhands::{AnyMode, parallel_map};
/// let factor = 3;
/// let _ = parallel_map(AnyMode::Threads, &[1, 2], |n: &u32| n * factor); // captures `factor`: use .shared(&factor)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnyMode {
    /// [`Serial`].
    Serial,
    /// [`Threads`].
    Threads,
    /// [`IoThreads`].
    IoThreads,
    /// [`Processes`], with these limits.
    #[cfg(feature = "processes")]
    Processes(Processes),
}

impl sealed::Sealed for Serial {
    fn crew(&self) -> ModeKind {
        ModeKind::Caller
    }
}

impl sealed::Sealed for Threads {
    fn crew(&self) -> ModeKind {
        ModeKind::Computing
    }
}

impl sealed::Sealed for IoThreads {
    fn crew(&self) -> ModeKind {
        ModeKind::Waiting
    }
}

impl sealed::Sealed for LocalMode {
    fn crew(&self) -> ModeKind {
        match self {
            Self::Serial => ModeKind::Caller,
            Self::Threads => ModeKind::Computing,
            Self::IoThreads => ModeKind::Waiting,
        }
    }
}

impl sealed::Sealed for AnyMode {
    fn crew(&self) -> ModeKind {
        match self {
            Self::Serial => ModeKind::Caller,
            Self::Threads => ModeKind::Computing,
            Self::IoThreads => ModeKind::Waiting,
            #[cfg(feature = "processes")]
            Self::Processes(_) => ModeKind::Processes,
        }
    }
}

impl<T, K: Task<T>> Mode<T, K> for Serial {
    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        gather: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError> {
        serial::run(context, output, gather)
    }
}

impl<T, K> Mode<T, K> for Threads
where
    T: Sync,
    K: Task<T> + Sync,
    K::Output: Send,
    K::Error: Send,
{
    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        gather: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError> {
        threads::run(&COMPUTING, context.budget.computing, context, output, gather)
    }
}

impl<T, K> Mode<T, K> for IoThreads
where
    T: Sync,
    K: Task<T> + Sync,
    K::Output: Send,
    K::Error: Send,
{
    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        gather: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError> {
        threads::run(&WAITING, context.budget.waiting, context, output, gather)
    }
}

impl<T, K> Mode<T, K> for LocalMode
where
    T: Sync,
    K: Task<T> + Sync,
    K::Output: Send,
    K::Error: Send,
{
    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        gather: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError> {
        match self {
            Self::Serial => Serial.drive(context, output, gather),
            Self::Threads => Threads.drive(context, output, gather),
            Self::IoThreads => IoThreads.drive(context, output, gather),
        }
    }
}

impl<T, K> Mode<T, K> for AnyMode
where
    T: Sync + Serialize + DeserializeOwned,
    K: Task<T> + Sync,
    K::Shared: Serialize + DeserializeOwned,
    K::Output: Send + Serialize + DeserializeOwned,
    K::Error: Send + Serialize + DeserializeOwned,
{
    const ACCEPTS: () = refuse_captures(K::CAPTURES);

    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        gather: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError> {
        match self {
            Self::Serial => Serial.drive(context, output, gather),
            Self::Threads => Threads.drive(context, output, gather),
            Self::IoThreads => IoThreads.drive(context, output, gather),
            #[cfg(feature = "processes")]
            Self::Processes(processes) => processes.drive(context, output, gather),
        }
    }
}

/// Fails the build of a call whose function could not travel.
pub(crate) const fn refuse_captures(captures: bool) {
    assert!(
        !captures,
        "this mode may run in another process, so the function must capture nothing and be no pointer: name the function itself, and pass what it needs with .shared(&value)"
    );
}

impl From<LocalMode> for AnyMode {
    fn from(mode: LocalMode) -> Self {
        match mode {
            LocalMode::Serial => Self::Serial,
            LocalMode::Threads => Self::Threads,
            LocalMode::IoThreads => Self::IoThreads,
        }
    }
}

impl FromStr for LocalMode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "serial" => Ok(Self::Serial),
            "threads" => Ok(Self::Threads),
            "io" => Ok(Self::IoThreads),
            _ => Err(unknown_mode(name, "serial, threads, io")),
        }
    }
}

#[cfg(feature = "processes")]
const ANY_MODES: &str = "serial, threads, io, processes";
#[cfg(not(feature = "processes"))]
const ANY_MODES: &str = "serial, threads, io";

fn unknown_mode(name: &str, known: &str) -> Error {
    Error::config(format!("mode {name:?} is not known; use one of {known}"))
}

impl FromStr for AnyMode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            #[cfg(feature = "processes")]
            "processes" => Ok(Self::Processes(Processes::new())),
            _ => name.parse::<LocalMode>().map(Self::from).map_err(|_| unknown_mode(name, ANY_MODES)),
        }
    }
}

impl fmt::Display for LocalMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Serial => "serial",
            Self::Threads => "threads",
            Self::IoThreads => "io",
        })
    }
}

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
