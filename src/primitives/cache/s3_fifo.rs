//! Which entry goes when a bounded cache is full: S3-FIFO. Pure; knows neither keys nor values.
//!
//! Three first-in-first-out queues: new entries wait in a small one, a tenth of the room; those that were used again while
//! they waited move on to the main one, the others leave and are remembered as ghosts for a while; whoever comes back as a
//! ghost goes to the main queue at once. So a scan of entries that are used once passes through the small queue and leaves
//! the rest alone. A use sets a mark on the entry and moves nothing.
//!
//! Source: Yang, Zhang, Qiu, Yue, Rashmi: FIFO queues are all you need for cache eviction, SOSP 2023. There an entry moves on
//! after two uses; on the traces of the cache bench one use keeps more, or as much, on all but a loop.

use std::collections::VecDeque;

use hashbrown::HashTable;

/// The highest mark: more uses than this count no further.
pub(crate) const HIGHEST_MARK: u8 = 3;

/// An entry, as the queues know it: where it is found, and which of the entries that were ever there it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Token {
    pub(crate) hash: u64,
    pub(crate) stamp: u32,
}

/// The queues of one shard.
#[derive(Debug)]
pub(crate) struct Queues {
    capacity: usize,
    small: VecDeque<Token>,
    main: VecDeque<Token>,
    ghosts: Ghosts,
}

/// What an entry's owner says of it.
pub(crate) trait Marks {
    /// The mark of an entry, set back to what `next` makes of it; `None` when the entry is gone.
    fn update(&mut self, token: Token, next: impl FnOnce(u8) -> u8) -> Option<u8>;
}

impl Queues {
    /// Queues for at most this many entries.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, small: VecDeque::new(), main: VecDeque::new(), ghosts: Ghosts::new(capacity) }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Takes a new entry in.
    pub(crate) fn admit(&mut self, token: Token) {
        if self.ghosts.forget(token.hash) {
            self.main.push_back(token);
        } else {
            self.small.push_back(token);
        }
    }

    /// Names an entry to evict when more than the capacity are alive.
    pub(crate) fn victim(&mut self, n_alive: usize, marks: &mut impl Marks) -> Option<Token> {
        if n_alive <= self.capacity {
            return None;
        }
        // Each round takes a token out, lowers a mark, or moves an entry to the main queue, so the rounds end.
        loop {
            // Room for one at least, or what is put in would be the first to go.
            let small_is_long = self.small.len() > (self.capacity / 10).max(1);
            let found = if small_is_long || self.main.is_empty() {
                self.look_at_small(marks)
            } else {
                self.look_at_main(marks)
            };
            match found {
                Found::Victim(token) => return Some(token),
                Found::Spared => {}
                Found::Empty => return None,
            }
        }
    }

    fn look_at_small(&mut self, marks: &mut impl Marks) -> Found {
        let Some(token) = self.small.pop_front() else { return Found::Empty };
        match marks.update(token, |_| 0) {
            Some(0) => {
                self.ghosts.remember(token.hash);
                Found::Victim(token)
            }
            Some(_) => {
                self.main.push_back(token);
                Found::Spared
            }
            None => Found::Spared,
        }
    }

    fn look_at_main(&mut self, marks: &mut impl Marks) -> Found {
        let Some(token) = self.main.pop_front() else { return Found::Empty };
        match marks.update(token, |mark| mark.saturating_sub(1)) {
            Some(0) => Found::Victim(token),
            Some(_) => {
                self.main.push_back(token);
                Found::Spared
            }
            None => Found::Spared,
        }
    }

    /// Drops tokens of entries that are gone, once they are many: without this, entries that are removed by hand and put
    /// in again would make the queues grow without bound.
    pub(crate) fn tidy(&mut self, n_alive: usize, marks: &mut impl Marks) {
        if self.small.len() + self.main.len() > 2 * n_alive + 64 {
            self.small.retain(|&token| marks.update(token, |mark| mark).is_some());
            self.main.retain(|&token| marks.update(token, |mark| mark).is_some());
        }
    }
}

enum Found {
    Victim(Token),
    Spared,
    Empty,
}

/// Hashes of entries that left the small queue unused, the last ones only.
#[derive(Debug)]
struct Ghosts {
    capacity: usize,
    order: VecDeque<u64>,
    /// The number of the oldest in the order; numbers count on from there, and may wrap around.
    oldest: u32,
    /// Each hash, and the number under which it was remembered last.
    known: HashTable<(u64, u32)>,
}

impl Ghosts {
    fn new(capacity: usize) -> Self {
        Self { capacity, order: VecDeque::new(), oldest: 0, known: HashTable::new() }
    }

    #[expect(clippy::cast_possible_truncation, reason = "numbers wrap around")]
    fn remember(&mut self, hash: u64) {
        let number = self.oldest.wrapping_add(self.order.len() as u32);
        self.order.push_back(hash);
        let place = self.known.entry(hash, |&(known, _)| known == hash, |&(known, _)| known);
        place.and_modify(|(_, last)| *last = number).or_insert((hash, number));
        if self.order.len() > self.capacity {
            self.forget_oldest();
        }
    }

    /// True when the hash was known; it is not any more.
    fn forget(&mut self, hash: u64) -> bool {
        self.known.find_entry(hash, |&(known, _)| known == hash).map(|entry| entry.remove()).is_ok()
    }

    fn forget_oldest(&mut self) {
        let Some(hash) = self.order.pop_front() else { return };
        let number = self.oldest;
        self.oldest = number.wrapping_add(1);
        // One that was remembered again, or forgotten before, is not this one.
        if let Ok(entry) = self.known.find_entry(hash, |&known| known == (hash, number)) {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Entries that are alive, with their marks.
    #[derive(Default)]
    struct Alive(HashMap<Token, u8>);

    impl Marks for Alive {
        fn update(&mut self, token: Token, next: impl FnOnce(u8) -> u8) -> Option<u8> {
            let mark = self.0.get_mut(&token)?;
            let before = *mark;
            *mark = next(before);
            Some(before)
        }
    }

    /// A cache of hashes alone.
    struct Model {
        queues: Queues,
        alive: Alive,
        stamp: u32,
    }

    impl Model {
        fn new(capacity: usize) -> Self {
            Self { queues: Queues::new(capacity), alive: Alive::default(), stamp: 0 }
        }

        /// True when the hash was there.
        fn touch(&mut self, hash: u64) -> bool {
            if let Some(mark) = self.alive.0.iter_mut().find(|(token, _)| token.hash == hash).map(|(_, mark)| mark) {
                *mark = HIGHEST_MARK.min(*mark + 1);
                return true;
            }
            self.stamp += 1;
            let token = Token { hash, stamp: self.stamp };
            self.alive.0.insert(token, 0);
            self.queues.admit(token);
            while let Some(victim) = self.queues.victim(self.alive.0.len(), &mut self.alive) {
                assert!(self.alive.0.remove(&victim).is_some(), "a victim is alive");
            }
            false
        }
    }

    #[test]
    fn the_bound_holds_and_what_is_used_again_survives_a_scan() {
        let mut model = Model::new(20);
        for _ in 0..4 {
            (0..10).for_each(|hash| _ = model.touch(hash));
        }
        for scanned in 100..1000 {
            model.touch(scanned);
            assert!(model.alive.0.len() <= 20);
        }
        let survivors = (0..10).filter(|&hash| model.touch(hash)).count();
        assert_eq!(survivors, 10);
    }

    #[test]
    fn what_was_just_put_in_is_there_whatever_the_bound() {
        for capacity in 1..30 {
            let mut model = Model::new(capacity);
            (0..1000).for_each(|hash| _ = model.touch(hash % 40));
            for hash in 1000..1100 {
                assert!(!model.touch(hash));
                assert!(model.touch(hash), "{hash} had to go at once, for a bound of {capacity}");
            }
        }
    }

    #[test]
    fn a_ghost_that_comes_back_is_kept_in_the_main_queue() {
        let mut model = Model::new(10);
        (0..12).for_each(|hash| _ = model.touch(hash));
        assert!(!model.touch(0), "0 left as the oldest of the small queue");
        assert!(model.queues.main.iter().any(|token| token.hash == 0));
    }

    #[test]
    fn a_ghost_that_was_remembered_again_stays_as_long_as_a_new_one() {
        let mut ghosts = Ghosts::new(3);
        [1, 2].into_iter().for_each(|hash| ghosts.remember(hash));
        assert!(ghosts.forget(1));
        [1, 3, 4].into_iter().for_each(|hash| ghosts.remember(hash));
        assert_eq!([1, 2, 3, 4].map(|hash| ghosts.forget(hash)), [true, false, true, true]);
        assert!(ghosts.known.is_empty() && ghosts.order.len() == 3);
    }

    #[test]
    fn tokens_of_entries_that_were_removed_do_not_pile_up() {
        let mut model = Model::new(10);
        for round in 0..10_000 {
            model.touch(5);
            model.alive.0.clear();
            model.queues.tidy(0, &mut model.alive);
            assert!(model.queues.small.len() + model.queues.main.len() <= 65, "round {round}");
        }
    }

    #[test]
    fn no_room_at_all_evicts_at_once() {
        let mut model = Model::new(0);
        assert!(!model.touch(1) && !model.touch(1));
        assert!(model.alive.0.is_empty());
    }
}
