//! Backends: the parts that run items. `contract.rs` says what a backend gets and reports; `serial.rs`, `threads.rs` and
//! `process/` are the backends; `mode.rs` and `any_mode.rs` offer them as values; `worker_loop.rs` is the loop over items that
//! all of them share.

pub(crate) mod amounts;
pub(crate) mod any_mode;
pub(crate) mod contract;
pub(crate) mod dispatcher;
pub(crate) mod item_time;
pub(crate) mod items;
pub(crate) mod mode;
pub(crate) mod plan;
#[cfg(feature = "processes")]
pub(crate) mod process;
pub(crate) mod process_task;
pub(crate) mod retry_queue;
pub(crate) mod serial;
pub(crate) mod task;
pub(crate) mod thread_pool;
pub(crate) mod threads;
pub(crate) mod worker_loop;
