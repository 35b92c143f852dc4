//! Where the bytes of a value go: a body of a frame, or a plain buffer.

/// Where bytes go.
pub(crate) trait Sink {
    /// Appends bytes.
    fn append(&mut self, bytes: &[u8]);

    /// How many bytes are there.
    fn len(&self) -> usize;
}

impl Sink for Vec<u8> {
    #[inline]
    fn append(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn len(&self) -> usize {
        Vec::len(self)
    }
}
