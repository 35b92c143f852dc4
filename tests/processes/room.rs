//! Room for stacks and for threads: an item may recurse as deep as in `main` in every mode, and more workers than the
//! system can start are fewer workers, never the end of the program.

use std::hint::black_box;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use manyhands::{AnyMode, Job, ParallelConfig, ParallelExecutor, Processes};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::harness::drills;
use crate::parents::{Parent, command};

drills![
    an_item_recurses_as_deep_as_in_main_in_every_mode,
    a_call_has_at_most_as_many_workers_as_items_have_come,
    threads_that_the_system_cannot_start_are_fewer_workers,
];

/// Held by the item that has much memory.
static LARGE: Mutex<()> = Mutex::new(());

const MIB: usize = 1 << 20;
const MODES: [&str; 3] = ["threads", "io", "processes"];

/// Recurses until this much of the stack below `top` is used; gives the depth.
#[inline(never)]
fn recurse(top: usize, bytes: usize) -> usize {
    let frame = black_box([0_u8; 512]);
    let used = top.abs_diff(frame.as_ptr().addr());
    if used >= bytes { 0 } else { 1 + black_box(recurse(top, bytes)) }
}

fn uses_stack(mib: &usize) -> bool {
    let here = 0_u8;
    recurse(std::ptr::from_ref(&here).addr(), mib * MIB) > 0
}

/// Recurses in every mode, with the usual stacks and with larger ones.
pub(crate) fn recurse_in_every_mode(_: &[String]) {
    let large = ParallelConfig::builder().thread_stack_size(64 * MIB).build().unwrap();
    for (mib, config) in [(6, ParallelConfig::default()), (48, large), (6, ParallelConfig::default())] {
        let executor = ParallelExecutor::new(config);
        let _same_for_streams = manyhands::config::override_parallel_config(executor.config().clone());
        for name in MODES {
            let mode: AnyMode = name.parse().unwrap();
            let deep = executor.job(&[mib; 4]).mode(mode).workers(2).run(uses_stack as fn(&usize) -> bool);
            assert_eq!(deep.unwrap().into_result().unwrap(), [true; 4], "{name}");
        }
        let mut stream = Job::over([mib; 4]).mode(manyhands::Serial).map(uses_stack).ordered().unwrap();
        assert!(stream.all(|result| result.unwrap().1.unwrap()));
        // A thread of a call that is nested in a worker process.
        let nested = |mib: &usize| Job::new(&[*mib; 4]).workers(2).run(uses_stack).unwrap().into_result().unwrap();
        let deep = executor.job(&[mib; 2]).mode(Processes::new()).workers(2).run(nested);
        assert_eq!(deep.unwrap().into_result().unwrap(), [[true; 4]; 2]);
    }
    println!("deep");
}

fn an_item_recurses_as_deep_as_in_main_in_every_mode() {
    let (exit, stdout, stderr) = Parent::start(command("recurses", &[])).end();
    assert!(exit.is_success() && stdout.ends_with("deep\n"), "{exit} {stdout} {stderr}");
}

fn n_threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn plus_one(n: &u64) -> u64 {
    n + 1
}

fn a_call_has_at_most_as_many_workers_as_items_have_come() {
    for name in ["serial", "threads", "io", "processes"] {
        let before = n_threads();
        let mode = || name.parse::<AnyMode>().unwrap();
        let add: fn(&u64) -> u64 = plus_one;
        let outcome = Job::new(&[1, 2, 3]).mode(mode()).workers(usize::MAX).run(add).unwrap();
        assert!(outcome.tally().workers <= 3, "{name}");
        assert_eq!(outcome.into_result().unwrap(), [2, 3, 4], "{name}");
        let outcome = Job::over(1..4).mode(mode()).workers(usize::MAX).map(add).run().unwrap();
        assert!(outcome.tally().workers <= 3, "{name}");
        assert_eq!(outcome.into_result().unwrap(), [2, 3, 4], "{name}");
        let stream = Job::over(1..4).mode(mode()).workers(usize::MAX).map(add).ordered().unwrap();
        assert_eq!(stream.map(|result| result.unwrap().1.unwrap()).collect::<Vec<_>>(), [2, 3, 4], "{name}");
        assert!(n_threads() <= before + 4, "{name}: {} threads, {before} before", n_threads());
    }
}

/// Asks for more threads than fit into its address space, in the mode and the kind of call that the arguments name.
pub(crate) fn crowd(arguments: &[String]) {
    let limit = Rlimit { current: Some(3 << 30), ..getrlimit(Resource::As) };
    setrlimit(Resource::As, limit).unwrap();
    let wait = |n: &u64| {
        std::thread::sleep(Duration::from_micros(200));
        let _one_at_a_time = LARGE.lock().unwrap_or_else(PoisonError::into_inner);
        drop(black_box(vec![1_u8; 12 * MIB])); // larger than what is left when no stack fits any more
        n + 1
    };
    let mode: manyhands::LocalMode = arguments[0].parse().unwrap();
    let sum: u64 = if arguments[1] == "list" {
        let items: Vec<u64> = (0..600).collect();
        let outcome = Job::new(&items).mode(mode).workers(usize::MAX).chunk_size(1).run(wait).unwrap();
        outcome.into_result().unwrap().iter().sum()
    } else {
        let stream = Job::over(0..600_u64).mode(mode).workers(usize::MAX).map(wait).ordered().unwrap();
        stream.map(|result| result.unwrap().1.unwrap()).sum()
    };
    assert_eq!(sum, (1..=600).sum::<u64>());
    assert_eq!(Vec::<u8>::with_capacity(8 * MIB).capacity(), 8 * MIB, "there is room for the program");
    println!("room");
}

fn threads_that_the_system_cannot_start_are_fewer_workers() {
    for mode in ["threads", "io"] {
        for kind in ["list", "stream"] {
            let (exit, stdout, stderr) = Parent::start(command("crowds", &[mode, kind])).end();
            assert!(exit.is_success() && stdout.ends_with("room\n"), "{mode} {kind}: {exit} {stdout} {stderr}");
        }
    }
}
