//! A handshake of two threads: each writes a word of its own and then looks at the other's, and at least one of the two
//! sees the other's write (the store-buffer litmus test, with its bad outcome excluded).
//!
//! The guarantee follows from the single total order of all SeqCst operations. On the real machine each step is a
//! SeqCst operation; on x86-64 the read-modify-write is a full fence already, so this costs nothing more. loom treats
//! SeqCst operations as Acquire and Release, but models the SeqCst fence. So in a model a fence follows each
//! read-modify-write, which gives the same guarantee and no more: the looks are plain Acquire loads there. The models
//! thus check the protocols that rest on this guarantee. That the real operations give it is the argument above, and
//! not checked by a model.
//!
//! Its user is `primitives/lock/protocol.rs`.
//!
//! The two steps of a reader R and a writer W, in the orders that matter:
//!
//! | order | R sees W | W sees R |
//! |---|---|---|
//! | R announces, R looks, W announces, W looks | no: R is inside | yes: W waits for R |
//! | W announces, W looks, R announces, R looks | yes: R counts itself out | no: W is inside |
//! | both announce, then both look | yes: R counts itself out | yes: W looks again until R is out |
//! | each looks before the other's write arrives | no | no: both inside, which must not happen |
//!
//! The last row is what a processor may do with plain stores and loads: a store waits in a buffer while a later load is
//! carried out.

use crate::sync::backend::{AtomicU64, Ordering};

#[cfg(not(manyhands_loom))]
const BOTH_WAYS: Ordering = Ordering::SeqCst;
#[cfg(not(manyhands_loom))]
const LOOK: Ordering = Ordering::SeqCst;
#[cfg(manyhands_loom)]
const BOTH_WAYS: Ordering = Ordering::AcqRel;
#[cfg(manyhands_loom)]
const LOOK: Ordering = Ordering::Acquire;

/// Adds to a word, modulo 2^64; returns what it held before. All threads see this before every later [`look`] of this
/// thread. Acquires and releases.
#[inline]
pub(crate) fn announce(word: &AtomicU64, by: u64) -> u64 {
    let before = word.fetch_add(by, BOTH_WAYS);
    fence_in_a_model();
    before
}

/// Changes a word from 0 to this value, as [`announce`] does. Returns false and changes nothing when it is not 0.
#[inline]
pub(crate) fn claim(word: &AtomicU64, value: u64) -> bool {
    // Relaxed when it fails: the caller concludes nothing from the word then.
    let is_claimed = word.compare_exchange(0, value, BOTH_WAYS, Ordering::Relaxed).is_ok();
    fence_in_a_model();
    is_claimed
}

/// Reads a word that others announce on. Acquires what was written before that value.
#[inline]
pub(crate) fn look(word: &AtomicU64) -> u64 {
    word.load(LOOK)
}

#[inline]
fn fence_in_a_model() {
    #[cfg(manyhands_loom)]
    crate::sync::backend::fence(Ordering::SeqCst);
}
