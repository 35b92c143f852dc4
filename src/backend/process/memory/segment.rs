//! Memory that several processes map: an anonymous file, which lives as long as a process has it open or mapped.
//!
//! Promises: its memory is reserved when it is created, so no later write fails; nothing is left behind, whichever
//! process dies. Knows neither frames nor workers.
//!
//! Three things are made of it:
//!
//! | what | its name in `/proc` | length | sealed |
//! |---|---|---|---|
//! | status page | `manyhands-status` | that of a `StatusPage` | length |
//! | slot for large bodies | `manyhands-slot` | that of a body, rounded up to a power of two | length |
//! | block | `manyhands-slice` | that of the numbers or of the shared value | length, and all writes |
//!
//! The seals are what makes it safe to read memory of another process through a slice: without that of the length, the
//! other one could cut the file, and a read beyond the end is a `SIGBUS`; without that of writes, the bytes could
//! change under a `&[T]`. Slots and status pages have no seal of writes: slots are read only while the protocol forbids
//! their sender to write, and status pages hold atomics.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::ptr::NonNull;

use crate::backend::process::system_call::named;
use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};
use rustix::mm::{Advice, MapFlags, ProtFlags};

/// How many bytes are reserved at once. A signal makes a call give back what it has reserved so far, so in a program
/// with a fast timer one large call would never end.
///
/// Costs one system call per MiB, a thousand for 1 GiB.
const PIECE: usize = 1 << 20;

/// An anonymous file of a fixed length, not mapped.
///
/// It has one descriptor, which is closed at `exec`. A mapping of it stays valid when the file is dropped.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    /// Its length is sealed, so no mapping of it can lose its end.
    file: File,
    /// In bytes.
    len: usize,
}

impl SegmentFile {
    /// A file of `len` zero bytes, whose length cannot be changed. Its memory is reserved here, so that no later write
    /// can fail for lack of it.
    ///
    /// At a failure the pieces that are reserved go back with the file.
    ///
    /// # Errors
    /// When there is not enough memory or no free descriptor, when the system lacks a call or does not permit it, and
    /// when the process may not have files of this size. The error names the call or the limit.
    pub(crate) fn create(name: &str, len: usize) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let size = u64::try_from(len).map_err(io::Error::other)?;
        check_file_size(size)?;
        let file = named("memfd_create", rustix::fs::memfd_create(name, flags))?;
        for start in (0..size).step_by(PIECE) {
            let len = (size - start).min(PIECE as u64);
            let reserve = || rustix::fs::fallocate(&file, FallocateFlags::empty(), start, len);
            named("fallocate", rustix::io::retry_on_intr(reserve))?;
        }
        named("fcntl(F_ADD_SEALS)", rustix::fs::fcntl_add_seals(&file, SealFlags::GROW | SealFlags::SHRINK))?;
        Ok(Self { file: File::from(file), len })
    }

    /// Takes a file that another process has sent.
    ///
    /// Both ends run the same program, but the check costs two system calls and turns a mistake into an error instead
    /// of a crash in the middle of a read.
    ///
    /// # Errors
    /// When its length is not `len` or not fixed, since then a mapping of it could lose its end.
    pub(crate) fn adopt(fd: OwnedFd, len: usize) -> io::Result<Self> {
        let file = File::from(fd);
        let is_fixed = rustix::fs::fcntl_get_seals(&file)?.contains(SealFlags::GROW | SealFlags::SHRINK);
        let found = file.metadata()?.len();
        if !is_fixed || found != len as u64 {
            return Err(io::Error::other(format!("a shared segment of {found} bytes came where {len} were announced")));
        }
        Ok(Self { file, len })
    }

    /// Forbids every further write, by any process.
    ///
    /// Cannot be undone, and no further seal can be added.
    ///
    /// # Errors
    /// While it is mapped for writing.
    pub(crate) fn seal(&self) -> io::Result<()> {
        named("fcntl(F_ADD_SEALS)", rustix::fs::fcntl_add_seals(&self.file, SealFlags::WRITE | SealFlags::SEAL))
    }

    /// Whether [`SegmentFile::seal`] holds.
    pub(crate) fn is_sealed(&self) -> io::Result<bool> {
        Ok(rustix::fs::fcntl_get_seals(&self.file)?.contains(SealFlags::WRITE))
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The file itself.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Whether both are the same memory.
    ///
    /// Compares device and inode, which no two files have in common while both are open. Two system calls.
    pub(crate) fn is_same(&self, other: &Self) -> io::Result<bool> {
        let (this, other) = (self.file.metadata()?, other.file.metadata()?);
        Ok((this.dev(), this.ino()) == (other.dev(), other.ino()))
    }

    /// Maps the file into this process.
    ///
    /// Reads nothing yet: each page is mapped when it is first touched. An empty file is not mapped, since the kernel
    /// refuses a mapping of no bytes.
    ///
    /// # Errors
    /// When this process has no addresses or mappings left, or the access is writing and the file is sealed.
    pub(crate) fn map(&self, access: Access) -> io::Result<Mapping> {
        let Some(len) = std::num::NonZeroUsize::new(self.len) else {
            return Ok(Mapping { start: NonNull::<u64>::dangling().cast(), len: 0 });
        };
        let protection = match access {
            Access::Read => ProtFlags::READ,
            Access::ReadWrite => ProtFlags::READ | ProtFlags::WRITE,
        };
        // SAFETY: a new mapping at an address that the kernel chooses overlaps no memory that Rust knows of.
        let start =
            unsafe { rustix::mm::mmap(std::ptr::null_mut(), len.get(), protection, MapFlags::SHARED, &self.file, 0) };
        let start = named("mmap", start)?;
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("the kernel mapped memory at zero"))?;
        Ok(Mapping { start, len: len.get() })
    }
}

/// Refuses a file that is larger than this process may have: to try would end the program by SIGXFSZ.
///
/// Shared memory counts as a file for the limit that a shell sets with `ulimit -f`. One system call.
///
/// # Errors
/// Of the kind `FileTooLarge`, with the limit.
fn check_file_size(len: u64) -> io::Result<()> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
    match limit.filter(|&most| most < len) {
        Some(most) => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("the limit on the size of files, RLIMIT_FSIZE or `ulimit -f`, is {most} bytes"),
        )),
        None => Ok(()),
    }
}

impl From<SegmentFile> for OwnedFd {
    fn from(segment: SegmentFile) -> Self {
        segment.file.into()
    }
}

impl AsFd for SegmentFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// What a mapping is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reading.
    Read,
    /// Reading and writing.
    ReadWrite,
}

/// Mapped memory that begins at a page. Its users must know which other code reads and writes it.
///
/// Unmapped when it is dropped, at the cost of one system call. A slice made of it must not outlive it; `Block`, `Body`
/// and `Incoming` each keep theirs.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// At the start of a page; dangling where there are no bytes.
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping is an address range of the process; it belongs to no thread.
unsafe impl Send for Mapping {}
// SAFETY: a shared reference gives nothing but the address and the length.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Its first byte; a dangling address where it is empty.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Keeps the mapping out of children that are forked from now on, so that they cannot prevent a seal.
    pub(crate) fn keep_from_forks(&self) -> io::Result<()> {
        if self.len == 0 {
            return Ok(());
        }
        // SAFETY: the range is this mapping; that a child lacks it changes nothing in this process.
        unsafe { rustix::mm::madvise(self.start.as_ptr().cast(), self.len, Advice::LinuxDontFork) }?;
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: the range is one mapping, made in `SegmentFile::map`; every use of it has borrowed it.
            // An error means that there is no such mapping, which nothing can be done about here.
            let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.len) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memory_of_a_file_is_reserved_when_it_is_created() {
        for len in [0, 1, PIECE - 1, PIECE, 2 * PIECE + 5000] {
            let about = SegmentFile::create("test", len).unwrap().file().metadata().unwrap();
            assert_eq!(about.len(), len as u64);
            assert!(about.blocks() * 512 >= len as u64, "{len}");
        }
    }
}
