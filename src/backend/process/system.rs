//! The implementation that this build has: `linux.rs`, or `unsupported.rs` on other systems and under a model checker.
//!
//! Both have the same five names, and the rest of the crate imports them from here, so that one `cfg` decides. A third
//! system would be one more file beside them.

#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) use crate::backend::process::linux::{FunctionName, fingerprint};
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(super) use crate::backend::process::linux::{become_worker, end_idle_workers, run};
#[cfg(not(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle)))))]
pub(crate) use crate::backend::process::unsupported::{FunctionName, fingerprint};
#[cfg(not(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle)))))]
pub(super) use crate::backend::process::unsupported::{become_worker, end_idle_workers, run};
