//! Each unsafe function, foreign block and attribute says why it is sound, in its documentation or just above.
//!
//! Clippy checks unsafe blocks, implementations and traits: `undocumented_unsafe_blocks` is denied in the workspace, and
//! `missing_safety_doc` is on by default. It does not see private functions, foreign blocks and attributes.

use super::Violation;
use crate::files::Files;
use crate::rust_code::{lines_where, without_comments};

const LINES_ABOVE: usize = 3;
const WAY_OUT: &str = "write `// SAFETY: why this is sound` or a section `# Safety` right above, or do without";

pub(super) fn check(files: &Files) -> Vec<Violation> {
    // A word that is nowhere in the text is nowhere in the code, and most files have none.
    let files = files.ending(".rs").filter(|(_, text)| text.contains("unsafe"));
    files.flat_map(|(path, text)| check_file(path, text)).collect()
}

fn check_file(path: &str, text: &str) -> Vec<Violation> {
    let lines: Vec<&str> = text.lines().collect();
    // The type of a function pointer, `unsafe fn(..)`, needs no reason.
    let is_sought = |words: [&str; 3]| {
        words[0] == "unsafe" && !["{", "impl", "trait"].contains(&words[1]) && words[1..] != ["fn", "("]
    };
    let found = lines_where(&without_comments(text), is_sought).into_iter().filter(|&line| !is_explained(&lines, line));
    found.map(|line| Violation::new(path, line, "`unsafe` does not say why it is sound", WAY_OUT)).collect()
}

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
    fn what_clippy_does_not_see_is_found() {
        assert_eq!(found_in("/// Does things.\nunsafe fn a() {}"), ["src/a.rs:2"]);
        assert_eq!(found_in("// SAFETY: too far away.\n\n\n\nunsafe fn a() {}"), ["src/a.rs:5"]);
        assert_eq!(found_in("#[unsafe(no_mangle)]\nfn a() {}"), ["src/a.rs:1"]);
        assert_eq!(found_in("unsafe extern \"C\" {}"), ["src/a.rs:1"]);
    }

    #[test]
    fn a_reason_close_by_is_enough() {
        assert_eq!(found_in("// SAFETY: three lines\n// are\n// enough.\nunsafe extern \"C\" {}"), [""; 0]);
        assert_eq!(found_in("/// # Safety\n///\n/// One.\n/// Two.\n/// Three.\n#[inline]\nunsafe fn a() {}"), [""; 0]);
    }

    #[test]
    fn blocks_implementations_and_traits_are_left_to_clippy() {
        assert_eq!(
            found_in(
                "fn a() { unsafe { b() } }\nunsafe impl Send for A {}\nunsafe trait B {}\ntype F = unsafe fn(u8);"
            ),
            [""; 0]
        );
    }

    #[test]
    fn the_word_in_comments_literals_and_lints_does_not_count() {
        assert_eq!(found_in("// unsafe\n#![forbid(unsafe_code)]\nfn a() { b(\"unsafe fn\") }"), [""; 0]);
    }
}
