//! Which positions are still to be handed out, which come back, and whose fault a death was. Pure: integers in, ranges out.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// An item that was in hand when this many of its workers died is not tried again.
pub(crate) const MAX_DEATHS: u32 = 2;

/// The positions of one call.
#[derive(Debug)]
pub(crate) struct WorkQueue {
    n_items: usize,
    /// The first position that was never handed out.
    next: usize,
    /// The first position that is not to be run any more; only sinks.
    fence: usize,
    /// Positions from here on are not to be begun yet, or are not there yet.
    limit: usize,
    /// Handed out and come back: first to end. None empty.
    again: BTreeMap<usize, usize>,
    /// How many workers died with this position in hand.
    deaths: HashMap<usize, u32>,
    /// How often this position was begun before, when it failed and is to be begun again.
    begun_before: HashMap<usize, u32>,
}

/// What follows from the death of an item's worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// It will be handed out once more.
    RetryRequest,
    /// It failed, after so many attempts.
    Failed(u32),
}

impl WorkQueue {
    pub(crate) fn new(n_items: usize, limit: usize) -> Self {
        Self {
            n_items,
            next: 0,
            fence: n_items,
            limit,
            again: BTreeMap::new(),
            deaths: HashMap::new(),
            begun_before: HashMap::new(),
        }
    }

    pub(crate) fn fence(&self) -> usize {
        self.fence
    }

    /// The next positions to hand out: those that came back first. `len` is asked for how many there may be from one on.
    pub(crate) fn claim(&mut self, len: impl FnOnce(usize) -> usize) -> Option<Range<usize>> {
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

    /// Whether [`WorkQueue::claim`] has something to give.
    pub(crate) fn has_more(&self) -> bool {
        let comes_back = self.again.first_key_value().is_some_and(|(&first, _)| first < self.fence);
        comes_back || self.next < self.end()
    }

    /// Whether nothing can be handed out before the limit is raised.
    pub(crate) fn is_starved(&self) -> bool {
        !self.has_more() && self.next < self.n_items.min(self.fence)
    }

    fn end(&self) -> usize {
        self.n_items.min(self.fence).min(self.limit)
    }

    /// Positions that were handed out and not run.
    pub(crate) fn give_back(&mut self, range: Range<usize>) {
        self.put_back(range.start..range.end.min(self.fence));
    }

    fn put_back(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.again.insert(range.start, range.end);
        }
    }

    /// Positions from here on are not to be run any more. True when that is news.
    pub(crate) fn lower_fence(&mut self, fence: usize) -> bool {
        let is_lower = fence < self.fence;
        self.fence = self.fence.min(fence);
        is_lower
    }

    /// Positions below this one may be begun.
    pub(crate) fn raise_limit(&mut self, limit: usize) {
        self.limit = self.limit.max(limit);
    }

    /// Where the next claim begins; asks for nothing.
    pub(crate) fn next_first(&self) -> usize {
        self.again.first_key_value().filter(|(first, _)| **first < self.fence).map_or(self.next, |(&first, _)| first)
    }

    /// A position that has failed is to be handed out once more, for this attempt.
    pub(crate) fn begin_again(&mut self, position: usize, attempt: u32) {
        self.begun_before.insert(position, attempt - 1);
        self.deaths.remove(&position);
        self.give_back(position..position + 1);
    }

    /// Whether everything below the fence was handed out and did not come back.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.next >= self.n_items.min(self.fence) && self.again.keys().all(|&first| first >= self.fence)
    }

    /// A worker died with this position in hand. One that was begun again has had its second chance.
    pub(crate) fn blame(&mut self, position: usize, most: u32) -> RetryDecision {
        let most = if self.begun_before.contains_key(&position) { 1 } else { most };
        let deaths = self.deaths.entry(position).or_default();
        *deaths += 1;
        if *deaths >= most {
            return RetryDecision::Failed(self.attempts(position) - 1);
        }
        self.give_back(position..position + 1);
        RetryDecision::RetryRequest
    }

    /// Whether any position was begun more than once.
    pub(crate) fn has_history(&self) -> bool {
        !(self.deaths.is_empty() && self.begun_before.is_empty())
    }

    /// How often this position was begun, when it is begun now for the last time.
    pub(crate) fn attempts(&self, position: usize) -> u32 {
        let of = |counts: &HashMap<usize, u32>| counts.get(&position).copied().unwrap_or(0);
        1 + of(&self.deaths) + of(&self.begun_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Claim(usize),
        /// Part of a claim in hand is done, and the rest comes back.
        Settle {
            which: prop::sample::Index,
            done: prop::sample::Index,
        },
        Fence(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1_usize..20).prop_map(Step::Claim),
            4 => any::<(prop::sample::Index, prop::sample::Index)>().prop_map(|(which, done)| Step::Settle { which, done }),
            1 => (0_usize..100).prop_map(Step::Fence),
        ]
    }

    proptest! {
        #[test]
        fn every_position_below_the_fence_is_done_once_whatever_comes_back(
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
                    Step::Settle { which, done: share } if !in_hand.is_empty() => {
                        let claim = in_hand.swap_remove(which.index(in_hand.len()));
                        let until = claim.start + share.index(claim.len() + 1);
                        (claim.start..until).for_each(|position| done[position] += 1);
                        work_queue.give_back(until..claim.end);
                    }
                    Step::Settle { .. } => {}
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
    fn an_item_that_kills_twice_is_not_tried_again() {
        let mut work_queue = WorkQueue::new(3, usize::MAX);
        assert_eq!(work_queue.claim(|_| 3), Some(0..3));
        assert_eq!(work_queue.blame(1, MAX_DEATHS), RetryDecision::RetryRequest);
        assert_eq!((work_queue.attempts(1), work_queue.attempts(0)), (2, 1));
        assert_eq!(work_queue.claim(|_| 9), Some(1..2));
        assert_eq!(work_queue.blame(1, MAX_DEATHS), RetryDecision::Failed(2));
        assert!(work_queue.is_exhausted());
        assert_eq!(WorkQueue::new(3, usize::MAX).blame(1, 1), RetryDecision::Failed(1));
    }

    #[test]
    fn an_item_that_is_tried_again_has_its_attempts_counted_on() {
        let mut work_queue = WorkQueue::new(3, usize::MAX);
        assert_eq!(work_queue.claim(|_| 3), Some(0..3));
        assert_eq!(work_queue.blame(1, MAX_DEATHS), RetryDecision::RetryRequest);
        assert_eq!(work_queue.claim(|_| 3), Some(1..2));
        assert_eq!(work_queue.blame(1, MAX_DEATHS), RetryDecision::Failed(2));
        work_queue.begin_again(1, 3);
        assert_eq!((work_queue.claim(|_| 3), work_queue.attempts(1)), (Some(1..2), 3));
        assert_eq!(work_queue.blame(1, MAX_DEATHS), RetryDecision::Failed(3), "from then on each death is one attempt");
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
