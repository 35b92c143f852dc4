//! The order of a folder's frames, and the numbers in their names. Pure: names in, positions out.

use std::cmp::Ordering;

/// Beyond so many digits a number is a name only: it does not fit 64 bits.
const MOST_DIGITS: usize = 18;

/// A stretch of a name: ASCII digits, or bytes that are none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run<'a> {
    Digits(&'a [u8]),
    Text(&'a [u8]),
}

impl Run<'_> {
    fn is_digits(self) -> bool {
        matches!(self, Self::Digits(_))
    }

    /// None for text, and for more digits than 64 bits hold.
    fn value(self) -> Option<u64> {
        match self {
            Self::Digits(digits) if digits.len() <= MOST_DIGITS => {
                Some(digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
            }
            _ => None,
        }
    }
}

impl Ord for Run<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Self::Digits(a), Self::Digits(b)) => value_order(a, b).then(a.len().cmp(&b.len())),
            (Self::Digits(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Digits(_)) => Ordering::Greater,
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
        }
    }
}

impl PartialOrd for Run<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By value, however many digits there are.
fn value_order(a: &[u8], b: &[u8]) -> Ordering {
    let significant = |digits: &[u8]| digits.iter().position(|&digit| digit != b'0').unwrap_or(digits.len());
    let (a, b) = (&a[significant(a)..], &b[significant(b)..]);
    a.len().cmp(&b.len()).then(a.cmp(b))
}

fn runs(name: &[u8]) -> impl Iterator<Item = Run<'_>> {
    name.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).map(|run| match run.first() {
        Some(first) if first.is_ascii_digit() => Run::Digits(run),
        _ => Run::Text(run),
    })
}

/// The natural order of two names: digits count by their value, so `f2` comes before `f10`.
///
/// Names are compared run by run, a run being a stretch of ASCII digits or of other bytes. Digits are compared by value, then by
/// length; digits come before text; text is compared by bytes; a name that ends first comes first. Names that are equal so far
/// are compared by bytes. It is a total order: two names are equal only if their bytes are.
///
/// ```
/// use landmark_extraction::sample::natural_order;
///
/// let mut names = ["f10.png", "f2.png", "g1.png", "f02.png"];
/// names.sort_by(|a, b| natural_order(a.as_bytes(), b.as_bytes()));
/// assert_eq!(names, ["f2.png", "f02.png", "f10.png", "g1.png"]);
/// ```
#[must_use]
pub fn natural_order(a: &[u8], b: &[u8]) -> Ordering {
    runs(a).cmp(runs(b)).then_with(|| a.cmp(b))
}

/// A row of a sample's array before its frame is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    /// Which of the sorted names; none for a number that has no file.
    pub(super) name_idx: Option<usize>,
    /// The number in the name, where the names are numbered.
    pub(super) number: Option<u64>,
}

/// The rows of frames whose names are sorted in natural order: one for each name, and one for each number that is absent between.
///
/// Where more numbers would be absent than half the names, the numbers are names only, and no row is added. So there are at most
/// one and a half times as many rows as names.
pub(super) fn slots(names: &[&[u8]]) -> Vec<Slot> {
    let numbers = numbers(names);
    let of_names = |numbers: Option<&[u64]>| -> Vec<Slot> {
        let number = |name_idx: usize| numbers.and_then(|numbers| numbers.get(name_idx).copied());
        (0..names.len()).map(|name_idx| Slot { name_idx: Some(name_idx), number: number(name_idx) }).collect()
    };
    let Some(numbers) = numbers else { return of_names(None) };
    let step = step(&numbers);
    let n_absent: u64 = numbers.windows(2).map(|pair| (pair[1] - pair[0]) / step - 1).sum();
    if n_absent > names.len() as u64 / 2 {
        return of_names(Some(&numbers));
    }
    let mut slots = Vec::with_capacity(names.len() + names.len() / 2);
    for (name_idx, &number) in numbers.iter().enumerate() {
        if let Some(&before) = name_idx.checked_sub(1).and_then(|before| numbers.get(before)) {
            let absent = (1..(number - before) / step).map(|n| before + n * step);
            slots.extend(absent.map(|number| Slot { name_idx: None, number: Some(number) }));
        }
        slots.push(Slot { name_idx: Some(name_idx), number: Some(number) });
    }
    slots
}

/// The greatest common divisor of the differences between neighbours; the numbers are rising.
fn step(numbers: &[u64]) -> u64 {
    let divisor = numbers.windows(2).map(|pair| pair[1] - pair[0]).fold(0, greatest_common_divisor);
    divisor.max(1)
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The numbers of names that differ in one run of digits alone, rising; none where they are not numbered so.
fn numbers(names: &[&[u8]]) -> Option<Vec<u64>> {
    let (first, others) = names.split_first()?;
    let first: Vec<Run<'_>> = runs(first).collect();
    let mut differing: Option<usize> = None;
    for name in others {
        let mut n_runs = 0;
        for (run_idx, run) in runs(name).enumerate() {
            n_runs += 1;
            if first.get(run_idx)? != &run && *differing.get_or_insert(run_idx) != run_idx {
                return None;
            }
        }
        if n_runs != first.len() {
            return None;
        }
    }
    let differing = differing?;
    let number = |name: &&[u8]| runs(name).nth(differing).filter(|run| run.is_digits())?.value();
    let numbers = names.iter().map(number).collect::<Option<Vec<u64>>>()?;
    numbers.windows(2).all(|pair| pair[0] < pair[1]).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted<'a>(names: &[&'a str]) -> Vec<&'a str> {
        let mut names = names.to_vec();
        names.sort_by(|a, b| natural_order(a.as_bytes(), b.as_bytes()));
        names
    }

    /// A row for each name or number: `a3`, or `-` for one that is absent.
    fn rows(names: &[&str]) -> Vec<(String, Option<u64>)> {
        let names = sorted(names);
        let bytes: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
        let shown = |slot: Slot| (slot.name_idx.map_or("-", |name_idx| names[name_idx]).to_owned(), slot.number);
        slots(&bytes).into_iter().map(shown).collect()
    }

    fn n_rows(names: &[&str]) -> usize {
        rows(names).len()
    }

    #[test]
    fn names_are_in_natural_order() {
        for names in [
            &["f1", "f2", "f02", "f002", "f10", "fa", "g1"][..],
            &["1a", "2", "10", "a"],
            &["a", "a1", "a1b", "aa"],
            &["img9.png", "img10.png", "img100.png"],
            &["x18446744073709551616", "x18446744073709551617", "x99999999999999999999"],
            &["0", "00", "000", "1"],
            &["a0b1", "a0b2", "a00b1"],
        ] {
            let mut reversed = names.to_vec();
            reversed.reverse();
            assert_eq!(sorted(&reversed), names);
        }
    }

    #[test]
    fn an_absent_number_has_a_row() {
        let found = rows(&["f1.png", "f2.png", "f4.png"]);
        let expected = [("f1.png", 1), ("f2.png", 2), ("-", 3), ("f4.png", 4)];
        assert_eq!(found, expected.map(|(name, number)| (name.to_owned(), Some(number))));
        assert_eq!(n_rows(&["f10", "f20", "f40"]), 4, "the step is 10");
        assert_eq!(n_rows(&["f1", "f3", "f5"]), 3, "the step is 2");
        assert_eq!(n_rows(&["f01", "f02", "f04"]), 4, "zeros in front");
        assert_eq!(n_rows(&["f8", "f9", "f11"]), 4, "another number of digits");
    }

    #[test]
    fn names_that_are_not_numbered_have_no_absent_ones() {
        assert_eq!(rows(&["f1.png", "g3.png"])[0].1, None, "two runs differ");
        assert_eq!(rows(&["f1.png", "f3.PNG"])[0].1, None, "the endings differ, too");
        assert_eq!(rows(&["a.png", "b.png"])[0].1, None, "the run is text");
        assert_eq!(rows(&["f1", "f01", "f3"])[0].1, None, "a number occurs twice");
        assert_eq!(rows(&["f1", "f1b"])[0].1, None, "another number of runs");
        assert_eq!(rows(&["f1000000000000000000", "f1000000000000000002"])[0].1, None, "19 digits");
        assert_eq!(rows(&["f999999999999999997", "f999999999999999998"])[0].1, Some(999_999_999_999_999_997));
        assert_eq!(n_rows(&["f7"]), 1);
        assert_eq!(n_rows(&[]), 0);
    }

    #[test]
    fn when_more_would_be_absent_than_half_the_names_none_is() {
        assert_eq!(n_rows(&["f1", "f2", "f3", "f6"]), 6, "2 of 4 are absent, which is half");
        assert_eq!(n_rows(&["f1", "f2", "f6"]), 3, "3 of 3 would be");
        assert_eq!(rows(&["f1", "f2", "f6"])[2].1, Some(6), "the numbers stay");
        assert_eq!(n_rows(&["f0", "f1", "f999999999999999999"]), 3);
    }

    proptest! {
        #[test]
        fn the_order_is_total_and_rows_keep_it(mut names in prop::collection::btree_set("[ab]{0,2}[0-9]{0,3}[ab]{0,1}", 0..8)
            .prop_map(|names| names.into_iter().collect::<Vec<_>>()))
        {
            for a in &names {
                for b in &names {
                    let (there, back) = (natural_order(a.as_bytes(), b.as_bytes()), natural_order(b.as_bytes(), a.as_bytes()));
                    prop_assert_eq!(there, back.reverse());
                    prop_assert_eq!(there == Ordering::Equal, a == b);
                    for c in &names {
                        if there == Ordering::Less && natural_order(b.as_bytes(), c.as_bytes()) == Ordering::Less {
                            prop_assert_eq!(natural_order(a.as_bytes(), c.as_bytes()), Ordering::Less);
                        }
                    }
                }
            }
            names.sort_by(|a, b| natural_order(a.as_bytes(), b.as_bytes()));
            let bytes: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
            let slots = slots(&bytes);
            let named: Vec<usize> = slots.iter().filter_map(|slot| slot.name_idx).collect();
            prop_assert_eq!(named, (0..names.len()).collect::<Vec<_>>());
            prop_assert!(slots.len() <= names.len() + names.len() / 2);
            let numbers: Vec<u64> = slots.iter().filter_map(|slot| slot.number).collect();
            prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
