//! Backends: what they are given, what they report, and the serial one, which is the meaning of all the others.
//!
//! The contract of a backend:
//! - each position below the fence is reported exactly once, as part of one [`Chunk`];
//! - a chunk's values are written, or its failures reported, for exactly the positions that it says it has done;
//! - when it returns, nothing that it started is alive, but threads and processes that are kept and wait for a next call;
//! - a panic becomes the failure of its own item and of no other;
//! - a stop ends it after the items in hand; processes are not waited for whose items nobody wants any more.
//!
//! A backend has no policy: it draws nothing, reads no configuration, and decides nothing about failures.

pub(crate) mod board;
pub(crate) mod chunk;
pub(crate) mod gang;
pub(crate) mod pace;
#[cfg(feature = "processes")]
pub(crate) mod processes;
pub(crate) mod serial;
pub(crate) mod threads;

use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::config::ParallelConfig;
use crate::error::Error;
use crate::outcome::Cause;
use crate::plan::Plan;

/// What a backend needs to know of a run.
#[derive(Debug)]
pub struct Brief<'a, T, K> {
    pub(crate) items: &'a [T],
    pub(crate) task: &'a K,
    pub(crate) plan: &'a Plan,
    pub(crate) cancel: &'a CancelToken,
    pub(crate) budget: Budget,
    /// What calls nested in an item's function inherit.
    pub(crate) config: &'a Arc<ParallelConfig>,
}

/// The most threads that the process keeps of its own accord. A call from outside may ask for more, a nested one not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) computing: NonZeroUsize,
    pub(crate) waiting: NonZeroUsize,
}

/// Where values go: into slots of the output that the caller gave, or along with their chunk's report.
#[derive(Debug)]
pub enum Output<'out, R> {
    /// The slots that are not claimed yet. A claim takes its own off the front, so no two claims can overlap.
    Slots(&'out mut [MaybeUninit<R>]),
    /// Each chunk carries its values.
    Carried,
}

impl<'out, R> Output<'out, R> {
    /// The output of the next `len` positions.
    pub(crate) fn split_off(&mut self, len: usize) -> Self {
        match self {
            Self::Carried => Self::Carried,
            Self::Slots(rest) => {
                let (claimed, left) = std::mem::take(rest).split_at_mut(len);
                *rest = left;
                Self::Slots(claimed)
            }
        }
    }
}

/// A contiguous range of positions, claimed by one worker.
#[derive(Debug)]
pub(crate) struct Claim<'out, R> {
    pub(crate) first: usize,
    pub(crate) len: usize,
    pub(crate) output: Output<'out, R>,
}

/// What became of a claim: the event that a backend reports.
#[derive(Debug)]
pub struct Chunk<R, E> {
    /// The first position.
    pub(crate) first: usize,
    /// How many positions from there on are done; fewer than claimed when the run was stopped.
    pub(crate) done: usize,
    /// With [`Output::Carried`]: the values of the done positions that did not fail, in order.
    pub(crate) values: Vec<R>,
    /// The done positions that have no value, in order.
    pub(crate) failures: Vec<Miss<E>>,
    /// How long the worker was at it.
    pub(crate) busy: Duration,
}

/// A position that has no value.
#[derive(Debug)]
pub(crate) struct Miss<E> {
    pub(crate) position: usize,
    /// How often it was begun.
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) cause: Cause<E>,
}

/// What the gatherer answers to a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The first position that is not to be run any more.
    pub(crate) fence: usize,
    /// The oldest position that is not finished: the window starts there.
    pub(crate) oldest: usize,
}

/// The gatherer, as a backend sees it: takes a chunk, says how to go on. Runs in the calling thread. Never unwinds.
pub(crate) type Gather<'g, R, E> = dyn FnMut(Chunk<R, E>) -> Verdict + 'g;

/// What a backend says at its end.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// The workers that took part, at one time.
    pub(crate) workers: usize,
    /// The workers that died in the call.
    pub(crate) lost: usize,
    /// The workers that were replaced on purpose.
    pub(crate) recycled: usize,
}

/// Why a call has no outcome.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A worker could not make its state, or drop it.
    State(String),
    /// The mode cannot be had on this system.
    #[cfg(feature = "processes")]
    Unsupported(String),
    /// The program is not prepared for the mode, or its settings cannot be.
    #[cfg(feature = "processes")]
    Unprepared(String),
    /// There was no worker to be had.
    #[cfg(feature = "processes")]
    Workers(String),
}

impl Refusal {
    /// What the caller is told.
    pub(crate) fn into_error<E>(self) -> Error<E> {
        match self {
            Self::State(message) => Error::worker_state(message),
            #[cfg(feature = "processes")]
            Self::Unsupported(message) => Error::unsupported(message),
            #[cfg(feature = "processes")]
            Self::Unprepared(message) => Error::config(message),
            #[cfg(feature = "processes")]
            Self::Workers(message) => Error::workers(message),
        }
    }
}
