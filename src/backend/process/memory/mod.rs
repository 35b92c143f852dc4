//! Memory that several processes see: sealed blocks, views of numbers in them, and how much memory is free.

#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod available;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod block;
mod plain_number;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod segment;
mod shared_slice;

#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) use block::{Block, BlockId};
pub use plain_number::PlainNumber;
pub use shared_slice::SharedSlice;
