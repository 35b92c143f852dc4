//! One function over many items, on threads or in crash-proof worker processes: results in input order, each failed
//! item with its index and its cause, and a tally of what the run cost.
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
//! The mode is a value. [`Serial`] runs in the calling thread and defines what every other mode returns. [`Threads`]
//! computes on a thread pool, and [`Threads::io()`] waits on more threads than there are cores. [`Processes`] gives
//! each worker its own address space. [`LocalMode`] and [`AnyMode`] are chosen at run time, from a name for example.
//! Every mode gives the values and failures of a serial run, whatever the number of workers and the size of chunks.
//!
//! # When to use it
//!
//! Use rayon for loops over data in memory: sums, sorts, zips. Use manyhands when an item can panic, abort, hang or
//! exhaust memory, when the run takes hours and must resume, or when the input is a stream that needs bounded memory.
//! For many tasks that wait on sockets use an async runtime.
//!
//! # When something fails
//!
//! An item fails by its function's error or by a panic. It never takes another item's result with it. [`parallel_map`]
//! and [`try_parallel_map`] return the failure with the lowest index; a [`Job`] offers a choice:
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
//! The program's panic hook prints a panic's message, as everywhere in Rust; the crate itself prints nothing.
//!
//! # What the function needs to know
//!
//! [`Job::shared`] gives every call a reference to one value, so that the function itself captures nothing and can run in
//! any mode. [`Job::worker_state`] makes a state once per worker, such as a loaded model or a buffer.
//!
//! ```
//! use manyhands::{AnyMode, Job};
//!
//! fn amplify(gain: &f64, sample: &f64) -> f64 {
//!     gain * sample
//! }
//! let mode: AnyMode = "threads".parse()?;
//! let louder = Job::new(&[1.0, 2.0]).mode(mode).shared(&3.0).run(amplify)?;
//! assert_eq!(louder.into_result()?, [3.0, 6.0]);
//! # Ok::<(), manyhands::Error>(())
//! ```
//!
//! # When an item may take the program down
//!
//! A worker in [`Processes`] is a copy of the program; [`init`] first in `main` turns the copy into a worker. An item
//! that aborts, exhausts memory or never ends becomes a failure with its index and cause, and no other item fails. The
//! function is a `fn` pointer: a plain function, or a closure that captures nothing.
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
//! [`Work::for_each`] and [`Work::for_each_ordered`] hand results to a callback as they are made and keep none; a window
//! bounds how many are on their way. [`Job::over`] takes its items from an iterator, which may be endless, with flat
//! memory. [`Work::ordered`] and [`Work::as_completed`] are iterators over results, and [`Work::spawn`] is a future.
//!
//! ```
//! use manyhands::Job;
//!
//! let squares = Job::over(1_u64..).map(|n| n * n).ordered()?;
//! let first: Vec<u64> = squares.take(3).map(|result| Ok(result?.1.unwrap())).collect::<Result<_, manyhands::Error>>()?;
//! assert_eq!(first, [1, 4, 9]);
//! # Ok::<(), manyhands::Error>(())
//! ```
//!
//! A [`CancelToken`] ends a run and keeps what is done. [`Job::cost`] starts the longest items first, and
//! [`Job::memory_budget`] bounds what the items in progress need together. [`batch_items`], [`chunk_for_workers`],
//! [`adaptive_batch_size`] and [`group_by_cost`] make batches of items that are too small to travel alone.
//!
//! # Runs of hours
//!
//! A `Journal` keeps finished items in a file, so that a run that was killed resumes. A `Report` says in a folder what
//! the run did. [`Progress::auto`] shows how far it is. A [`Retry`] tries failed items again. `Interrupts` turns Ctrl+C
//! into a stop that saves first. (`Journal`, `Report` and `Interrupts` need the features `journal`, `reports` and
//! `signals`.) Where each item
//! writes a file of its own, [`Job::done_if`] and [`report::write_atomically`] need no journal.
//!
#![cfg_attr(all(feature = "journal", feature = "reports"), doc = "```")]
#![cfg_attr(not(all(feature = "journal", feature = "reports")), doc = "```ignore")]
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
//!         .progress(Progress::off()) // or Progress::auto("features")
//!         .try_map(features)
//!         .journal(Journal::at(out.path().join("journal.sqlite")).key(|file: &String| file.clone()).version("1"))
//!         .report(Report::at(out.path().join("run")))
//!         .run()?;
//!     assert_eq!(outcome.resumed().count(), resumed); // the failed file is tried again
//!     assert!(outcome.warnings().is_empty());
//!     assert_eq!(outcome.into_options(), [Some(5), Some(5), None]);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Each failure, each retry and each lost worker is an event of `tracing` with index, key, attempt and worker; each
//! recycled worker is an event with its worker.
//!
//! # What threads share
//!
//! A [`ThreadSafeCache`] computes each missing key once, however many threads ask for it. [`RwLock`] and
//! [`lock::StripedRwLock`] admit many readers or one writer, [`Synchronized`] is a value behind its lock, [`AtomicCounter`] and
//! [`counter::StripedCounter`] count, and a [`ProgressTracker`] shows how far a run is. A panic poisons none of them. All are
//! model-checked with loom; [`sync`] lets you check your own code the same way.
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
//! # What it costs
//!
//! Workers write values where they end up, in chunks sized by measured time. Waking a helper takes some microseconds, so work
//! that takes less than about 50 microseconds in all gains nothing. A call that was that quick the last time stays in the
//! calling thread, at one to six microseconds more than a plain loop. A nested call shares the threads that exist and starts
//! none beyond the budget.
//!
//! Settings come from [`ParallelConfig`]; what it leaves open is filled from `MANYHANDS_*` environment variables, which are
//! listed there, and then from the machine.
//!
//! # Features
//!
//! | feature | gives | crates | C compiler |
//! |---|---|---|---|
//! | `processes` (default) | `Processes`; Linux | 27 | no |
//! | `progress` (default) | `Progress::auto`, `Progress::json` | 14 | no |
//! | `bar` | `Progress::bar`, and the bar in `Progress::auto` | 20 | no |
//! | `journal` | `Journal`, `JournalReader`; brings SQLite | 40 | yes |
//! | `reports` | `Report` | 27 | no |
//! | `signals` | `Interrupts`; Unix | 18 | no |
//! | `full` | all of the above | 54 | yes |

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types))]
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
pub mod batch;
pub mod config;
mod config_error;
#[cfg(any(feature = "journal", feature = "processes"))]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "some of it is for worker processes alone"))]
mod encoding;
mod error;
mod failure;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzed_parts;
#[cfg(test)]
mod golden;
pub mod job;
#[cfg(any(manyhands_loom, manyhands_shuttle))]
#[doc(hidden)]
pub mod modelled_parts;
mod never;
mod outcome;
mod panics;
mod persist;
mod primitives;
pub mod progress;
mod record;
mod run;
mod safe_text;
#[cfg(all(unix, feature = "signals"))]
pub mod signals;
pub mod stream;
pub mod sync;
mod tally;

pub mod cache {
    //! A cache that threads share: [`ThreadSafeCache`], its statistics, and what its computations need.
    //!
    //! ```
    //! let cache = manyhands::cache::ThreadSafeCache::new();
    //! assert_eq!(cache.get_or_compute(7, || 7 * 7), 49);
    //! assert_eq!(cache.get(&7), Some(49));
    //! assert_eq!((cache.stats().hits, cache.stats().misses), (1, 1));
    //! ```

    pub use crate::primitives::cache::{CacheStats, ComputeError, FastHash, FastHasher, ThreadSafeCache};
    pub use crate::primitives::compute_context::ComputeContext;
}

pub mod counter {
    //! Counters that threads share: [`AtomicCounter`], and [`StripedCounter`] for paths where many threads count at
    //! once.
    //!
    //! ```
    //! let done = manyhands::counter::AtomicCounter::new();
    //! manyhands::parallel_map(manyhands::Threads, &[1, 2, 3], |_| done.increment())?;
    //! assert_eq!(done.value(), 3);
    //! # Ok::<(), manyhands::Error>(())
    //! ```

    pub use crate::primitives::counter::{AtomicCounter, StripedCounter};
}

#[cfg(feature = "journal")]
pub mod journal {
    //! Journals: finished items in a file, so that a run that was killed goes on where it was. Needs the feature
    //! `journal`.
    //!
    //! ```
    //! use manyhands::{Job, journal::{Journal, JournalReader}};
    //!
    //! let folder = tempfile::tempdir()?;
    //! let path = folder.path().join("squares.journal");
    //! Job::new(&[1_u64, 2, 3]).map(|n| n * n).journal(Journal::at(&path).key(u64::to_string)).run()?;
    //! assert_eq!(JournalReader::open(&path)?.status()?.succeeded, 3);
    //! # Ok::<(), Box<dyn std::error::Error>>(())
    //! ```

    pub use crate::encoding::{Format, UnknownFormat};
    pub use crate::persist::journal::{
        Journal, JournalEntry, JournalError, JournalReader, JournalStatus, OnChange, RetryRecorded, UnknownSetting,
        file_fingerprint,
    };
}

pub mod lock {
    //! Locks without poison: [`RwLock`], [`StripedRwLock`] for many readers, and [`Synchronized`], a value behind its
    //! lock.
    //!
    //! ```
    //! let sum = manyhands::lock::RwLock::new(0);
    //! manyhands::parallel_map(manyhands::Threads, &[1, 2, 3], |n| *sum.write() += n)?;
    //! assert_eq!(*sum.read(), 6);
    //! # Ok::<(), manyhands::Error>(())
    //! ```

    pub use crate::primitives::lock::{
        RwLock, RwLockReadGuard, RwLockWriteGuard, StripedRwLock, StripedRwLockReadGuard, StripedRwLockWriteGuard,
        Synchronized,
    };
}

#[cfg(feature = "processes")]
pub mod process {
    //! Worker processes: the mode [`Processes`], memory that all of them see, and sets of unlike tasks.
    //!
    //! ```standalone_crate
    //! use manyhands::process::{Processes, init};
    //!
    //! fn main() -> Result<(), manyhands::Error> {
    //!     init(); // first in `main`: a worker process is a copy of the program
    //!     assert_eq!(manyhands::parallel_map(Processes::new(), &[1, 2, 3], |n| n * n)?, [1, 4, 9]);
    //!     Ok(())
    //! }
    //! ```

    pub use crate::backend::process::{PlainNumber, Processes, SharedSlice, init};
    pub use crate::encoding::{Format, UnknownFormat};
    pub use crate::job::process_task_set::ProcessTaskSet;
}

pub mod report {
    //! What a run leaves behind for people and programs: `Report` (needs the feature `reports`), amounts that items
    //! report, files that are replaced as a whole, and text that is safe to print and to put into a table.
    //!
    //! ```
    //! let folder = tempfile::tempdir()?;
    //! let path = folder.path().join("sum.txt");
    //! manyhands::report::write_atomically(&path, |file| write!(file, "6"))?;
    //! assert_eq!(std::fs::read_to_string(&path)?, "6");
    //! # use std::io::Write as _;
    //! # Ok::<(), std::io::Error>(())
    //! ```

    pub use crate::backend::amounts::report_amount;
    pub use crate::persist::atomic_file::write_atomically;
    #[cfg(feature = "reports")]
    pub use crate::persist::report::Report;
    pub use crate::safe_text::{csv_text, printable_text};
}

#[doc(inline)]
pub use backend::any_mode::AnyMode;
#[doc(inline)]
pub use backend::mode::{IoThreads, LocalMode, Mode, Serial, Threads};
#[cfg(feature = "processes")]
#[doc(inline)]
pub use backend::process::{Processes, SharedSlice, init};
#[doc(inline)]
pub use batch::{adaptive_batch_size, batch_items, chunk_for_workers, group_by_cost};
#[doc(inline)]
pub use config::ParallelConfig;
#[doc(inline)]
pub use config_error::ConfigError;
#[doc(inline)]
pub use error::Error;
#[doc(inline)]
pub use failure::{Cause, ItemFailure};
#[doc(inline)]
pub use job::Job;
#[doc(inline)]
pub use job::executor::{ParallelExecutor, TaskSet};
#[doc(inline)]
pub use job::on_failure::OnFailure;
#[doc(inline)]
pub use job::parallel_map::{parallel_map, try_parallel_map};
#[cfg(feature = "processes")]
#[doc(inline)]
pub use job::process_task_set::ProcessTaskSet;
#[doc(inline)]
pub use job::work::Work;
#[doc(inline)]
pub use job::workers::Workers;
#[doc(inline)]
pub use never::Never;
#[doc(inline)]
pub use outcome::Outcome;
#[cfg(feature = "journal")]
#[doc(inline)]
pub use persist::journal::Journal;
#[cfg(feature = "reports")]
#[doc(inline)]
pub use persist::report::Report;
#[doc(inline)]
pub use primitives::cache::ThreadSafeCache;
#[doc(inline)]
pub use primitives::cancel::CancelToken;
#[doc(inline)]
pub use primitives::counter::AtomicCounter;
#[doc(inline)]
pub use primitives::lock::{RwLock, Synchronized};
#[doc(inline)]
pub use progress::{Progress, ProgressTracker};
#[doc(inline)]
pub use run::retry::Retry;
#[cfg(all(unix, feature = "signals"))]
#[doc(inline)]
pub use signals::Interrupts;
#[doc(inline)]
pub use tally::Tally;
