//! The process backend: worker processes that are copies of the running program, each at one end of a socket.
//!
//! From call to outcome: `parent.rs` seats workers (`kept.rs`), hands out ranges of positions (`work_queue.rs`) as frames
//! (`wire.rs`, `link.rs`), and turns what it hears (`hearing.rs`) into chunks for the gatherer. `worker.rs` is the other side:
//! it finds the function (`function.rs`), runs items through the loop that every mode shares (`session.rs`), tells on a page
//! (`status.rs`) what it has in hand, and sends answers (`outbox.rs`).
//!
//! Linux so far. Elsewhere, and under a model checker, a call is refused.

mod init;
pub(crate) mod memory;
pub(crate) mod processes;
#[cfg(any(target_os = "linux", manyhands_loom, manyhands_shuttle))]
pub(crate) mod wire;

#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod child;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod linux;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod supervisor;
#[cfg(not(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle)))))]
mod unsupported;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod worker;

#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
use linux as system;
#[cfg(not(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle)))))]
use unsupported as system;

pub use init::init;
pub use memory::{PlainNumber, SharedSlice};
pub use processes::Processes;

use system::{Block, BlockId, find, is_unpacking, pack};
pub(crate) use system::{FunctionName, become_worker, end_idle_workers, fingerprint, run};
