//! Text inside markup: labels come from files and may hold anything.

/// The text for an element or a quoted attribute, in XML as in HTML: markup characters as entities, line ends and tabs as spaces, and
/// U+FFFD for what XML 1.0 cannot hold.
///
/// ```
/// assert_eq!(consumer_support::escape("<a & 'b'>"), "&lt;a &amp; &#39;b&#39;&gt;");
/// ```
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
