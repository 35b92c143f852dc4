//! When each record begins, and what the annotation channels say.

use consumer_support::input::{Budget, InputError, require, reserved};

use crate::text::decoded_text;

use super::annotations::{record_onset, records_of, stamped_lists};
use super::{EdfAnnotation, EdfFile, EdfKind};

/// The times of a file's records and its annotations, as the annotation channels state them.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct EdfTimeline {
    /// When each record begins, nanoseconds since 1970-01-01 UTC. `None` where an EDF+D record states no usable onset: its samples have
    /// no time.
    pub onsets_ns: Vec<Option<i64>>,
    /// The annotations of the whole file in order of onset; those of equal onset in the file's order.
    pub annotations: Vec<EdfAnnotation>,
    /// What the annotation channels should state and do not.
    pub missing: Vec<String>,
    /// What they state and looks doubtful.
    pub warnings: Vec<String>,
}

impl EdfTimeline {
    /// `lists` holds each annotation channel: its bytes per record, and the bytes of all records.
    pub(super) fn new(file: &EdfFile, lists: &[(usize, Vec<u8>)]) -> Result<Self, InputError> {
        let mut timeline = Self {
            onsets_ns: reserved(file.n_records())?,
            annotations: Vec::new(),
            missing: Vec::new(),
            warnings: Vec::new(),
        };
        let record_ns = file.header.record_ns;
        let on_time = (0..file.n_records() as i64).map(|idx| Some(file.start_ns + idx * record_ns));
        timeline.onsets_ns.extend(on_time);
        if let (true, Some((n_bytes, bytes))) = (file.kind() != EdfKind::Plain, lists.first()) {
            let clock_ns = file.header.clock_ns;
            // The end of each record must fit 64 bits too, for the timestamps count up to it.
            let fits = |onset: &i64| onset.checked_add(record_ns).is_some();
            let stated = records_of(bytes, *n_bytes)
                .map(|record| record_onset(record).and_then(|onset| onset.checked_add(clock_ns)).filter(fits));
            match file.kind() {
                EdfKind::Discontinuous => timeline.follow(stated, record_ns),
                _ if file.channels().is_empty() => {}
                _ => timeline.compare(stated),
            }
        }
        timeline.collect_annotations(file.header.clock_ns, lists)?;
        Ok(timeline)
    }

    /// EDF+D: the times are those that the records state.
    fn follow(&mut self, stated: impl Iterator<Item = Option<i64>>, record_ns: i64) {
        // A channel of 0 bytes states nothing, so the counted onsets go first.
        self.onsets_ns.fill(None);
        for (onset, stated) in self.onsets_ns.iter_mut().zip(stated) {
            *onset = stated;
        }
        let lost = tally(self.onsets_ns.iter().map(Option::is_none));
        if let Some((first, n_lost)) = lost {
            self.missing.push(format!(
                "{n_lost} of {} records state no onset (the first is record {first}), so their samples have no time and \
                 are left out wherever times are needed",
                self.onsets_ns.len()
            ));
        }
        let mut end_ns = i64::MIN;
        let is_early = |onset: &i64| *onset < std::mem::replace(&mut end_ns, *onset + record_ns);
        let n_early = self.onsets_ns.iter().flatten().copied().filter(is_early).count();
        if n_early > 0 {
            self.warnings.push(format!(
                "{n_early} records begin before the record ahead of them ends; sort the signals or check the \
                 recorder's clock"
            ));
        }
    }

    /// EDF+C: the times follow the count of records; what the records state is only a check.
    fn compare(&mut self, stated: impl Iterator<Item = Option<i64>>) {
        const TOLERANCE_NS: u64 = 1_000_000;
        let differs = |(counted, stated): (&Option<i64>, Option<i64>)| match (counted, stated) {
            (Some(counted), Some(stated)) => counted.abs_diff(stated) > TOLERANCE_NS,
            _ => false,
        };
        if let Some((first, n_different)) = tally(self.onsets_ns.iter().zip(stated).map(differs)) {
            self.warnings.push(format!(
                "marked continuous, but {n_different} records state another time than their count gives (the first is \
                 record {first}); times follow the count, so mark the file EDF+D if it has gaps"
            ));
        }
    }

    fn collect_annotations(&mut self, clock_ns: i64, lists: &[(usize, Vec<u8>)]) -> Result<(), InputError> {
        let all_lists =
            || lists.iter().flat_map(|(n_bytes, bytes)| records_of(bytes, *n_bytes)).flat_map(stamped_lists);
        // Counted first: growing by doubling would take several times the memory.
        let n_texts: usize = all_lists().flatten().map(|list| list.texts().count()).sum();
        let way_out = "export the recording with fewer annotations";
        require(n_texts as u64, Budget::STANDARD.annotations, || "annotations", way_out)?;
        self.annotations = reserved(n_texts)?;
        let mut n_unreadable = 0;
        for list in all_lists() {
            match list.and_then(|list| Some((list, list.onset_ns.checked_add(clock_ns)?))) {
                Some((list, onset_ns)) => self.annotations.extend(list.texts().map(|text| EdfAnnotation {
                    onset_ns,
                    duration_ns: list.duration_ns,
                    text: decoded_text(text),
                })),
                None => n_unreadable += 1,
            }
        }
        if n_unreadable > 0 {
            self.missing.push(format!("{n_unreadable} annotations have no readable time and are left out"));
        }
        // Keeps the file's order of equal onsets, as `sort_by_key` would, with less memory.
        self.annotations.sort_by_cached_key(|annotation| annotation.onset_ns);
        Ok(())
    }
}

/// Where the first `true` is, and how many there are; `None` when there are none.
fn tally(claims: impl Iterator<Item = bool>) -> Option<(usize, usize)> {
    let mut positions = claims.enumerate().filter(|(_, claim)| *claim).map(|(idx, _)| idx);
    let first = positions.next()?;
    Some((first, 1 + positions.count()))
}
