//! Which shapes of items were read back in a worker: until a shape was, each item of it is sent with its digest, and the
//! worker compares.
//!
//! Promise: an item of a shape that no worker has read back never runs as another value. Costs nothing for an item whose
//! shapes are known; for the first items of a call, a digest in each of the two processes, and 20 bytes in the frame.
//! Where a worker finds that one item says nothing of others of its shape, each item of the call is sent so.

use std::collections::HashMap;

use serde::Serialize;

use crate::backend::process::wire::body::Body;
use crate::encoding::{self, Digest, Format, Shapes};

/// The shapes of the items of a call.
#[derive(Debug, Default)]
pub(super) struct ItemShapes {
    format: Format,
    shapes: Shapes,
    /// The shapes that an item brought up and that no worker has read back, by its position.
    waiting: HashMap<usize, Vec<u64>>,
    /// The digest of the last item, if its worker must compare it.
    digest: Option<Digest>,
}

impl ItemShapes {
    pub(super) fn new(format: Format) -> Self {
        Self { format, ..Self::default() }
    }

    /// Appends an item to a body. [`ItemShapes::take_digest`] follows.
    ///
    /// # Errors
    /// When the item cannot be written.
    #[inline]
    pub(super) fn encode<T: Serialize>(&mut self, item: &T, body: &mut Body) -> Result<(), String> {
        encoding::write(self.format, item, body, &self.shapes)?;
        if self.shapes.has_new() { self.note_digest(item) } else { Ok(()) }
    }

    #[cold]
    fn note_digest<T: Serialize>(&mut self, item: &T) -> Result<(), String> {
        self.digest = Some(encoding::digest(item).inspect_err(|_| drop(self.shapes.take_new()))?);
        Ok(())
    }

    /// The digest of the item that was encoded last, whose position this is, where its worker must compare it.
    #[inline]
    pub(super) fn take_digest(&mut self, position: usize) -> Option<Digest> {
        let digest = self.digest.take()?;
        self.waiting.insert(position, self.shapes.take_new());
        Some(digest)
    }

    /// A worker says that each item is to be compared. Its frame comes before the answers of the items that it has read.
    pub(super) fn read_all_back(&mut self) {
        self.shapes.read_all_back();
    }

    /// The item at this position was answered, after its worker had read it or failed to.
    #[inline]
    pub(super) fn note_answer(&mut self, position: usize, was_read: bool) {
        if !self.waiting.is_empty()
            && let Some(shapes) = self.waiting.remove(&position)
            && was_read
        {
            self.shapes.accept(shapes);
        }
    }
}
