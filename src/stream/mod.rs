//! Results for a consumer that asks for them: [`Results`], an iterator, and [`JobHandle`] and [`AsyncResults`] for
//! async code. The run continues in a thread of its own meanwhile.
//!
//! ```
//! let squares = manyhands::Job::over(1_u64..).map(|n| n * n).ordered()?;
//! let first: Vec<u64> = squares.take(3).map(|result| Ok(result?.1.unwrap())).collect::<Result<_, manyhands::Error>>()?;
//! assert_eq!(first, [1, 4, 9]);
//! # Ok::<(), manyhands::Error>(())
//! ```

// A run is known here as its body: a function that calls `Emit` with each result, stops when that breaks, and returns the run's
// report. `job/work.rs` makes the body and decides items, mode and order. `queue.rs` connects the run's thread with the
// consumer's and is all that they share; `run_feed.rs` starts and joins the thread.

mod job_handle;
mod queue;
mod results;
mod run_feed;
#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests;

pub use job_handle::{AsyncResults, JobHandle};
pub use results::Results;

use std::ops::ControlFlow;

use crate::error::Error;
use crate::failure::ItemFailure;

/// The index of an item in the input, and its result.
pub(crate) type IndexedResult<R, E> = (usize, Result<R, ItemFailure<E>>);

/// What a consumer gets: a result, or, as the last item, the error of the run itself.
pub(crate) type NextResult<R, E> = Result<IndexedResult<R, E>, Error<E>>;

/// The callback of a run's body, called with each result. It waits while the queue is full, and breaks when the
/// consumer has left.
pub(crate) type Emit<'h, R, E> = dyn FnMut(usize, Result<R, ItemFailure<E>>) -> ControlFlow<()> + 'h;
