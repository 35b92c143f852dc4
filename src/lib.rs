//! Many hands make light work: one function over many items, on threads or in crash-proof processes, with every answer in
//! order, every failure by name, and a tally of what it cost.
//!
//! # A first run
//!
//! ```
//! use manyhands::{Threads, parallel_map};
//!
//! let recordings = [vec![1.0, 2.0, 3.0], vec![4.0], vec![5.0, 6.0]];
//! let means = parallel_map(Threads, &recordings, |samples| samples.iter().sum::<f64>() / samples.len() as f64)?;
//! assert_eq!(means, [2.0, 4.0, 5.5]);
//! # Ok::<(), manyhands::Error>(())
//! ```
//!
//! The mode is a value: [`Serial`] runs in the calling thread and is the meaning of all others; [`Threads`] computes on
//! kept threads; [`Threads::io()`] waits on more threads than there are cores; [`Processes`] gives each worker an address
//! space of its own; [`LocalMode`] and [`AnyMode`] are chosen at run time, from a name if need be. Any mode, any number of workers and any chunks give the values and failures that
//! serial gives.
//!
//! # When something fails
//!
//! An item fails by its function's error or by a panic; it never takes another item's answer with it. [`parallel_map`] and
//! [`try_parallel_map`] give back the failure with the lowest index; a [`Job`] chooses:
//!
//! ```
//! use manyhands::{Job, OnFailure};
//!
//! let files = ["60", "62", "sixty"];
//! let outcome = Job::new(&files)
//!     .key(|text| text.to_string())
//!     .on_failure(OnFailure::Continue)
//!     .try_run(|text| text.parse::<f64>())?;
//! assert_eq!(outcome.tally().succeeded, 2);
//! assert_eq!(outcome.failures()[0].to_string(), r#"item 2 ("sixty") failed: invalid float literal"#);
//! # Ok::<(), manyhands::Error<std::num::ParseFloatError>>(())
//! ```
//!
//! A panic's message is printed by the program's panic hook, as everywhere in Rust; the crate itself prints nothing.
//!
//! # What the function needs to know
//!
//! [`Job::shared`] hands every call a reference to one value, so that the function itself captures nothing and can run in
//! any mode; [`Job::worker_state`] makes a state once per worker, such as a loaded model or a buffer.
//!
//! ```
//! use manyhands::{AnyMode, Job};
//!
//! fn amplify(gain: &f64, sample: &f64) -> f64 {
//!     gain * sample
//! }
//! let mode: AnyMode = "threads".parse().unwrap();
//! let louder = Job::new(&[1.0, 2.0]).mode(mode).shared(&3.0).run(amplify)?;
//! assert_eq!(louder.into_values()?, [3.0, 6.0]);
//! # Ok::<(), manyhands::Error>(())
//! ```
//!
//! # When an item may take the program down
//!
//! A worker in [`Processes`] is a copy of the program; [`init`] first in `main` turns it into one. An item that aborts, runs out
//! of memory or never ends fails by name, and nothing else does.
//!
//! ```standalone_crate
//! use manyhands::{Job, OnFailure, Processes};
//!
//! manyhands::init();
//! let outcome = Job::new(&[1, 0, 3])
//!     .mode(Processes::new())
//!     .on_failure(OnFailure::Continue)
//!     .run(|&n: &i32| if n == 0 { std::process::exit(3) } else { n })?;
//! assert_eq!(outcome.failures()[0].to_string(), "item 1 lost its worker: exited with code 3");
//! assert_eq!(outcome.into_options(), [Some(1), None, Some(3)]);
//! # Ok::<(), manyhands::Error>(())
//! ```
//!
//! # Long lists, endless ones, stopping
//!
//! [`Work::for_each`] and [`Work::for_each_ordered`] hand answers on as they come and keep none; a window bounds what is on
//! its way. [`Job::over`] takes its items from an iterator, which may be endless, with flat memory; of such work
//! [`Work::ordered`] and [`Work::as_completed`] make an iterator of answers, and [`Work::spawn`] a future.
//!
//! ```
//! use manyhands::Job;
//!
//! let squares = Job::over(1_u64..).map(|n| n * n).ordered()?;
//! let first: Vec<u64> = squares.take(3).map(|answer| Ok(answer?.1.unwrap())).collect::<Result<_, manyhands::Error>>()?;
//! assert_eq!(first, [1, 4, 9]);
//! # Ok::<(), manyhands::Error>(())
//! ```
//!
//! A [`CancelToken`] ends a run and keeps what is done; [`Job::cost`] starts the longest items first, and
//! [`Job::memory_budget`] bounds what is in hand together; [`batch_items`], [`chunk_for_workers`], [`adaptive_batch_size`] and
//! [`group_by_cost`] make batches of what is too small to travel alone. A [`ThreadSafeCache`] keeps what was computed before.
//!
//! # Runs of hours
//!
//! A [`Journal`] remembers each finished item in a file, so that a run that was killed goes on where it was; a [`Report`] tells
//! in a folder what the run did; [`Progress::auto`] shows how far it is, as a bar on a terminal and as lines elsewhere; a
//! [`Retry`] tries failed items again; [`Interrupts`] makes of Ctrl+C a stop that saves first. Or, where each item writes a file
//! of its own, [`Job::done_if`] and [`write_atomically`] do without a journal.
//!
//! ```
//! use manyhands::{Job, Journal, OnFailure, Progress, Report, Retry};
//! use std::time::Duration;
//!
//! fn features(file: &String) -> Result<usize, String> {
//!     if file.ends_with(".edf") { Ok(file.len()) } else { Err(format!("{file} is no recording")) }
//! }
//!
//! let out = tempfile::tempdir()?;
//! let files = ["a.edf".to_owned(), "b.edf".to_owned(), "notes.txt".to_owned()];
//! for resumed in [0, 2] {
//!     let outcome = Job::new(&files)
//!         .on_failure(OnFailure::Continue)
//!         .retry(Retry::times(1).backoff(Duration::from_millis(1)))
//!         .journal(Journal::at(out.path().join("journal.sqlite")).key(|file: &String| file.clone()).version("1"))
//!         .report(Report::at(out.path().join("run")))
//!         .progress(Progress::off()) // or Progress::auto("features")
//!         .try_run(features)?;
//!     assert_eq!(outcome.resumed().count(), resumed); // what failed is tried again
//!     assert!(outcome.troubles().is_empty());
//!     assert_eq!(outcome.into_options(), [Some(5), Some(5), None]);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Each failure, retry, lost and recycled worker is an event of `tracing`, with index, key, attempt and worker.
//!
//! # What threads share
//!
//! A [`ThreadSafeCache`] computes each missing key once, whoever asks. [`RwLock`] and [`StripedRwLock`] admit many readers or
//! one writer, [`Synchronized`] is a value behind its lock, [`AtomicCounter`] and [`StripedCounter`] count, a
//! [`ProgressTracker`] tells how far a run is. None of them is poisoned by a panic, and all of them are modelled; with
//! [`sync`], so may be what you build of them.
//!
//! ```
//! use manyhands::{ThreadSafeCache, Threads, parallel_map};
//!
//! let spectra = ThreadSafeCache::new();
//! let recordings = ["night 1", "night 2", "night 1"];
//! let lengths = parallel_map(Threads, &recordings, |name| spectra.get_or_compute(*name, || name.len()))?;
//! assert_eq!((lengths, spectra.stats().computes), (vec![7, 7, 7], 2));
//! # Ok::<(), manyhands::Error>(())
//! ```
//!
//! # What it costs, and when not to use it
//!
//! Answers are written where they end up, in chunks sized by measured time. Waking a helper takes some microseconds, so
//! work that takes less than about 50 microseconds in all gains nothing; a call that is known from its last time to be that
//! quick stays in the calling thread, at one to six microseconds more than a plain loop. A nested call shares the threads
//! that are there and starts none beyond the budget.
//! For data-parallel loops over one array (sums, sorts, zips) use rayon's iterators: this crate maps a function over items.
//! For many tasks that wait on sockets use an async runtime.
//!
//! # Features
//!
//! | feature | gives | crates | C compiler |
//! |---|---|---|---|
//! | `processes` (default) | `Processes`; Linux | 29 | no |
//! | `progress` (default) | `Progress::auto`, `Progress::json` | 21 | no |
//! | `bar` | `Progress::bar`, and the bar in `Progress::auto` | 26 | no |
//! | `journal` | `Journal`, `JournalReader`; brings SQLite | 41 | yes |
//! | `reports` | `Report` | 33 | no |
//! | `signals` | `Interrupts`; Unix | 24 | no |
//! | `full` | all of the above | 55 | yes |
//! | `loom`, `shuttle` | model checkers for [`sync`], under their `--cfg` only | as without | no |
//!
//! Crates are those of a program on Linux with that feature alone, dependencies of dependencies included; without any feature they
//! are 21, and 29 with the default ones.
//!
//! # Settings
//!
//! Settings come from [`ParallelConfig`]; what it leaves open is filled from `MANYHANDS_*` environment variables, which are
//! listed there, and then from the machine.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(feature = "processes", feature = "journal", feature = "reports")),
    allow(dead_code, unused_mut, unused_variables, reason = "code of a run that only a missing feature uses")
)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;

#[cfg(all(manyhands_loom, not(feature = "loom")))]
compile_error!("`--cfg manyhands_loom` needs manyhands' feature `loom`: see the page of `manyhands::sync`");
#[cfg(all(manyhands_shuttle, not(feature = "shuttle")))]
compile_error!("`--cfg manyhands_shuttle` needs manyhands' feature `shuttle`: see the page of `manyhands::sync`");

mod backend;
mod batch;
mod config;
mod error;
#[cfg(test)]
mod golden;
mod job;
#[cfg(any(manyhands_loom, manyhands_shuttle))]
#[doc(hidden)]
pub mod modelled_parts;
mod outcome;
mod persist;
mod primitives;
mod progress;
mod record;
mod run;
#[cfg(all(unix, feature = "signals"))]
mod signals;
mod stream;
pub mod sync;

pub use backend::amounts::report_amount;
pub use backend::mode::{AnyMode, IoThreads, LocalMode, Mode, Serial, Threads};
#[cfg(feature = "processes")]
pub use backend::process::{PlainNumber, Processes, SharedSlice, init};
pub use backend::task::{MapFn, NoContext, Shared, Task, TryMapFn, WorkerState};
pub use batch::{adaptive_batch_size, batch_items, chunk_for_workers, chunk_ranges, group_by_cost};
pub use config::{
    ConfigGuard, ParallelConfig, ParallelConfigBuilder, disable_parallel_processing, enable_parallel_processing,
    override_parallel_config, parallel_config, set_parallel_config, usable_cores,
};
pub use error::{Error, Never};
pub use job::Job;
pub use job::dry_run::DryRun;
pub use job::executor::{ParallelExecutor, TaskSet, Tasks};
pub use job::on_failure::OnFailure;
#[cfg(feature = "processes")]
pub use job::process_task_set::ProcessTaskSet;
pub use job::retry::Retry;
pub use job::workers::Workers;
pub use outcome::{Cause, ItemFailure, LostWorker, Outcome, Tally, WorkerExit};
pub use persist::atomic_file::write_atomically;
#[cfg(feature = "journal")]
pub use persist::codec::Journaled;
#[cfg(feature = "reports")]
pub use persist::codec::{AndReported, Reported};
pub use persist::codec::{Forget, Keeps};
#[cfg(feature = "journal")]
pub use persist::journal::{
    Journal, JournalEntry, JournalError, JournalReader, JournalStatus, OnChange, RetryRecorded, UnknownSetting,
    file_fingerprint,
};
#[cfg(feature = "reports")]
pub use persist::report::Report;
pub use primitives::cache::{CacheStats, ComputeError, FastHash, ThreadSafeCache};
pub use primitives::cancel::{CancelReason, CancelToken};
pub use primitives::compute_context::ComputeContext;
pub use primitives::counter::{AtomicCounter, StripedCounter};
pub use primitives::lock::{
    LockWords, RwLock, RwLockOf, RwLockReadGuard, RwLockWriteGuard, Sharded, Single, StripedRwLock, Synchronized,
};
pub use progress::{Eta, ItemStatus, Progress, ProgressTracker, Snapshot, TrackerSnapshot, UnknownItemStatus};
pub use record::{FailureKind, RecordedFailure};
pub use run::input::{Listed, Over, Source};
pub use run::{Work, parallel_map, try_parallel_map};
#[cfg(all(unix, feature = "signals"))]
pub use signals::{Interrupts, Signal, UnknownSignal};
pub use stream::{Answers, AsyncResults, JobHandle};
