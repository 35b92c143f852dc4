//! Runs `tests/stress` for minutes: optimized, one scenario after another, with a new random seed.
//!
//! The command that it shows contains the seed, so that a failing run can be repeated.

use crate::stage::{Done, Failed, Stages};
use std::hash::{BuildHasher, RandomState};
use std::process::Command;

const MINUTES: f64 = 5.0;
const BUILD: [&str; 7] = ["test", "--release", "--package", "manyhands", "--test", "stress", "--locked"];

/// Divides the minutes evenly among the scenarios and runs each.
pub(crate) fn stage(stages: &mut Stages, words: &[String]) -> Done {
    let minutes = minutes(words).expect("these words were not refused");
    stages.cargo("stress, build", BUILD.into_iter().chain(["--no-run"]))?;
    let seconds = (60.0 * minutes / scenarios(stages)?).to_string();
    let seed = RandomState::new().hash_one(std::process::id()).to_string();
    let environment = [("MANYHANDS_STRESS_SECONDS", seconds.as_str()), ("MANYHANDS_TEST_SEED", seed.as_str())];
    stages.cargo_with("stress", BUILD.into_iter().chain(["--", "--nocapture", "--test-threads=1"]), &environment)
}

/// Why the arguments of `stress` are refused, if they are.
pub(crate) fn refuse(words: &[String]) -> Option<String> {
    let problem = || format!("takes a number of minutes, or none for {MINUTES}, but got `{}`", words.join(" "));
    minutes(words).is_none().then(problem)
}

fn minutes(words: &[String]) -> Option<f64> {
    match words {
        [] => Some(MINUTES),
        [word] => word.parse().ok().filter(|minutes| (0.0..1e6).contains(minutes)),
        _ => None,
    }
}

/// The number of tests in the binary. Each is a scenario, except the test of the watchdog.
fn scenarios(stages: &Stages) -> Result<f64, Failed> {
    let mut list = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    list.args(BUILD).args(["--quiet", "--", "--list"]).current_dir(stages.root());
    let listed = list.output().map_err(|_| Failed { exit_code: 127 })?;
    let n_tests = String::from_utf8_lossy(&listed.stdout).lines().filter(|line| line.ends_with(": test")).count();
    if n_tests == 0 {
        eprintln!("tests/stress lists no test");
        return Err(Failed { exit_code: 1 });
    }
    Ok(f64::from(u32::try_from(n_tests).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<f64> {
        minutes(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn minutes_are_a_number_or_left_out() {
        assert_eq!([read(""), read("2"), read("0.5")], [Some(MINUTES), Some(2.0), Some(0.5)]);
        for line in ["long", "-1", "NaN", "inf", "1 2"] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
