//! Time-stamped annotation lists, as bytes of the annotation channel of each record.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::annotation::FileAnnotation;
use crate::clock::NS_PER_SECOND;
use crate::error::FileError;

use super::EdfHeader;

/// When each record begins, nanoseconds from the first sample.
#[derive(Debug)]
pub(super) struct RecordTimes {
    record_ns: i64,
    n_records: usize,
    /// The first record behind each gap, and by how much it and all later ones are shifted.
    shifts: Vec<(usize, i64)>,
    /// The part of a second by which the first sample is behind the header's clock.
    fraction_ns: i64,
}

impl RecordTimes {
    pub(super) fn new(header: &EdfHeader, record_ns: i64, n_records: usize) -> Result<Self, FileError> {
        let mut gaps = header.gaps.clone();
        gaps.sort_by_key(|gap| gap.record);
        let mut shifts = Vec::with_capacity(gaps.len());
        let mut shift_ns = 0_i64;
        for gap in &gaps {
            if gap.record == 0 || gap.record >= n_records {
                return Err(FileError::Request(format!(
                    "a gap is ahead of record {}, and there are records 0 to {}; put it between two records, or move the start",
                    gap.record,
                    n_records - 1
                )));
            }
            shift_ns = shift_ns.checked_add(gap.duration_ns).ok_or_else(too_far)?;
            shifts.push((gap.record, shift_ns));
        }
        let length_ns = record_ns.checked_mul(n_records as i64).and_then(|length| length.checked_add(shift_ns));
        length_ns.and_then(|length| length.checked_add(header.start_ns)).ok_or_else(too_far)?;
        Ok(Self { record_ns, n_records, shifts, fraction_ns: header.start_ns.rem_euclid(NS_PER_SECOND) })
    }

    fn onset_ns(&self, record: usize) -> i64 {
        let n_ahead = self.shifts.partition_point(|(first, _)| *first <= record);
        let shift_ns = n_ahead.checked_sub(1).map_or(0, |idx| self.shifts[idx].1);
        // The end of the file fits; a gap that a later one takes back may still reach too far, and stays at the end of time.
        (record as i64 * self.record_ns).saturating_add(shift_ns)
    }

    /// The last record that begins no later; the first one where all do.
    fn record_at(&self, onset_ns: i64) -> usize {
        let (mut low, mut high) = (0, self.n_records);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if self.onset_ns(middle) <= onset_ns { low = middle } else { high = middle }
        }
        low
    }
}

fn too_far() -> FileError {
    FileError::Request(
        "start, records and gaps reach beyond the year 2262, where 64-bit nanoseconds end; check them".to_owned(),
    )
}

/// What the annotation channel holds besides the time of each record.
#[derive(Debug)]
pub(super) struct AnnotationLists {
    pub(super) bytes_per_record: usize,
    of_records: BTreeMap<usize, Vec<u8>>,
}

/// Each annotation is in the record in which it begins; the densest record decides how many bytes all have.
pub(super) fn annotation_lists(
    annotations: &[FileAnnotation],
    times: &RecordTimes,
    warnings: &mut Vec<String>,
) -> AnnotationLists {
    let mut sorted: Vec<_> = annotations.iter().collect();
    sorted.sort_by_key(|annotation| annotation.onset_ns);
    let mut of_records: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let mut n_changed = 0;
    for annotation in sorted {
        let list = of_records.entry(times.record_at(annotation.onset_ns)).or_default();
        let text = allowed(&annotation.description);
        n_changed += usize::from(matches!(text, Cow::Owned(_)));
        append_annotation(list, annotation, &text, times.fraction_ns);
    }
    if n_changed > 0 {
        warnings.push(format!(
            "{n_changed} annotations have characters that end one in EDF+, which were written as spaces"
        ));
    }
    let times_only = (0..times.n_records).map(|record| time_stamp(record, times).len()).max().unwrap_or(0);
    let with_lists = of_records.iter().map(|(record, list)| time_stamp(*record, times).len() + list.len()).max();
    // Whole samples of two bytes.
    let bytes_per_record = times_only.max(with_lists.unwrap_or(0)).next_multiple_of(2);
    AnnotationLists { bytes_per_record, of_records }
}

impl AnnotationLists {
    pub(super) fn of_record(&self, record: usize, times: &RecordTimes) -> Vec<u8> {
        let mut bytes = time_stamp(record, times);
        bytes.extend(self.of_records.get(&record).into_iter().flatten());
        bytes.resize(self.bytes_per_record, 0);
        bytes
    }
}

/// The time of a record, with an empty text.
fn time_stamp(record: usize, times: &RecordTimes) -> Vec<u8> {
    let onset = seconds_text(times.onset_ns(record).saturating_add(times.fraction_ns));
    format!("{onset}\u{14}\u{14}\0").into_bytes()
}

fn append_annotation(list: &mut Vec<u8>, annotation: &FileAnnotation, text: &str, fraction_ns: i64) {
    list.extend(seconds_text(annotation.onset_ns.saturating_add(fraction_ns)).bytes());
    if let Some(duration_ns) = annotation.duration_ns.filter(|duration_ns| *duration_ns >= 0) {
        list.push(21);
        list.extend(seconds_text(duration_ns).trim_start_matches('+').bytes());
    }
    list.push(20);
    list.extend(text.bytes());
    list.extend([20, 0]);
}

/// Without the bytes that end a text, a list or an onset.
fn allowed(text: &str) -> Cow<'_, str> {
    const ENDS: [char; 3] = ['\0', '\u{14}', '\u{15}'];
    if text.contains(ENDS) { Cow::Owned(text.replace(ENDS, " ")) } else { Cow::Borrowed(text) }
}

/// Decimal seconds with their sign, exactly.
fn seconds_text(ns: i64) -> String {
    let sign = if ns < 0 { '-' } else { '+' };
    let (whole, fraction) = (ns.unsigned_abs() / NS_PER_SECOND as u64, ns.unsigned_abs() % NS_PER_SECOND as u64);
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{fraction:09}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::nanoseconds;

    #[test]
    fn seconds_are_written_as_they_are_read() {
        for (ns, text) in
            [(0, "+0"), (1_500_000_000, "+1.5"), (-1, "-0.000000001"), (i64::MAX, "+9223372036.854775807")]
        {
            assert_eq!(seconds_text(ns), text);
            assert_eq!(nanoseconds(text), Some(ns));
        }
    }
}
