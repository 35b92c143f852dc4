//! The workspace denies `missing_docs`, and every package takes the lints of the workspace.

use super::Violation;
use crate::files::Files;

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let packages =
        files.ending("Cargo.toml").filter(|(path, text)| is_manifest(path) && line_of(text, "[package]").is_some());
    denied_docs(files).into_iter().chain(packages.filter_map(|(path, text)| own_lints(path, text))).collect()
}

fn is_manifest(path: &str) -> bool {
    path == "Cargo.toml" || path.ends_with("/Cargo.toml")
}

fn denied_docs(files: &Files) -> Option<Violation> {
    let text = files.text("Cargo.toml").unwrap_or_default();
    let level = value_in(text, "[workspace.lints.rust]", "missing_docs");
    let is_denied = level.is_some_and(|level| level.contains("\"deny\"") || level.contains("\"forbid\""));
    let way_out = "write `missing_docs = \"deny\"` under [workspace.lints.rust]";
    (!is_denied).then(|| Violation::new("Cargo.toml", 1, "missing_docs is not denied in the workspace", way_out))
}

fn own_lints(path: &str, text: &str) -> Option<Violation> {
    let is_shared = value_in(text, "[lints]", "workspace") == Some("true");
    let line = line_of(text, "[lints]").or_else(|| line_of(text, "[package]")).unwrap_or(1);
    let way_out = "write `workspace = true` under [lints]";
    (!is_shared).then(|| Violation::new(path, line, "the package does not take the lints of the workspace", way_out))
}

/// The value of a key on its own line in a section.
fn value_in<'a>(text: &'a str, section: &str, key: &str) -> Option<&'a str> {
    let lines = text.lines().skip(line_of(text, section)?).take_while(|line| !line.starts_with('['));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.trim(), value.trim())).find(|(name, _)| *name == key).map(|(_, value)| value)
}

fn line_of(text: &str, line: &str) -> Option<usize> {
    text.lines().position(|candidate| candidate.trim() == line).map(|idx| idx + 1)
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    const ROOT: &str = "[workspace.lints.rust]\nmissing_docs = \"deny\"\n[package]\n[lints]\nworkspace = true\n";

    #[test]
    fn a_workspace_whose_packages_share_its_lints_is_good() {
        assert_eq!(
            check(&Files::from([("Cargo.toml", ROOT), ("a/Cargo.toml", "[package]\n[lints]\nworkspace = true")])),
            []
        );
    }

    #[test]
    fn missing_docs_must_be_denied() {
        for level in ["\"warn\"", "\"allow\""] {
            assert_eq!(
                places(&check(&Files::from([("Cargo.toml", &*ROOT.replace("\"deny\"", level))]))),
                ["Cargo.toml:1"]
            );
        }
        let elsewhere = ROOT.replace("[workspace.lints.rust]", "[workspace.lints.other]");
        assert_eq!(places(&check(&Files::from([("Cargo.toml", &*elsewhere)]))), ["Cargo.toml:1"]);
    }

    #[test]
    fn a_package_with_lints_of_its_own_is_found() {
        let files = Files::from([
            ("Cargo.toml", ROOT),
            ("a/Cargo.toml", "[package]\nname = \"a\"\n"),
            ("b/Cargo.toml", "[package]\n\n[lints]\nworkspace = false\n"),
            ("c/Cargo.toml", "[package]\n[lints]\n[dependencies]\nworkspace = true\n"),
        ]);
        assert_eq!(places(&check(&files)), ["a/Cargo.toml:1", "b/Cargo.toml:3", "c/Cargo.toml:2"]);
    }
}
