//! The mode that runs items in processes of their own, as a value: what it limits and what it asks for. Runs nothing.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::mode::{Mode, ModeKind, refuse_captures, sealed};
use crate::backend::process::limits::Limits;
use crate::backend::process::system;
use crate::backend::task::Task;
use crate::backend::{BackendError, BackendStats, Output, ReportSink, RunContext};

/// In processes of their own: an item that aborts, overflows its stack, runs out of memory or never ends takes nothing with
/// it but its own answer. As many as [`ParallelConfig::max_workers_cpu`](crate::ParallelConfig::max_workers_cpu) or
/// [`Job::workers`](crate::Job::workers) says.
///
/// A worker is a copy of the running program, so [`init`](crate::backend::process::init) must come first in `main`; without it, a call is an
/// error that says so. Items, the [shared](crate::Job::shared) value, answers and errors are serde types and are copied; the
/// function captures nothing, which is checked by `cargo build`, not by `cargo check`. A captured value of size zero passes,
/// and is made anew in the worker: capture none that stands for something that was done in this process. No item ever runs in the calling process; but a call made inside of a worker runs on the
/// worker's threads, of which it has its share of the cores.
///
/// Items and answers travel in postcard, which does not describe itself: types with `#[serde(untagged)]`, `tag`, `flatten` or
/// `skip_serializing_if`, and `serde_json::Value`, fail to travel ([`Cause::Encoding`](crate::Cause::Encoding)); send those as
/// text. A worker has the directory and the environment of its start, `/dev/null` for its stdin, and no arguments.
///
/// What workers print, on either stream, goes to this process's stderr, line by line, with the worker's number. Workers are
/// kept for the next call until the program ends; [`end_idle_workers`](Processes::end_idle_workers) ends them before. A call that
/// is made in an item of [`Threads`](crate::Threads) gets one worker, as there are as many such calls as threads.
///
/// Where a failure or a break ends the call, a worker whose item nobody wants any more is killed if it is not done within 30
/// ms. A cancelled call waits for the items in hand, so give it a time limit where they may hang. A worker that is killed takes
/// along what it started; one whose caller dies does not. Limits are those of the call that has them: calls made inside of an item have none.
///
/// Costs: a first call starts its workers, one after the other; then a call costs a message there and one back, and items of
/// less than a microsecond travel in frames of a millisecond's work; the records of the benches say how
/// much that is. Each worker adds what the program needs before `main`, some MiB, and up to eight buffers for bodies above 64
/// KiB, each as long as the longest that it had to hold; they are given back when it ends. Linux only so far: elsewhere a call is an error ([`Error::is_unsupported`]).
///
/// ```standalone_crate
/// use manyhands::{Job, OnFailure, Processes, parallel_map};
/// use std::time::Duration;
///
/// manyhands::init();
/// let squares = parallel_map(Processes::new(), &[1, 2, 3], |n: &i32| n * n).unwrap();
/// assert_eq!(squares, [1, 4, 9]);
///
/// let outcome = Job::new(&[1, 2, 3])
///     .mode(Processes::new().time_limit(Duration::from_secs(10)))
///     .on_failure(OnFailure::Continue)
///     .run(|n: &i32| if *n == 2 { std::process::abort() } else { *n })
///     .unwrap();
/// assert!(outcome.failures()[0].is_lost());
/// assert_eq!(outcome.into_options(), [Some(1), None, Some(3)]);
/// ```
///
/// ```compile_fail,E0080
/// use manyhands::{Processes, parallel_map};
/// let factor = 3;
/// let _ = parallel_map(Processes::new(), &[1, 2], |n: &i32| n * factor); // captures `factor`: use .shared(&factor)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "a mode does nothing until a call is given it"]
pub struct Processes {
    limits: Limits,
}

impl Processes {
    /// Processes without limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long one attempt at an item may take. At the limit its worker gets SIGTERM, and 50 ms later, or after its
    /// [`grace`](Processes::grace), SIGKILL; the item fails
    /// with [`Cause::TimeLimit`](crate::Cause::TimeLimit), and a new worker takes over. The calling thread looks after it, so
    /// a callback or an iterator that blocks holds it up.
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, OnFailure, Processes};
    /// use std::time::Duration;
    ///
    /// manyhands::init();
    /// let outcome = Job::new(&[1, 3600])
    ///     .mode(Processes::new().time_limit(Duration::from_millis(100)))
    ///     .on_failure(OnFailure::Continue)
    ///     .run(|millis: &u64| std::thread::sleep(Duration::from_millis(*millis)))
    ///     .unwrap();
    /// assert_eq!(outcome.failures()[0].to_string(), "item 1 took longer than its time limit of 100ms");
    /// ```
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limits.time = Some(limit);
        self
    }

    /// How long one attempt at an item may take, in percent of the median of the last 255 items that were finished: for items of
    /// which nobody knows how long they take, but that they are alike. Nothing is limited before ten are finished. Where there is a
    /// [`time_limit`](Processes::time_limit) too, the shorter one counts.
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, OnFailure, Processes};
    /// use std::time::Duration;
    ///
    /// manyhands::init();
    /// let minutes: Vec<u64> = (0..20).map(|item| if item == 15 { 60_000 } else { 20 }).collect();
    /// let outcome = Job::new(&minutes)
    ///     .mode(Processes::new().time_limit_percent(2000))
    ///     .on_failure(OnFailure::Continue)
    ///     .run(|millis: &u64| std::thread::sleep(Duration::from_millis(*millis)))
    ///     .unwrap();
    /// assert!(outcome.failures()[0].is_time_limit());
    /// assert_eq!((outcome.failures().len(), outcome.failures()[0].index), (1, 15));
    /// ```
    pub fn time_limit_percent(mut self, percent: u32) -> Self {
        self.limits.time_percent = Some(percent);
        self
    }

    /// How long an item whose time is up has to end after SIGTERM, before SIGKILL comes; without this, 50 ms. For workers that
    /// put something away at that signal.
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, OnFailure, Processes};
    /// use std::time::Duration;
    ///
    /// manyhands::init();
    /// let outcome = Job::new(&[1_u32])
    ///     .mode(Processes::new().time_limit(Duration::from_millis(100)).grace(Duration::from_millis(200)))
    ///     .on_failure(OnFailure::Continue)
    ///     .run(|_| std::thread::sleep(Duration::from_secs(3600)))
    ///     .unwrap();
    /// assert!(outcome.failures()[0].is_time_limit());
    /// ```
    pub fn grace(mut self, time: Duration) -> Self {
        self.limits.grace = Some(time);
        self
    }

    /// How many bytes of memory of its own a worker may have, the program's at its start included; shared memory, such as a
    /// [`SharedSlice`](crate::SharedSlice), does not count. An allocation beyond it fails: as a rule the worker aborts, and its
    /// item fails with [`Cause::MemoryLimit`](crate::Cause::MemoryLimit); an item that reserves with `try_reserve` may go on.
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, OnFailure, Processes};
    ///
    /// manyhands::init();
    /// let outcome = Job::new(&[1, 4000])
    ///     .mode(Processes::new().memory_limit(500 << 20))
    ///     .on_failure(OnFailure::Continue)
    ///     .run(|mib: &usize| std::hint::black_box(vec![1_u8; mib << 20]).len())?;
    /// assert!(outcome.failures()[0].is_memory_limit());
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.limits.memory = Some(bytes);
        self
    }

    /// A worker is replaced by a new one after this many items, for functions that leak.
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, Processes};
    ///
    /// manyhands::init();
    /// let outcome = Job::new(&[0; 10]).mode(Processes::new().recycle_after(4)).workers(1).run(|_: &i32| std::process::id())?;
    /// assert_eq!(outcome.tally().recycled_workers, 2);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn recycle_after(mut self, items: usize) -> Self {
        self.limits.recycle_after = Some(items);
        self
    }

    /// A worker is replaced by a new one when it has more bytes than this in memory, shared memory not counted. It is looked at
    /// between frames, every 10 ms at most; frames that are on their way are finished first.
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, Processes};
    ///
    /// manyhands::init();
    /// let leaky = Processes::new().recycle_above(1 << 30);
    /// assert_eq!(Job::new(&[1, 2]).mode(leaky).run(|n: &i32| n + 1)?.into_values()?, [2, 3]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn recycle_above(mut self, bytes: u64) -> Self {
        self.limits.recycle_above = Some(bytes);
        self
    }

    /// No item is begun twice: one whose worker died fails at once, where otherwise it gets a second try. For functions that
    /// do something to the world. Costs: items travel one by one, each after the answer to the one before.
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, OnFailure, Processes};
    ///
    /// manyhands::init();
    /// let outcome = Job::new(&[1, 2])
    ///     .mode(Processes::new().at_most_once())
    ///     .on_failure(OnFailure::Continue)
    ///     .run(|n: &i32| if *n == 2 { std::process::abort() } else { *n })?;
    /// assert_eq!(outcome.failures()[0].attempts, 1);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn at_most_once(mut self) -> Self {
        self.limits.at_most_once = true;
        self
    }

    /// Ends the workers that wait for a next call, and gives their number. Those of running calls go on.
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, Processes};
    ///
    /// manyhands::init();
    /// Job::new(&[1, 2, 3, 4]).mode(Processes::new()).workers(2).run(|n: &i32| n + 1).unwrap();
    /// assert!(Processes::end_idle_workers() > 0);
    /// assert_eq!(Processes::end_idle_workers(), 0);
    /// ```
    pub fn end_idle_workers() -> usize {
        system::end_idle_workers()
    }
}

impl sealed::Sealed for Processes {
    fn crew(&self) -> ModeKind {
        ModeKind::Processes
    }
}

impl<T, K> Mode<T, K> for Processes
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
        self.limits.check().map_err(|error| BackendError::Unprepared(error.to_string()))?;
        system::run(&self.limits, context, output, gather)
    }
}
