//! How a call runs, as a value: the modes of this process. Each mode asks for its own bounds and no more.
//!
//! [`AnyMode`](crate::AnyMode), which may also be processes, is in `any_mode.rs`; [`Processes`](crate::Processes) in
//! `process/processes.rs`.

use std::fmt;
use std::str::FromStr;

use crate::backend::contract::{Backend, BackendError, BackendStats, ModeKind, Output, ReportSink, RunContext};
use crate::backend::task::{Context, NoContext, Task};
use crate::backend::threads::{COMPUTING, WAITING};
use crate::backend::{serial, threads};
use crate::config_error::ConfigError;

/// A way to run a task over items of type `T`: [`Serial`], [`Threads`], [`IoThreads`], [`LocalMode`], `Processes` or
/// `AnyMode`, each with the bounds that it needs. Sealed.
///
/// Generic code asks for it with the task that it runs: see [`MapFn`](crate::job::MapFn).
#[expect(private_bounds, reason = "a seal: how a backend runs is private, and no other crate implements a mode")]
#[diagnostic::on_unimplemented(
    message = "the mode `{Self}` cannot run `{K}` over items of type `{T}`",
    note = "threads share the items and the function (`Sync`); results and errors travel (`Send`)",
    note = "in processes items, shared value, results and errors are serde types too, and the function is a `fn` pointer"
)]
pub trait Mode<T, K: Task<T>>: Backend<T, K> + SupportsContext<NoContext> + SupportsContext<K::Context> {}

/// A mode whose workers can prepare a context: any context on the threads of this process; in processes no context, a
/// shared value, or a worker state that a `fn` pointer makes. Sealed.
#[expect(private_bounds, reason = "a seal: no other crate implements a mode")]
#[diagnostic::on_unimplemented(
    message = "the mode `{Self}` cannot prepare the worker state of this job",
    label = "this mode may run in other processes, which need a `fn` pointer to make a worker's state",
    note = "set `.mode(..)` before `.worker_state(..)`, or write `.worker_state(init as fn() -> _)`"
)]
pub trait SupportsContext<C>: ModeSeal {}

/// Seals [`Mode`] and [`SupportsContext`].
pub(crate) trait ModeSeal {}

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

impl ModeSeal for Serial {}
impl<C: Context> SupportsContext<C> for Serial {}

impl<T, K: Task<T>> Mode<T, K> for Serial {}

impl<T, K: Task<T>> Backend<T, K> for Serial {
    fn kind(&self) -> ModeKind {
        ModeKind::Serial
    }

    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        sink: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError> {
        serial::run(context, output, sink)
    }
}

impl ModeSeal for Threads {}
impl<C: Context> SupportsContext<C> for Threads {}

impl<T, K> Mode<T, K> for Threads
where
    T: Sync,
    K: Task<T> + Sync,
    K::Output: Send,
    K::Error: Send,
{
}

impl<T, K> Backend<T, K> for Threads
where
    T: Sync,
    K: Task<T> + Sync,
    K::Output: Send,
    K::Error: Send,
{
    fn kind(&self) -> ModeKind {
        ModeKind::Threads
    }

    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        sink: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError> {
        threads::run(&COMPUTING, context.budget.computing, context, output, sink)
    }
}

impl ModeSeal for IoThreads {}
impl<C: Context> SupportsContext<C> for IoThreads {}

impl<T, K> Mode<T, K> for IoThreads
where
    T: Sync,
    K: Task<T> + Sync,
    K::Output: Send,
    K::Error: Send,
{
}

impl<T, K> Backend<T, K> for IoThreads
where
    T: Sync,
    K: Task<T> + Sync,
    K::Output: Send,
    K::Error: Send,
{
    fn kind(&self) -> ModeKind {
        ModeKind::IoThreads
    }

    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        sink: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError> {
        threads::run(&WAITING, context.budget.waiting, context, output, sink)
    }
}

impl ModeSeal for LocalMode {}
impl<C: Context> SupportsContext<C> for LocalMode {}

impl<T, K> Mode<T, K> for LocalMode
where
    T: Sync,
    K: Task<T> + Sync,
    K::Output: Send,
    K::Error: Send,
{
}

impl<T, K> Backend<T, K> for LocalMode
where
    T: Sync,
    K: Task<T> + Sync,
    K::Output: Send,
    K::Error: Send,
{
    fn kind(&self) -> ModeKind {
        match self {
            Self::Serial => ModeKind::Serial,
            Self::Threads => ModeKind::Threads,
            Self::IoThreads => ModeKind::IoThreads,
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
        }
    }
}

/// The names of the modes of this process.
const LOCAL_MODES: &str = "serial, threads, io";

pub(crate) fn unknown_mode(name: &str, known: &str) -> ConfigError {
    ConfigError::new(format!("mode {name:?} is not known; use one of {known}"))
}

impl FromStr for LocalMode {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        match name {
            "serial" => Ok(Self::Serial),
            "threads" => Ok(Self::Threads),
            "io" => Ok(Self::IoThreads),
            _ => Err(unknown_mode(name, LOCAL_MODES)),
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
