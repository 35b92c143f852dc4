//! The process backend: worker processes, which are copies of the running program, each at one end of a socket.
//!
//! The calling process: `supervisor` dispatches ranges of positions to workers as frames (`wire`), receives results, handles
//! worker deaths, and shuts down; `child` starts, watches and ends the processes. A worker: `worker` reads frames, runs
//! items through the loop that every mode shares, says on the status page which item it has in hand, and sends results.
//! Large values lie in `memory` that both sides map.
//!
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
mod linux;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod process_task;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod supervisor;
#[cfg(not(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle)))))]
mod unsupported;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
mod worker;

pub use init::init;
pub use memory::{PlainNumber, SharedSlice};
pub use processes::Processes;

pub(crate) use system::{FunctionName, fingerprint};
