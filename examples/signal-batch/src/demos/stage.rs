//! Where a demonstration is shown: how its work runs, where it prints, and where it may write.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use consumer_support::CliContext;
use manyhands::{AnyMode, CancelToken, Progress};

use super::Refusal;

/// What every demonstration is given.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    context: &'a CliContext<'a>,
    folder: PathBuf,
    stop: &'a CancelToken,
}

impl<'a> Stage<'a> {
    /// A stage with a folder of its own, which it makes.
    ///
    /// # Errors
    /// A message when the folder cannot be made.
    pub(crate) fn new(context: &'a CliContext<'a>, folder: PathBuf, stop: &'a CancelToken) -> Result<Self, Refusal> {
        fs::create_dir_all(&folder)
            .map_err(|error| format!("{}: {error}; choose another place with --out", folder.display()))?;
        Ok(Self { context, folder, stop })
    }

    /// Prints lines, unless quiet.
    pub(crate) fn say(&self, text: impl fmt::Display) {
        self.context.output.result(&text);
    }

    /// The mode that the user asked for.
    pub(super) fn mode(&self) -> AnyMode {
        self.context.mode
    }

    /// How many workers a mode may have here.
    pub(super) fn n_workers(&self, mode: AnyMode) -> usize {
        CliContext { mode, ..*self.context }.n_workers()
    }

    /// Cancelled when the user wants an end.
    pub(super) fn stop(&self) -> &CancelToken {
        self.stop
    }

    /// A file in the folder of the demonstration.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The place of a journal that has not begun: what an earlier demonstration left under this name is removed.
    ///
    /// # Errors
    /// A message when it cannot be removed.
    pub(super) fn fresh_journal(&self, name: &str) -> Result<PathBuf, Refusal> {
        // SQLite's own files beside it are there after a crash alone.
        for suffix in ["", "-wal", "-shm"] {
            let path = self.file(&format!("{name}{suffix}"));
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(format!("{}: {error}", path.display()));
                }
                _ => {}
            }
        }
        Ok(self.file(name))
    }

    /// A bar on a terminal, lines elsewhere, nothing when quiet.
    pub(super) fn progress(&self, name: &str) -> Progress<'static> {
        if self.context.output.shows_progress() { Progress::auto(name) } else { Progress::off() }
    }
}
