//! The frame that begins a call in a worker, encoded once and sent to every worker.

use crate::backend::process::memory::block::Block;
use crate::sync::Arc;

/// The body of the frame, and the shared memory that it mentions.
///
/// A worker gets it with its first items and not when it joins the call, so a worker that gets no items is not sent a
/// large shared value.
pub(super) struct CallFrame {
    /// An encoded `CallHead`.
    pub(super) body: Vec<u8>,
    /// Alive until the call shuts down, so that a worker that starts late can get them.
    pub(super) blocks: Vec<Arc<Block>>,
}
