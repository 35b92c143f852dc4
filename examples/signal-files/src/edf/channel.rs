//! One channel: what its part of the header says, and how its stored numbers become values.

use crate::clock::NS_PER_SECOND;

use super::fields::{
    DIGITAL_MAX, DIGITAL_MIN, HeaderBytes, PHYSICAL_MAX, PHYSICAL_MIN, PREFILTER, SampleWidth, TRANSDUCER, UNIT,
};

/// One channel as the header describes it. Annotation channels are not listed: their content is
/// [`EdfTimeline::annotations`](super::EdfTimeline::annotations).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EdfChannel {
    /// A name that no other channel of the file has: the label, or for its second appearance the label with `#2`, and so on.
    pub name: String,
    /// The label in the file, such as `EEG C3-M2`. Text that is not UTF-8 is taken as Latin-1.
    pub label: String,
    /// What the electrode or sensor is.
    pub transducer: String,
    /// The unit of the samples (the header's "physical dimension"), such as `uV`; nothing is converted.
    pub unit: String,
    /// The filters that the recorder applied.
    pub prefilter: String,
    /// Samples per second.
    pub rate_hz: f64,
    /// Samples in each record.
    pub samples_per_record: usize,
    /// The values, in [`EdfChannel::unit`], at the two ends of `digital_range`; NaN where the header is unreadable.
    pub physical_range: [f64; 2],
    /// The stored numbers at the two ends of `physical_range`; NaN where the header is unreadable.
    pub digital_range: [f64; 2],
    /// Why this channel cannot be read, and the way out; `None` when it can.
    pub refused: Option<String>,
    /// Where the channel's samples begin within a record.
    pub(super) offset: u64,
    pub(super) width: SampleWidth,
}

/// Where a channel is in the header and in each record.
pub(super) struct ChannelPlace {
    pub(super) idx: usize,
    pub(super) offset: u64,
    pub(super) samples_per_record: usize,
}

impl EdfChannel {
    pub(super) fn read(bytes: &HeaderBytes, name: String, label: &str, place: &ChannelPlace, record_ns: i64) -> Self {
        let entry = |field| bytes.of_channel(field, place.idx, Some(&name));
        let ends = [&PHYSICAL_MIN, &PHYSICAL_MAX, &DIGITAL_MIN, &DIGITAL_MAX].map(|end| entry(end).real());
        let [physical_min, physical_max, digital_min, digital_max] = ends.clone().map(|end| end.unwrap_or(f64::NAN));
        let mut channel = Self {
            label: label.to_string(),
            transducer: entry(&TRANSDUCER).text(),
            unit: entry(&UNIT).text(),
            prefilter: entry(&PREFILTER).text(),
            rate_hz: place.samples_per_record as f64 * NS_PER_SECOND as f64 / record_ns as f64,
            samples_per_record: place.samples_per_record,
            physical_range: [physical_min, physical_max],
            digital_range: [digital_min, digital_max],
            refused: ends.into_iter().find_map(Result::err),
            offset: place.offset,
            width: bytes.width,
            name: String::new(),
        };
        channel.refused = channel.refused.take().or_else(|| channel.unusable(&name));
        channel.name = name;
        channel
    }

    /// Why the numbers, each readable, still give no samples.
    fn unusable(&self, name: &str) -> Option<String> {
        let [physical_min, physical_max] = self.physical_range;
        let [digital_min, digital_max] = self.digital_range;
        let reason = if self.samples_per_record == 0 {
            "it has 0 samples per record".to_string()
        } else if digital_min == digital_max {
            format!("digital minimum and maximum are both {digital_min}, so its values have no scale")
        } else if physical_min == physical_max {
            format!("physical minimum and maximum are both {physical_min}, so its values have no scale")
        } else if self.width.stored_range().iter().any(|stored| !self.physical(*stored).is_finite()) {
            "its physical and digital ranges give values beyond any number".to_string()
        } else {
            return None;
        };
        Some(format!("channel {name:?} cannot be read: {reason}; leave it out or correct the header"))
    }

    /// Appends the values of stored samples, in physical units.
    pub(super) fn decode(&self, bytes: &[u8], values: &mut Vec<f64>) {
        let ([minimum, _], [origin, _], gain) = (self.physical_range, self.digital_range, self.gain());
        let value = |stored: i32| minimum + (f64::from(stored) - origin) * gain;
        match self.width {
            SampleWidth::Edf => {
                values.extend(bytes.as_chunks::<2>().0.iter().map(|pair| value(i16::from_le_bytes(*pair).into())))
            }
            SampleWidth::Bdf if self.is_status() => {
                values.extend(bytes.as_chunks::<3>().0.iter().map(|three| f64::from(stored_24(*three) & 0xff_ffff)));
            }
            SampleWidth::Bdf => values.extend(bytes.as_chunks::<3>().0.iter().map(|three| value(stored_24(*three)))),
        }
    }

    /// Whether this is the channel of trigger bits that BioSemi's recorders write; see [`EdfFile::read`](super::EdfFile::read).
    #[must_use]
    pub fn is_status(&self) -> bool {
        self.width == SampleWidth::Bdf && self.label == "Status"
    }

    /// A stored number in physical units.
    fn physical(&self, stored: i32) -> f64 {
        self.physical_range[0] + (f64::from(stored) - self.digital_range[0]) * self.gain()
    }

    pub(super) fn gain(&self) -> f64 {
        (self.physical_range[1] - self.physical_range[0]) / (self.digital_range[1] - self.digital_range[0])
    }

    pub(super) fn n_bytes(&self) -> u64 {
        self.samples_per_record as u64 * self.width.bytes()
    }
}

/// A sample of BDF: three bytes, the lowest first, in two's complement.
fn stored_24([low, middle, high]: [u8; 3]) -> i32 {
    // In the upper three bytes first, so that the shift back brings the sign.
    i32::from_le_bytes([0, low, middle, high]) >> 8
}
