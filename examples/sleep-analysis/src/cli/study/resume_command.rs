//! The command that goes on with a study, for people to copy: the one that was given, and `--resume`.

use std::ffi::OsString;
use std::path::Path;

/// The command of this process with `--resume`.
pub(super) fn resume_command() -> String {
    with_flags(std::env::args_os(), &["--resume"])
}

/// The command of this process with these flags.
pub(super) fn command_with(flags: &[&str]) -> String {
    with_flags(std::env::args_os(), flags)
}

/// The command of this process without `--resume`.
pub(super) fn command_anew() -> String {
    with_flags(std::env::args_os().filter(|argument| argument != "--resume"), &[])
}

/// Flags that stand there already are not said twice.
fn with_flags(arguments: impl Iterator<Item = OsString>, flags: &[&str]) -> String {
    let mut words: Vec<String> = arguments.map(|argument| in_quotes(Path::new(&argument))).collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let missing = flags.iter().filter(|&&flag| !words.iter().any(|word| word == flag)).map(|&flag| flag.to_owned());
    let missing: Vec<String> = missing.collect();
    words.splice(end..end, missing);
    words.join(" ")
}

/// The path as a shell takes it.
pub(super) fn in_quotes(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    let is_safe = !text.is_empty() && text.chars().all(is_plain);
    if is_safe { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resumed(arguments: &[&str]) -> String {
        with_flags(arguments.iter().map(OsString::from), &["--resume"])
    }

    #[test]
    fn a_path_survives_the_shell() {
        assert_eq!(in_quotes(Path::new("data/night 1")), "'data/night 1'");
        assert_eq!(in_quotes(Path::new("it's")), r"'it'\''s'");
        assert_eq!(in_quotes(Path::new("data/n_1.x")), "data/n_1.x");
    }

    #[test]
    fn the_command_is_the_one_that_was_given() {
        assert_eq!(resumed(&["x", "study", "a b", "--out", "o"]), "x study 'a b' --out o --resume");
        assert_eq!(resumed(&["x", "study", "--resume", "a", "--out", "o"]), "x study --resume a --out o");
        assert_eq!(resumed(&["x", "study", "--out", "o", "--", "-a"]), "x study --out o --resume -- -a");
    }
}
