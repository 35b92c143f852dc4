//! What a journal does when it cannot be written for a time, when a row cannot be written at all, and when its file is
//! moved, removed or replaced while a run writes it.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use crate::persist::journal::database::faults::{Fault, Faults};
use crate::persist::journal::reader::JournalReader;
use crate::persist::journal::row_warnings::MOST_NAMED;
use crate::persist::journal::store::damage::store_on;
use crate::persist::journal::store::tests::succeeded;
use crate::persist::journal::store::*;
use crate::persist::journal::{Journal, JournalSettings};
use crate::sync::WallClock;

fn folder_and_settings() -> (TempDir, JournalSettings) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("a.journal");
    let settings = Journal::<u8>::at(path).commit_every(Duration::from_millis(1)).settings;
    (folder, settings)
}

fn append(store: &mut Store, keys: impl Iterator<Item = usize>) {
    keys.for_each(|index| store.append(&succeeded(index, &index.to_string()), None, Some(&[7])));
}

fn database(settings: &JournalSettings) -> Database {
    Database::for_writing(&find(settings).unwrap()).unwrap().0
}

/// The keys of all rows, in the order of the file.
fn rows_of(settings: &JournalSettings) -> Vec<String> {
    let connection = rusqlite::Connection::open(&settings.path).unwrap();
    let mut statement = connection.prepare("SELECT key FROM entry ORDER BY id").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn numbers(keys: std::ops::Range<usize>) -> Vec<String> {
    keys.map(|key| key.to_string()).collect()
}

/// Waits until a writer in another thread has done something.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let asked = WallClock::now();
    while !is_so() {
        assert!(asked.elapsed() < Duration::from_secs(20), "{what}: not within 20 s");
        crate::sync::nap(Duration::from_millis(1));
    }
}

#[test]
fn rows_wait_for_the_end_of_a_foreign_lock_and_are_written_once() {
    let (_folder, settings) = folder_and_settings();
    let (mut store, _) = Store::open(&settings).unwrap();
    append(&mut store, 0..3);
    wait_until("the first rows", || rows_of(&settings).len() == 3);
    let foreign = rusqlite::Connection::open(&settings.path).unwrap();
    foreign.execute_batch("BEGIN IMMEDIATE").unwrap();
    append(&mut store, 3..5);
    wait_until("it is noticed", || store.is_interrupted());
    append(&mut store, 5..20);
    foreign.execute_batch("ROLLBACK").unwrap();
    wait_until("it is over", || !store.is_interrupted());
    append(&mut store, 20..25);
    let warnings = store.finish();
    let [JournalError::Interrupted { error, times: 1, lasted, rows: 2..=17, lost: 0, .. }] = &warnings[..] else {
        panic!("{warnings:?}")
    };
    assert!(matches!(&**error, JournalError::Io { detail, .. } if detail.contains("locked")), "{error:?}");
    assert!(*lasted > Duration::ZERO);
    assert_eq!(rows_of(&settings), numbers(0..25));
}

#[test]
fn an_error_that_comes_at_the_end_of_a_run_is_not_the_last_word() {
    let (_folder, settings) = folder_and_settings();
    let settings = JournalSettings { commit_every: Duration::from_secs(60), ..settings };
    let database = database(&settings);
    let faults = database.faults.clone();
    let mut store = store_on(database, &settings);
    append(&mut store, 0..5);
    wait_until("they are fetched", || store.queue.state.lock().rows.is_empty());
    *faults.0.lock() = std::iter::repeat_n(Fault::Before(rusqlite::ffi::SQLITE_IOERR), 2).collect();
    let warnings = store.finish();
    assert!(matches!(&warnings[..], [JournalError::Interrupted { lost: 0, .. }]), "{warnings:?}");
    assert_eq!(rows_of(&settings), numbers(0..5));
}

/// Each statement fails at random, before or after it was done, with any error that may pass.
#[test]
fn whatever_fails_on_the_way_each_row_is_written_once() {
    use rusqlite::ffi::{
        SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_SHORT_READ, SQLITE_NOMEM,
    };
    let codes = [SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_SHORT_READ, SQLITE_NOMEM];
    let seed: u64 = std::env::var("MANYHANDS_TEST_SEED").map_or_else(
        |_| std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0),
        |text| text.parse().unwrap(),
    );
    std::io::Write::write_all(&mut std::io::stderr(), format!("MANYHANDS_TEST_SEED={seed}\n").as_bytes()).unwrap();
    let mut state = seed;
    for round in 0..25 {
        let (_folder, settings) = folder_and_settings();
        let database = database(&settings);
        let faults = database.faults.clone();
        let mut store = store_on(database, &settings);
        for part in 0..4 {
            plan(&faults, &codes, &mut state);
            append(&mut store, part * 25..(part + 1) * 25);
            // A commit of its own for some parts, and one for several of others.
            let is_whole = || faults.0.lock().is_empty() && rows_of(&settings).len() == (part + 1) * 25;
            if below(2, &mut state) == 0 {
                wait_until("the part is written", is_whole);
            }
        }
        wait_until("no fault is left", || faults.0.lock().is_empty());
        let warnings = store.finish();
        assert!(
            matches!(&warnings[..], [] | [JournalError::Interrupted { lost: 0, .. }]),
            "seed {seed}, round {round}: {warnings:?}"
        );
        assert_eq!(rows_of(&settings), numbers(0..100), "seed {seed}, round {round}: {warnings:?}");
    }
}

/// Plans few faults, so that the writer gets through them within its pauses.
fn plan(faults: &Faults, codes: &[i32], state: &mut u64) {
    let mut planned = faults.0.lock();
    for _ in 0..below(6, state) {
        (0..below(12, state)).for_each(|_| planned.push_back(Fault::None));
        let code = codes[below(codes.len(), state)];
        planned.push_back(if below(2, state) == 0 { Fault::Before(code) } else { Fault::After(code) });
    }
}

/// Numbers that are as good as random: splitmix64.
fn below(limit: usize, state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit).unwrap()).unwrap()
}

#[test]
fn an_error_of_the_disk_is_not_called_damage() {
    use rusqlite::ffi::{SQLITE_IOERR, SQLITE_IOERR_CORRUPTFS, SQLITE_IOERR_SHORT_READ, SQLITE_IOERR_WRITE};
    for code in [SQLITE_IOERR, SQLITE_IOERR_CORRUPTFS, SQLITE_IOERR_SHORT_READ, SQLITE_IOERR_WRITE] {
        let (_folder, settings) = folder_and_settings();
        let database = database(&settings);
        database.faults.0.lock().push_back(Fault::Before(code));
        let mut store = store_on(database, &settings);
        append(&mut store, 0..1);
        wait_until("it is written", || rows_of(&settings).len() == 1);
        let warnings = store.finish();
        let [JournalError::Interrupted { error, lost: 0, .. }] = &warnings[..] else { panic!("{code}: {warnings:?}") };
        assert!(matches!(**error, JournalError::Io { .. }), "{code}: {error:?}");
    }
}

#[test]
fn a_damaged_file_is_given_up_and_what_is_lost_is_counted() {
    let (_folder, settings) = folder_and_settings();
    let database = database(&settings);
    database.faults.0.lock().extend([Fault::None, Fault::Before(rusqlite::ffi::SQLITE_CORRUPT)]);
    let mut store = store_on(database, &settings);
    append(&mut store, 0..1);
    wait_until("it is noticed", || store.queue.state.lock().is_over);
    append(&mut store, 1..30);
    let warnings = store.finish();
    let [JournalError::Interrupted { error, lost: 30, lost_keys, .. }] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(matches!(**error, JournalError::Corrupt { .. }), "{error:?}");
    assert_eq!(*lost_keys, numbers(0..MOST_NAMED));
}

#[test]
fn a_row_that_is_too_large_is_named_and_those_after_it_are_written() {
    let (_folder, settings) = folder_and_settings();
    let database = database(&settings);
    database.limit_row(10_000);
    // The transaction is tried twice, and the row named once.
    database.faults.0.lock().extend([
        Fault::None,
        Fault::None,
        Fault::None,
        Fault::Before(rusqlite::ffi::SQLITE_IOERR),
    ]);
    let mut store = store_on(database, &settings);
    for (index, length) in [10, 20_000, 10, 20_000, 10].into_iter().enumerate() {
        store.append(&succeeded(index, &format!("{index}")), None, Some(&vec![7; length]));
    }
    wait_until("they are written", || rows_of(&settings).len() == 3);
    let warnings = store.finish();
    let unwritable: Vec<&str> = warnings
        .iter()
        .filter_map(|warning| match warning {
            JournalError::Unwritable { key, why } if why.contains("too big") => Some(key.as_str()),
            JournalError::Interrupted { lost: 0, .. } => None,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(unwritable, ["1", "3"]);
    assert_eq!(rows_of(&settings), ["0", "2", "4"]);
}

#[test]
fn of_many_rows_that_cannot_be_written_some_are_named_and_all_are_counted() {
    let (_folder, settings) = folder_and_settings();
    let database = database(&settings);
    database.limit_row(10_000);
    let mut store = store_on(database, &settings);
    (0..100).for_each(|index| store.append(&succeeded(index, &index.to_string()), None, Some(&[7; 20_000])));
    let warnings = store.finish();
    assert_eq!(warnings.len(), MOST_NAMED);
    assert!(warnings[MOST_NAMED - 1].to_string().contains("(and 84 more rows cannot be written)"), "{warnings:?}");
}

/// Whether the store has said that its file is not where it was.
fn is_displaced(store: &Store) -> bool {
    store.queue.state.lock().warnings.iter().any(|warning| matches!(warning, JournalError::Displaced { .. }))
}

#[cfg(unix)]
#[test]
fn a_journal_that_is_removed_or_replaced_is_noticed_at_the_next_commit() {
    for replacement in [None, Some("another program's")] {
        let (_folder, settings) = folder_and_settings();
        let (mut store, _) = Store::open(&settings).unwrap();
        append(&mut store, 0..3);
        wait_until("the first rows", || rows_of(&settings).len() == 3);
        fs::remove_file(&settings.path).unwrap();
        replacement.inspect(|text| fs::write(&settings.path, text).unwrap());
        append(&mut store, 3..5);
        wait_until("it is noticed while the run goes on", || is_displaced(&store));
        append(&mut store, 5..9);
        let warnings = store.finish();
        let [JournalError::Displaced { path, what }] = &warnings[..] else { panic!("{warnings:?}") };
        assert_eq!((path, what.starts_with("another file")), (&settings.path, replacement.is_some()), "{what}");
        assert_eq!(fs::read_to_string(&settings.path).ok().as_deref(), replacement, "it is left alone");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_journal_whose_folder_is_renamed_goes_along_and_spares_the_next_one() {
    let (folder, settings) = folder_and_settings();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    fs::create_dir(&old).unwrap();
    let settings = JournalSettings { path: old.join("a.journal"), ..settings };
    let moved = JournalSettings { path: new.join("a.journal"), ..settings.clone() };
    let (mut first, _) = Store::open(&settings).unwrap();
    append(&mut first, 0..3);
    wait_until("the first rows", || rows_of(&settings).len() == 3);
    fs::rename(&old, &new).unwrap();
    fs::create_dir(&old).unwrap();
    let (mut second, _) = Store::open(&settings).unwrap();
    append(&mut second, 100..103);
    append(&mut first, 3..6);
    wait_until("the second's rows", || rows_of(&settings).len() == 3);
    let warnings = first.finish();
    let [JournalError::Displaced { what, .. }] = &warnings[..] else { panic!("{warnings:?}") };
    let now = format!("its folder is {} now, and the journal goes on there", new.canonicalize().unwrap().display());
    assert_eq!(*what, now);
    // The first run's end has removed neither the lock nor the log of the second.
    assert!(matches!(Store::open(&settings), Err(JournalError::Locked { .. })));
    assert!(old.join("a.journal-wal").exists() && old.join("a.journal-shm").exists());
    assert_eq!(JournalReader::open(&settings.path).unwrap().status().unwrap().succeeded, 3);
    append(&mut second, 103..106);
    assert_eq!(second.finish(), []);
    assert_eq!((rows_of(&moved), rows_of(&settings)), (numbers(0..6), numbers(100..106)));
    let names = fs::read_dir(&old).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(names, ["a.journal"]);
}

#[cfg(unix)]
#[test]
fn all_links_to_a_journal_lead_to_one_lock() {
    let (folder, settings) = folder_and_settings();
    let (link, sub) = (folder.path().join("link"), folder.path().join("sub"));
    std::os::unix::fs::symlink("a.journal", &link).unwrap();
    std::os::unix::fs::symlink(".", &sub).unwrap();
    let (mut store, _) = Store::open(&JournalSettings { path: link.clone(), ..settings.clone() }).unwrap();
    append(&mut store, 0..1);
    for path in [settings.path.clone(), link.clone(), sub.join("a.journal"), sub.join("link")] {
        let again = Store::open(&JournalSettings { path: path.clone(), ..settings.clone() });
        assert!(matches!(again, Err(JournalError::Locked { .. })), "{path:?}: {again:?}");
        assert!(JournalReader::open(&path).unwrap().status().unwrap().writer.is_some(), "{path:?}");
    }
    assert_eq!(store.finish(), []);
    assert_eq!(rows_of(&settings), ["0"]);
    assert!(
        fs::symlink_metadata(&link).unwrap().is_symlink() && fs::symlink_metadata(&settings.path).unwrap().is_file()
    );
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_text_is_a_path() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let sub = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&sub).unwrap();
    let settings = Journal::<u8>::at(sub.join(std::ffi::OsStr::from_bytes(b"\xff.journal"))).settings;
    let (mut store, _) = Store::open(&settings).unwrap();
    append(&mut store, 0..3);
    assert!(JournalReader::open(&settings.path).unwrap().status().unwrap().writer.is_some());
    assert_eq!(store.finish(), []);
    assert_eq!(rows_of(&settings), numbers(0..3));
    assert_eq!(fs::read_dir(&sub).unwrap().count(), 1);
}
