//! What an item's function tells of itself: how much of something it worked through, by name. A list per thread, which
//! the run takes after each item.

use std::borrow::Cow;
use std::cell::RefCell;

use crate::record::Amount;

crate::sync::thread_local! {
    /// What the item in hand has reported so far.
    static IN_HAND: RefCell<Vec<Amount>> = RefCell::default();
}

/// Tells how much of something the item in hand works through, such as samples, frames or bytes.
///
/// A report adds it up by name, with its rates, and shows it per item. Said twice in an item, it counts as the sum. It
/// belongs to the item that runs on this thread, and for calls within a call to the inner one's; said where no item
/// runs, or in a run without a report or journal, it is dropped.
///
/// ```
/// use manyhands::{parallel_map, report_amount, Threads};
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
/// Never blocks. Nothing is shared: a thread that an item starts itself reports to nobody.
pub fn report_amount(name: impl Into<Cow<'static, str>>, value: f64) {
    let name = name.into();
    // A thread that ends has dropped its list before what else it drops, and then nobody is left to take it.
    let _ = IN_HAND.try_with(|in_hand| {
        let mut in_hand = in_hand.borrow_mut();
        // Few names at a time, so looking through them all is quicker than a table.
        match in_hand.iter_mut().find(|amount| amount.name == name) {
            Some(amount) => amount.value += value,
            None => in_hand.push(Amount { name, value }),
        }
    });
}

/// What has been reported on this thread since the last time, in the order of the first mention.
pub(crate) fn take() -> Vec<Amount> {
    IN_HAND.try_with(RefCell::take).unwrap_or_default()
}

/// Drops what has been reported on this thread outside of an item.
pub(crate) fn clear() {
    drop(take());
}

/// Lays aside what this thread's item has reported, until the guard is dropped: for a call within that item, whose own
/// items may run on the same thread.
#[must_use = "what is set aside comes back when this is dropped"]
pub(crate) fn set_aside() -> SetAside {
    SetAside { outer: take() }
}

/// See [`set_aside`].
#[derive(Debug)]
pub(crate) struct SetAside {
    outer: Vec<Amount>,
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
        assert_eq!(taken(), [], "what is taken is gone");
    }

    #[test]
    fn what_is_said_outside_of_an_item_is_dropped() {
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
    fn a_call_within_an_item_takes_nothing_of_the_outer_ones() {
        clear();
        report_amount("outer", 1.0);
        let outer = set_aside();
        report_amount("inner", 7.0);
        assert_eq!(taken(), amounts(&[("inner", 7.0)]));
        report_amount("left by the inner one", 1.0);
        drop(outer);
        report_amount("outer", 1.0);
        assert_eq!(taken(), amounts(&[("outer", 2.0)]));
    }

    #[test]
    fn a_call_within_an_item_that_panics_gives_the_outer_ones_back() {
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
    fn a_thread_that_ends_may_still_report() {
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
        // Made first, `LAST` is dropped last: after the list.
        let ended = std::thread::spawn(|| {
            LAST.with(|_| ());
            report_amount("early", 1.0);
        });
        ended.join().unwrap();
    }
}
