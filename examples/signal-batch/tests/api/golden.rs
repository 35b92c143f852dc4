//! The golden cases: where they lie, and when two numbers count as equal.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

/// The cases of a golden file such as `workload`, or none and a loud line where it is absent. With `MANYHANDS_REQUIRE_SHARED` set, absence
/// is a failure.
pub(crate) fn cases(stem: &str) -> Option<Vec<Value>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden/batch"));
    if folder.is_dir() {
        let text = fs::read(folder.join(stem).with_extension("json")).unwrap();
        let file: Value = serde_json::from_slice(&text).unwrap();
        return Some(file["cases"].as_array().unwrap().clone());
    }
    let required = std::env::var_os("MANYHANDS_REQUIRE_SHARED").is_some();
    assert!(!required, "golden data is required and absent");
    // Not `eprintln`, which a test that passes keeps to itself.
    writeln!(std::io::stderr(), "SKIPPED: golden data \"batch\" is absent, so nothing was compared")
        .expect("the terminal takes a line");
    None
}

/// Fails unless the numbers agree to one of the tolerances.
#[track_caller]
pub(crate) fn assert_close(found: f64, expected: f64, relative: f64, absolute: f64, what: &str) {
    let off = (found - expected).abs();
    let agrees = off <= absolute || off <= relative * expected.abs();
    assert!(agrees, "{what}: {found:e} where {expected:e} is expected, off by {off:e}");
}
