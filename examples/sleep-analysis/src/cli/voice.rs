//! What the program says, and where: errors and progress on standard error, results on standard output.

use std::cell::Cell;
use std::fmt;
use std::io::{IsTerminal, Write};

use sleep_analysis::parallel::ShowProgress;

use super::args::Common;

/// Speaks as the arguments ask: quietly, in JSON, or for people.
#[derive(Debug)]
pub(crate) struct Voice {
    quiet: bool,
    json: bool,
    /// Whether a result could not be said.
    lost: Cell<bool>,
}

impl Voice {
    pub(crate) fn new(common: &Common) -> Self {
        Self { quiet: common.quiet, json: common.json, lost: Cell::new(false) }
    }

    /// An error: always said.
    pub(crate) fn error(&self, error: &dyn fmt::Display) {
        say(&mut std::io::stderr(), &format!("error: {error}"));
    }

    /// Something left out or failed, on standard error.
    pub(crate) fn warning(&self, warning: &dyn fmt::Display) {
        if !self.quiet {
            say(&mut std::io::stderr(), &format!("warning: {warning}"));
        }
    }

    /// Whether it says more than errors, to people.
    pub(crate) fn is_talkative(&self) -> bool {
        !self.quiet
    }

    /// Whether progress is shown.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && !self.json
    }

    /// How a command that was broken off can go on: always said, on standard error.
    pub(crate) fn way_on(&self, text: &dyn fmt::Display) {
        notice(text);
    }

    /// A result for people; silent when it was asked for as JSON, or not at all.
    pub(crate) fn tell(&self, text: &dyn fmt::Display) {
        if !self.quiet && !self.json {
            self.say_result(&text.to_string());
        }
    }

    /// A result as JSON, if asked for.
    pub(crate) fn tell_json(&self, text: &str) {
        if self.json {
            self.say_result(text);
        }
    }

    /// True when a result that was asked for did not reach standard output.
    pub(crate) fn has_lost_a_result(&self) -> bool {
        self.lost.get()
    }

    fn say_result(&self, text: &str) {
        let mut stdout = std::io::stdout();
        let Err(error) = writeln!(stdout, "{text}").and_then(|()| stdout.flush()) else { return };
        // A reader that went away (a closed pipe) has had enough.
        if error.kind() != std::io::ErrorKind::BrokenPipe {
            self.lost.set(true);
            self.error(&format!("standard output cannot be written: {error}; the files are written all the same"));
        }
    }

    /// Where progress goes: a line that is written over, on a terminal alone.
    pub(crate) fn progress(&self) -> ShowProgress {
        let shown = self.shows_progress() && std::io::stderr().is_terminal();
        Box::new(move |doing, done, total| {
            if shown {
                let end = if done == total { "\r\x1b[K" } else { "" };
                let _ = write!(std::io::stderr(), "\r\x1b[K{doing} {done}/{total}{end}");
            }
        })
    }
}

/// A line on standard error, from any thread.
pub(crate) fn notice(text: &dyn fmt::Display) {
    say(&mut std::io::stderr(), &text.to_string());
}

/// Where not even an error can be said, there is nobody to tell.
fn say(to: &mut dyn Write, text: &str) {
    let _ = writeln!(to, "{text}");
}
