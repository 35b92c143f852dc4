//! Which variant of an enum is given next, so that each of them is given once, however they are nested. Pure.
//!
//! An enum gets its variants in turn. When it has had all of them, it gets one within which another enum still has some to
//! be given; where there is none, the smallest that is known, so that a tree ends soon.

use std::collections::HashMap;

/// Tells enums apart.
///
/// The type of an enum's visitor is its own, and its name has that of the enum with its modules. The address of the variants'
/// names would not do: it may be one for two enums, or two for one, as the compiler likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Enum {
    pub(super) name: &'static str,
    pub(super) visitor: &'static str,
    pub(super) n_variants: usize,
}

/// The variants that were given so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Variants {
    seen: HashMap<Enum, Seen>,
    /// The enums that the value at hand is within, and their variants, the outermost first.
    within: Vec<(Enum, usize)>,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    /// Those before this one were given.
    next: usize,
    /// How often one was asked for when all were given.
    n_repeated: usize,
    /// Enums that were met within a variant before all of theirs were given.
    unfinished: Vec<(usize, Enum)>,
    /// The variant with the fewest values, and how many it has.
    smallest: Option<(usize, usize)>,
}

impl Variants {
    pub(super) fn begin_try(&mut self) {
        self.within.clear();
    }

    /// The variant for a value of this enum, which begins.
    pub(super) fn enter(&mut self, what: Enum, is_deep: bool) -> usize {
        let seen = self.seen.entry(what).or_default();
        let variant = if seen.next < what.n_variants {
            seen.next += 1;
            seen.next - 1
        } else {
            self.repeated(what, is_deep)
        };
        if self.is_unfinished(&what) {
            for (outer, its_variant) in &self.within {
                let outer = self.seen.entry(*outer).or_default();
                if !outer.unfinished.contains(&(*its_variant, what)) {
                    outer.unfinished.push((*its_variant, what));
                }
            }
        }
        self.within.push((what, variant));
        variant
    }

    /// A value ends, of so many values where it was read to its end.
    pub(super) fn leave(&mut self, size: Option<usize>) {
        let (Some((what, variant)), size) = (self.within.pop(), size) else { return };
        let seen = self.seen.entry(what).or_default();
        if let Some(size) = size.filter(|size| seen.smallest.is_none_or(|(_, smallest)| *size < smallest)) {
            seen.smallest = Some((variant, size));
        }
    }

    /// Whether some enum has a variant that was not given.
    pub(super) fn has_more(&self) -> bool {
        self.seen.keys().any(|what| self.is_unfinished(what))
    }

    /// How many variants were given, of all enums.
    pub(super) fn n_given(&self) -> usize {
        self.seen.values().map(|seen| seen.next).sum()
    }

    fn is_unfinished(&self, what: &Enum) -> bool {
        self.seen.get(what).is_some_and(|seen| seen.next < what.n_variants)
    }

    /// All were given.
    fn repeated(&mut self, what: Enum, is_deep: bool) -> usize {
        let seen = &self.seen[&what];
        let unfinished =
            seen.unfinished.iter().find(|(_, inner)| self.is_unfinished(inner)).map(|(variant, _)| *variant);
        let chosen = unfinished.filter(|_| !is_deep).or(seen.smallest.map(|(variant, _)| variant));
        // Where none is known to end, each of them in turn.
        let in_turn = seen.n_repeated % what.n_variants;
        self.seen.entry(what).or_default().n_repeated += 1;
        chosen.unwrap_or(in_turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variants_of_an_enum_within_a_later_variant_are_all_given() {
        let [outer, inner] = ["Outer", "Inner"].map(|name| Enum { name, visitor: name, n_variants: 3 });
        let (mut variants, mut given) = (Variants::default(), Vec::new());
        while given.is_empty() || variants.has_more() {
            variants.begin_try();
            let its_variant = variants.enter(outer, false);
            let within = (its_variant == 1).then(|| variants.enter(inner, false));
            if within.is_some() {
                variants.leave(Some(1));
            }
            variants.leave(Some(2));
            given.push((its_variant, within));
        }
        assert_eq!(given, [(0, None), (1, Some(0)), (2, None), (1, Some(1)), (1, Some(2))]);
    }

    #[test]
    fn enums_of_one_name_have_their_own_variants() {
        let [one, other] =
            [("a::E", 2), ("b::E", 3)].map(|(visitor, n_variants)| Enum { name: "E", visitor, n_variants });
        let mut variants = Variants::default();
        assert_eq!([one, other, one, other, other].map(|what| variants.enter(what, false)), [0, 0, 1, 1, 2]);
        assert!(!variants.has_more());
    }
}
