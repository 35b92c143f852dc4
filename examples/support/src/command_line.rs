//! The command line of this process, rebuilt for the user to copy: with `--resume`, with other flags, or without one.

use std::ffi::OsString;
use std::path::Path;

use crate::visible;

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

/// The command of this process with one flag left out and others added.
///
/// ```
/// use consumer_support::command_line::command_changed;
///
/// assert!(command_changed("--status", &["--resume"]).ends_with("--resume"));
/// ```
#[must_use]
pub fn command_changed(without: &str, with: &[&str]) -> String {
    with_flags(std::env::args_os().filter(|argument| argument != without), with)
}

/// The path as one word of a shell command: in single quotes where a shell would see more than a word, and as `$'..'` with escapes, which
/// POSIX shells since 2024, bash, zsh and ksh read, where it has control characters or bytes that are not UTF-8. So the word can be
/// printed on any terminal, and is the same path when it comes back.
///
/// ```
/// use std::path::Path;
/// use consumer_support::command_line::shell_quoted;
///
/// assert_eq!(shell_quoted(Path::new("data/night 1")), "'data/night 1'");
/// assert_eq!(shell_quoted(Path::new("a\u{1b}[2J'")), r"$'a\033[2J\''");
/// ```
#[must_use]
pub fn shell_quoted(path: &Path) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    match path.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if visible(text) == text && !text.contains(['\n', '\t']) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => format!("$'{}'", path.as_os_str().as_encoded_bytes().iter().map(escaped).collect::<String>()),
    }
}

/// A byte within `$'..'`.
fn escaped(byte: &u8) -> String {
    match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        byte => format!("\\{byte:03o}"),
    }
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
    fn no_path_writes_to_the_terminal_and_each_comes_back_from_the_shell() {
        for path in ["a\u{1b}]0;x\u{7}b", "two\nlines", "\u{202e}x'", "tab\t", "back\\slash", "é ü"] {
            let word = shell_quoted(Path::new(path));
            assert!(!word.chars().any(|c| c.is_control() || c == '\u{202e}'), "{word:?}");
            let said = std::process::Command::new("bash").args(["-c", &format!("printf %s {word}")]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&said.stdout), path, "{word}");
        }
    }

    #[test]
    fn the_command_is_the_one_that_was_given() {
        assert_eq!(resumed(&["x", "study", "a b", "--out", "o"]), "x study 'a b' --out o --resume");
        assert_eq!(resumed(&["x", "study", "--resume", "a", "--out", "o"]), "x study --resume a --out o");
        assert_eq!(resumed(&["x", "study", "--out", "o", "--", "-a"]), "x study --out o --resume -- -a");
    }
}
