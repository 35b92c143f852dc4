//! The four demonstrations: programs to read from top to bottom, each about one thing that batches of captures need.
//!
//! Each says what it teaches at its head, prints what it finds, and returns it as facts: counts, statistics and names, never times.
//! [`check`] compares the facts with stored ones. Leaves the arguments and the exit code to `cli/demo.rs`.

mod aggregation;
mod check;
mod findings;
mod methods;
mod pools;
mod progress;
mod recommendation;
mod stage;
mod timing;
mod units;

use manyhands::CancelToken;

pub(crate) use check::{Checked, check};
pub(crate) use findings::{Feature, Findings};
pub(crate) use stage::Stage;
pub(crate) use units::{N_UNITS, Unit};

/// Why a demonstration could not be shown, as a message.
pub(crate) type Refusal = String;

/// A demonstration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demo {
    /// What `demo` calls it.
    pub(crate) number: u8,
    /// The name of its file, and of its folder of results.
    pub(crate) name: &'static str,
    /// What it is about.
    pub(crate) title: &'static str,
    show: fn(&Stage<'_>) -> Result<Findings, Refusal>,
}

/// All of them, in order.
pub(crate) const DEMOS: [Demo; 4] = [
    Demo { number: 1, name: "pools", title: "pools of workers, and what they do with errors", show: pools::show },
    Demo { number: 2, name: "aggregation", title: "statistics, outliers, groups, a report", show: aggregation::show },
    Demo { number: 3, name: "progress", title: "live progress, and resuming after a failure", show: progress::show },
    Demo { number: 4, name: "methods", title: "one workload by every method, timed", show: methods::show },
];

impl Demo {
    /// Shows it, and returns what it found.
    ///
    /// # Errors
    /// A message when it could not be shown, also because `stop` was cancelled.
    pub(crate) fn show(&self, stage: &Stage<'_>) -> Result<Findings, Refusal> {
        stage.say(format_args!("\nDemo {}: {}", self.number, self.title));
        (self.show)(stage)
    }
}

/// Whether the run was told to stop.
fn require_going_on(stop: &CancelToken) -> Result<(), Refusal> {
    if stop.is_cancelled() { Err("it was told to stop".to_owned()) } else { Ok(()) }
}

fn text(error: impl ToString) -> Refusal {
    error.to_string()
}
