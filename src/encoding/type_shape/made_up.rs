//! Made-up values for a `Deserialize` that refuses some of them, and the order in which they are tried. Pure.
//!
//! Most types take the first value of each kind. For a type that checks what it reads, such as a date or an id, the next
//! ones are tried: first at the place that was asked for last, since that is the one that was most likely refused, and then
//! at those before it, one place at a time. A value with which the type reads further is kept.

use std::collections::{HashMap, HashSet};

pub(super) const SMALL: [i8; 6] = [1, 0, 2, 10, 100, -1];
pub(super) const NUMBERS: [i16; 8] = [1, 0, 2, 10, 100, 1000, 2000, -1];
pub(super) const POSITIVE: [u8; 6] = [1, 0, 2, 10, 100, 200];
pub(super) const FRACTIONS: [f32; 8] = [1.0, 0.0, 0.5, 2.0, 10.0, 100.0, 1000.0, -1.0];

/// Texts of common kinds: names, numbers, versions, dates, times, addresses, ids.
pub(super) const TEXTS: [&str; 24] = [
    "",
    "a",
    "A",
    "1",
    "0",
    "1.0",
    "1.0.0",
    "2000-01-01",
    "2000-01-01T00:00:00",
    "2000-01-01T00:00:00Z",
    "2000-01-01T00:00:00+00:00[UTC]",
    "Sat, 01 Jan 2000 00:00:00 +0000",
    "00:00:00",
    "PT1S",
    "UTC",
    "en",
    "a/b",
    "/a",
    "a.b",
    "a@b.org",
    "http://a.org/",
    "127.0.0.1",
    "127.0.0.1:80",
    "00000000-0000-4000-8000-000000000001",
];

/// Bytes in the lengths of addresses, ids and digests.
pub(super) const BYTES: [&[u8]; 8] = [&[], &[1], &[1; 4], &[1; 8], &[1; 16], &[1; 20], &[1; 32], &[1; 64]];

/// Lengths of lists and maps.
pub(super) const LENGTHS: [usize; 6] = [1, 2, 3, 4, 0, 8];

/// What the last try has shown, and the next one is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It got further than all before: its values are kept.
    Further,
    /// It got no further.
    Another,
}

/// Which made-up value is given at each place, by its number.
#[derive(Debug, Default)]
pub(super) struct Choices {
    chosen: HashMap<u64, usize>,
    /// The places of this try in their order, and how many values there are for each.
    asked: Vec<(u64, usize)>,
    /// The same places: that of a list's elements comes again with each of them.
    known: HashSet<u64>,
    /// The places at which other values are still to be tried, with the next value and the number of values. The next place
    /// is the last.
    untried: Vec<(u64, usize, usize)>,
    /// The place at which another value is tried, and the value that it had.
    trying: Option<(u64, usize)>,
    /// How far the type was read with the values that are kept.
    furthest: Option<Vec<usize>>,
}

impl Choices {
    /// The values that are kept stay so.
    pub(super) fn begin(&mut self) {
        (self.trying, self.furthest) = (None, None);
    }

    pub(super) fn begin_try(&mut self) {
        self.asked.clear();
        self.known.clear();
    }

    /// The value for this place.
    pub(super) fn at(&mut self, place: u64, n_values: usize) -> usize {
        let chosen = *self.chosen.entry(place).or_insert(0);
        if self.known.insert(place) {
            self.asked.push((place, n_values));
        }
        chosen.min(n_values - 1)
    }

    /// Chooses other values after a refusal. `way` has the numbers of the parts in which it was, the outermost first. `None`
    /// when there are no others.
    pub(super) fn next(&mut self, mut way: Vec<usize>) -> Option<Next> {
        way.push(usize::MAX); // what refuses a whole has read all of its parts
        let mut next = Next::Another;
        if self.furthest.as_ref().is_none_or(|furthest| way > *furthest) {
            (self.furthest, self.trying) = (Some(way), None);
            self.untried = self.asked.iter().map(|&(place, n_values)| (place, 0, n_values)).collect();
            next = Next::Further;
        } else if let Some((place, before)) = self.trying.take() {
            self.chosen.insert(place, before);
        }
        while let Some((place, untried, n_values)) = self.untried.last_mut() {
            let before = self.chosen.get(place).copied().unwrap_or(0);
            let value = *untried + usize::from(*untried == before);
            if value < *n_values {
                *untried = value + 1;
                self.trying = Some((*place, before));
                self.chosen.insert(*place, value);
                return Some(next);
            }
            self.untried.pop();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of two places of three values each, until both are as they must be. The first is refused by itself, the
    /// second with the whole.
    fn tried(expected: [usize; 2]) -> Vec<(usize, Option<usize>)> {
        let (mut choices, mut tried) = (Choices::default(), Vec::new());
        loop {
            choices.begin_try();
            let first = choices.at(1, 3);
            let second = (first == expected[0]).then(|| choices.at(2, 3));
            tried.push((first, second));
            let way = if second.is_none() { vec![0] } else { vec![] };
            if second == Some(expected[1]) || choices.next(way).is_none() {
                return tried;
            }
        }
    }

    #[test]
    fn values_are_tried_one_place_at_a_time_and_kept_where_the_type_reads_further() {
        assert_eq!(tried([0, 0]), [(0, Some(0))]);
        assert_eq!(tried([1, 2]), [(0, None), (1, Some(0)), (1, Some(1)), (1, Some(2))]);
        assert_eq!(tried([2, 1]), [(0, None), (1, None), (2, Some(0)), (2, Some(1))]);
        let (first, second) = ([(0, None), (1, Some(0)), (1, Some(1)), (1, Some(2))], [(0, None), (2, None)]);
        assert_eq!(tried([1, 7]), [&first[..], &second[..]].concat(), "none is right");
    }
}
