//! What a run looks like from outside while it goes on. The core writes it, a painter reads it; it draws nothing,
//! decides nothing, and hands over no data.
//!
//! # Who calls what, and when
//! - Before anything starts, the caller's thread makes one [`RunStatus`] per run, counts what is resumed, gives names
//!   to the items if it has them, and hands the watch to the [`Progress`](crate::progress::Progress), which may start a painter.
//! - Whoever works or feeds workers calls [`RunStatus::begin`] when a chunk is taken in hand and [`RunStatus::end`] when
//!   it is finished, failed or lost: once per chunk. Until the first `begin`, workers are being started, and no time
//!   passes for the pace of the run.
//! - The gatherer counts endings with [`RunStatus::count`], and tells of retries and workers.
//! - When nothing new will start, the gatherer calls [`RunStatus::stop`].
//! - When nothing is alive that the run started, the caller's thread ends the painter.

use std::collections::VecDeque;
use std::time::Duration;

use crate::progress::tracker::{Ending, ProgressTracker, TrackerSnapshot};
use crate::sync::{Arc, Instant, Mutex};

/// A run as it goes on. Any thread may call anything at any time; no call waits for a painter.
#[derive(Debug)]
pub(crate) struct RunStatus {
    tracker: ProgressTracker,
    begun: Instant,
    /// Guards all but the counts. Nothing runs under it but a few assignments.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// When the first chunk was taken in hand, since `begun`.
    work_begun: Duration,
    /// As many as there are workers, or a few times that, so a search is short.
    in_hand: Vec<InHand>,
    n_begun: u64,
    finished: Held,
    names: Option<Arc<Vec<String>>>,
    /// Where positions fall behind indices, as [`RunStatus::place`] was told.
    places: VecDeque<(usize, usize)>,
    warnings: Troubles,
}

/// What a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    /// Workers and their states are being made; nothing is in hand yet.
    #[default]
    Starting,
    Running,
    /// What is in hand is finished, and nothing new is started.
    Stopping,
}

/// What went wrong and was dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Troubles {
    pub(crate) retried: u64,
    pub(crate) lost_workers: u64,
    pub(crate) recycled_workers: u64,
}

/// Items that were in hand, and for how long in all.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    items: u64,
    time: Duration,
}

/// A chunk that a worker has in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InHand {
    /// Chunks are numbered as they are begun, so the least number is the oldest.
    pub(crate) number: u64,
    /// The index of its first item.
    pub(crate) first: usize,
    pub(crate) n_items: usize,
    /// Since the watch was made.
    pub(crate) begun: Duration,
}

/// Says which chunk is to be ended.
#[derive(Debug)]
#[must_use = "a chunk that is never ended counts as in hand for ever"]
pub(crate) struct InFlightGuard(u64);

/// A run at one moment.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Since the watch was made.
    pub(crate) age: Duration,
    pub(crate) phase: Phase,
    /// Their time is that since the first item was begun, so that the making of workers slows down no estimate.
    pub(crate) counts: TrackerSnapshot,
    pub(crate) warnings: Troubles,
    /// The oldest first.
    pub(crate) in_hand: Vec<InHand>,
    /// How long a finished item was in hand; none before the first.
    pub(crate) mean_item_time: Option<Duration>,
    names: Option<Arc<Vec<String>>>,
}

impl RunStatus {
    /// A watch of so many items, or of a number not known yet. Its time begins now.
    pub(crate) fn new(total: Option<u64>) -> Self {
        let tracker = total.map_or_else(ProgressTracker::new, ProgressTracker::with_total);
        Self { tracker, begun: Instant::now(), state: Mutex::default() }
    }

    /// Says that there are so many more items; the first of a run whose length was unknown.
    pub(crate) fn grow_total(&self, more: u64) {
        self.tracker.grow_total(more);
    }

    /// Gives each item its name, by index.
    pub(crate) fn name_items(&self, names: Arc<Vec<String>>) {
        self.state.lock().names = Some(names);
    }

    /// From this position on, items lie that have the indices from this one on: of items that come, some may be finished already.
    pub(crate) fn place(&self, position: usize, index: usize) {
        self.state.lock().places.push_back((position, index));
    }

    /// No item before this position will be begun any more.
    pub(crate) fn forget_places_before(&self, position: usize) {
        let places = &mut self.state.lock().places;
        while places.get(1).is_some_and(|&(next, _)| next <= position) {
            places.pop_front();
        }
    }

    /// A worker begins with `n_items` items, the first of them being this one. What only waits in a worker's queue is
    /// not in hand: it would count as stalled because of what it waits for.
    pub(crate) fn begin(&self, first: usize, n_items: usize) -> InFlightGuard {
        self.begin_at(self.begun.elapsed(), first, n_items)
    }

    /// They are not in hand any more, however that came about.
    pub(crate) fn end(&self, hold: InFlightGuard) {
        self.end_at(self.begun.elapsed(), hold);
    }

    /// Counts items that ended in this way.
    pub(crate) fn count(&self, ending: Ending, n_items: u64) {
        self.tracker.count(ending, n_items);
    }

    /// So many items will be begun once more.
    pub(crate) fn retry(&self, n_items: u64) {
        self.state.lock().warnings.retried += n_items;
    }

    /// A worker died and took what it had in hand with it.
    pub(crate) fn lose_worker(&self) {
        self.state.lock().warnings.lost_workers += 1;
    }

    /// A worker was replaced by a fresh one.
    pub(crate) fn recycle_worker(&self) {
        self.state.lock().warnings.recycled_workers += 1;
    }

    /// Nothing new will start.
    pub(crate) fn stop(&self) {
        self.state.lock().phase = Phase::Stopping;
    }

    /// How the run is now.
    pub(crate) fn view(&self) -> View {
        self.view_at(self.begun.elapsed())
    }

    pub(super) fn begin_at(&self, age: Duration, first: usize, n_items: usize) -> InFlightGuard {
        let mut state = self.state.lock();
        if state.phase == Phase::Starting {
            state.phase = Phase::Running;
            state.work_begun = age;
        }
        let before = state.places.partition_point(|&(position, _)| position <= first);
        let place = before.checked_sub(1).map(|place| state.places[place]);
        let first = place.map_or(first, |(position, index)| index + (first - position));
        let number = state.n_begun;
        state.n_begun += 1;
        state.in_hand.push(InHand { number, first, n_items, begun: age });
        InFlightGuard(number)
    }

    pub(super) fn end_at(&self, age: Duration, InFlightGuard(number): InFlightGuard) {
        let mut state = self.state.lock();
        let place = state.in_hand.iter().position(|chunk| chunk.number == number);
        let chunk = state.in_hand.swap_remove(place.expect("a hold is given out once, with its chunk, and ended once"));
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
            warnings: state.warnings,
            mean_item_time: state.finished.mean(),
            names: state.names.clone(),
            in_hand: Vec::new(),
        };
        drop(state);
        in_hand.sort_unstable_by_key(|chunk| chunk.number);
        View { in_hand, ..view }
    }
}

impl Held {
    fn mean(self) -> Option<Duration> {
        let items = u32::try_from(self.items).unwrap_or(u32::MAX); // a mean of so many is no worse for a few more
        (items > 0).then(|| self.time / items)
    }
}

impl View {
    /// The name of an item, where items have names.
    pub(crate) fn name(&self, index: usize) -> Option<&str> {
        self.names.as_ref()?.get(index).map(String::as_str)
    }

    /// What has been in hand for the longest time.
    pub(crate) fn oldest(&self) -> Option<&InHand> {
        self.in_hand.first()
    }

    /// For how long a chunk has been in hand.
    pub(crate) fn time_in_hand(&self, chunk: &InHand) -> Duration {
        self.age.saturating_sub(chunk.begun)
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_time_that_workers_take_to_start_slows_down_no_estimate() {
        let watch = RunStatus::new(Some(10));
        watch.count(Ending::Resumed, 2);
        let starting = watch.view_at(30 * SECOND);
        assert_eq!((starting.phase, starting.counts.elapsed), (Phase::Starting, Duration::ZERO));
        let hold = watch.begin_at(40 * SECOND, 2, 4);
        watch.end_at(44 * SECOND, hold);
        watch.count(Ending::Succeeded, 4);
        let running = watch.view_at(44 * SECOND);
        assert_eq!((running.phase, running.age), (Phase::Running, 44 * SECOND));
        assert_eq!(running.counts.items_per_second(), 1.0);
        assert_eq!(running.counts.eta().unwrap().likely, 4 * SECOND);
    }

    #[test]
    fn what_is_in_hand_is_known_oldest_first() {
        let watch = RunStatus::new(None);
        let holds = [(1, 7), (2, 5), (3, 9)].map(|(second, first)| watch.begin_at(second * SECOND, first, 1));
        let [oldest, ..] = holds;
        watch.end_at(4 * SECOND, oldest);
        let view = watch.view_at(10 * SECOND);
        assert_eq!(view.in_hand.iter().map(|chunk| chunk.first).collect::<Vec<_>>(), [5, 9]);
        assert_eq!(view.time_in_hand(view.oldest().unwrap()), 8 * SECOND);
    }

    #[test]
    fn items_that_come_are_told_by_their_index_though_some_are_finished_before() {
        let watch = RunStatus::new(None);
        watch.place(2, 500);
        watch.place(4, 700);
        let firsts =
            |watch: &RunStatus| watch.view_at(SECOND).in_hand.iter().map(|chunk| chunk.first).collect::<Vec<_>>();
        let holds = [0, 1, 2, 3, 4, 9].map(|position| watch.begin_at(SECOND, position, 1));
        assert_eq!(firsts(&watch), [0, 1, 500, 501, 700, 705]);
        holds.into_iter().for_each(|hold| watch.end_at(SECOND, hold));
        watch.forget_places_before(9);
        let _hold = watch.begin_at(SECOND, 9, 1);
        assert_eq!((firsts(&watch), watch.state.lock().places.len()), (vec![705], 1));
    }

    #[test]
    fn the_mean_item_time_is_that_in_a_workers_hand() {
        let watch = RunStatus::new(Some(9));
        assert_eq!(watch.view_at(SECOND).mean_item_time, None);
        let holds = [watch.begin_at(SECOND, 0, 1), watch.begin_at(SECOND, 1, 3)];
        holds.into_iter().for_each(|hold| watch.end_at(5 * SECOND, hold));
        assert_eq!(
            watch.view_at(5 * SECOND).mean_item_time,
            Some(2 * SECOND),
            "two workers, four items, eight seconds"
        );
    }

    #[test]
    fn a_run_that_stops_before_it_began_is_stopping() {
        let watch = RunStatus::new(Some(3));
        watch.stop();
        let hold = watch.begin_at(SECOND, 0, 1); // a worker that had not heard of it
        assert_eq!(watch.view_at(2 * SECOND).phase, Phase::Stopping);
        watch.end_at(2 * SECOND, hold);
    }

    #[test]
    fn names_are_by_index_and_may_be_too_few() {
        let watch = RunStatus::new(Some(2));
        assert_eq!(watch.view_at(SECOND).name(0), None);
        watch.name_items(Arc::new(vec!["a".to_string()]));
        let view = watch.view_at(SECOND);
        assert_eq!((view.name(0), view.name(1)), (Some("a"), None));
    }

    #[test]
    fn troubles_are_counted_by_kind() {
        let watch = RunStatus::new(Some(2));
        watch.retry(3);
        watch.lose_worker();
        watch.recycle_worker();
        watch.recycle_worker();
        assert_eq!(watch.view_at(SECOND).warnings, Troubles { retried: 3, lost_workers: 1, recycled_workers: 2 });
    }
}
