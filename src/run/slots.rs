//! The output of a run without delivery: one slot per position. Workers write values into it, and the gatherer reads
//! them when the backend has returned. Its counterpart, for results that travel, is `delivery.rs`.
//!
//! The life of the slots: [`Slots::new`] reserves, [`Slots::unwritten`] lends them to the backend, and one of
//! [`Slots::assume_all_written`] and [`Slots::take_written`] reads them. Which slots hold a value is not stored here:
//! the gatherer knows it from the reports.

use std::mem::MaybeUninit;

use crate::config_error::ConfigError;
use crate::run::done_set::PositionSet;

/// Memory for one value per position, in the order of work.
///
/// Invariant: the vector's length stays 0 until all slots are known to be written. So dropping it at any time frees the
/// memory and drops no value: a forgotten value leaks, but none is read that was not written.
#[derive(Debug)]
pub(crate) struct Slots<R> {
    values: Vec<R>,
    n_items: usize,
}

/// Fewer results without a size are not checked.
const CHECKED_FROM: usize = 1 << 24;

impl<R> Slots<R> {
    /// Reserves memory for this many values, all unwritten. An error when it cannot be had.
    ///
    /// One allocation of `n_items` values, and none for a type of size zero. An allocation that fails is an error here
    /// rather than an abort of the program, because the length comes from the caller's data.
    pub(crate) fn new(n_items: usize) -> Result<Self, ConfigError> {
        let mut values = Vec::new();
        let mut reserved = values.try_reserve_exact(n_items);
        if size_of::<R>() == 0 && n_items >= CHECKED_FROM {
            // An outcome with a gap has an `Option` for each, which takes memory where the value itself takes none.
            reserved = reserved.and_then(|()| Vec::<Option<R>>::new().try_reserve_exact(n_items));
        }
        reserved.map_err(|_| {
            let size = size_of::<R>();
            ConfigError::new(format!(
                "no memory for {n_items} results of {size} bytes each; use for_each, which keeps none of them"
            ))
        })?;
        Ok(Self { values, n_items })
    }

    /// The unwritten slots, to be split among workers.
    ///
    /// Called once per run. `Output::split_off` divides the slice, so the borrow checker sees that no two claims
    /// overlap.
    pub(crate) fn unwritten(&mut self) -> &mut [MaybeUninit<R>] {
        &mut self.values.spare_capacity_mut()[..self.n_items]
    }

    /// All values in the order of work.
    ///
    /// Moves no value: the memory of the slots becomes the memory of the vector.
    ///
    /// # Safety
    /// Every slot has been written.
    pub(crate) unsafe fn assume_all_written(mut self) -> Vec<R> {
        // SAFETY: the capacity was reserved in `new`; the caller promises that all of it was written.
        unsafe { self.values.set_len(self.n_items) };
        self.values
    }

    /// Calls `keep` with each written value and its position.
    ///
    /// Values are moved out one by one, in the order of positions; a slot that is not done or missed is skipped. When
    /// `keep` panics, the values that it has not seen leak. Cost: one move per value, and one comparison with the next
    /// missed position.
    ///
    /// # Safety
    /// Every slot whose position is `done` and not among `missed` has been written. `missed` is sorted.
    pub(crate) unsafe fn take_written(mut self, done: &PositionSet, missed: &[usize], mut keep: impl FnMut(usize, R)) {
        let mut missed = missed.iter().copied().peekable();
        let slots = self.unwritten();
        for position in done.positions() {
            if missed.next_if_eq(&position).is_some() {
                continue;
            }
            // SAFETY: the caller promises that this slot was written; `positions` names each position once, so no value
            // is read twice, and the vector's length stays 0, so it drops none of them.
            keep(position, unsafe { slots[position].assume_init_read() });
        }
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn more_results_without_a_size_than_an_outcome_can_hold_are_refused() {
        assert!(Slots::<()>::new(1 << 60).unwrap_err().to_string().contains("use for_each"));
        assert!(Slots::<()>::new(CHECKED_FROM).is_ok());
    }
}
