//! Runs a model: once, through every interleaving, or through many random ones.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs a model: a closure that starts a few threads, and asserts what must hold in every interleaving of them.
///
/// - In a usual build: runs it once, with real threads, like any other test.
/// - With `--cfg manyhands_loom`: runs it through every interleaving that needs at most two pre-emptions of a thread
///   that could have gone on; `LOOM_MAX_PREEMPTIONS` changes that number. A run takes at most 10 000 steps;
///   `LOOM_MAX_BRANCHES` changes that number.
/// - With `--cfg manyhands_shuttle`: runs it through 10 000 random interleavings; `MANYHANDS_SHUTTLE_ROUNDS` changes
///   that number, and `SHUTTLE_RANDOM_SEED` repeats those of an earlier run.
///
/// Returns the number of interleavings that it ran. Everything that the closure shares between its threads must be made
/// inside of it.
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
/// When the closure panics in one of the interleavings, and under a checker also when its threads wait for ever. With
/// loom that ends the whole process (see [the page](crate::sync#what-a-failure-looks-like)). When
/// `MANYHANDS_SHUTTLE_ROUNDS` is not a number of 1 or more.
pub fn model(body: impl Fn() + Send + Sync + 'static) -> usize {
    // Real ones, not the checker's: they outlive each run of the model.
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
    if std::env::var_os("LOOM_MAX_BRANCHES").is_none() {
        builder.max_branches = 10_000;
    }
    builder.check(body);
}

#[cfg(manyhands_shuttle)]
fn run(body: impl Fn() + Send + Sync + 'static) {
    let mut config = shuttle::Config::new();
    config.silence_warnings = true; // of limits that the docs of `sync` name
    let scheduler = shuttle::scheduler::RandomScheduler::new(rounds());
    shuttle::Runner::new(scheduler, config).run(body);
}

#[cfg(manyhands_shuttle)]
fn rounds() -> usize {
    const NAME: &str = "MANYHANDS_SHUTTLE_ROUNDS";
    let Some(text) = std::env::var_os(NAME) else { return 10_000 };
    let rounds = text.to_str().and_then(|text| text.parse().ok()).filter(|&rounds| rounds > 0);
    rounds.unwrap_or_else(|| panic!("{NAME} is {text:?}; set it to a number of 1 or more, or leave it out for 10000"))
}
