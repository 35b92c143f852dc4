//! How wide a text is, and how it is made to fit. Pure.

use consumer_support::picture::TextStyle;

/// What is not parted from its number.
const UNITS: [&str; 7] = ["s", "ms", "\u{b5}V", "dB", "Hz", "%", "min"];

/// About how wide a text is, in pixels, rather more than less. Scripts from Hangul on, such as Chinese, have letters of nearly twice the
/// width, and so have a few signs.
pub(super) fn width_of(text: &str, style: TextStyle) -> f64 {
    let n_broad = text.chars().filter(|letter| is_broad(*letter)).count();
    style.width_of(text) + n_broad as f64 * style.size * 0.5
}

/// Between U+2000 and U+2600 there are dashes, dots and signs such as the minus sign.
fn is_broad(letter: char) -> bool {
    let is_sign = ('\u{2000}'..'\u{2600}').contains(&letter) && letter != '\u{2026}';
    "@%MWmw".contains(letter) || letter >= '\u{1100}' && !is_sign
}

/// A text that fits into a width, its end cut off where it must be.
pub(super) fn shorten(text: &str, style: TextStyle, width: f64) -> String {
    if width_of(text, style) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for letter in text.chars() {
        kept.push(letter);
        if width_of(&kept, style) + width_of("\u{2026}", style) > width {
            kept.pop();
            break;
        }
    }
    kept + "\u{2026}"
}

/// The text in lines that fit into a width, broken between words, but not between a number and its unit; a word that is too long is cut
/// off.
pub(super) fn wrap(text: &str, style: TextStyle, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        match lines.last_mut() {
            Some(line) if width_of(&format!("{line} {word}"), style) <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(shorten(&word, style, width)),
        }
    }
    lines
}

/// The words of a text; a unit belongs to the number before it.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let unit = word.trim_matches([',', ';', '.', '(', ')', ':']);
        match words.last_mut() {
            Some(last) if UNITS.contains(&unit) && last.ends_with(|end: char| end.is_ascii_digit()) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// The names without the words that all of them start with, such as `EEG ` in many files.
pub(super) fn without_common_start<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let word = |name: &str| name.find(' ').map(|end| end + 1);
    let mut names = names.to_vec();
    while let [first, _, ..] = names[..]
        && let Some(end) = word(first)
        && names.iter().all(|name| name.starts_with(&first[..end]) && name.len() > end)
    {
        names.iter_mut().for_each(|name| *name = &name[end..]);
    }
    names
}

/// The text with no more than so many letters, so that a page keeps its size whatever a file holds.
pub(super) fn clip(text: &str, n_letters: usize) -> String {
    match text.char_indices().nth(n_letters) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text.to_owned(),
    }
}

/// Says that a picture draws only the first of its channels; none where it draws all.
pub(super) fn not_drawn(n_channels: usize, most: usize) -> Option<String> {
    match n_channels.saturating_sub(most) {
        0 => None,
        1 => Some("1 more channel is not drawn".to_owned()),
        n => Some(format!("{n} more channels are not drawn")),
    }
}

/// `1 channel`, `2 channels`.
pub(super) fn count(n: usize, noun: &str) -> String {
    let ending = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortened_and_wrapped_text_keeps_to_its_width() {
        let texts =
            ["Fp1", "a long name of a channel from a file", "\u{7720}\u{308b}\u{7720}\u{308b}\u{7720}\u{308b}", ""];
        for text in texts {
            assert!(width_of(&shorten(text, TextStyle::NAME, 60.0), TextStyle::NAME) <= 60.0, "{text}");
            let lines = wrap(text, TextStyle::REMARK, 60.0);
            assert!(lines.iter().all(|line| width_of(line, TextStyle::REMARK) <= 60.0), "{lines:?}");
        }
        assert_eq!(shorten("Fp1", TextStyle::NAME, 60.0), "Fp1");
        assert_eq!(without_common_start(&["EEG Fp1", "EEG Cz"]), ["Fp1", "Cz"]);
        assert_eq!(without_common_start(&["EEG Fp1", "EEG "]), ["EEG Fp1", "EEG "]);
        assert_eq!((clip("\u{e4}\u{f6}", 1), clip("ab", 2)), ("\u{e4}\u{2026}".to_owned(), "ab".to_owned()));
        assert_eq!(wrap("two words", TextStyle::REMARK, 60.0), ["two", "words"]);
        assert_eq!(wrap("took (40 s), then", TextStyle::REMARK, 70.0), ["took", "(40 s),", "then"]);
    }
}
