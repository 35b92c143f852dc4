//! A worker's folder, mask, environment and user as they were at its start, so that no item changes them for later calls.
//!
//! Promises: each call begins in the folder and with the mask of the worker's start; a worker whose items have changed
//! its environment or its user serves no further call. Variables cannot be set back: other threads of the process may
//! read them at any time.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};

use crate::backend::process::environment;
use crate::backend::process::rights::Ids;

/// What a worker had at its start.
#[derive(Debug)]
pub(super) struct StartState {
    /// The folder; `None` where it could not be opened, and then it is not set back.
    folder: Option<OwnedFd>,
    mask: Mode,
    environment: u64,
    ids: Ids,
}

impl StartState {
    /// Notes what this process has now. Costs about ten system calls, of which one reads a file of `/proc`.
    pub(super) fn note() -> Self {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Self {
            folder: rustix::fs::open(".", flags, Mode::empty()).ok(),
            mask: mask_of_new_files(),
            environment: environment::fingerprint(),
            ids: Ids::now(),
        }
    }

    /// Sets the folder and the mask back; false where the folder cannot be entered any more. Costs two system calls.
    pub(super) fn restore(&self) -> bool {
        rustix::process::umask(self.mask);
        self.folder.as_ref().is_none_or(|folder| rustix::process::fchdir(folder).is_ok())
    }

    /// Whether an item has changed what cannot be set back. Costs two system calls, and what `environment.rs` says: threads
    /// that items have left behind may set variables meanwhile. Called between two calls.
    pub(super) fn is_changed(&self) -> bool {
        (environment::fingerprint(), Ids::now()) != (self.environment, self.ids)
    }
}

/// The mask of this process, from `/proc`, as the system call that gives it also changes it.
///
/// Where the file has none, the mask is changed for an instant, which a file that another thread creates just then
/// would get: at a worker's start no item runs.
fn mask_of_new_files() -> Mode {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    match line.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok()) {
        Some(mask) => Mode::from_bits_truncate(mask),
        None => {
            let mask = rustix::process::umask(Mode::from_bits_truncate(0o077));
            rustix::process::umask(mask);
            mask
        }
    }
}
