//! What a slice looks at on systems without shared memory between processes: ordinary memory, which never travels.
//!
//! The names of types and functions are those of `block.rs` and of `wire/attachments.rs`, so `shared_slice.rs` is the
//! same on all systems. Limits: `copy_of` writes the memory twice, zeros and then the bytes; and a request beyond what
//! is available is an error only where the allocator says so.

use std::fmt;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Memory that does not change once it exists, aligned for every number.
#[derive(Debug)]
pub(crate) struct Block {
    words: Vec<u128>,
    len: usize,
}

impl Block {
    /// A block that holds these bytes.
    pub(crate) fn copy_of(bytes: &[u8]) -> io::Result<Arc<Self>> {
        Self::filled_by(bytes.len(), |memory| memory.copy_from_slice(bytes))
    }

    /// A block that is filled where it is, beginning with zeros.
    pub(crate) fn filled_by(len: usize, fill: impl FnOnce(&mut [u8])) -> io::Result<Arc<Self>> {
        let n_words = len.div_ceil(size_of::<u128>());
        let mut words = Vec::new();
        words.try_reserve_exact(n_words).map_err(io::Error::other)?;
        words.resize(n_words, 0);
        fill(&mut bytemuck::cast_slice_mut(&mut words)[..len]);
        Ok(Arc::new(Self { words, len }))
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }
}

/// The name of a block. All blocks have the same one here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockId(u64);

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a shared block")
    }
}

impl Block {
    /// All blocks have the same name, as it is never looked up.
    pub(crate) fn id(&self) -> BlockId {
        BlockId(0)
    }
}

/// Values are never encoded for another process here.
pub(crate) fn attach(_block: Option<&Arc<Block>>) -> bool {
    false
}

/// Values are never decoded from another process here.
pub(crate) fn decodes_attached() -> bool {
    false
}

/// No block of another process is ever found here.
pub(crate) fn find(_id: BlockId) -> Option<Arc<Block>> {
    None
}
