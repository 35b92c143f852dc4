//! How many bytes of the device this program has taken, and whether more may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::GpuError;

/// The bytes of one device.
#[derive(Debug)]
pub(super) struct Memory {
    device: String,
    limit: u64,
    largest: u64,
    taken: AtomicU64,
}

impl Memory {
    /// For at most `limit` bytes in all and `largest` in one buffer.
    pub(super) fn new(device: &str, limit: u64, largest: u64) -> Self {
        Self { device: device.to_owned(), limit, largest, taken: AtomicU64::new(0) }
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    pub(super) fn largest(&self) -> u64 {
        self.largest.min(self.limit)
    }

    pub(super) fn free(&self) -> u64 {
        // Relaxed: a count only, no memory is published with it.
        self.limit.saturating_sub(self.taken.load(Ordering::Relaxed))
    }

    /// Takes bytes until the result is dropped; `TooLarge` when a limit forbids it.
    pub(super) fn take(self: &Arc<Self>, n_bytes: u64) -> Result<Taken, GpuError> {
        if n_bytes > self.largest {
            return Err(self.too_large(n_bytes, format!("a buffer can have {} bytes there", self.largest)));
        }
        let within = |taken: u64| taken.checked_add(n_bytes).filter(|sum| *sum <= self.limit);
        // Relaxed: a count only, and it cannot pass the limit whatever the order.
        match self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within) {
            Ok(_) => Ok(Taken { memory: Arc::clone(self), n_bytes }),
            Err(taken) => {
                Err(self.too_large(n_bytes, format!("{taken} bytes of the {} that may be used are taken", self.limit)))
            }
        }
    }

    fn too_large(&self, needed: u64, reason: String) -> GpuError {
        GpuError::TooLarge { name: self.device.clone(), needed, reason }
    }
}

/// Bytes that were taken; dropping gives them back.
#[derive(Debug)]
pub(super) struct Taken {
    memory: Arc<Memory>,
    n_bytes: u64,
}

impl Taken {
    pub(super) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // Relaxed: as above.
        self.memory.taken.fetch_sub(self.n_bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_refused_beyond_either_limit_and_given_back_on_drop() {
        let memory = Arc::new(Memory::new("card", 100, 60));
        let first = memory.take(60).unwrap();
        assert_eq!(memory.free(), 40);
        let refused = memory.take(41).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "41 bytes do not fit on the graphics processor card: 60 bytes of the 100 that may be used are taken"
        );
        drop(first);
        let refused = memory.take(61).unwrap_err();
        assert!(refused.to_string().contains("a buffer can have 60 bytes there"), "{refused}");
        assert_eq!(memory.take(60).unwrap().n_bytes(), 60);
        assert_eq!(memory.free(), 100);
    }

    #[test]
    fn a_count_near_the_largest_number_is_refused_and_does_not_wrap() {
        let memory = Arc::new(Memory::new("card", u64::MAX, u64::MAX));
        let _first = memory.take(u64::MAX).unwrap();
        assert!(matches!(memory.take(2), Err(GpuError::TooLarge { needed: 2, .. })));
    }
}
