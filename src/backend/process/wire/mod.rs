//! What travels between a caller and its workers: frames and their bodies as bytes, one end of a connection, and the
//! page of memory that both sides see.
//!
//! # The frames of a call
//! A first call to a new worker, with a shared value of 2 MiB; the worker's side stands to the right:
//!
//! ```text
//! Hello  (executable, secret, threads; the page)        ->   maps the page
//! ExitPipe (a pipe that ends with the caller)            ->   its group ends with the caller; marks the page
//! Block  (id, length; descriptor of the shared value)   ->   maps the block
//! Call   (functions, settings, id of the block)         ->   finds the functions, decodes the shared value
//! Items  (first 0, count 100, number 0)                 ->   makes its state, begins frame 0
//! Items  (first 200, count 100, number 1)               ->
//!                        <-  Answers (first 0, count 60)     after a millisecond
//!                        <-  Answers (first 60, count 40)
//!                        <-  Answers (first 200, count 100)
//! End                                                   ->   drops its state and the shared value
//!                        <-  Ended (empty)
//! ```
//!
//! A second call to the same worker begins at `Block`. Where it has no state and no shared value, there is no `End`
//! either.
//!
//! | file | what it defines |
//! |---|---|
//! | `frame.rs` | the header, the kinds, and the parts of a body |
//! | `body.rs`, `encode.rs` | where a body is written, and values as bytes |
//! | `call.rs`, `answers.rs`, `refusal.rs` | the bodies of `Hello` and `Call`, of `Answers`, and of `Refused` |
//! | `drop_panic.rs` | a destructor that panicked in a worker |
//! | `attachments.rs` | blocks of shared memory that values mention |
//! | `function.rs` | functions as places in the executable |
//! | `fuzzed.rs` | any bytes, for a fuzz target alone |
//! | `connection.rs` | frames to and from the socket, and slots for large bodies |
//! | `status_page.rs`, `status_page_mapping.rs` | the shared page, and its memory |

#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod answers;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod attachments;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod body;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod call;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod connection;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod drop_panic;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod encode;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod frame;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod function;
#[cfg(all(any(test, fuzzing), target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod fuzzed;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod refusal;
#[cfg_attr(any(manyhands_loom, manyhands_shuttle), expect(dead_code, reason = "what is modelled is a part of it"))]
pub(crate) mod status_page;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod status_page_mapping;
