//! Programs that run with more rights than the user who started them, or that change their user: their items never run with
//! rights that they must not have.
//!
//! Only root can make such programs. Where the drills run as another user, `main` says that they are skipped.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use manyhands::{Job, OnFailure, Processes};
use manyhands_test_support::fork::fork;
use rustix::fs::StatVfsMountFlags;
use rustix::process::{geteuid, getuid};
use tempfile::TempDir;

use crate::harness::drills;
use crate::starting::{PASSES_OVER, variable_of, would_be_worker};

drills![
    a_program_with_more_rights_than_its_user_is_no_worker_and_starts_none,
    a_process_of_another_user_than_its_parent_is_no_worker,
    workers_have_the_user_that_the_program_has_at_the_call,
    a_program_whose_users_differ_starts_no_workers,
    no_worker_is_started_as_another_user_than_its_call_began_with,
];

/// The user that owns nothing.
const NO_ONE: u32 = 65534;
const WORKER: &str = "MANYHANDS_WORKER";

/// Says which drills do nothing here.
pub(crate) fn name_what_is_skipped() {
    if !getuid().is_root() {
        println!("SKIPPED: the drills of `rights` need root, to make a set-user-id program and to change the user");
    }
}

/// A copy of this program that every user may run, with these permissions.
fn copy(mode: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().join("copy");
    fs::copy("/proc/self/exe", &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    (folder, path)
}

/// It plays this role as a user that owns nothing.
fn as_no_one(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.arg("--play-parent").args(arguments).uid(NO_ONE).gid(NO_ONE).current_dir("/");
    command
}

fn a_program_with_more_rights_than_its_user_is_no_worker_and_starts_none() {
    if !getuid().is_root() {
        return;
    }
    for mode in [0o4755, 0o2755] {
        let (folder, path) = copy(mode);
        let flags = rustix::fs::statvfs(folder.path()).unwrap().f_flag;
        assert!(!flags.contains(StatVfsMountFlags::NOSUID), "set TMPDIR to a folder where set-user-id works");
        // One that its user starts, and one that is given all that a worker is given.
        let mut started = as_no_one(&path, &["reports", "2"]);
        let (mut wanted, _ours) = would_be_worker(as_no_one(&path, &["reports", "2"]));
        wanted.env(WORKER, variable_of(process::id())).env(PASSES_OVER, "1");
        for output in [started.stdin(Stdio::null()).output().unwrap(), wanted.output().unwrap()] {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(said.starts_with("unsupported: ") && said.contains("set-user-id"), "{mode:o}: {said} {output:?}");
            assert!(output.status.success(), "{output:?}");
        }
    }
}

fn a_process_of_another_user_than_its_parent_is_no_worker() {
    if !getuid().is_root() {
        return;
    }
    let (_folder, path) = copy(0o755);
    let (mut wanted, _ours) = would_be_worker(as_no_one(&path, &["reports", "2"]));
    let output = wanted.env(WORKER, variable_of(process::id())).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(said.contains("its caller is of user 0"), "{said}");
}

/// The users that two items of a call have.
fn users_of_items() -> Result<Vec<u32>, manyhands::Error> {
    Job::new(&[0; 2]).mode(Processes::new()).workers(2).run(|_: &i32| geteuid().as_raw())?.into_result()
}

/// A parent that has workers as root, and then is another user for good.
pub(crate) fn give_up(_: &[String]) {
    println!("{:?}", users_of_items().unwrap());
    // SAFETY: the call changes the user of all threads; nothing here relies on being root from now on.
    assert_eq!(unsafe { libc::setresuid(NO_ONE, NO_ONE, NO_ONE) }, 0);
    // Its own file in `/proc`, through which it starts workers, would be root's otherwise.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable).unwrap();
    println!("{:?}", users_of_items().unwrap());
}

fn workers_have_the_user_that_the_program_has_at_the_call() {
    if !getuid().is_root() {
        return;
    }
    let (_folder, path) = copy(0o755);
    let output = Command::new(path).args(["--play-parent", "gives-up-rights"]).current_dir("/").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("[0, 0]\n[{NO_ONE}, {NO_ONE}]\n"), "{output:?}");
}

/// A parent whose effective user is another one for a while.
pub(crate) fn let_users_differ(_: &[String]) {
    // SAFETY: as above.
    assert_eq!(unsafe { libc::seteuid(NO_ONE) }, 0);
    let error = users_of_items().unwrap_err();
    println!("unsupported: {}", error.is_unsupported());
    // SAFETY: as above.
    assert_eq!(unsafe { libc::seteuid(0) }, 0);
    println!("{:?}", users_of_items().unwrap());
}

fn a_program_whose_users_differ_starts_no_workers() {
    if !getuid().is_root() {
        return;
    }
    let output = Command::new("/proc/self/exe").args(["--play-parent", "users-differ"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "unsupported: true\n[0, 0]\n", "{output:?}");
}

/// The program gives up its rights in the middle of a call. Then a worker dies, and a new one would have fewer than the items
/// before had.
fn no_worker_is_started_as_another_user_than_its_call_began_with() {
    if !getuid().is_root() {
        return;
    }
    fn find_or_die(n: &u32) -> u32 {
        if *n == 1 {
            process::abort();
        }
        geteuid().as_raw()
    }
    fork(|| {
        let mut results = Vec::new();
        let job = Job::over(0..4_u32).mode(Processes::new()).workers(1).chunk_size(1).on_failure(OnFailure::Continue);
        let work = job.map(find_or_die as fn(&u32) -> _);
        let tally = work.for_each(|index, result| {
            if index == 0 {
                // SAFETY: the call changes the user of all threads; nothing in this process relies on being root.
                assert_eq!(unsafe { libc::setresuid(NO_ONE, NO_ONE, NO_ONE) }, 0);
            }
            results.push(result.map_err(|failure| failure.to_string()));
            ControlFlow::Continue(())
        });
        assert_eq!(tally.unwrap().failed, 3, "{results:?}");
        assert_eq!(results[0], Ok(0));
        let names_user =
            |result: &Result<u32, String>| result.as_ref().is_err_and(|text| text.contains("another user"));
        assert!(results[1..].iter().all(names_user), "{results:?}");
    })
    .assert_success();
}
