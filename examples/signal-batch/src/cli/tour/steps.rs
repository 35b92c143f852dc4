//! The commands of the tour, as a user would type them, and how each ends when it finds what is planted.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use consumer_support::ExitStatus;
use consumer_support::command_line::shell_quoted;

use super::found;
use crate::cli::Refusal;

/// A command of the tour.
pub(super) struct Step {
    /// What it shows.
    pub(super) title: &'static str,
    /// The command, without the program's name.
    pub(super) words: Vec<OsString>,
    /// How it ends when it finds what is planted.
    pub(super) planned: ExitStatus,
    /// What it found, in lines, from the folder of the tour.
    pub(super) found: fn(&Path) -> Result<Vec<String>, Refusal>,
}

/// The commands, in order.
pub(super) fn steps(out: &Path) -> Vec<Step> {
    let at = |name: &str| out.join(name).into_os_string();
    let results = at("measured/results.csv");
    vec![
        Step {
            title: "Measure them all; what cannot be measured fails by name, and costs no other:",
            words: as_words(&[&"measure", &at("captures"), &"--out", &at("measured"), &"--resume"]),
            planned: ExitStatus::Incomplete,
            found: found::measured,
        },
        Step {
            title: "Describe each line, and find what is odd in it:",
            words: as_words(&[&"aggregate", &results, &"--group", &"batch", &"--out", &out]),
            planned: ExitStatus::Done,
            found: found::aggregated,
        },
        Step {
            title: "Compare the two lines:",
            words: as_words(&[&"compare", &results, &"--group", &"batch"]),
            planned: ExitStatus::Done,
            found: found::compared,
        },
        Step {
            title: "Pass or fail each unit:",
            words: as_words(&[&"validate", &results, &"--limits", &at("limits.toml"), &"--out", &at("validated")]),
            planned: ExitStatus::Incomplete,
            found: found::validated,
        },
    ]
}

/// Words of one command.
pub(super) fn as_words(words: &[&dyn AsRef<OsStr>]) -> Vec<OsString> {
    words.iter().map(|word| (*word).as_ref().to_owned()).collect()
}

/// The most columns of a line.
const WIDTH: usize = 80;

/// The command for a shell, indented, on as many lines as it needs.
pub(super) fn typed_text(words: &[OsString]) -> String {
    let mut lines = vec!["  signal-batch".to_owned()];
    for word in words.iter().map(|word| shell_quoted(Path::new(word))) {
        let line = lines.last_mut().expect("there is a first line");
        if line.chars().count() + word.chars().count() + " \\ ".len() <= WIDTH {
            line.push(' ');
            line.push_str(&word);
        } else {
            line.push_str(" \\");
            lines.push(format!("      {word}"));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_is_broken_where_a_shell_goes_on() {
        let text = typed_text(&as_words(&[&"validate", &"a".repeat(30), &"--out", &"b".repeat(40), &"it's"]));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() == 2 && lines[0].ends_with("--out \\") && lines[1].starts_with("      bbb"), "{text}");
        assert!(lines[1].ends_with(r"'it'\''s'") && lines.iter().all(|line| line.len() <= WIDTH), "{text}");
    }
}
