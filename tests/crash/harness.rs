//! What holds for every drill: a folder of its own, a seed that is printed, no process left behind, and nothing hangs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use manyhands::Processes;
pub(crate) use manyhands_test_support::harness::{Drill, drills};
use manyhands_test_support::harness::{Failed, one_after_the_other, run_watched};
use manyhands_test_support::processes::{adopt_orphans, assert_no_orphans};
use manyhands_test_support::seed::{SEED_VARIABLE, seed, variable};
use manyhands_test_support::signals::{INT, restore_default};
use manyhands_test_support::wait;

/// A drill is given its folder.
pub(crate) type Function = fn(&Path);

/// How long a drill may take before the program ends, hung; and how much longer for each kill.
const TIMEOUT: Duration = Duration::from_secs(60);
const PER_KILL: Duration = Duration::from_secs(3);

pub(crate) fn run_suite(modules: &[&'static [Drill<Function>]]) -> ExitCode {
    let arguments = one_after_the_other();
    adopt_orphans();
    // The copies inherit what this program does at Ctrl+C.
    restore_default(INT);
    eprintln!(
        "crash drills: {SEED_VARIABLE}={} MANYHANDS_CRASH_KILLS={} MANYHANDS_CRASH_FOLDER={}",
        seed(),
        kills(),
        parent_folder().display()
    );
    manyhands_test_support::harness::run_suite(&arguments, modules, run)
}

/// How often a study is killed in each mode.
pub(crate) fn kills() -> u32 {
    variable("MANYHANDS_CRASH_KILLS").unwrap_or(10)
}

/// Where the drills' folders are. In memory where that is possible: what a kill costs is measured in milliseconds, and a disk
/// that others keep busy takes longer than that to sync. A kill has the same effect on both.
pub(crate) fn parent_folder() -> PathBuf {
    let asked_for = std::env::var_os("MANYHANDS_CRASH_FOLDER").map(PathBuf::from);
    let in_memory = || Some(PathBuf::from("/dev/shm")).filter(|folder| tempfile::tempfile_in(folder).is_ok());
    asked_for.or_else(in_memory).unwrap_or_else(std::env::temp_dir)
}

fn run(name: &'static str, function: Function) -> Result<(), Failed> {
    let folder = tempfile::tempdir_in(parent_folder()).unwrap();
    let result = run_watched(name, TIMEOUT + PER_KILL * kills(), || {
        function(folder.path());
        Processes::end_idle_workers();
        assert_no_orphans();
    });
    // The folder of a failed drill is kept for a look at it.
    result.map_err(|why| Failed::from(format!("{why}\nfolder {}", folder.keep().display())))
}

/// Waits until the condition holds, which must be soon.
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    wait::wait_until(what, Duration::from_secs(20), condition);
}
