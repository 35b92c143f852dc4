//! The parts that threads meet at: locks, atomics, threads and a clock, which a model checker can stand in for.
//!
//! Everything in this crate that threads share is built from the names on this page, and so can your own code be. Built as
//! usual, they are the real ones: parking_lot's locks and std's atomics and threads, behind one signature without poison.
//! Built with `--cfg manyhands_loom` they are those of [loom](https://docs.rs/loom), which runs a [`model`] through every
//! interleaving of its threads; with `--cfg manyhands_shuttle` those of [shuttle](https://docs.rs/shuttle), which runs it
//! through many random ones, with more threads than loom can. The crate's own locks, cache, counters and token are built on
//! the same names and so are checked along with your code.
//!
//! # Model-check your own code
//!
//! Take locks, atomics and threads from here, and write what must hold as a model: a closure that starts a few threads and
//! asserts. Here one thread hands a result over; the model says that whoever sees the flag sees the result.
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
//! Put such models into a test binary of their own, say `tests/models.rs` with `#[test]` functions, because under a checker
//! everything that manyhands is used for outside of a model fails. It runs each model once with real threads under
//! `cargo test`, and through all interleavings with
//!
//! ```sh
//! RUSTFLAGS="--cfg manyhands_loom" cargo test --release --target-dir target/loom --test models
//! RUSTFLAGS="--cfg manyhands_shuttle" cargo test --release --target-dir target/shuttle --test models
//! ```
//!
//! The folder of its own spares every other build a new start. Neither checker has to stand in your manifest. Should your code
//! name one of the flags, tell the compiler that there is such a thing:
//!
//! ```toml
//! [lints.rust]
//! unexpected_cfgs = { level = "warn", check-cfg = ["cfg(manyhands_loom)", "cfg(manyhands_shuttle)"] }
//! ```
//!
//! The example `model_checked` of this crate is a whole such program.
//!
//! # What a failure looks like
//!
//! - loom: the assertion, of the first interleaving that fails it. Of threads that wait for ever it says `deadlock; threads =
//!   ..`, and ends the process; the tests after it do not run, so run one alone: `--exact NAME`.
//! - shuttle: the assertion or the deadlock, a schedule, which only shuttle itself can replay, and a seed:
//!   `SHUTTLE_RANDOM_SEED=SEED` before the same command, with `--exact NAME`, runs into the same failure.
//!
//! # What a model cannot do
//!
//! - Time stands still: [`Instant::elapsed`] is zero, and a wait with a time limit waits until it is woken. Let "the time is
//!   up" reach the code under test as an event, such as a [`CancelToken`](crate::CancelToken).
//! - Real locks, channels and `std::thread` inside of a model are not seen by the checker, and can hang it.
//! - Statics, `const fn new` and `thread_local!` with `const` are not to be had, nor all that std's types have: an `Instant`
//!   has `now`, `elapsed`, `duration_since`, comparison, sum and difference; loom's `Arc` has no `Weak`, and makes no
//!   `Arc<dyn Trait>` of an `Arc<T>`.
//! - loom: four threads besides the first; few steps, since the interleavings multiply; SeqCst loads and stores count as
//!   Acquire and Release (fences and read-modify-writes are believed); a loop that waits must yield; a panic
//!   of one thread may poison a lock that another one holds, at which loom stops.
//! - shuttle: sees all threads in one order, so it finds no wrong memory ordering; what it has not drawn, it has not seen.
//! - [`Threads`](crate::Threads) and other calls of this crate keep threads beyond a model, so they do not belong into one.

mod cell;
#[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod clock;
mod handshake;
mod models;
mod mutex;
mod thread;

#[cfg(any(manyhands_loom, manyhands_shuttle))]
mod modelled;
#[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
mod native;

#[cfg(any(manyhands_loom, manyhands_shuttle))]
use modelled as backend;
#[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
use native as backend;

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
pub(crate) use backend::{CachePadded, RwLock, global, words_at_zero};
#[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) use clock::nanos;
pub(crate) use handshake::{announce, claim, look};
pub(crate) use thread::{nap, spawn_named, spawn_owned};

/// A function that can make what a `static` begins with, except in a model: what a checker has can not be made before it runs.
macro_rules! const_unless_modelled {
    ($(#[$about:meta])* $vis:vis fn $name:ident($($argument:ident: $kind:ty)?) -> $made:ty $body:block) => {
        $(#[$about])*
        #[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
        $vis const fn $name($($argument: $kind)?) -> $made $body

        $(#[$about])*
        #[cfg(any(manyhands_loom, manyhands_shuttle))]
        $vis fn $name($($argument: $kind)?) -> $made $body
    };
}
pub(crate) use const_unless_modelled;

/// True when a model checker stands in for the real parts: what comes in many for the sake of speed comes in few then.
pub(crate) const IS_MODELLED: bool = cfg!(any(manyhands_loom, manyhands_shuttle));

/// A value made at its first use and kept for the life of the process. Never part of a model.
pub(crate) use std::sync::LazyLock;
/// A word that guides nothing but speed and outlives a call. Never part of a model: there it would outlive the model.
pub(crate) use std::sync::atomic::AtomicU64 as HintWord;
/// A word that a signal's handler may read and write. Never part of a model: no signal comes in one.
#[cfg(all(unix, feature = "signals"))]
pub(crate) use std::sync::atomic::AtomicU64 as SignalWord;
/// The clock on the wall, for deadlines. Never part of a model: there a deadline has passed or is far off.
pub(crate) use std::time::Instant as WallClock;
/// The time of day, for what is written down. Never part of a model: nothing there depends on it.
pub(crate) use std::time::SystemTime;
