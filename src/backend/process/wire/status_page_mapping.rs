//! The status page as mapped memory: created by the caller, adopted by the worker.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;

use crate::backend::process::memory::segment::{Access, Mapping, SegmentFile};
use crate::backend::process::wire::status_page::StatusPage;

/// The status page in memory that both processes map.
///
/// 384 bytes are used of one page of memory. It stays mapped in the caller after the worker's death, so what the worker
/// had in hand can be read then.
pub(crate) struct MappedStatusPage {
    /// As long as a [`StatusPage`].
    mapping: Mapping,
}

impl MappedStatusPage {
    /// A new page of zeros, and the file to send to the worker.
    pub(crate) fn create() -> io::Result<(Self, SegmentFile)> {
        let file = SegmentFile::create("manyhands-status", size_of::<StatusPage>())?;
        Ok((Self::of(&file)?, file))
    }

    /// The page in a file that the caller has sent.
    ///
    /// # Errors
    /// When the file is not as long as a [`StatusPage`], or its length is not sealed: a file that could shrink would
    /// turn a look at the page into SIGBUS.
    pub(crate) fn adopt(fd: OwnedFd) -> io::Result<Self> {
        Self::of(&SegmentFile::adopt(fd, size_of::<StatusPage>())?)
    }

    fn of(file: &SegmentFile) -> io::Result<Self> {
        Ok(Self { mapping: file.map(Access::ReadWrite)? })
    }

    /// The page.
    pub(crate) fn status(&self) -> &StatusPage {
        // SAFETY: the mapping begins at a page, is as long as a StatusPage, and was at zero at first, which is a valid one;
        // it lives as long as `self`. All of it is atomics, so whatever the other process does is a value of them.
        unsafe { self.mapping.start().cast::<StatusPage>().as_ref() }
    }
}

impl fmt::Debug for MappedStatusPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status().fmt(f)
    }
}
