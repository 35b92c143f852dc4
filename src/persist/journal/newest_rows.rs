//! Of rows with keys, the newest of each key. Pure.
//!
//! For a reader that counts: it has all rows before it needs the first answer. So rows are sorted by the hashes of their
//! keys, which costs a fifth of a table of a million keys, whose look-ups go to another place in memory each. Texts are
//! compared where hashes are equal.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

/// The keys of rows, oldest first.
#[derive(Debug, Default)]
pub(crate) struct RowKeys {
    hashing: RandomState,
    /// The hash of each row's key, and the row's number.
    hashes: Vec<(u64, usize)>,
    texts: String,
    /// The end of each row's key in `texts`.
    ends: Vec<usize>,
}

impl RowKeys {
    /// The key of the next row. In memory, it costs its own bytes and 24.
    pub(crate) fn push(&mut self, key: &str) {
        self.hashes.push((self.hashing.hash_one(key), self.ends.len()));
        self.texts.push_str(key);
        self.ends.push(self.texts.len());
    }

    /// For each row, whether it is the newest of its key.
    pub(crate) fn are_newest(mut self) -> Vec<bool> {
        self.hashes.sort_unstable();
        let mut are_newest = vec![true; self.ends.len()];
        let mut known: Vec<usize> = Vec::new();
        for group in self.hashes.chunk_by(|(one, _), (other, _)| one == other) {
            if group.len() == 1 {
                continue;
            }
            known.clear();
            for &(_, row) in group.iter().rev() {
                are_newest[row] = !known.iter().any(|newer| self.key(*newer) == self.key(row));
                if are_newest[row] {
                    known.push(row);
                }
            }
        }
        are_newest
    }

    fn key(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.texts[start..self.ends[row]]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn newest(keys: RowKeys) -> Vec<usize> {
        keys.are_newest().into_iter().enumerate().filter(|(_, is_newest)| *is_newest).map(|(row, _)| row).collect()
    }

    proptest! {
        #[test]
        fn the_newest_row_of_each_key_is_that_of_a_plain_table(keys in proptest::collection::vec("[ab]{0,3}", 0..100)) {
            let (mut rows, mut plain) = (RowKeys::default(), BTreeMap::new());
            for (row, key) in keys.iter().enumerate() {
                rows.push(key);
                plain.insert(key, row);
            }
            let mut expected: Vec<usize> = plain.into_values().collect();
            expected.sort_unstable();
            prop_assert_eq!(newest(rows), expected);
        }
    }

    #[test]
    fn keys_of_equal_hashes_are_told_apart_by_their_texts() {
        let mut rows = RowKeys::default();
        ["a", "b", "a", "c", "b"].iter().for_each(|key| rows.push(key));
        rows.hashes.iter_mut().for_each(|(hash, _)| *hash = 7);
        assert_eq!(newest(rows), [2, 3, 4]);
    }
}
