//! Runs `tests/soak` as long as it takes: thousands of calls of each kind while faults are injected.
//!
//! The arguments go to the program, which knows its kinds and faults. The seed that it prints repeats what it drew.

use crate::stage::{Done, Stages};

/// The profile of the tests: its assertions are part of what is tried, and nothing has to be built twice.
const BUILD: [&str; 6] = ["test", "--package", "manyhands", "--test", "soak", "--locked"];

/// Builds the program and runs it with these arguments.
pub(crate) fn stage(stages: &mut Stages, words: &[String]) -> Done {
    stages.cargo("soak, build", BUILD.into_iter().chain(["--no-run"]))?;
    let passed_on = ["--", "--soak"].into_iter().chain(words.iter().map(String::as_str));
    stages.cargo("soak", BUILD.into_iter().chain(passed_on))
}
