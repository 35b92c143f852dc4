//! CSV: a column of samples, or a column of times and one or more of samples.
//!
//! - Between fields stand commas, semicolons or tabs: the first of tab, semicolon and comma that the first line has. Where it is a semicolon, a
//!   number may have a decimal comma. Lines that begin with `#` and empty lines are skipped, and so is a byte order mark.
//! - The first line is a header when one of its fields is no number. A column is one of times when its name is `t` or begins with `time`, or
//!   when it is the first of several without a header. Its unit, `(ms)`, `[us]` or `_ns`, may stand in the name; without one it is seconds.
//! - A unit of samples stands in parentheses or brackets behind a name: `CH1 (mV)`.

use consumer_support::input::{Budget, InputError, RecordLimit, require};
use csv::{ByteRecord, Reader, ReaderBuilder};

use super::csv_times::{Times, unit_of_times};
use super::{Content, ReadSettings, Refusal, require_samples};

/// The chosen column, with the rate that the times say.
pub(super) fn read(bytes: &[u8], settings: &ReadSettings) -> Result<Content, Refusal> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("is UTF-16; save it as CSV in UTF-8".to_owned());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let separator = separator(bytes);
    let mut rows = Rows::new(bytes, separator);
    if !rows.advance()? {
        return Err("has no line with samples; export it again".to_owned());
    }
    let names = rows.header();
    let mut columns = Columns::choose(names.as_deref(), rows.record.len(), settings)?;
    let mut times = Times::new(columns.seconds_per_unit);
    let mut samples = Vec::new();
    let mut is_there = names.is_none() || rows.advance()?;
    while is_there {
        require_samples(samples.len() + 1)?;
        samples.push(rows.number(columns.samples)?);
        if let Some(column) = columns.times {
            match rows.number(column) {
                Ok(time) => times.push(time, rows.line()),
                Err(_) if settings.rate_hz.is_some() => columns.times = None,
                Err(refusal) => return Err(refusal),
            }
        }
        is_there = rows.advance()?;
    }
    Ok(Content { samples, rate_hz: stated_rate(&columns, &times, settings)?, unit: columns.unit })
}

/// The rate that the times say. Where a rate is given, times that say none are no obstacle.
fn stated_rate(columns: &Columns, times: &Times, settings: &ReadSettings) -> Result<Option<f64>, Refusal> {
    match (columns.times, times.rate_hz()) {
        (None, _) => Ok(None),
        (_, Err(_)) if settings.rate_hz.is_some() => Ok(None),
        (_, said) => said,
    }
}

/// What stands between the fields of the first line that is no comment.
fn separator(bytes: &[u8]) -> u8 {
    let mut lines = bytes.split(|&byte| byte == b'\n' || byte == b'\r');
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(b"#")).unwrap_or_default();
    [b'\t', b';'].into_iter().find(|separator| first.contains(separator)).unwrap_or(b',')
}

/// The lines of a file, one at a time.
struct Rows<'a> {
    reader: Reader<RecordLimit<&'a [u8]>>,
    record: ByteRecord,
    has_decimal_commas: bool,
}

impl<'a> Rows<'a> {
    fn new(bytes: &'a [u8], separator: u8) -> Self {
        let limited = RecordLimit::new(bytes, Budget::STANDARD.record_bytes);
        let mut builder = ReaderBuilder::new();
        builder.delimiter(separator).comment(Some(b'#')).has_headers(false).flexible(true);
        let reader = builder.from_reader(limited);
        Self { reader, record: ByteRecord::new(), has_decimal_commas: separator == b';' }
    }

    /// Goes to the next line; false where there is none.
    fn advance(&mut self) -> Result<bool, Refusal> {
        let found = self.reader.read_byte_record(&mut self.record).map_err(refusal)?;
        self.reader.get_mut().next_record();
        Ok(found)
    }

    /// Counted from 1.
    fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    /// The names in the current line, if it is a header.
    fn header(&self) -> Option<Vec<String>> {
        let is_number = |field: &[u8]| self.parsed(field).is_some();
        let is_header = self.record.iter().any(|field| !field.trim_ascii().is_empty() && !is_number(field));
        let name = |field: &[u8]| String::from_utf8_lossy(field).trim().to_owned();
        is_header.then(|| self.record.iter().map(name).collect())
    }

    /// The number in this column of the current line.
    fn number(&self, column: usize) -> Result<f64, Refusal> {
        let (line, place) = (self.line(), column + 1);
        let Some(field) = self.record.get(column) else {
            let there = self.record.len();
            return Err(format!("line {line} has {there} fields where column {place} is read; export it again"));
        };
        self.parsed(field).ok_or_else(|| {
            let shown: String = String::from_utf8_lossy(field).chars().take(40).collect();
            format!("line {line}, column {place}: {shown:?} is no number; correct it, or begin the line with #")
        })
    }

    fn parsed(&self, field: &[u8]) -> Option<f64> {
        let text = std::str::from_utf8(field).ok()?.trim();
        match text.parse() {
            Err(_) if self.has_decimal_commas => text.replace(',', ".").parse().ok(),
            parsed => parsed.ok(),
        }
    }
}

fn refusal(error: csv::Error) -> Refusal {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => InputError::from(error).to_string(),
        other => format!("cannot be read as CSV: {other:?}; export it again"),
    }
}

/// Which columns are read.
#[derive(Debug, PartialEq)]
struct Columns {
    samples: usize,
    times: Option<usize>,
    seconds_per_unit: f64,
    unit: Option<String>,
}

impl Columns {
    fn choose(names: Option<&[String]>, n_columns: usize, settings: &ReadSettings) -> Result<Self, Refusal> {
        require(n_columns as u64, Budget::STANDARD.columns, || "columns", "export fewer")
            .map_err(|over| over.to_string())?;
        let times = match names {
            Some(names) => column_of_times(names, settings)?,
            None => (n_columns > 1).then_some((0, 1.0)),
        };
        let time = times.map(|(at, _)| at);
        let others: Vec<usize> = (0..n_columns).filter(|&column| Some(column) != time).collect();
        let samples = chosen(&others, names, settings)?;
        let unit = names.and_then(|names| unit_of_samples(&names[samples]));
        Ok(Self { samples, times: time, seconds_per_unit: times.map_or(1.0, |(_, seconds)| seconds), unit })
    }
}

/// The first column of times, and seconds per unit of it. Where a rate is given, a unit that is none of time makes the times say nothing: NaN.
fn column_of_times(names: &[String], settings: &ReadSettings) -> Result<Option<(usize, f64)>, Refusal> {
    let found = names.iter().enumerate().find_map(|(at, name)| Some((at, unit_of_times(name)?)));
    match found {
        Some((at, unit)) if settings.rate_hz.is_some() => Ok(Some((at, unit.unwrap_or(f64::NAN)))),
        Some((at, unit)) => Ok(Some((at, unit?))),
        None => Ok(None),
    }
}

/// The column that the settings choose, or the only one.
fn chosen(others: &[usize], names: Option<&[String]>, settings: &ReadSettings) -> Result<usize, Refusal> {
    let all = || match names {
        Some(names) => others.iter().map(|&column| format!("{:?}", names[column])).collect::<Vec<_>>().join(", "),
        None => format!("columns {} to {}", others[0] + 1, others[others.len() - 1] + 1),
    };
    if let Some(wanted) = &settings.column {
        let is_wanted = |&&column: &&usize| {
            let is_place = wanted.parse() == Ok(column + 1);
            names.map_or(is_place, |names| names[column] == *wanted || is_place && !names.contains(wanted))
        };
        let missing = || format!("has no column {wanted:?} of samples; it has {}", all());
        return others.iter().find(is_wanted).copied().ok_or_else(missing);
    }
    match (settings.channel, others) {
        (_, []) => Err("has times and no samples; export it again".to_owned()),
        (Some(channel), _) => {
            let missing = || format!("has no channel {channel}; it has {}, counted from 1", all());
            others.get(channel - 1).copied().ok_or_else(missing)
        }
        (None, [only]) => Ok(*only),
        (None, _) => Err(format!("has {} columns of samples; choose one with --column: {}", others.len(), all())),
    }
}

/// What stands in the parentheses or brackets that end a name, if it is short enough for a unit.
fn unit_of_samples(name: &str) -> Option<String> {
    const LONGEST: usize = 12;
    let (_, unit) = name
        .strip_suffix(')')
        .and_then(|name| name.rsplit_once('('))
        .or_else(|| name.strip_suffix(']').and_then(|name| name.rsplit_once('[')))?;
    let unit = unit.trim();
    (!unit.is_empty() && unit.chars().count() <= LONGEST).then(|| unit.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_that_of_the_first_line() {
        for (text, expected) in
            [("1;2", b';'), ("1,5;2", b';'), ("a\tb,c", b'\t'), ("1", b','), ("# a;b\r\n\n1,2\n3;4", b',')]
        {
            assert_eq!(separator(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn utf_16_is_refused_with_the_way_out() {
        for bytes in [&b"\xff\xfe1\0\n\0"[..], b"\xfe\xff\x001\0\n"] {
            assert!(read(bytes, &ReadSettings::default()).unwrap_err().contains("save it as CSV in UTF-8"));
        }
    }

    #[test]
    fn a_unit_ends_a_name() {
        let unit = |name| unit_of_samples(name);
        assert_eq!(unit("CH1 (mV)").as_deref(), Some("mV"));
        assert_eq!(unit("pressure [ kPa ]").as_deref(), Some("kPa"));
        for none in ["CH1", "CH1 ()", "(mV) CH1", "CH1 (the one on the left)"] {
            assert_eq!(unit(none), None, "{none}");
        }
    }
}
