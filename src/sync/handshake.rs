//! The handshake of two threads that each write a word of their own and then look at the other's: at least one of the two
//! sees the other.
//!
//! What makes it so is the one order that all SeqCst operations have. On the real machine each step is a SeqCst operation
//! itself; on x86-64 the read-modify-write is the fence, and costs nothing more. loom takes SeqCst operations for Acquire and
//! Release, but knows the SeqCst fence; so in a model a fence follows each read-modify-write, which gives the same promise
//! and no more: the looks are plain Acquire loads there. So the models check the protocols that rest on this promise; that the
//! real operations keep it is an argument, the one above, and no model's finding.

use crate::sync::{AtomicU64, Ordering};

#[cfg(not(manyhands_loom))]
const BOTH_WAYS: Ordering = Ordering::SeqCst;
#[cfg(not(manyhands_loom))]
const LOOK: Ordering = Ordering::SeqCst;
#[cfg(manyhands_loom)]
const BOTH_WAYS: Ordering = Ordering::AcqRel;
#[cfg(manyhands_loom)]
const LOOK: Ordering = Ordering::Acquire;

/// Adds to a word, modulo 2^64, and puts that before every later [`look`] of this thread in the eyes of all threads. Gives
/// what stood there. Acquires and releases.
#[inline]
pub(crate) fn announce(word: &AtomicU64, by: u64) -> u64 {
    let before = word.fetch_add(by, BOTH_WAYS);
    fence_in_a_model();
    before
}

/// [`announce`]s `word` from 0 to this value; false and nothing, when it is not 0.
#[inline]
pub(crate) fn claim(word: &AtomicU64, value: u64) -> bool {
    // Relaxed when it fails: nothing is concluded from what stands there.
    let is_claimed = word.compare_exchange(0, value, BOTH_WAYS, Ordering::Relaxed).is_ok();
    fence_in_a_model();
    is_claimed
}

/// Reads a word that is announced on. Acquires what was done before the value was written.
#[inline]
pub(crate) fn look(word: &AtomicU64) -> u64 {
    word.load(LOOK)
}

#[inline]
fn fence_in_a_model() {
    #[cfg(manyhands_loom)]
    crate::sync::fence(Ordering::SeqCst);
}
