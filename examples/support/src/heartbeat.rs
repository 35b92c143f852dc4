//! A line every few seconds, so that a long command shows that it lives.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::notice;

/// Prints a line on standard error again and again until it is dropped.
///
/// ```
/// use std::time::Duration;
/// use consumer_support::Heartbeat;
///
/// let heartbeat = Heartbeat::start(Duration::from_secs(5), || "3 of 20 files".to_owned());
/// drop(heartbeat); // it was too early for a line
/// ```
pub struct Heartbeat {
    /// Dropped first: that ends the thread.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// Prints what `line` returns, every time that so much time has passed. A thread of its own does it; without one, where the system
    /// gives none, nothing is printed.
    #[must_use]
    pub fn start(every: Duration, line: impl Fn() -> String + Send + 'static) -> Self {
        let (end, ended) = channel::<()>();
        let print = move || {
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                notice(&line());
            }
        };
        let thread = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(print).ok();
        Self { end: Some(end), thread }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            // A line that panics has printed its message already.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_until_it_is_dropped() {
        let (said, heard) = channel();
        let line = move || {
            let _ = said.send(());
            "alive".to_owned()
        };
        let heartbeat = Heartbeat::start(Duration::from_millis(1), line);
        assert!(heard.recv().is_ok() && heard.recv().is_ok());
        drop(heartbeat);
        while heard.try_recv().is_ok() {}
        assert!(heard.recv().is_err(), "the thread still holds the line");
    }
}
