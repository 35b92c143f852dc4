//! What runs a model: once, through every interleaving, or through many random ones.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs a model: a closure that starts a few threads, and asserts what must hold however they meet.
///
/// - As usual: runs it once, with real threads, which is a test like any other.
/// - With `--cfg manyhands_loom`: runs it through every interleaving that needs at most two pre-emptions of a thread that
///   could have gone on; `LOOM_MAX_PREEMPTIONS` changes that number, and loom's other variables are heeded.
/// - With `--cfg manyhands_shuttle`: runs it through 10 000 random interleavings; `MANYHANDS_SHUTTLE_ROUNDS` changes that
///   number. Half of them change threads anywhere, half only at a few places (the scheduler that is called PCT).
///
/// Gives how many interleavings it ran. Everything that the closure shares between its threads must be made inside of it.
///
/// ```
/// use manyhands::AtomicCounter;
/// use manyhands::sync::{Arc, model, spawn};
///
/// model(|| {
///     let counter = Arc::new(AtomicCounter::new());
///     let theirs = Arc::clone(&counter);
///     let other = spawn(move || theirs.increment());
///     counter.increment();
///     other.join().unwrap();
///     assert_eq!(counter.value(), 2);
/// });
/// ```
///
/// # Panics
/// When the closure panics in one of the interleavings, and under a checker also when its threads wait for ever.
pub fn model(body: impl Fn() + Send + Sync + 'static) -> usize {
    // The real ones: no part of the model, as they outlive each of its runs.
    let n_runs = std::sync::Arc::new(AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&n_runs);
    run(move || {
        counter.fetch_add(1, Ordering::Relaxed); // read when all runs are over
        body();
    });
    n_runs.load(Ordering::Relaxed)
}

#[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
fn run(body: impl Fn()) {
    body();
}

#[cfg(manyhands_loom)]
fn run(body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(2);
    builder.max_branches = 10_000;
    builder.check(body);
}

#[cfg(manyhands_shuttle)]
fn run(body: impl Fn() + Send + Sync + 'static) {
    use shuttle::scheduler::{PctScheduler, RandomScheduler};
    use shuttle::{Config, Runner};

    /// Places at which PCT changes threads: enough for the known kinds of races, few enough to be drawn often.
    const CHANGES: usize = 3;

    let rounds = std::env::var("MANYHANDS_SHUTTLE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let mut config = Config::new();
    config.silence_warnings = true; // of what the page of `sync` says
    let body = std::sync::Arc::new(body);
    let again = std::sync::Arc::clone(&body);
    Runner::new(RandomScheduler::new(rounds / 2), config.clone()).run(move || body());
    Runner::new(PctScheduler::new(CHANGES, rounds - rounds / 2), config).run(move || again());
}
