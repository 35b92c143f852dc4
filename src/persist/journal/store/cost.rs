//! What a row costs: held against a bare loop over SQLite that inserts the same rows and commits as often.
//!
//! `MANYHANDS_JOURNAL_ROWS=1000000 cargo test --release -p manyhands --lib journal::store::cost -- --nocapture`
//! measures it.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::persist::journal::store::tests::succeeded;
use crate::persist::journal::store::*;
use crate::persist::journal::{Journal, JournalSettings};
use crate::sync::WallClock;

fn settings(folder: &Path) -> JournalSettings {
    Journal::<u8>::at(folder.join("a.journal")).settings
}

fn records(n_items: usize) -> impl Iterator<Item = (ItemRecord, [u8; 8])> {
    (0..n_items).map(|index| (succeeded(index, &format!("item {index:07}")), index.to_le_bytes()))
}

/// Seconds to the last commit, seconds to read it all again, and bytes of the file.
fn journal(n_items: usize) -> (f64, f64, u64) {
    let folder = tempfile::tempdir().unwrap();
    let begun = WallClock::now();
    let (mut store, _) = Store::open(&settings(folder.path())).unwrap();
    for (record, value) in records(n_items) {
        store.append(&record, None, Some(&value));
    }
    assert_eq!(store.finish(), []);
    let written = begun.elapsed().as_secs_f64();
    let bytes = fs::metadata(folder.path().join("a.journal")).unwrap().len();
    let begun = WallClock::now();
    assert_eq!(Store::open(&settings(folder.path())).unwrap().1.len(), n_items);
    (written, begun.elapsed().as_secs_f64(), bytes)
}

/// The same without a store: one thread, one prepared statement.
fn bare_loop(n_items: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let begun = WallClock::now();
    let (database, _) = Database::for_writing(&find(&settings(folder.path())).unwrap()).unwrap();
    database.insert_bare(records(n_items), settings(folder.path()).commit_every);
    begun.elapsed().as_secs_f64()
}

#[test]
fn a_row_takes_the_same_room_early_and_late_and_little_time() {
    let n_items = std::env::var("MANYHANDS_JOURNAL_ROWS").map_or(4000, |text| text.parse().unwrap());
    let per_item = |n_items: usize| journal(n_items).2 as f64 / n_items as f64;
    let (few, many) = (per_item(1000), per_item(n_items));
    assert!(many <= few, "{few} bytes of 1000 became {many} of {n_items}");
    // A ratio of times needs a machine without other load, so it is printed and not asserted.
    for _ in 0..5 {
        let (bare, (ours, again, _)) = (bare_loop(n_items), journal(n_items));
        writeln!(
            std::io::stderr(),
            "{n_items} rows: bare {bare:.3} s, journal {ours:.3} s, ratio {:.2}; read again in {again:.3} s; \
             {few:.1} and {many:.1} bytes a row",
            ours / bare
        )
        .unwrap();
        if n_items < 100_000 {
            break;
        }
    }
}
