//! Where the time of a recording jumps.

use crate::channel::FileChannel;
use crate::edf::EdfFile;

/// A jump of time between two records of EDF+D or BDF+D.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// How many records are ahead of the gap; the record of this number, counted from 0, begins behind it.
    pub record: usize,
    /// When the record ahead of the gap ends, nanoseconds from the first sample.
    pub onset_ns: i64,
    /// By how much the next record begins later; negative where it begins before that end.
    pub duration_ns: i64,
}

impl Gap {
    /// The first sample of the channel behind the gap, counted without the gap.
    #[must_use]
    pub fn sample_index(&self, channel: &FileChannel) -> usize {
        self.record.saturating_mul(channel.samples_per_record)
    }

    /// When the record ahead of the gap ends, seconds from the first sample.
    #[must_use]
    pub fn onset_s(&self) -> f64 {
        self.onset_ns as f64 / 1e9
    }

    /// The length in seconds.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        self.duration_ns as f64 / 1e9
    }
}

/// Jumps by half a sample of the fastest channel or more, counted from the last jump, so that a clock that drifts shows too. A record that
/// states no time is taken to follow the one ahead of it.
pub(crate) fn gaps_of(file: &EdfFile, onsets_ns: &[Option<i64>]) -> Vec<Gap> {
    let record_ns = file.record_duration_ns();
    let n_most = file.channels().iter().map(|channel| channel.samples_per_record).max().unwrap_or(0).max(1);
    let tolerance_ns = record_ns / (2 * n_most as i64);
    let mut gaps = Vec::new();
    let (mut last_jump, mut last_onset) = (0, file.start_ns());
    for (record, onset) in onsets_ns.iter().enumerate() {
        let Some(onset) = onset else { continue };
        let since = ((record - last_jump) as i64).saturating_mul(record_ns);
        let expected = last_onset.saturating_add(since);
        let duration_ns = onset.saturating_sub(expected);
        if duration_ns.saturating_abs() > tolerance_ns {
            gaps.push(Gap { record, onset_ns: expected.saturating_sub(file.start_ns()), duration_ns });
            (last_jump, last_onset) = (record, *onset);
        }
    }
    gaps
}
