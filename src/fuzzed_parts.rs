//! Doors to the private readers, for the fuzz targets of `fuzz/` alone: compiled where the fuzzer sets `cfg(fuzzing)`, and for
//! the tests below, which read each corpus through them.
//!
//! Promise: each takes any bytes, gives nothing back, and panics where a reader breaks what it promises.

/// Bytes as all that the other end of a worker's connection sends.
#[cfg(all(target_os = "linux", feature = "processes", not(any(manyhands_loom, manyhands_shuttle))))]
pub use crate::backend::process::wire::fuzzed::read_frames;
/// Bytes as the rows of a journal whose checksums are right.
#[cfg(feature = "journal")]
pub use crate::persist::journal::read_rows;

#[cfg(all(test, feature = "journal", target_os = "linux", feature = "processes"))]
mod tests {
    use std::path::Path;

    use super::*;

    /// Each file of a corpus, whole, and at each of its bytes in turns cut short there or with a bit of it turned.
    fn for_each_input(target: &str, read: impl Fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let mut n_files = 0;
        for entry in std::fs::read_dir(&corpus).expect("the corpus") {
            let mut bytes = std::fs::read(entry.expect("a file").path()).expect("its bytes");
            n_files += 1;
            read(&bytes);
            for position in 0..bytes.len() {
                if position % 2 == 0 {
                    read(&bytes[..position]);
                } else {
                    bytes[position] ^= 1 << (position / 2 % 8);
                    read(&bytes);
                    bytes[position] ^= 1 << (position / 2 % 8);
                }
            }
        }
        assert!(n_files >= 2, "{} has {n_files} files", corpus.display());
    }

    #[test]
    fn frames_of_the_corpus_and_changed_ones_are_read_or_refused() {
        for_each_input("frames", read_frames);
    }

    #[test]
    fn rows_of_the_corpus_and_changed_ones_are_read_or_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        for_each_input("journal_rows", |bytes| read_rows(&folder.path().join("rows.journal"), bytes));
    }
}
