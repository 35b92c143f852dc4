//! The plan of a run, as integers: the number of workers, the order of work, the length of chunks, the memory budget.
//!
//! Pure: no clock, no threads, no environment. `job/` passes the numbers of the config and the machine; backends follow
//! the plan.
//!
//! How guided chunks grow and shrink, for claims of one worker in a run on threads:
//!
//! | items take | workers, items | lengths of the chunks |
//! |---|---|---|
//! | 10 ms | 2, 100 | 1, 1, 1, ...: one item already exceeds the target of 200 µs |
//! | 20 µs | 4, 1000 | 1, 8, 10, 10, ..., and with 100 items left 100 / (4 * 4) = 6 |
//! | 5 ns | 2, 1 000 000 | 1, 8, 64, 512, 4096, 32 768, 40 000, ...: eightfold, then the 200 µs of the target |
//! | 5 ns | 2, 2000 left | 1000: the 5 µs below which a claim is not worth its cost, instead of 2000 / 8 = 250 |
//!
//! The first chunk has one item, because nothing is measured yet. Where an earlier call of the
//! same function was measured, a worker on a thread starts with its pace instead (`item_time.rs`), unless
//! `serial_below` is zero.

use std::num::NonZeroUsize;
use std::time::Duration;

/// The plan of one run. A *position* is a place in the order of work; an *index* is a place in the input.
/// They differ when a cost hint or a shuffle reorders the work, and when an earlier run has finished some items.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) n_items: usize,
    pub(crate) workers: NonZeroUsize,
    pub(crate) chunks: ChunkRule,
    /// The index at each position, when the order of work differs from the input's.
    pub(crate) order: Option<Vec<usize>>,
    /// How many positions from the oldest unfinished one on may be claimed.
    pub(crate) window: usize,
    /// The items of positions from here on have not arrived when the run starts.
    pub(crate) arrived: usize,
    /// Whether items may be retried.
    pub(crate) may_retry: bool,
    /// Positions before this one, the serial sample of a report, run one after the other before any other position starts.
    pub(crate) serial_sample: usize,
    /// Whether the start, the time and the amounts of each item are recorded.
    pub(crate) traces: bool,
    /// The memory budget, where it bounds the items that run at the same time.
    pub(crate) memory: Option<MemoryBudget>,
    /// Whether the first failure ends the run.
    pub(crate) halt_on_failure: bool,
    /// Calls that are expected to take less than this in sum start in the calling thread.
    pub(crate) serial_below: Duration,
}

impl Plan {
    /// The input index of a position.
    ///
    /// Cost: one branch, and one load where the order is not that of the input. Panics beyond the order's end.
    pub(crate) fn index_of(&self, position: usize) -> usize {
        self.order.as_ref().map_or(position, |order| order[position])
    }

    /// Adapts the plan to results that are delivered to the calling thread, and recorded there if `is_kept`.
    ///
    /// The caller must be free to deliver, so the call does not start in the calling thread.
    pub(crate) fn set_delivery(&mut self, is_kept: bool, serial_sample: usize) {
        self.serial_below = Duration::ZERO;
        self.traces = is_kept;
        self.serial_sample = serial_sample.min(self.n_items);
    }

    /// The length of the next chunk from `position` on, for a worker whose last chunk had this pace. At least 1.
    ///
    /// The caller shortens it further: to the window, to the limit, to the memory budget, and to `serial_sample`. Here a fixed
    /// chunk size is shortened only at the end of the list.
    pub(crate) fn chunk_len(&self, position: usize, pace: Option<Pace>) -> usize {
        self.len_of(CLAIM, position, pace)
    }

    /// [`chunk_len`](Plan::chunk_len) of a frame to a worker process.
    #[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
    pub(crate) fn frame_len(&self, position: usize, pace: Option<Pace>) -> usize {
        self.len_of(FRAME, position, pace)
    }

    fn len_of(&self, grain: Grain, position: usize, pace: Option<Pace>) -> usize {
        let remaining = self.n_items - position;
        self.chunks.len(grain, remaining, self.workers, pace).clamp(1, remaining.max(1))
    }
}

/// A limit on the sum of the costs of running items, such as bytes of memory.
///
/// Worked case: a budget of 10 and costs of 4, 4, 7, 12. With nothing in use, positions 0 to 2 may start as one claim,
/// which counts 7, since its worker holds one item at a time. Position 3 exceeds the whole budget: it waits until
/// nothing is in use, and then starts alone. So each item runs at some time, however small the budget is.
///
/// Cost: 8 bytes per item.
#[derive(Debug, Clone)]
pub(crate) struct MemoryBudget {
    /// The sum of costs that may be in use at a time.
    pub(crate) budget: u64,
    /// The cost of the item at each position.
    pub(crate) costs: Vec<u64>,
}

impl MemoryBudget {
    /// The cost of a worker with a claim of these positions: the largest, since it runs one after the other.
    pub(crate) fn cost(&self, positions: std::ops::Range<usize>) -> u64 {
        self.costs[positions].iter().copied().max().unwrap_or(0)
    }

    /// How many of `len` positions from `first` on may start while `in_use` of the budget is in use; 0 when they must
    /// wait. A position that costs more than the whole budget may start when nothing is in use.
    pub(crate) fn admit(&self, first: usize, len: usize, in_use: u64) -> usize {
        let Some(free) = self.budget.checked_sub(in_use) else { return 0 };
        let fits = self.costs[first..first + len].iter().take_while(|&&cost| cost <= free).count();
        if fits == 0 && in_use == 0 { len.min(1) } else { fits }
    }
}

/// The order of work that starts the costliest items first; equal ones keep the input's order.
///
/// Why: a costly item that starts last keeps one worker busy after the others have nothing left. Cost: a stable sort of
/// 8 bytes per item, before the run starts. Costs 3, 9, 9, 1 give the order 1, 2, 0, 3.
pub(crate) fn longest_first(costs: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by_key(|&idx| std::cmp::Reverse(costs[idx]));
    order
}

/// A random order of work, the same for the same seed on every machine: the shuffle of Fisher and Yates with the
/// generator SplitMix64 (Steele, Lea and Flood 2014).
///
/// Costs 8 bytes per item, and three multiplications per item. The generator is written out here because a
/// journal, a report or another machine must find the same order for a seed, whatever version a library has.
pub(crate) fn shuffled(n_items: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n_items).collect();
    let mut state = seed;
    for end in (1..n_items).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let drawn = (u128::from(mixed ^ mixed >> 31) * (end as u128 + 1)) >> 64; // below end + 1
        order.swap(end, usize::try_from(drawn).expect("at most the number of items"));
    }
    order
}

/// The number of items of a chunk, and the time that they took in sum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) items: usize,
    pub(crate) time: Duration,
}

/// How the length of chunks is chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ChunkRule {
    /// The length that the user chose.
    Fixed(NonZeroUsize),
    /// By measured item time.
    Guided,
}

/// How long a chunk should take, so that the cost of a claim is negligible and the tail of the run is short.
#[derive(Debug, Clone, Copy)]
struct Grain {
    target: Duration,
    /// Shorter chunks are not worth a claim, even at the end of the list.
    shortest: Duration,
}

/// For a claim from the dispatcher, in the same process: some 100 ns.
const CLAIM: Grain = Grain { target: Duration::from_micros(200), shortest: Duration::from_micros(5) };
/// For a frame to a worker process and its result: some microseconds.
#[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
const FRAME: Grain = Grain { target: Duration::from_millis(1), shortest: Duration::from_micros(50) };
/// How many times longer than the last a chunk may be. Item times differ, so a few measured items predict few others.
const GROWTH: usize = 8;

impl ChunkRule {
    /// Guided: as many items as take the target time, at most [`GROWTH`] times the last chunk, and at most a quarter of
    /// an even share of the remaining items, so that no long chunk runs last.
    fn len(self, grain: Grain, remaining: usize, workers: NonZeroUsize, pace: Option<Pace>) -> usize {
        let pace = match (self, pace) {
            (Self::Fixed(len), _) => return len.get(),
            (Self::Guided, None) => return 1,
            (Self::Guided, Some(pace)) => pace,
        };
        let share = remaining / workers.get().saturating_mul(4);
        let grown = pace.items.saturating_mul(GROWTH);
        let floor = pace.items_in(grain.shortest).min(remaining / workers.get());
        share.max(floor).min(pace.items_in(grain.target)).min(grown)
    }
}

impl Pace {
    /// How many items take this time.
    ///
    /// A chunk that took no measurable time counts as 1 ns. 0 when one item takes longer than this time.
    fn items_in(self, time: Duration) -> usize {
        let taken = self.time.as_nanos().max(1);
        usize::try_from(self.items as u128 * time.as_nanos() / taken).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan(n_items: usize, workers: usize, chunks: ChunkRule) -> Plan {
        Plan {
            n_items,
            workers: NonZeroUsize::new(workers).unwrap(),
            chunks,
            order: None,
            window: usize::MAX,
            arrived: usize::MAX,
            may_retry: false,
            serial_sample: 0,
            traces: false,
            memory: None,
            halt_on_failure: false,
            serial_below: Duration::ZERO,
        }
    }

    /// The chunk lengths of one worker whose items take `item` each.
    fn claims(plan: &Plan, item: Duration) -> Vec<usize> {
        let (mut position, mut pace, mut lengths) = (0, None, Vec::new());
        while position < plan.n_items {
            let items = plan.chunk_len(position, pace);
            pace = Some(Pace { items, time: item * u32::try_from(items).unwrap() });
            position += items;
            lengths.push(items);
        }
        lengths
    }

    proptest! {
        #[test]
        fn claims_cover_the_list_and_never_overrun_it(n_items in 0_usize..100_000, workers in 1_usize..40, nanos in 1_u64..1_000_000) {
            let lengths = claims(&plan(n_items, workers, ChunkRule::Guided), Duration::from_nanos(nanos));
            prop_assert_eq!(lengths.iter().sum::<usize>(), n_items);
            prop_assert!(lengths.iter().all(|&length| length >= 1));
        }

        #[test]
        fn the_costliest_items_come_first_and_each_once(costs in prop::collection::vec(0_u64..50, 0..100)) {
            let order = longest_first(&costs);
            prop_assert!(order.windows(2).all(|pair| (costs[pair[1]], pair[0]) < (costs[pair[0]], pair[1]) || costs[pair[0]] > costs[pair[1]]));
            let mut sorted = order;
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..costs.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_shuffle_has_every_item_once_and_depends_on_its_seed_alone() {
        let order = shuffled(1000, 7);
        assert_eq!((&order, order == shuffled(1000, 8)), (&shuffled(1000, 7), false));
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..1000));
        let moved_far = order.iter().enumerate().filter(|(position, index)| position.abs_diff(**index) > 100).count();
        assert!(moved_far > 700, "{moved_far}");
        assert!(shuffled(0, 1).is_empty() && shuffled(1, 1) == [0]);
    }

    #[test]
    fn slow_items_are_claimed_one_by_one_and_quick_ones_in_large_chunks() {
        let slow = claims(&plan(100, 2, ChunkRule::Guided), Duration::from_millis(10));
        assert!(slow.iter().all(|&length| length == 1));
        let quick = claims(&plan(1_000_000, 2, ChunkRule::Guided), Duration::from_nanos(5));
        assert!(quick.len() < 100, "{} claims", quick.len());
    }

    #[test]
    fn the_first_chunk_is_one_item_because_no_pace_is_known() {
        assert_eq!(plan(1_000_000, 2, ChunkRule::Guided).chunk_len(0, None), 1);
    }

    proptest! {
        #[test]
        fn running_items_stay_within_the_budget_except_for_a_single_larger_one(
            costs in prop::collection::vec(0_u64..30, 1..60), budget in 0_u64..40, len in 1_usize..10,
        ) {
            let memory = MemoryBudget { budget, costs: costs.clone() };
            let (mut position, mut in_hand, mut started) = (0, std::collections::VecDeque::new(), 0);
            while position < costs.len() {
                let in_use = in_hand.iter().sum::<u64>();
                let admitted = memory.admit(position, len.min(costs.len() - position), in_use);
                if admitted == 0 {
                    prop_assert!(in_hand.pop_front().is_some(), "nothing runs, and nothing was admitted");
                    continue;
                }
                let cost = memory.cost(position..position + admitted);
                prop_assert!(in_use + cost <= budget || in_use == 0 && admitted == 1, "{in_use} and {cost}");
                in_hand.push_back(cost);
                (position, started) = (position + admitted, started + admitted);
            }
            prop_assert_eq!(started, costs.len());
        }
    }

    #[test]
    fn a_chunk_size_that_the_user_chose_is_kept() {
        let fixed = plan(10, 4, ChunkRule::Fixed(NonZeroUsize::new(4).unwrap()));
        assert_eq!(claims(&fixed, Duration::from_millis(10)), [4, 4, 2]);
    }
}
