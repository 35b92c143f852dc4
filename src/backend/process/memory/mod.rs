//! Memory that several processes see: sealed blocks, views of numbers in them, and how much memory is available.
//!
//! | file | holds | knows |
//! |---|---|---|
//! | `segment.rs` | an anonymous file and its mappings | length and seals |
//! | `block.rs` | a sealed segment with a name | the names of this process |
//! | `shared_slice.rs` | a view of numbers in a block | the type of the numbers |
//! | `available.rs` | how much memory may be requested | `/proc` and the container's limit |
//! | `heap_block.rs` | a block where there is no shared memory | nothing of other processes |
//!
//! Slots and status pages of `wire` are segments too; blocks alone have names and are immutable.

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
