//! Journals that another program made to do harm, and names beside a journal that another user planted.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::persist::journal::reader::JournalReader;
use crate::persist::journal::store::tests::succeeded;
use crate::persist::journal::store::*;
use crate::persist::journal::{Journal, JournalSettings};

/// A journal of one item.
fn written() -> (TempDir, JournalSettings) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Journal::<u8>::at(folder.path().canonicalize().unwrap().join("a.journal")).settings;
    let (mut store, _) = Store::open(&settings).unwrap();
    store.append(&succeeded(0, "a"), Some("5 bytes"), Some(&[7]));
    assert_eq!(store.finish(), []);
    (folder, settings)
}

fn change(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn tables_that_are_not_exactly_ours_are_refused_before_they_are_used() {
    const ENDLESS: &str = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n";
    let changes = [
        ("view \"newest\" is not one", format!("DROP VIEW newest; CREATE VIEW newest AS {ENDLESS}")),
        ("view \"other\" is not one", format!("CREATE VIEW other AS {ENDLESS}")),
        ("trigger \"t\" is not one", "CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM entry; END".to_owned()),
        ("trigger \"t\" is not one", format!("CREATE TRIGGER t AFTER INSERT ON entry BEGIN {ENDLESS}; END")),
        ("index \"i\" is not one", "CREATE INDEX i ON entry (abs(place))".to_owned()),
        ("table \"\\u{1b}]0;x\\u{7}\" is not one", "CREATE TABLE \"\u{1b}]0;x\u{7}\" (a)".to_owned()),
        ("view \"newest\" is missing", "DROP VIEW newest".to_owned()),
        ("table \"run\" is not one", "ALTER TABLE run ADD COLUMN more DEFAULT 7".to_owned()),
        (
            "table \"entry\" is not one",
            "DROP VIEW newest; ALTER TABLE entry RENAME TO e; CREATE TABLE entry AS SELECT * FROM e; DROP TABLE e"
                .to_owned(),
        ),
    ];
    for (expected, sql) in changes {
        let (_folder, settings) = written();
        change(&settings.path, &sql);
        let before = fs::read(&settings.path).unwrap();
        for error in [Store::open(&settings).unwrap_err(), JournalReader::open(&settings.path).unwrap_err()] {
            assert!(
                matches!(error, JournalError::Corrupt { .. }) && error.to_string().contains(expected),
                "{sql}: {error}"
            );
            assert!(!error.to_string().contains(char::is_control), "{error:?}");
        }
        assert!(fs::read(&settings.path).unwrap() == before, "{sql}: it was changed");
    }
}

#[test]
fn a_change_of_any_column_is_noticed() {
    let changes = [
        "run = 1.0 * run",
        "place = 1",
        "key = 'b'",
        "fingerprint = NULL",
        "failure = 'error'",
        "message = ''",
        "attempts = 2",
        "started_ns = started_ns + 1",
        "elapsed_ns = elapsed_ns - 1",
        "cpu_ns = 0",
        "worker = 1",
        "peak_memory = 4096",
        "amounts = '[]'",
        "value = x'08'",
        "value = NULL",
        "checksum = checksum + 1",
    ];
    for set in changes {
        let (_folder, settings) = written();
        // The first is no change: a column of whole numbers stores a whole number.
        let is_changed = !set.starts_with("run");
        change(&settings.path, &format!("UPDATE entry SET {set}"));
        let opened = Store::open(&settings).map(|(_, recorded)| recorded.len());
        match is_changed {
            true => assert!(matches!(opened, Err(JournalError::Corrupt { .. })), "{set}: {opened:?}"),
            false => assert_eq!(opened, Ok(1)),
        }
        assert_eq!(JournalReader::open(&settings.path).unwrap().entries().is_err(), is_changed, "{set}");
    }
}

#[test]
fn columns_of_other_types_and_numbers_at_their_ends_are_errors_or_values_and_no_panic() {
    let changes = [
        "place = 'abc'",
        "key = x'ff00'",
        "attempts = -5",
        "started_ns = 'z'",
        "elapsed_ns = 'z'",
        "value = 'text'",
        "checksum = 'q'",
        "failure = x'00'",
        "run = 'one'",
        "attempts = 4294967295",
        "started_ns = 9223372036854775807, elapsed_ns = 9223372036854775807",
        "started_ns = -9223372036854775807 - 1, elapsed_ns = -9223372036854775807 - 1, cpu_ns = -9223372036854775807 - 1",
    ];
    for set in changes {
        let (_folder, settings) = written();
        change(&settings.path, &format!("UPDATE entry SET {set}"));
        let reader = JournalReader::open(&settings.path).unwrap();
        for result in [reader.entries().err(), reader.failures().err(), reader.status().err()] {
            assert!(matches!(result, None | Some(JournalError::Corrupt { .. })), "{set}: {result:?}");
        }
        let status = reader.status();
        // A sum beyond the last moment is that moment, and no error.
        assert_eq!(status.is_ok(), !["'z'", "'one'"].iter().any(|text| set.contains(text)), "{set}: {status:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn pipes_and_links_at_the_names_of_a_journal_are_refused_and_keep_nothing_waiting() {
    for ending in ["", "-wal", "-shm", "-journal"] {
        for is_link in [false, true] {
            // A link of the user's own at the journal itself is followed.
            if is_link && ending.is_empty() {
                continue;
            }
            let (folder, settings) = written();
            let (planted, victim) = (folder.path().join(format!("a.journal{ending}")), folder.path().join("victim"));
            fs::write(&victim, "years of work").unwrap();
            let _ = fs::remove_file(&planted);
            match is_link {
                true => std::os::unix::fs::symlink(&victim, &planted).unwrap(),
                false => assert!(std::process::Command::new("mkfifo").arg(&planted).status().unwrap().success()),
            }
            for error in [Store::open(&settings).unwrap_err(), JournalReader::open(&settings.path).unwrap_err()] {
                let is_named =
                    matches!(&error, JournalError::Io { .. }) && error.to_string().contains("no regular file");
                assert!(is_named, "{ending}, {is_link}: {error:?}");
            }
            assert_eq!(fs::read_to_string(&victim).unwrap(), "years of work");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn sqlite_itself_follows_no_link_to_its_own_files() {
    // As if it were planted after the look at the names.
    let (folder, settings) = written();
    let victim = folder.path().join("victim");
    fs::write(&victim, "years of work").unwrap();
    std::os::unix::fs::symlink(&victim, folder.path().join("a.journal-wal")).unwrap();
    let connection = rusqlite::Connection::open(&settings.path).unwrap();
    let _ = connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()));
    let _ = connection.execute("DELETE FROM entry", []);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "years of work");
}
