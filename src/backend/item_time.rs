//! The mean item time of each function in its last call, so that short calls need not wake a helper.
//!
//! It is a hint. Two functions may share an entry, by a hash collision or because they are `fn` pointers of the same
//! type: a closure or a plain function has a type of its own, a `fn` pointer has not, and a task cannot tell the two
//! apart. So all functions of one signature that run in [`AnyMode`](crate::AnyMode) share their hint.
//!
//! A wrong hint changes no result. Too short a time lets the caller run items itself, and request helpers only after
//! the plan's `serial_below`, or after its first item if that takes longer. Too long a time wakes helpers for a short
//! call. A plan whose `serial_below` is zero ignores the hint.

use std::time::Duration;

use crate::sync::{HintWord, Ordering};

/// 2 KiB in all. Most programs have fewer parallel functions than that; two that share an entry replace each other's
/// tag.
const ENTRIES: usize = 256;

/// One word per function: the upper half is its tag, the lower half the nanoseconds per item, 0 for unknown.
static MEASURED: [HintWord; ENTRIES] = [const { HintWord::new(0) }; ENTRIES];

/// The time that `n_items` items of this task are expected to take in sum; `None` when the task never ran.
///
/// 1000 items of a function that took 50 ns each are expected to take 50 µs. Cost: a multiplication and one load; no
/// lock.
pub(crate) fn expected<K>(n_items: usize) -> Option<Duration> {
    let (entry, tag) = entry_of::<K>();
    // Relaxed, here and below: the word holds the whole entry, and no other data depends on it.
    let word = entry.load(Ordering::Relaxed);
    let nanos = word & u64::from(u32::MAX);
    (word >> 32 == tag && nanos > 0).then(|| Duration::from_nanos(nanos.saturating_mul(n_items as u64)))
}

/// Stores the mean time of `items` items of this task.
///
/// Called once at the end of each call on threads, also of a call that failed. The mean is rounded down, but is 1 ns at
/// least, since 0 means unknown, and about 4.3 s at most. It replaces the earlier mean.
pub(crate) fn remember<K>(items: usize, busy: Duration) {
    if items == 0 {
        return;
    }
    let (entry, tag) = entry_of::<K>();
    let nanos = u32::try_from(busy.as_nanos() / items as u128).unwrap_or(u32::MAX).max(1);
    entry.store(tag << 32 | u64::from(nanos), Ordering::Relaxed);
}

/// The entry and the tag of a task. The key is the address of its type's name, since a closure that borrows has no
/// `TypeId`. A name may have several addresses; then each has an entry of its own.
fn entry_of<K>() -> (&'static HintWord, u64) {
    let address = std::any::type_name::<K>().as_ptr().addr() as u64;
    let hash = address.wrapping_mul(0x9e37_79b9_7f4a_7c15); // Fibonacci hashing: the upper bits are well mixed
    let slot = usize::try_from(hash >> 32 & (ENTRIES as u64 - 1)).expect("below 256");
    (&MEASURED[slot], hash >> 32)
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    struct Quick;
    struct NeverRun;

    #[test]
    fn a_measured_task_has_an_expected_time_and_others_have_none() {
        remember::<Quick>(1000, Duration::from_micros(5));
        assert_eq!(expected::<Quick>(10), Some(Duration::from_nanos(50)));
        assert_eq!(expected::<NeverRun>(10), None);
    }
}
