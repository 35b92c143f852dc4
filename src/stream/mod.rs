//! Answers that come to whoever asks for them, by an iterator or a future, while the run goes on in a thread of its own.
//!
//! A run is known here as a drive: a function that hands each answer to a callback, stops when that breaks, and returns when
//! all is over. Which items those are, in which mode and order they are handled, is its own affair. `queue.rs` lies between its
//! thread and the one that takes the answers, and is all that the two share; `feed.rs` is the thread and the way to its end.

mod job_handle;
mod queue;
mod results;
mod run_feed;
#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests;

pub use job_handle::{AsyncResults, JobHandle};
pub use results::Answers;

use std::ops::ControlFlow;

use crate::error::Error;
use crate::outcome::ItemFailure;

/// The index of an item in the input, and its answer.
pub(crate) type Answer<R, E> = (usize, Result<R, ItemFailure<E>>);

/// What comes to whoever asks: an answer; or, once and last, why the run itself could not go on.
pub(crate) type Coming<R, E> = Result<Answer<R, E>, Error<E>>;

/// What a drive calls with each answer. It waits while too many of them are untaken, and breaks when nobody wants more.
pub(crate) type Hand<'h, R, E> = dyn FnMut(usize, Result<R, ItemFailure<E>>) -> ControlFlow<()> + 'h;
