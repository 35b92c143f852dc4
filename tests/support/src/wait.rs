//! Waiting for what other threads and processes do.

use std::thread;
use std::time::{Duration, Instant};

/// Waits until the condition holds, and fails the test when it does not within this time.
///
/// # Panics
///
/// When the time is up.
#[track_caller]
pub fn wait_until(what: &str, timeout: Duration, condition: impl FnMut() -> bool) {
    assert!(holds_within(timeout, condition), "waited {timeout:?} in vain until {what}");
}

/// Waits until the condition holds; false when the time is up before. The condition is evaluated once at least.
pub fn holds_within(timeout: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if begun.elapsed() >= timeout {
            return false;
        }
        thread::sleep(Duration::from_millis(1)); // Leaves the core to the process that is waited for.
    }
}
