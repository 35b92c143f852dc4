//! Any bytes as the file of a journal: a reader and a run that would resume from it end with an answer or an error.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use manyhands::journal::{Journal, JournalReader};
use manyhands::{Job, Serial};

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("a.journal");
    std::fs::write(&path, bytes).expect("room for the bytes");
    read(&path);
    assert_eq!(std::fs::read(&path).expect("it is still there"), bytes, "a reader changes nothing");
    let job = Job::new(&[1_u64, 2, 3]).mode(Serial).map(|n| n * n).journal(Journal::at(&path).key(u64::to_string));
    if let Ok(outcome) = job.run() {
        let values = outcome.into_result().expect("no item fails");
        assert_eq!(values.len(), 3);
    }
});

fn read(path: &Path) {
    let Ok(reader) = JournalReader::open(path) else { return };
    let _ = reader.status();
    for entry in reader.entries().unwrap_or_default() {
        let _ = entry.value::<u64>();
    }
}
