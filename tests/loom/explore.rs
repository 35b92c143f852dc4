//! How far a model is explored.
//!
//! Every day: each interleaving with at most as many pre-emptions as the model says. With `MANYHANDS_LOOM_DEEPER` set to a
//! number of seconds, as deep as each model comes in this time, and a line per model that says how deep that was.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Runs a model through every interleaving with at most this many pre-emptions. `LOOM_MAX_PREEMPTIONS` goes before.
pub(crate) fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let model = Arc::new(model);
    let explored = explore_as_every_day(preemptions, &model);
    if let Some(share) = share_of_a_deeper_look() {
        go_deeper(explored, share, &model);
    }
}

/// [`check`] that goes no deeper: for models that panic. Their threads are all one to std, so a panic that is under way in one
/// thread poisons a lock that another one leaves meanwhile, and loom stops at that.
pub(crate) fn check_no_deeper(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    explore_as_every_day(preemptions, &Arc::new(model));
}

fn explore_as_every_day<M: Fn() + Send + Sync + 'static>(preemptions: usize, model: &Arc<M>) -> Explored {
    let everyday = loom::model::Builder::new().preemption_bound.unwrap_or(preemptions);
    let explored = explore(Some(everyday), None, model);
    assert!(explored.executions > 1, "the threads of this model never meet; make it a test of `tests/state_machine`");
    explored
}

/// How far one run of a model went.
#[derive(Clone, Copy)]
struct Explored {
    /// The most pre-emptions that an execution has; none for any number.
    preemptions: Option<usize>,
    executions: usize,
    took: Duration,
    is_whole: bool,
}

fn share_of_a_deeper_look() -> Option<Duration> {
    let seconds = std::env::var("MANYHANDS_LOOM_DEEPER").ok()?;
    Some(Duration::from_secs(seconds.parse().expect("MANYHANDS_LOOM_DEEPER is a number of seconds")))
}

fn explore<M: Fn() + Send + Sync + 'static>(
    preemptions: Option<usize>,
    at_most: Option<Duration>,
    model: &Arc<M>,
) -> Explored {
    let executions = Arc::new(AtomicUsize::new(0));
    let (model, count) = (Arc::clone(model), Arc::clone(&executions));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_branches = 10_000;
    if at_most.is_some() {
        builder.max_duration = at_most;
        builder.checkpoint_interval = 50; // the executions between two looks at the clock
    }
    let begun = Instant::now();
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let took = begun.elapsed();
    let is_whole = at_most.is_none_or(|limit| took < limit);
    Explored { preemptions, executions: executions.load(Ordering::Relaxed), took, is_whole }
}

/// Tries all interleavings for half of the share, and when they are too many, adds one pre-emption after another.
fn go_deeper<M: Fn() + Send + Sync + 'static>(everyday: Explored, share: Duration, model: &Arc<M>) {
    let begun = Instant::now();
    let all = explore(None, Some(share / 2), model);
    let mut line = format!("pre-emptions {everyday}; {all}");
    let more = everyday.preemptions.map_or(0..0, |preemptions| preemptions + 1..usize::MAX);
    for preemptions in more.take_while(|_| !all.is_whole) {
        let next = explore(Some(preemptions), Some(share.saturating_sub(begun.elapsed())), model);
        write!(line, "; {next}").expect("a string takes every write");
        if !next.is_whole {
            break;
        }
    }
    let name = std::thread::current().name().unwrap_or("a model").to_owned();
    // Not `println`, which tests keep to themselves when they pass.
    writeln!(std::io::stdout().lock(), "{name}: {line}").expect("the terminal takes a line");
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.preemptions {
            Some(preemptions) => write!(f, "up to {preemptions}: ")?,
            None => f.write_str("any number: ")?,
        }
        let end = if self.is_whole { "" } else { ", not finished" };
        write!(f, "{} executions in {:.1} s{end}", self.executions, self.took.as_secs_f64())
    }
}
