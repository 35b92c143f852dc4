//! With whose rights this process runs, and whether a copy of it would run with others.
//!
//! Promises: a program that runs with more rights than the user who started it is known as one, so that it becomes no
//! worker and starts none. Workers are copies of the program: where the file gives rights, each copy gets them anew,
//! whatever the caller has given up in between.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Why such a program starts no workers.
const GIVEN_BY_FILE: &str = "this program runs with rights that its file gives (set-user-id, set-group-id or capabilities), and worker processes, which are copies of it, would get them anew; use Threads, or run the items in a program without these rights";
const SECURE_EXECUTION: &str = "the kernel has started this program with other rights than the process that started it has, and worker processes, which are copies of it, would get them anew: by set-user-id, set-group-id or capabilities of its file, by a SELinux domain without `noatsecure`, or by an AppArmor profile with `Px` or `Cx`; use Threads, or run the items in a program without these rights";
const IDS_DIFFER: &str = "the real and the effective user or group of this process differ, and worker processes would run with other rights than it has; use Threads, or set both to the same one first";

/// Users and groups of a process: real and effective ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids {
    user: u32,
    effective_user: u32,
    group: u32,
    effective_group: u32,
}

impl Ids {
    /// Those of this process now. Costs two system calls.
    pub(super) fn now() -> Self {
        let (mut ids, mut saved) = ([0; 4], 0);
        let [user, effective_user, group, effective_group] = &mut ids;
        // SAFETY: each call writes three numbers to places of their type, and cannot fail with valid ones.
        unsafe {
            libc::getresuid(user, effective_user, &raw mut saved);
            libc::getresgid(group, effective_group, &raw mut saved);
        }
        let [user, effective_user, group, effective_group] = ids;
        Self { user, effective_user, group, effective_group }
    }

    /// The user whose rights the process has.
    pub(super) fn effective_user(self) -> u32 {
        self.effective_user
    }

    /// Whether workers may be started: they would run with the rights that this process has.
    ///
    /// # Errors
    /// When real and effective ones differ: the system takes a program that is started then for a privileged one.
    pub(super) fn check(self) -> Result<(), String> {
        let are_same = self.user == self.effective_user && self.group == self.effective_group;
        if are_same { Ok(()) } else { Err(IDS_DIFFER.to_owned()) }
    }
}

/// Rights that the file of a program gives to each process that runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct FileRights {
    /// Set-user-id: the owner of the file.
    user: Option<u32>,
    /// Set-group-id: the group of the file.
    group: Option<u32>,
    /// Whether it gives capabilities.
    capabilities: bool,
}

impl FileRights {
    /// Those of the file at this path, whose metadata are `file`.
    pub(super) fn of(path: &str, file: &Metadata) -> Self {
        let has = |bit: rustix::fs::Mode| file.mode() & bit.bits() != 0;
        let found = rustix::fs::getxattr(path, "security.capability", &mut [] as &mut [u8]);
        Self {
            user: has(rustix::fs::Mode::SUID).then_some(file.uid()),
            group: has(rustix::fs::Mode::SGID).then_some(file.gid()),
            capabilities: found.is_ok(),
        }
    }

    /// Whether a copy that a process with these ids starts runs with the same rights.
    ///
    /// # Errors
    /// When the file would give it others. Of use where the caller itself has none of them any more, as a program that
    /// was started by root and then became another user.
    pub(super) fn check(self, ids: Ids) -> Result<(), String> {
        let gives_user = self.user.is_some_and(|user| user != ids.effective_user);
        let gives_group = self.group.is_some_and(|group| group != ids.effective_group);
        let gives_capabilities = self.capabilities && ids.effective_user != 0;
        if gives_user || gives_group || gives_capabilities { Err(GIVEN_BY_FILE.to_owned()) } else { Ok(()) }
    }
}

/// Whether this process was started with more rights than the one that started it had, as the kernel says (`AT_SECURE`). It
/// says so also for one that has changed its security domain, by SELinux without `noatsecure` or by AppArmor with `Px` or `Cx`.
///
/// It holds for the life of the process, also after it has given these rights up. Costs no system call.
pub(super) fn is_privileged() -> bool {
    // SAFETY: it reads a word that the kernel has left to the process at its start.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// The text of the error for a process that [`is_privileged`].
pub(super) fn privileged() -> String {
    SECURE_EXECUTION.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(user: u32, effective_user: u32) -> Ids {
        Ids { user, effective_user, group: 7, effective_group: 7 }
    }

    #[test]
    fn a_process_with_two_users_starts_no_workers() {
        assert_eq!(ids(5, 5).check(), Ok(()));
        assert!(ids(0, 5).check().is_err() && ids(5, 0).check().is_err());
        assert!(Ids { effective_group: 8, ..ids(5, 5) }.check().is_err());
    }

    #[test]
    fn a_file_that_gives_rights_is_refused_where_it_would_change_them() {
        let of_root = FileRights { user: Some(0), ..FileRights::default() };
        assert_eq!((of_root.check(ids(0, 0)), of_root.check(ids(5, 5)).is_err()), (Ok(()), true));
        let with_group = FileRights { group: Some(8), ..FileRights::default() };
        assert!(with_group.check(ids(0, 0)).is_err());
        let with_capabilities = FileRights { capabilities: true, ..FileRights::default() };
        assert_eq!((with_capabilities.check(ids(0, 0)), with_capabilities.check(ids(5, 5)).is_err()), (Ok(()), true));
        assert_eq!(FileRights::default().check(ids(5, 5)), Ok(()));
    }

    #[test]
    fn this_process_has_its_own_ids_and_no_more() {
        let found = Ids::now();
        assert_eq!(found.effective_user(), rustix::process::geteuid().as_raw());
        assert_eq!(found.effective_group, rustix::process::getegid().as_raw());
        assert!(!is_privileged());
    }
}
