//! How many crates a user of manyhands builds, by feature, and the bounds on that.
//!
//! It asks `cargo tree` and compiles nothing. A crate counts once per version; manyhands itself does not count.

use crate::features;
use crate::stage::{Done, Failed, Stages};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The most crates that the default features may bring.
const MOST_BY_DEFAULT: usize = 35;

/// The model checkers: a user's lock file must not name them.
const CHECKERS: [&str; 2] = ["loom", "shuttle"];

/// A feature that turns on all that is meant for users.
const FULL: &str = "full";

/// Prints the table and fails when a bound is broken.
pub(crate) fn stage(stages: &mut Stages) -> Done {
    stages.step("deps", "crates of a normal build of manyhands, by feature", |root| {
        let problems = print_table(root).unwrap_or_else(|problem| vec![problem]);
        for problem in &problems {
            println!("{problem}");
        }
        if problems.is_empty() { Ok(()) } else { Err(Failed { exit_code: 1 }) }
    })
}

/// Prints a row per choice of features; gives what is wrong.
fn print_table(root: &Path) -> Result<Vec<String>, String> {
    let names = features::names(root)?;
    let mut problems = Vec::new();
    println!("{:<12} {:>6}", "features", "crates");
    println!("{:<12} {:>6}", "none", crates(root, Some(""), &[])?.len());
    let by_default = crates(root, None, &[])?.len();
    println!("{:<12} {by_default:>6}", "default");
    for name in &names {
        println!("{name:<12} {:>6}", crates(root, Some(name), &[])?.len());
    }
    problems.extend(too_many(by_default));
    // A lock file names the crates of all targets, and those behind a `cfg` that no user sets.
    let widest = names.iter().find(|name| *name == FULL).map(String::as_str);
    let in_lock_file = crates(root, widest, &["--target", "all"])?;
    problems.extend(checkers_in(&in_lock_file));
    Ok(problems)
}

/// The crates of a normal build with these features; without a choice, with the default ones.
fn crates(root: &Path, features: Option<&str>, more: &[&str]) -> Result<BTreeSet<String>, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["tree", "--package", "manyhands", "--edges", "normal,build", "--prefix", "none", "--locked"]);
    if let Some(features) = features {
        cargo.args(["--no-default-features", "--features", features]);
    }
    let answer = cargo.args(more).current_dir(root).output();
    let answer = answer.map_err(|error| format!("cargo could not be started: {error}"))?;
    if !answer.status.success() {
        return Err(String::from_utf8_lossy(&answer.stderr).trim().to_owned());
    }
    Ok(from_tree(&String::from_utf8_lossy(&answer.stdout)))
}

/// Names with versions, from lines such as `serde v1.0.0 (proc-macro) (*)`; the first line is manyhands itself.
fn from_tree(tree: &str) -> BTreeSet<String> {
    let lines = tree.lines().skip(1).filter(|line| !line.trim().is_empty());
    lines.map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
}

fn too_many(by_default: usize) -> Option<String> {
    let way_out = "make a feature opt-in, or do without a crate";
    let problem = format!("the default features bring {by_default} crates, more than {MOST_BY_DEFAULT}; {way_out}");
    (by_default > MOST_BY_DEFAULT).then_some(problem)
}

fn checkers_in(crates: &BTreeSet<String>) -> Vec<String> {
    let way_out = "let only tests, or a feature of its own, depend on it";
    let names = crates.iter().filter_map(|name| name.split(' ').next());
    let found = names.filter(|name| CHECKERS.contains(name));
    found.map(|name| format!("{name} is in the lock file of every user; {way_out}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str =
        "manyhands v0.1.0 (/a/b)\nserde v1.0.2\nserde_derive v1.0.2 (proc-macro)\nserde v1.0.2 (*)\nloom v0.7.3\n";

    #[test]
    fn a_crate_counts_once_per_version_and_manyhands_does_not() {
        assert_eq!(from_tree(TREE).len(), 3);
        assert_eq!(from_tree("manyhands v0.1.0\na v1.0.0\na v2.0.0\n").len(), 2);
        assert_eq!(from_tree("manyhands v0.1.0\n").len(), 0);
    }

    #[test]
    fn the_bound_itself_is_held() {
        assert_eq!(too_many(MOST_BY_DEFAULT), None);
        assert!(too_many(MOST_BY_DEFAULT + 1).unwrap().contains("36 crates"));
    }

    #[test]
    fn a_model_checker_is_named() {
        let found = checkers_in(&from_tree(TREE));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("loom is in the lock file"));
        assert_eq!(checkers_in(&from_tree("manyhands v0.1.0\nloom_like v1.0.0\n")), [""; 0]);
    }
}
