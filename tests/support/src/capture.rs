//! Capturing what this process and its workers write to stderr, below the standard library: descriptor 2 is a file meanwhile.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

/// Captures from its creation to [`end`](Self::end). There is one at a time.
#[derive(Debug)]
#[must_use]
pub struct Capture(());

/// The file that stands in for stderr, and the real stderr.
struct Redirected {
    file: File,
    real: OwnedFd,
}

static CURRENT: Mutex<Option<Redirected>> = Mutex::new(None);

impl Capture {
    /// Redirects stderr.
    pub fn begin() -> Self {
        let file = tempfile::tempfile().unwrap();
        let real = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3).unwrap();
        rustix::stdio::dup2_stderr(&file).unwrap();
        *CURRENT.lock().unwrap() = Some(Redirected { file, real });
        Self(())
    }

    /// Restores stderr; gives all that was written.
    pub fn end(self) -> String {
        let captured = CURRENT.lock().unwrap().take().expect("it began");
        rustix::stdio::dup2_stderr(&captured.real).unwrap();
        read_all(&captured.file)
    }
}

/// What was written to stderr since the capture began.
pub fn captured() -> String {
    read_all(&CURRENT.lock().unwrap().as_ref().expect("stderr is captured").file)
}

/// Writes the last part of what was captured and then this text to the real stderr; false when nothing is captured.
pub(crate) fn write_to_real_stderr(text: &str) -> bool {
    let current = CURRENT.lock().unwrap();
    let Some(Redirected { file, real }) = current.as_ref() else { return false };
    let text = format!("{}{text}", last_part(&read_all(file)));
    real.try_clone().map(File::from).and_then(|mut real| real.write_all(text.as_bytes())).is_ok()
}

/// The whole file, read without moving the position at which writers of the same descriptor go on.
pub fn read_all(file: &File) -> String {
    let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The last 8 KiB.
pub fn last_part(text: &str) -> &str {
    const ENOUGH: usize = 8 << 10;
    let start = (text.len().saturating_sub(ENOUGH)..).find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[start..]
}
