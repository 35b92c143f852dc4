//! Amounts that an item's function reports about itself, by name: samples, frames, bytes.
//!
//! Each thread has one list. The worker loop takes it after each item that is traced; reports and journals keep it.
//! Nothing is shared between threads.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use crate::record::Amount;

crate::sync::thread_local! {
    /// The amounts that the running item has reported so far.
    static IN_HAND: RefCell<Amounts> = RefCell::default();
}

/// Up to this many names are searched one by one, which is faster than a table.
const FEW_NAMES: usize = 16;

/// Amounts in the order of their first report, each name once.
#[derive(Debug, Default)]
struct Amounts {
    list: Vec<Amount>,
    /// Where each name is in the list. Empty while there are few; then of all, so that many names cost linear time.
    places: HashMap<Cow<'static, str>, usize>,
}

impl Amounts {
    fn add(&mut self, name: Cow<'static, str>, value: f64) {
        match self.place(&name) {
            Some(place) => self.list[place].value += value,
            None => self.push(Amount { name, value }),
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        if self.list.len() <= FEW_NAMES {
            return self.list.iter().position(|amount| amount.name == name);
        }
        self.places.get(name).copied()
    }

    fn push(&mut self, amount: Amount) {
        self.list.push(amount);
        if self.list.len() > FEW_NAMES {
            let known = self.places.len();
            let new = self.list.iter().enumerate().skip(known);
            self.places.extend(new.map(|(place, amount)| (amount.name.clone(), place)));
        }
    }
}

/// Reports how much of something the running item processes, such as samples, frames or bytes.
///
/// A report shows the amount per item, and its sum and rate per name. The unit is the caller's choice; say it in the
/// name. Several amounts of the same name in one item add up. The amount belongs to the item that runs on this thread,
/// in nested calls to the innermost item. It is dropped where no item runs, and in a run without a report or journal.
///
/// Cost: a search among the item's names, well below a microsecond however many there are. A name in a `String`
/// allocates, a literal does not. `metrics.csv` has a column for each of the first 256 names, in alphabetical order, and
/// one column with the others.
///
/// ```
/// use manyhands::report::report_amount;
/// use manyhands::{Threads, parallel_map};
///
/// fn rms(samples: &Vec<f64>) -> f64 {
///     report_amount("samples", samples.len() as f64);
///     (samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len() as f64).sqrt()
/// }
/// assert_eq!(parallel_map(Threads, &[vec![3.0, -3.0], vec![1.0]], rms)?, [3.0, 1.0]);
/// # Ok::<(), manyhands::Error>(())
/// ```
///
/// # Concurrency
/// Never blocks, and shares nothing. Amounts from threads that an item starts itself are dropped.
pub fn report_amount(name: impl Into<Cow<'static, str>>, value: f64) {
    let name = name.into();
    // The list may be gone already when other thread locals of an ending thread are dropped. The amount is then dropped.
    let _ = IN_HAND.try_with(|in_hand| in_hand.borrow_mut().add(name, value));
}

/// Takes the amounts reported on this thread since the last call, in the order of their first report.
///
/// Called by the worker loop after each traced item. Allocates nothing; an item without amounts yields an empty list.
pub(crate) fn take() -> Vec<Amount> {
    take_all().list
}

fn take_all() -> Amounts {
    IN_HAND.try_with(RefCell::take).unwrap_or_default()
}

/// Drops amounts that were reported on this thread outside of an item.
pub(crate) fn clear() {
    drop(take());
}

/// Saves the amounts of this thread's item until the guard is dropped. A nested call may run its own items on the same
/// thread.
///
/// A list that is set aside costs a move of some words. Without it, the first item of a nested call on this thread
/// would take the amounts that the outer item has reported so far.
#[must_use = "dropping this restores the saved amounts"]
pub(crate) fn set_aside() -> SetAside {
    SetAside { outer: take_all() }
}

/// Restores the saved amounts when it is dropped: see [`set_aside`].
#[derive(Debug)]
pub(crate) struct SetAside {
    outer: Amounts,
}

impl Drop for SetAside {
    fn drop(&mut self) {
        let outer = std::mem::take(&mut self.outer);
        let _ = IN_HAND.try_with(|in_hand| in_hand.replace(outer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken() -> Vec<(String, f64)> {
        take().into_iter().map(|amount| (amount.name.into_owned(), amount.value)).collect()
    }

    fn amounts(expected: &[(&str, f64)]) -> Vec<(String, f64)> {
        expected.iter().map(|&(name, value)| (name.to_string(), value)).collect()
    }

    #[test]
    fn the_same_name_twice_in_an_item_adds_up() {
        clear();
        report_amount("frames", 2.0);
        report_amount("bytes".to_string(), 10.0);
        report_amount(String::from("frames"), 0.5);
        assert_eq!(taken(), amounts(&[("frames", 2.5), ("bytes", 10.0)]));
        assert_eq!(taken(), [], "the list is empty after take");
    }

    #[test]
    fn many_names_cost_linear_time_and_keep_their_order() {
        clear();
        let begun = std::time::Instant::now();
        let name = |number: usize| format!("a name that begins like every other one, {number}");
        for number in (0..100_000).chain(0..100_000) {
            report_amount(name(number), 1.0);
        }
        let taken = taken();
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
        assert_eq!(taken.len(), 100_000);
        assert!(taken.iter().enumerate().all(|(place, amount)| *amount == (name(place), 2.0)));
        report_amount("after", 1.0);
        assert_eq!(self::taken(), amounts(&[("after", 1.0)]));
    }

    #[test]
    fn amounts_reported_outside_of_an_item_are_dropped() {
        report_amount("before", 1.0);
        clear();
        report_amount("within", 1.0);
        assert_eq!(taken(), amounts(&[("within", 1.0)]));
    }

    #[test]
    fn each_thread_reports_for_its_own_item() {
        clear();
        report_amount("here", 1.0);
        let there = std::thread::spawn(|| {
            report_amount("there", 1.0);
            taken()
        });
        assert_eq!((there.join().unwrap(), taken()), (amounts(&[("there", 1.0)]), amounts(&[("here", 1.0)])));
    }

    #[test]
    fn a_nested_call_does_not_take_the_amounts_of_the_outer_item() {
        clear();
        report_amount("outer", 1.0);
        let outer = set_aside();
        report_amount("inner", 7.0);
        assert_eq!(taken(), amounts(&[("inner", 7.0)]));
        report_amount("left by the nested call", 1.0);
        drop(outer);
        report_amount("outer", 1.0);
        assert_eq!(taken(), amounts(&[("outer", 2.0)]));
    }

    #[test]
    fn a_nested_call_that_panics_restores_the_amounts_of_the_outer_item() {
        clear();
        report_amount("outer", 1.0);
        let panicked = std::panic::catch_unwind(|| {
            let _outer = set_aside();
            report_amount("inner", 7.0);
            std::panic::resume_unwind(Box::new("a call that panics"));
        });
        assert!(panicked.is_err());
        assert_eq!(taken(), amounts(&[("outer", 1.0)]));
    }

    #[test]
    fn a_report_from_an_ending_thread_is_dropped() {
        struct AtTheEnd;
        impl Drop for AtTheEnd {
            fn drop(&mut self) {
                report_amount("late", 1.0);
                assert_eq!(take(), []);
            }
        }
        thread_local! {
            static LAST: AtTheEnd = const { AtTheEnd };
        }
        // `LAST` is created first, so it is dropped after the list.
        let ended = std::thread::spawn(|| {
            LAST.with(|_| ());
            report_amount("early", 1.0);
        });
        ended.join().unwrap();
    }
}
