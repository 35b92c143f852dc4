//! Every mutant still fits the code that it breaks, and each primitive has at least three.
//!
//! So a change of the code that breaks a mutant is found before the mutants run.

use super::Violation;
use crate::files::Files;
use crate::mutants::{GROUPS, Group, Mutant};

const FOLDER: &str = "xtask/src/mutants/";
const AT_LEAST: usize = 3;

pub(super) fn check(files: &Files) -> Vec<Violation> {
    check_groups(files, GROUPS)
}

fn check_groups(files: &Files, groups: &[Group]) -> Vec<Violation> {
    let few = groups.iter().filter(|group| group.mutants.len() < AT_LEAST);
    let few = few.map(|group| {
        let problem = format!("{} has {} mutants", group.primitive, group.mutants.len());
        Violation::new(&format!("{FOLDER}mod.rs"), 1, problem, "add some, until there are three that a model catches")
    });
    let mutants = groups.iter().flat_map(|group| group.mutants);
    few.chain(mutants.flat_map(|mutant| check_mutant(files, mutant))).collect()
}

fn check_mutant(files: &Files, mutant: &Mutant) -> Vec<Violation> {
    let (file, line) = place(files, mutant);
    let stale = mutant.applied_to(files.text(mutant.file).unwrap_or_default()).err().map(|problem| {
        let problem = format!("the mutant `{}` does not fit {}: {problem}", mutant.name, mutant.file);
        Violation::new(file, line, problem, "break the code as it is now in the same way")
    });
    let blind = (!has_model(files, mutant.model)).then(|| {
        let problem = format!("the mutant `{}` names the model {}, which is not there", mutant.name, mutant.model);
        Violation::new(file, line, problem, "name the model that must fail, as module::name below tests/loom")
    });
    stale.into_iter().chain(blind).collect()
}

/// The file and line that define a mutant.
fn place<'a>(files: &'a Files, mutant: &Mutant) -> (&'a str, usize) {
    let name = format!("name: \"{}\"", mutant.name);
    let lists = files.iter().filter(|(path, _)| path.starts_with(FOLDER));
    let mut found =
        lists.filter_map(|(path, text)| Some((path, text.lines().position(|line| line.contains(&name))? + 1)));
    found.next().unwrap_or((FOLDER, 1))
}

fn has_model(files: &Files, model: &str) -> bool {
    let Some((module, name)) = model.split_once("::") else { return false };
    let text = files.text(&format!("tests/loom/{module}.rs")).unwrap_or_default();
    text.contains(&format!("fn {name}()"))
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    const MUTANT: Mutant = Mutant {
        name: "a-mutant",
        file: "src/a.rs",
        changes: &[("lock();", "")],
        model: "a::b",
        breaks: "No thread waits.",
    };
    const LIST: (&str, &str) = ("xtask/src/mutants/a.rs", "//! Bugs.\n\n    name: \"a-mutant\",\n");
    const MODEL: (&str, &str) = ("tests/loom/a.rs", "fn b() {}");

    fn found(mutants: &'static [Mutant], code: &str, model: (&str, &str)) -> Vec<String> {
        let files = Files::from([LIST, ("src/a.rs", code), model]);
        places(&check_groups(&files, &[Group { primitive: "a", mutants }]))
    }

    #[test]
    fn three_that_fit_are_good() {
        assert_eq!(found(&[MUTANT, MUTANT, MUTANT], "lock();", MODEL), [""; 0]);
    }

    #[test]
    fn fewer_than_three_are_found() {
        assert_eq!(found(&[MUTANT, MUTANT], "lock();", MODEL), ["xtask/src/mutants/mod.rs:1"]);
    }

    #[test]
    fn a_mutant_that_the_code_has_left_behind_is_found() {
        for code in ["", "lock(); lock();"] {
            assert_eq!(found(&[MUTANT; 3], code, MODEL), ["xtask/src/mutants/a.rs:3"; 3], "{code}");
        }
    }

    #[test]
    fn a_mutant_without_its_model_is_found() {
        for model in [("tests/loom/b.rs", "fn b() {}"), ("tests/loom/a.rs", "fn bb() {}")] {
            assert_eq!(found(&[MUTANT; 3], "lock();", model), ["xtask/src/mutants/a.rs:3"; 3], "{}", model.0);
        }
    }
}
