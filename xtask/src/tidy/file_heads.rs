//! Every Rust file begins with `//!`: its purpose, its promises, and what other files do instead.

use super::Violation;
use crate::files::Files;

const WAY_OUT: &str = "begin it with a line such as `//! What this file is for.`";

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let headless = files.ending(".rs").filter(|(_, text)| !text.starts_with("//!"));
    headless.map(|(path, _)| Violation::new(path, 1, "the file does not say what it is for", WAY_OUT)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn a_file_that_does_not_begin_by_saying_what_it_is_for_is_found() {
        let files = Files::from([
            ("src/good.rs", "//! Good.\n"),
            ("src/late.rs", "use a::b;\n//! Late.\n"),
            ("examples/a/src/empty.rs", ""),
            ("src/item.rs", "/// An item.\nfn a() {}\n"),
            ("notes.md", "no code"),
        ]);
        assert_eq!(places(&check(&files)), ["examples/a/src/empty.rs:1", "src/item.rs:1", "src/late.rs:1"]);
    }
}
