//! Which shapes of items were read back in a worker: until a shape was, each item of it is sent with its digest, and the
//! worker compares.
//!
//! Promise: an item of a shape that no worker has read back never runs as another value. Costs nothing for an item whose
//! shapes are known; for the first items of a call, a digest in each of the two processes, and 12 bytes in the frame.

use std::collections::HashMap;

use serde::Serialize;

use crate::backend::process::wire::body::Body;
use crate::encoding::{self, Format, Shapes};

/// The shapes of the items of a call.
#[derive(Debug, Default)]
pub(super) struct ItemShapes {
    format: Format,
    shapes: Shapes,
    /// The shapes that an item brought up and that no worker has read back, by its position.
    waiting: HashMap<usize, Vec<u64>>,
}

impl ItemShapes {
    pub(super) fn new(format: Format) -> Self {
        Self { format, ..Self::default() }
    }

    /// Appends an item to a body; gives its digest where the worker must compare it.
    ///
    /// # Errors
    /// When the item cannot be written.
    pub(super) fn encode<T: Serialize>(
        &mut self,
        position: usize,
        item: &T,
        body: &mut Body,
    ) -> Result<Option<u64>, String> {
        encoding::write(self.format, item, body, &self.shapes)?;
        if self.shapes.has_new() { self.digest(position, item).map(Some) } else { Ok(None) }
    }

    #[cold]
    fn digest<T: Serialize>(&mut self, position: usize, item: &T) -> Result<u64, String> {
        let shapes = self.shapes.take_new();
        let digest = encoding::digest(item)?;
        self.waiting.insert(position, shapes);
        Ok(digest)
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
