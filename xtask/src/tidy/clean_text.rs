//! No file contains an absolute path of one machine, a promise of later work, or a test that does not run.

use super::{Violation, is_free_of_forbidden_words};
use crate::files::Files;

const FOLDERS: [&str; 5] = ["/work", "/root", "/home", "/tmp", "/Users"];
const WORDS: [&str; 5] = ["TODO", "FIXME", "XXX", "todo!", "unimplemented!"];

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let texts = files.iter().filter(|(path, _)| is_free_of_forbidden_words(path));
    texts
        .flat_map(|(path, text)| text.lines().enumerate().flat_map(move |(idx, line)| check_line(path, idx + 1, line)))
        .collect()
}

fn check_line(path: &str, line: usize, text: &str) -> impl Iterator<Item = Violation> {
    let folder = FOLDERS.into_iter().find(|folder| names_folder(text, folder)).map(|folder| {
        Violation::new(path, line, format!("a path below {folder} is written down"), "make it relative to the project")
    });
    let word = WORDS
        .into_iter()
        .find(|word| has_word(text, word))
        .map(|word| Violation::new(path, line, format!("`{word}` promises later work"), "do it now, or leave it out"));
    let ignored = (path.ends_with(".rs") && skips_a_test(text))
        .then(|| Violation::new(path, line, "a test is ignored", "let it run, or remove it"));
    [folder, word, ignored].into_iter().flatten()
}

/// True when an absolute path begins with the folder, outside of a longer path or word.
fn names_folder(text: &str, folder: &str) -> bool {
    text.match_indices(folder).any(|(at, _)| {
        let starts =
            text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric() && !"/._-}*".contains(before));
        starts && !text[at + folder.len()..].starts_with(is_word_letter)
    })
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_word_letter) && !text[at + word.len()..].starts_with(is_word_letter))
}

fn is_word_letter(letter: char) -> bool {
    letter.is_alphanumeric() || "-_".contains(letter)
}

/// True for `#[ignore]` and for a doc test marked `ignore`.
fn skips_a_test(text: &str) -> bool {
    let fence = text.split_once("```").is_some_and(|(_, marks)| marks.split(',').any(|mark| mark.trim() == "ignore"));
    fence || text.trim_start().starts_with("#[ignore")
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    fn is_clean(path: &str, text: &str) -> bool {
        check(&Files::from([(path, text)])).is_empty()
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        for text in ["cd /work/main", "\"/home/me/x\"", "(/tmp)", "out=/tmp/x", "`/root/.cargo`", "a:/Users/b"] {
            assert!(!is_clean("notes.md", text), "{text}");
        }
        for text in ["https://x.org/home/y", "a/tmp/b", "/tmpfs", "../work/x", "/rooted", "/home-made", "src/work"] {
            assert!(is_clean("notes.md", text), "{text}");
        }
    }

    #[test]
    fn promises_of_later_work_are_found() {
        for text in ["// TODO: more", "//FIXME", "    todo!()", "unimplemented!(\"x\")", "XXX"] {
            assert!(!is_clean("src/a.rs", text), "{text}");
        }
        for text in ["TODOS", "METODO", "mastodon!", "XXXL"] {
            assert!(is_clean("src/a.rs", text), "{text}");
        }
    }

    #[test]
    fn ignored_tests_are_found() {
        for text in ["    #[ignore]", "#[ignore = \"slow\"]", "/// ```ignore", "/// ```rust,ignore"] {
            assert!(!is_clean("src/a.rs", text), "{text}");
        }
        for text in ["// ignore", "/// ```no_run", "ignore()", "#[must_use]"] {
            assert!(is_clean("src/a.rs", text), "{text}");
        }
    }

    #[test]
    fn each_line_is_judged_alone() {
        let files = Files::from([("a.md", "good\ncd /tmp/x\n\nTODO\n"), ("xtask/src/tidy/a.rs", "TODO /tmp/x")]);
        assert_eq!(places(&check(&files)), ["a.md:2", "a.md:4"]);
    }
}
