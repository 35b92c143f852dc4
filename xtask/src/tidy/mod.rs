//! The house rules that a program can check, each a function from the files of the project to violations.
//!
//! Every violation names its place and the way out. Reviewers judge the rest: names, size, whether a page is true.

mod clean_text;
mod documents;
mod examples;
mod file_heads;
pub(crate) mod layering;
mod links;
mod lints;
mod mutants;
mod primitives;
mod promises;
mod records;
mod safety;

use crate::files::Files;
use std::fmt;
use std::path::Path;

/// A place that breaks a rule, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    file: String,
    line: usize,
    problem: String,
    way_out: &'static str,
}

type Rule = fn(&Files) -> Vec<Violation>;

const RULES: [Rule; 12] = [
    clean_text::check,
    documents::check,
    examples::check,
    file_heads::check,
    layering::check,
    links::check,
    lints::check,
    mutants::check,
    primitives::check,
    promises::check,
    records::check,
    safety::check,
];

/// The violations of all rules, by rule and then by file.
pub(crate) fn violations(files: &Files) -> Vec<Violation> {
    RULES.iter().flat_map(|rule| rule(files)).collect()
}

impl Violation {
    fn new(file: &str, line: usize, problem: impl Into<String>, way_out: &'static str) -> Self {
        Self { file: file.to_owned(), line, problem: problem.into(), way_out }
    }

    /// The files could not be listed or read, so no rule was checked.
    pub(crate) fn unreadable(root: &Path, error: &std::io::Error) -> Self {
        let way_out = "run tidy in a git checkout whose files can be read";
        Self::new(&root.display().to_string(), 1, format!("no rule could be checked: {error}"), way_out)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}; {}", self.file, self.line, self.problem, self.way_out)
    }
}

/// Whether the rules about words apply to a file. The rules and their tests name what they forbid.
fn is_free_of_forbidden_words(path: &str) -> bool {
    !path.starts_with("xtask/src/tidy/")
}

/// `file:line` of each violation, for the tests of rules.
#[cfg(test)]
fn places(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(|violation| format!("{}:{}", violation.file, violation.line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_names_its_place_and_the_way_out() {
        let violation = Violation::new("src/a.rs", 3, "a lock is named", "take it from crate::sync");
        assert_eq!(violation.to_string(), "src/a.rs:3: a lock is named; take it from crate::sync");
    }

    #[test]
    fn an_empty_project_lacks_its_documents() {
        assert!(violations(&Files::default()).iter().any(|violation| violation.file == "README.md"));
    }
}
