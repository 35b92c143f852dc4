//! One channel of a recording, whatever its format.

use crate::edf::EdfChannel;

/// One channel as the header describes it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FileChannel {
    /// A name that no other channel of the file has: the label, or for its second appearance the label with `#2`, and so on.
    pub name: String,
    /// The label in the file.
    pub label: String,
    /// The unit of the samples, such as `uV`; nothing is converted. See [`unit_in_volts`](crate::unit_in_volts).
    pub unit: String,
    /// Samples per second.
    pub rate_hz: f64,
    /// The number of samples that will be read.
    pub n_samples: usize,
    /// Samples in each record; 1 where a format has no records.
    pub samples_per_record: usize,
    /// What the electrode or sensor is; for BrainVision, the name of the reference channel.
    pub transducer: String,
    /// The filters that the recorder applied; empty where the format does not say.
    pub prefilter: String,
    /// The values, in [`FileChannel::unit`], at the two ends of `digital_range`; `None` for samples stored as floating-point numbers, and
    /// where the header is unreadable.
    pub physical_range: Option<[f64; 2]>,
    /// The stored numbers at the two ends of `physical_range`.
    pub digital_range: Option<[f64; 2]>,
    /// Why this channel cannot be read, and the way out; `None` when it can.
    pub refused: Option<String>,
}

impl FileChannel {
    pub(crate) fn of_edf(channel: &EdfChannel, n_records: usize) -> Self {
        let known = |range: [f64; 2]| range.iter().all(|end| end.is_finite()).then_some(range);
        Self {
            name: channel.name.clone(),
            label: channel.label.clone(),
            unit: channel.unit.clone(),
            rate_hz: channel.rate_hz,
            n_samples: n_records * channel.samples_per_record,
            samples_per_record: channel.samples_per_record,
            transducer: channel.transducer.clone(),
            prefilter: channel.prefilter.clone(),
            physical_range: known(channel.physical_range),
            digital_range: known(channel.digital_range),
            refused: channel.refused.clone(),
        }
    }
}

/// The trigger that a sample of a stimulus channel holds, as MNE reads one: the lower 17 bits of the value, cut to a whole number.
///
/// A BioSemi receiver writes 24 bits: the trigger input are the lower 16, bit 16 marks the start of an epoch, and those above are the
/// state of the amplifier. A value of the channel `Status` of a BDF file is these 24 bits; `value as u32 & 0xffff` is the trigger alone.
/// What is no number counts as 0.
///
/// ```
/// assert_eq!(signal_files::stim_value(6.86), 6);
/// assert_eq!(signal_files::stim_value(f64::from(0x10_0080)), 0x80);
/// ```
#[must_use]
pub fn stim_value(value: f64) -> i64 {
    value as i64 & 0x1_ffff
}
