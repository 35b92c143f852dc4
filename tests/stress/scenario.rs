//! How a scenario runs: rounds until its time is up, threads that start together, and a watchdog.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use manyhands_test_support::rng::Rng;
use manyhands_test_support::seed::{current_test, replay_command, variable};
use manyhands_test_support::watchdog::Watchdog;

/// What a scenario gets when no time is set, so that all of them together take seconds.
const A_MOMENT: Duration = Duration::from_millis(300);
/// A round takes milliseconds. One that is not over by then hangs.
const ROUND_TIMEOUT: Duration = Duration::from_secs(60);

/// Runs rounds until the time is up, and prints in one line how much was done. A round gets random numbers and gives the number
/// of its operations.
///
/// `MANYHANDS_STRESS_SECONDS` sets the time, `MANYHANDS_TEST_SEED` the random numbers. The command that replays it is printed
/// first, so that it stands in the output of a scenario that fails.
pub(crate) fn scenario(name: &'static str, mut round: impl FnMut(&mut Rng) -> u64) {
    let time = variable("MANYHANDS_STRESS_SECONDS").map_or(A_MOMENT, Duration::from_secs_f64);
    let replay = replay_command(current_test().as_deref());
    println!("{name}: replay with: {replay}");
    let watchdog = Watchdog::start(name, replay, ROUND_TIMEOUT);
    let mut rng = Rng::for_test(name);
    let (mut n_rounds, mut n_operations) = (0_u64, 0_u64);
    let begun = Instant::now();
    while n_rounds == 0 || begun.elapsed() < time {
        n_operations += round(&mut rng.fork());
        n_rounds += 1;
        watchdog.beat();
    }
    println!("{name}: {n_rounds} rounds, {n_operations} operations");
}

/// Starts so many threads at once, each with its number and random numbers of its own, and gives the sum of their operations.
pub(crate) fn together(n_threads: usize, rng: &mut Rng, act: impl Fn(usize, &mut Rng) -> u64 + Sync) -> u64 {
    let all_there = Barrier::new(n_threads);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..n_threads)
            .map(|thread| {
                let (act, all_there, mut rng) = (&act, &all_there, rng.fork());
                scope.spawn(move || {
                    all_there.wait();
                    act(thread, &mut rng)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|payload| resume_unwind(payload))).sum()
    })
}

/// A panic on purpose, past the hook that would print it. The number tells the test which one it caught.
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
