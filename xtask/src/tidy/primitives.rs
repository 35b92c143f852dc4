//! Only `src/sync` names locks, atomics, threads and, within the library, the clock.
//!
//! There a model checker can stand in for them; a lock named anywhere else would be one that no model sees. Tests may
//! use what they like. Reference counts (`Arc`) and plain facts about the machine are no locks.

use super::Violation;
use crate::files::Files;
use crate::rust_code::{NamedPath, paths, without_comments, without_tests};

const WAY_OUT: &str = "let src/sync name it and import it from crate::sync, or use what manyhands offers";

/// Crates whose every name is a lock, an atomic or a channel.
const LOCK_CRATES: [&str; 9] = [
    "arc_swap",
    "crossbeam_channel",
    "crossbeam_deque",
    "crossbeam_epoch",
    "lock_api",
    "loom",
    "once_cell",
    "parking_lot",
    "shuttle",
];
const FREE_OF_LOCKS: [&str; 2] = ["Arc", "Weak"];
const FACTS_ABOUT_THREADS: [&str; 3] = ["available_parallelism", "panicking", "Result"];

pub(super) fn check(files: &Files) -> Vec<Violation> {
    files.ending(".rs").filter(|(path, _)| is_bound(path)).flat_map(|(path, text)| check_file(path, text)).collect()
}

/// The code of the library and of its consumers; not `src/sync`, xtask, tests or benches.
fn is_bound(path: &str) -> bool {
    let is_code = is_library(path) || is_consumer(path);
    is_code && !path.starts_with("src/sync/") && !path.contains("/tests/") && !path.ends_with("/tests.rs")
}

fn is_library(path: &str) -> bool {
    path.starts_with("src/")
}

fn is_consumer(path: &str) -> bool {
    path.strip_prefix("examples/").is_some_and(|rest| rest.contains("/src/") || !rest.contains('/'))
}

fn check_file(path: &str, text: &str) -> Vec<Violation> {
    let code = without_tests(&without_comments(text));
    let named = paths(&code).into_iter().filter(|named| is_primitive(named) || is_library(path) && is_clock(named));
    named
        .map(|named| Violation::new(path, named.line, format!("`{}` is named here", named.names.join("::")), WAY_OUT))
        .collect()
}

fn is_primitive(named: &NamedPath) -> bool {
    let names: Vec<&str> = named.names.iter().map(String::as_str).collect();
    match names.as_slice() {
        // A module alone counts: `use std::sync;` would let any lock in by the back door.
        ["std" | "core" | "alloc", "sync", rest @ ..] => !begins_with_one_of(rest, &FREE_OF_LOCKS),
        ["std", "thread", rest @ ..] => !begins_with_one_of(rest, &FACTS_ABOUT_THREADS),
        ["crossbeam" | "crossbeam_utils", "atomic" | "channel" | "sync" | "thread" | "*", ..] => true,
        ["thread_local"] | ["std", "thread_local"] => true,
        [first, ..] => LOCK_CRATES.contains(first),
        [] => false,
    }
}

fn is_clock(named: &NamedPath) -> bool {
    let names: Vec<&str> = named.names.iter().map(String::as_str).collect();
    matches!(names.as_slice(), ["std", "time"] | ["std", "time", "Instant" | "SystemTime" | "*", ..])
}

fn begins_with_one_of(names: &[&str], allowed: &[&str]) -> bool {
    names.first().is_some_and(|name| allowed.contains(name))
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    fn found_in(path: &str, code: &str) -> Vec<String> {
        places(&check(&Files::from([(path, code)])))
    }

    #[test]
    fn locks_threads_and_clocks_are_found_in_the_library() {
        for code in [
            "use std::sync::Mutex;",
            "use std::sync::{Arc, RwLock};",
            "use std::{fmt, sync::atomic::AtomicU64};",
            "use std::sync::{self};",
            "use std::sync::*;",
            "use std::sync::OnceLock;",
            "use core::sync::atomic::Ordering;",
            "fn a() { let (b, c) = std::sync::mpsc::channel::<u8>(); }",
            "fn a() { ::std::thread::spawn(|| ()); }",
            "use std::thread;",
            "use parking_lot::Mutex;",
            "use parking_lot as locks;",
            "use crossbeam_utils::{CachePadded, sync::ShardedLock};",
            "loom::model(|| ());",
            "thread_local! { static A: u8 = 1; }",
            "use std::time::{Duration, Instant};",
        ] {
            assert_eq!(found_in("src/pool/mod.rs", code), ["src/pool/mod.rs:1"], "{code}");
        }
    }

    #[test]
    fn what_is_no_lock_stays_free() {
        for code in [
            "use std::sync::Arc; use std::sync::{Arc as Shared, Weak};",
            "use crate::sync::{AtomicUsize, Instant, Mutex, Ordering};",
            "crate::sync::thread_local! { static A: u8 = 1; }",
            "fn a() { std::thread::available_parallelism(); }",
            "use std::time::Duration; use crossbeam_utils::CachePadded;",
            "// std::sync::Mutex\n/// std::thread::spawn(a)\nfn a() -> &'static str { \"std::sync::Mutex\" }",
            "#[cfg(all(test, not(x)))]\nmod tests { use std::sync::Mutex; }",
            "#[test]\nfn a() { std::thread::yield_now() }",
        ] {
            assert_eq!(found_in("src/pool/mod.rs", code), [""; 0], "{code}");
        }
    }

    #[test]
    fn only_sync_tests_benches_and_xtask_may_name_a_lock() {
        let code = "use std::sync::Mutex;";
        for path in ["src/sync/native.rs", "tests/it/main.rs", "benches/a.rs", "xtask/src/main.rs", "src/pool/tests.rs"]
        {
            assert_eq!(found_in(path, code), [""; 0], "{path}");
        }
        for path in ["src/synchronized.rs", "examples/a.rs", "examples/a/src/main.rs"] {
            assert_eq!(found_in(path, code), [format!("{path}:1")]);
        }
    }

    #[test]
    fn a_consumer_may_read_the_clock() {
        assert_eq!(found_in("examples/a/src/main.rs", "use std::time::Instant;"), [""; 0]);
    }

    #[test]
    fn each_name_of_a_long_import_has_its_own_line() {
        let code = "use std::sync::{\n    Arc,\n    Mutex,\n    RwLock,\n};";
        assert_eq!(found_in("src/a.rs", code), ["src/a.rs:3", "src/a.rs:4"]);
    }
}
