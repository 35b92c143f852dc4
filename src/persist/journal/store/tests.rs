//! What a journal keeps, and what it says when it cannot.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::encoding::Format;
use crate::persist::journal::reader::JournalReader;
use crate::persist::journal::rows::MOST_BYTES;
use crate::persist::journal::store::*;
use crate::persist::journal::{Journal, JournalSettings};
use crate::record::{Amount, FailureKind, RecordedFailure};

/// An item that succeeded at its first attempt.
pub(in crate::persist::journal) fn succeeded(index: usize, key: &str) -> ItemRecord {
    ItemRecord {
        index,
        key: key.to_owned(),
        failure: None,
        is_resumed: false,
        attempts: 1,
        started: SystemTime::UNIX_EPOCH + Duration::new(1_800_000_000, 123_456_789),
        elapsed: Duration::from_nanos(1_500_000_001),
        cpu: None,
        worker: None,
        peak_memory: None,
        amounts: Vec::new(),
    }
}

/// An item that failed at its second attempt.
pub(in crate::persist::journal) fn failed(index: usize, key: &str) -> ItemRecord {
    let failure = Some(RecordedFailure::new(FailureKind::Error, "no samples"));
    ItemRecord { failure, attempts: 2, ..succeeded(index, key) }
}

fn folder_and_settings() -> (TempDir, JournalSettings) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Journal::<u8>::at(folder.path().join("a.journal")).settings;
    (folder, settings)
}

fn keys_of(recorded: &[RecordedItem]) -> Vec<&str> {
    recorded.iter().map(|item| item.record.key.as_str()).collect()
}

/// Writes these successes and ends.
fn write_all(settings: &JournalSettings, keys: &[&str]) {
    let (mut store, _) = Store::open(settings).unwrap();
    for (index, key) in keys.iter().enumerate() {
        store.append(&succeeded(index, key), None, Some(key.as_bytes()));
    }
    assert_eq!(store.finish(), []);
}

#[test]
fn what_is_written_comes_back_whole() {
    let (_folder, settings) = folder_and_settings();
    let mut full = failed(7, "night 7, \"ü\"\n\0");
    full.cpu = Some(Duration::from_nanos(5));
    full.worker = Some(u32::MAX);
    full.peak_memory = Some(1 << 40);
    full.amounts = vec![Amount { name: "samples".into(), value: 0.1 }];
    let plain = succeeded(0, "");
    let (mut store, recorded) = Store::open(&settings).unwrap();
    assert_eq!(recorded, []);
    store.append(&full, Some("5 bytes"), None);
    store.append(&plain, None, Some(&[0, 255]));
    assert_eq!(store.finish(), []);
    let (_store, recorded) = Store::open(&settings).unwrap();
    let again = |record: &ItemRecord| ItemRecord { is_resumed: true, ..record.clone() };
    let expected = [
        RecordedItem {
            record: again(&full),
            fingerprint: Some("5 bytes".to_owned()),
            value: None,
            format: Format::Compact,
        },
        RecordedItem { record: again(&plain), fingerprint: None, value: Some(vec![0, 255]), format: Format::Compact },
    ];
    assert_eq!(recorded, expected);
}

#[test]
fn amounts_that_are_not_finite_cost_no_row() {
    let (_folder, settings) = folder_and_settings();
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1 + 0.2, f64::MIN_POSITIVE, -0.0];
    let amounts = values.map(|value| Amount { name: "snr".into(), value });
    let (mut store, _) = Store::open(&settings).unwrap();
    store.append(&ItemRecord { amounts: amounts.to_vec(), ..succeeded(0, "a") }, None, Some(&[1]));
    assert_eq!(store.finish(), []);
    let (_store, recorded) = Store::open(&settings).unwrap();
    let found: Vec<u64> = recorded[0].record.amounts.iter().map(|amount| amount.value.to_bits()).collect();
    assert_eq!(found, values.map(f64::to_bits));

    // JSON of other programs has null for what it has no words for.
    let null: Vec<Amount> = serde_json::from_str(r#"[{"name":"snr","value":null}]"#).unwrap();
    assert!(null[0].value.is_nan());
}

#[test]
fn rows_are_written_however_long_the_interval_is() {
    for interval in [Duration::MAX, Duration::from_secs(3600)] {
        let (_folder, settings) = folder_and_settings();
        let settings = JournalSettings { commit_every: interval, ..settings };
        let (mut store, _) = Store::open(&settings).unwrap();
        // More than the queue holds, twice over: `append` waits, and wakes the writer for it.
        let value = vec![7; MOST_BYTES / 3];
        for index in 0..7 {
            store.append(&succeeded(index, &index.to_string()), None, Some(&value));
        }
        assert_eq!(store.finish(), []);
        let (_store, recorded) = Store::open(&settings).unwrap();
        assert_eq!(keys_of(&recorded), ["0", "1", "2", "3", "4", "5", "6"]);
    }
}

#[test]
fn a_journal_that_was_left_before_it_was_made_is_none_yet() {
    let (_folder, settings) = folder_and_settings();
    std::fs::write(&settings.path, "").unwrap();
    let error = JournalReader::open(&settings.path).unwrap_err();
    assert_eq!(error, JournalError::NotFound { path: settings.path.clone() });
    assert_eq!(Store::peek(&settings).unwrap(), []);
    write_all(&settings, &["a"]);
    assert_eq!(keys_of(&Store::peek(&settings).unwrap()), ["a"]);
}

#[test]
fn a_run_that_is_refused_as_it_begins_changes_nothing() {
    let (_folder, settings) = folder_and_settings();
    write_all(&settings, &["a"]);
    let other = JournalSettings { version: "2".to_owned(), on_change: OnChange::Recompute, ..settings.clone() };
    drop(Store::open(&other).unwrap()); // as when one of its keys comes twice
    assert_eq!(keys_of(&Store::peek(&settings).unwrap()), ["a"]);
    assert_eq!(JournalReader::open(&settings.path).unwrap().status().unwrap().succeeded, 1);
    let (store, _) = Store::open(&other).unwrap();
    assert_eq!(store.finish(), []); // as when there was nothing to do
    assert!(matches!(Store::peek(&settings), Err(JournalError::Changed { .. })));
}

#[test]
fn the_newest_row_of_a_key_counts() {
    let (_folder, settings) = folder_and_settings();
    let (mut store, _) = Store::open(&settings).unwrap();
    store.append(&failed(0, "a"), None, None);
    store.append(&succeeded(1, "b"), None, None);
    store.append(&succeeded(0, "a"), None, Some(b"a"));
    assert_eq!(store.finish(), []);
    let (_store, recorded) = Store::open(&settings).unwrap();
    assert_eq!(keys_of(&recorded), ["a", "b"]);
    assert_eq!(recorded[0].value.as_deref(), Some(b"a".as_slice()));
    assert!(recorded[0].record.failure.is_none());
}

#[test]
fn a_finished_journal_is_one_plain_file() {
    let (folder, settings) = folder_and_settings();
    write_all(&settings, &["a"]);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a.journal"]);
}

#[test]
fn a_dropped_store_has_written_all() {
    let (_folder, settings) = folder_and_settings();
    let (mut store, _) = Store::open(&settings).unwrap();
    store.append(&succeeded(0, "a"), None, None);
    drop(store);
    assert_eq!(keys_of(&Store::open(&settings).unwrap().1), ["a"]);
}

#[test]
fn readers_see_rows_soon_while_the_writer_goes_on() {
    let (_folder, settings) = folder_and_settings();
    let (mut store, _) = Store::open(&settings).unwrap();
    store.append(&succeeded(0, "a"), None, None);
    let reader = JournalReader::open(&settings.path).unwrap();
    let asked = std::time::Instant::now();
    while reader.status().unwrap().succeeded == 0 {
        assert!(asked.elapsed() < Duration::from_secs(20), "nothing was committed");
        std::thread::sleep(Duration::from_millis(5));
    }
    store.append(&failed(1, "b"), None, None);
    assert!(!store.is_interrupted());
    assert_eq!(store.finish(), []);
    assert_eq!(reader.status().unwrap().failed, 1);
}

#[test]
fn a_second_writer_is_refused_by_name() {
    let (_folder, settings) = folder_and_settings();
    let (_store, _) = Store::open(&settings).unwrap();
    let error = Store::open(&settings).unwrap_err();
    assert!(
        matches!(&error, JournalError::Locked { holder, .. } if holder.starts_with("another run of this program, process ")),
        "{error}"
    );
}

#[test]
fn another_version_or_configuration_is_refused_and_named() {
    let (_folder, settings) = folder_and_settings();
    let configured = |text: &str| JournalSettings { configuration: Ok(text.to_owned()), ..settings.clone() };
    write_all(&configured(r#"{"high":35.0,"low":0.3}"#), &["a"]);
    let error = Store::open(&configured(r#"{"high":35.0,"low":0.5}"#)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the configuration's low is 0.5 and was 0.3 when the journal was written; set it back, use another path, or allow \
         OnChange::Recompute, which computes all items again"
    );
    let mut other = configured(r#"{"high":35.0,"low":0.3}"#);
    other.version = "2".to_owned();
    let error = Store::open(&other).unwrap_err();
    assert!(error.to_string().starts_with(r#"the version is "2" and was "" when"#), "{error}");
    assert_eq!(keys_of(&Store::open(&configured(r#"{"high":35.0,"low":0.3}"#)).unwrap().1), ["a"]);
}

#[test]
fn after_a_change_that_is_allowed_only_rows_of_the_same_setup_count() {
    let (_folder, mut settings) = folder_and_settings();
    settings.on_change = OnChange::Recompute;
    let second = JournalSettings { version: "2".to_owned(), ..settings.clone() };
    write_all(&settings, &["a", "b"]);
    write_all(&second, &["b"]);
    assert_eq!(keys_of(&Store::open(&second).unwrap().1), ["b"]);
    let reader = JournalReader::open(&settings.path).unwrap();
    assert_eq!((reader.status().unwrap().succeeded, reader.status().unwrap().rows), (1, 3));
    assert_eq!(keys_of(&Store::open(&settings).unwrap().1), ["a", "b"], "it went back to the first version");
}

#[test]
fn a_configuration_without_json_is_refused() {
    let (_folder, mut settings) = folder_and_settings();
    settings.configuration = Err("key must be a string".to_owned());
    let error = Store::open(&settings).unwrap_err();
    assert_eq!(error, JournalError::Configuration("key must be a string".to_owned()));
}

/// Another connection to the file, as a tool would have it.
fn tool(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let (_folder, settings) = folder_and_settings();
    for content in ["not a database, but long enough to have a header, were it one: ".repeat(20), "x".to_owned()] {
        std::fs::write(&settings.path, &content).unwrap();
        let error = Store::open(&settings).unwrap_err();
        assert_eq!(error, JournalError::Foreign { path: settings.path.clone() });
        assert_eq!(JournalReader::open(&settings.path).unwrap_err(), error);
        assert_eq!(std::fs::read_to_string(&settings.path).unwrap(), content);
        std::fs::remove_file(&settings.path).unwrap();
    }
    tool(&settings.path).execute_batch("CREATE TABLE other (a)").unwrap();
    let before = std::fs::read(&settings.path).unwrap();
    assert_eq!(Store::open(&settings).unwrap_err(), JournalError::Foreign { path: settings.path.clone() });
    assert_eq!(std::fs::read(&settings.path).unwrap(), before);
}

#[test]
fn a_journal_of_a_later_version_is_left_alone() {
    let (_folder, settings) = folder_and_settings();
    write_all(&settings, &["a"]);
    tool(&settings.path).pragma_update(None, "user_version", 99).unwrap();
    let newer = JournalError::Newer { path: settings.path.clone(), found: 99, known: 2 };
    assert_eq!(Store::open(&settings).unwrap_err(), newer);
    assert_eq!(JournalReader::open(&settings.path).unwrap_err(), newer);
}

#[test]
fn a_journal_of_an_earlier_version_is_left_alone() {
    let (_folder, settings) = folder_and_settings();
    write_all(&settings, &["a"]);
    tool(&settings.path).pragma_update(None, "user_version", 1).unwrap();
    let before = std::fs::read(&settings.path).unwrap();
    let older = JournalError::Older { path: settings.path.clone(), found: 1, known: 2 };
    assert_eq!(Store::open(&settings).unwrap_err(), older);
    assert_eq!(JournalReader::open(&settings.path).unwrap_err(), older);
    assert_eq!(std::fs::read(&settings.path).unwrap(), before);
}

#[test]
fn an_empty_file_is_a_new_journal() {
    let (_folder, settings) = folder_and_settings();
    std::fs::write(&settings.path, "").unwrap();
    write_all(&settings, &["a"]);
    assert_eq!(keys_of(&Store::open(&settings).unwrap().1), ["a"]);
}

#[test]
fn a_path_that_is_no_file_or_has_no_folder_is_named() {
    let (folder, mut settings) = folder_and_settings();
    settings.path = folder.path().to_owned();
    assert!(matches!(Store::open(&settings).unwrap_err(), JournalError::Io { .. }));
    let missing: PathBuf = folder.path().join("missing");
    settings.path = missing.join("a.journal");
    assert_eq!(Store::open(&settings).unwrap_err(), JournalError::NotFound { path: missing });
}
