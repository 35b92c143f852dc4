//! Golden numbers for unit tests, from the folder `shared` beside the checkout.

use std::io::Write as _;

use serde_json::Value;

/// The cases of a file below `golden`, such as `batch/workers.json`. `None` where the file is absent: it prints so, and
/// fails the test where `MANYHANDS_REQUIRE_SHARED` is set.
pub(crate) fn cases(file: &str) -> Option<Vec<Value>> {
    let path = format!("{}/../shared/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let Ok(text) = std::fs::read_to_string(path) else {
        assert!(std::env::var_os("MANYHANDS_REQUIRE_SHARED").is_none(), "{file} is required and absent");
        // Not `eprintln`: the test harness captures it for tests that pass.
        writeln!(std::io::stderr(), "SKIPPED: {file} is absent, so nothing was compared")
            .expect("the terminal takes a line");
        return None;
    };
    let mut golden: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(cases) = golden["cases"].take() else { panic!("{file} has no cases") };
    assert!(!cases.is_empty(), "{file} has no cases");
    Some(cases)
}
