//! Numbers keys in the order in which they first come. Pure.
//!
//! A run of a million items looks up each key once before its first item, so lookups are cheap: one text holds all
//! keys, and the table has a hash and a number for each. Nothing is allocated per key, and texts are compared only
//! where hashes are equal.
//!
//! Two parts of the journal need it: `database.rs` to find the earlier row of a key while it reads the table, and
//! `pending.rs` to find the record of an item and an earlier item with the same key. In memory, a key costs its own
//! bytes, 8 bytes in `ends`, and 16 bytes in the table besides the table's free places. A key is never removed.

use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Keys, numbered from 0 in the order in which they first came.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    hashing: RandomState,
    /// Each key's whole hash, and its number.
    table: HashTable<(u64, usize)>,
    texts: String,
    /// The end of each key in `texts`, by number; a key begins where the one before it ends.
    ends: Vec<usize>,
}

impl Keys {
    /// The key's number; a new key gets the next one.
    ///
    /// Hashes the key once, and compares its text only with keys of the same 64-bit hash. A table that grows reuses the
    /// stored hashes and hashes no key again. The numbers have no gaps: a caller may keep a list beside this one and
    /// index it with the number.
    pub(crate) fn number(&mut self, key: &str) -> usize {
        let Self { hashing, table, texts, ends } = self;
        let hash = hashing.hash_one(key);
        let is_it = |&(its_hash, number): &(u64, usize)| its_hash == hash && texts[place(ends, number)] == *key;
        match table.entry(hash, is_it, |&(its_hash, _)| its_hash) {
            Entry::Occupied(found) => found.get().1,
            Entry::Vacant(free) => {
                let number = ends.len();
                free.insert((hash, number));
                texts.push_str(key);
                ends.push(texts.len());
                number
            }
        }
    }
}

/// The range of a key in `texts`: from the end of the key before it, or from 0, to its own end.
fn place(ends: &[usize], number: usize) -> Range<usize> {
    number.checked_sub(1).map_or(0, |before| ends[before])..ends[number]
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_are_numbered_as_a_plain_table_does(keys in proptest::collection::vec("[ab]{0,4}|\\PC{0,3}", 0..200)) {
            let (mut numbers, mut plain) = (Keys::default(), HashMap::new());
            for key in &keys {
                let next = plain.len();
                prop_assert_eq!(numbers.number(key), *plain.entry(key).or_insert(next), "{:?}", key);
            }
        }
    }

    #[test]
    fn keys_of_equal_hashes_are_told_apart_by_their_texts() {
        let mut keys = Keys::default();
        // As if "b" had the hash of "a".
        let hash = keys.hashing.hash_one("a");
        keys.table.insert_unique(hash, (hash, 0), |&(its_hash, _)| its_hash);
        keys.texts.push('b');
        keys.ends.push(1);
        assert_eq!((keys.number("a"), keys.number("a")), (1, 1));
    }
}
