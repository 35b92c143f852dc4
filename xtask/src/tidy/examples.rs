//! README.md names every example, so that a new user finds it.

use super::Violation;
use crate::files::Files;

const WAY_OUT: &str = "say in README.md which need it answers";

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let readme = files.text("README.md").unwrap_or_default();
    let examples = files.iter().filter_map(|(path, _)| Some((path, example_name(path)?)));
    let unnamed = examples.filter(|(_, name)| !names(readme, name));
    unnamed
        .map(|(path, name)| Violation::new(path, 1, format!("README.md does not name the example `{name}`"), WAY_OUT))
        .collect()
}

/// `examples/NAME.rs` and the crate `examples/NAME/Cargo.toml`.
fn example_name(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("examples/")?;
    let name = rest.strip_suffix("/Cargo.toml").or_else(|| rest.strip_suffix(".rs"))?;
    (!name.contains('/')).then_some(name)
}

/// True when the text contains the name as a whole word.
fn names(text: &str, name: &str) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric() && !"-_".contains(letter)).any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn examples_that_readme_does_not_name_are_found() {
        let files = Files::from([
            ("README.md", "See `sleep-analysis` and `cargo run --example first_steps`, not second_steps_too."),
            ("examples/first_steps.rs", ""),
            ("examples/second_steps.rs", ""),
            ("examples/sleep-analysis/Cargo.toml", ""),
            ("examples/sleep-analysis/src/main.rs", ""),
            ("examples/sleep/Cargo.toml", ""),
        ]);
        assert_eq!(places(&check(&files)), ["examples/second_steps.rs:1", "examples/sleep/Cargo.toml:1"]);
    }
}
