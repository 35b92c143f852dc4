//! Rust text as the rules see it: without comments and literals, without tests, and as the paths that it names.
//!
//! A light reading, not a parser: it keeps every line where it was and never fails, and what it cannot make out stays
//! code. What may stand where is left to the rules.

use std::ops::Range;

/// The text with comments and literals blanked; each byte that stays is on the line and column where it was.
pub(crate) fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hidden = hidden_length(rest);
        let (taken, after) = rest.split_at(hidden.max(first.len_utf8()));
        if hidden == 0 {
            code.push(first)
        } else {
            push_blank(&mut code, taken)
        }
        rest = after;
    }
    code
}

/// Code without what is compiled for tests alone. Takes what `without_comments` gives.
pub(crate) fn without_tests(code: &str) -> String {
    let mut kept = code.to_owned();
    for range in test_ranges(code) {
        let mut blank = String::new();
        push_blank(&mut blank, &code[range.clone()]);
        kept.replace_range(range, &blank);
    }
    kept
}

/// A path such as `std::sync::Mutex`, and the line (from 1) on which its last name stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedPath {
    pub(crate) line: usize,
    pub(crate) names: Vec<String>,
}

/// Every path in the code, those in the braces of a `use` written out in full.
pub(crate) fn paths(code: &str) -> Vec<NamedPath> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = match tokens[at].text {
            text if is_word(text) => read_path(&tokens, at, &[], &mut found),
            _ => at + 1,
        };
    }
    found
}

/// The lines (from 1) on which this word stands.
pub(crate) fn lines_with_word(code: &str, word: &str) -> Vec<usize> {
    tokens(code).iter().filter(|token| token.text == word).map(|token| token.line).collect()
}

fn push_blank(code: &mut String, text: &str) {
    code.extend(text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
}

/// How many bytes of a comment or a literal begin here; 0 where code does.
fn hidden_length(rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_length(rest);
    }
    match rest.as_bytes()[0] {
        b'"' => quoted_length(rest, '"'),
        b'r' => raw_string_length(rest),
        b'\'' => character_length(rest),
        _ => 0,
    }
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let pair = rest.as_bytes().get(at..at + 2).unwrap_or_default();
        match pair {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted_length(rest: &str, quote: char) -> usize {
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            _ if letter == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

fn raw_string_length(rest: &str) -> usize {
    let hashes = rest[1..].bytes().take_while(|&byte| byte == b'#').count();
    let opening = 1 + hashes + 1;
    if rest.as_bytes().get(opening - 1) != Some(&b'"') {
        return 0;
    }
    let closing = format!("\"{}", "#".repeat(hashes));
    rest[opening..].find(&closing).map_or(rest.len(), |at| opening + at + closing.len())
}

/// `'x'` and `'\n'` are literals, `'x` alone is a lifetime.
fn character_length(rest: &str) -> usize {
    let mut letters = rest.chars().skip(1);
    match (letters.next(), letters.next()) {
        (Some('\\'), _) => quoted_length(rest, '\''),
        (Some(letter), Some('\'')) => letter.len_utf8() + 2,
        _ => 0,
    }
}

fn test_ranges(code: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut from = 0;
    while let Some(begin) = code[from..].find('#').map(|at| from + at) {
        let Some((inner, attribute)) = attribute_at(&code[begin..]) else {
            from = begin + 1;
            continue;
        };
        from = begin + attribute.len();
        if is_for_tests(attribute) {
            from = if inner { code.len() } else { from + item_length(&code[from..]) };
            ranges.push(begin..from);
        }
    }
    ranges
}

/// `#[..]` or, as an inner one, `#![..]`.
fn attribute_at(rest: &str) -> Option<(bool, &str)> {
    let inner = rest.starts_with("#![");
    if !inner && !rest.starts_with("#[") {
        return None;
    }
    let open = rest.find('[')?;
    Some((inner, &rest[..open + balanced_length(&rest[open..])]))
}

/// `#[test]`, `#[cfg(test)]` and `#[cfg(all(.., test, ..))]`: only these are never part of what a user builds.
fn is_for_tests(attribute: &str) -> bool {
    let bare: String = attribute.chars().filter(|letter| !letter.is_whitespace()).collect();
    let inside = bare.trim_start_matches(['#', '!', '[']).trim_end_matches(']');
    let condition = inside.strip_prefix("cfg(").and_then(|rest| rest.strip_suffix(')'));
    match condition {
        None => inside == "test",
        Some(condition) => {
            let all = condition.strip_prefix("all(").and_then(|rest| rest.strip_suffix(')'));
            condition == "test" || all.is_some_and(|parts| top_level_parts(parts).any(|part| part == "test"))
        }
    }
}

fn top_level_parts(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    list.split(move |letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        letter == ',' && depth == 0
    })
}

/// Up to the `;` or the closing brace that ends the item, attributes before it included.
fn item_length(rest: &str) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest.as_bytes()[at] {
            b'(' | b'[' => at += balanced_length(&rest[at..]),
            b'{' => return at + balanced_length(&rest[at..]),
            b';' => return at + 1,
            b'}' => return at,
            _ => at += 1,
        }
    }
    rest.len()
}

/// From an opening bracket to the one that closes it; brackets of all kinds count alike.
fn balanced_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    rest.len()
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    line: usize,
    text: &'a str,
}

/// Words, `::`, and every other sign alone.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let lines = code.lines().enumerate();
    lines.flat_map(|(idx, text)| tokens_of_line(text).map(move |text| Token { line: idx + 1, text })).collect()
}

fn tokens_of_line(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let word = rest.find(|letter: char| !is_word_letter(letter)).unwrap_or(rest.len());
        let length = match word {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            _ => word,
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        Some(token)
    })
}

fn is_word(text: &str) -> bool {
    text.starts_with(is_word_letter)
}

fn is_word_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Reads the path that begins at a token, below the names before its braces; gives the token after it.
fn read_path(tokens: &[Token<'_>], begin: usize, before: &[String], found: &mut Vec<NamedPath>) -> usize {
    let mut names = before.to_vec();
    let mut at = begin;
    loop {
        let Some(token) = tokens.get(at) else { return at };
        if token.text == "{" {
            return read_group(tokens, at, &names, found);
        }
        // `a::{self}` names `a`, and `a::<T>()` ends the path at `a`.
        if is_word(token.text) && token.text != "self" || token.text == "*" {
            names.push(token.text.to_owned());
        }
        let goes_on = tokens.get(at + 1).is_some_and(|next| next.text == "::")
            && tokens.get(at + 2).is_some_and(|next| is_word(next.text) || ["{", "*"].contains(&next.text));
        if !goes_on {
            found.push(NamedPath { line: token.line, names });
            return at + 1;
        }
        at += 2;
    }
}

fn read_group(tokens: &[Token<'_>], open: usize, before: &[String], found: &mut Vec<NamedPath>) -> usize {
    let mut at = open + 1;
    while let Some(token) = tokens.get(at) {
        at = match token.text {
            "}" => return at + 1,
            "as" => at + 2,
            text if is_word(text) || text == "*" => read_path(tokens, at, before, found),
            _ => at + 1,
        };
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(code: &str) -> Vec<String> {
        paths(code).iter().map(|path| path.names.join("::")).collect()
    }

    fn squeezed(code: &str) -> String {
        code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_blanked_in_place() {
        let text = "a // x\n/* b /* c */ d */ e \"f \\\" g\" 'h' '\\'' r#\"i \" j\"# b\"k\" &'l m";
        let code = without_comments(text);
        assert_eq!(code.len(), text.len());
        assert_eq!(squeezed(&code), "a e b &'l m");
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn letters_of_many_bytes_keep_lines_and_lengths() {
        let text = "let a = '→'; // ü\nlet b = \"é\";";
        assert_eq!(squeezed(&without_comments(text)), "let a = ; let b = ;");
        assert_eq!(without_comments(text).len(), text.len());
    }

    #[test]
    fn an_unclosed_literal_or_comment_ends_with_the_text() {
        for text in ["a \"b", "a /* b", "a r#\"b\"", "a '\\"] {
            assert_eq!(without_comments(text).trim_end(), "a", "{text}");
        }
    }

    #[test]
    fn what_only_tests_compile_is_blanked() {
        let code = "a; #[test] fn b() { c } d; #[cfg(test)] mod e { f { g } } h; #[cfg(test)] use i::{j}; k";
        assert_eq!(squeezed(&without_tests(code)), "a; d; h; ; k");
        let guarded = "#[cfg(all(test, not(x)))]\n#[rustfmt::skip]\nmod a { b }\nc";
        assert_eq!(squeezed(&without_tests(guarded)), "c");
        assert_eq!(squeezed(&without_tests("a; #![cfg(test)] b")), "a;");
    }

    #[test]
    fn what_users_may_compile_stays() {
        for code in ["#[cfg(not(test))] fn a() {}", "#[cfg(any(test, x))] fn a() {}", "#[cfg(all(x, not(test)))] a;"] {
            assert_eq!(without_tests(code), code);
        }
    }

    #[test]
    fn braces_of_a_use_are_written_out() {
        assert_eq!(named("a::{b, c::{self, d as e}, f::*};"), ["a::b", "a::c", "a::c::d", "a::f::*"]);
        assert_eq!(named("use x::y;"), ["use", "x::y"]);
    }

    #[test]
    fn a_path_ends_where_its_names_do() {
        assert_eq!(named("a::b::<c::d>(e) + ::f::g::h!{ i }"), ["a::b", "c::d", "e", "f::g::h", "i"]);
        assert_eq!(named("match a { b => c }"), ["match", "a", "b", "c"]);
    }

    #[test]
    fn a_path_has_the_line_of_its_last_name() {
        assert_eq!(paths("a::{\n  b,\n  c\n}").iter().map(|path| path.line).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn a_word_is_found_whole() {
        assert_eq!(lines_with_word("unsafe {}\nunsafe_code\n#[unsafe(x)]", "unsafe"), [1, 3]);
    }
}
