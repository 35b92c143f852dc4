//! Any columns as the rows of a journal, with checksums that are right: each question of a reader has an answer or an error.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder for temporary files"));

fuzz_target!(|bytes: &[u8]| manyhands::fuzzed_parts::read_rows(&FOLDER.path().join("rows.journal"), bytes));
