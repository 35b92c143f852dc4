//! Backends: the parts that run items, one for each kind of workers.
//!
//! - `contract.rs` says what a backend receives, reports and promises; `plan.rs`, `task.rs` and `items.rs` are its
//!   input.
//! - `mode.rs` and `any_mode.rs` offer the backends as values to the user.
//! - `serial.rs`, `threads.rs` and `process/` are the backends. `worker_loop.rs` is the loop over items that all of
//!   them share.
//! - `dispatcher.rs`, `thread_pool.rs`, `retry_queue.rs` and `item_time.rs` serve them.
//!
//! Progress, journal, retries and stops are decided in `run/`.

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
