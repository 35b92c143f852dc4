//! Runs the mutants: first the code as it is, which must pass, then one mutant after another.
//!
//! A mutant counts as caught when it builds, the sequential tests pass with it, and its model fails. One that a sequential
//! test notices is no mutant for a model, and one whose model does not end in time is not caught.

use super::sandbox::{Ended, Sandbox};
use super::{Mutant, chosen};
use crate::stage::{Done, Failed, Stages};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a model needs on a busy machine, several times over.
const MODEL_ENDS_WITHIN: Duration = Duration::from_secs(120);
/// For all models together, without a mutant.
const BASELINE_ENDS_WITHIN: Duration = Duration::from_secs(600);

/// What became of a mutant.
enum Verdict {
    Caught { reason: String },
    Survived,
    NotInTime,
    SeenBySequentialTests { reason: String },
    Unbuildable { reason: String },
}

/// Runs the mutants whose primitive or name has this in it, or all of them.
pub(crate) fn stage(stages: &mut Stages, filter: Option<&str>) -> Done {
    stages.step("mutants", "each must pass the sequential tests and fail its model", |root| {
        run_all(root, &chosen(filter)).unwrap_or_else(|problem| {
            println!("{problem}");
            Err(Failed { exit_code: 1 })
        })
    })
}

fn run_all(root: &Path, mutants: &[(&str, &Mutant)]) -> Result<Done, String> {
    let sandbox = Sandbox::open(root).map_err(|error| format!("the project could not be copied: {error}"))?;
    let begun = Instant::now();
    baseline(&sandbox, mutants)?;
    println!("baseline: sequential tests and models pass, {:.1} s", begun.elapsed().as_secs_f64());
    let mut caught = 0;
    for (primitive, mutant) in mutants {
        let begun = Instant::now();
        let verdict = run(&sandbox, mutant)?;
        let seconds = begun.elapsed().as_secs_f64();
        println!("{primitive:<9} {:<48} {:<82} {seconds:>5.1} s  {verdict}", mutant.name, mutant.model);
        match verdict {
            Verdict::Caught { .. } => caught += 1,
            _ => println!("          {}", mutant.breaks),
        }
    }
    println!("{caught} of {} mutants caught", mutants.len());
    Ok(if caught == mutants.len() { Ok(()) } else { Err(Failed { exit_code: 1 }) })
}

/// Without a mutant, everything that is to notice one must pass.
fn baseline(sandbox: &Sandbox, mutants: &[(&str, &Mutant)]) -> Result<(), String> {
    let (sequential, models) = sandbox.both(|| sequential_tests(sandbox), || sandbox.build_models());
    let named: Vec<&str> = mutants.iter().map(|(_, mutant)| mutant.model).collect();
    let modelled = sandbox.run(&models?, &[&["--exact"], &named[..]].concat(), BASELINE_ENDS_WITHIN)?;
    for (what, ended) in [("sequential tests", sequential?), ("models", modelled)] {
        match ended {
            Ended::Passed => {}
            Ended::Failed { reason } => return Err(format!("the {what} fail without any mutant: {reason}")),
            Ended::NotInTime => return Err(format!("the {what} do not end in time without any mutant")),
        }
    }
    Ok(())
}

fn run(sandbox: &Sandbox, mutant: &Mutant) -> Result<Verdict, String> {
    let text = sandbox.original(mutant.file)?;
    let mutated = mutant.applied_to(&text).map_err(|problem| format!("{}: {problem}", mutant.name))?;
    sandbox.write(mutant.file, &mutated)?;
    let (sequential, models) = sandbox.both(|| sequential_tests(sandbox), || sandbox.build_models());
    let verdict = judge(sandbox, mutant, sequential, models);
    sandbox.write(mutant.file, &text)?;
    verdict
}

fn judge(
    sandbox: &Sandbox,
    mutant: &Mutant,
    sequential: Result<Ended, String>,
    models: Result<PathBuf, String>,
) -> Result<Verdict, String> {
    let (sequential, models) = match (sequential, models) {
        (Ok(sequential), Ok(models)) => (sequential, models),
        (Err(reason), _) | (_, Err(reason)) => return Ok(Verdict::Unbuildable { reason }),
    };
    match sequential {
        Ended::Passed => {}
        Ended::Failed { reason } => return Ok(Verdict::SeenBySequentialTests { reason }),
        Ended::NotInTime => return Ok(Verdict::SeenBySequentialTests { reason: "they do not end".to_owned() }),
    }
    Ok(match sandbox.run(&models, &["--exact", mutant.model], MODEL_ENDS_WITHIN)? {
        Ended::Passed => Verdict::Survived,
        Ended::Failed { reason } => Verdict::Caught { reason },
        Ended::NotInTime => Verdict::NotInTime,
    })
}

/// Left out of the sequential tests: these start threads, so what they notice is up to chance.
const WITH_THREADS: [&str; 6] =
    ["--skip", "backend::thread_pool", "--skip", "backend::threads", "--skip", "stream::tests"];

/// Builds the sequential tests and runs them.
fn sequential_tests(sandbox: &Sandbox) -> Result<Ended, String> {
    for program in sandbox.build_sequential_tests()? {
        match sandbox.run(&program, &WITH_THREADS, MODEL_ENDS_WITHIN)? {
            Ended::Passed => {}
            ended => return Ok(ended),
        }
    }
    Ok(Ended::Passed)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caught { reason } => write!(f, "caught: {reason}"),
            Self::Survived => f.write_str("SURVIVED: the model passes"),
            Self::NotInTime => write!(f, "SURVIVED: the model did not end within {} s", MODEL_ENDS_WITHIN.as_secs()),
            Self::SeenBySequentialTests { reason } => write!(f, "DOES NOT COUNT: a sequential test fails: {reason}"),
            Self::Unbuildable { reason } => write!(f, "DOES NOT BUILD: {reason}"),
        }
    }
}
