//! The command line of this process, rebuilt for the user to copy: with `--resume`, with other flags, or without one.

use std::ffi::OsString;
use std::path::Path;

/// The command of this process with `--resume`.
///
/// ```
/// assert!(consumer_support::command_line::resume_command().ends_with("--resume"));
/// ```
#[must_use]
pub fn resume_command() -> String {
    command_with(&["--resume"])
}

/// The command of this process with these flags. A flag that is there already is not repeated.
#[must_use]
pub fn command_with(flags: &[&str]) -> String {
    with_flags(std::env::args_os(), flags)
}

/// The command of this process without this flag.
#[must_use]
pub fn command_without(flag: &str) -> String {
    with_flags(std::env::args_os().filter(|argument| argument != flag), &[])
}

/// The path as one word of a shell command. Bytes that are not UTF-8 are replaced.
///
/// ```
/// use std::path::Path;
/// use consumer_support::command_line::shell_quoted;
///
/// assert_eq!(shell_quoted(Path::new("data/night 1")), "'data/night 1'");
/// ```
#[must_use]
pub fn shell_quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    let is_safe = !text.is_empty() && text.chars().all(is_plain);
    if is_safe { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Adds the missing flags in front of `--`, or at the end.
fn with_flags(arguments: impl Iterator<Item = OsString>, flags: &[&str]) -> String {
    let mut words: Vec<String> = arguments.map(|argument| shell_quoted(Path::new(&argument))).collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let missing = flags.iter().filter(|&&flag| !words.iter().any(|word| word == flag)).map(|&flag| flag.to_owned());
    let missing: Vec<String> = missing.collect();
    words.splice(end..end, missing);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resumed(arguments: &[&str]) -> String {
        with_flags(arguments.iter().map(OsString::from), &["--resume"])
    }

    #[test]
    fn a_path_survives_the_shell() {
        assert_eq!(shell_quoted(Path::new("data/night 1")), "'data/night 1'");
        assert_eq!(shell_quoted(Path::new("it's")), r"'it'\''s'");
        assert_eq!(shell_quoted(Path::new("data/n_1.x")), "data/n_1.x");
        assert_eq!(shell_quoted(Path::new("")), "''");
    }

    #[test]
    fn the_command_is_the_one_that_was_given() {
        assert_eq!(resumed(&["x", "study", "a b", "--out", "o"]), "x study 'a b' --out o --resume");
        assert_eq!(resumed(&["x", "study", "--resume", "a", "--out", "o"]), "x study --resume a --out o");
        assert_eq!(resumed(&["x", "study", "--out", "o", "--", "-a"]), "x study --out o --resume -- -a");
    }
}
