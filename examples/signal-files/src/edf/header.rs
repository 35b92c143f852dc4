//! The header as a whole: channels, layout of a record, start; each number checked, and all of them together.

use std::fs::File;

use crate::clock::{NS_PER_SECOND, days_of_date, days_since_1970, nanoseconds, numbers};
use crate::error::Checked;
use crate::names::{distinct_names, label_or_place};
use crate::text::ascii;

use super::EdfKind;
use super::channel::{ChannelPlace, EdfChannel};
use super::fields::{
    HEADER_BYTES, HeaderBytes, LABEL, N_RECORDS, PATIENT, RECORD_DURATION, RECORDING, RESERVED, SAMPLES, START_DATE,
    START_TIME, SampleWidth,
};

/// What the header says, with each number checked for itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    pub(super) kind: EdfKind,
    pub(super) width: SampleWidth,
    pub(super) patient: String,
    pub(super) recording: String,
    /// The header's date and time: the zero of all onsets.
    pub(super) clock_ns: i64,
    pub(super) n_bytes: u64,
    /// The number of records as written; -1 while a recorder is at work.
    pub(super) promised_records: i64,
    pub(super) record_ns: i64,
    pub(super) record_bytes: u64,
    pub(super) channels: Vec<EdfChannel>,
    pub(super) annotation_channels: Vec<AnnotationBytes>,
    pub(super) warnings: Vec<String>,
}

/// Where an annotation channel lies within each record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AnnotationBytes {
    pub(super) offset: u64,
    pub(super) n_bytes: u64,
}

impl Header {
    pub(super) fn read(file: &mut File, n_bytes: u64) -> Checked<Self> {
        let bytes = HeaderBytes::read(file, n_bytes)?;
        let stated = bytes.fixed(&HEADER_BYTES);
        if stated.integer(0..=99_999_999)? as usize != bytes.bytes.len() {
            return Err(stated.refuse(&format!("{} (for {} signals)", bytes.bytes.len(), bytes.n_signals)));
        }
        let mut header = Self::without_channels(&bytes)?;
        header.add_channels(&bytes)?;
        header.check_layout(&bytes)?;
        header.warn_of_lost_digits();
        Ok(header)
    }

    fn without_channels(bytes: &HeaderBytes) -> Checked<Self> {
        let recording = bytes.fixed(&RECORDING).text();
        let mut warnings = Vec::new();
        let duration = bytes.fixed(&RECORD_DURATION);
        let record_ns = ascii(duration.bytes).and_then(nanoseconds).filter(|ns| *ns >= 0);
        Ok(Self {
            width: bytes.width,
            kind: kind_of(&bytes.fixed(&RESERVED).text()),
            patient: bytes.fixed(&PATIENT).text(),
            clock_ns: clock(
                &bytes.fixed(&START_DATE).text(),
                &bytes.fixed(&START_TIME).text(),
                &recording,
                &mut warnings,
            ),
            recording,
            n_bytes: bytes.bytes.len() as u64,
            promised_records: bytes.fixed(&N_RECORDS).integer(-1..=99_999_999)?,
            record_ns: record_ns
                .ok_or_else(|| duration.refuse("a number of seconds of 0 or more, such as 30 or 0.5,"))?,
            record_bytes: 0,
            channels: Vec::new(),
            annotation_channels: Vec::new(),
            warnings,
        })
    }

    fn add_channels(&mut self, bytes: &HeaderBytes) -> Checked<()> {
        let labels: Vec<_> = (0..bytes.n_signals).map(|idx| bytes.of_channel(&LABEL, idx, None).text()).collect();
        let is_annotation = |label: &String| label == bytes.width.annotation_label();
        let own = labels.iter().enumerate().filter(|(_, label)| !is_annotation(label)).map(label_or_place);
        let mut names = distinct_names(&own.collect::<Vec<_>>(), &mut self.warnings).into_iter();
        for (idx, label) in labels.iter().enumerate() {
            let offset = self.record_bytes;
            let samples_per_record = bytes.of_channel(&SAMPLES, idx, Some(label)).integer(0..=99_999_999)? as u64;
            self.record_bytes += samples_per_record * bytes.width.bytes();
            if is_annotation(label) {
                self.annotation_channels
                    .push(AnnotationBytes { offset, n_bytes: samples_per_record * bytes.width.bytes() });
            } else {
                let name = names.next().expect("one name was made for each label that is not of annotations");
                let place = ChannelPlace { idx, offset, samples_per_record: samples_per_record as usize };
                self.channels.push(EdfChannel::read(bytes, name, label, &place, self.record_ns));
            }
        }
        Ok(())
    }

    fn check_layout(&self, bytes: &HeaderBytes) -> Checked<()> {
        if self.record_ns == 0 && !self.channels.is_empty() {
            return Err(bytes.fixed(&RECORD_DURATION).refuse("more than 0 s"));
        }
        if self.kind == EdfKind::Discontinuous && self.annotation_channels.is_empty() {
            return Err(format!(
                "is marked {name}+D (byte {}) but has no \"{name} Annotations\" channel, so \
                 the time of no record is known; mark it {name}+C if it has no gaps",
                RESERVED.at,
                name = bytes.width.name()
            ));
        }
        Ok(())
    }

    /// A minimum such as `-0.00000` once had further digits: the eight bytes of the field were too few for them.
    fn warn_of_lost_digits(&mut self) {
        for channel in &self.channels {
            let lost = channel.physical_range.iter().any(|end| *end == 0.0 && end.is_sign_negative());
            if lost {
                self.warnings.push(format!(
                    "channel {:?}: an end of its physical range is written as -0, so its \
                     digits were lost to the header's eight bytes and its values are shifted; export it in a smaller unit",
                    channel.name
                ));
            }
        }
    }
}

pub(super) fn kind_of(reserved: &str) -> EdfKind {
    match reserved {
        text if text.starts_with("EDF+D") || text.starts_with("BDF+D") => EdfKind::Discontinuous,
        text if text.starts_with("EDF+") || text.starts_with("BDF+") => EdfKind::Continuous,
        _ => EdfKind::Plain,
    }
}

/// The header's date and time. An anonymised or unreadable date becomes 1985-01-01, as EDF+ prescribes for anonymous recordings.
fn clock(date: &str, time: &str, recording: &str, warnings: &mut Vec<String>) -> i64 {
    let days = days_of_date(date, recording).unwrap_or_else(|| {
        warnings.push(format!(
            "start date (byte {}) is {date:?} where day.month.year is needed; taken as 01.01.85",
            START_DATE.at
        ));
        days_since_1970(1985, 1, 1)
    });
    let seconds = match numbers(time) {
        Some([hour @ 0..=23, minute @ 0..=59, second @ 0..=59]) => (hour * 60 + minute) * 60 + second,
        _ => {
            warnings.push(format!(
                "start time (byte {}) is {time:?} where hour.minute.second is needed; taken as 0",
                START_TIME.at
            ));
            0
        }
    };
    (days * 86_400 + seconds) * NS_PER_SECOND
}
