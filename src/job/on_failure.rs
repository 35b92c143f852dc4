//! When a failed item ends the run: the user's choice, and the arithmetic behind it. Pure.

use std::collections::BinaryHeap;

use crate::error::Error;

/// What a failed item does to the rest of a run.
///
/// Whatever is chosen, values and failures are those that a serial run gives, for any number of workers: items before
/// the stop are finished, and what other workers did beyond it is put away.
///
/// ```
/// use manyhands::{Job, OnFailure};
/// let odd_fails = |n: &u32| if n % 2 == 1 { Err("odd") } else { Ok(*n) };
/// let outcome = Job::new(&[0, 1, 2, 3, 4]).on_failure(OnFailure::StopAfter(2)).try_run(odd_fails)?;
/// assert_eq!(outcome.into_options(), [Some(0), None, Some(2), None, None]);
/// # Ok::<(), manyhands::Error<&'static str>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum OnFailure {
    /// The first failed item, in input order, ends the run.
    #[default]
    Stop,
    /// Every item is run, whatever fails.
    Continue,
    /// This many failed items end the run; 1 is [`OnFailure::Stop`].
    StopAfter(usize),
    /// The run ends when more than this share of *all* items of the call has failed, in percent.
    StopAbove(f64),
}

impl OnFailure {
    /// How many failures end a run over this many items; `None` when none do.
    pub(crate) fn limit(self, n_items: usize) -> Result<Option<usize>, Error> {
        match self {
            Self::Stop => Ok(Some(1)),
            Self::Continue => Ok(None),
            Self::StopAfter(0) => {
                Err(Error::config("a stop after 0 failures asked for; use 1 or more, or OnFailure::Continue"))
            }
            Self::StopAfter(limit) => Ok(Some(limit)),
            Self::StopAbove(percent) if (0.0..=100.0).contains(&percent) => Ok(Some(tolerated(percent, n_items) + 1)),
            Self::StopAbove(percent) => {
                Err(Error::config(format!("a stop above {percent} percent of failures asked for; use 0 to 100")))
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a count"
)]
fn tolerated(percent: f64, n_items: usize) -> usize {
    (percent / 100.0 * n_items as f64).floor() as usize
}

/// The failures seen so far, as far as they bear on where a run ends.
#[derive(Debug)]
pub(crate) struct Tolerance {
    limit: Option<usize>,
    /// The lowest failed positions, at most `limit` of them.
    lowest: BinaryHeap<usize>,
}

impl Tolerance {
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self { limit, lowest: BinaryHeap::new() }
    }

    /// Notes a failed position. Positions may come in any order.
    pub(crate) fn note(&mut self, position: usize) {
        let Some(limit) = self.limit else { return };
        self.lowest.push(position);
        if self.lowest.len() > limit {
            self.lowest.pop();
        }
    }

    /// The first position that a serial run with these failures would not have run.
    pub(crate) fn fence(&self, n_items: usize) -> usize {
        match self.limit {
            Some(limit) if self.lowest.len() == limit => self.lowest.peek().map_or(n_items, |highest| highest + 1),
            _ => n_items,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_fence_is_where_a_serial_run_would_have_stopped(
            mut failed in prop::collection::hash_set(0_usize..200, 0..40).prop_map(|set| set.into_iter().collect::<Vec<_>>()),
            limit in 1_usize..20,
        ) {
            let mut tolerance = Tolerance::new(Some(limit));
            failed.iter().for_each(|&position| tolerance.note(position));
            failed.sort_unstable();
            let serial = failed.get(limit - 1).map_or(200, |position| position + 1);
            prop_assert_eq!(tolerance.fence(200), serial);
        }
    }

    #[test]
    fn a_percentage_is_of_all_items_and_must_be_exceeded() {
        assert_eq!(OnFailure::StopAbove(10.0).limit(50).unwrap(), Some(6));
        assert_eq!(OnFailure::StopAbove(0.0).limit(50).unwrap(), Some(1));
        assert_eq!(OnFailure::StopAbove(100.0).limit(50).unwrap(), Some(51));
        assert_eq!(OnFailure::Continue.limit(50).unwrap(), None);
    }

    #[test]
    fn limits_that_make_no_sense_are_refused() {
        for policy in [
            OnFailure::StopAfter(0),
            OnFailure::StopAbove(-1.0),
            OnFailure::StopAbove(f64::NAN),
            OnFailure::StopAbove(101.0),
        ] {
            assert!(policy.limit(10).unwrap_err().is_config(), "{policy:?}");
        }
    }
}
