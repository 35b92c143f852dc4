//! The cache's hasher, unless the caller brings one.

use std::fmt;
use std::hash::{BuildHasher, Hasher};

/// A fast hasher with a seed per cache. Not meant to withstand somebody who chooses keys to collide; for such keys give the
/// cache `std::hash::RandomState`.
///
/// ```
/// use manyhands::{FastHash, ThreadSafeCache};
/// let cache = ThreadSafeCache::<u32, u32>::with_hasher(FastHash::default());
/// let careful = ThreadSafeCache::with_hasher(std::hash::RandomState::new());
/// cache.insert(1, 2);
/// careful.insert("from outside", 2);
/// assert_eq!(cache.get(&1), careful.get("from outside"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct FastHash(foldhash::fast::RandomState);

/// A [`FastHash`] at work.
#[derive(Clone)]
pub struct FastHasher(foldhash::fast::FoldHasher<'static>);

impl fmt::Debug for FastHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FastHasher").finish_non_exhaustive()
    }
}

impl BuildHasher for FastHash {
    type Hasher = FastHasher;

    #[inline]
    fn build_hasher(&self) -> FastHasher {
        FastHasher(self.0.build_hasher())
    }
}

/// Hands each kind of key part on, so that whole words are not taken apart into bytes.
macro_rules! hand_on {
    ($($write:ident($kind:ty)),+ $(,)?) => {$(
        #[inline]
        fn $write(&mut self, part: $kind) {
            self.0.$write(part);
        }
    )+};
}

impl Hasher for FastHasher {
    hand_on!(
        write(&[u8]),
        write_u8(u8),
        write_u16(u16),
        write_u32(u32),
        write_u64(u64),
        write_u128(u128),
        write_usize(usize)
    );

    #[inline]
    fn finish(&self) -> u64 {
        self.0.finish()
    }
}
