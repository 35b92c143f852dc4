//! Locks, atomics, threads and a clock that a model checker can replace.
//!
//! Everything in this crate that threads share is built from the names on this page, and your own code can be, too. In
//! a usual build they are the real ones: std's locks, atomics and threads, the locks without poison. Built with
//! `--cfg manyhands_loom` they are those of [loom](https://docs.rs/loom), which runs a [`model`] through every
//! interleaving of its threads up to a number of pre-emptions; with `--cfg manyhands_shuttle` those of
//! [shuttle](https://docs.rs/shuttle), which runs it through many random ones, with more threads than loom can. The
//! crate's own locks, cache, counters and token are built on the same names and so are checked along with your code.
//!
//! # Model-check your own code
//!
//! Take locks, atomics and threads from here, and write what must hold as a model: a closure that starts a few threads
//! and asserts. Here one thread publishes a result; the model asserts that a thread that sees the flag sees the result.
//!
//! ```
//! use manyhands::sync::{Arc, AtomicBool, AtomicU32, Ordering, model, spawn};
//!
//! #[derive(Default)]
//! struct Result {
//!     value: AtomicU32,
//!     is_there: AtomicBool,
//! }
//!
//! model(|| {
//!     let result = Arc::new(Result::default());
//!     let theirs = Arc::clone(&result);
//!     let other = spawn(move || {
//!         theirs.value.store(42, Ordering::Relaxed);
//!         theirs.is_there.store(true, Ordering::Release); // with `Relaxed` here or below, loom fails the model
//!     });
//!     if result.is_there.load(Ordering::Acquire) {
//!         assert_eq!(result.value.load(Ordering::Relaxed), 42);
//!     }
//!     other.join().unwrap();
//! });
//! ```
//!
//! Put such models into a test binary of their own, such as `tests/models.rs` with `#[test]` functions: under a checker
//! any use of manyhands outside of a model fails. Under `cargo test` each model runs once with real threads. The
//! first of these commands runs it through every interleaving up to a number of pre-emptions, the second through many
//! random ones:
//!
//! ```sh
//! RUSTFLAGS="--cfg manyhands_loom" cargo test --release --target-dir target/loom --test models
//! RUSTFLAGS="--cfg manyhands_shuttle" cargo test --release --target-dir target/shuttle --test models
//! ```
//!
//! A target folder of its own keeps the flag from rebuilding everything else. The checkers are optional features of
//! manyhands, which your manifest turns on under the flag alone. So only programs that are checked have them in their
//! lock file:
//!
//! ```toml
//! [target.'cfg(manyhands_loom)'.dev-dependencies]
//! manyhands = { version = "0.1", features = ["loom"] }
//!
//! [target.'cfg(manyhands_shuttle)'.dev-dependencies]
//! manyhands = { version = "0.1", features = ["shuttle"] }
//!
//! # For code that names one of the flags:
//! [lints.rust]
//! unexpected_cfgs = { level = "warn", check-cfg = ["cfg(manyhands_loom)", "cfg(manyhands_shuttle)"] }
//! ```
//!
//! The example `model_checked` of this crate is a whole such program.
//!
//! # What a failure looks like
//!
//! - loom: the assertion, in the first interleaving that fails it. If threads wait for ever, it prints `deadlock;
//!   threads = ..` and ends the process; the tests after it do not run, so run one alone: `--exact NAME`.
//! - shuttle: the assertion or the deadlock, a schedule, which only shuttle itself can replay, and a seed:
//!   `SHUTTLE_RANDOM_SEED=SEED` before the same command, with `--exact NAME`, repeats the failure.
//!
//! # What a model cannot do
//!
//! - Time stands still: [`Instant::elapsed`] is zero, and a wait with a time limit ends only when it is woken. Model
//!   the end of a time limit as an event, such as a [`CancelToken`](crate::CancelToken).
//! - The checker does not see real locks, channels and `std::thread` inside of a model, and can hang on them.
//! - There are no statics, no `const fn new` and no `thread_local!` with `const`, and not all methods of std's types:
//!   an `Instant` has `now`, `elapsed`, `duration_since`, `checked_add`, comparison, sum and difference; loom's `Arc` has no `Weak`,
//!   and an `Arc<T>` does not coerce to `Arc<dyn Trait>`.
//! - loom: four threads besides the first; few steps, since the interleavings multiply; SeqCst loads and stores count
//!   as Acquire and Release (fences and read-modify-writes are modelled as SeqCst); a loop that waits must yield; a
//!   panic of one thread may poison a lock that another one holds, at which loom stops.
//! - shuttle: all threads see one order of events, so it finds no wrong memory ordering; and it finds a bug only if it
//!   draws an interleaving that has it.
//! - [`Threads`](crate::Threads) and other calls of this crate keep threads beyond a model, so do not use them in one.

#![cfg_attr(
    not(test),
    expect(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "every other file takes its locks and threads from here"
    )
)]

mod backend;
mod cell;
#[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod clock;
mod handshake;
mod latest;
mod models;
mod mutex;
mod process;
mod thread;

pub use backend::{
    Arc, AtomicBool, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
    AtomicUsize, Instant, Ordering, fence, spin_loop, thread_local,
};
pub use cell::UnsafeCell;
pub use models::model;
pub use mutex::{Condvar, Mutex, MutexGuard};
pub use thread::{JoinHandle, spawn, thread_index, yield_now};

#[cfg(any(manyhands_loom, manyhands_shuttle))]
pub(crate) use backend::checker;
pub(crate) use backend::{CachePadded, IS_MODELLED, const_unless_modelled, global, words_at_zero};
#[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) use clock::nanos;
pub(crate) use handshake::{announce, claim, look};
pub(crate) use latest::Latest;
#[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) use process::FORKED_INSIDE;
pub(crate) use process::{PerProcess, ProcessMark, end_forked_child, per_process};
pub(crate) use thread::{StackSize, nap, spawn_named, spawn_owned};

/// What `per_process!` makes in a model, of which it is no part.
#[cfg(any(manyhands_loom, manyhands_shuttle))]
pub(crate) use std::sync::LazyLock;
/// A value that is computed from other fields of its owner when it is first asked for. Never part of a model: no thread
/// waits for what another one does meanwhile.
#[expect(clippy::disallowed_types, reason = "`global!` makes statics, and this one is a field")]
pub(crate) use std::sync::OnceLock;
/// A word that affects nothing but speed and outlives a call. Never part of a model: there it would outlive the model.
pub(crate) use std::sync::atomic::AtomicU64 as HintWord;
/// A word that a signal handler may read and write. Never part of a model: no signal comes in one.
#[cfg(all(unix, feature = "signals"))]
pub(crate) use std::sync::atomic::AtomicU64 as SignalWord;
/// The wall clock, for deadlines. Never part of a model: there a deadline has passed or is far off.
pub(crate) use std::time::Instant as WallClock;
/// The time of day, for files. Never part of a model: nothing there depends on it.
pub(crate) use std::time::SystemTime;
