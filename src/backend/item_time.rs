//! How long an item of each function took in the last call, so that small calls need not wake anyone.
//!
//! A hint and nothing more: two functions may share an entry. A wrong one lets the first item of a call, at worst, run
//! before any helper is woken; a job that names its workers or wants progress does not ask for it.

use std::time::Duration;

use crate::sync::{HintWord, LazyLock, Ordering};

const ENTRIES: usize = 256;

/// One word per function: the upper half says which, the lower half holds nanoseconds per item, 0 for unknown.
static MEASURED: LazyLock<[HintWord; ENTRIES]> = LazyLock::new(|| std::array::from_fn(|_| HintWord::new(0)));

/// How long `n_items` items of this task are expected to take in all; `None` when it never ran.
pub(crate) fn expected<K>(n_items: usize) -> Option<Duration> {
    let (entry, tag) = place::<K>();
    // Relaxed, here and below: the word is all there is to it.
    let word = entry.load(Ordering::Relaxed);
    let nanos = word & u64::from(u32::MAX);
    (word >> 32 == tag && nanos > 0).then(|| Duration::from_nanos(nanos.saturating_mul(n_items as u64)))
}

/// Remembers how long items of this task took.
pub(crate) fn remember<K>(items: usize, busy: Duration) {
    if items == 0 {
        return;
    }
    let (entry, tag) = place::<K>();
    let nanos = u32::try_from(busy.as_nanos() / items as u128).unwrap_or(u32::MAX).max(1);
    entry.store(tag << 32 | u64::from(nanos), Ordering::Relaxed);
}

/// The entry and the tag of a task: where its type's name lies stands for it, since closures without 'static have no type
/// id. A name may lie in two places; then each place has an entry of its own.
fn place<K>() -> (&'static HintWord, u64) {
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
    fn what_was_measured_is_expected_again_and_nothing_else_is() {
        remember::<Quick>(1000, Duration::from_micros(5));
        assert_eq!(expected::<Quick>(10), Some(Duration::from_nanos(50)));
        assert_eq!(expected::<NeverRun>(10), None);
    }
}
