//! The text of a header or marker file: sections of `key=value` lines, whatever its encoding.

use std::collections::HashMap;

use crate::text::shown;

/// One `key=value` line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// In lower case, without the brackets.
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: String,
    /// Counted from 1.
    pub(super) line: usize,
}

/// The lines of a file up to its comment, which is free text.
pub(super) fn entries(text: &str) -> Vec<Entry> {
    let mut section = String::new();
    let mut entries = Vec::new();
    for (idx, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_lowercase();
            if section == "comment" {
                break;
            }
        } else if let (false, Some((key, value))) = (line.starts_with(';'), line.split_once('=')) {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            entries.push(Entry { section: section.clone(), key, value, line: idx + 1 });
        }
    }
    entries
}

/// Entries by section and key, both in lower case; the first of a key counts.
pub(super) fn by_key(entries: &[Entry]) -> HashMap<(String, String), &Entry> {
    let mut found = HashMap::new();
    for entry in entries {
        found.entry((entry.section.clone(), entry.key.to_lowercase())).or_insert(entry);
    }
    found
}

/// The text of a file. It is UTF-8 where its bytes are; else Latin-1, as recorders wrote before the header had a `Codepage`. Control
/// characters other than the ends of lines are replaced. Says whether a file that announces UTF-8 is none.
pub(super) fn decoded_file(bytes: &[u8]) -> (String, bool) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.chars().map(|letter| shown(letter, "\n\r\t")).collect(), false),
        Err(_) => {
            let text: String = bytes.iter().map(|byte| shown(char::from(*byte), "\n\r\t")).collect();
            let announces_utf8 = by_key(&entries(&text))
                .get(&("common infos".to_owned(), "codepage".to_owned()))
                .is_some_and(|entry| entry.value.eq_ignore_ascii_case("utf-8"));
            (text, announces_utf8)
        }
    }
}

/// The fields of a list; a comma inside of one is written as `\1`.
pub(super) fn fields(value: &str) -> Vec<String> {
    value.split(',').map(|field| field.replace("\\1", ",")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_end_at_the_comment_and_lines_of_semicolons_say_nothing() {
        let text = "Brain Vision\r\n[Common Infos]\r\n; a=b\r\nDataFile = x.eeg\r\n[Channel Infos]\nCh1=a\\1b,,0.5,µV\n[Comment]\nCh2=c";
        let found = entries(text);
        let summary: Vec<_> = found.iter().map(|each| (each.section.as_str(), each.key.as_str(), each.line)).collect();
        assert_eq!(summary, [("common infos", "DataFile", 4), ("channel infos", "Ch1", 6)]);
        assert_eq!(fields(&found[1].value), ["a,b", "", "0.5", "µV"]);
    }

    #[test]
    fn what_is_no_utf8_is_latin_1_and_a_false_codepage_is_reported() {
        assert_eq!(decoded_file(b"\xef\xbb\xbf\xc2\xb5V"), ("µV".to_owned(), false));
        assert_eq!(decoded_file(b"\xb5V"), ("µV".to_owned(), false));
        assert!(decoded_file(b"[Common Infos]\nCodepage=UTF-8\nX=\xb5V").1);
    }
}
