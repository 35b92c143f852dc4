//! Time-stamped annotation lists: the bytes of an annotation channel. Leaves to others: what the times mean together (`timeline.rs`).

use crate::clock::nanoseconds;
use crate::text::ascii;

/// The bytes of one annotation channel, record by record; a channel of 0 bytes has none.
pub(super) fn records_of(bytes: &[u8], n_bytes: usize) -> impl Iterator<Item = &[u8]> + Clone {
    bytes.chunks_exact(n_bytes.max(1))
}

/// A time-stamped annotation list (TAL): one onset, and texts that each end with byte 20.
#[derive(Debug, Clone, Copy)]
pub(super) struct StampedList<'a> {
    pub(super) onset_ns: i64,
    pub(super) duration_ns: Option<i64>,
    texts: &'a [u8],
}

impl<'a> StampedList<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == 20)?;
        let (stamp, texts) = (&bytes[..end], &bytes[end + 1..]);
        let (onset, duration) = match stamp.iter().position(|byte| *byte == 21) {
            Some(split) => (&stamp[..split], Some(&stamp[split + 1..])),
            None => (stamp, None),
        };
        let onset_ns = nanoseconds(ascii(onset)?)?;
        let duration_ns = match duration {
            Some(duration) => Some(nanoseconds(ascii(duration)?).filter(|ns| *ns >= 0)?),
            None => None,
        };
        Some(Self { onset_ns, duration_ns, texts })
    }

    /// The texts that say something; the empty first text of a record's own time stamp says nothing.
    pub(super) fn texts(self) -> impl Iterator<Item = &'a [u8]> {
        self.texts.split(|byte| *byte == 20).filter(|text| !text.is_empty())
    }

    /// A record's own time stamp has an empty text ahead of any other.
    fn keeps_time(self) -> bool {
        self.texts.first() == Some(&20)
    }
}

/// The lists of one record in one annotation channel; `None` for one that cannot be read.
pub(super) fn stamped_lists(record: &[u8]) -> impl Iterator<Item = Option<StampedList<'_>>> {
    record.split(|byte| *byte == 0).filter(|list| !list.is_empty()).map(StampedList::parse)
}

/// When the record of these lists begins, from the zero of the header's clock.
pub(super) fn record_onset(record: &[u8]) -> Option<i64> {
    stamped_lists(record).next()?.filter(|list| list.keeps_time()).map(|list| list.onset_ns)
}
