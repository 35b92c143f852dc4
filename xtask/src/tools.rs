//! Stages that belong to tools which not every machine has. None is part of the merge gate.
//!
//! `supply-chain` and `fuzz` install theirs. Elsewhere, where its tool is absent, a stage prints a line that begins with `SKIPPED:`, names the tool and says how to install it,
//! and nothing fails.

use crate::stage::{Done, Stages};
use std::path::Path;
use std::process::{Command, Stdio};

/// A subcommand of cargo that is installed on its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    /// Its name behind `cargo`.
    name: &'static str,
    package: &'static str,
}

const DENY: Tool = Tool { name: "deny", package: "cargo-deny" };
const MACHETE: Tool = Tool { name: "machete", package: "cargo-machete" };
const HACK: Tool = Tool { name: "hack", package: "cargo-hack" };
const SEMVER_CHECKS: Tool = Tool { name: "semver-checks", package: "cargo-semver-checks" };
const MUTANTS: Tool = Tool { name: "mutants", package: "cargo-mutants" };
pub(crate) const FUZZ: Tool = Tool { name: "fuzz", package: "cargo-fuzz" };
const NEXTEST: Tool = Tool { name: "nextest", package: "cargo-nextest" };

/// Licences, versions and sources of all dependencies, after deny.toml; known vulnerabilities where their list can be had.
pub(crate) fn deny(stages: &mut Stages) -> Done {
    if !DENY.is_there(stages) {
        return Ok(());
    }
    stages.cargo("deny", ["deny", "--locked", "check", "bans", "licenses", "sources"])?;
    if !succeeds(stages.root(), &["deny", "fetch", "db"]) {
        println!("SKIPPED: cargo-deny did not look for advisories: their database could not be fetched");
        return Ok(());
    }
    stages.cargo("deny", ["deny", "--locked", "check", "--disable-fetch", "advisories"])
}

/// As [`deny`], after cargo-deny is installed where it is absent: some minutes, so this is no part of the merge gate.
pub(crate) fn supply_chain(stages: &mut Stages) -> Done {
    DENY.install_if_absent(stages)?;
    deny(stages)
}

/// Dependencies that a manifest names and no code uses.
pub(crate) fn machete(stages: &mut Stages) -> Done {
    MACHETE.cargo(stages, "machete", &["machete"], &[])
}

/// The library with each feature, and with each two of them.
pub(crate) fn hack(stages: &mut Stages) -> Done {
    let common = ["hack", "clippy", "--package", "manyhands", "--lib", "--locked"];
    let each = [&common[..], &["--each-feature", "--", "-D", "warnings"]].concat();
    let pairs = [&common[..], &["--feature-powerset", "--depth", "2", "--", "-D", "warnings"]].concat();
    if !HACK.is_there(stages) {
        return Ok(());
    }
    stages.cargo("hack", each)?;
    stages.cargo("hack", pairs)
}

/// Whether the public surface breaks what the last published version promised.
pub(crate) fn semver(stages: &mut Stages) -> Done {
    let Some(tag) = last_published(stages.root()) else {
        println!("SKIPPED: cargo-semver-checks did not run: nothing is published yet, so no tag `v*` names a version");
        return Ok(());
    };
    SEMVER_CHECKS.cargo(stages, "semver", &["semver-checks", "--package", "manyhands", "--baseline-rev", &tag], &[])
}

/// Small changes of the code, each of which a test should notice. Takes hours unless a file is named.
pub(crate) fn mutants(stages: &mut Stages, words: &[String]) -> Done {
    MUTANTS.cargo(stages, "cargo-mutants", &["mutants", "--package", "manyhands", "--output", "target"], words)
}

/// All tests but doc tests and models, or those that the words choose, each in a process of its own.
pub(crate) fn nextest(stages: &mut Stages, words: &[String]) -> Done {
    let everything: &[&str] = if words.is_empty() { &["--workspace"] } else { &[] };
    NEXTEST.cargo(stages, "nextest", &[&["nextest", "run", "--locked"], everything].concat(), words)
}

impl Tool {
    /// Runs the tool where it is installed.
    fn cargo(self, stages: &mut Stages, stage: &'static str, arguments: &[&str], words: &[String]) -> Done {
        if !self.is_there(stages) {
            return Ok(());
        }
        stages.cargo(stage, arguments.iter().copied().chain(words.iter().map(String::as_str)))
    }

    /// Installs the tool for this user where cargo does not find it.
    pub(crate) fn install_if_absent(self, stages: &mut Stages) -> Done {
        if succeeds(stages.root(), &[self.name, "--help"]) {
            return Ok(());
        }
        stages.cargo("install", ["install", self.package, "--locked"])
    }

    /// Whether cargo finds the tool; if not, it says so.
    fn is_there(self, stages: &Stages) -> bool {
        let is_there = succeeds(stages.root(), &[self.name, "--help"]);
        if !is_there {
            println!("{}", self.absent());
        }
        is_there
    }

    fn absent(self) -> String {
        let Self { name, package } = self;
        format!(
            "SKIPPED: cargo {name} did not run: {package} is not installed; get it with `cargo install {package} --locked`"
        )
    }
}

/// Whether cargo ends well with these arguments; what it prints is dropped.
fn succeeds(root: &Path, arguments: &[&str]) -> bool {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    cargo.status().is_ok_and(|status| status.success())
}

/// The newest tag of a version, such as `v0.1.0`.
fn last_published(root: &Path) -> Option<String> {
    let mut git = Command::new("git");
    let answer = git.args(["tag", "--list", "v[0-9]*", "--sort=-version:refname"]).current_dir(root).output().ok()?;
    String::from_utf8_lossy(&answer.stdout).lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_tool_is_named_with_the_way_to_install_it() {
        let absent = Tool { name: "no-such-tool", package: "cargo-no-such-tool" };
        let mut stages = Stages::at(std::env::temp_dir());
        assert!(!absent.is_there(&stages));
        assert_eq!(absent.cargo(&mut stages, "absent", &["no-such-tool"], &[]), Ok(()));
        let line = absent.absent();
        assert!(line.starts_with("SKIPPED: "), "{line}");
        assert!(line.ends_with("get it with `cargo install cargo-no-such-tool --locked`"), "{line}");
    }

    #[test]
    fn a_tool_that_is_there_runs_and_its_failure_counts() {
        // `cargo version` stands in for a tool: every machine that runs this test has it.
        let present = Tool { name: "version", package: "cargo" };
        let mut stages = Stages::at(std::env::temp_dir());
        assert_eq!(present.cargo(&mut stages, "good", &["version"], &[]), Ok(()));
        assert!(present.cargo(&mut stages, "bad", &["no-such-command-of-cargo"], &[]).is_err());
    }
}
