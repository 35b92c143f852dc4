//! Models: every interleaving of a few threads through one primitive, up to a number of pre-emptions.
#![cfg(manyhands_loom)]

mod board;
mod cache;
mod cancel;
mod counter;
mod gang;
mod lock;

/// Runs a model through every interleaving with at most this many pre-emptions. `LOOM_MAX_PREEMPTIONS` goes before.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.max_branches = 10_000;
    builder.check(model);
}
