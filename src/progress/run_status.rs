//! The state of a run while it goes on: the run writes it, a render thread reads it. It draws nothing, decides nothing,
//! and orders no other data between threads.
//!
//! # Which part calls which method, and when
//! - Before anything starts, the caller's thread makes one [`RunStatus`] per run, counts the resumed items, names the
//!   items if they have keys, and gives the status to the progress target, which may start a render thread.
//! - Whatever works or feeds workers calls [`RunStatus::begin`] when a worker starts a chunk and [`RunStatus::end`]
//!   when the chunk is finished, failed or lost: once per chunk. Before the first `begin`, workers are being started,
//!   and that time does not count for items per second.
//! - The gatherer counts finished items with [`RunStatus::count`], and retries and workers with the methods for those.
//! - When no further item will start, the gatherer calls [`RunStatus::stop`].
//! - When nothing is alive that the run started, the caller's thread ends the render thread.

use std::collections::VecDeque;
use std::time::Duration;

use crate::progress::tracker::{ItemStatus, ProgressTracker, TrackerSnapshot};
use crate::sync::{Arc, Instant, Mutex};

/// The state of one run. Any thread may call any method at any time; no call waits for output.
///
/// Cost: two lock acquisitions and two clock reads per chunk, for `begin` and `end`; a count takes no lock. A view
/// copies the list of chunks in hand, ten times a second.
#[derive(Debug)]
pub(crate) struct RunStatus {
    tracker: ProgressTracker,
    begun: Instant,
    /// Guards all but the counts. Its critical sections are a few assignments.
    state: Mutex<RunState>,
}

#[derive(Debug, Default)]
struct RunState {
    phase: RunPhase,
    /// When the first chunk started, since `begun`.
    work_begun: Duration,
    /// As many as there are workers, or a few times that, so a linear search is quick.
    in_hand: Vec<ChunkInHand>,
    n_begun: u64,
    finished: ItemTime,
    names: Option<Arc<Vec<String>>>,
    /// Breakpoints of the map from positions to indices, as [`RunStatus::place`] got them.
    places: VecDeque<(usize, usize)>,
    recovered: RecoveryCounts,
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum RunPhase {
    /// Workers and their states are being made; no item has started.
    #[default]
    Starting,
    Running,
    /// Items in hand are being finished, and no further item will start.
    Stopping,
}

/// Events that the run recovered from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RecoveryCounts {
    pub(crate) retried: u64,
    pub(crate) lost_workers: u64,
    pub(crate) recycled_workers: u64,
}

/// Number of items that were worked on, and the time spent on them.
#[derive(Debug, Clone, Copy, Default)]
struct ItemTime {
    items: u64,
    time: Duration,
}

/// A chunk that a worker is working on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkInHand {
    /// Chunks are numbered in the order in which they start, so the smallest number is the oldest.
    pub(crate) number: u64,
    /// The index of its first item.
    pub(crate) first: usize,
    pub(crate) n_items: usize,
    /// When it started, since the status was made.
    pub(crate) begun: Duration,
}

/// Names a chunk in hand, for [`RunStatus::end`].
#[derive(Debug)]
#[must_use = "a chunk that is never ended stays in hand"]
pub(crate) struct InFlightGuard(u64);

/// The state of a run at one moment.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Time since the status was made.
    pub(crate) age: Duration,
    pub(crate) phase: RunPhase,
    /// Its clock starts with the first item, so that the start of workers does not distort rates and estimates.
    pub(crate) counts: TrackerSnapshot,
    pub(crate) recovered: RecoveryCounts,
    /// The oldest first.
    pub(crate) in_hand: Vec<ChunkInHand>,
    /// Mean time that a worker spent on a finished item; none before the first.
    pub(crate) mean_item_time: Option<Duration>,
    names: Option<Arc<Vec<String>>>,
}

impl RunStatus {
    /// The status of a run with so many items, or with an unknown number. Its clock starts now.
    pub(crate) fn new(total: Option<u64>) -> Self {
        let tracker = total.map_or_else(ProgressTracker::new, ProgressTracker::with_total);
        Self { tracker, begun: Instant::now(), state: Mutex::default() }
    }

    /// Adds to the number of items; from an unknown number, starts at zero.
    pub(crate) fn grow_total(&self, more: u64) {
        self.tracker.grow_total(more);
    }

    /// Gives each item its name, by index.
    ///
    /// All at once, before the first item, so that the render thread never calls the caller's key function.
    pub(crate) fn name_items(&self, names: Arc<Vec<String>>) {
        self.state.lock().names = Some(names);
    }

    /// Maps positions from this one on to indices from this one on. The two differ when some items of an iterator were
    /// finished by an earlier run and so take no position.
    pub(crate) fn place(&self, position: usize, index: usize) {
        self.state.lock().places.push_back((position, index));
    }

    /// Drops the map for positions that will not start any more.
    pub(crate) fn forget_places_before(&self, position: usize) {
        let places = &mut self.state.lock().places;
        while places.get(1).is_some_and(|&(next, _)| next <= position) {
            places.pop_front();
        }
    }

    /// A worker starts `n_items` items from this position on. Items that wait in a worker's queue do not count: they
    /// would seem to stall because of the items before them.
    pub(crate) fn begin(&self, first: usize, n_items: usize) -> InFlightGuard {
        self.begin_at(self.begun.elapsed(), first, n_items)
    }

    /// The worker is done with the chunk, whether it succeeded, failed or was lost.
    pub(crate) fn end(&self, guard: InFlightGuard) {
        self.end_at(self.begun.elapsed(), guard);
    }

    /// Counts finished items by their status.
    pub(crate) fn count(&self, status: ItemStatus, n_items: u64) {
        self.tracker.count(status, n_items);
    }

    /// Counts items that will be tried again.
    pub(crate) fn retry(&self, n_items: u64) {
        self.state.lock().recovered.retried += n_items;
    }

    /// Counts a worker that died.
    pub(crate) fn lose_worker(&self) {
        self.state.lock().recovered.lost_workers += 1;
    }

    /// Counts a worker that was replaced by a fresh one.
    pub(crate) fn recycle_worker(&self) {
        self.state.lock().recovered.recycled_workers += 1;
    }

    /// No further item will start.
    pub(crate) fn stop(&self) {
        self.state.lock().phase = RunPhase::Stopping;
    }

    /// How the run is now.
    pub(crate) fn view(&self) -> View {
        self.view_at(self.begun.elapsed())
    }

    pub(super) fn begin_at(&self, age: Duration, first: usize, n_items: usize) -> InFlightGuard {
        let mut state = self.state.lock();
        if state.phase == RunPhase::Starting {
            state.phase = RunPhase::Running;
            state.work_begun = age;
        }
        let before = state.places.partition_point(|&(position, _)| position <= first);
        let place = before.checked_sub(1).map(|place| state.places[place]);
        let first = place.map_or(first, |(position, index)| index + (first - position));
        let number = state.n_begun;
        state.n_begun += 1;
        state.in_hand.push(ChunkInHand { number, first, n_items, begun: age });
        InFlightGuard(number)
    }

    pub(super) fn end_at(&self, age: Duration, InFlightGuard(number): InFlightGuard) {
        let mut state = self.state.lock();
        let place = state.in_hand.iter().position(|chunk| chunk.number == number);
        let chunk = state.in_hand.swap_remove(place.expect("each guard has one chunk, and `end` consumes the guard"));
        state.finished.items += chunk.n_items as u64;
        state.finished.time += age.saturating_sub(chunk.begun);
    }

    pub(super) fn view_at(&self, age: Duration) -> View {
        let state = self.state.lock();
        let has_begun = state.n_begun > 0;
        let worked = if has_begun { age.saturating_sub(state.work_begun) } else { Duration::ZERO };
        // The tracker's lock is taken under this one and never the other way round.
        let counts = self.tracker.snapshot_at(worked);
        let mut in_hand = state.in_hand.clone();
        let view = View {
            age,
            phase: state.phase,
            counts,
            recovered: state.recovered,
            mean_item_time: state.finished.mean(),
            names: state.names.clone(),
            in_hand: Vec::new(),
        };
        drop(state);
        in_hand.sort_unstable_by_key(|chunk| chunk.number);
        View { in_hand, ..view }
    }
}

impl ItemTime {
    fn mean(self) -> Option<Duration> {
        let items = u32::try_from(self.items).unwrap_or(u32::MAX); // beyond 2^32 items the mean is only less exact
        (items > 0).then(|| self.time / items)
    }
}

impl View {
    /// The name of an item, where items have names.
    ///
    /// None for a stream, whose names are not known before the run.
    pub(crate) fn name(&self, index: usize) -> Option<&str> {
        self.names.as_ref()?.get(index).map(String::as_str)
    }

    /// The chunk that has been in hand for the longest time.
    #[cfg(any(test, feature = "progress"))]
    pub(crate) fn oldest(&self) -> Option<&ChunkInHand> {
        self.in_hand.first()
    }

    /// Time since the chunk started.
    pub(crate) fn time_in_hand(&self, chunk: &ChunkInHand) -> Duration {
        self.age.saturating_sub(chunk.begun)
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_start_of_workers_does_not_slow_down_the_estimate() {
        let status = RunStatus::new(Some(10));
        status.count(ItemStatus::Resumed, 2);
        let starting = status.view_at(30 * SECOND);
        assert_eq!((starting.phase, starting.counts.elapsed), (RunPhase::Starting, Duration::ZERO));
        let guard = status.begin_at(40 * SECOND, 2, 4);
        status.end_at(44 * SECOND, guard);
        status.count(ItemStatus::Succeeded, 4);
        let running = status.view_at(44 * SECOND);
        assert_eq!((running.phase, running.age), (RunPhase::Running, 44 * SECOND));
        assert_eq!(running.counts.items_per_second(), 1.0);
        assert_eq!(running.counts.eta().unwrap().likely, 4 * SECOND);
    }

    #[test]
    fn chunks_in_hand_are_listed_oldest_first() {
        let status = RunStatus::new(None);
        let guards = [(1, 7), (2, 5), (3, 9)].map(|(second, first)| status.begin_at(second * SECOND, first, 1));
        let [oldest, ..] = guards;
        status.end_at(4 * SECOND, oldest);
        let view = status.view_at(10 * SECOND);
        assert_eq!(view.in_hand.iter().map(|chunk| chunk.first).collect::<Vec<_>>(), [5, 9]);
        assert_eq!(view.time_in_hand(view.oldest().unwrap()), 8 * SECOND);
    }

    #[test]
    fn positions_become_indices_where_some_items_are_finished_before() {
        let status = RunStatus::new(None);
        status.place(2, 500);
        status.place(4, 700);
        let firsts =
            |status: &RunStatus| status.view_at(SECOND).in_hand.iter().map(|chunk| chunk.first).collect::<Vec<_>>();
        let guards = [0, 1, 2, 3, 4, 9].map(|position| status.begin_at(SECOND, position, 1));
        assert_eq!(firsts(&status), [0, 1, 500, 501, 700, 705]);
        guards.into_iter().for_each(|guard| status.end_at(SECOND, guard));
        status.forget_places_before(9);
        let _hold = status.begin_at(SECOND, 9, 1);
        assert_eq!((firsts(&status), status.state.lock().places.len()), (vec![705], 1));
    }

    #[test]
    fn the_mean_item_time_is_that_in_a_workers_hand() {
        let status = RunStatus::new(Some(9));
        assert_eq!(status.view_at(SECOND).mean_item_time, None);
        let guards = [status.begin_at(SECOND, 0, 1), status.begin_at(SECOND, 1, 3)];
        guards.into_iter().for_each(|guard| status.end_at(5 * SECOND, guard));
        assert_eq!(
            status.view_at(5 * SECOND).mean_item_time,
            Some(2 * SECOND),
            "two workers, four items, eight seconds"
        );
    }

    #[test]
    fn a_run_that_stops_before_its_first_item_is_stopping() {
        let status = RunStatus::new(Some(3));
        status.stop();
        let guard = status.begin_at(SECOND, 0, 1); // a worker that had not heard of it
        assert_eq!(status.view_at(2 * SECOND).phase, RunPhase::Stopping);
        status.end_at(2 * SECOND, guard);
    }

    #[test]
    fn names_are_by_index_and_may_be_too_few() {
        let status = RunStatus::new(Some(2));
        assert_eq!(status.view_at(SECOND).name(0), None);
        status.name_items(Arc::new(vec!["a".to_string()]));
        let view = status.view_at(SECOND);
        assert_eq!((view.name(0), view.name(1)), (Some("a"), None));
    }

    #[test]
    fn recovered_events_are_counted_by_kind() {
        let status = RunStatus::new(Some(2));
        status.retry(3);
        status.lose_worker();
        status.recycle_worker();
        status.recycle_worker();
        assert_eq!(
            status.view_at(SECOND).recovered,
            RecoveryCounts { retried: 3, lost_workers: 1, recycled_workers: 2 }
        );
    }
}
