//! The commands of `cargo xtask`: their names, their help lines, and the stages that each runs.
//!
//! A command is a row of `COMMANDS` and a function. The help text and the hint after an unknown name are made from the same
//! rows. `stage` runs and times the stages.

use crate::files::Files;
use crate::models::{self, ModelRun};
use crate::stage::{Done, Failed, Stages};
use crate::{bench_processes, deps, features, first_run, fuzz, mutants, soak, stress, tidy, tools, tsan, vulkan};
use std::fmt::Write as _;
use std::path::PathBuf;

/// What to do, read from the command line.
#[derive(Debug)]
pub(crate) enum Request<'a> {
    Help,
    Run { command: &'static Command, rest: &'a [String] },
}

/// One command.
#[derive(Debug)]
pub(crate) struct Command {
    name: &'static str,
    says: &'static str,
    /// Why the arguments are refused, if they are.
    refuse: fn(&[String]) -> Option<String>,
    pub(crate) perform: fn(&mut Stages, &[String]) -> Done,
}

const COMMANDS: [Command; 26] = [
    Command::new("quick", "before a commit: fmt, clippy, do the models compile?, unit tests", |stages, _| {
        quick(stages)
    }),
    Command::new(
        "test",
        "all tests: tidy, unit, integration, examples, doc tests, README, models of loom and shuttle",
        |stages, _| test(stages),
    ),
    Command::new(
        "loom",
        "the models alone; --full goes deeper, --mutants [NAME] breaks the code to see them fail",
        loom,
    )
    .refusing(|words| models::parse(words).err()),
    Command::new("shuttle", "models that are too large for loom, in random interleavings", |stages, _| {
        models::shuttle(stages)
    }),
    Command::new("stress", "the shared types under real threads, for 5 minutes or the given number", stress::stage)
        .refusing(stress::refuse),
    Command::new(
        "soak",
        "10 000 calls of each kind under injected faults; --calls N, --minutes N, --seed S",
        soak::stage,
    )
    .refusing(|_| None),
    Command::new("tsan", "ThreadSanitizer over locks, cache, counters; needs the nightly toolchain", |stages, _| {
        tsan::stage(stages)
    }),
    Command::new("bench", "benches: all, or the named ones; arguments after -- go to them", bench).refusing(|_| None),
    Command::new(
        "bench-processes",
        "process mode and its Python peers in turns, for 3 rounds or the given number, and the bars",
        bench_processes::stage,
    )
    .refusing(bench_processes::refuse),
    Command::new(
        "vulkan",
        "installs Debian's software Vulkan where it is not, so that kernels for graphics processors are tested",
        |stages, _| vulkan::stage(stages),
    ),
    Command::new("tidy", "the house rules that a program can check", |stages, _| check_rules(stages)),
    Command::new("imports", "the layers of src, here or in another checkout: a drawing, and what breaks them", imports)
        .refusing(refuse_folders),
    Command::new("fmt", "is the code formatted?", |stages, _| fmt(stages)),
    Command::new("clippy", "lints of every target, warnings denied; do the models compile?", |stages, _| {
        clippy(stages)
    }),
    Command::new("doc", "the pages of the crates, warnings denied", |stages, _| doc(stages)),
    Command::new("bare", "manyhands without default features, and with each by itself", |stages, _| bare(stages)),
    Command::new("deps", "how many crates each feature brings, and the bounds on that", |stages, _| {
        deps::stage(stages)
    }),
    Command::new("first-run", "the first command of README.md, and the files it must write", |stages, _| {
        first_run::stage(stages)
    }),
    Command::new(
        "deny",
        "licences, versions, sources and advisories of all dependencies; needs cargo-deny",
        |stages, _| tools::deny(stages),
    ),
    Command::new(
        "supply-chain",
        "as deny, and installs cargo-deny where it is absent; takes minutes then",
        |stages, _| tools::supply_chain(stages),
    ),
    Command::new(
        "fuzz",
        "the readers on any bytes, a minute each: [--seconds N] [TARGET]; needs the nightly toolchain",
        fuzz::stage,
    )
    .refusing(fuzz::refuse),
    Command::new("machete", "dependencies that no code uses; needs cargo-machete", |stages, _| tools::machete(stages)),
    Command::new("hack", "manyhands with each feature and each two of them; needs cargo-hack", |stages, _| {
        tools::hack(stages)
    }),
    Command::new("semver", "does the public surface keep its promises? needs cargo-semver-checks", |stages, _| {
        tools::semver(stages)
    }),
    Command::new("cargo-mutants", "small changes that a test should notice; needs cargo-mutants", tools::mutants)
        .refusing(|_| None),
    Command::new("nextest", "the tests, each in its own process; needs cargo-nextest", tools::nextest)
        .refusing(|_| None),
];

impl Command {
    /// A command that takes no arguments.
    const fn new(name: &'static str, says: &'static str, perform: fn(&mut Stages, &[String]) -> Done) -> Self {
        let refuse = |words: &[String]| words.first().map(|extra| format!("takes no arguments, but got `{extra}`"));
        Self { name, says, refuse, perform }
    }

    const fn refusing(self, refuse: fn(&[String]) -> Option<String>) -> Self {
        Self { refuse, ..self }
    }
}

/// Finds the command that the arguments name. The error is a hint at the nearest name.
pub(crate) fn parse(words: &[String]) -> Result<Request<'_>, String> {
    let Some((name, rest)) = words.split_first() else { return Ok(Request::Help) };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        return Ok(Request::Help);
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else { return Err(hint(name)) };
    match (command.refuse)(rest) {
        Some(problem) => Err(format!("`{name}` {problem}")),
        None => Ok(Request::Run { command, rest }),
    }
}

/// The help text: one line per command.
pub(crate) fn help() -> String {
    let mut text = "Every check of the workspace.\n\nUsage: cargo xtask <command>\n\n".to_owned();
    for command in &COMMANDS {
        writeln!(text, "  {:<15} {}", command.name, command.says).expect("writing to a string does not fail");
    }
    text + "\nA command stops at its first failing stage and ends with that stage's exit code; an unknown word is 2.\n\
            Everything that has to pass before a merge is one call: .ci/run\n"
}

fn hint(unknown: &str) -> String {
    let near = COMMANDS.iter().map(|command| command.name).find(|name| is_near(unknown, name));
    let guess = near.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
    format!("no command `{unknown}`{guess}\nthere are: {}, help", names.join(", "))
}

/// True when one is the start of the other, or when their lengths differ by at most one and at most one letter is missing.
pub(crate) fn is_near(typed: &str, name: &str) -> bool {
    let shared = name.chars().filter(|&letter| typed.contains(letter)).count();
    let is_start = !typed.is_empty() && (name.starts_with(typed) || typed.starts_with(name));
    is_start || (typed.len().abs_diff(name.len()) <= 1 && shared + 1 >= name.len())
}

fn quick(stages: &mut Stages) -> Done {
    fmt(stages)?;
    clippy(stages)?;
    stages.cargo("unit tests", ["test", "--workspace", "--lib", "--bins", "--locked"])
}

fn test(stages: &mut Stages) -> Done {
    check_rules(stages)?;
    // Where the emulating driver is, a test that finds no device fails.
    let environment: &[(&str, &str)] = if vulkan::is_there() { &[("MANYHANDS_REQUIRE_GPU", "1")] } else { &[] };
    // Without a choice of targets cargo runs unit, integration and doc tests, and builds the examples.
    stages.cargo_with("tests", ["test", "--workspace", "--locked"], environment)?;
    models::every_day(stages)?;
    models::shuttle(stages)
}

fn loom(stages: &mut Stages, words: &[String]) -> Done {
    match models::parse(words).expect("these words were not refused") {
        ModelRun::EveryDay => models::every_day(stages),
        ModelRun::Full => models::full(stages),
        ModelRun::Mutants(name) => mutants::stage(stages, name),
    }
}

fn bench(stages: &mut Stages, words: &[String]) -> Done {
    stages.cargo("bench", bench_arguments(words))
}

/// The arguments before `--` name bench targets. Without any, `*` picks all benches and no unit tests.
fn bench_arguments(words: &[String]) -> Vec<&str> {
    let split = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let (names, passed_on) = words.split_at(split);
    let chosen = if names.is_empty() { vec!["*"] } else { names.iter().map(String::as_str).collect() };
    let mut arguments = vec!["bench", "--workspace", "--locked"];
    arguments.extend(chosen.into_iter().flat_map(|name| ["--bench", name]));
    arguments.extend(passed_on.iter().map(String::as_str));
    arguments
}

fn imports(stages: &mut Stages, words: &[String]) -> Done {
    let root = words.first().map_or_else(|| stages.root().to_path_buf(), PathBuf::from);
    stages.step("imports", "the layers of src", |_| match Files::read(&root) {
        Ok(files) => {
            println!("{}", tidy::layering::drawing(&files));
            report(&tidy::layering::check(&files))
        }
        Err(error) => report(&[tidy::Violation::unreadable(&root, &error)]),
    })
}

fn refuse_folders(words: &[String]) -> Option<String> {
    words.get(1).map(|extra| format!("takes one folder at most, but got `{extra}` too"))
}

fn check_rules(stages: &mut Stages) -> Done {
    stages.step("tidy", "the house rules", |root| match Files::read(root) {
        Ok(files) => report(&tidy::violations(&files)),
        Err(error) => report(&[tidy::Violation::unreadable(root, &error)]),
    })
}

fn report(violations: &[tidy::Violation]) -> Done {
    for violation in violations {
        println!("{violation}");
    }
    if violations.is_empty() { Ok(()) } else { Err(Failed { exit_code: 1 }) }
}

fn fmt(stages: &mut Stages) -> Done {
    stages.cargo("fmt", ["fmt", "--all", "--check"])
}

fn clippy(stages: &mut Stages) -> Done {
    stages.cargo("clippy", ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    models::compile(stages)
}

fn doc(stages: &mut Stages) -> Done {
    let arguments = ["doc", "--workspace", "--no-deps", "--locked"];
    stages.cargo_with("doc", arguments, &[("RUSTDOCFLAGS", "-D warnings")])
}

/// No feature, and each by itself: code that needs an absent feature does not compile, or is dead.
fn bare(stages: &mut Stages) -> Done {
    let names = features::names(stages.root()).map_err(|problem| {
        println!("the features of manyhands are not known: {problem}");
        Failed { exit_code: 1 }
    })?;
    for features in [""].into_iter().chain(names.iter().map(String::as_str)) {
        let picked = ["clippy", "--package", "manyhands", "--lib", "--no-default-features", "--features", features];
        stages.cargo("bare", picked.into_iter().chain(["--locked", "--", "-D", "warnings"]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn refusal(line: &str) -> String {
        parse(&words(line)).unwrap_err()
    }

    #[test]
    fn no_word_and_help_teach_every_command() {
        for line in ["", "help", "--help", "-h"] {
            assert!(matches!(parse(&words(line)), Ok(Request::Help)), "{line}");
        }
        for command in &COMMANDS {
            assert!(help().contains(&format!("\n  {:<15} ", command.name)), "{}", command.name);
        }
    }

    #[test]
    fn each_name_finds_its_own_command() {
        for expected in &COMMANDS {
            let line = words(expected.name);
            let Ok(Request::Run { command, rest: [] }) = parse(&line) else { panic!("{}", expected.name) };
            assert_eq!(command.name, expected.name);
        }
    }

    #[test]
    fn an_unknown_command_gets_a_hint() {
        assert!(refusal("tset").starts_with("no command `tset`; did you mean `test`?"));
        assert!(refusal("benches").contains("did you mean `bench`?"));
        assert!(refusal("zzz").starts_with("no command `zzz`\nthere are: quick, test,"));
    }

    #[test]
    fn words_that_a_command_would_drop_are_refused() {
        assert_eq!(refusal("quick now"), "`quick` takes no arguments, but got `now`");
        assert!(parse(&words("bench one two")).is_ok());
        assert!(refusal("loom --ful").starts_with("`loom` has no `--ful`; did you mean `--full`?"));
    }

    #[test]
    fn benches_are_chosen_by_name_and_get_what_follows_the_dashes() {
        assert_eq!(bench_arguments(&[]), ["bench", "--workspace", "--locked", "--bench", "*"]);
        let line = words("one two -- --rounds 3");
        let shared = ["bench", "--workspace", "--locked"];
        let chosen = ["--bench", "one", "--bench", "two", "--", "--rounds", "3"];
        assert_eq!(bench_arguments(&line), [&shared[..], &chosen[..]].concat());
    }
}
