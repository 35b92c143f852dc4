//! Every `unsafe` says why it is sound, within the three lines above it.

use super::Violation;
use crate::files::Files;
use crate::rust_code::{lines_with_word, without_comments};

const LINES_ABOVE: usize = 3;
const WAY_OUT: &str = "write `// SAFETY: why this is sound` right above, or do without";

pub(super) fn check(files: &Files) -> Vec<Violation> {
    files.ending(".rs").flat_map(|(path, text)| check_file(path, text)).collect()
}

fn check_file(path: &str, text: &str) -> Vec<Violation> {
    let lines: Vec<&str> = text.lines().collect();
    let bare =
        lines_with_word(&without_comments(text), "unsafe").into_iter().filter(|&line| !is_explained(&lines, line));
    bare.map(|line| Violation::new(path, line, "`unsafe` without a word on why it is sound", WAY_OUT)).collect()
}

/// An `unsafe fn` may say it in the section `# Safety` of its documentation instead.
fn is_explained(lines: &[&str], line: usize) -> bool {
    let near = &lines[line.saturating_sub(1 + LINES_ABOVE)..line];
    let documentation = lines[..line - 1].iter().rev().take_while(|text| is_attached(text));
    near.iter().any(|text| text.contains("SAFETY")) || documentation.into_iter().any(|text| text.contains("# Safety"))
}

fn is_attached(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("///") || line.starts_with("#[")
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    fn found_in(code: &str) -> Vec<String> {
        places(&check(&Files::from([("src/a.rs", code)])))
    }

    #[test]
    fn unsafe_without_a_reason_is_found() {
        assert_eq!(found_in("fn a() {\n    unsafe { b() }\n}"), ["src/a.rs:2"]);
        assert_eq!(found_in("// SAFETY: too far away.\n\n\n\nunsafe impl Send for A {}"), ["src/a.rs:5"]);
        assert_eq!(found_in("/// Does things.\npub unsafe fn a() {}"), ["src/a.rs:2"]);
    }

    #[test]
    fn a_reason_close_by_is_enough() {
        assert_eq!(found_in("// SAFETY: b has no conditions.\nunsafe { b() }"), [""; 0]);
        assert_eq!(found_in("// SAFETY: three lines\n// are\n// enough.\nunsafe { b() }"), [""; 0]);
        assert_eq!(found_in("/// # Safety\n///\n/// One.\n/// Two.\n/// Three.\n#[inline]\nunsafe fn a() {}"), [""; 0]);
    }

    #[test]
    fn the_word_in_comments_literals_and_lints_does_not_count() {
        assert_eq!(found_in("// unsafe\n#![forbid(unsafe_code)]\nfn a() { b(\"unsafe\") }"), [""; 0]);
    }
}
