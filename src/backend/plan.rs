//! Who does what, as integers: how many workers, in which order, in chunks of which length.
//! Pure: no clock, no threads, no environment. The machine's numbers are handed in.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::backend::ChunkReport;

/// The plan of one run. A *position* is a place in the order of work; an *index* is a place in the input.
/// They are the same unless a cost hint reordered the work.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) n_items: usize,
    pub(crate) workers: NonZeroUsize,
    pub(crate) chunks: ChunkRule,
    /// The index at each position, when the order of work differs from the input's.
    pub(crate) order: Option<Vec<usize>>,
    /// How far ahead of the oldest unfinished position work may be claimed.
    pub(crate) window: usize,
    /// Positions from here on are not there when the run begins.
    pub(crate) stocked: usize,
    /// Whether items may be tried again.
    pub(crate) may_retry: bool,
    /// Positions before this one are worked on one after the other, before anything else is begun.
    pub(crate) alone: usize,
    /// Whether it is wanted of each item when it was worked on, for how long, and what it said of itself.
    pub(crate) traces: bool,
    /// How much memory there is, where that bounds what is begun at the same time.
    pub(crate) memory: Option<MemoryBudget>,
    /// Whether the first failure ends the run.
    pub(crate) halt_on_failure: bool,
    /// Calls expected to take less than this in all start in the calling thread.
    pub(crate) serial_below: Duration,
}

impl Plan {
    /// The input index of a position.
    pub(crate) fn index_of(&self, position: usize) -> usize {
        self.order.as_ref().map_or(position, |order| order[position])
    }

    /// Answers travel to the calling thread, and are written down there, as this says.
    ///
    /// Whoever wants answers as they come wants a caller that is free to hand them on.
    pub(crate) fn carry(&mut self, is_kept: bool, alone: usize) {
        self.serial_below = Duration::ZERO;
        self.traces = is_kept;
        self.alone = alone.min(self.n_items);
    }

    /// The length of the next chunk from `position` on, for a worker whose last chunk went as `pace` says. At least 1.
    pub(crate) fn chunk_len(&self, position: usize, pace: Option<Pace>) -> usize {
        self.len_of(CLAIM, position, pace)
    }

    /// [`chunk_len`](Plan::chunk_len) of what travels to a worker in another process.
    #[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
    pub(crate) fn frame_len(&self, position: usize, pace: Option<Pace>) -> usize {
        self.len_of(FRAME, position, pace)
    }

    fn len_of(&self, grain: Grain, position: usize, pace: Option<Pace>) -> usize {
        let remaining = self.n_items - position;
        self.chunks.len(grain, remaining, self.workers, pace).clamp(1, remaining.max(1))
    }
}

/// What there is of something that items need while they are worked on, such as bytes.
#[derive(Debug, Clone)]
pub(crate) struct MemoryBudget {
    pub(crate) budget: u64,
    /// What the item at each position needs.
    pub(crate) costs: Vec<u64>,
}

impl MemoryBudget {
    /// What a worker needs that has these positions in hand: it works on one after the other.
    pub(crate) fn cost(&self, positions: std::ops::Range<usize>) -> u64 {
        self.costs[positions].iter().copied().max().unwrap_or(0)
    }

    /// How many of up to `len` positions from `first` on may be begun while `in_use` is in use; 0 when they have to wait. One
    /// that needs more than there is may be begun when nothing else is in hand.
    pub(crate) fn admit(&self, first: usize, len: usize, in_use: u64) -> usize {
        let Some(free) = self.budget.checked_sub(in_use) else { return 0 };
        let fits = self.costs[first..first + len].iter().take_while(|&&cost| cost <= free).count();
        if fits == 0 && in_use == 0 { len.min(1) } else { fits }
    }
}

/// The order of work that starts the costliest items first; equal ones keep the input's order.
pub(crate) fn longest_first(costs: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by_key(|&idx| std::cmp::Reverse(costs[idx]));
    order
}

/// An order of work in which every order is about as likely, the same for each seed on every machine: Fisher and Yates, with
/// the generator SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) fn shuffled(n_items: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n_items).collect();
    let mut state = seed;
    for end in (1..n_items).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let drawn = (u128::from(mixed ^ mixed >> 31) * (end as u128 + 1)) >> 64; // below end + 1
        order.swap(end, usize::try_from(drawn).expect("no more than there are items"));
    }
    order
}

/// How a worker's last chunk went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) items: usize,
    pub(crate) time: Duration,
}

/// How long a chunk may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ChunkRule {
    /// Always this long, as the user asked.
    Fixed(NonZeroUsize),
    /// By measured item time.
    Guided,
}

/// How long a chunk should take: hand-over is then next to nothing, and the tail stays short.
#[derive(Debug, Clone, Copy)]
struct Grain {
    target: Duration,
    /// Shorter chunks than this are not worth a hand-over even at the end of the list.
    shortest: Duration,
}

/// A claim at a board, in the same process: some 100 ns.
const CLAIM: Grain = Grain { target: Duration::from_micros(200), shortest: Duration::from_micros(5) };
/// A frame to another process and its answer: some microseconds.
#[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
const FRAME: Grain = Grain { target: Duration::from_millis(1), shortest: Duration::from_micros(50) };
/// How much longer than the last a chunk may be: item times differ, so the first measurements are not trusted far.
const GROWTH: usize = 8;

impl ChunkRule {
    /// Guided: as many items as take the target, at most [`GROWTH`] times the last chunk, and at most a quarter of an even
    /// share of what is left, so that no worker is left alone with a long chunk at the end.
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
    /// How this chunk went.
    pub(crate) fn of<R, E>(chunk: &ChunkReport<R, E>) -> Self {
        Self { items: chunk.done.max(1), time: chunk.busy }
    }

    /// How many items take this long.
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
            stocked: usize::MAX,
            may_retry: false,
            alone: 0,
            traces: false,
            memory: None,
            halt_on_failure: false,
            serial_below: Duration::ZERO,
        }
    }

    /// Walks the claims of one worker whose items all take `item`; gives the chunk lengths.
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
    fn a_shuffle_has_every_item_once_and_is_that_of_its_seed() {
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
    fn slow_items_travel_alone_and_quick_ones_in_large_chunks() {
        let slow = claims(&plan(100, 2, ChunkRule::Guided), Duration::from_millis(10));
        assert!(slow.iter().all(|&length| length == 1));
        let quick = claims(&plan(1_000_000, 2, ChunkRule::Guided), Duration::from_nanos(5));
        assert!(quick.len() < 100, "{} claims", quick.len());
    }

    #[test]
    fn the_first_chunk_is_one_item_because_nothing_is_known_yet() {
        assert_eq!(plan(1_000_000, 2, ChunkRule::Guided).chunk_len(0, None), 1);
    }

    proptest! {
        #[test]
        fn what_is_in_hand_together_never_needs_more_than_there_is_but_for_one_alone(
            costs in prop::collection::vec(0_u64..30, 1..60), budget in 0_u64..40, len in 1_usize..10,
        ) {
            let memory = MemoryBudget { budget, costs: costs.clone() };
            let (mut position, mut in_hand, mut begun) = (0, std::collections::VecDeque::new(), 0);
            while position < costs.len() {
                let in_use = in_hand.iter().sum::<u64>();
                let admitted = memory.admit(position, len.min(costs.len() - position), in_use);
                if admitted == 0 {
                    prop_assert!(in_hand.pop_front().is_some(), "nothing in hand, and nothing admitted");
                    continue;
                }
                let cost = memory.cost(position..position + admitted);
                prop_assert!(in_use + cost <= budget || in_use == 0 && admitted == 1, "{in_use} and {cost}");
                in_hand.push_back(cost);
                (position, begun) = (position + admitted, begun + admitted);
            }
            prop_assert_eq!(begun, costs.len());
        }
    }

    #[test]
    fn a_chunk_size_that_the_user_chose_is_kept() {
        let fixed = plan(10, 4, ChunkRule::Fixed(NonZeroUsize::new(4).unwrap()));
        assert_eq!(claims(&fixed, Duration::from_millis(10)), [4, 4, 2]);
    }
}
