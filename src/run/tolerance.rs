//! Where failures end a run, as arithmetic. Pure. The limit comes from the user's [`OnFailure`](crate::OnFailure); the
//! gatherer notes failures and asks for the fence.
//!
//! Promise: the fence is where a serial run would have stopped, in whatever order failures are reported.
//!
//! A worked case, with a limit of 2 and 20 positions. Failures arrive in the order 9, 4, 7:
//!
//! | noted | kept | fence |
//! |---|---|---|
//! | 9 | 9 | 20 |
//! | 4 | 4 9 | 10 |
//! | 7 | 4 7 | 8 |
//!
//! A serial run meets 4 first and 7 second, and ends there: position 8 is the first that it does not run.

use std::collections::BinaryHeap;

/// The lowest failed positions of a run, up to the limit that ends it. Without a limit no failure ends the run.
///
/// Invariant: the heap holds the lowest failed positions, so its largest is the one that ends the run. Memory is
/// bounded by the limit, not by the number of failures.
#[derive(Debug, Default)]
pub(crate) struct Tolerance {
    limit: Option<usize>,
    /// The lowest failed positions, at most `limit` of them.
    lowest: BinaryHeap<usize>,
}

impl Tolerance {
    /// Tolerates fewer than this many failures; `None` tolerates all.
    ///
    /// A limit is at least 1; `OnFailure::limit` sees to that. A heap of size 0 would never give a fence.
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self { limit, lowest: BinaryHeap::new() }
    }

    /// Notes a failed position. Positions may be noted in any order.
    ///
    /// Each position is noted once, and only when it will not be retried. Cost: a few steps in a heap of at most
    /// `limit` entries; nothing without a limit.
    pub(crate) fn note(&mut self, position: usize) {
        let Some(limit) = self.limit else { return };
        self.lowest.push(position);
        if self.lowest.len() > limit {
            self.lowest.pop();
        }
    }

    /// The first position that a serial run with these failures would not have run.
    ///
    /// It never grows while failures are noted, which is why a backend can drop work beyond it for good. Cost: one
    /// comparison and a look at the top of the heap.
    pub(crate) fn fence(&self, n_items: usize) -> usize {
        match self.limit {
            Some(limit) if self.lowest.len() == limit => self.lowest.peek().map_or(n_items, |highest| highest + 1),
            _ => n_items,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_fence_is_where_a_serial_run_would_have_stopped(
            mut failed in prop::collection::hash_set(0_usize..200, 0..40).prop_map(|set| set.into_iter().collect::<Vec<_>>()),
            limit in 1_usize..20,
        ) {
            let mut tolerance = Tolerance::new(Some(limit));
            failed.iter().for_each(|&position| tolerance.note(position));
            failed.sort_unstable();
            let serial = failed.get(limit - 1).map_or(200, |position| position + 1);
            prop_assert_eq!(tolerance.fence(200), serial);
        }
    }
}
