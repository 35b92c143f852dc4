//! Rust text as the rules read it: without comments and literals, without tests, and as the paths that it names.
//!
//! This is a scanner, not a parser. It keeps every line number, never fails, and takes text that it does not understand for
//! code. The rules decide what is allowed where.

use std::ops::Range;

/// The text with comments and literals replaced by blanks. Lines and columns of the rest stay the same.
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

/// The code without its tests. Takes the output of `without_comments`.
pub(crate) fn without_tests(code: &str) -> String {
    let mut kept = code.to_owned();
    for range in test_ranges(code) {
        let mut blank = String::new();
        push_blank(&mut blank, &code[range.clone()]);
        kept.replace_range(range, &blank);
    }
    kept
}

/// The paths and the module declarations of some code.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Every path, with the braces of a `use` expanded. Outside of a `use` a single word counts only as the name of a macro.
    pub(crate) paths: Vec<NamedPath>,
    /// The words outside of each `use` that may name an item of this file, and their lines (from 1); keywords are among
    /// them. Not those after a `.` or `::`, and not names that a `fn`, a `let`, a field or a parameter declares.
    pub(crate) words: Vec<(usize, String)>,
    /// The modules of `mod name;`, each a file of its own, and their lines (from 1).
    pub(crate) declared: Vec<(usize, String)>,
}

/// A path such as `crate::sync::Mutex`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedPath {
    /// The line (from 1) of its last name.
    pub(crate) line: usize,
    pub(crate) names: Vec<String>,
    pub(crate) place: Place,
    /// The modules with braces that it stands in, outermost first.
    pub(crate) inside: Vec<String>,
    /// The other name that a `use` gives it.
    pub(crate) alias: Option<String>,
}

/// Where a path stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In an expression, a type or a bound.
    Code,
    /// In a `use`.
    Use,
    /// In a `pub use`, however restricted.
    Reexport,
}

/// Collects the paths and modules of the code. Takes the output of `without_comments`.
pub(crate) fn names(code: &str) -> Names {
    let mut reader = Reader { tokens: tokens(code), at: 0, depth: 0, inside: Vec::new(), names: Names::default() };
    while reader.at < reader.tokens.len() {
        reader.step();
    }
    reader.names
}

/// The lines (from 1) of the words and signs that are sought, each shown with the two that follow it.
pub(crate) fn lines_where(code: &str, is_sought: impl Fn([&str; 3]) -> bool) -> Vec<usize> {
    let tokens = tokens(code);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let sought = (0..tokens.len()).filter(|&at| is_sought([text(at), text(at + 1), text(at + 2)]));
    sought.map(|at| tokens[at].line).collect()
}

fn push_blank(code: &mut String, text: &str) {
    code.extend(text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
}

/// The length in bytes of the comment or literal that begins here; 0 for code.
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

/// The words before a name that they declare.
const DECLARING: [&str; 10] = ["fn", "struct", "enum", "union", "trait", "type", "const", "static", "let", "mut"];

/// Goes through the tokens once.
struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    /// How many braces are open.
    depth: usize,
    /// The open modules with braces, and how many braces were open before each.
    inside: Vec<(String, usize)>,
    names: Names,
}

impl<'a> Reader<'a> {
    fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    fn step(&mut self) {
        self.word();
        match self.text(self.at) {
            "{" => self.open(),
            "}" => self.close(),
            "mod" if is_word(self.text(self.at + 1)) => self.module(),
            "use" if self.text(self.at + 1) != "<" => self.import(),
            // `pub(in crate::a)` says who may see the item, and imports nothing.
            "pub" if self.text(self.at + 1) == "(" => self.skip_past(")"),
            // A variable of a macro; `$crate` is the crate itself.
            "$" if self.text(self.at + 1) != "crate" => self.at += 2,
            text if is_word(text) && ["::", "!"].contains(&self.text(self.at + 1)) => self.path(&[], Place::Code),
            _ => self.at += 1,
        }
    }

    fn word(&mut self) {
        let Token { line, text } = self.tokens[self.at];
        let before = self.at.checked_sub(1).map_or("", |at| self.text(at));
        let is_a_part = [".", "::", "'", "$"].contains(&before);
        let is_declared = DECLARING.contains(&before) || self.text(self.at + 1) == ":";
        if is_word(text) && !is_a_part && !is_declared {
            self.names.words.push((line, text.to_owned()));
        }
    }

    fn open(&mut self) {
        self.depth += 1;
        self.at += 1;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.inside.pop_if(|(_, depth)| *depth == self.depth);
        self.at += 1;
    }

    fn module(&mut self) {
        let (line, name) = (self.tokens[self.at].line, self.text(self.at + 1).to_owned());
        self.at += 2;
        if self.text(self.at) == "{" {
            self.inside.push((name, self.depth));
        } else if self.inside.is_empty() {
            self.names.declared.push((line, name));
        }
    }

    fn import(&mut self) {
        let is_public = self.at > 0 && ["pub", ")"].contains(&self.text(self.at - 1));
        let place = if is_public { Place::Reexport } else { Place::Use };
        self.at += 1;
        while self.at < self.tokens.len() && self.text(self.at) != ";" {
            self.part_of_import(&[], place);
        }
    }

    fn part_of_import(&mut self, before: &[String], place: Place) {
        match self.text(self.at) {
            "as" => {
                let alias = self.text(self.at + 1).to_owned();
                if let Some(last) = self.names.paths.last_mut() {
                    last.alias = Some(alias);
                }
                self.at += 2;
            }
            "{" => self.group(before, place),
            text if is_word(text) || text == "*" => self.path(before, place),
            _ => self.at += 1,
        }
    }

    fn group(&mut self, before: &[String], place: Place) {
        self.at += 1;
        while self.at < self.tokens.len() && self.text(self.at) != "}" {
            self.part_of_import(before, place);
        }
        self.at += 1;
    }

    /// Reads the path that begins here, below the names before its braces.
    fn path(&mut self, before: &[String], place: Place) {
        let mut names = before.to_vec();
        loop {
            let token = self.tokens[self.at];
            if token.text == "{" {
                return self.group(&names, place);
            }
            // `a::{self}` names `a`.
            if token.text != "self" || names.is_empty() {
                names.push(token.text.to_owned());
            }
            self.at += 1;
            // `a::<T>()` ends the path at `a`.
            let next = self.text(self.at + 1);
            if self.text(self.at) != "::" || !(is_word(next) || ["{", "*"].contains(&next)) {
                let inside = self.inside.iter().map(|(name, _)| name.clone()).collect();
                return self.names.paths.push(NamedPath { line: token.line, names, place, inside, alias: None });
            }
            self.at += 1;
        }
    }

    fn skip_past(&mut self, end: &str) {
        while self.at < self.tokens.len() && self.text(self.at) != end {
            self.at += 1;
        }
        self.at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(code: &str) -> Vec<String> {
        names(code).paths.iter().map(|path| path.names.join("::")).collect()
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
        assert_eq!(named("use a::{b, c::{self, d as e}, f::*};"), ["a::b", "a::c", "a::c::d", "a::f::*"]);
        assert_eq!(named("use x; use y::z;"), ["x", "y::z"]);
        assert_eq!(named("use {super::a, self::b};"), ["super::a", "self::b"]);
    }

    #[test]
    fn a_path_ends_where_its_names_do() {
        assert_eq!(named("a::b::<c::d>(e) + ::f::g::h!{ i }"), ["a::b", "c::d", "f::g::h"]);
        assert_eq!(named("match a { b => c!() }"), ["c"]);
        assert_eq!(named("$crate::a::b; $c::d::e"), ["crate::a::b", "d::e"]);
    }

    #[test]
    fn a_path_has_the_line_of_its_last_name() {
        assert_eq!(names("use a::{\n  b,\n  c\n};").paths.iter().map(|path| path.line).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn imports_and_reexports_are_told_apart() {
        let place = |code: &str, of: &str| {
            let found = names(code).paths.into_iter().find(|path| path.names.join("::") == of);
            found.map(|path| path.place)
        };
        let code = "use a::{b, c}; d::e; pub use f; pub(crate) use g::h; fn i() { use j; }";
        for (of, expected) in [("a::b", Place::Use), ("a::c", Place::Use), ("d::e", Place::Code), ("j", Place::Use)] {
            assert_eq!(place(code, of), Some(expected), "{of}");
        }
        assert_eq!([place(code, "f"), place(code, "g::h")], [Some(Place::Reexport); 2]);
        assert_eq!(named("pub(in crate::a) fn b() -> impl C + use<> {}"), [""; 0]);
        assert_eq!(names("use a::b as c;").paths[0].alias.as_deref(), Some("c"));
    }

    #[test]
    fn words_are_those_that_may_name_an_item() {
        let words = |code: &str| names(code).words.into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ");
        assert_eq!(words("a(b.c, D::E) + f::<G>() as H"), "a b D f G as H");
        assert_eq!(words("fn i(j: &'k L) { let m = N { o: p }; }"), "fn L let N p");
        assert_eq!(words("use q::{R, s as t}; pub use u::V; pub(in w) use x;"), "use pub use pub use");
        assert_eq!(names("a\n+ b").words, [(1, "a".to_owned()), (2, "b".to_owned())]);
    }

    #[test]
    fn modules_are_declared_or_stand_in_braces() {
        let found = names("mod a; pub mod b { mod c; use d::e; { f!() } } use g::h;");
        assert_eq!(found.declared, [(1, "a".to_owned())]);
        let inside = |name: &str| found.paths.iter().find(|path| path.names[0] == name).unwrap().inside.clone();
        assert_eq!([inside("d"), inside("f"), inside("g")], [vec!["b"], vec!["b"], vec![]]);
    }

    #[test]
    fn words_are_found_whole_and_with_what_follows() {
        assert_eq!(lines_where("unsafe {}\nunsafe_code\n#[unsafe(x)]", |words| words[0] == "unsafe"), [1, 3]);
        assert_eq!(lines_where("a b\na c", |words| words[..2] == ["a", "c"]), [2]);
    }
}
