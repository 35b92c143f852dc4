//! The commands that run the models in `tests/loom` and `tests/shuttle`, at their usual depth and deeper.
//!
//! Each model and `tests/loom/explore.rs` choose how deep a search goes. `mutants` tests whether the models find bugs.

use crate::command::is_near;
use crate::mutants;
use crate::stage::{Done, Stages};

/// How the models are to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelRun<'a> {
    /// With the number of pre-emptions that each model names.
    EveryDay,
    /// Deeper, for `SECONDS_PER_MODEL` per model.
    Full,
    /// On code with a seeded bug: all bugs, or those whose name or primitive contains the text.
    Mutants(Option<&'a str>),
}

/// Keeps some fifty models within a quarter of an hour on two cores, their build included.
const SECONDS_PER_MODEL: &str = "8";

const FLAGS: [&str; 2] = ["--full", "--mutants"];

/// Reads the arguments of `loom`.
pub(crate) fn parse(words: &[String]) -> Result<ModelRun<'_>, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Ok(ModelRun::EveryDay),
        ["--full"] => Ok(ModelRun::Full),
        ["--mutants"] => Ok(ModelRun::Mutants(None)),
        ["--mutants", name] if mutants::chosen(Some(name)).is_empty() => Err(unknown_mutant(name)),
        ["--mutants", name] => Ok(ModelRun::Mutants(Some(name))),
        ["--mutants", _, extra, ..] => Err(format!("--mutants takes one name, but got `{extra}` too")),
        ["--full", extra, ..] => Err(format!("--full takes no arguments, but got `{extra}`")),
        [unknown, ..] => Err(hint(unknown)),
    }
}

fn hint(unknown: &str) -> String {
    let near = FLAGS.into_iter().find(|flag| is_near(unknown, flag));
    let guess = near.map_or_else(String::new, |flag| format!("; did you mean `{flag}`?"));
    format!("has no `{unknown}`{guess}\nthere are: {}", FLAGS.join(", "))
}

fn unknown_mutant(name: &str) -> String {
    let names: Vec<&str> = mutants::chosen(None).iter().map(|(_, mutant)| mutant.name).collect();
    format!("has no mutant with `{name}` in its name or primitive\nthere are: {}", names.join(", "))
}

/// A model checker: it stands in for the real parts when its flag is set.
#[derive(Clone, Copy, Debug)]
struct Checker {
    flag: &'static str,
    /// Its own target folder: otherwise the flag would invalidate every other build.
    target: &'static str,
    /// The test binary with its models.
    models: &'static str,
}

const LOOM: Checker = Checker { flag: "--cfg manyhands_loom", target: "target/loom", models: "loom" };
const SHUTTLE: Checker = Checker { flag: "--cfg manyhands_shuttle", target: "target/shuttle", models: "shuttle" };

/// Runs the models at their usual depth, and the example that shows how to write one.
pub(crate) fn every_day(stages: &mut Stages) -> Done {
    LOOM.check(stages, "models", &[])?;
    LOOM.run_example(stages)
}

/// Runs the models with more and more pre-emptions; each prints how far it came.
pub(crate) fn full(stages: &mut Stages) -> Done {
    LOOM.check(stages, "models", &[("MANYHANDS_LOOM_DEEPER", SECONDS_PER_MODEL)])
}

/// Runs the models that are too large for loom, in random interleavings.
pub(crate) fn shuttle(stages: &mut Stages) -> Done {
    SHUTTLE.check(stages, "shuttle", &[])?;
    SHUTTLE.run_example(stages)
}

/// Checks that the library and its models compile with either model checker, which no other stage builds.
pub(crate) fn compile(stages: &mut Stages) -> Done {
    for checker in [LOOM, SHUTTLE] {
        let targets = ["check", "--lib", "--test", checker.models, "--example", "model_checked"];
        checker.cargo(stages, checker.models, &targets, &[])?;
    }
    Ok(())
}

impl Checker {
    fn check(self, stages: &mut Stages, name: &'static str, environment: &[(&str, &str)]) -> Done {
        self.cargo(stages, name, &["test", "--test", self.models], environment)
    }

    fn run_example(self, stages: &mut Stages) -> Done {
        self.cargo(stages, "example", &["run", "--example", "model_checked"], &[])
    }

    fn cargo(self, stages: &mut Stages, name: &'static str, what: &[&str], environment: &[(&str, &str)]) -> Done {
        let flags = self.compiler_flags();
        let arguments = [what, &["--release", "--package", "manyhands", "--locked"], &MODELLED].concat();
        let own = [("RUSTFLAGS", flags.as_str()), ("CARGO_TARGET_DIR", self.target)];
        stages.cargo_with(name, &arguments, &[&own, environment].concat())
    }

    fn compiler_flags(self) -> String {
        format!("{} {}", std::env::var("RUSTFLAGS").unwrap_or_default(), self.flag).trim().to_owned()
    }
}

/// The features that have models. The others would build SQLite once more.
pub(crate) const MODELLED: [&str; 3] = ["--no-default-features", "--features", "processes"];

/// The compiler flags that replace the parts in `src/sync` by those of loom.
pub(crate) fn compiler_flags() -> String {
    LOOM.compiler_flags()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_flag_says_how_the_models_run() {
        assert_eq!(parse(&[]), Ok(ModelRun::EveryDay));
        assert_eq!(parse(&words("--full")), Ok(ModelRun::Full));
        assert_eq!(parse(&words("--mutants")), Ok(ModelRun::Mutants(None)));
        assert_eq!(parse(&words("--mutants token")), Ok(ModelRun::Mutants(Some("token"))));
    }

    #[test]
    fn an_unknown_flag_gets_a_hint() {
        assert!(parse(&words("--fulll")).unwrap_err().starts_with("has no `--fulll`; did you mean `--full`?"));
        assert!(parse(&words("deeper")).unwrap_err().contains("there are: --full"));
        assert_eq!(parse(&words("--full now")).unwrap_err(), "--full takes no arguments, but got `now`");
        assert!(parse(&words("--mutant")).unwrap_err().contains("did you mean `--mutants`?"));
    }

    #[test]
    fn a_name_that_no_mutant_has_is_refused() {
        let refusal = parse(&words("--mutants zzz")).unwrap_err();
        assert!(refusal.starts_with("has no mutant with `zzz` in its name or primitive\nthere are: a-"), "{refusal}");
        assert!(parse(&words("--mutants token lock")).unwrap_err().contains("but got `lock` too"));
    }
}
