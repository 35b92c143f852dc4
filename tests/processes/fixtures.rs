//! What an item does in its worker: its work, or something terrible.

use std::hint::black_box;
use std::io::Write;
use std::process;
use std::thread;
use std::time::Duration;

use manyhands::{Job, OnFailure, Outcome, Processes};
use manyhands_test_support::signals::{TERM, ignore};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

/// An item that says itself what is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Act {
    /// Has twice the number as its value. Others that have one have 10, which is right for the item with index 5.
    Double(u64),
    KillItself,
    RaiseSegv,
    WriteNowhere,
    Abort,
    Exit(i32),
    OverflowStack,
    EatMemory,
    ReserveMuch,
    Panic,
    SleepForEver,
    SleepForEverDeafToSigterm,
    Flood,
    FloodAndDie,
    CloseStandardStreams,
}

/// The lines that a flood has on each stream.
pub(crate) const FLOOD: usize = 5000;
pub(crate) const LAST_WORDS: &str = "last words of the flood";

pub(crate) fn perform(act: &Act) -> u64 {
    match *act {
        Act::Double(n) => n * 2,
        Act::KillItself => kill_itself(),
        Act::RaiseSegv => raise_segv(),
        Act::WriteNowhere => write_nowhere(),
        Act::Abort => process::abort(),
        Act::Exit(code) => process::exit(code),
        Act::OverflowStack => overflow_stack(0),
        Act::EatMemory => eat_memory(),
        Act::ReserveMuch => Vec::<u8>::new().try_reserve(4 << 30).map_or(10, |()| 0),
        Act::Panic => panic!("on purpose"),
        Act::SleepForEver => sleep_for_ever(),
        Act::SleepForEverDeafToSigterm => {
            ignore(TERM);
            sleep_for_ever()
        }
        Act::Flood => flood(),
        Act::FloodAndDie => {
            flood();
            eprintln!("{LAST_WORDS}");
            kill_itself()
        }
        Act::CloseStandardStreams => close_standard_streams(),
    }
}

/// Items that are doubled, and one that is not.
pub(crate) fn doubles_but(n_items: usize, odd_ones: &[(usize, Act)]) -> Vec<Act> {
    let mut items: Vec<Act> = (0..n_items as u64).map(Act::Double).collect();
    for &(index, act) in odd_ones {
        items[index] = act;
    }
    items
}

/// A job in processes that goes on whatever fails.
pub(crate) fn job<T>(items: &[T], workers: usize) -> Job<'_, T, Processes> {
    Job::new(items).mode(Processes::new()).workers(workers).on_failure(OnFailure::Continue)
}

/// Asserts that these items failed, that no others did, and that the values of the others are theirs.
pub(crate) fn assert_failed_alone(outcome: &Outcome<u64>, indices: &[usize]) {
    let failed: Vec<usize> = outcome.failures().iter().map(|failure| failure.index).collect();
    assert_eq!(failed, indices, "{:?}", outcome.failures());
    for index in (0..outcome.len()).filter(|index| !indices.contains(index)) {
        assert_eq!(outcome.get(index), Some(&(index as u64 * 2)), "item {index}");
    }
    let tally = outcome.tally();
    assert_eq!((tally.failed, tally.succeeded), (indices.len(), outcome.len() - indices.len()));
    assert_eq!((tally.cancelled, outcome.unfinished().count()), (0, 0));
}

/// Asserts that a call works, with the workers that are there.
pub(crate) fn assert_is_usable(workers: usize) {
    let outcome = job(&doubles_but(50, &[]), workers).run(perform).unwrap();
    assert_failed_alone(&outcome, &[]);
    assert_eq!(outcome.tally().lost_workers, 0);
}

/// The process that the item is in.
pub(crate) fn pid<T>(_: &T) -> u32 {
    process::id()
}

pub(crate) fn kill_itself() -> ! {
    kill_process(getpid(), Signal::KILL).unwrap();
    unreachable!("SIGKILL ends the process");
}

fn raise_segv() -> ! {
    // The first one only ends std's own handler, which takes stack overflows.
    loop {
        kill_process(getpid(), Signal::SEGV).unwrap();
    }
}

fn write_nowhere() -> u64 {
    let nowhere: *mut u8 = black_box(std::ptr::without_provenance_mut(16));
    // SAFETY: there is none; the process is to die of it. Nothing is ever mapped in the first page.
    unsafe { nowhere.write_volatile(1) };
    unreachable!("no process survives a write to nowhere");
}

fn overflow_stack(depth: u64) -> u64 {
    let frame = black_box([depth; 512]);
    if black_box(false) {
        return 0;
    }
    overflow_stack(depth + 1) + black_box(&frame)[0]
}

/// Takes 2 GiB and ends, so that a limit that does not hold does no harm.
fn eat_memory() -> u64 {
    let mut eaten = Vec::new();
    while eaten.len() < 128 {
        eaten.push(black_box(vec![1_u8; 16 << 20]));
    }
    eaten.len() as u64
}

pub(crate) fn sleep_for_ever() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

fn flood() -> u64 {
    let (mut stdout, mut stderr) = (std::io::stdout(), std::io::stderr());
    for line in 0..FLOOD {
        writeln!(stdout, "flood on stdout, line {line}, {}", "x".repeat(80)).unwrap();
        writeln!(stderr, "flood on stderr, line {line}, {}", "y".repeat(80)).unwrap();
    }
    10
}

fn close_standard_streams() -> u64 {
    for stream in 0..3 {
        // SAFETY: code that uses one of them in this process afterwards gets an error, or whatever is opened next; the
        // drill is about a worker that does just this.
        unsafe { rustix::io::close(stream) };
    }
    10
}
