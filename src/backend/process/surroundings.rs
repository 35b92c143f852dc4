//! What a worker gets from its caller at its start and keeps: the folder, the environment and the user.
//!
//! Promises: an idle worker is used again only where they are the caller's at that time. The caller compares its own
//! ones with those at the worker's start; what a worker's items do to them is left to `worker/start_state.rs`.
//!
//! The mask for new files belongs here too, but the caller cannot read it at a bearable cost: there is no system call
//! that does so without changing it for a moment, in all threads, and the file of `/proc` that has it costs as much as
//! a small call. So a worker keeps the mask of its start, and sets it again before each call.

use crate::backend::process::environment;
use crate::backend::process::rights::Ids;
use crate::backend::process::wire::function::PROGRAM;

/// Folder, environment and user of a process at one time.
///
/// Equal ones mean the same folder, even after it was renamed, and with near certainty the same variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Surroundings {
    folder: Option<(u64, u64)>,
    environment: u64,
    ids: Ids,
}

impl Surroundings {
    /// Those of this process now. Costs three system calls, and what `environment.rs` says.
    pub(super) fn now() -> Self {
        let folder = rustix::fs::stat(".").ok().map(|folder| (folder.st_dev, folder.st_ino));
        Self { folder, environment: environment::fingerprint(), ids: Ids::now() }
    }

    /// Whether a worker that is started here has the rights of its caller, and no others.
    ///
    /// # Errors
    /// With a text that says why not, and the way out.
    pub(super) fn check_rights(&self) -> Result<(), String> {
        self.ids.check()?;
        PROGRAM.as_ref().map_or(Ok(()), |program| program.rights.check(self.ids))
    }
}
