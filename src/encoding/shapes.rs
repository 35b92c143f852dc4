//! Which shapes of values were written before: so that each is read back once, and no value twice.
//!
//! A shape is what a value's serde code does at one place of the value: which variant it writes, in a format with names
//! which kind of number, whether an option is there, whether a list has elements, whether a field is skipped, how many
//! fields a struct has. A place is the way to it: field 2 of the root, each element of the list in field 3. All elements
//! of a list share a place, and so do those of an array from the 17th on, and all places more than eight levels deep, so
//! the number of shapes depends on the type and not on the length of a value.
//!
//! That a shape is known says how a value is read only where the type's reader depends on shapes alone. Where it does not,
//! no shape is ever known: see [`ReadBack`].
//!
//! Costs of a shape that was seen before: some arithmetic, which the compiler does beforehand for the most part, and a
//! comparison with an entry of a small table.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;

use foldhash::fast::RandomState;

use crate::encoding::bounds::{LEVELS, too_deep};
use crate::encoding::problem::Problem;

/// At this many shapes, new ones are told apart by what is written alone, and not by its place.
const MOST_PLACES: usize = 4096;
/// Beyond this many levels, a place is that of its parent.
const DEEPEST: u64 = 8;
/// All elements of an array from this one on share a place, as those of a list do.
pub(super) const LAST_PLACE: u64 = 16;
/// Entries of the table of recent shapes.
const RECENT: usize = 256;

/// How often values of a type are read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadBack {
    /// One value of each shape: the reader asks for what was written.
    OncePerShape,
    /// Each value. Its reader asks for another kind of number than was written, so that 0 may read back and 5 not; or it
    /// asks what comes, and may choose by the value, as one of `untagged` does.
    Always,
}

/// The shapes that values of one type have had.
pub(crate) struct Shapes {
    /// Shapes of `known` and of `new`, each at one of the two entries that its highest bits name; 0 where there is none.
    recent: [Cell<u64>; RECENT],
    /// Those that were read back.
    known: RefCell<HashSet<u64, RandomState>>,
    /// Those that were not.
    new: RefCell<HashSet<u64, RandomState>>,
    has_new: Cell<bool>,
    /// Whether no shape counts as known.
    reads_all_back: Cell<bool>,
    /// Why the value at hand cannot be written, while the error is on its way through a format that has no room for a
    /// text.
    problem: Cell<Option<Problem>>,
}

impl Default for Shapes {
    fn default() -> Self {
        Self {
            recent: [const { Cell::new(0) }; RECENT],
            known: RefCell::default(),
            new: RefCell::default(),
            has_new: Cell::new(false),
            reads_all_back: Cell::new(false),
            problem: Cell::default(),
        }
    }
}

impl fmt::Debug for Shapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shapes").field("known", &self.known.borrow().len()).finish_non_exhaustive()
    }
}

/// A place within a value, in one word, so that a place and a reference travel in two registers: its hash in the upper
/// 48 bits; how many numbers are in the hash, in 6 bits; and how many values it is within, in 10.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site(u64);

const LEVEL_BITS: u64 = (1 << 10) - 1;
const DEPTH_ONE: u64 = LEVEL_BITS + 1;
const HASH_BITS: u64 = !0xffff;

impl Site {
    pub(super) const ROOT: Self = Self(0x5bf0_3635_0000_0000);

    /// The place of a part; parts are told apart by their numbers.
    #[inline]
    pub(super) fn part(self, number: u64) -> Self {
        if (self.0 & !HASH_BITS) / DEPTH_ONE == DEEPEST {
            return self;
        }
        let hash = mix(self.0 & HASH_BITS, number + 1) & HASH_BITS;
        Self(hash | ((self.0 & !HASH_BITS) + DEPTH_ONE))
    }

    /// The same place, for the parts of what is there.
    ///
    /// # Errors
    /// When they are deeper than a reader goes.
    #[inline]
    pub(super) fn deeper(self) -> Result<Self, Problem> {
        if self.0 & LEVEL_BITS == u64::from(LEVELS) { Err(too_deep()) } else { Ok(Self(self.0 + 1)) }
    }

    /// What is written at this place, as a shape. One addition: the product is of constants, as a rule.
    #[inline]
    fn shape(self, what: u64) -> u64 {
        (self.0 & HASH_BITS).wrapping_add(what.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }
}

/// A number that depends on both.
#[inline]
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let product = (a.rotate_left(23) ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}

impl Shapes {
    /// What is written at this place.
    #[inline(always)]
    pub(super) fn note(&self, site: Site, what: u64) {
        let shape = site.shape(what);
        let [first, second] = self.entries(shape);
        if first.get() != shape && second.get() != shape {
            self.note_rare(shape, what);
        }
    }

    #[inline(always)]
    fn entries(&self, shape: u64) -> [&Cell<u64>; 2] {
        [&self.recent[(shape >> 56) as usize], &self.recent[(shape >> 48 & 255) as usize]]
    }

    /// A shape that is not in the table.
    #[cold]
    fn note_rare(&self, shape: u64, what: u64) {
        let (known, mut new) = (self.known.borrow(), self.new.borrow_mut());
        if !known.contains(&shape) {
            let has_room = known.len() + new.len() < MOST_PLACES;
            let counted = if has_room { shape } else { Site::ROOT.shape(what) };
            if !known.contains(&counted) && new.insert(counted) {
                self.has_new.set(true);
            }
        }
        let [first, second] = self.entries(shape);
        let entry = if first.get() == 0 { first } else { second };
        entry.set(shape);
    }

    /// Whether a shape was noted that was never read back, or each value is.
    #[inline]
    pub(crate) fn has_new(&self) -> bool {
        self.has_new.get()
    }

    /// Takes the new shapes out: they count as never seen.
    pub(crate) fn take_new(&self) -> Vec<u64> {
        self.recent.iter().for_each(|entry| entry.set(0));
        self.has_new.set(self.reads_all_back.get());
        self.new.borrow_mut().drain().collect()
    }

    /// The new shapes were read back, and this is how later values are.
    pub(crate) fn accept_new(&self, later: ReadBack) {
        if later == ReadBack::Always {
            self.reads_all_back.set(true);
        }
        self.has_new.set(self.reads_all_back.get());
        self.known.borrow_mut().extend(self.new.borrow_mut().drain());
    }

    /// Each later value is read back, whatever its shape.
    pub(crate) fn read_all_back(&self) {
        self.reads_all_back.set(true);
        self.has_new.set(true);
    }

    /// These shapes were read back.
    pub(crate) fn accept(&self, shapes: Vec<u64>) {
        self.known.borrow_mut().extend(shapes);
    }

    /// Keeps the text of an error; gives one of the format, which has room for none.
    #[cold]
    pub(super) fn hide<E: serde::ser::Error>(&self, problem: Problem) -> E {
        self.problem.set(Some(problem));
        E::custom("")
    }

    /// The error with its text.
    #[cold]
    pub(super) fn show(&self, error: impl fmt::Display) -> Problem {
        self.problem.take().unwrap_or_else(|| Problem::new(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_new_until_it_was_read_back() {
        let shapes = Shapes::default();
        for _ in 0..2 {
            shapes.note(Site::ROOT, 1);
            assert!(shapes.has_new());
            assert_eq!(shapes.take_new().len(), 1);
        }
        shapes.note(Site::ROOT, 1);
        shapes.accept_new(ReadBack::OncePerShape);
        shapes.note(Site::ROOT, 1);
        assert!(!shapes.has_new());
        shapes.note(Site::ROOT.part(0), 1);
        assert!(shapes.has_new(), "the same at another place");
    }

    #[test]
    fn no_shape_is_known_where_each_value_is_read_back() {
        let shapes = Shapes::default();
        shapes.note(Site::ROOT, 1);
        shapes.accept_new(ReadBack::Always);
        for _ in 0..2 {
            shapes.note(Site::ROOT, 1);
            assert!(shapes.has_new());
            shapes.accept_new(ReadBack::OncePerShape);
            shapes.take_new();
            assert!(shapes.has_new());
        }
    }

    #[test]
    fn the_number_of_shapes_is_bounded_and_what_was_never_written_stays_new() {
        let shapes = Shapes::default();
        for place in 0..100_000 {
            shapes.note(Site::ROOT.part(place), 1);
        }
        assert!(shapes.take_new().len() <= MOST_PLACES + 1);
        for place in 0..100_000 {
            shapes.note(Site::ROOT.part(place), 1);
            shapes.accept_new(ReadBack::OncePerShape);
        }
        assert!(shapes.known.borrow().len() <= MOST_PLACES + 1);
        shapes.note(Site::ROOT.part(200_000), 1);
        assert!(!shapes.has_new());
        shapes.note(Site::ROOT.part(200_000), 2);
        assert!(shapes.has_new());
    }

    #[test]
    fn a_list_of_lists_of_any_depth_has_few_places() {
        let mut site = Site::ROOT;
        for _ in 0..100 {
            site = site.part(0);
        }
        assert_eq!(site.0, site.part(3).0);
    }
}
