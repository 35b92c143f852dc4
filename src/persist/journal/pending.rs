//! Subtracts recorded items from the input: which items are to be computed, and which are resumed. Pure: no file, no
//! clock.
//!
//! A run uses one [`Recorded`]: it is made from the rows of the file before the first item, then asked once per item in
//! the calling thread. For items `a b c d` and records `a` (a value), `b` (a failure after 2 attempts) and `x` (a
//! value):
//!
//! | item | with `Failed` | with `Nothing` |
//! |---|---|---|
//! | `a` | resumed | resumed |
//! | `b` | to do, 2 earlier attempts | resumed, as a failure |
//! | `c`, `d` | to do | to do |
//!
//! `x` is no item of this run. Its record stays in the file and is left out of the results.

use crate::encoding::Format;
use crate::persist::journal::error::JournalError;
use crate::persist::journal::keys::Keys;
use crate::persist::journal::settings::{JournalSettings, OnChange, RetryRecorded};
use crate::record::{FailureKind, ItemRecord};

/// An item as an earlier run recorded it.
///
/// Also what a reader of the file makes its entries from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RecordedItem {
    /// `is_resumed` is true. The index is that of the earlier run until [`Recorded::look_up`] finds the item.
    pub(crate) record: ItemRecord,
    pub(crate) fingerprint: Option<String>,
    /// `None` for a failure, and for a success without a recorded value.
    pub(crate) value: Option<Vec<u8>>,
    /// How the value was written.
    pub(crate) format: Format,
}

/// The recorded items, looked up one at a time and in any order.
///
/// Memory: each recorded value until its item comes, and each key to the end. Keys of a stream grow without a bound,
/// which is the price of finding two items with the same key.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// The keys of `items`, then those of other lookups.
    keys: Keys,
    /// By the number of the key; taken out by its lookup.
    items: Vec<Option<RecordedItem>>,
    /// The index of the item that a key was looked up for, by the key's number.
    asked: Vec<Option<usize>>,
    on_change: OnChange,
    retry: RetryRecorded,
}

/// The state of an item at the start of a run.
///
/// The record is boxed, so that the usual answer of a first run is small.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ItemState {
    /// It is to be computed, and had this many attempts before.
    ToDo { earlier_attempts: u32 },
    /// It is finished, or failed and is not retried. Its record has the item's index in this run.
    Resumed(Box<RecordedItem>),
}

impl Recorded {
    /// Of two records with one key the later counts; `Database::newest` gives one per key. Costs one hash per record.
    pub(crate) fn new(recorded: Vec<RecordedItem>, settings: &JournalSettings) -> Self {
        let (mut keys, mut items) = (Keys::default(), Vec::with_capacity(recorded.len()));
        for item in recorded {
            let number = keys.number(&item.record.key);
            put(&mut items, number, Some(item));
        }
        let asked = vec![None; items.len()];
        Self { keys, items, asked, on_change: settings.on_change, retry: settings.retry }
    }

    /// The state of the item with this key. Compares the fingerprint if there is one now.
    ///
    /// Costs one hash and no allocation for a known key. What happens, in this order:
    ///
    /// 1. A key that was asked for before is an error, whatever is recorded.
    /// 2. Without a record, the item is to do.
    /// 3. With a fingerprint that differs, an item that would be resumed is refused or done again, as the settings say.
    ///    A record without a fingerprint differs from any fingerprint.
    /// 4. Otherwise the item is resumed, or done again with the attempts of its recorded failure.
    ///
    /// # Errors
    /// `DuplicateKey` with both indices, and `Changed` with both fingerprints.
    pub(crate) fn look_up(
        &mut self,
        index: usize,
        key: &str,
        fingerprint: Option<&str>,
    ) -> Result<ItemState, JournalError> {
        let number = self.keys.number(key);
        if let Some(&Some(first)) = self.asked.get(number) {
            return Err(JournalError::DuplicateKey { key: key.to_owned(), first, second: index });
        }
        put(&mut self.asked, number, Some(index));
        // Each key is looked up once, so its record is not needed again.
        let Some(mut item) = self.items.get_mut(number).and_then(Option::take) else {
            return Ok(ItemState::ToDo { earlier_attempts: 0 });
        };
        let is_done_again = is_done_again(&item.record, self.retry);
        if let Some(now) = fingerprint.filter(|_| item.fingerprint.as_deref() != fingerprint) {
            return match self.on_change {
                // No value of the old input could be mistaken for one of the new.
                _ if is_done_again => Ok(ItemState::ToDo { earlier_attempts: 0 }),
                OnChange::Refuse => Err(changed_fingerprint(key, item.fingerprint.as_deref(), now)),
                // Attempts with another input do not count.
                OnChange::Recompute => Ok(ItemState::ToDo { earlier_attempts: 0 }),
            };
        }
        if is_done_again {
            let earlier_attempts = if item.record.failure.is_some() { item.record.attempts } else { 0 };
            return Ok(ItemState::ToDo { earlier_attempts });
        }
        item.record.index = index;
        Ok(ItemState::Resumed(Box::new(item)))
    }
}

/// Replaces the value with this number, or appends it as the next one.
///
/// The number is at most the length of the list, because [`Keys`] leaves no gap.
fn put<V>(list: &mut Vec<V>, number: usize, value: V) {
    match list.get_mut(number) {
        Some(place) => *place = value,
        None => list.push(value),
    }
}

fn changed_fingerprint(key: &str, recorded: Option<&str>, now: &str) -> JournalError {
    JournalError::Changed {
        what: format!("the fingerprint of {key:?}"),
        recorded: recorded.map_or("not taken".to_owned(), |recorded| format!("{recorded:?}")),
        now: format!("{now:?}"),
    }
}

/// Whether an item with this record runs although it has one.
fn is_done_again(record: &ItemRecord, retry: RetryRecorded) -> bool {
    match (retry, &record.failure) {
        (RetryRecorded::All, _) | (RetryRecorded::Failed, Some(_)) => true,
        // It was never finished, so it has no result.
        (RetryRecorded::Nothing, Some(failure)) => failure.kind == FailureKind::Cancelled,
        (RetryRecorded::Failed | RetryRecorded::Nothing, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Journal;
    use crate::golden;
    use crate::persist::journal::store::tests::{failed, succeeded};

    /// What is left of a list of items.
    #[derive(Debug, Default, PartialEq)]
    struct Pending {
        /// The items to do, in input order.
        todo: Vec<usize>,
        /// The attempts of earlier runs, where there were any: index and count, in input order.
        earlier_attempts: Vec<(usize, u32)>,
        /// Successes, and failures that are not tried again, in input order.
        resumed: Vec<(usize, RecordedItem)>,
    }

    /// Subtracts what is recorded from the items of these keys. What is recorded and not among the items is left out.
    fn pending(
        keys: &[String],
        fingerprints: Option<&[String]>,
        recorded: Vec<RecordedItem>,
        settings: &JournalSettings,
    ) -> Result<Pending, JournalError> {
        let mut recorded = Recorded::new(recorded, settings);
        let mut pending = Pending::default();
        for (index, key) in keys.iter().enumerate() {
            let fingerprint = fingerprints.map(|fingerprints| fingerprints[index].as_str());
            match recorded.look_up(index, key, fingerprint)? {
                ItemState::ToDo { earlier_attempts } => {
                    pending.todo.push(index);
                    if earlier_attempts > 0 {
                        pending.earlier_attempts.push((index, earlier_attempts));
                    }
                }
                ItemState::Resumed(item) => pending.resumed.push((index, *item)),
            }
        }
        Ok(pending)
    }

    fn settings(retry: RetryRecorded, on_change: OnChange) -> JournalSettings {
        Journal::<u8>::at("unused").retry_recorded(retry).on_change(on_change).settings
    }

    fn recorded(record: ItemRecord) -> RecordedItem {
        RecordedItem { record, fingerprint: None, value: None, format: Format::Compact }
    }

    fn keys(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn what_is_left_after_a_kill_is_what_the_golden_cases_say() {
        let Some(cases) = golden::cases("batch/resume.json") else { return };
        for case in cases {
            let names = |field: &str| -> Vec<String> { serde_json::from_value(case[field].clone()).unwrap() };
            let items = names("items");
            let done = names("completed").into_iter().map(|key| recorded(succeeded(9, &key)));
            let broken = names("failed").into_iter().map(|key| recorded(failed(9, &key)));
            let recorded: Vec<RecordedItem> = done.chain(broken).collect();
            // `remaining_skip_failed` is what Oscura does without being asked; here it takes `Nothing`.
            for (retry, left) in
                [(RetryRecorded::Failed, "remaining_retry_failed"), (RetryRecorded::Nothing, "remaining_skip_failed")]
            {
                let settings = settings(retry, OnChange::Refuse);
                let pending = pending(&items, None, recorded.clone(), &settings).unwrap();
                let todo: Vec<&String> = pending.todo.iter().map(|&index| &items[index]).collect();
                assert_eq!(todo, names(left).iter().collect::<Vec<_>>(), "{} {left}", case["id"]);
                assert_eq!(pending.todo.len() + pending.resumed.len(), items.len());
                assert!(pending.resumed.iter().all(|(index, item)| item.record.index == *index));
            }
        }
    }

    #[test]
    fn an_input_that_was_mended_after_its_failure_is_tried_again_and_not_refused() {
        let broken = RecordedItem { fingerprint: Some("torn".to_owned()), ..recorded(failed(0, "a")) };
        let refusing = |retry| settings(retry, OnChange::Refuse);
        let mended = Some(&["whole".to_owned()][..]);
        let pending_of = |settings: &JournalSettings| pending(&keys(&["a"]), mended, vec![broken.clone()], settings);
        let pending = pending_of(&refusing(RetryRecorded::Failed)).unwrap();
        assert_eq!(
            (pending.todo, pending.earlier_attempts),
            (vec![0], vec![]),
            "another input's attempts do not count"
        );
        assert!(matches!(pending_of(&refusing(RetryRecorded::Nothing)), Err(JournalError::Changed { .. })));
    }

    #[test]
    fn all_is_everything_again() {
        let recorded = vec![recorded(succeeded(0, "a")), recorded(failed(1, "b"))];
        let pending =
            pending(&keys(&["a", "b"]), None, recorded, &settings(RetryRecorded::All, OnChange::Refuse)).unwrap();
        assert_eq!((pending.todo, pending.earlier_attempts), (vec![0, 1], vec![(1, 2)]));
    }

    #[test]
    fn items_may_move_and_vanish_between_runs() {
        let recorded = vec![recorded(succeeded(0, "a")), recorded(succeeded(1, "b")), recorded(succeeded(2, "gone"))];
        let settings = settings(RetryRecorded::Failed, OnChange::Refuse);
        let pending = pending(&keys(&["b", "new", "a"]), None, recorded, &settings).unwrap();
        assert_eq!(pending.todo, [1]);
        let resumed: Vec<_> = pending.resumed.iter().map(|(index, item)| (*index, item.record.key.as_str())).collect();
        assert_eq!(resumed, [(0, "b"), (2, "a")]);
    }

    #[test]
    fn two_items_of_one_key_are_refused_with_both_places() {
        let settings = settings(RetryRecorded::Failed, OnChange::Refuse);
        let error = pending(&keys(&["a", "b", "a"]), None, Vec::new(), &settings).unwrap_err();
        assert_eq!(error, JournalError::DuplicateKey { key: "a".to_owned(), first: 0, second: 2 });
        assert_eq!(error.to_string(), r#"items 0 and 2 have the same key "a"; give each its own"#);
    }

    #[test]
    fn an_item_whose_input_changed_is_refused_or_done_again() {
        let item = |fingerprint: Option<&str>| {
            let fingerprint = fingerprint.map(str::to_owned);
            RecordedItem { fingerprint, ..recorded(failed(0, "a")) }
        };
        let refuse = settings(RetryRecorded::Nothing, OnChange::Refuse);
        let recompute = settings(RetryRecorded::Nothing, OnChange::Recompute);
        let ask = |settings: &JournalSettings, before: Option<&str>, now: Option<&str>| {
            Recorded::new(vec![item(before)], settings).look_up(0, "a", now)
        };
        for before in [Some("5 bytes"), None] {
            let error = ask(&refuse, before, Some("6 bytes")).unwrap_err();
            assert!(matches!(&error, JournalError::Changed { what, .. } if what == r#"the fingerprint of "a""#));
            assert_eq!(ask(&recompute, before, Some("6 bytes")), Ok(ItemState::ToDo { earlier_attempts: 0 }));
        }
        assert!(matches!(ask(&refuse, Some("5 bytes"), Some("5 bytes")), Ok(ItemState::Resumed(_))));
        assert!(
            matches!(ask(&refuse, Some("5 bytes"), None), Ok(ItemState::Resumed(_))),
            "the second run has no fingerprint to compare"
        );
    }

    #[test]
    fn an_item_that_was_cancelled_was_never_finished() {
        let mut record = failed(0, "a");
        record.failure.as_mut().unwrap().kind = FailureKind::Cancelled;
        let settings = settings(RetryRecorded::Nothing, OnChange::Refuse);
        let pending = pending(&keys(&["a"]), None, vec![recorded(record)], &settings).unwrap();
        assert_eq!(pending.todo, [0]);
    }
}
