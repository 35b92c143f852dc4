//! Rows on their way from the run to the file: a buffer in memory, and what it holds at most. Pure.

use std::ops::Range;
use std::time::Duration;

use crate::persist::journal::database::Row;
use crate::record::{FailureKind, ItemRecord};
use crate::sync::SystemTime;

/// The limits of a buffer: rows, and bytes of texts and values together. The last row may go over the bytes by its own
/// size. Three times this may be in memory while the file cannot be written: a full queue, and a buffer of the writer that
/// took a full queue just before it was full itself.
pub(super) const MOST_ROWS: usize = 1 << 16;
pub(super) const MOST_BYTES: usize = 64 << 20;
/// A buffer that grew beyond this is freed after its rows are written.
///
/// One large value would otherwise keep its memory to the end of the run.
const KEPT_BYTES: usize = 4 << 20;

/// Rows on their way, one after the other in two buffers, so that a row costs no allocation of its own.
#[derive(Debug, Default)]
pub(super) struct Rows {
    heads: Vec<Head>,
    texts: String,
    values: Vec<u8>,
}

/// A row without its texts and value: where they are.
///
/// Ranges and not references, because the buffers grow and move while rows are added.
#[derive(Debug)]
struct Head {
    place: usize,
    key: Range<usize>,
    fingerprint: Option<Range<usize>>,
    failure: Option<(FailureKind, Range<usize>)>,
    attempts: u32,
    started: SystemTime,
    elapsed: Duration,
    cpu: Option<Duration>,
    worker: Option<u32>,
    peak_memory: Option<u64>,
    amounts: Option<Range<usize>>,
    value: Option<Range<usize>>,
    /// The file does not take it, and that has been said.
    is_skipped: bool,
}

impl Rows {
    pub(super) fn are_too_many(&self) -> bool {
        self.heads.len() >= MOST_ROWS || self.texts.len() + self.values.len() >= MOST_BYTES
    }

    /// Copies the key, the fingerprint, the failure's message and the amounts into `texts`, and the value into
    /// `values`.
    pub(super) fn push(&mut self, record: &ItemRecord, fingerprint: Option<&str>, value: Option<&[u8]>) {
        let amounts = (!record.amounts.is_empty())
            .then(|| serde_json::to_string(&record.amounts).expect("names and numbers have JSON"));
        let texts = &mut self.texts;
        let head = Head {
            place: record.index,
            key: add_text(texts, &record.key),
            fingerprint: fingerprint.map(|fingerprint| add_text(texts, fingerprint)),
            failure: record.failure.as_ref().map(|failure| (failure.kind, add_text(texts, &failure.message))),
            attempts: record.attempts,
            started: record.started,
            elapsed: record.elapsed,
            cpu: record.cpu,
            worker: record.worker,
            peak_memory: record.peak_memory,
            amounts: amounts.map(|amounts| add_text(texts, &amounts)),
            value: value.map(|value| {
                let start = self.values.len();
                self.values.extend_from_slice(value);
                start..self.values.len()
            }),
            is_skipped: false,
        };
        self.heads.push(head);
    }

    /// Moves all rows of the other buffer behind those of this one.
    ///
    /// Costs a copy of the bytes, and none where this buffer is empty.
    pub(super) fn append(&mut self, other: &mut Self) {
        if self.is_empty() {
            std::mem::swap(self, other);
        }
        let (texts, values) = (self.texts.len(), self.values.len());
        self.texts.push_str(&other.texts);
        self.values.extend_from_slice(&other.values);
        self.heads.extend(other.heads.drain(..).map(|head| head.moved(texts, values)));
        other.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.heads.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// The row with this number, from 0; `None` for one that is skipped.
    pub(super) fn get(&self, row_idx: usize) -> Option<Row<'_>> {
        let head = &self.heads[row_idx];
        (!head.is_skipped).then(|| Row {
            place: head.place,
            key: &self.texts[head.key.clone()],
            fingerprint: head.fingerprint.clone().map(|range| &self.texts[range]),
            failure: head.failure.clone().map(|(kind, range)| (kind, &self.texts[range])),
            attempts: head.attempts,
            started: head.started,
            elapsed: head.elapsed,
            cpu: head.cpu,
            worker: head.worker,
            peak_memory: head.peak_memory,
            amounts: head.amounts.clone().map(|range| &self.texts[range]),
            value: head.value.clone().map(|range| &self.values[range]),
        })
    }

    /// The keys of the rows from this number on that are not skipped.
    pub(super) fn keys_from(&self, row_idx: usize) -> impl Iterator<Item = &str> {
        let heads = self.heads[row_idx..].iter().filter(|head| !head.is_skipped);
        heads.map(|head| &self.texts[head.key.clone()])
    }

    pub(super) fn skip(&mut self, row_idx: usize) {
        self.heads[row_idx].is_skipped = true;
    }

    /// Keeps the room for the next exchange, up to [`KEPT_BYTES`].
    pub(super) fn clear(&mut self) {
        if self.texts.capacity() + self.values.capacity() > KEPT_BYTES {
            *self = Self::default();
        }
        self.heads.clear();
        self.texts.clear();
        self.values.clear();
    }
}

impl Head {
    /// The same row in buffers in which its texts and its value lie so much later.
    fn moved(mut self, texts: usize, values: usize) -> Self {
        let shift = |range: &mut Range<usize>, by: usize| (range.start, range.end) = (range.start + by, range.end + by);
        shift(&mut self.key, texts);
        let optional = [&mut self.fingerprint, &mut self.amounts];
        optional.into_iter().flatten().for_each(|range| shift(range, texts));
        if let Some((_, range)) = &mut self.failure {
            shift(range, texts);
        }
        if let Some(range) = &mut self.value {
            shift(range, values);
        }
        self
    }
}

/// Appends the text and gives its range in bytes.
fn add_text(texts: &mut String, text: &str) -> Range<usize> {
    let start = texts.len();
    texts.push_str(text);
    start..texts.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::journal::store::tests::{failed, succeeded};
    use crate::record::Amount;

    #[test]
    fn rows_that_are_moved_behind_others_stay_what_they_are() {
        let mut full = failed(3, "c");
        full.amounts = vec![Amount { name: "samples".into(), value: 1.0 }];
        let records = [
            (succeeded(1, "a"), None, Some(&b"one"[..])),
            (full, Some("5 bytes"), None),
            (succeeded(2, ""), None, Some(b"two")),
        ];
        let texts = |rows: &Rows| (0..rows.len()).map(|idx| format!("{:?}", rows.get(idx))).collect::<Vec<_>>();
        let mut expected = Rows::default();
        for (record, fingerprint, value) in &records {
            expected.push(record, *fingerprint, *value);
        }
        for n_first in 0..=3 {
            let (mut first, mut second) = (Rows::default(), Rows::default());
            for (idx, (record, fingerprint, value)) in records.iter().enumerate() {
                if idx < n_first { &mut first } else { &mut second }.push(record, *fingerprint, *value);
            }
            first.append(&mut second);
            assert_eq!((texts(&first), second.len()), (texts(&expected), 0), "{n_first}");
        }
    }
}
