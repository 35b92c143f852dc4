//! What travels between a caller and its workers: frames and their bodies as bytes, one end of a connection, and the
//! page of memory that both sides see.

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
pub(super) mod encode;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod frame;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod function;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod refusal;
#[cfg_attr(any(manyhands_loom, manyhands_shuttle), expect(dead_code, reason = "what is modelled is a part of it"))]
pub(crate) mod status_page;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) mod status_page_mapping;
