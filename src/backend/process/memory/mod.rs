//! Memory that several processes see: sealed blocks, views of numbers in them, and how much memory is available.

#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod available;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod block;
#[cfg(not(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle)))))]
mod heap_block;
mod plain_number;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod segment;
mod shared_slice;

pub use plain_number::PlainNumber;
pub use shared_slice::SharedSlice;
