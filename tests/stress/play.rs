//! How a scenario is played: rounds until its time is up, dice, threads that start together, and a watchdog.

use std::any::Any;
use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// What a scenario gets when nobody says how long, so that all of them together take seconds.
const A_MOMENT: Duration = Duration::from_millis(300);
/// A round takes milliseconds. One that is not over by then hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Plays rounds until the time is up, and says in one line how much was done. A round gets dice and gives the number of its
/// operations.
///
/// `MANYHANDS_STRESS_SECONDS` says how long, `MANYHANDS_STRESS_SEED` which dice.
pub(crate) fn scenario(name: &'static str, mut round: impl FnMut(&mut Dice) -> u64) {
    let time = variable("MANYHANDS_STRESS_SECONDS").map_or(A_MOMENT, Duration::from_secs_f64);
    let seed = variable("MANYHANDS_STRESS_SEED").unwrap_or_else(|| RandomState::new().hash_one(name));
    let (beat, heard) = mpsc::channel();
    let watchdog = thread::spawn(move || {
        if !ends_in_time(&heard, PATIENCE) {
            give_up(name, seed);
        }
    });
    let mut dice = Dice::new(seed);
    let (mut n_rounds, mut n_operations) = (0_u64, 0_u64);
    let begun = Instant::now();
    while n_rounds == 0 || begun.elapsed() < time {
        n_operations += round(&mut dice.fork());
        n_rounds += 1;
        beat.send(()).unwrap();
    }
    drop(beat);
    watchdog.join().unwrap();
    println!("{name}: {n_rounds} rounds, {n_operations} operations, seed {seed}");
}

fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`; give it a number")))
}

/// Listens until the scenario is over; false when no beat comes for so long.
fn ends_in_time(heard: &Receiver<()>, patience: Duration) -> bool {
    loop {
        match heard.recv_timeout(patience) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

/// Ends the process: a thread that hangs cannot be ended alone.
fn give_up(name: &str, seed: u64) -> ! {
    // Past the capture of the test harness, which would die with the process.
    let _ = writeln!(
        std::io::stderr(),
        "\nHANGS: {name}, seed {seed}: no round ended in {PATIENCE:?}; what its threads said is shown with --nocapture"
    );
    std::process::abort()
}

/// Starts so many threads at once, each with its number and its own dice, and gives the sum of their operations.
pub(crate) fn together(n_threads: usize, dice: &mut Dice, act: impl Fn(usize, &mut Dice) -> u64 + Sync) -> u64 {
    let all_there = Barrier::new(n_threads);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..n_threads)
            .map(|thread| {
                let (act, all_there, mut dice) = (&act, &all_there, dice.fork());
                scope.spawn(move || {
                    all_there.wait();
                    act(thread, &mut dice)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|payload| resume_unwind(payload))).sum()
    })
}

/// A panic on purpose, past the hook that would print it. It carries a number by which its thrower knows it again.
pub(crate) fn panic_on_purpose(number: u64) -> ! {
    resume_unwind(Box::new(OnPurpose(number)))
}

struct OnPurpose(u64);

/// What a closure gives, or the number of its panic on purpose. Any other panic is a failed assertion and goes on.
pub(crate) fn caught<A>(act: impl FnOnce() -> A) -> Result<A, u64> {
    let number = |payload: Box<dyn Any + Send>| match payload.downcast::<OnPurpose>() {
        Ok(on_purpose) => on_purpose.0,
        Err(payload) => resume_unwind(payload),
    };
    catch_unwind(AssertUnwindSafe(act)).map_err(number)
}

/// Pseudo-random numbers (SplitMix64), the same for the same seed.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// An index below this one.
    pub(crate) fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap()
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Lets other threads run, once in so many times.
    pub(crate) fn yield_one_in(&mut self, times: u64) {
        if self.one_in(times) {
            thread::yield_now();
        }
    }

    /// Other dice, whose numbers have nothing to do with those to come.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.roll())
    }
}

#[test]
fn a_scenario_whose_rounds_do_not_end_is_given_up() {
    let (beat, heard) = mpsc::channel();
    beat.send(()).unwrap();
    assert!(!ends_in_time(&heard, Duration::from_millis(1)));
    drop(beat);
    assert!(ends_in_time(&heard, Duration::from_millis(1)));
}
