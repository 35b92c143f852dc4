//! S3-FIFO, the eviction policy of a bounded cache. Pure: it knows neither keys nor values.
//!
//! Three first-in-first-out queues. New entries enter the *small* queue, a tenth of the capacity. An entry that was
//! used again by the time it reaches the end of the small queue moves to the *main* queue; the others are evicted, and
//! their hashes enter the *ghost* queue. An entry whose hash is in the ghost queue when it is inserted again enters the
//! main queue at once. So a scan of entries that are used once passes through the small queue and leaves the main queue
//! alone. A use raises the entry's frequency and moves nothing, so a read needs no write lock.
//!
//! Source: Yang, Zhang, Qiu, Yue, Rashmi: FIFO queues are all you need for cache eviction, SOSP 2023. There an entry
//! moves to the main queue after two uses; on the traces of the cache bench one use hits more often, or as often, on
//! all but a loop.
//!
//! `bounded.rs` holds the entries and their frequencies, and evicts what this file names.
//!
//! Worked case with a capacity of 20, of which a tenth is 2: keys 1 to 20 are
//! inserted, and 1 to 3 are used again. Key 21 is one too many. 1, 2 and 3 are the oldest of the small queue and move
//! to the main queue; 4 was not used again and is evicted, its hash enters the ghost queue. When 4 is inserted once
//! more, it enters the main queue at once, and 5 is evicted. A scan of new keys from here on evicts the rest of the
//! small queue and then itself: 1 to 4 stay.
//!
//! Cost per entry: 16 bytes in a queue, and as many places in the ghost queue as the capacity, each a hash and its
//! place. An eviction looks at one entry, or at more where entries were used: each use moves or keeps an entry a
//! bounded number of times.

use std::collections::VecDeque;

use hashbrown::HashTable;

/// The highest frequency: further uses are not counted.
pub(crate) const MAX_FREQUENCY: u8 = 3;

/// An entry, as the queues know it: the hash by which it is found, and a stamp that tells it from earlier entries of
/// that hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct EntryId {
    pub(crate) hash: u64,
    pub(crate) stamp: u32,
}

/// The queues of one shard.
///
/// Each entry that is alive is in exactly one of `small` and `main`, once. Both may also hold ids of entries that were
/// removed, about as many as entries are alive: see `compact`.
#[derive(Debug)]
pub(crate) struct S3Fifo {
    /// The most entries that may be alive.
    capacity: usize,
    /// The oldest first, as in `main`.
    small: VecDeque<EntryId>,
    main: VecDeque<EntryId>,
    ghosts: GhostQueue,
}

/// The frequencies of the entries, which their owner stores.
pub(crate) trait Frequencies {
    /// Sets the frequency of an entry to `next` of it, and returns what it was; `None` when the entry was removed.
    fn update(&mut self, id: EntryId, next: impl FnOnce(u8) -> u8) -> Option<u8>;
}

impl S3Fifo {
    /// Empty queues for at most this many entries.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, small: VecDeque::new(), main: VecDeque::new(), ghosts: GhostQueue::new(capacity) }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Adds a new entry.
    ///
    /// The entry is stored already, with frequency 0. The caller evicts afterwards, until the bound holds.
    pub(crate) fn admit(&mut self, id: EntryId) {
        if self.ghosts.remove(id.hash) {
            self.main.push_back(id);
        } else {
            self.small.push_back(id);
        }
    }

    /// The entry to evict next, or `None` when no more than the capacity are alive.
    pub(crate) fn victim(&mut self, n_alive: usize, frequencies: &mut impl Frequencies) -> Option<EntryId> {
        if n_alive <= self.capacity {
            return None;
        }
        // Each round removes an id, lowers a frequency, or moves an entry to the main queue, so the loop ends.
        loop {
            // At least one entry may stay in it, or a new entry would be evicted at once.
            let small_is_long = self.small.len() > (self.capacity / 10).max(1);
            let inspected = if small_is_long || self.main.is_empty() {
                self.evict_from_small(frequencies)
            } else {
                self.evict_from_main(frequencies)
            };
            match inspected {
                Inspected::Victim(id) => return Some(id),
                Inspected::Kept => {}
                Inspected::EmptyQueue => return None,
            }
        }
    }

    /// Takes the oldest entry of the small queue: evicts it, or moves it to the main queue if it was used again.
    fn evict_from_small(&mut self, frequencies: &mut impl Frequencies) -> Inspected {
        let Some(id) = self.small.pop_front() else { return Inspected::EmptyQueue };
        match frequencies.update(id, |_| 0) {
            Some(0) => {
                self.ghosts.insert(id.hash);
                Inspected::Victim(id)
            }
            Some(_) => {
                self.main.push_back(id);
                Inspected::Kept
            }
            None => Inspected::Kept,
        }
    }

    /// Takes the oldest entry of the main queue: evicts it, or puts it back with a lower frequency.
    fn evict_from_main(&mut self, frequencies: &mut impl Frequencies) -> Inspected {
        let Some(id) = self.main.pop_front() else { return Inspected::EmptyQueue };
        match frequencies.update(id, |frequency| frequency.saturating_sub(1)) {
            Some(0) => Inspected::Victim(id),
            Some(_) => {
                self.main.push_back(id);
                Inspected::Kept
            }
            None => Inspected::Kept,
        }
    }

    /// Drops the ids of removed entries once they are many. Without this, entries that are removed by hand and inserted
    /// again would make the queues grow without bound.
    ///
    /// With 100 entries alive, the queues may hold 264 ids before they are searched; a search leaves less than half of
    /// them, so its cost is spread over the removals since the last one.
    pub(crate) fn compact(&mut self, n_alive: usize, frequencies: &mut impl Frequencies) {
        if self.small.len() + self.main.len() > 2 * n_alive + 64 {
            self.small.retain(|&id| frequencies.update(id, |frequency| frequency).is_some());
            self.main.retain(|&id| frequencies.update(id, |frequency| frequency).is_some());
        }
    }
}

/// What the oldest entry of a queue turned out to be.
enum Inspected {
    /// To be evicted.
    Victim(EntryId),
    /// Kept in the main queue, or removed before.
    Kept,
    EmptyQueue,
}

/// Hashes of the entries that were evicted from the small queue last, `capacity` of them at most.
///
/// A hash that is inserted again moves to the end: its old place stays in `order` and is skipped when it becomes the
/// oldest. So `order` never holds more than `capacity` places, and `known` never more than that.
#[derive(Debug)]
struct GhostQueue {
    capacity: usize,
    /// The hashes in the order of their insertion, the oldest first. A hash that was removed or inserted again leaves
    /// its old place here; `known` tells such places from current ones.
    order: VecDeque<u64>,
    /// The number of the oldest place in `order`; the others count on from there. Wraps around.
    oldest: u32,
    /// Each hash that is in the queue, and the number of its current place.
    known: HashTable<(u64, u32)>,
}

impl GhostQueue {
    fn new(capacity: usize) -> Self {
        Self { capacity, order: VecDeque::new(), oldest: 0, known: HashTable::new() }
    }

    #[expect(clippy::cast_possible_truncation, reason = "numbers wrap around")]
    fn insert(&mut self, hash: u64) {
        let number = self.oldest.wrapping_add(self.order.len() as u32);
        self.order.push_back(hash);
        let place = self.known.entry(hash, |&(known, _)| known == hash, |&(known, _)| known);
        place.and_modify(|(_, last)| *last = number).or_insert((hash, number));
        if self.order.len() > self.capacity {
            self.pop_oldest();
        }
    }

    /// True when the hash was in the queue.
    fn remove(&mut self, hash: u64) -> bool {
        self.known.find_entry(hash, |&(known, _)| known == hash).map(|entry| entry.remove()).is_ok()
    }

    fn pop_oldest(&mut self) {
        let Some(hash) = self.order.pop_front() else { return };
        let number = self.oldest;
        self.oldest = number.wrapping_add(1);
        // Not found when the hash was removed before, or inserted again and so has a later place.
        if let Ok(entry) = self.known.find_entry(hash, |&known| known == (hash, number)) {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// The entries that are alive, with their frequencies.
    #[derive(Default)]
    struct Alive(HashMap<EntryId, u8>);

    impl Frequencies for Alive {
        fn update(&mut self, id: EntryId, next: impl FnOnce(u8) -> u8) -> Option<u8> {
            let frequency = self.0.get_mut(&id)?;
            let before = *frequency;
            *frequency = next(before);
            Some(before)
        }
    }

    /// A cache of hashes alone.
    struct Model {
        policy: S3Fifo,
        alive: Alive,
        stamp: u32,
    }

    impl Model {
        fn new(capacity: usize) -> Self {
            Self { policy: S3Fifo::new(capacity), alive: Alive::default(), stamp: 0 }
        }

        /// True when the hash was there.
        fn touch(&mut self, hash: u64) -> bool {
            if let Some((_, frequency)) = self.alive.0.iter_mut().find(|(id, _)| id.hash == hash) {
                *frequency = MAX_FREQUENCY.min(*frequency + 1);
                return true;
            }
            self.stamp += 1;
            let id = EntryId { hash, stamp: self.stamp };
            self.alive.0.insert(id, 0);
            self.policy.admit(id);
            while let Some(victim) = self.policy.victim(self.alive.0.len(), &mut self.alive) {
                assert!(self.alive.0.remove(&victim).is_some(), "a victim is alive");
            }
            false
        }
    }

    #[test]
    fn the_bound_holds_and_entries_that_are_used_again_survive_a_scan() {
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
    fn a_new_entry_is_not_evicted_at_once_whatever_the_bound() {
        for capacity in 1..30 {
            let mut model = Model::new(capacity);
            (0..1000).for_each(|hash| _ = model.touch(hash % 40));
            for hash in 1000..1100 {
                assert!(!model.touch(hash));
                assert!(model.touch(hash), "{hash} was evicted at once, with a bound of {capacity}");
            }
        }
    }

    #[test]
    fn a_ghost_that_is_inserted_again_enters_the_main_queue() {
        let mut model = Model::new(10);
        (0..12).for_each(|hash| _ = model.touch(hash));
        assert!(!model.touch(0), "0 left as the oldest of the small queue");
        assert!(model.policy.main.iter().any(|id| id.hash == 0));
    }

    #[test]
    fn a_ghost_that_was_inserted_again_stays_as_long_as_a_new_one() {
        let mut ghosts = GhostQueue::new(3);
        [1, 2].into_iter().for_each(|hash| ghosts.insert(hash));
        assert!(ghosts.remove(1));
        [1, 3, 4].into_iter().for_each(|hash| ghosts.insert(hash));
        assert_eq!([1, 2, 3, 4].map(|hash| ghosts.remove(hash)), [true, false, true, true]);
        assert!(ghosts.known.is_empty() && ghosts.order.len() == 3);
    }

    #[test]
    fn ids_of_removed_entries_do_not_pile_up() {
        let mut model = Model::new(10);
        for round in 0..10_000 {
            model.touch(5);
            model.alive.0.clear();
            model.policy.compact(0, &mut model.alive);
            assert!(model.policy.small.len() + model.policy.main.len() <= 65, "round {round}");
        }
    }

    #[test]
    fn a_capacity_of_0_evicts_at_once() {
        let mut model = Model::new(0);
        assert!(!model.touch(1) && !model.touch(1));
        assert!(model.alive.0.is_empty());
    }
}
