//! A line of JSON, as far as figures need it: the pairs of one object, its numbers, texts and truths.

use std::str::Chars;

/// The value of a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Text(String),
    Truth(bool),
    /// A list, an object or nothing: no figure.
    Other,
}

/// The pairs of an object; `None` when the line is not one object and nothing else.
pub(super) fn object(line: &str) -> Option<Vec<(String, Value)>> {
    let mut reader = Reader { rest: line.chars() };
    let pairs = reader.pairs()?;
    reader.skip_blanks();
    reader.rest.as_str().is_empty().then_some(pairs)
}

struct Reader<'a> {
    rest: Chars<'a>,
}

impl Reader<'_> {
    fn pairs(&mut self) -> Option<Vec<(String, Value)>> {
        let mut pairs = Vec::new();
        self.sequence('{', '}', |reader| {
            let key = reader.text()?;
            reader.skip(':')?;
            pairs.push((key, reader.value()?));
            Some(())
        })?;
        Some(pairs)
    }

    fn value(&mut self) -> Option<Value> {
        self.skip_blanks();
        match self.peek()? {
            '"' => self.text().map(Value::Text),
            '{' => self.pairs().map(|_| Value::Other),
            '[' => self.sequence('[', ']', |reader| reader.value().map(drop)).map(|()| Value::Other),
            _ => match self.word() {
                "true" => Some(Value::Truth(true)),
                "false" => Some(Value::Truth(false)),
                // Python's writer has names for what JSON has no number for.
                "null" | "NaN" | "Infinity" | "-Infinity" => Some(Value::Other),
                number => number.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Number),
            },
        }
    }

    /// What stands between two brackets, with commas between.
    fn sequence(&mut self, open: char, close: char, mut one: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.skip(open)?;
        if self.skip(close).is_some() {
            return Some(());
        }
        loop {
            one(self)?;
            if self.skip(close).is_some() {
                return Some(());
            }
            self.skip(',')?;
        }
    }

    fn text(&mut self) -> Option<String> {
        self.skip('"')?;
        let mut text = String::new();
        loop {
            match self.rest.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.escaped()?),
                letter => text.push(letter),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.rest.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                let digits: String = self.rest.by_ref().take(4).collect();
                // Half of a pair, as letters beyond the first 65 536 are written, is no letter.
                char::from_u32(u32::from_str_radix(&digits, 16).ok()?).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            letter => letter,
        })
    }

    fn word(&mut self) -> &str {
        let rest = self.rest.as_str();
        let end = rest.find(|letter: char| ",]}".contains(letter) || letter.is_whitespace()).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest.chars();
        word
    }

    /// Takes this character, after any blanks, if it comes next.
    fn skip(&mut self, expected: char) -> Option<()> {
        self.skip_blanks();
        self.rest = self.rest.as_str().strip_prefix(expected)?.chars();
        Some(())
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.as_str().trim_start().chars();
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(of: &[(&str, Value)]) -> Option<Vec<(String, Value)>> {
        Some(of.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    #[test]
    fn numbers_texts_and_truths_are_read_in_their_order() {
        let line = r#" {"peer": "mp", "rep":0, "p50_us" : 1.5e-3, "hang": false, "ok":true} "#;
        let expected = [
            ("peer", Value::Text("mp".into())),
            ("rep", Value::Number(0.0)),
            ("p50_us", Value::Number(0.0015)),
            ("hang", Value::Truth(false)),
            ("ok", Value::Truth(true)),
        ];
        assert_eq!(object(line), pairs(&expected));
        assert_eq!(object("{}"), pairs(&[]));
    }

    #[test]
    fn lists_and_objects_inside_are_passed_over() {
        let line = r#"{"failed": [500, [], "]"], "errors": {"a": {"b": 1}}, "x": null, "y": NaN, "n": -2}"#;
        let expected = [
            ("failed", Value::Other),
            ("errors", Value::Other),
            ("x", Value::Other),
            ("y", Value::Other),
            ("n", Value::Number(-2.0)),
        ];
        assert_eq!(object(line), pairs(&expected));
    }

    #[test]
    fn texts_may_hold_anything() {
        let line = r#"{"error": "a \"b\"\\\n\u0041 {[,:]} é"}"#;
        assert_eq!(object(line), pairs(&[("error", Value::Text("a \"b\"\\\nA {[,:]} é".into()))]));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for line in ["", "5", "{", "{\"a\"}", "{\"a\": }", "{\"a\": 1,}", "{\"a\": 1} more", "{\"a\": one}", "{\"a: 1}"]
        {
            assert_eq!(object(line), None, "{line}");
        }
    }
}
