//! The process backend: worker processes that are copies of the running program, each at one end of a socket.
//!
//! From call to outcome: `parent.rs` seats workers (`kept.rs`), hands out ranges of positions (`ledger.rs`) as frames
//! (`wire.rs`, `link.rs`), and turns what it hears (`hearing.rs`) into chunks for the gatherer. `worker.rs` is the other side:
//! it finds the function (`function.rs`), runs items through the loop that every mode shares (`session.rs`), tells on a page
//! (`status.rs`) what it has in hand, and sends answers (`tray.rs`).
//!
//! Linux so far. Elsewhere, and under a model checker, a call is refused.

#[cfg(not(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle)))))]
mod elsewhere;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod linux;

#[cfg(not(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle)))))]
use elsewhere as system;
#[cfg(any(target_os = "linux", manyhands_loom, manyhands_shuttle))]
#[cfg_attr(any(manyhands_loom, manyhands_shuttle), expect(dead_code, reason = "what is modelled is a part of it"))]
pub(crate) mod status;

#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
use linux as system;

mod plain_number;
mod shared_slice;

pub use plain_number::PlainNumber;
pub use shared_slice::SharedSlice;
use system::{Block, BlockId, find, is_unpacking, pack};
pub(crate) use system::{FunctionName, become_worker, end_idle_workers, fingerprint, run};
