//! A stage: prints its command, runs it, measures its time and keeps its exit code. A table at the end lists all stages.
//!
//! `command` decides which stages run.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// The result of a stage. A caller stops at the first failure, by `?`.
pub(crate) type Done = Result<(), Failed>;

/// A failed stage, with the exit code for the whole program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) exit_code: u8,
}

/// The stages that ran so far.
#[derive(Debug)]
pub(crate) struct Stages {
    root: PathBuf,
    finished: Vec<Finished>,
}

#[derive(Debug)]
struct Finished {
    name: &'static str,
    took: Duration,
    done: Done,
}

impl Stages {
    /// An empty list of stages, which run in the folder `root`.
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root, finished: Vec::new() }
    }

    /// The project's root folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Runs cargo with these arguments.
    pub(crate) fn cargo<I>(&mut self, name: &'static str, arguments: I) -> Done
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.cargo_with(name, arguments, &[])
    }

    /// Runs cargo with these arguments and additional environment variables.
    pub(crate) fn cargo_with<I>(&mut self, name: &'static str, arguments: I, environment: &[(&str, &str)]) -> Done
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments).envs(environment.iter().copied()).current_dir(&self.root);
        let shown = as_typed(&command, environment);
        self.step(name, &shown, |_| run(&mut command))
    }

    /// Runs a check that is part of this program.
    pub(crate) fn step(&mut self, name: &'static str, shown: &str, act: impl FnOnce(&Path) -> Done) -> Done {
        println!("\n==> {name}: {shown}");
        let begun = Instant::now();
        let done = act(&self.root);
        let stage = Finished { name, took: begun.elapsed(), done };
        println!("<== {stage}");
        self.finished.push(stage);
        done
    }

    /// One line per stage with its time and result, and a line with the total time.
    pub(crate) fn table(&self) -> String {
        let mut table = String::new();
        for stage in &self.finished {
            writeln!(table, "{stage}").expect("writing to a string does not fail");
        }
        let total = self.finished.iter().map(|stage| stage.took).sum();
        writeln!(table, "{}", row("total", total)).expect("writing to a string does not fail");
        table
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&row(self.name, self.took))?;
        match self.done {
            Ok(()) => formatter.write_str("  passed"),
            Err(failed) => write!(formatter, "  FAILED with exit code {}", failed.exit_code),
        }
    }
}

fn row(name: &str, took: Duration) -> String {
    format!("{name:<14} {:>7.1} s", took.as_secs_f64())
}

/// The command as a user types it, to run a failed stage again alone.
fn as_typed(command: &Command, environment: &[(&str, &str)]) -> String {
    let variables = environment.iter().map(|(name, value)| format!("{name}=\"{value}\" "));
    let arguments = command.get_args().map(|argument| format!(" {}", quoted(&argument.to_string_lossy())));
    variables.chain(["cargo".to_owned()]).chain(arguments).collect()
}

/// Quotes an argument that a shell would split or expand.
fn quoted(argument: &str) -> String {
    let is_plain = argument.chars().all(|letter| letter.is_alphanumeric() || "-_./=:".contains(letter));
    if is_plain { argument.to_owned() } else { format!("'{argument}'") }
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Done {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failed { exit_code: exit_code(status) }),
        Err(error) => {
            eprintln!("{:?} could not be started: {error}; is it installed and on the PATH?", command.get_program());
            Err(Failed { exit_code: 127 })
        }
    }
}

/// The exit code of a failed program: 1 when a signal ended it, and never 0.
fn exit_code(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    fn stages() -> Stages {
        Stages::at(std::env::temp_dir())
    }

    fn quiet_cargo(argument: &str) -> Command {
        let mut command = Command::new(env!("CARGO"));
        command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    #[test]
    fn a_failing_command_hands_its_exit_code_on() {
        assert_eq!(run(&mut quiet_cargo("no-such-command-of-cargo")), Err(Failed { exit_code: 101 }));
    }

    #[test]
    fn a_command_that_succeeds_is_passed() {
        assert_eq!(run(&mut quiet_cargo("--version")), Ok(()));
    }

    #[test]
    #[cfg(unix)]
    fn a_program_that_a_signal_ended_is_a_failure() {
        let mut command = Command::new("sh");
        command.args(["-c", "kill -9 $$"]);
        assert_eq!(run(&mut command), Err(Failed { exit_code: 1 }));
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure() {
        assert_eq!(run(&mut Command::new("no-such-program-anywhere")), Err(Failed { exit_code: 127 }));
    }

    #[test]
    fn the_table_names_each_stage_and_the_one_that_failed() {
        let mut stages = stages();
        stages.step("good", "a step", |_| Ok(())).unwrap();
        stages.step("bad", "a step", |_| Err(Failed { exit_code: 7 })).unwrap_err();
        let table = stages.table();
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[0].starts_with("good ") && lines[0].ends_with("passed"), "{table}");
        assert!(lines[1].starts_with("bad ") && lines[1].ends_with("FAILED with exit code 7"), "{table}");
        assert!(lines[2].starts_with("total "), "{table}");
    }

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("cargo");
        command.args(["test", "--test", "*"]);
        assert_eq!(as_typed(&command, &[("RUSTFLAGS", "--cfg x")]), "RUSTFLAGS=\"--cfg x\" cargo test --test '*'");
    }
}
