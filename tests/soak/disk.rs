//! A small disk of the caller's own, which can be filled to its last byte.
//!
//! It is memory, mounted in a mount namespace that ends with the caller, and needs the right to mount.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether this program may mount a disk.
pub(crate) fn can_be_mounted(at: &Path) -> bool {
    let mut command = small_disk(at, Path::new("true"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// A program that finds a small disk in this folder. It keeps its process: each of these programs becomes the next one.
pub(crate) fn small_disk(at: &Path, program: &Path) -> Command {
    let mount = r#"mount -t tmpfs -o size=6m soak "$0" && exec "$1""#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", mount]).arg(at).arg(program);
    command
}

/// A disk that is full until this is dropped.
#[derive(Debug)]
pub(crate) struct Full {
    ballast: PathBuf,
}

impl Full {
    /// Fills the disk of this folder.
    pub(crate) fn fill(folder: &Path) -> Self {
        let ballast = folder.join("ballast");
        let mut file = File::create(&ballast).unwrap();
        // Whole pages, then nothing smaller either.
        while file.write_all(&[0; 4096]).is_ok() {}
        Self { ballast }
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        std::fs::remove_file(&self.ballast).unwrap();
    }
}
