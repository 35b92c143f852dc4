//! Do readers of a lock share nothing, what does that cost a writer, and how long does a writer wait for readers?
//!
//! An operation is lock, access and unlock, in bursts (`support/bursts.rs`). The waits are those of a writer that comes now
//! and then, while readers hold the lock 100 us at a time, by sleep, and overlap.

#[path = "support/bursts.rs"]
mod bursts;
#[path = "support/choice.rs"]
mod choice;
#[path = "support/report.rs"]
mod report;

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bursts::{Contender, Figure, HOW_TO_READ, OPERATIONS, ratio_text, take_turns};
use choice::Choice;
use crossbeam_utils::sync::ShardedLock;
use manyhands::RwLock;
use manyhands::lock::StripedRwLock;
use report::{row, say, table_head, time_text};

/// A reader sleeps this long under its lock.
const READ: Duration = Duration::from_micros(100);
/// A writer sleeps this long before it comes again.
const PAUSE: Duration = Duration::from_millis(1);
const N_WAITS_PER_ROUND: usize = 100;
/// Readers of a lock that lets no writer in go away after this long.
const PATIENCE: Duration = Duration::from_secs(3);
const NOT_POISONED: &str = "no thread panics under this lock";

/// A lock around a number. The bursts are here, so that a call through `dyn` is paid once for all their operations.
trait Lock: Sync {
    /// Reads the number.
    fn read_once(&self) -> u64;

    /// Adds one.
    fn write_once(&self);

    /// Sleeps under the readers' lock.
    fn read_slowly(&self);

    fn read_burst(&self) {
        (0..OPERATIONS).for_each(|_| _ = black_box(self.read_once()));
    }

    fn write_burst(&self) {
        (0..OPERATIONS).for_each(|_| self.write_once());
    }
}

/// Both locks of manyhands have the same methods.
macro_rules! our_locks {
    ($($lock:ident),+) => {$(
        impl Lock for $lock<u64> {
            fn read_once(&self) -> u64 {
                *self.read()
            }
            fn write_once(&self) {
                *self.write() += 1;
            }
            fn read_slowly(&self) {
                let _guard = self.read();
                std::thread::sleep(READ);
            }
        }
    )+};
}

our_locks!(RwLock, StripedRwLock);

impl Lock for parking_lot::RwLock<u64> {
    fn read_once(&self) -> u64 {
        *self.read()
    }
    fn write_once(&self) {
        *self.write() += 1;
    }
    fn read_slowly(&self) {
        let _guard = self.read();
        std::thread::sleep(READ);
    }
}

impl Lock for std::sync::RwLock<u64> {
    fn read_once(&self) -> u64 {
        *self.read().expect(NOT_POISONED)
    }
    fn write_once(&self) {
        *self.write().expect(NOT_POISONED) += 1;
    }
    fn read_slowly(&self) {
        let _guard = self.read().expect(NOT_POISONED);
        std::thread::sleep(READ);
    }
}

impl Lock for ShardedLock<u64> {
    fn read_once(&self) -> u64 {
        *self.read().expect(NOT_POISONED)
    }
    fn write_once(&self) {
        *self.write().expect(NOT_POISONED) += 1;
    }
    fn read_slowly(&self) {
        let _guard = self.read().expect(NOT_POISONED);
        std::thread::sleep(READ);
    }
}

type Burst = fn(&dyn Lock);

/// All locks around 0, by name; the first ones are ours.
fn locks() -> [(&'static str, Box<dyn Lock>); 5] {
    [
        ("RwLock", Box::new(RwLock::new(0))),
        ("StripedRwLock", Box::new(StripedRwLock::new(0))),
        ("parking_lot RwLock", Box::new(parking_lot::RwLock::new(0))),
        ("std RwLock", Box::new(std::sync::RwLock::new(0))),
        ("crossbeam ShardedLock", Box::new(ShardedLock::new(0))),
    ]
}
const PARKING_LOT: usize = 2;
const SHARDED: usize = 4;

fn main() {
    let choice = Choice::from_command_line();
    let bursts: [(&str, Burst); 2] = [("read", |lock| lock.read_burst()), ("write", |lock| lock.write_burst())];
    for (name, burst) in bursts {
        if choice.has(name) {
            operations(name, burst, choice.rounds(100));
        }
    }
    if choice.has("wait") {
        waits(choice.rounds(100).div_ceil(30));
    }
    report::foot();
}

fn operations(name: &str, burst: Burst, n_rounds: usize) {
    report::head(&format!("Lock, {name}, unlock"));
    say(&format!("\n{HOW_TO_READ}"));
    table_head(&["lock", "1 thread", "/ parking_lot", "/ ShardedLock", "2 threads", "/ parking_lot", "/ ShardedLock"]);
    let figures = [1, 2].map(|n_threads| figures_of(burst, n_threads, n_rounds));
    for (idx, (name, _)) in locks().iter().enumerate() {
        let cells_of = |figures: &Vec<Figure>| {
            let ratio_to = |other: usize| ratio_text(figures[idx].ratio_to(&figures[other]));
            [figures[idx].text(), ratio_to(PARKING_LOT), ratio_to(SHARDED)]
        };
        let cells = figures.iter().flat_map(cells_of);
        row(&std::iter::once((*name).to_owned()).chain(cells).collect::<Vec<_>>());
    }
}

fn figures_of(burst: Burst, n_threads: usize, n_rounds: usize) -> Vec<Figure> {
    let locks = locks();
    for (name, lock) in &locks {
        let before = lock.read_once();
        lock.write_once();
        assert_eq!((before, lock.read_once()), (0, 1), "{name}");
    }
    let contenders: Vec<Contender<'_>> =
        locks.iter().map(|(_, lock)| Contender::new(move |_, _| burst(black_box(&**lock)))).collect();
    let figures = take_turns(n_threads, n_rounds, &contenders);
    drop(contenders);
    // Each took part in as many bursts as the others, so no write of any was lost if all numbers agree.
    let [first, others @ ..] = locks.map(|(_, lock)| lock.read_once());
    assert_eq!(others, [first; 4]);
    figures
}

fn waits(n_rounds: usize) {
    report::head("A writer's wait for overlapping readers");
    say(&format!(
        "\nReaders hold the lock for {} at a time, by sleep, and come again at once. The locks take turns in {} rounds.",
        time_text(READ),
        n_rounds
    ));
    table_head(&["lock", "readers", "waits", "median", "p90", "longest", "median / parking_lot"]);
    for n_readers in [2, 4] {
        let locks = locks();
        let mut waits = locks.each_ref().map(|_| Vec::new());
        for round in 0..n_rounds {
            for turn in 0..locks.len() {
                let idx = (round + turn) % locks.len();
                waits[idx].extend(waits_for(&*locks[idx].1, n_readers));
            }
        }
        waits.iter_mut().for_each(|of_lock| of_lock.sort_unstable());
        for ((name, lock), of_lock) in locks.iter().zip(&waits) {
            assert_eq!(lock.read_once(), of_lock.len() as u64, "{name}");
            waits_row(name, n_readers, of_lock, &waits[PARKING_LOT]);
        }
    }
}

fn waits_for(lock: &dyn Lock, n_readers: usize) -> Vec<Duration> {
    let (begun, stop) = (Instant::now(), AtomicBool::new(false));
    // Relaxed: a reader that sees the stop a little late is no harm, and hands nothing over.
    let goes_on = || !stop.load(Ordering::Relaxed) && begun.elapsed() < PATIENCE;
    std::thread::scope(|scope| {
        for _ in 0..n_readers {
            scope.spawn(|| {
                while goes_on() {
                    lock.read_slowly()
                }
            });
        }
        let mut waits = Vec::new();
        while waits.len() < N_WAITS_PER_ROUND && goes_on() {
            std::thread::sleep(PAUSE);
            let asked = Instant::now();
            lock.write_once();
            waits.push(asked.elapsed());
        }
        stop.store(true, Ordering::Relaxed);
        waits
    })
}

fn waits_row(name: &str, n_readers: usize, sorted: &[Duration], of_parking_lot: &[Duration]) {
    let part = |of: &[Duration], percent: usize| of[(of.len() * percent / 100).min(of.len() - 1)];
    let ratio = part(sorted, 50).as_secs_f64() / part(of_parking_lot, 50).as_secs_f64();
    row(&[
        name.to_owned(),
        n_readers.to_string(),
        sorted.len().to_string(),
        time_text(part(sorted, 50)),
        time_text(part(sorted, 90)),
        time_text(part(sorted, 100)),
        format!("{ratio:.2}"),
    ]);
}
