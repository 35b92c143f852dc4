//! Who does what, as integers: how many workers, in which order, in chunks of which length.
//! Pure: no clock, no threads, no environment. The machine's numbers are handed in.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::pool::Chunk;

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

/// The order of work that starts the costliest items first; equal ones keep the input's order.
pub(crate) fn longest_first(costs: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by_key(|&idx| std::cmp::Reverse(costs[idx]));
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
    pub(crate) fn of<R, E>(chunk: &Chunk<R, E>) -> Self {
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

    #[test]
    fn a_chunk_size_that_the_user_chose_is_kept() {
        let fixed = plan(10, 4, ChunkRule::Fixed(NonZeroUsize::new(4).unwrap()));
        assert_eq!(claims(&fixed, Duration::from_millis(10)), [4, 4, 2]);
    }
}
