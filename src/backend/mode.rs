//! Modes: values that say how a call runs. Here are the traits, and the modes of this process with their bounds.
//!
//! [`AnyMode`](crate::AnyMode), which includes processes, is in `any_mode.rs`, `Processes` in `process/processes.rs`.
//! The work itself is left to the backends `serial.rs` and `threads.rs`.

use std::fmt;
use std::str::FromStr;

use crate::backend::contract::{Backend, BackendError, BackendStats, ModeKind, Output, ReportSink, RunContext};
use crate::backend::task::{Context, NoContext, Task};
use crate::backend::threads::{COMPUTING, WAITING};
use crate::backend::{serial, threads};
use crate::config_error::ConfigError;

/// A way to run a task over items of type `T`. Sealed.
///
/// | mode | runs on | needs |
/// |---|---|---|
/// | [`Serial`] | the calling thread | nothing |
/// | [`Threads`], [`IoThreads`], [`LocalMode`] | threads | `Sync` items and function, `Send` results and errors |
/// | `Processes`, [`AnyMode`](crate::AnyMode) | worker processes, or any | serde types and a `fn` pointer as well |
///
/// All modes give the same results; they differ in cost and in what they survive. Generic code names the mode together
/// with the task that it runs, see [`MapFn`](crate::job::MapFn):
///
/// ```
/// use manyhands::job::MapFn;
/// use manyhands::{Mode, Serial, Threads, parallel_map};
///
/// fn lengths<M: Mode<String, MapFn<fn(&String) -> usize>>>(mode: M, names: &[String]) -> Vec<usize> {
///     parallel_map(mode, names, |name| name.len()).expect("no item panics")
/// }
/// let names = ["Vega".to_owned(), "Deneb".to_owned()];
/// assert_eq!(lengths(Serial, &names), [4, 5]);
/// assert_eq!(lengths(Threads, &names), [4, 5]);
/// ```
#[expect(private_bounds, reason = "a seal: how a backend runs is private, and no other crate implements a mode")]
#[diagnostic::on_unimplemented(
    message = "the mode `{Self}` cannot run `{K}` over items of type `{T}`",
    note = "threads share the items and the function (`Sync`); results and errors travel (`Send`)",
    note = "in processes items, shared value, results and errors are serde types too, and the function is a `fn` pointer"
)]
pub trait Mode<T, K: Task<T>>: Backend<T, K> + SupportsContext<NoContext> + SupportsContext<K::Context> {}

/// A mode whose workers can prepare the context `C`. Sealed.
///
/// The threads of this process prepare any context. Processes prepare [`NoContext`], a [`Shared`](crate::job::Shared)
/// value, and a [`WorkerState`](crate::job::WorkerState) that a `fn` pointer makes. The bound is checked at
/// `.worker_state(..)`, before the function is known:
///
/// ```
/// use manyhands::job::{NoContext, SupportsContext};
/// use manyhands::{AnyMode, LocalMode, Threads};
///
/// fn needs_no_context<M: SupportsContext<NoContext>>(_mode: M) -> bool {
///     true
/// }
/// assert!(needs_no_context(Threads) && needs_no_context(LocalMode::Serial) && needs_no_context(AnyMode::Serial));
/// ```
#[expect(private_bounds, reason = "a seal: no other crate implements a mode")]
#[diagnostic::on_unimplemented(
    message = "the mode `{Self}` cannot be used for this job",
    label = "not known to be a mode that can prepare what this job's function gets besides the item",
    note = "processes need a `fn` pointer to make a worker's state: set `.mode(..)` before `.worker_state(..)`, or write `.worker_state(init as fn() -> _)`",
    note = "generic code needs the bound `M: Mode<T, MapFn<fn(&T) -> R>>`"
)]
pub trait SupportsContext<C>: ModeSeal {}

/// Seals [`Mode`] and [`SupportsContext`].
///
/// Private, so that a mode that this crate adds later, or a new method of a mode, breaks no other crate.
pub(crate) trait ModeSeal {}

/// Runs in the calling thread, one item after the other. All other modes give the same results as this one.
///
/// It has no bounds: items, function, results and errors need be neither `Send` nor `Sync`. Cost: no thread is started
/// or woken, and no memory is used beyond the results. A panic becomes a failure of its item, as in every mode. Use it
/// for debugging, and where items are so quick that other modes cost more than they save.
///
/// ```
/// use manyhands::{Serial, parallel_map};
/// let names = std::rc::Rc::new(["a", "b"]); // `Rc` is not `Sync`
/// assert_eq!(parallel_map(Serial, &[0, 1], |&idx: &usize| names[idx])?, ["a", "b"]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Serial;

/// Runs on threads, for work that computes.
///
/// The number of threads is [`ParallelConfig::max_workers_cpu`](crate::ParallelConfig::max_workers_cpu), unless
/// [`Job::workers`](crate::Job::workers) says another. The function and the items are shared by reference (`Sync`);
/// results and errors are sent to the caller (`Send`). Functions may capture.
///
/// Cost: the first call starts threads, later calls reuse them. A call wakes its helpers, some microseconds each; a
/// claim of a chunk is some 100 ns. A call that is expected to take less than
/// [`serial_below_time`](crate::ParallelConfig::serial_below_time), as measured in earlier calls of the same function,
/// starts in the calling thread. Memory: nothing is copied. Each thread reserves 2 MiB of address space for its stack,
/// of which only the used part takes memory.
///
/// Limits: an item that aborts or crashes ends the whole program, and an item that hangs cannot be stopped. `Processes`
/// survives both.
///
/// ```
/// use manyhands::{Threads, parallel_map};
/// assert_eq!(parallel_map(Threads, &[1, 2, 3], |n| n * n * n)?, [1, 8, 27]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Threads;

impl Threads {
    /// The mode [`IoThreads`]: threads for work that waits for disks or servers.
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

/// Runs on threads, for work that waits for disks or servers. [`Threads::io`] makes it, too.
///
/// As [`Threads`], but with [`ParallelConfig::max_workers_io`](crate::ParallelConfig::max_workers_io) threads, which
/// may be more than there are cores, in a pool of their own. So waiting items never occupy a thread for computing. For
/// items that compute, more threads than cores only cost memory and cache misses: use [`Threads`].
///
/// ```
/// use manyhands::{IoThreads, parallel_map};
/// use std::time::Duration;
///
/// let delays = [2_u64, 1];
/// let waited = parallel_map(IoThreads, &delays, |&delay| {
///     std::thread::sleep(Duration::from_millis(delay));
///     delay
/// })?;
/// assert_eq!(waited, delays);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IoThreads;

/// A mode of this process, chosen at run time.
///
/// It has the bounds of [`Threads`]; functions may capture. The cost is that of the chosen mode; the choice itself is
/// one branch per call. `"serial"`, `"threads"` and `"io"` parse into it, and it displays as the same names. For
/// processes as well use [`AnyMode`](crate::AnyMode), which has more bounds.
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
    /// The mode [`Serial`].
    Serial,
    /// The mode [`Threads`].
    Threads,
    /// The mode [`IoThreads`].
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

/// The names of the modes of this process, for messages.
const LOCAL_MODES: &str = "serial, threads, io";

/// The error for a name that is none of the `known` ones.
///
/// It names all modes that the type knows, so that a misspelt setting is corrected without a look into the docs.
pub(crate) fn unknown_mode(name: &str, known: &str) -> ConfigError {
    ConfigError::new(format!("mode {name:?} is not known; use one of {known}"))
}

/// Parses the name of a mode, in lower case and without spaces around it.
///
/// ```
/// use manyhands::LocalMode;
///
/// assert_eq!("io".parse::<LocalMode>().unwrap(), LocalMode::IoThreads);
/// assert!("IO".parse::<LocalMode>().is_err());
/// ```
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

/// Shows the name that parses into the mode. Width and alignment apply.
///
/// ```
/// use manyhands::LocalMode;
///
/// assert_eq!(LocalMode::IoThreads.to_string(), "io");
/// assert_eq!(format!("[{:>8}]", LocalMode::Serial), "[  serial]");
/// ```
impl fmt::Display for LocalMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Serial => "serial",
            Self::Threads => "threads",
            Self::IoThreads => "io",
        })
    }
}
