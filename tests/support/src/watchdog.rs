//! A watchdog that ends a program whose test hangs.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Watches one test from its start to its drop, on a thread of its own. When no beat comes for the time that was given, it
/// prints what hangs and how to replay it, and aborts the program: a thread that hangs cannot be ended alone.
#[derive(Debug)]
pub struct Watchdog {
    beats: Option<Sender<()>>,
    watcher: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Begins to watch the test of this name, which this command replays.
    pub fn start(test: &str, replay: String, timeout: Duration) -> Self {
        let (beats, heard) = channel();
        let test = test.to_owned();
        let watch = move || {
            if !ends_in_time(&heard, timeout) {
                abort(&test, &replay, timeout);
            }
        };
        Self { beats: Some(beats), watcher: Some(thread::spawn(watch)) }
    }

    /// Says that the test goes on: the time begins anew.
    pub fn beat(&self) {
        let beats = self.beats.as_ref().expect("it is there until the drop");
        beats.send(()).expect("the watcher listens until the drop");
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.beats = None;
        // A watcher does not panic: it returns or aborts.
        let _ = self.watcher.take().map(JoinHandle::join);
    }
}

/// Listens until the test is over; false when no beat comes for so long.
fn ends_in_time(heard: &Receiver<()>, timeout: Duration) -> bool {
    loop {
        match heard.recv_timeout(timeout) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

fn abort(test: &str, replay: &str, timeout: Duration) -> ! {
    let children = children();
    let report = format!("\nHANGS: {test} made no progress for {timeout:?}{children}\nreplay with: {replay}\n");
    #[cfg(unix)]
    let is_written = crate::capture::write_to_real_stderr(&report);
    #[cfg(not(unix))]
    let is_written = false;
    if !is_written {
        // Directly, since what `eprintln` prints is captured by libtest and would be lost with the process.
        let _ = std::io::stderr().write_all(report.as_bytes());
    }
    std::process::abort()
}

#[cfg(target_os = "linux")]
fn children() -> String {
    format!("; its processes: {:?}", crate::processes::children(std::process::id()))
}

#[cfg(not(target_os = "linux"))]
fn children() -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_without_beats_is_given_up_and_one_that_ended_is_not() {
        let (beats, heard) = channel();
        beats.send(()).unwrap();
        assert!(!ends_in_time(&heard, Duration::from_millis(1)));
        drop(beats);
        assert!(ends_in_time(&heard, Duration::from_millis(1)));
    }
}
