//! What the program says, and where: errors and progress on standard error, results on standard output.

use std::fmt;
use std::io::{IsTerminal, Write};

use sleep_analysis::parallel::ShowProgress;

use super::args::Common;

/// Speaks as the arguments ask: quietly, in JSON, or for people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice {
    quiet: bool,
    json: bool,
}

impl Voice {
    pub(crate) fn new(common: &Common) -> Self {
        Self { quiet: common.quiet, json: common.json }
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

    /// A result for people; silent when it was asked for as JSON, or not at all.
    pub(crate) fn tell(&self, text: &dyn fmt::Display) {
        if !self.quiet && !self.json {
            say(&mut std::io::stdout(), &text.to_string());
        }
    }

    /// A result as JSON, if asked for.
    pub(crate) fn tell_json(&self, text: &str) {
        if self.json {
            say(&mut std::io::stdout(), text);
        }
    }

    /// Where progress goes: a line that is written over, on a terminal alone.
    pub(crate) fn progress(&self) -> ShowProgress {
        let shown = !self.quiet && !self.json && std::io::stderr().is_terminal();
        Box::new(move |doing, done, total| {
            if shown {
                let end = if done == total { "\r\x1b[K" } else { "" };
                let _ = write!(std::io::stderr(), "\r\x1b[K{doing} {done}/{total}{end}");
            }
        })
    }
}

/// A reader that went away (a closed pipe) is no reason to fail: the files are what counts.
fn say(to: &mut dyn Write, text: &str) {
    let _ = writeln!(to, "{text}");
}
