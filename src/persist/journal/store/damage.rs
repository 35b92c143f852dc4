//! What a journal does when the disk is full, the file is cut, the folder is read-only, or its writer is killed.
//!
//! A test that needs a process to itself starts this test binary again with only itself to run, and [`CHILD`] set.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::encoding::Format;
use crate::persist::journal::reader::JournalReader;
use crate::persist::journal::row_warnings::MOST_NAMED;
use crate::persist::journal::rows::MOST_ROWS;
use crate::persist::journal::store::tests::succeeded;
use crate::persist::journal::store::*;
use crate::persist::journal::{Journal, JournalSettings};
use crate::sync::ProcessMark;

/// The folder to work in, for a child.
const CHILD: &str = "MANYHANDS_JOURNAL_TEST_FOLDER";

fn settings(folder: &Path) -> JournalSettings {
    Journal::<u8>::at(folder.join("a.journal")).settings
}

/// The value of an item tells its key, so that a wrong one is seen.
fn value_of(index: usize) -> Vec<u8> {
    index.to_string().repeat(20).into_bytes()
}

fn append(store: &mut Store, index: usize) {
    store.append(&succeeded(index, &index.to_string()), None, Some(&value_of(index)));
}

/// Asserts that these are items `0..n` as they were written, and gives n: nothing in between is missing, nothing is
/// wrong.
fn n_whole(recorded: &[RecordedItem]) -> usize {
    for (index, item) in recorded.iter().enumerate() {
        assert_eq!(item.record, ItemRecord { is_resumed: true, ..succeeded(index, &index.to_string()) });
        assert_eq!(item.value, Some(value_of(index)));
    }
    recorded.len()
}

/// A journal of so many items, and its bytes.
fn written(folder: &Path, n_items: usize) -> Vec<u8> {
    let (mut store, _) = Store::open(&settings(folder)).unwrap();
    (0..n_items).for_each(|index| append(&mut store, index));
    assert_eq!(store.finish(), []);
    fs::read(folder.join("a.journal")).unwrap()
}

/// Numbers that are as good as random, and the same each time: splitmix64.
fn below(limit: usize, state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit).unwrap()).unwrap()
}

#[test]
fn a_journal_that_was_cut_anywhere_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let whole = written(folder.path(), 300);
    let settings = settings(folder.path());
    let mut state = 1;
    let near_pages = (1..=4).flat_map(|page| [page * 4096 - 1, page * 4096, page * 4096 + 1]);
    let small = (1..=100).step_by(9);
    let anywhere = (0..100).map(|_| 1 + below(whole.len() - 1, &mut state));
    for len in near_pages.chain(small).chain(anywhere.collect::<Vec<_>>()).chain([whole.len() - 1]) {
        fs::write(&settings.path, &whole[..len]).unwrap();
        let error = Store::open(&settings).expect_err(&format!("cut to {len} of {}", whole.len()));
        assert!(matches!(error, JournalError::Corrupt { .. } | JournalError::Foreign { .. }), "cut to {len}: {error}");
        assert!(len < 4096 || matches!(error, JournalError::Corrupt { .. }), "cut to {len}: {error}");
        assert!(fs::read(&settings.path).unwrap() == whole[..len], "cut to {len}");
    }
    fs::write(&settings.path, &whole).unwrap();
    assert_eq!(n_whole(&Store::open(&settings).unwrap().1), 300);
}

#[test]
fn a_log_that_was_cut_anywhere_loses_its_end_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = settings(folder.path());
    before.commit_every = Duration::ZERO;
    let (mut store, _) = Store::open(&before).unwrap();
    for index in 0..30 {
        append(&mut store, index);
        let reader = JournalReader::open(&before.path).unwrap();
        while reader.status().unwrap().succeeded <= index as u64 {} // each item in a commit of its own
    }
    let (file, log) = (fs::read(&before.path).unwrap(), fs::read(folder.path().join("a.journal-wal")).unwrap());
    let other = tempfile::tempdir().unwrap();
    let settings = settings(other.path());
    let mut state = 2;
    let mut kept = Vec::new();
    for _ in 0..40 {
        let len = below(log.len() + 1, &mut state);
        fs::write(&settings.path, &file).unwrap();
        fs::write(other.path().join("a.journal-wal"), &log[..len]).unwrap();
        let (store, recorded) = Store::open(&settings).unwrap();
        kept.push((len, n_whole(&recorded)));
        assert_eq!(store.finish(), []);
    }
    kept.sort_unstable();
    assert!(kept.is_sorted_by_key(|&(_, n_items)| n_items), "{kept:?}");
    assert!(kept[0].1 < 10 && kept[39].1 > 20, "{kept:?}");
}

#[test]
fn a_journal_with_wrong_bytes_in_it_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let whole = written(folder.path(), 100);
    let settings = settings(folder.path());
    let mut state = 3;
    let mut n_refused = 0;
    for _ in 0..100 {
        let mut damaged = whole.clone();
        for _ in 0..8 {
            damaged[below(whole.len(), &mut state)] = u8::try_from(below(256, &mut state)).unwrap();
        }
        fs::write(&settings.path, &damaged).unwrap();
        match Store::open(&settings) {
            Ok((mut store, recorded)) => {
                for item in recorded {
                    let index: usize = item.record.key.parse().unwrap();
                    assert_eq!(item.value, Some(value_of(index)), "a wrong value was believed");
                }
                append(&mut store, 7);
                let _ = store.finish();
            }
            Err(JournalError::Corrupt { .. } | JournalError::Foreign { .. }) => n_refused += 1,
            Err(other) => panic!("{other:?}"),
        }
        if let Ok(reader) = JournalReader::open(&settings.path) {
            let _ = (reader.status(), reader.entries(), reader.failures());
        }
        for beside in ["a.journal-wal", "a.journal-shm", "a.journal-journal"] {
            let _ = fs::remove_file(folder.path().join(beside));
        }
    }
    assert!(n_refused > 25, "{n_refused} of 100 were refused");
}

#[test]
fn a_full_database_drops_rows_and_says_how_many() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), 10);
    let settings = settings(folder.path());
    let (database, _) = Database::for_writing(&find(&settings).unwrap()).unwrap();
    database.limit_pages(8);
    let mut store = store_on(database, &settings);
    // More than the buffers hold, so this hangs unless the run learns that the file is full.
    let n_appended = 4 * MOST_ROWS;
    (10..10 + n_appended).for_each(|index| append(&mut store, index));
    let warnings = store.finish();
    let [JournalError::Interrupted { error, times: 1, rows, lost, lost_keys, .. }] = &warnings[..] else {
        panic!("{warnings:?}")
    };
    assert_eq!(**error, JournalError::Full { path: settings.path.clone(), source: None });
    let n_items = n_whole(&Store::open(&settings).unwrap().1);
    assert!((10..1000).contains(&n_items), "{n_items}");
    let n_written = n_items - 10;
    assert_eq!(usize::try_from(*lost).unwrap(), n_appended - n_written, "each is written or counted");
    assert!(usize::try_from(*rows).unwrap() <= 3 * MOST_ROWS && lost_keys.len() == MOST_NAMED, "{rows}, {lost_keys:?}");
}

/// A store on a database that is open already, as a run of its own.
pub(super) fn store_on(database: Database, settings: &JournalSettings) -> Store {
    let setup = Setup { version: String::new(), configuration: "null".to_owned(), value_type: String::new() };
    let run = database.begin_run(&setup, Format::Compact, "a test", SystemTime::UNIX_EPOCH).unwrap();
    let queue = Arc::new(WriteQueue::default());
    let writer = start_writer(Arc::clone(&queue), database, run, settings).unwrap();
    Store { process: ProcessMark::current(), queue, writer: Some(writer), lock: None }
}

/// Starts this test alone in a process of its own, by way of other programs if need be.
#[cfg(unix)]
fn child(by_way_of: &[&str], test: &str, folder: &Path) -> Command {
    let itself = std::env::current_exe().unwrap();
    let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    let words = by_way_of.iter().map(OsStr::new).chain([itself.as_os_str()]).collect::<Vec<_>>();
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .args([&name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, folder)
        .stdout(Stdio::null());
    command
}

fn childs_folder() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Writes until there is no more room, in a child.
#[cfg(unix)]
fn fill(folder: &Path) {
    // So short that something is committed before it is full.
    let settings = JournalSettings { commit_every: Duration::from_millis(1), ..settings(folder) };
    let (mut store, _) = Store::open(&settings).unwrap();
    let mut index = 0;
    while !store.is_interrupted() {
        append(&mut store, index);
        index += 1;
    }
    let warnings = store.finish();
    let [JournalError::Interrupted { error, lost: 1.., .. }] = &warnings[..] else { panic!("{warnings:?}") };
    assert_eq!(**error, JournalError::Full { path: folder.join("a.journal"), source: None });
    let succeeded = JournalReader::open(folder.join("a.journal")).unwrap().status().unwrap().succeeded;
    assert!((1..20_000).contains(&succeeded), "{succeeded}");
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_grow_is_full_and_can_be_resumed() {
    if let Some(folder) = childs_folder() {
        return fill(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    // The signal that comes with the limit would end the process, were it not held back. The limit is no whole number of pages.
    let limited = ["sh", "-c", r#"ulimit -f 1003; exec "$0" "$@""#];
    let mut command = child(&limited, "a_file_that_may_not_grow_is_full_and_can_be_resumed", folder.path());
    assert!(command.status().unwrap().success());
    let settings = settings(folder.path());
    let (mut store, recorded) = Store::open(&settings).unwrap();
    (n_whole(&recorded)..20_000).for_each(|index| append(&mut store, index));
    assert_eq!(store.finish(), []);
    assert_eq!(n_whole(&Store::open(&settings).unwrap().1), 20_000);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_to_be_one_and_can_be_read() {
    if let Some(folder) = childs_folder() {
        return fill(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let small = |then: &str| {
        let mount = format!(r#"mount -t tmpfs -o size=600k small "${CHILD}" && {then}"#);
        ["unshare".to_owned(), "-m".to_owned(), "sh".to_owned(), "-c".to_owned(), mount]
    };
    let words = small("true");
    let may_mount = Command::new(&words[0]).args(&words[1..]).env(CHILD, folder.path()).stderr(Stdio::null()).status();
    if !may_mount.is_ok_and(|status| status.success()) {
        return writeln!(std::io::stderr(), "SKIPPED: no small disk can be made here; the limit on files has its test")
            .unwrap();
    }
    let words = small(r#"exec "$0" "$@""#);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut command = child(&words, "a_full_disk_is_said_to_be_one_and_can_be_read", folder.path());
    assert!(command.status().unwrap().success());
}

#[cfg(target_os = "linux")]
#[test]
fn a_relative_path_is_refused_by_name_where_the_current_folder_was_removed() {
    if let Some(folder) = childs_folder() {
        std::env::set_current_dir(&folder).unwrap();
        fs::remove_dir(&folder).unwrap();
        let mut settings = Journal::<u8>::at("a.journal").settings;
        settings.make_absolute();
        for error in [Store::open(&settings).unwrap_err(), JournalReader::open(&settings.path).unwrap_err()] {
            assert!(matches!(error, JournalError::Io { .. }), "{error:?}");
            let expected =
                "a.journal cannot be used: the program's current folder does not exist any more; use an absolute path";
            assert_eq!(error.to_string(), expected);
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let removed = folder.path().join("removed");
    fs::create_dir(&removed).unwrap();
    let test = "a_relative_path_is_refused_by_name_where_the_current_folder_was_removed";
    assert!(child(&[], test, &removed).status().unwrap().success());
    assert!(!removed.exists(), "the test in the child has run");
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_or_file_is_said_to_be_one_and_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    if let Some(folder) = childs_folder() {
        let read_only = JournalError::ReadOnly { path: folder.join("a.journal"), source: None };
        assert_eq!(Store::open(&settings(&folder)).unwrap_err(), read_only);
        let reader = JournalReader::open(folder.join("a.journal")).unwrap();
        assert_eq!((reader.status().unwrap().succeeded, reader.entries().unwrap().len()), (10, 10));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), 10);
    for (folder_mode, file_mode) in [(0o555, 0o666), (0o555, 0o444), (0o777, 0o444)] {
        allow(folder.path(), folder_mode);
        allow(&folder.path().join("a.journal"), file_mode);
        let mut command = child(&[], "a_read_only_folder_or_file_is_said_to_be_one_and_can_be_read", folder.path());
        if fs::File::create(folder.path().join("may everything")).is_ok() {
            fs::remove_file(folder.path().join("may everything")).unwrap();
            command.uid(NOBODY); // who may everything, such as root, sees no permissions
        }
        assert!(command.status().is_ok_and(|status| status.success()), "folder {folder_mode:o}, file {file_mode:o}");
    }
    allow(folder.path(), 0o755);
}

#[cfg(unix)]
#[test]
fn a_journal_whose_writer_is_killed_is_whole_and_goes_on() {
    const TEST: &str = "a_journal_whose_writer_is_killed_is_whole_and_goes_on";
    if let Some(folder) = childs_folder() {
        let (mut store, recorded) = Store::open(&settings(&folder)).unwrap();
        writeln!(std::io::stdout(), "\nit begins").unwrap();
        for index in n_whole(&recorded).. {
            append(&mut store, index);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let mut state = 4;
    let mut before = 0;
    for _ in 0..8 {
        let mut running = child(&[], TEST, folder.path()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(running.stdout.take().unwrap()).lines();
        assert!(said.map_while(Result::ok).any(|line| line == "it begins"));
        std::thread::sleep(Duration::from_millis(u64::try_from(below(200, &mut state)).unwrap()));
        running.kill().unwrap();
        running.wait().unwrap();
        let checked: String = rusqlite::Connection::open(&settings.path)
            .and_then(|connection| connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)))
            .unwrap();
        assert_eq!(checked, "ok");
        let now = n_whole(&Store::open(&settings).unwrap().1);
        assert!(now >= before, "{before} items became {now}");
        before = now;
    }
    assert!(before > 0, "nothing was ever committed");
}
