//! What a worker gets from its caller at its start and keeps: the folder, the environment and the user.
//!
//! Promises: all workers of a call have those that the caller has when the call begins. An idle worker is used again only
//! where they are the caller's at that time, and one that is started later in the call gets those of its begin, whatever
//! the caller has by then. What a worker's items do to them is left to `worker/start_state.rs`.
//!
//! The mask for new files belongs here too, but the caller cannot read it at a bearable cost: there is no system call
//! that does so without changing it for a moment, in all threads, and the file of `/proc` that has it costs as much as
//! a small call. So a worker keeps the mask of its start, and sets it again before each call.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags, Stat};

use crate::backend::process::environment;
use crate::backend::process::rights::Ids;
use crate::backend::process::wire::function::program;

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
        Self { folder: folder_now(), environment: environment::fingerprint(), ids: Ids::now() }
    }

    /// Users and groups.
    pub(super) fn ids(&self) -> Ids {
        self.ids
    }

    /// Whether a worker that is started here has the rights of its caller, and no others.
    ///
    /// # Errors
    /// With a text that says why not, and the way out.
    pub(super) fn check_rights(&self) -> Result<(), String> {
        self.ids.check()?;
        program().map_or(Ok(()), |program| program.rights.check(self.ids))
    }
}

/// Names the folder of this process, also after a renaming; `None` where it cannot be looked at.
fn folder_now() -> Option<(u64, u64)> {
    rustix::fs::stat(".").ok().as_ref().map(number_of)
}

fn number_of(folder: &Stat) -> (u64, u64) {
    (folder.st_dev, folder.st_ino)
}

/// What the workers of a call are started with: all that their [`Surroundings`] name.
///
/// Made by the first call in these surroundings, and kept by the workers that it starts, for later calls.
#[derive(Debug)]
pub(super) struct Origin {
    surroundings: Surroundings,
    /// The folder; `None` where it could not be opened.
    folder: Option<OwnedFd>,
    variables: Vec<(OsString, OsString)>,
}

impl Origin {
    /// That of this process now, whose user a call has looked at already.
    ///
    /// Costs the opening of the folder, and a copy of the environment.
    pub(super) fn now(ids: Ids) -> Self {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(".", flags, Mode::empty()).ok();
        let folder = opened.as_ref().and_then(|folder| rustix::fs::fstat(folder).ok()).as_ref().map(number_of);
        let (environment, variables) = environment::copy();
        Self {
            surroundings: Surroundings { folder: folder.or_else(folder_now), environment, ids },
            folder: opened,
            variables,
        }
    }

    /// What names it.
    pub(super) fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// The variables.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.variables.iter().map(|(name, value)| (name, value))
    }

    /// Whether this process is in its folder, so that a process that it starts is there too. Costs a system call.
    pub(super) fn is_in_folder(&self) -> bool {
        folder_now() == self.surroundings.folder
    }

    /// A path that leads to its folder in each process that was just forked from this one, whatever its name is by then.
    ///
    /// # Errors
    /// When it could not be opened.
    pub(super) fn path_of_folder(&self) -> io::Result<String> {
        let folder = self.folder.as_ref().ok_or_else(|| {
            io::Error::other("the program has left the folder in which the call began, which could not be opened")
        })?;
        Ok(format!("/proc/self/fd/{}", folder.as_raw_fd()))
    }

    /// Checks that a process that is started now has the call's user.
    ///
    /// # Errors
    /// When this process has become another user since the call began.
    pub(super) fn check_user(&self) -> io::Result<()> {
        if Ids::now() == self.surroundings.ids {
            return Ok(());
        }
        Err(io::Error::other(
            "the program has become another user since the call began, and workers would run as that one",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_workers_are_started_with_is_what_the_process_has() {
        let (now, origin) = (Surroundings::now(), Origin::now(Ids::now()));
        // Another test of this program may set a variable in between; none changes the folder or the user.
        assert_eq!((origin.surroundings().folder, origin.surroundings().ids), (now.folder, now.ids));
        assert!(origin.is_in_folder() && origin.check_user().is_ok());
        let folder = rustix::fs::stat(origin.path_of_folder().unwrap()).unwrap();
        assert_eq!(Some(number_of(&folder)), now.folder);
    }
}
