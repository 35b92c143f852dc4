//! What workers do: the script's task bodies, for one item and for a chunk of them.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

/// 8 MB.
pub(crate) const F64_PER_ITEM: usize = 1_000_000;

/// How many pieces the shared numbers are summed in.
pub(crate) const PARTS: usize = 1_000;

/// Many items of 8 MB that are the same one, as in the script: made once, sent each time.
pub(crate) type Samples = Arc<Vec<f64>>;

pub(crate) fn samples() -> Samples {
    Arc::new((0_u32..).map(f64::from).take(F64_PER_ITEM).collect())
}

pub(crate) fn tiny(x: &u64) -> u64 {
    x * 2 + 1
}

pub(crate) fn tiny_byte(x: &u8) -> u8 {
    x.wrapping_mul(2).wrapping_add(1)
}

/// Eight sums at a time, so that memory and not the chain of additions sets the pace.
pub(crate) fn sum(numbers: &[f64]) -> f64 {
    let (eights, rest) = numbers.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        for (sum, number) in sums.iter_mut().zip(eight) {
            *sum += number;
        }
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

pub(crate) fn make(x: &u32) -> Vec<f64> {
    vec![f64::from(*x); F64_PER_ITEM]
}

/// Whether this is what [`make`] makes of it. A look at both ends, as a look at all would be what takes the time.
pub(crate) fn is_made_of(x: u32, made: &[f64]) -> bool {
    made.len() == F64_PER_ITEM && [made[0], made[F64_PER_ITEM - 1]] == [f64::from(x); 2]
}

pub(crate) const CRASH_ITEMS: u64 = 1_000;
pub(crate) const CRASHING_ITEM: u64 = 500;

/// An item ends its own process.
pub(crate) fn crash(item: &u64) -> u64 {
    if *item == CRASHING_ITEM {
        kill_process(getpid(), Signal::KILL).expect("a process may end itself");
    }
    thread::sleep(CRASH_TIME);
    *item
}

/// What each item of [`crash`] takes.
pub(crate) const CRASH_TIME: Duration = Duration::from_millis(1);

pub(crate) const HANG_ITEMS: u64 = 20;
pub(crate) const HANGING_ITEM: u64 = 5;
/// What an item may take, where one never ends.
pub(crate) const HANG_LIMIT: Duration = Duration::from_secs(1);
/// What each other item of [`hang`] takes.
pub(crate) const HANG_TIME: Duration = Duration::from_millis(10);

/// An item never ends.
pub(crate) fn hang(item: &u64) -> u64 {
    if *item == HANGING_ITEM {
        thread::sleep(Duration::from_secs(3_600));
    }
    thread::sleep(HANG_TIME);
    *item
}

pub(crate) fn sleep(seconds: &f64) -> bool {
    thread::sleep(Duration::from_secs_f64(*seconds));
    true
}
