//! The fingerprint of a subject, by which a resumed run sees that it changed: sizes and times of files, the plan of a synthetic night.

use std::path::Path;

use manyhands::journal::file_fingerprint;
use xxhash_rust::xxh3::Xxh3;

use super::csv_folder::csv_files;
use super::subjects::{Source, Subject};

/// Reads no content. A missing file has a fingerprint too: that it is missing.
pub(super) fn fingerprint(subject: &Subject) -> String {
    match &subject.source {
        Source::Edf(file) => of_file(file),
        Source::Csv(folder) => of_folder(folder),
        Source::Made { seed, hours } => format!("seed {seed}, {hours} h"),
        Source::Nameless => "nameless".to_owned(),
    }
}

fn of_file(file: &Path) -> String {
    file_fingerprint(file).unwrap_or_else(|error| format!("unreadable ({})", error.kind()))
}

/// As one short text: which files are read is as much a part of it as what is in them.
fn of_folder(folder: &Path) -> String {
    let files = match csv_files(folder) {
        Ok(files) => files,
        Err(error) => return format!("unreadable ({})", error.kind()),
    };
    let mut hash = Xxh3::new();
    for (_, path) in &files {
        // No name holds a zero byte, so that no two lists of files have the same bytes.
        for part in [path.file_name().unwrap_or_default().as_encoded_bytes(), of_file(path).as_bytes()] {
            hash.update(part);
            hash.update(&[0]);
        }
    }
    format!("{} CSV files, together {:016x}", files.len(), hash.digest())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::SystemTime;

    use super::*;

    fn touched(path: &Path) {
        fs::File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }

    #[test]
    fn a_folder_of_signals_changes_with_each_file_that_is_read_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let subject = Subject { name: "a".to_owned(), source: Source::Csv(folder.path().to_owned()) };
        let place = |name: &str| folder.path().join(name);
        let mut seen = vec![fingerprint(&subject)];
        fs::write(place("hr.csv"), "1").unwrap();
        seen.push(fingerprint(&subject));
        touched(&place("hr.csv"));
        seen.push(fingerprint(&subject));
        fs::rename(place("hr.csv"), place("rr.csv")).unwrap();
        seen.push(fingerprint(&subject));
        fs::write(place("notes.txt"), "not read").unwrap();
        assert_eq!(seen.last(), Some(&fingerprint(&subject)));
        let n_seen = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), n_seen, "{seen:?}");
    }

    #[test]
    fn nights_differ_by_seed_and_length_and_what_is_gone_by_being_gone() {
        let of = |source| fingerprint(&Subject { name: String::new(), source });
        assert_eq!(of(Source::Made { seed: 3, hours: 0.5 }), "seed 3, 0.5 h");
        assert_eq!(of(Source::Edf("no such.edf".into())), "unreadable (entity not found)");
        assert_eq!(of(Source::Csv("no such".into())), "unreadable (entity not found)");
    }
}
