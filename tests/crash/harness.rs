//! What holds for every drill: a folder of its own, a seed that is printed, nothing left at work, and nothing hangs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use libtest_mimic::{Arguments, Failed, Trial};
use manyhands::Processes;

use crate::child::{adopt_orphans, assert_no_orphans};

/// A behaviour, by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drill {
    pub(crate) name: &'static str,
    pub(crate) act: fn(&Path),
}

/// The drills of a module; one that is not named here is dead code, which the compiler tells.
macro_rules! drills {
    ($($name:ident),+ $(,)?) => {
        pub(crate) const DRILLS: &[$crate::harness::Drill] =
            &[$($crate::harness::Drill { name: concat!(module_path!(), "::", stringify!($name)), act: $name }),+];
    };
}
pub(crate) use drills;

/// How long a drill may take before the program ends, hung; and how much longer for each kill.
const PATIENCE: Duration = Duration::from_secs(60);
const PER_KILL: Duration = Duration::from_secs(3);

pub(crate) fn run_suite(modules: &[&'static [Drill]]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    adopt_orphans();
    // A shell has what it starts in the background ignore Ctrl+C, and the copies inherit that.
    // SAFETY: the default action installs no code.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    eprintln!(
        "crash drills: MANYHANDS_CRASH_SEED={} MANYHANDS_CRASH_KILLS={} MANYHANDS_CRASH_FOLDER={}",
        seed(),
        kills(),
        ground().display()
    );
    let trial = |drill: &'static Drill| {
        let name = drill.name.trim_start_matches("crash::");
        Trial::test(name, move || run(name, drill.act))
    };
    let trials = modules.iter().flat_map(|module| module.iter()).map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// How often a study is killed in each mode.
pub(crate) fn kills() -> u32 {
    number("MANYHANDS_CRASH_KILLS").map_or(10, |kills| u32::try_from(kills).unwrap())
}

pub(crate) fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let by_the_clock = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
        number("MANYHANDS_CRASH_SEED").unwrap_or_else(by_the_clock)
    })
}

/// Where the drills' folders are. In memory where that can be had: how much a kill costs is measured in milliseconds, and a disk
/// that others keep busy takes longer than that to sync. A kill does not care which of them it is.
pub(crate) fn ground() -> PathBuf {
    let asked_for = std::env::var_os("MANYHANDS_CRASH_FOLDER").map(PathBuf::from);
    let in_memory = || Some(PathBuf::from("/dev/shm")).filter(|folder| tempfile::tempfile_in(folder).is_ok());
    asked_for.or_else(in_memory).unwrap_or_else(std::env::temp_dir)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}, and should be a number")))
}

fn run(name: &'static str, act: fn(&Path)) -> Result<(), Failed> {
    let begun = Instant::now();
    let folder = tempfile::tempdir_in(ground()).unwrap();
    let result = while_watched(name, || {
        catch_unwind(AssertUnwindSafe(|| {
            act(folder.path());
            Processes::end_idle_workers();
            assert_no_orphans();
        }))
    });
    eprintln!("{name} took {:.1?}", begun.elapsed());
    result.map_err(|payload| {
        // What it left behind is looked into later.
        let kept = folder.keep();
        Failed::from(format!("{}\nseed {}, folder {}", message_of(&*payload), seed(), kept.display()))
    })
}

/// Waits until something can be seen, which must be soon.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        thread::sleep(Duration::from_millis(1)); // Only so as not to take a core from what is waited for.
    }
}

fn while_watched<A>(name: &'static str, act: impl FnOnce() -> A) -> A {
    let (alive, ended) = channel::<()>();
    let patience = PATIENCE + PER_KILL * kills();
    let watcher = thread::spawn(move || {
        if ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            eprintln!("drill {name} hangs: not done after {patience:?}, seed {}", seed());
            std::process::abort();
        }
    });
    let made = act();
    drop(alive);
    watcher.join().unwrap();
    made
}

fn message_of(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message").to_owned()
}
