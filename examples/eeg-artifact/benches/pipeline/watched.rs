//! Another program, watched while it runs.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::numbers::peak_bytes_of;

/// How often its memory is looked at. The peak only rises, so only what comes last may be missed.
const INTERVAL: Duration = Duration::from_millis(5);

/// A program that runs.
#[derive(Debug)]
pub(crate) struct Watched {
    child: Child,
    begun: Instant,
    peak_bytes: u64,
}

/// What it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) seconds: f64,
    pub(crate) peak_bytes: u64,
}

impl Watched {
    /// Starts a program; what it prints is dropped, what it complains about is not.
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it can be started");
        Self { child, begun: Instant::now(), peak_bytes: 0 }
    }

    /// Whether it has ended. It must have ended well.
    fn has_ended(&mut self) -> bool {
        self.peak_bytes = self.peak_bytes.max(peak_bytes_of(&self.child.id().to_string()).unwrap_or(0));
        let ended = self.child.try_wait().expect("it is a child of this process");
        ended.inspect(|status| assert!(status.success(), "it ended with {status}; see above")).is_some()
    }
}

/// Waits for all of them: what each took.
pub(crate) fn wait<const N: usize>(mut programs: [Watched; N]) -> [Taken; N] {
    let mut seconds = [None; N];
    while seconds.iter().any(Option::is_none) {
        for (program, seconds) in programs.iter_mut().zip(&mut seconds) {
            if seconds.is_none() && program.has_ended() {
                *seconds = Some(program.begun.elapsed().as_secs_f64());
            }
        }
        thread::sleep(INTERVAL);
    }
    let mut seconds = seconds.into_iter().flatten();
    programs.map(|program| Taken { seconds: seconds.next().unwrap_or(f64::NAN), peak_bytes: program.peak_bytes })
}
