//! Where there are no worker processes yet: a call says so, and nothing else is different.

use std::fmt;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::backend::process::processes::Limits;
use crate::backend::task::Task;
use crate::backend::{BackendError, BackendStats, Output, ReportSink, RunContext};

/// Refuses the call.
pub(crate) fn run<T, K: Task<T>>(
    _limits: &Limits,
    _brief: &RunContext<'_, T, K>,
    _output: Output<'_, K::Output>,
    _gather: &mut ReportSink<'_, K::Output, K::Error>,
) -> Result<BackendStats, BackendError> {
    Err(BackendError::Unsupported("worker processes are not supported on this system yet; use Threads".to_owned()))
}

/// There are none.
pub(crate) fn end_idle_workers() -> usize {
    0
}

/// No copy of this program is started as a worker here.
pub(crate) fn become_worker() {}

/// A function, as it would travel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FunctionName {}

impl FunctionName {
    /// Functions do not travel here.
    pub(crate) fn of(_function: *const (), _fingerprint: u64) -> Result<Self, String> {
        Err("functions do not travel between processes on this system yet".to_owned())
    }

    /// There is no such name.
    pub(crate) fn place(&self) -> Result<*const (), String> {
        match *self {}
    }

    /// There is no such name.
    pub(crate) fn has_fingerprint(&self, _found: u64) -> bool {
        match *self {}
    }
}

/// Nobody compares them here.
pub(crate) fn fingerprint<K: ?Sized>() -> u64 {
    0
}

/// Memory that nobody writes to any more, aligned for every number.
#[derive(Debug)]
pub(crate) struct Block {
    words: Vec<u128>,
    len: usize,
}

impl Block {
    pub(crate) fn copy_of(bytes: &[u8]) -> io::Result<Arc<Self>> {
        Self::filled_by(bytes.len(), |memory| memory.copy_from_slice(bytes))
    }

    pub(crate) fn filled_by(len: usize, fill: impl FnOnce(&mut [u8])) -> io::Result<Arc<Self>> {
        let n_words = len.div_ceil(size_of::<u128>());
        let mut words = Vec::new();
        words.try_reserve_exact(n_words).map_err(io::Error::other)?;
        words.resize(n_words, 0);
        fill(&mut bytemuck::cast_slice_mut(&mut words)[..len]);
        Ok(Arc::new(Self { words, len }))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }
}

/// Nothing is ever packed here.
pub(crate) fn pack(_block: Option<&Arc<Block>>) -> bool {
    false
}

/// Nor unpacked.
pub(crate) fn is_unpacking() -> bool {
    false
}

/// So nothing is found.
pub(crate) fn find(_id: BlockId) -> Option<Arc<Block>> {
    None
}

/// No block has a name here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockId(u64);

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a shared block")
    }
}

impl Block {
    pub(crate) fn id(&self) -> BlockId {
        BlockId(0)
    }
}
