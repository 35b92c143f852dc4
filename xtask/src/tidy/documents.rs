//! The usual documents exist and are not empty.
//!
//! CHANGELOG.md has a section for the next change, and README.md starts with the command that `first-run` runs.

use super::Violation;
use crate::files::Files;
use crate::first_run;
use crate::markdown::{code_lines, headings};

const DOCUMENTS: [&str; 6] =
    ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE-APACHE", "LICENSE-MIT"];

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let missing = DOCUMENTS.into_iter().filter(|name| files.text(name).is_none_or(|text| text.trim().is_empty()));
    let missing =
        missing.map(|name| Violation::new(name, 1, "the document is missing or empty", "write it, and `git add` it"));
    missing.chain(unreleased(files)).chain(first_command(files)).collect()
}

fn unreleased(files: &Files) -> Option<Violation> {
    let is_there = headings(files.text("CHANGELOG.md")?).iter().any(|(_, title)| title.contains("Unreleased"));
    let way_out = "add a heading `## Unreleased` and a line per change that a user can notice";
    (!is_there).then(|| Violation::new("CHANGELOG.md", 1, "there is no section Unreleased", way_out))
}

fn first_command(files: &Files) -> Option<Violation> {
    let lines = code_lines(files.text("README.md")?);
    let first = lines
        .iter()
        .map(|&(line, text)| (line, text.trim_start_matches(['$', ' '])))
        .find(|(_, text)| text.starts_with("cargo "));
    let (line, shown) = first.unwrap_or((1, ""));
    let way_out = "show the command of xtask/src/first_run.rs first, or change it there too";
    let problem = format!("the first command is not `{}`", first_run::COMMAND);
    (!shown.starts_with(first_run::COMMAND)).then(|| Violation::new("README.md", line, problem, way_out))
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    fn found_with(readme: &str, changelog: &str) -> Vec<String> {
        places(&check(&Files::from([
            ("README.md", readme),
            ("ARCHITECTURE.md", "x"),
            ("CHANGELOG.md", changelog),
            ("CONTRIBUTING.md", "x"),
            ("LICENSE-APACHE", "x"),
            ("LICENSE-MIT", "x"),
        ])))
    }

    const README: &str = "# a\n```sh\n$ cargo run --release -p sleep-analysis # in seconds\n```\n";

    #[test]
    fn a_complete_set_is_good() {
        assert_eq!(found_with(README, "## Unreleased\n- a change\n"), [""; 0]);
        assert_eq!(found_with(README, "## [Unreleased] (soon)\n"), [""; 0]);
    }

    #[test]
    fn missing_and_empty_documents_are_found() {
        let found = places(&check(&Files::from([("README.md", README), ("CHANGELOG.md", " \n")])));
        let expected =
            ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE-APACHE", "LICENSE-MIT", "CHANGELOG.md"];
        assert_eq!(found, expected.map(|name| format!("{name}:1")));
    }

    #[test]
    fn a_changelog_without_a_place_for_the_next_change_is_found() {
        assert_eq!(found_with(README, "## 0.1.0\nUnreleased things.\n"), ["CHANGELOG.md:1"]);
    }

    #[test]
    fn a_readme_that_starts_with_another_command_is_found() {
        let changelog = "## Unreleased\n";
        assert_eq!(found_with("```sh\nls\ncargo test\n```\n", changelog), ["README.md:3"]);
        assert_eq!(found_with("cargo run --release -p sleep-analysis", changelog), ["README.md:1"]);
    }
}
