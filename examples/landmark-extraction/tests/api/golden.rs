//! Where the golden data and the models lie.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of golden data, or none and a loud line where it is absent. With `MANYHANDS_REQUIRE_SHARED` set, absence is a failure.
pub(crate) fn golden() -> Option<PathBuf> {
    shared("golden/landmarks")
}

/// The folder of model files, likewise.
pub(crate) fn models() -> Option<PathBuf> {
    shared("models")
}

/// A file of golden data.
pub(crate) fn manifest(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).join(folder);
    if path.is_dir() {
        return Some(path);
    }
    let required = std::env::var_os("MANYHANDS_REQUIRE_SHARED").is_some();
    assert!(!required, "shared data {folder:?} is required and absent");
    // Not `eprintln`, which a test that passes keeps to itself.
    writeln!(std::io::stderr(), "SKIPPED: shared data {folder:?} is absent, so nothing was compared")
        .expect("the terminal takes a line");
    None
}
