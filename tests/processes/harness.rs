//! What holds for every drill: nothing is left behind, nothing hangs, and what workers print is shown when it fails.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use manyhands::{Job, LocalMode, Processes};

use crate::leak_check::{Belongings, children};

/// A behaviour, by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drill {
    pub(crate) name: &'static str,
    pub(crate) act: fn(),
}

/// The drills of a module; one that is not named here is dead code, which the compiler tells.
macro_rules! drills {
    ($($name:ident),+ $(,)?) => {
        pub(crate) const DRILLS: &[$crate::harness::Drill] =
            &[$($crate::harness::Drill { name: concat!(module_path!(), "::", stringify!($name)), act: $name }),+];
    };
}
pub(crate) use drills;

/// How long a drill may take before the program ends, hung.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run_suite(modules: &[&'static [Drill]]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let shows_all = arguments.nocapture;
    let no_core_files = rustix::process::Rlimit { current: Some(0), ..rustix::process::getrlimit(CORE) };
    rustix::process::setrlimit(CORE, no_core_files).unwrap();
    let trial = |drill: &'static Drill| {
        let name = drill.name.trim_start_matches("processes::");
        Trial::test(name, move || run(name, drill.act, shows_all))
    };
    let trials = modules.iter().flat_map(|module| module.iter()).map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

const CORE: rustix::process::Resource = rustix::process::Resource::Core;

fn run(name: &'static str, act: fn(), shows_all: bool) -> Result<(), Failed> {
    let begun = Instant::now();
    let stderr = Captured::begin();
    let result = while_watched(name, || catch_unwind(|| leaving_nothing_behind("the drill", act)));
    eprintln!("{name} took {:?}", begun.elapsed());
    let printed = stderr.end();
    if result.is_err() || shows_all {
        std::io::stderr().write_all(last_part(&printed).as_bytes()).unwrap();
    }
    result.map_err(|payload| Failed::from(message_of(&*payload)))
}

/// The behaviour with one worker, with as many as this machine may have cores, and with far more.
pub(crate) fn with_every_crew(mut check: impl FnMut(usize)) {
    for workers in [1, 2, 16] {
        leaving_nothing_behind(&format!("a crew of {workers}"), || check(workers));
    }
}

/// Runs it and asserts that no process, descriptor, shared memory or thread is there that was not there before.
pub(crate) fn leaving_nothing_behind(what: &str, act: impl FnOnce()) {
    static HAS_RUN_BEFORE: Once = Once::new();
    // The first call of a program makes what later ones use again.
    HAS_RUN_BEFORE.call_once_force(|_| {
        for mode in [LocalMode::Threads, LocalMode::IoThreads] {
            let waiting = Job::new(&[(); 100]).mode(mode).workers(16).chunk_size(1);
            waiting.run(|()| thread::sleep(Duration::from_micros(100))).unwrap().into_values().unwrap();
        }
        let outcome = Job::new(&[1, 2, 3, 4]).mode(Processes::new()).workers(2).run(|n: &i32| n + 1);
        assert_eq!(outcome.unwrap().into_values().unwrap(), [2, 3, 4, 5]);
    });
    Processes::end_idle_workers();
    let before = Belongings::now();
    act();
    Processes::end_idle_workers();
    let left = Belongings::now().beyond(&before);
    assert!(left.is_empty(), "{what} left behind: {left:#?}");
    let ends = Instant::now() + Duration::from_secs(5);
    while Belongings::threads() > before.threads {
        assert!(Instant::now() < ends, "{what} left {} threads where {} were", Belongings::threads(), before.threads);
        thread::yield_now();
    }
}

/// What was printed on this process's stderr since the drill began.
pub(crate) fn printed() -> String {
    let current = CAPTURE.lock().unwrap();
    read_all(&current.as_ref().expect("a drill is running").file)
}

/// Waits until something can be seen, which must be soon.
pub(crate) fn wait_until(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < patience, "waited {patience:?} in vain until {what}");
        thread::sleep(Duration::from_millis(1)); // Only so as not to take a core from what is waited for.
    }
}

fn while_watched<A>(name: &'static str, act: impl FnOnce() -> A) -> A {
    let (alive, ended) = channel::<()>();
    let watch = move || {
        if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            end_program(name);
        }
    };
    let watcher = thread::spawn(watch);
    let made = catch_unwind(AssertUnwindSafe(act));
    drop(alive);
    watcher.join().unwrap();
    made.unwrap_or_else(|payload| resume_unwind(payload))
}

/// Tells on the real stderr what hangs, and ends everything; a worker's parent takes it along.
fn end_program(name: &str) -> ! {
    let workers = children(std::process::id());
    if let Some(captured) = CAPTURE.lock().unwrap().as_ref() {
        let printed = read_all(&captured.file);
        let report =
            format!("{}\ndrill {name} hangs: not done after {PATIENCE:?}, with {workers:#?}\n", last_part(&printed));
        File::from(captured.real.try_clone().unwrap()).write_all(report.as_bytes()).unwrap();
    }
    std::process::abort();
}

/// The file that stands in for this process's stderr, and the real one.
struct Captured {
    file: File,
    real: OwnedFd,
}

static CAPTURE: Mutex<Option<Captured>> = Mutex::new(None);

struct CaptureGuard;

impl Captured {
    fn begin() -> CaptureGuard {
        let file = tempfile::tempfile().unwrap();
        let real = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3).unwrap();
        rustix::stdio::dup2_stderr(&file).unwrap();
        *CAPTURE.lock().unwrap() = Some(Self { file, real });
        CaptureGuard
    }
}

impl CaptureGuard {
    fn end(self) -> String {
        let captured = CAPTURE.lock().unwrap().take().expect("it began");
        rustix::stdio::dup2_stderr(&captured.real).unwrap();
        read_all(&captured.file)
    }
}

/// The whole file, read without moving the place that writers of the same descriptor go on from.
pub(crate) fn read_all(file: &File) -> String {
    let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn last_part(text: &str) -> &str {
    const ENOUGH: usize = 8 << 10;
    let start = (text.len().saturating_sub(ENOUGH)..).find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[start..]
}

fn message_of(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message").to_owned()
}
