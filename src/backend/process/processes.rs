//! The mode that runs items in worker processes, as a value: its limits and its bounds. Leaves to `system.rs` to run a
//! call.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::contract::{Backend, BackendError, BackendStats, ModeKind, Output, ReportSink, RunContext};
use crate::backend::mode::{Mode, ModeSeal, SupportsContext};
use crate::backend::process::limits::Limits;
use crate::backend::process::system;
use crate::backend::process_task::{ProcessContext, ProcessTask};
use crate::backend::task::SharedOf;
use crate::encoding::Format;

/// The mode that runs items in worker processes. A crash ends one worker and fails one item.
///
/// An item that aborts, overflows its stack, exhausts memory, is killed or never ends takes only its own result with
/// it; its worker is replaced, and the call goes on. Use it for code that can do that: C libraries, `unsafe`, unbounded
/// recursion, memory that depends on the data. Where panics are the worst that can happen, [`Threads`](crate::Threads)
/// catches them and costs less.
///
/// There are as many workers as [`ParallelConfig::max_workers_cpu`](crate::ParallelConfig::max_workers_cpu) or
/// [`Job::workers`](crate::Job::workers) says. A call that is made in an item of [`Threads`](crate::Threads) gets one,
/// as there are as many such calls as threads.
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
/// # What a program needs
/// A worker is a copy of the running program, so [`init`](crate::init) must come first in `main`; without it, a call is
/// an error that says so. Linux only so far: on other systems a call is an error
/// ([`Error::is_unsupported`](crate::Error::is_unsupported)).
///
/// # What travels
/// Items, the [shared](crate::Job::shared) value, results and errors are encoded with serde and copied; a
/// [`SharedSlice`](crate::SharedSlice) in them is not. The usual format does not describe itself, so types with
/// `#[serde(untagged)]`, `tag`, `flatten`, `skip_serializing_if` or a skipped variant, and `serde_json::Value`, need
/// [`Format::SelfDescribing`](crate::process::Format::SelfDescribing): see [`format`](Processes::format). One value may
/// be 4 GiB long at most.
///
/// What is written must read back. The first values of a call, and each value that takes a form which none before it had,
/// another variant for instance, are read by the worker and compared. A value that would arrive as another one fails its
/// item with [`Cause::Encoding`](crate::Cause::Encoding), and the message says what disagreed.
///
/// A value that travels is a copy, and its worker drops its own: the result once it is encoded, and a copy that was read back.
/// So a type that removes a file when it is dropped arrives without the file: return the path instead.
///
/// The function captures nothing, and `cargo check` names what a closure captures:
///
/// ```compile_fail,E0308
/// use manyhands::{Processes, parallel_map};
/// let factor = 3;
/// let _ = parallel_map(Processes::new(), &[1, 2], |n: &i32| n * factor); // captures `factor`: pass it with `Job::shared`
/// ```
///
/// # What a worker is
/// It has the directory, the environment and the user that the program has at the call, `/dev/null` as its stdin, and no
/// arguments. No item ever runs in the calling process; a call that is made in a worker runs on that worker's threads, of
/// which it has its share of the cores, and without limits.
///
/// What the program changes while a call runs, later calls see, and this one does not: a worker that is started then, after a
/// death for instance, has the directory and the environment of the call's begin. The user of its begin it cannot have:
/// where the program has become another one, the call starts no worker any more, and items that are left without one fail
/// with that reason.
///
/// After a call, workers stay for the next one, until the program ends or
/// [`end_idle_workers`](Processes::end_idle_workers) is called. Where the program has changed its directory, environment
/// or user since a worker was started, the next call replaces that worker. What an item does to them, later calls do not
/// see: directory and mask for new files are set back, and a worker whose environment or user was changed is replaced.
/// Both count as [recycled](crate::Tally::recycled_workers). The program's mask alone reaches no worker that it has
/// already, as Linux has no cheap way to read it: end the idle workers after you have changed it. What else belongs to a
/// process, such as signal handlers, limits or the statics of libraries, stays as the items of earlier calls have left it.
///
/// What a worker prints, on either stream, goes to this process's stderr line by line, with the worker's number; a line
/// without an end, when the call or the worker ends. What an item has printed is passed on before its result, also from
/// C. An item that ends its worker loses what std's stdout still keeps of it then: a line without an end.
///
/// # What items start
/// Programs that an item starts belong to the process group of its worker, and end with it: at a time limit, after a
/// crash, when it is recycled or ended, and when the calling program ends, in whatever way, Ctrl+C and SIGKILL included.
/// One that an item leaves behind runs on until then. One that makes a group or a session of its own, as `setsid`,
/// `timeout` and shells with job control do, or that runs as another user, is not ended.
///
/// It takes the calling program or the kernel to end them. So they go on where both the program and the worker are killed in
/// the same moment, as `killall -9` does, and where a worker crashes whose exit the program itself has waited for, by
/// `waitpid(-1, ..)` or by ignoring `SIGCHLD`. A child that the calling program has forked holds up none of this. One that it
/// has made by a bare `clone`, and that neither runs another program nor makes a call, does so until it ends, for workers too.
///
/// # Who may be a worker
/// A process becomes a worker only of its own parent, if that runs as the same user and is the same program. A program
/// that runs with more rights than the user who started it (set-user-id, set-group-id, capabilities, or a security domain of
/// its own by SELinux or AppArmor with a clean environment) becomes no worker and starts none: a call in it is an error
/// ([`Error::is_unsupported`](crate::Error::is_unsupported)), also after it has given these rights up, since its workers
/// would get them anew. So is a call while the real and the effective user or group differ. Such a program can run the items in [`Threads`](crate::Threads), or start another program for them.
///
/// # Stopping
/// When a failure or a `break` ends the call, a worker that is not done with its item within 30 ms is killed. A
/// cancelled call waits for the items in hand, so set a [`time_limit`](Processes::time_limit) where they may hang.
///
/// # Costs
/// The first call starts its workers, one after the other. After that a call costs a message to each worker and one
/// back, and items of less than a microsecond travel in frames of a millisecond's work; the records of the benches have
/// numbers. Each worker adds the memory that the program needs before `main`, some MiB, and up to eight buffers for
/// messages above 64 KiB, each as long as the longest that it had to hold.
///
/// # Concurrency
/// The calling thread does all that the mode does: a callback that blocks holds up time limits and new work. Several calls at a time share nothing but the pool of idle workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "a mode does nothing until a call is given it"]
pub struct Processes {
    /// Checked when a call begins.
    limits: Limits,
}

impl Processes {
    /// The mode without limits.
    ///
    /// ```standalone_crate
    /// use manyhands::{Processes, parallel_map};
    ///
    /// manyhands::init();
    /// assert_eq!(parallel_map(Processes::new(), &[1, 2], |n: &i32| n + 1).unwrap(), [2, 3]);
    /// ```
    ///
    /// A mode is plain data: it starts nothing, and can be copied, compared and used for any number of calls.
    ///
    /// ```
    /// use manyhands::Processes;
    /// use std::time::Duration;
    ///
    /// let strict = Processes::new().time_limit(Duration::from_secs(5)).memory_limit(1 << 30);
    /// let again = strict;
    /// assert_eq!(strict, again);
    /// assert_ne!(strict, Processes::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits how long one attempt at an item may take.
    ///
    /// At the limit the worker gets SIGTERM, and after 50 ms or its [`grace`](Processes::grace) SIGKILL. The item fails
    /// with [`Cause::TimeLimit`](crate::Cause::TimeLimit), and a new worker takes over. The calling thread watches the
    /// time, to about 20 ms, so a callback or an iterator that blocks delays the end. A limit of 0 is an error of the
    /// call.
    ///
    /// The time of an item begins when its function is called, so items that wait in a frame behind a slow one lose
    /// none of it. There is no limit for making a worker's state and for reading the shared value, which no item is to blame
    /// for: let a function that may hang there look at a clock of its own. A worker that is stopped (SIGSTOP) before it has begun
    /// an item is replaced after the limit. Time in which the program was stopped [does not count](crate::job#time-that-does-not-count). Costs
    /// nothing per item in the worker; the calling thread looks at each worker's page of shared memory when it wakes.
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

    /// Limits how long one attempt at an item may take, in percent of the median of the last 255 finished items: for
    /// items of unknown but similar duration.
    ///
    /// Nothing is limited before ten items are finished. With a [`time_limit`](Processes::time_limit) too, the shorter
    /// of both counts. Costs the median of at most 255 times at each look, some microseconds.
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

    /// Sets the time between SIGTERM and SIGKILL for an item that exceeds its time limit; 50 ms without it.
    ///
    /// For workers that save or remove something at SIGTERM. An item that still returns in this time has its value; any
    /// other has failed.
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

    /// Limits the memory of its own that a worker may have, in bytes, what the program needs at its start included.
    ///
    /// Shared memory, such as a [`SharedSlice`](crate::SharedSlice), does not count. An allocation beyond the limit
    /// fails: as a rule the worker aborts, and its item fails with [`Cause::MemoryLimit`](crate::Cause::MemoryLimit);
    /// code that uses `try_reserve` may go on. Where the program has such a limit itself (`RLIMIT_DATA`, which
    /// `ulimit -d` and batch systems set), the stricter one holds, and without this one that of the program. A limit of
    /// 0 is an error of the call.
    ///
    /// Leave room for more than a result: the first results of a call, of each form, are read back in the worker, which
    /// takes as much memory again for the copy, and for a list that grows as it is read twice as much. Results of more
    /// than 64 MiB are read back by the calling program alone. The bytes of a result are the worker's own, too, where it is
    /// the first large one, or finds no free slot of shared memory.
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

    /// Replaces a worker by a new one after this many items: for functions that leak memory or descriptors.
    ///
    /// Costs the start of a process each time, some milliseconds. 0 is an error of the call.
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, Processes};
    ///
    /// manyhands::init();
    /// let leaky = Processes::new().recycle_after(4);
    /// let outcome = Job::new(&[0; 10]).mode(leaky).workers(1).run(|_: &i32| std::process::id())?;
    /// assert_eq!(outcome.tally().recycled_workers, 2);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    ///
    /// Counts over all calls that the worker serves. Zero is refused before anything is started:
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, Processes};
    ///
    /// manyhands::init();
    /// let never = Processes::new().recycle_after(0);
    /// assert!(Job::new(&[1, 2]).mode(never).run(|n: &i32| n + 1).is_err());
    /// ```
    pub fn recycle_after(mut self, items: usize) -> Self {
        self.limits.recycle_after = Some(items);
        self
    }

    /// Replaces a worker by a new one when it has more than this many bytes in memory, shared memory not counted.
    ///
    /// The worker measures itself between frames, every 10 ms at most, and finishes the frames that were sent to it, so
    /// it may exceed the number for a while; [`memory_limit`](Processes::memory_limit) is the strict one. 0 is an error
    /// of the call.
    ///
    /// ```standalone_crate
    /// use manyhands::{Job, Processes};
    ///
    /// manyhands::init();
    /// let leaky = Processes::new().recycle_above(1 << 30);
    /// assert_eq!(Job::new(&[1, 2]).mode(leaky).run(|n: &i32| n + 1)?.into_result()?, [2, 3]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn recycle_above(mut self, bytes: u64) -> Self {
        self.limits.recycle_above = Some(bytes);
        self
    }

    /// Begins no item twice: for functions that have effects outside of the program.
    ///
    /// Without it, an item whose worker died is tried once more, as the worker may have died for another reason. With
    /// it, the item fails at once. Costs the travel time of each item, as items are sent one by one, each after the
    /// result of the last one.
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

    /// Sets how items, the shared value, results and errors are written. The default is [`Format::Compact`].
    ///
    /// [`Format::SelfDescribing`] is for types whose serde attributes the compact format cannot serve. Values are longer
    /// in it, by the names of their fields, and a small struct takes about twice the time to write and to read.
    ///
    /// In either format, a value that does not read back fails its item with
    /// [`Cause::Encoding`](crate::Cause::Encoding); a shared value that does not is the error of the call.
    ///
    /// ```standalone_crate
    /// use manyhands::process::Format;
    /// use manyhands::{Job, OnFailure, Processes};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
    /// #[serde(untagged)]
    /// enum Reading {
    ///     Number(f64),
    ///     Text(String),
    /// }
    ///
    /// manyhands::init();
    /// let items = [Reading::Number(1.5), Reading::Text("none".to_owned())];
    /// let run = |mode: Processes| Job::new(&items).mode(mode).on_failure(OnFailure::Continue).run(Reading::clone);
    /// let outcome = run(Processes::new().format(Format::SelfDescribing))?;
    /// assert_eq!(outcome.into_result()?, items);
    ///
    /// let outcome = run(Processes::new())?; // no value is another one in silence
    /// assert!(outcome.failures()[0].to_string().contains("Format::SelfDescribing"));
    /// assert_eq!(outcome.failures().len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn format(mut self, format: Format) -> Self {
        self.limits.format = format;
        self
    }

    /// Ends the idle workers, and gives their number. Workers of running calls go on.
    ///
    /// It waits until they have ended, up to a second for each; one that takes longer is killed.
    ///
    /// For a program that goes on for long without process modes: each idle worker keeps three descriptors here, and
    /// the memory that its last items left allocated. The next call starts its workers anew.
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

impl ModeSeal for Processes {}
impl<C: ProcessContext> SupportsContext<C> for Processes {}

impl<T, K> Mode<T, K> for Processes
where
    T: Sync + Serialize + DeserializeOwned,
    K: ProcessTask<T> + Sync,
    SharedOf<T, K>: Serialize + DeserializeOwned,
    K::Output: Send + Serialize + DeserializeOwned,
    K::Error: Send + Serialize + DeserializeOwned,
{
}

impl<T, K> Backend<T, K> for Processes
where
    T: Sync + Serialize + DeserializeOwned,
    K: ProcessTask<T> + Sync,
    SharedOf<T, K>: Serialize + DeserializeOwned,
    K::Output: Send + Serialize + DeserializeOwned,
    K::Error: Send + Serialize + DeserializeOwned,
{
    fn kind(&self) -> ModeKind {
        ModeKind::Processes
    }

    /// The limits are checked here and not where they are set, so that building a mode cannot fail. A call made in a
    /// worker checks them too, and then runs without them.
    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        sink: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError> {
        self.limits.check().map_err(|error| BackendError::Unprepared(error.to_string()))?;
        system::run(&self.limits, context, output, sink)
    }
}
