//! The only place that names locks, atomics, threads and clocks.
//!
//! The rest of the crate imports these names from here, so that a model checker can stand in for the real ones:
//! built with `--cfg manyhands_loom`, the same names are loom's. Guards never carry poison: a panic while a lock is
//! held is caught elsewhere, and the state that it leaves is the business of the lock's owner.

#[cfg(manyhands_loom)]
mod modelled;
#[cfg(not(manyhands_loom))]
mod native;

#[cfg(manyhands_loom)]
pub(crate) use modelled::*;
#[cfg(not(manyhands_loom))]
pub(crate) use native::*;

/// A value made at its first use and kept for the life of the process. Never part of a model.
pub(crate) use std::sync::LazyLock;
/// A word that guides nothing but speed and outlives a call. Never part of a model: there it would outlive the model.
pub(crate) use std::sync::atomic::AtomicU64 as HintWord;
/// The clock on the wall, for deadlines. Never part of a model: there a deadline has passed or is far off.
pub(crate) use std::time::Instant as WallClock;
