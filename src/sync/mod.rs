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
//! asserts. Here two threads deposit results; the model says that no deposit is lost and that whoever sees the flag sees the
//! results too.
//!
//! ```
//! use manyhands::sync::{Arc, AtomicBool, Ordering, model, spawn};
//! use manyhands::Synchronized;
//!
//! #[derive(Default)]
//! struct Results {
//!     values: Synchronized<Vec<u32>>,
//!     are_complete: AtomicBool,
//! }
//!
//! impl Results {
//!     fn deposit(&self, value: u32, of: usize) {
//!         let so_many = self.values.with(|values| {
//!             values.push(value);
//!             values.len()
//!         });
//!         // Release: pairs with the Acquire below.
//!         if so_many == of {
//!             self.are_complete.store(true, Ordering::Release);
//!         }
//!     }
//! }
//!
//! model(|| {
//!     let results = Arc::new(Results::default());
//!     let theirs = Arc::clone(&results);
//!     let other = spawn(move || theirs.deposit(1, 2));
//!     results.deposit(2, 2);
//!     if results.are_complete.load(Ordering::Acquire) {
//!         assert_eq!(results.values.with(|values| values.len()), 2);
//!     }
//!     other.join().unwrap();
//!     assert!(results.are_complete.load(Ordering::Relaxed));
//! });
//! ```
//!
//! As a test of yours it runs once with real threads under `cargo test`, and through all interleavings with
//!
//! ```sh
//! RUSTFLAGS="--cfg manyhands_loom" cargo test --release --target-dir target/loom
//! RUSTFLAGS="--cfg manyhands_shuttle" cargo test --release --target-dir target/shuttle
//! ```
//!
//! The folder of its own spares every other build a new start. Neither checker has to stand in your manifest. The example
//! `model_checked` of this crate is such a program.
//!
//! # What a model cannot do
//!
//! - Time stands still: [`Instant::elapsed`] is zero, and a wait with a time limit waits until it is woken. Let "the time is
//!   up" reach the code under test as an event, such as a [`CancelToken`](crate::CancelToken).
//! - Real locks, channels and `std::thread` inside of a model are not seen by the checker, and can hang it.
//! - loom: four threads besides the first; few steps, since the interleavings multiply; SeqCst loads and stores count as
//!   Acquire and Release (fences and read-modify-writes are believed); statics and `const fn new` are not to be had; a panic
//!   must not pass through a lock that is held.
//! - shuttle: sees all threads in one order, so it finds no wrong memory ordering; what it has not drawn, it has not seen.
//!   A failure prints the schedule that repeats it.
//! - [`Threads`](crate::Threads) and other calls of this crate keep threads beyond a model, so they do not belong into one.

mod cell;
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
    Arc, AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Instant, Ordering, fence, thread_local,
};
pub use models::model;
pub use mutex::{Condvar, Mutex, MutexGuard};
pub use thread::{JoinHandle, spawn, thread_index, yield_now};

#[cfg(any(manyhands_loom, manyhands_shuttle))]
pub(crate) use backend::checker;
pub(crate) use backend::{CachePadded, RwLock, global, spin_loop, words_at_zero};
pub(crate) use cell::UnsafeCell;
pub(crate) use handshake::{announce, claim, look};
pub(crate) use thread::spawn_named;

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
/// The clock on the wall, for deadlines. Never part of a model: there a deadline has passed or is far off.
pub(crate) use std::time::Instant as WallClock;
