//! Which positions are left to send, which came back, and how often each was tried. Pure: integers in, ranges out.
//!
//! Promises: a position is handed out to one worker at a time, and none from the fence on.
//!
//! A worked case, with 10 items, frames of 4 and two workers:
//!
//! | event | `next` | `again` | what follows |
//! |---|---|---|---|
//! | both slots claim | 8 | | the first worker has 0..4, the second 4..8 |
//! | the second dies with 5 in hand; 4 is answered | 8 | 5..6, 6..8 | the death of 5 is recorded, so 5 is queued too |
//! | the first claims again | 8 | 6..8 | it gets 5..6: what came back goes first, one range at a time |
//! | the second slot claims | 8 | | its new worker gets 6..8 |
//! | the first claims again | 10 | | it gets 8..10; `is_exhausted` is true from here on |
//!
//! Costs: a claim of new positions is a comparison and an addition; ranges that came back cost a step in a tree. A call
//! in which no worker dies and nothing is retried allocates only for ranges that come back.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// An item that was in hand when this many workers died is not tried again.
pub(super) const MAX_DEATHS: u32 = 2;

/// The positions of one call.
#[derive(Debug)]
pub(super) struct WorkQueue {
    /// All positions are below this one.
    n_items: usize,
    /// The first position that was never handed out.
    next: usize,
    /// The first position that is not to be run any more; never rises.
    fence: usize,
    /// Positions from here on are not to be begun yet, or their items have not come yet; never sinks.
    limit: usize,
    /// Ranges that were handed out and came back, first to end. None is empty.
    again: BTreeMap<usize, usize>,
    /// How many workers died with this position in hand.
    deaths: HashMap<usize, u32>,
    /// How many attempts at this position have failed and were reported, where it is tried again.
    attempts_before: HashMap<usize, u32>,
}

/// What follows for an item in hand from the death of its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RetryDecision {
    /// It is handed out once more.
    Retry,
    /// It has failed, after this many attempts.
    Failed(u32),
}

impl WorkQueue {
    /// All positions below `n_items` are left; those below `limit` may be handed out.
    pub(super) fn new(n_items: usize, limit: usize) -> Self {
        Self {
            n_items,
            next: 0,
            fence: n_items,
            limit,
            again: BTreeMap::new(),
            deaths: HashMap::new(),
            attempts_before: HashMap::new(),
        }
    }

    /// The first position that is not to be run any more.
    pub(super) fn fence(&self) -> usize {
        self.fence
    }

    /// The next positions to hand out, those that came back first. `len` says how many it may be, from the position
    /// that it is given; at least one is handed out.
    ///
    /// Neighbouring ranges that came back are not joined, so a claim may be shorter than `len` says. `len` is called at
    /// most once.
    pub(super) fn claim(&mut self, len: impl FnOnce(usize) -> usize) -> Option<Range<usize>> {
        if let Some((&first, &end)) = self.again.first_key_value().filter(|(first, _)| **first < self.fence) {
            let claimed = first..end.min(first + len(first).max(1));
            self.again.remove(&first);
            self.put_back(claimed.end..end);
            return Some(claimed);
        }
        let end = self.end();
        if self.next >= end {
            return None;
        }
        let claimed = self.next..end.min(self.next + len(self.next).max(1));
        self.next = claimed.end;
        Some(claimed)
    }

    /// Whether [`WorkQueue::claim`] would give positions.
    pub(super) fn has_more(&self) -> bool {
        let has_returned = self.again.first_key_value().is_some_and(|(&first, _)| first < self.fence);
        has_returned || self.next < self.end()
    }

    /// Whether nothing can be handed out before the limit is raised.
    pub(super) fn is_starved(&self) -> bool {
        !self.has_more() && self.next < self.n_items.min(self.fence)
    }

    /// The first position that may not be handed out for the first time now.
    fn end(&self) -> usize {
        self.n_items.min(self.fence).min(self.limit)
    }

    /// Takes back positions that were handed out and not run.
    pub(super) fn give_back(&mut self, range: Range<usize>) {
        self.put_back(range.start..range.end.min(self.fence));
    }

    /// Queues a range, whether or not it lies beyond the fence.
    fn put_back(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.again.insert(range.start, range.end);
        }
    }

    /// Positions from here on are not to be run any more. True when the fence is lower than before.
    pub(super) fn lower_fence(&mut self, fence: usize) -> bool {
        let is_lower = fence < self.fence;
        self.fence = self.fence.min(fence);
        is_lower
    }

    /// Positions below this one may be begun.
    pub(super) fn raise_limit(&mut self, limit: usize) {
        self.limit = self.limit.max(limit);
    }

    /// Where the next claim begins, if there is one.
    pub(super) fn next_first(&self) -> usize {
        self.again.first_key_value().filter(|(first, _)| **first < self.fence).map_or(self.next, |(&first, _)| first)
    }

    /// Hands a failed position out once more, for this attempt (counted from 1).
    pub(super) fn begin_again(&mut self, position: usize, attempt: u32) {
        self.attempts_before.insert(position, attempt - 1);
        self.deaths.remove(&position);
        self.give_back(position..position + 1);
    }

    /// Whether everything below the fence was handed out and did not come back.
    pub(super) fn is_exhausted(&self) -> bool {
        self.next >= self.n_items.min(self.fence) && self.again.keys().all(|&first| first >= self.fence)
    }

    /// A worker died with this position in hand. At the death number `max_deaths` the item fails; in an attempt that a
    /// retry asked for, at the first.
    ///
    /// | before this death | `max_deaths` | decision |
    /// |---|---|---|
    /// | nothing | 2 | `Retry` |
    /// | one death | 2 | `Failed(2)` |
    /// | nothing, no item may begin twice | 1 | `Failed(1)` |
    /// | one failed attempt, in the retry after it | any | `Failed(2)`; the gatherer may ask for a third |
    pub(super) fn record_death(&mut self, position: usize, max_deaths: u32) -> RetryDecision {
        let max_deaths = if self.attempts_before.contains_key(&position) { 1 } else { max_deaths };
        let deaths = self.deaths.entry(position).or_default();
        *deaths += 1;
        if *deaths >= max_deaths {
            return RetryDecision::Failed(self.attempts(position) - 1);
        }
        self.give_back(position..position + 1);
        RetryDecision::Retry
    }

    /// Whether any position was tried more than once.
    ///
    /// Spares the usual call two look-ups in a map for each result.
    pub(super) fn has_history(&self) -> bool {
        !(self.deaths.is_empty() && self.attempts_before.is_empty())
    }

    /// The number of the attempt that runs now or next, from 1.
    pub(super) fn attempts(&self, position: usize) -> u32 {
        let of = |counts: &HashMap<usize, u32>| counts.get(&position).copied().unwrap_or(0);
        1 + of(&self.deaths) + of(&self.attempts_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Claim(usize),
        /// Part of a claim in hand is done, and the rest is given back.
        Finish {
            which: prop::sample::Index,
            done: prop::sample::Index,
        },
        Fence(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1_usize..20).prop_map(Step::Claim),
            4 => any::<(prop::sample::Index, prop::sample::Index)>().prop_map(|(which, done)| Step::Finish { which, done }),
            1 => (0_usize..100).prop_map(Step::Fence),
        ]
    }

    proptest! {
        #[test]
        fn every_position_below_the_fence_is_done_once_whatever_is_given_back(
            n_items in 0_usize..100,
            steps in prop::collection::vec(step(), 0..60),
        ) {
            let mut work_queue = WorkQueue::new(n_items, usize::MAX);
            let (mut in_hand, mut done): (Vec<Range<usize>>, Vec<u32>) = (Vec::new(), vec![0; n_items]);
            for step in steps {
                match step {
                    Step::Claim(len) => {
                        let has_more = work_queue.has_more();
                        let claim = work_queue.claim(|_| len);
                        prop_assert_eq!(claim.is_some(), has_more);
                        if let Some(claim) = claim {
                            prop_assert!(!claim.is_empty() && claim.len() <= len && claim.start < work_queue.fence());
                            in_hand.push(claim);
                        }
                    }
                    Step::Finish { which, done: share } if !in_hand.is_empty() => {
                        let claim = in_hand.swap_remove(which.index(in_hand.len()));
                        let until = claim.start + share.index(claim.len() + 1);
                        (claim.start..until).for_each(|position| done[position] += 1);
                        work_queue.give_back(until..claim.end);
                    }
                    Step::Finish { .. } => {}
                    Step::Fence(fence) => {
                        work_queue.lower_fence(fence);
                    }
                }
            }
            in_hand.into_iter().for_each(|claim| work_queue.give_back(claim));
            while let Some(claim) = work_queue.claim(|_| 7) {
                claim.for_each(|position| done[position] += 1);
            }
            prop_assert!(!work_queue.has_more());
            prop_assert!(work_queue.is_exhausted());
            let fence = work_queue.fence();
            prop_assert!(done.iter().enumerate().all(|(position, &times)| times == 1 || position >= fence && times <= 1));
        }
    }

    #[test]
    fn an_item_that_kills_two_workers_is_not_tried_again() {
        let mut work_queue = WorkQueue::new(3, usize::MAX);
        assert_eq!(work_queue.claim(|_| 3), Some(0..3));
        assert_eq!(work_queue.record_death(1, MAX_DEATHS), RetryDecision::Retry);
        assert_eq!((work_queue.attempts(1), work_queue.attempts(0)), (2, 1));
        assert_eq!(work_queue.claim(|_| 9), Some(1..2));
        assert_eq!(work_queue.record_death(1, MAX_DEATHS), RetryDecision::Failed(2));
        assert!(work_queue.is_exhausted());
        assert_eq!(WorkQueue::new(3, usize::MAX).record_death(1, 1), RetryDecision::Failed(1));
    }

    #[test]
    fn a_retried_item_keeps_counting_its_attempts() {
        let mut work_queue = WorkQueue::new(3, usize::MAX);
        assert_eq!(work_queue.claim(|_| 3), Some(0..3));
        assert_eq!(work_queue.record_death(1, MAX_DEATHS), RetryDecision::Retry);
        assert_eq!(work_queue.claim(|_| 3), Some(1..2));
        assert_eq!(work_queue.record_death(1, MAX_DEATHS), RetryDecision::Failed(2));
        work_queue.begin_again(1, 3);
        assert_eq!((work_queue.claim(|_| 3), work_queue.attempts(1)), (Some(1..2), 3));
        assert_eq!(
            work_queue.record_death(1, MAX_DEATHS),
            RetryDecision::Failed(3),
            "in a retry, each death is an attempt"
        );
    }

    #[test]
    fn nothing_beyond_the_window_is_handed_out() {
        let mut work_queue = WorkQueue::new(100, 10);
        assert_eq!(work_queue.claim(|_| 50), Some(0..10));
        assert_eq!(work_queue.claim(|_| 50), None);
        assert!(!work_queue.is_exhausted());
        work_queue.raise_limit(14);
        assert_eq!(work_queue.claim(|_| 50), Some(10..14));
    }
}
