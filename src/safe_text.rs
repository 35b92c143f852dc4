//! Text from outside, such as keys, messages and paths, as a terminal and a spreadsheet may show it.
//!
//! Errors and progress are written through [`Printable`], which changes nothing in ordinary text and allocates nothing. The
//! tables of a report go through [`csv_text`]. JSON needs neither: its strings have escapes of their own.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// Makes text safe to print: control characters, and those that turn the direction of writing, become escapes.
///
/// Printed as it is, a name or a message from a file can move the cursor, change colours, set the title of a window, or
/// show a path as another one. Line ends and tabs become escapes too, so the text stays on its line.
///
/// The library's errors and progress are safe already, except that errors keep line ends and tabs. Use it for what your
/// own program prints, such as keys of items. Costs a look at each character; text without such characters comes back
/// as it is, without an allocation.
///
/// ```
/// use manyhands::report::printable_text;
///
/// assert_eq!(printable_text("night 1 (µV)"), "night 1 (µV)");
/// assert_eq!(printable_text("a\u{1b}[2Jb\n"), r"a\u{1b}[2Jb\n");
/// assert_eq!(printable_text("fdp.\u{202e}xcod"), r"fdp.\u{202e}xcod");
/// ```
#[must_use]
pub fn printable_text(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    text.chars().for_each(|symbol| push_safe(&mut safe, symbol));
    Cow::Owned(safe)
}

/// Makes text safe as a cell of a table in CSV: a spreadsheet takes it for a text, and never for a formula.
///
/// A spreadsheet computes a cell that begins with `=`, `+`, `-` or `@`, whatever quotes stand around it, and a formula can
/// read files and send what it finds. Each such sign gets an apostrophe in front, at the beginning of the text and behind
/// a separator, a quote, a line end or a tab, since a spreadsheet that splits at semicolons sees the beginning of a cell
/// there. So does a text that begins with a tab or a line end. Numbers stay what they are, `-1.5` and `+inf` among them.
/// The quotes that CSV needs are left to the writer of the table.
///
/// To get the text back, remove the apostrophe in front of a sign. Costs a look at each character; text without such
/// signs comes back as it is, without an allocation.
///
/// ```
/// use manyhands::report::csv_text;
///
/// assert_eq!(csv_text("=HYPERLINK(\"a\")"), "'=HYPERLINK(\"a\")");
/// assert_eq!(csv_text("night 1;@x"), "night 1;'@x");
/// assert_eq!(csv_text("EEG C3-M2"), "EEG C3-M2");
/// assert_eq!(csv_text("-1.5e3"), "-1.5e3");
/// ```
#[must_use]
pub fn csv_text(text: &str) -> Cow<'_, str> {
    let is_plain = !text.contains(is_sign) && !text.starts_with(['\t', '\r', '\n']);
    if is_plain || text.trim().parse::<f64>().is_ok() {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 2);
    let mut is_beginning = true;
    if text.starts_with(['\t', '\r', '\n']) {
        safe.push('\'');
    }
    for symbol in text.chars() {
        if is_beginning && is_sign(symbol) {
            safe.push('\'');
        }
        safe.push(symbol);
        is_beginning = is_separator(symbol) || is_beginning && is_skipped(symbol);
    }
    Cow::Owned(safe)
}

/// The signs of a formula, and the wide forms that some spreadsheets take for them.
fn is_sign(symbol: char) -> bool {
    matches!(symbol, '=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
}

/// A cell may begin behind one of these.
fn is_separator(symbol: char) -> bool {
    matches!(symbol, ',' | ';' | '|' | '"' | '\'' | '\t' | '\r' | '\n')
}

/// What a spreadsheet drops from the beginning of a cell.
fn is_skipped(symbol: char) -> bool {
    symbol.is_whitespace() || symbol.is_control() || matches!(symbol, '\u{feff}' | '\u{200b}'..='\u{200f}')
}

/// Control characters of both sets, line and paragraph separators, and what turns the direction of writing.
fn is_obeyed(symbol: char) -> bool {
    let turns =
        matches!(symbol, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    symbol.is_control() || turns
}

fn push_safe(text: &mut impl Write, symbol: char) {
    // Writing to a string cannot fail.
    let _ = if is_obeyed(symbol) { write_escape(text, symbol) } else { text.write_char(symbol) };
}

fn write_escape(to: &mut impl Write, symbol: char) -> fmt::Result {
    match symbol {
        '\n' | '\r' | '\t' => write!(to, "{}", symbol.escape_default()),
        symbol => write!(to, "{}", symbol.escape_unicode()),
    }
}

/// Writes on to a formatter, with escapes for what a terminal would obey; line ends and tabs stay, for messages of several lines.
pub(crate) struct Printable<'a, 'f>(pub(crate) &'a mut fmt::Formatter<'f>);

impl Write for Printable<'_, '_> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        let is_escaped = |symbol: char| is_obeyed(symbol) && !matches!(symbol, '\n' | '\t');
        while let Some((at, symbol)) = text.char_indices().find(|&(_, symbol)| is_escaped(symbol)) {
            self.0.write_str(&text[..at])?;
            write_escape(self.0, symbol)?;
            text = &text[at + symbol.len_utf8()..];
        }
        self.0.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Shown<'a>(&'a str);

    impl fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(Printable(f), "{}", self.0)
        }
    }

    #[test]
    fn what_begins_like_a_formula_gets_an_apostrophe() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("+1+1", "'+1+1"),
            ("-x", "'-x"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "  '=1"),
            ("\u{feff}=1", "\u{feff}'=1"),
            ("\"=1", "\"'=1"),
            ("'=1", "''=1"),
            ("\tx", "'\tx"),
            ("\r=x", "'\r'=x"),
            ("a;=x;b", "a;'=x;b"),
            ("a\n=x", "a\n'=x"),
            ("\u{ff1d}x", "'\u{ff1d}x"),
            ("-", "'-"),
        ] {
            assert_eq!(csv_text(text), safe);
        }
        for text in ["", "x", "a-b", "a=b", "C3-M2", "-1.5", "+2", "-inf", "1e-3", "night +1", "a|b"] {
            assert_eq!(csv_text(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_formula_or_moves_a_cursor(text in "(\\PC|[\\x00-\\x1f\\x7f-\\x9f =+@\"';,-]|\u{202e}|\u{2066}){0,12}") {
            let cell = csv_text(&text);
            for part in cell.split([';', '\t', '\r', '\n', '"', ',']) {
                let first = part.trim_start_matches(is_skipped).chars().next();
                prop_assert!(!first.is_some_and(is_sign) || text.trim().parse::<f64>().is_ok(), "{cell:?}");
            }
            prop_assert!(!printable_text(&text).contains(is_obeyed));
            let shown = Shown(&text).to_string();
            prop_assert!(!shown.contains(|symbol| is_obeyed(symbol) && symbol != '\n' && symbol != '\t'));
            prop_assert_eq!(shown.matches('\n').count(), text.matches('\n').count());
        }
    }
}
