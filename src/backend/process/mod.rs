//! The process backend: worker processes, which are copies of the running program, each at one end of a socket.
//!
//! The calling process: `supervisor` dispatches ranges of positions to workers as frames (`wire`), receives results,
//! handles worker deaths, and shuts down; `child` starts, watches and ends the processes. A worker: `worker` reads
//! frames, runs items through the loop that every mode shares, says on the status page which item it has in hand, and
//! sends results. Large values lie in `memory` that both sides map.
//!
//! # One item, step by step
//! 1. `supervisor/dispatch.rs` claims positions from the work queue, encodes their items into one frame, and queues it
//!    in the slot of a worker. Without a worker, it takes an idle one or starts one (`child`).
//! 2. `wire/connection.rs` sends the frame. A body above 64 KiB is written into shared memory, and the frame names its
//!    slot.
//! 3. `worker/session.rs` marks the frame as begun, so that the caller cannot take it back, and decodes the items.
//! 4. The item is put on the status page, then the function runs, then the item is dropped and the result is encoded
//!    into the outbox, and then the item leaves the page. So if the worker dies, the page names the item that it died in.
//! 5. `worker/outbox.rs` sends results when many wait, when the worker has nothing else to do, or after a millisecond.
//! 6. `supervisor/receive.rs` decodes the results, writes the values where the caller wants them, and reports them.
//!
//! # When a worker dies
//! Its socket closes and its pidfd becomes readable. The supervisor reads what it sent before, asks `blame.rs` which
//! item the death is blamed on, and gives all other items back to the queue. The item itself is tried once more, unless
//! a limit was exceeded or no item may begin twice; at the second death it fails. The next frame for the slot gets a
//! new worker.
//!
//! For example, the frames 4..8 and 8..12 are in flight to a worker that has sent the results of 4 and dies in 6, with
//! the result of 5 still in its outbox. The queue gets back 5, which runs again, 7, and 8..12. Item 6 runs a second
//! time; if that worker dies in it too, it fails with two attempts. After a time limit it fails with one.
//!
//! # What each process has
//! | | the calling process | a worker |
//! |---|---|---|
//! | threads | the calling thread, and one that starts workers | one for items, and one that sends results if need be |
//! | descriptors | three per worker, one per block, two in all | the socket, its folder, a pipe, the three standard ones, one per block |
//! | mappings | a status page per worker, slots, blocks | its status page, slots, blocks |
//!
//! Slots need no descriptor once both sides have mapped them.
//!
//! # Systems
//! Linux so far. On other systems, and under a model checker, `unsupported` refuses the call.

mod init;
mod limits;
mod memory;
pub(crate) mod processes;
mod system;
#[cfg(any(target_os = "linux", manyhands_loom, manyhands_shuttle))]
pub(crate) mod wire;

#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod child;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod environment;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod linux;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod rights;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod serde_task;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod supervisor;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod surroundings;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod system_call;
#[cfg(not(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle)))))]
mod unsupported;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod worker;

pub use init::init;
pub use memory::{PlainNumber, SharedSlice};
pub use processes::Processes;

pub(crate) use system::{FunctionName, fingerprint};
