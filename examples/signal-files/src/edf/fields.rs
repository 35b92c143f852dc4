//! The header's fields: where each lies, what it is called in messages, and how its text becomes a number.
//!
//! Promises: a number that cannot be used is refused with its field, channel and byte. Leaves to others: what the numbers mean
//! together (`header.rs`), and the writer's side of the fields.

use std::fs::File;
use std::io::Read;

use crate::error::{Checked, unreadable};
use crate::text::{ascii, decoded};

pub(super) const FIXED_BYTES: usize = 256;
pub(super) const BYTES_PER_CHANNEL: usize = 256;

/// A field of the header: its name in the specification, where it begins, and its width in bytes.
/// For a field of a channel, `at` counts from the channel part and means one channel: n channels follow each other.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) at: usize,
    pub(super) width: usize,
}

const fn field(name: &'static str, at: usize, width: usize) -> Field {
    Field { name, at, width }
}

pub(super) const VERSION: Field = field("version", 0, 8);
pub(super) const PATIENT: Field = field("patient", 8, 80);
pub(super) const RECORDING: Field = field("recording", 88, 80);
pub(super) const START_DATE: Field = field("start date", 168, 8);
pub(super) const START_TIME: Field = field("start time", 176, 8);
pub(super) const HEADER_BYTES: Field = field("number of header bytes", 184, 8);
pub(super) const RESERVED: Field = field("reserved", 192, 44);
pub(super) const N_RECORDS: Field = field("number of records", 236, 8);
pub(super) const RECORD_DURATION: Field = field("record duration", 244, 8);
pub(super) const N_SIGNALS: Field = field("number of signals", 252, 4);

pub(super) const LABEL: Field = field("label", 0, 16);
pub(super) const TRANSDUCER: Field = field("transducer", 16, 80);
pub(super) const UNIT: Field = field("physical dimension", 96, 8);
pub(super) const PHYSICAL_MIN: Field = field("physical minimum", 104, 8);
pub(super) const PHYSICAL_MAX: Field = field("physical maximum", 112, 8);
pub(super) const DIGITAL_MIN: Field = field("digital minimum", 120, 8);
pub(super) const DIGITAL_MAX: Field = field("digital maximum", 128, 8);
pub(super) const PREFILTER: Field = field("prefilter", 136, 80);
pub(super) const SAMPLES: Field = field("samples per record", 216, 8);

/// A field's bytes, and enough to name them in a message.
pub(super) struct Entry<'a> {
    pub(super) name: &'static str,
    pub(super) channel: Option<&'a str>,
    pub(super) at: usize,
    pub(super) bytes: &'a [u8],
}

impl Entry<'_> {
    pub(super) fn text(&self) -> String {
        decoded(self.bytes)
    }

    pub(super) fn integer(&self, allowed: std::ops::RangeInclusive<i64>) -> Checked<i64> {
        let number = ascii(self.bytes).and_then(|text| text.parse().ok()).filter(|number| allowed.contains(number));
        number.ok_or_else(|| self.refuse(&format!("a whole number from {} to {}", allowed.start(), allowed.end())))
    }

    pub(super) fn real(&self) -> Checked<f64> {
        // Some recorders write the decimal comma of their country.
        let number = ascii(self.bytes).and_then(|text| text.replace(',', ".").parse::<f64>().ok());
        number.filter(|number| number.is_finite()).ok_or_else(|| self.refuse("a number"))
    }

    pub(super) fn refuse(&self, wanted: &str) -> String {
        let whose = self.channel.map_or_else(String::new, |channel| format!(" of channel {channel:?}"));
        format!(
            "{}{whose} (byte {}) is {:?} where {wanted} is needed; correct the header or export the recording again",
            self.name,
            self.at,
            self.text()
        )
    }
}

/// The header's bytes: all of them, and no more than the file has.
pub(super) struct HeaderBytes {
    pub(super) bytes: Vec<u8>,
    pub(super) n_signals: usize,
    pub(super) width: SampleWidth,
}

impl HeaderBytes {
    pub(super) fn read(file: &mut File, n_bytes: u64) -> Checked<Self> {
        let too_short = |needed: usize| {
            format!(
                "has {n_bytes} bytes where the header alone needs {needed}; the file is empty or cut, so copy or export it again"
            )
        };
        if n_bytes < FIXED_BYTES as u64 {
            return Err(too_short(FIXED_BYTES));
        }
        let mut bytes = vec![0; FIXED_BYTES];
        file.read_exact(&mut bytes).map_err(|error| unreadable(&error))?;
        let width = sample_width(&bytes)?;
        let fixed = Self { bytes, n_signals: 0, width };
        let n_signals = fixed.fixed(&N_SIGNALS).integer(1..=9999)? as usize;
        let needed = FIXED_BYTES + n_signals * BYTES_PER_CHANNEL;
        if n_bytes < needed as u64 {
            return Err(too_short(needed));
        }
        let mut bytes = fixed.bytes;
        bytes.resize(needed, 0);
        file.read_exact(&mut bytes[FIXED_BYTES..]).map_err(|error| unreadable(&error))?;
        Ok(Self { bytes, n_signals, width })
    }

    pub(super) fn fixed(&self, field: &Field) -> Entry<'_> {
        Entry { name: field.name, channel: None, at: field.at, bytes: &self.bytes[field.at..field.at + field.width] }
    }

    pub(super) fn of_channel<'a>(&'a self, field: &Field, idx: usize, channel: Option<&'a str>) -> Entry<'a> {
        let at = FIXED_BYTES + self.n_signals * field.at + idx * field.width;
        Entry { name: field.name, channel, at, bytes: &self.bytes[at..at + field.width] }
    }
}

/// Which of the two layouts of one format the first eight bytes announce.
fn sample_width(fixed: &[u8]) -> Checked<SampleWidth> {
    if fixed.starts_with(b"\xffBIOSEMI") {
        return Ok(SampleWidth::Bdf);
    }
    match ascii(&fixed[VERSION.at..VERSION.width]) {
        Some("0") => Ok(SampleWidth::Edf),
        _ => Err("does not begin with the version 0 of an EDF header; check that it is an EDF file and not compressed"
            .to_string()),
    }
}

/// BDF is EDF with three bytes per sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SampleWidth {
    Edf,
    Bdf,
}

impl SampleWidth {
    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::Edf => 2,
            Self::Bdf => 3,
        }
    }

    /// The smallest and the largest number that a sample can store.
    pub(super) fn stored_range(self) -> [i32; 2] {
        match self {
            Self::Edf => [i16::MIN.into(), i16::MAX.into()],
            Self::Bdf => [-0x80_0000, 0x7f_ffff],
        }
    }

    /// What the format is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Edf => "EDF",
            Self::Bdf => "BDF",
        }
    }

    pub(super) fn annotation_label(self) -> &'static str {
        match self {
            Self::Edf => "EDF Annotations",
            Self::Bdf => "BDF Annotations",
        }
    }
}
