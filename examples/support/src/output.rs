//! What a command prints, and where: errors, warnings and progress on standard error, results on standard output.

use std::cell::Cell;
use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};

use manyhands::report::printable_text;

use crate::ExitStatus;

/// Prints as the arguments ask: nothing but errors, results as JSON, or results as text.
///
/// Names, messages and paths come from files, so what a terminal would obey in a line is written as an escape; JSON has its own.
///
/// No print panics. When the reader of standard output has closed the pipe, the rest of the results is dropped; any other failure to
/// write a result is reported and makes the exit status [`ExitStatus::Incomplete`].
///
/// ```
/// use consumer_support::{ExitStatus, Output};
///
/// let output = Output::new(false, true);
/// output.result(&"42 items"); // nothing: JSON was requested
/// output.json("{\"items\": 42}");
/// assert_eq!(output.exit_status(ExitStatus::Done), ExitStatus::Done);
/// ```
#[derive(Debug)]
pub struct Output {
    quiet: bool,
    json: bool,
    /// Whether a result could not be written.
    has_lost_a_result: Cell<bool>,
}

impl Output {
    /// `quiet` leaves errors and JSON only; `json` replaces results as text by results as JSON.
    #[must_use]
    pub fn new(quiet: bool, json: bool) -> Self {
        Self { quiet, json, has_lost_a_result: Cell::new(false) }
    }

    /// Prints an error on standard error, always.
    pub fn error(&self, error: &dyn fmt::Display) {
        notice(&format_args!("error: {error}"));
    }

    /// Prints a warning on standard error, unless quiet: something failed or was left out.
    pub fn warning(&self, warning: &dyn fmt::Display) {
        if !self.quiet {
            notice(&format_args!("warning: {warning}"));
        }
    }

    /// Prints a result as text, unless quiet or JSON was requested.
    pub fn result(&self, text: &dyn fmt::Display) {
        if !self.quiet && !self.json {
            self.write_result(&visible(&text.to_string()));
        }
    }

    /// Prints a result as JSON, if JSON was requested.
    pub fn json(&self, text: &str) {
        if self.json {
            self.write_result(&text);
        }
    }

    /// Whether errors and JSON are all that it prints.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether progress is shown: neither quiet nor JSON.
    #[must_use]
    pub fn shows_progress(&self) -> bool {
        !self.quiet && !self.json
    }

    /// Shows progress as one line that is overwritten, on a terminal alone: what is being done, how many parts of it are done, and how
    /// many there are.
    pub fn progress_line(&self) -> impl Fn(&str, usize, usize) + Send + Sync + use<> {
        let is_shown = self.shows_progress() && io::stderr().is_terminal();
        move |doing, done, total| {
            if is_shown {
                let end = if done == total { "\r\x1b[K" } else { "" };
                let doing = printable_text(doing);
                let _ = write!(io::stderr(), "\r\x1b[K{doing} {done}/{total}{end}");
            }
        }
    }

    /// The status of a command that ends with `status`: [`ExitStatus::Incomplete`] at least when a result could not be written.
    #[must_use]
    pub fn exit_status(&self, status: ExitStatus) -> ExitStatus {
        if self.has_lost_a_result.get() { status.max(ExitStatus::Incomplete) } else { status }
    }

    fn write_result(&self, text: &dyn fmt::Display) {
        if let Err(error) = write_line(&mut io::stdout(), text) {
            self.has_lost_a_result.set(true);
            self.error(&format_args!("standard output cannot be written: {error}; the files are written all the same"));
        }
    }
}

/// Prints a line on standard error, even when quiet, with escapes for what a terminal would obey. Any thread may call it.
pub fn notice(text: &dyn fmt::Display) {
    // An error of standard error cannot be reported anywhere.
    let _ = writeln!(io::stderr(), "{}", visible(&text.to_string()));
}

/// The text with escapes for what a terminal would obey, except for line ends and tabs.
///
/// ```
/// assert_eq!(consumer_support::visible("a\u{1b}[2J\nb"), "a\\u{1b}[2J\nb");
/// ```
#[must_use]
pub fn visible(text: &str) -> String {
    let parts = text.split_inclusive(['\n', '\t']).map(|part| {
        let line = part.trim_end_matches(['\n', '\t']);
        [printable_text(line).as_ref(), &part[line.len()..]].concat()
    });
    parts.collect()
}

/// Writes one line. A closed pipe is no error: its reader needs no more.
fn write_line(to: &mut dyn Write, text: &dyn fmt::Display) -> io::Result<()> {
    match writeln!(to, "{text}").and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Refuses every write with one kind of error.
    struct Refusing(ErrorKind);

    impl Write for Refusing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error_and_a_full_disk_is_one() {
        assert!(write_line(&mut Refusing(ErrorKind::BrokenPipe), &"text").is_ok());
        assert!(write_line(&mut Refusing(ErrorKind::StorageFull), &"text").is_err());
        let mut written = Vec::new();
        write_line(&mut written, &"text").unwrap();
        assert_eq!(written, b"text\n");
    }

    #[test]
    fn a_lost_result_makes_a_good_end_incomplete() {
        let output = Output::new(false, false);
        assert_eq!(output.exit_status(ExitStatus::Done), ExitStatus::Done);
        output.has_lost_a_result.set(true);
        assert_eq!(output.exit_status(ExitStatus::Done), ExitStatus::Incomplete);
        assert_eq!(output.exit_status(ExitStatus::CouldNotRun), ExitStatus::CouldNotRun);
    }
}
