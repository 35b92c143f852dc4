//! Where failures end a run, as arithmetic. Pure. The limit comes from the user's [`OnFailure`](crate::OnFailure); the
//! gatherer notes failures and asks for the fence.
//!
//! Promise: the fence is where a serial run would have stopped, in whatever order failures are reported.

use std::collections::BinaryHeap;

/// The lowest failed positions of a run, up to the limit that ends it. Without a limit no failure ends the run.
#[derive(Debug, Default)]
pub(crate) struct Tolerance {
    limit: Option<usize>,
    /// The lowest failed positions, at most `limit` of them.
    lowest: BinaryHeap<usize>,
}

impl Tolerance {
    /// Tolerates fewer than this many failures; `None` tolerates all.
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self { limit, lowest: BinaryHeap::new() }
    }

    /// Notes a failed position. Positions may be noted in any order.
    pub(crate) fn note(&mut self, position: usize) {
        let Some(limit) = self.limit else { return };
        self.lowest.push(position);
        if self.lowest.len() > limit {
            self.lowest.pop();
        }
    }

    /// The first position that a serial run with these failures would not have run.
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
