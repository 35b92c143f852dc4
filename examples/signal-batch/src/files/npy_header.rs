//! The header of an NPY file: type, order and shape of its values.
//!
//! The header is a Python dictionary of three known keys. What is read is that and nothing more of Python, one token after another.

use super::Refusal;

const MAGIC: &[u8] = b"\x93NUMPY";

/// More dimensions than any capture has.
const MAX_DIMENSIONS: usize = 32;

/// How values are laid out.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) number: Number,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

/// How one value is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    pub(super) kind: NumberKind,
    /// 4 or 8 for floats, 1, 2, 4 or 8 for integers.
    pub(super) n_bytes: usize,
    pub(super) is_big_endian: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum NumberKind {
    Float,
    Signed,
    Unsigned,
}

impl Header {
    /// The header, and the bytes behind it.
    pub(super) fn split(bytes: &[u8]) -> Result<(Self, &[u8]), Refusal> {
        let cut_off = || "is cut off within its header; export it again".to_owned();
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| "is no NPY file; save it with numpy.save".to_owned())?;
        let (version, rest) = rest.split_at_checked(2).ok_or_else(cut_off)?;
        let (n_bytes, rest) = match version[0] {
            1 => {
                let (length, rest) = rest.split_first_chunk().ok_or_else(cut_off)?;
                (usize::from(u16::from_le_bytes(*length)), rest)
            }
            2 | 3 => {
                let (length, rest) = rest.split_first_chunk().ok_or_else(cut_off)?;
                (u32::from_le_bytes(*length) as usize, rest)
            }
            other => return Err(format!("is NPY of version {other}; versions 1 to 3 are read")),
        };
        let (text, data) = rest.split_at_checked(n_bytes).ok_or_else(cut_off)?;
        let text = std::str::from_utf8(text).map_err(|_| malformed("its header is no text"))?;
        Ok((Self::parse(text)?, data))
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut tokens = Tokens { rest: text };
        let (mut number, mut fortran_order, mut shape) = (None, None, None);
        tokens.expect('{')?;
        while !tokens.take('}') {
            let key = tokens.quoted()?;
            tokens.expect(':')?;
            match key {
                "descr" => number = Some(tokens.number()?),
                "fortran_order" => fortran_order = Some(tokens.truth()?),
                "shape" => shape = Some(tokens.shape()?),
                other => return Err(malformed(&format!("its header has a key {other:?}"))),
            }
            if !tokens.take(',') {
                tokens.expect('}')?;
                break;
            }
        }
        match (number, fortran_order, shape) {
            (Some(number), Some(fortran_order), Some(shape)) => Ok(Self { number, fortran_order, shape }),
            _ => Err(malformed("its header lacks one of descr, fortran_order and shape")),
        }
    }
}

fn malformed(what: &str) -> Refusal {
    format!("is not what numpy writes: {what}; export it again")
}

/// What is left of the header.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    /// Whether this sign comes next; if so, it is gone.
    fn take(&mut self, sign: char) -> bool {
        self.rest = self.rest.trim_start();
        let behind = self.rest.strip_prefix(sign);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }

    fn expect(&mut self, sign: char) -> Result<(), Refusal> {
        let missing = || malformed(&format!("its header lacks a {sign:?}"));
        self.take(sign).then_some(()).ok_or_else(missing)
    }

    fn quoted(&mut self) -> Result<&'a str, Refusal> {
        let quote = if self.take('"') { '"' } else { '\'' };
        if quote == '\'' {
            self.expect(quote)?;
        }
        let (text, rest) = self.rest.split_once(quote).ok_or_else(|| malformed("a quote is never closed"))?;
        self.rest = rest;
        Ok(text)
    }

    fn truth(&mut self) -> Result<bool, Refusal> {
        match self.word() {
            "True" => Ok(true),
            "False" => Ok(false),
            other => Err(malformed(&format!("fortran_order is {other:?}"))),
        }
    }

    /// The letters and digits that come next, maybe none.
    fn word(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|symbol: char| !symbol.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn shape(&mut self) -> Result<Vec<usize>, Refusal> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            let word = self.word();
            let size = word.strip_suffix('L').unwrap_or(word).parse();
            shape.push(size.map_err(|_| malformed(&format!("its shape has a size {word:?}")))?);
            if shape.len() > MAX_DIMENSIONS {
                return Err(malformed("its shape has more than 32 dimensions"));
            }
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn number(&mut self) -> Result<Number, Refusal> {
        const WAY_OUT: &str = "save it with .astype(\"f8\")";
        if self.take('[') {
            return Err(format!("holds records of several values; save one of their fields, and {WAY_OUT}"));
        }
        let text = self.quoted()?;
        let (order, kind_and_size) = match text.as_bytes() {
            [order @ (b'<' | b'>' | b'|' | b'='), rest @ ..] => (*order, rest),
            rest => (b'=', rest),
        };
        let (kind, n_bytes) = match kind_and_size {
            [b'f', size @ (b'4' | b'8')] => (NumberKind::Float, size - b'0'),
            [b'i', size @ (b'1' | b'2' | b'4' | b'8')] => (NumberKind::Signed, size - b'0'),
            [b'u', size @ (b'1' | b'2' | b'4' | b'8')] => (NumberKind::Unsigned, size - b'0'),
            _ => {
                return Err(format!(
                    "holds values of the type {text:?}, which are no real numbers of 1 to 8 bytes; {WAY_OUT}"
                ));
            }
        };
        // What is of the machine's own order, which numpy never writes, is taken for that of nearly all machines.
        Ok(Number { kind, n_bytes: usize::from(n_bytes), is_big_endian: order == b'>' })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Header::parse(text).unwrap_err()
    }

    #[test]
    fn a_header_is_read_in_any_order_with_either_quote() {
        let header = Header::parse("{\"shape\" : (3, 40L ,), 'descr':'>i2','fortran_order' :True}  \n").unwrap();
        let number = Number { kind: NumberKind::Signed, n_bytes: 2, is_big_endian: true };
        assert_eq!(header, Header { number, fortran_order: true, shape: vec![3, 40] });
        let scalar = Header::parse("{'descr': '|u1', 'fortran_order': False, 'shape': (), }").unwrap();
        assert!(scalar.shape.is_empty());
    }

    #[test]
    fn what_is_no_such_header_is_refused() {
        let with = |descr: &str, shape: &str| {
            refusal(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"))
        };
        assert!(with("[('a', '<f8')]", "(2,)").contains("records"));
        for unread in ["'<c16'", "'<f2'", "'|O'", "'<M8[ns]'", "''"] {
            assert!(with(unread, "(2,)").contains("astype"), "{unread}");
        }
        for size in ["(-1,)", "(18446744073709551616,)", "(((((", "(2", "(2;)", "2"] {
            assert!(with("'<f8'", size).contains("export it again"), "{size}");
        }
        assert!(with("'<f8'", &format!("({})", "1,".repeat(40))).contains("dimensions"));
        for text in ["", "{", "{'descr", "{}", "{'a': 1}", "{'fortran_order': maybe}", "{'shape': (1,) 'descr'"] {
            assert!(!refusal(text).is_empty(), "{text}");
        }
    }
}
