//! [`FastHash`], the hasher of a cache whose caller brings none.

use std::fmt;
use std::hash::{BuildHasher, Hasher};

/// A fast hasher with a seed per cache, for keys that the program trusts.
///
/// It does not withstand an attacker who chooses keys that collide. For keys from outside give the cache
/// `std::hash::RandomState`, which takes two to three times as long per look-up.
///
/// ```
/// use manyhands::cache::FastHash;
/// use manyhands::ThreadSafeCache;
/// let cache = ThreadSafeCache::<u32, u32>::with_hasher(FastHash::default());
/// let careful = ThreadSafeCache::with_hasher(std::hash::RandomState::new());
/// cache.insert(1, 2);
/// careful.insert("from outside", 2);
/// assert_eq!(cache.get(&1), careful.get("from outside"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct FastHash(foldhash::fast::RandomState);

/// The hasher that a [`FastHash`] builds for one key.
///
/// ```
/// use std::hash::{BuildHasher, Hash};
///
/// let hash = manyhands::cache::FastHash::default();
/// let mut hasher: manyhands::cache::FastHasher = hash.build_hasher();
/// "night 1".hash(&mut hasher);
/// assert_eq!(std::hash::Hasher::finish(&hasher), hash.hash_one("night 1"));
/// ```
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

/// Forwards each kind of key part, so that whole words are not split into bytes.
macro_rules! forward {
    ($($write:ident($kind:ty)),+ $(,)?) => {$(
        #[inline]
        fn $write(&mut self, part: $kind) {
            self.0.$write(part);
        }
    )+};
}

impl Hasher for FastHasher {
    forward!(
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
