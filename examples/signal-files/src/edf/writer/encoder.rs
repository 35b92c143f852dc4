//! The samples of one channel as stored numbers, record by record.

use crate::error::FileError;

use super::range::{End, Toward, end_of_range};
use super::{EdfWriterChannel, record_seconds_for, samples_in_record};

/// The stored numbers at the two ends of the physical range.
pub(super) const DIGITAL_RANGE: [f64; 2] = [-32768.0, 32767.0];
const LAST_STEP: f64 = DIGITAL_RANGE[1] - DIGITAL_RANGE[0];

#[derive(Debug)]
pub(super) struct Encoder {
    label: String,
    low: End,
    high: End,
    /// One step of a stored number in physical units, from the header's text, as every reader has it.
    gain: f64,
    samples_per_record: usize,
    /// The record at hand.
    stored: Vec<i16>,
    n_outside: u64,
    n_not_finite: u64,
}

impl Encoder {
    pub(super) fn new(
        channel: &EdfWriterChannel,
        record_seconds: f64,
        warnings: &mut Vec<String>,
    ) -> Result<Self, FileError> {
        let samples_per_record = samples_in_record(channel.rate_hz, record_seconds)
            .ok_or_else(|| no_whole_samples(channel, record_seconds))?;
        let [low, high] = written_range(channel, warnings)?;
        Ok(Self {
            label: channel.label.clone(),
            gain: (high.value - low.value) / LAST_STEP,
            low,
            high,
            samples_per_record,
            stored: Vec::new(),
            n_outside: 0,
            n_not_finite: 0,
        })
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    pub(super) fn range_texts(&self) -> [&str; 2] {
        [&self.low.text, &self.high.text]
    }

    pub(super) fn samples_per_record(&self) -> usize {
        self.samples_per_record
    }

    pub(super) fn n_filled(&self) -> usize {
        self.stored.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.stored.len() == self.samples_per_record
    }

    /// Takes what the record has room for, and returns the rest.
    pub(super) fn fill_record<'a>(&mut self, values: &'a [f64]) -> &'a [f64] {
        let room = self.samples_per_record - self.stored.len();
        let (now, later) = values.split_at(room.min(values.len()));
        for value in now {
            let stored = self.encode(*value);
            self.stored.push(stored);
        }
        later
    }

    /// Appends the record at hand, and begins another.
    pub(super) fn take_record(&mut self, bytes: &mut Vec<u8>) {
        bytes.extend(self.stored.drain(..).flat_map(i16::to_le_bytes));
    }

    pub(super) fn repeat_last(&mut self) {
        let last = self.stored.last().copied().unwrap_or(0);
        self.stored.resize(self.samples_per_record, last);
    }

    /// What was not stored as it was given.
    pub(super) fn warnings(&self) -> Vec<String> {
        let Self { label, n_outside, n_not_finite, low, high, .. } = self;
        let mut warnings = Vec::new();
        if *n_outside > 0 {
            warnings.push(format!(
                "channel {label:?}: {n_outside} values are outside of its range from {} to {} and were written as its end",
                low.text, high.text
            ));
        }
        if *n_not_finite > 0 {
            warnings.push(format!(
                "channel {label:?}: {n_not_finite} values are no finite numbers, which EDF has no room for, and were \
                 written as the value of the range that is nearest to 0"
            ));
        }
        warnings
    }

    fn encode(&mut self, value: f64) -> i16 {
        let value = if value.is_finite() {
            value
        } else {
            self.n_not_finite += 1;
            0.0_f64.clamp(self.low.value, self.high.value)
        };
        let steps = (value - self.low.value) / self.gain;
        if !(-0.5..LAST_STEP + 0.5).contains(&steps) {
            self.n_outside += 1;
        }
        // Not below 0, so the cut to a whole number rounds.
        ((steps.clamp(0.0, LAST_STEP) + 0.5) as i32 - 32768) as i16
    }
}

fn no_whole_samples(channel: &EdfWriterChannel, record_seconds: f64) -> FileError {
    let EdfWriterChannel { label, rate_hz, .. } = channel;
    let way_out = match record_seconds_for(&[*rate_hz]) {
        Some(seconds) => format!("use records of {seconds} s, or of a duration that fits all channels"),
        None => "resample the channel first".to_owned(),
    };
    FileError::Request(format!(
        "channel {label:?} at {rate_hz} Hz has no whole number of samples from 1 to 99999999 in a record of {record_seconds} s; \
         {way_out}"
    ))
}

fn written_range(channel: &EdfWriterChannel, warnings: &mut Vec<String>) -> Result<[End; 2], FileError> {
    let EdfWriterChannel { label, unit, physical_range: [low, high], .. } = channel;
    if !(low.is_finite() && high.is_finite() && low <= high) {
        return Err(FileError::Request(format!(
            "channel {label:?} has the range from {low} to {high}; give two finite numbers, the smaller one first"
        )));
    }
    let is_flat = low == high;
    let ends =
        [end_of_range(*low, Toward::Lower), end_of_range(if is_flat { high + 1.0 } else { *high }, Toward::Higher)];
    let [Some(written_low), Some(written_high)] = ends else {
        return Err(FileError::Request(format!(
            "channel {label:?} has the range from {low} to {high} {unit}, and the header has eight characters for an end; use a \
             larger unit, or leave out values that are no signal"
        )));
    };
    let wider = (written_high.value - written_low.value) / (high - low);
    if !is_flat && wider > 2.0 {
        warnings.push(format!(
            "channel {label:?}: its range from {low} to {high} {unit} is written as {} to {}, the nearest that the header's \
             eight characters hold, so its values are {wider:.0} times as coarse; use a smaller unit",
            written_low.text, written_high.text
        ));
    }
    Ok([written_low, written_high])
}
