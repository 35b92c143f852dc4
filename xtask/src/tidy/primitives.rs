//! Within the library only `src/sync` names atomics, the clock, std's lazy values and the crates of locks.
//!
//! Clippy checks the rest, with the lists in clippy.toml: locks, condition variables, channels and threads. It knows a type
//! by its definition, so it cannot tell std's `AtomicU64` from the re-export in `crate::sync`; this rule reads the path as it
//! is written.

use super::Violation;
use crate::files::Files;
use crate::rust_code::{NamedPath, names, without_comments, without_tests};

const WAY_OUT: &str = "import it from crate::sync, or use what manyhands offers";

/// Crates that `src/sync` takes its parts from.
const CRATES_OF_PARTS: [&str; 3] = ["loom", "parking_lot", "shuttle"];

pub(super) fn check(files: &Files) -> Vec<Violation> {
    files.ending(".rs").filter(|(path, _)| is_bound(path)).flat_map(|(path, text)| check_file(path, text)).collect()
}

/// The code of the library; not `src/sync`, and not its tests.
fn is_bound(path: &str) -> bool {
    path.starts_with("src/")
        && !path.starts_with("src/sync/")
        && !path.contains("/tests/")
        && !path.ends_with("/tests.rs")
}

fn check_file(path: &str, text: &str) -> Vec<Violation> {
    let named = names(&without_tests(&without_comments(text))).paths.into_iter();
    let found = named.filter(is_part);
    found
        .map(|named| Violation::new(path, named.line, format!("`{}` is named here", named.names.join("::")), WAY_OUT))
        .collect()
}

fn is_part(named: &NamedPath) -> bool {
    let names: Vec<&str> = named.names.iter().map(String::as_str).collect();
    match names.as_slice() {
        // A module alone would let its names in under a shorter path.
        ["std" | "core", "sync"] | ["std" | "core", "sync", "atomic" | "LazyLock" | "*", ..] => true,
        ["thread_local"] | ["std", "thread_local"] => true,
        ["std", "time"] | ["std", "time", "Instant" | "SystemTime" | "*", ..] => true,
        [first, ..] => CRATES_OF_PARTS.contains(first),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    fn found_in(path: &str, code: &str) -> Vec<String> {
        places(&check(&Files::from([(path, code)])))
    }

    #[test]
    fn what_sync_hands_on_is_found_where_it_is_taken_from_std() {
        for code in [
            "use std::{fmt, sync::atomic::AtomicU64};",
            "use std::sync::{self};",
            "use std::sync::*;",
            "use std::sync::LazyLock;",
            "use core::sync::atomic::Ordering;",
            "fn a() { ::std::sync::atomic::fence(b) }",
            "use parking_lot::RwLock;",
            "use parking_lot as locks;",
            "loom::model(|| ());",
            "thread_local! { static A: u8 = 1; }",
            "use std::time::{Duration, Instant};",
            "use std::time;",
        ] {
            assert_eq!(found_in("src/backend/mod.rs", code), ["src/backend/mod.rs:1"], "{code}");
        }
    }

    #[test]
    fn other_names_are_left_to_clippy_or_free() {
        for code in [
            "use std::sync::Arc; use std::sync::{Arc as Shared, Mutex, Weak};",
            "use crate::sync::{AtomicUsize, Instant, Mutex, Ordering};",
            "crate::sync::thread_local! { static A: u8 = 1; }",
            "use std::time::Duration; use crossbeam_utils::CachePadded;",
            "// std::sync::atomic\nfn a() -> &'static str { \"std::sync::LazyLock\" }",
            "#[cfg(all(test, not(x)))]\nmod tests { use std::sync::atomic::AtomicU8; }",
        ] {
            assert_eq!(found_in("src/backend/mod.rs", code), [""; 0], "{code}");
        }
    }

    #[test]
    fn sync_tests_examples_and_benches_may_name_an_atomic() {
        let code = "use std::sync::atomic::AtomicU8;";
        for path in ["src/sync/native.rs", "tests/api/main.rs", "benches/a.rs", "examples/a.rs", "src/backend/tests.rs"]
        {
            assert_eq!(found_in(path, code), [""; 0], "{path}");
        }
        assert_eq!(found_in("src/synchronized.rs", code), ["src/synchronized.rs:1"]);
    }
}
