//! Every record of a measurement that a file names is in `benches/records`.

use super::{Violation, is_free_of_forbidden_words};
use crate::files::Files;

const FOLDER: &str = "benches/records/";
const WAY_OUT: &str = "run the bench and keep its record there, or do not claim its figures";

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let texts = files.iter().filter(|(path, _)| path.ends_with(".md") || path.ends_with(".rs"));
    texts
        .filter(|(path, _)| is_free_of_forbidden_words(path))
        .flat_map(|(path, text)| check_text(files, path, text))
        .collect()
}

fn check_text(files: &Files, path: &str, text: &str) -> Vec<Violation> {
    let named = text.lines().enumerate().flat_map(|(idx, line)| records(line).map(move |record| (idx + 1, record)));
    let missing = named.filter(|(_, record)| !files.has(record));
    missing.map(|(line, record)| Violation::new(path, line, format!("there is no record {record}"), WAY_OUT)).collect()
}

/// The full names in a line; a pattern such as `benches/records/*.md` names none.
fn records(line: &str) -> impl Iterator<Item = String> {
    let names = line.split(FOLDER).skip(1).filter_map(|rest| {
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && !"-_./".contains(letter));
        let is_pattern = end.is_some_and(|end| rest[end..].starts_with(['*', '<', '{']));
        let name = rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', '/']);
        (!is_pattern && !name.is_empty()).then_some(name)
    });
    names.map(|name| format!("{FOLDER}{name}"))
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn records_that_are_not_there_are_found() {
        let files = Files::from([
            ("benches/records/map.md", ""),
            ("README.md", "Measured: benches/records/map.md.\nAnd (benches/records/cache.md)."),
            ("src/lib.rs", "//! See `benches/records/map.md` and `benches/records/old.md`.\n"),
        ]);
        assert_eq!(places(&check(&files)), ["README.md:2", "src/lib.rs:1"]);
    }

    #[test]
    fn the_folder_and_patterns_name_no_record() {
        let text = "benches/records/ holds `benches/records/*.md`, as benches/records/<date>.md or benches/records/map-{date}.md";
        assert_eq!(check(&Files::from([("CONTRIBUTING.md", text)])), []);
    }
}
