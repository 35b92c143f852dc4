//! Text of unknown encoding, made safe to show.

/// The text of a number's field without its padding; `None` when it is not ASCII.
pub(crate) fn ascii(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).map(|text| text.trim_matches([' ', '\0']))
}

/// A header field as text, without its padding: UTF-8, else Latin-1. Control characters, which a terminal would obey, are replaced.
pub(crate) fn decoded(field: &[u8]) -> String {
    let utf8 = match std::str::from_utf8(field) {
        Ok(text) => Some(text),
        Err(error) => cut_utf8(field, error),
    };
    let visible = |letter: char| shown(letter, "\0");
    let text: String = match utf8 {
        Some(text) => text.chars().map(visible).collect(),
        None => field.iter().map(|byte| visible(char::from(*byte))).collect(),
    };
    text.trim_matches([' ', '\0']).to_string()
}

/// The text of a full field that lost the end of its last letter. A lone odd byte at the end is Latin-1, unless UTF-8 came before it.
fn cut_utf8(field: &[u8], error: std::str::Utf8Error) -> Option<&str> {
    let (text, cut) = field.split_at(error.valid_up_to());
    let text = std::str::from_utf8(text).ok()?;
    let is_cut = error.error_len().is_none() && (cut.len() > 1 || !text.is_ascii());
    is_cut.then_some(text)
}

/// An annotation's text: as a header field, but line breaks and tabs are allowed there.
pub(crate) fn decoded_text(text: &[u8]) -> String {
    let visible = |letter: char| shown(letter, "\n\r\t");
    let mut shown = match std::str::from_utf8(text) {
        Ok(text) => text.chars().map(visible).collect::<String>(),
        Err(_) => text.iter().map(|byte| visible(char::from(*byte))).collect(),
    };
    shown.shrink_to_fit();
    shown
}

/// A letter as it may reach a terminal: control characters other than those allowed are replaced.
pub(crate) fn shown(letter: char, allowed: &str) -> char {
    if letter.is_control() && !allowed.contains(letter) { char::REPLACEMENT_CHARACTER } else { letter }
}
