//! What travels between a caller and its workers: frames and their bodies as bytes, one end of a connection, and the page of
//! memory that both sides see.

#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod answers;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod attachments;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod body;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod call;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod connection;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod encode;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod frame;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod function;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod refusal;
#[cfg_attr(any(manyhands_loom, manyhands_shuttle), expect(dead_code, reason = "what is modelled is a part of it"))]
pub(crate) mod status_page;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) mod status_page_mapping;
