//! Where a job's items come from: a list that is there, or an iterator that is asked for more as the run goes on.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use crate::backend::items::{ItemBuffer, ItemLookup};
use crate::backend::plan::Plan;
use crate::progress::RunStatus;
use crate::run::delivery::PositionMap;
use crate::run::gatherer::{Completed, InputProgress};
use crate::sync::{Arc, Instant};

/// Where a job's items come from: made by [`Job::new`](crate::Job::new) and [`Job::over`](crate::Job::over). Sealed.
pub trait Source<T>: sealed::Sealed {
    /// The items, as a run takes them.
    #[doc(hidden)]
    fn open(&mut self) -> Input<'_, T>;

    /// How many there are, where that is known before they came.
    #[doc(hidden)]
    fn n_items(&self) -> Option<usize>;
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for super::Listed<'_, T> {}
    impl<I> Sealed for super::Over<I> {}
}

/// Items that lie in a list.
#[derive(Debug)]
pub struct Listed<'a, T>(pub(crate) &'a [T]);

/// Items that an iterator gives.
pub struct Over<I>(pub(crate) I);

impl<I> fmt::Debug for Over<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Over")
    }
}

/// A run's items.
pub enum Input<'s, T> {
    /// All there.
    Slice(&'s [T]),
    /// One after another, with the place where they stay until they are finished.
    Stream(&'s mut dyn Iterator<Item = T>, Box<dyn Shelf<T> + 's>),
}

impl<T> fmt::Debug for Input<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slice(_) => "Slice",
            Self::Stream(..) => "Stream",
        })
    }
}

/// A [`ItemBuffer`] of items that may be lent to other threads.
#[doc(hidden)]
pub trait Shelf<T> {
    #[doc(hidden)]
    fn stock(&self) -> LentBuffer<'_, T>;
}

/// A stock, for who fills it and for who borrows from it.
pub struct LentBuffer<'s, T> {
    pub(crate) stock: &'s ItemBuffer<T>,
    pub(crate) lend: &'s dyn ItemLookup<T>,
}

impl<T> fmt::Debug for LentBuffer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LentBuffer")
    }
}

impl<T: Send + Sync> Shelf<T> for ItemBuffer<T> {
    fn stock(&self) -> LentBuffer<'_, T> {
        LentBuffer { stock: self, lend: self }
    }
}

impl<T> Source<T> for Listed<'_, T> {
    fn open(&mut self) -> Input<'_, T> {
        Input::Slice(self.0)
    }

    fn n_items(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

impl<T: Send + Sync, I: Iterator<Item = T>> Source<T> for Over<I> {
    fn open(&mut self) -> Input<'_, T> {
        Input::Stream(&mut self.0, Box::new(ItemBuffer::new()))
    }

    fn n_items(&self) -> Option<usize> {
        None
    }
}

/// How an item is called.
pub(crate) type Key<'a, T> = dyn Fn(&T) -> String + Send + 'a;

/// A list's items by position.
pub(crate) struct Listing<'r, 'k, T> {
    pub(crate) items: &'r [T],
    pub(crate) plan: &'r Plan,
    /// Whether a later position is always a later item.
    pub(crate) is_ascending: bool,
    pub(crate) key: Option<&'r Key<'k, T>>,
}

impl<T> Listing<'_, '_, T> {
    /// The names of all items, by index, where they can be told.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        self.key.map(|key| self.items.iter().map(key).collect())
    }
}

impl<T> PositionMap for Listing<'_, '_, T> {
    fn index_of(&self, position: usize) -> usize {
        self.plan.index_of(position)
    }

    fn key_of(&self, position: usize) -> Option<String> {
        self.key.map(|key| key(&self.items[self.plan.index_of(position)]))
    }

    fn position_of(&self, index: usize) -> usize {
        match &self.plan.order {
            Some(order) if self.is_ascending => order.partition_point(|&at| at < index),
            _ => index,
        }
    }

    fn positions_are_indices(&self) -> bool {
        self.plan.order.is_none()
    }
}

/// Knows how many items were passed on, and whether more are wanted.
pub(crate) trait DeliveryProgress {
    fn passed(&self) -> usize;
    fn wants_more(&self) -> bool;
}

/// What becomes of an item that has just come.
pub(crate) enum Admission {
    /// It is to be worked on.
    Work,
    /// It was finished before this run.
    Finished,
    /// It is wrong, and so the run ends.
    Fault,
}

/// Items that come: asked for in the calling thread, a window ahead of what is handed on.
pub(crate) struct InputReader<'r, 'k, T> {
    iterator: RefCell<&'r mut dyn Iterator<Item = T>>,
    stock: &'r ItemBuffer<T>,
    lend: &'r dyn ItemLookup<T>,
    key: Option<&'r Key<'k, T>>,
    window: usize,
    /// How many items have come.
    taken_in: Cell<usize>,
    /// How many of them got a position.
    placed: Cell<usize>,
    /// Where positions fall behind indices: each a position, and its index. From each on they go side by side.
    places: RefCell<VecDeque<(usize, usize)>>,
    /// Whether they do from the start.
    is_side_by_side: Cell<bool>,
    /// Who is told where they do.
    watch: OnceCell<Arc<RunStatus>>,
}

/// An iterator is asked for more for so long, before what workers have done is looked at again.
const A_TURN: Duration = Duration::from_millis(1);
/// Or for so many items.
const MOST_PER_TURN: usize = 4096;

impl<'r, 'k, T> InputReader<'r, 'k, T> {
    pub(crate) fn new(
        iterator: &'r mut dyn Iterator<Item = T>,
        stock: LentBuffer<'r, T>,
        key: Option<&'r Key<'k, T>>,
        window: usize,
    ) -> Self {
        Self {
            iterator: RefCell::new(iterator),
            stock: stock.stock,
            lend: stock.lend,
            key,
            window,
            taken_in: Cell::new(0),
            placed: Cell::new(0),
            places: RefCell::new(VecDeque::from([(0, 0)])),
            is_side_by_side: Cell::new(true),
            watch: OnceCell::new(),
        }
    }

    /// Tells who looks on which index an item has.
    pub(crate) fn shown_to(&self, watch: Option<&Arc<RunStatus>>) {
        if let Some(watch) = watch {
            self.watch.get_or_init(|| Arc::clone(watch));
        }
    }

    pub(crate) fn lend(&self) -> &'r dyn ItemLookup<T> {
        self.lend
    }

    /// How many items have come.
    pub(crate) fn taken_in(&self) -> usize {
        self.taken_in.get()
    }

    /// How many items were given a position.
    pub(crate) fn placed(&self) -> usize {
        self.placed.get()
    }

    /// Asks for more items, and drops those that are finished. `arrive` says of each what becomes of it.
    pub(crate) fn grow<D: DeliveryProgress>(
        &self,
        delivery: &mut D,
        finished: Completed,
        mut arrive: impl FnMut(usize, &T, &mut D) -> Admission,
    ) -> InputProgress {
        self.forget(finished);
        let begun = Instant::now();
        let first = self.placed.get();
        let (mut items, mut is_all) = (Vec::new(), false);
        let mut turns = 0;
        let has_room =
            |delivery: &D| delivery.wants_more() && self.taken_in.get() < delivery.passed().saturating_add(self.window);
        while has_room(delivery) {
            let Some(item) = self.iterator.borrow_mut().next() else {
                is_all = true;
                break;
            };
            let index = self.taken_in.get();
            self.taken_in.set(index + 1);
            match arrive(index, &item, delivery) {
                Admission::Work => {
                    self.place(first + items.len(), index);
                    items.push(item);
                }
                Admission::Finished => self.is_side_by_side.set(false),
                Admission::Fault => {
                    is_all = true;
                    break;
                }
            }
            turns += 1;
            if turns >= MOST_PER_TURN || begun.elapsed() >= A_TURN {
                break;
            }
        }
        self.placed.set(first + items.len());
        self.stock.add(first, items);
        let may_grow = !is_all && has_room(delivery);
        InputProgress { stocked: self.placed.get(), may_grow, is_all }
    }

    /// Notes where an item lies.
    fn place(&self, position: usize, index: usize) {
        let mut places = self.places.borrow_mut();
        let &(at, its_index) = places.back().expect("there is always one place");
        if its_index + (position - at) != index {
            places.push_back((position, index));
            self.watch.get().inspect(|watch| watch.place(position, index));
        }
    }

    /// Nobody will ask for items that are finished.
    fn forget(&self, finished: Completed) {
        finished.ranges.into_iter().for_each(|positions| self.stock.finish(positions));
        let mut places = self.places.borrow_mut();
        while places.get(1).is_some_and(|&(position, _)| position <= finished.prefix) {
            places.pop_front();
        }
        self.watch.get().inspect(|watch| watch.forget_places_before(finished.prefix));
    }
}

impl<T> PositionMap for InputReader<'_, '_, T> {
    fn index_of(&self, position: usize) -> usize {
        let places = self.places.borrow();
        let after = places.partition_point(|&(at, _)| at <= position);
        let (at, index) = places[after.max(1) - 1];
        index + (position - at)
    }

    fn key_of(&self, position: usize) -> Option<String> {
        let key = self.key?;
        let mut name = None;
        self.lend.lend(position, 1, &mut |items| name = Some(key(&items[0])));
        name
    }

    fn position_of(&self, index: usize) -> usize {
        let places = self.places.borrow();
        let after = places.partition_point(|&(_, its_index)| its_index <= index);
        let (at, its_index) = places[after.max(1) - 1];
        let end = places.get(after.max(1)).map_or(self.placed.get(), |&(next, _)| next);
        (at + index.saturating_sub(its_index)).min(end)
    }

    fn positions_are_indices(&self) -> bool {
        self.is_side_by_side.get()
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    /// A feed over numbers of which those in `finished` were finished before.
    fn with_feed(n_items: u32, window: usize, body: impl FnOnce(&InputReader<'_, '_, u32>)) {
        let mut numbers = 0..n_items;
        let stock = ItemBuffer::new();
        let key: &Key<'_, u32> = &|n| format!("item {n}");
        body(&InputReader::new(&mut numbers, stock.stock(), Some(key), window));
    }

    impl DeliveryProgress for usize {
        fn passed(&self) -> usize {
            *self
        }

        fn wants_more(&self) -> bool {
            true
        }
    }

    fn below(prefix: usize) -> Completed {
        Completed { ranges: Vec::new(), prefix }
    }

    fn arrive(finished: &[usize]) -> impl FnMut(usize, &u32, &mut usize) -> Admission {
        move |index, _, _| if finished.contains(&index) { Admission::Finished } else { Admission::Work }
    }

    #[test]
    fn no_more_than_a_window_comes_ahead_of_what_was_passed_on() {
        with_feed(100, 10, |feed| {
            assert_eq!(
                feed.grow(&mut 0, below(0), arrive(&[])),
                InputProgress { stocked: 10, may_grow: false, is_all: false }
            );
            assert_eq!(
                feed.grow(&mut 3, below(3), arrive(&[])),
                InputProgress { stocked: 13, may_grow: false, is_all: false }
            );
            assert_eq!(feed.taken_in(), 13);
        });
    }

    #[test]
    fn the_end_is_found_when_it_is_asked_for() {
        with_feed(3, 10, |feed| {
            assert_eq!(
                feed.grow(&mut 0, below(0), arrive(&[])),
                InputProgress { stocked: 3, may_grow: false, is_all: true }
            );
        });
    }

    #[test]
    fn positions_pass_over_what_was_finished_before() {
        with_feed(8, 100, |feed| {
            let watch = Arc::new(RunStatus::new(None));
            feed.shown_to(Some(&watch));
            let growth = feed.grow(&mut 0, below(0), arrive(&[0, 3, 4]));
            assert_eq!(growth.stocked, 5);
            let indices: Vec<usize> = (0..5).map(|position| feed.index_of(position)).collect();
            assert_eq!(indices, [1, 2, 5, 6, 7]);
            let _holds: Vec<_> = (0..5).map(|position| watch.begin(position, 1)).collect();
            let shown: Vec<usize> = watch.view().in_hand.iter().map(|chunk| chunk.first).collect();
            assert_eq!(shown, indices, "who looks on is told the same");
            assert_eq!(feed.key_of(2).as_deref(), Some("item 5"));
            let positions: Vec<usize> = (0..9).map(|index| feed.position_of(index)).collect();
            assert_eq!(positions, [0, 0, 1, 2, 2, 2, 3, 4, 5]);
            assert!(!feed.positions_are_indices());
            feed.grow(&mut 0, below(3), arrive(&[]));
            assert_eq!((feed.index_of(3), feed.index_of(4)), (6, 7));
        });
    }
}
