//! The table of promises in ARCHITECTURE.md: each model, mutant, drill and test that it names is in the project, each mutant is
//! one of a model in the same row, and a cell that names none says so.
//!
//! Whether a test shows what its row promises is for a reviewer to judge.

use super::Violation;
use crate::files::Files;
use crate::mutants::{Mutant, chosen};

const FILE: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Promises";
const WAY_OUT: &str = "name in backticks what the project has, such as `api::order::a_test`, or write `none` and why";
/// Promise, mechanism, model, mutant, drill or test.
const COLUMNS: usize = 5;

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let mutants: Vec<&Mutant> = chosen(None).into_iter().map(|(_, mutant)| mutant).collect();
    check_table(files, &mutants)
}

fn check_table(files: &Files, mutants: &[&Mutant]) -> Vec<Violation> {
    let rows: Vec<(usize, Vec<&str>)> = rows(files.text(FILE).unwrap_or_default());
    if rows.is_empty() {
        return vec![Violation::new(FILE, 1, format!("there is no table below `{HEADING}`"), WAY_OUT)];
    }
    let problems =
        rows.iter().flat_map(|(line, cells)| problems(files, mutants, cells).into_iter().map(|text| (*line, text)));
    problems.map(|(line, text)| Violation::new(FILE, line, text, WAY_OUT)).collect()
}

/// The rows of the table with their lines (from 1), without its head.
fn rows(text: &str) -> Vec<(usize, Vec<&str>)> {
    let lines = text.lines().enumerate().skip_while(|(_, line)| *line != HEADING).skip(1);
    let section = lines.take_while(|(_, line)| !line.starts_with("## "));
    let table = section.filter(|(_, line)| line.starts_with('|')).skip(2);
    table.map(|(idx, line)| (idx + 1, line.trim_matches('|').split('|').map(str::trim).collect())).collect()
}

fn problems(files: &Files, mutants: &[&Mutant], cells: &[&str]) -> Vec<String> {
    let [_, mechanism, models, mutant_cell, tests] = cells else {
        return vec![format!("a row has {} cells and not {COLUMNS}", cells.len())];
    };
    let mut problems = Vec::new();
    if !mechanism.contains("](") {
        problems.push("a mechanism links to no file".to_owned());
    }
    for cell in [models, mutant_cell, tests] {
        if names(cell).next().is_none() && !cell.starts_with("none") {
            problems.push(format!("the cell `{cell}` names nothing"));
        }
    }
    let absent = names(models).chain(names(tests)).filter(|name| !is_there(files, name));
    problems.extend(absent.map(|name| format!("there is no `{name}`")));
    let wrong = names(mutant_cell).filter(|name| !is_caught(mutants, name, models));
    problems.extend(wrong.map(|name| format!("there is no mutant `{name}` that a model of this row catches")));
    problems
}

/// What stands in backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// `api::order::a_test` is `fn a_test` in `tests/api/order.rs`; `src::` and `examples::` begin a path from the root.
fn is_there(files: &Files, name: &str) -> bool {
    let Some((module, function)) = name.rsplit_once("::") else { return false };
    let path = module.replace("::", "/");
    let in_tests = format!("tests/{path}.rs");
    let from_root = format!("{path}.rs");
    let text = files.text(&in_tests).or_else(|| files.text(&from_root)).unwrap_or_default();
    text.contains(&format!("fn {function}("))
}

fn is_caught(mutants: &[&Mutant], name: &str, models: &str) -> bool {
    let mut found = mutants.iter().filter(|mutant| mutant.name == name);
    found.any(|mutant| names(models).any(|model| model.strip_prefix("loom::") == Some(mutant.model)))
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    const MUTANT: Mutant =
        Mutant { name: "a-mutant", file: "src/a.rs", changes: &[], model: "a::b", breaks: "No thread waits." };

    fn found(row: &str) -> Vec<String> {
        let table =
            format!("## Promises\n\n| promise | m | m | m | d |\n|---|---|---|---|---|\n{row}\n\n## Next\n| x |\n");
        let files = Files::from([
            (FILE, table.as_str()),
            ("tests/loom/a.rs", "fn b() {}"),
            ("tests/api/c.rs", "fn d() {}"),
            ("src/e.rs", "fn f() {}"),
        ]);
        places(&check_table(&files, &[&MUTANT]))
    }

    #[test]
    fn rows_that_name_what_is_there_are_good() {
        for row in [
            "| all | [e](src/e.rs) | `loom::a::b` | `a-mutant` | `api::c::d`, `src::e::f` |",
            "| all | [e](src/e.rs) | none: plain data | none | none: a lint |",
        ] {
            assert_eq!(found(row), [""; 0], "{row}");
        }
    }

    #[test]
    fn rows_that_name_what_is_not_there_are_found() {
        for row in [
            "| all | e | none | none | none |",
            "| all | [e](src/e.rs) | `loom::a::x` | none | none |",
            "| all | [e](src/e.rs) | `loom::a::b` | `b-mutant` | none |",
            "| all | [e](src/e.rs) | none | `a-mutant` | none |",
            "| all | [e](src/e.rs) | none | none | `api::c::b` |",
            "| all | [e](src/e.rs) | none | none | |",
            "| all | [e](src/e.rs) | none | none |",
        ] {
            assert_eq!(found(row), ["ARCHITECTURE.md:5"], "{row}");
        }
    }

    #[test]
    fn a_table_that_is_missing_is_found() {
        let files = Files::from([(FILE, "# Architecture\n")]);
        assert_eq!(places(&check_table(&files, &[])), ["ARCHITECTURE.md:1"]);
    }
}
