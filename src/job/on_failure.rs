//! When a failed item ends the run: the user's choice, and the arithmetic behind it. Pure.

use crate::config_error::ConfigError;

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
    pub(crate) fn limit(self, n_items: usize) -> Result<Option<usize>, ConfigError> {
        match self {
            Self::Stop => Ok(Some(1)),
            Self::Continue => Ok(None),
            Self::StopAfter(0) => {
                Err(ConfigError::new("a stop after 0 failures asked for; use 1 or more, or OnFailure::Continue"))
            }
            Self::StopAfter(limit) => Ok(Some(limit)),
            Self::StopAbove(percent) if (0.0..=100.0).contains(&percent) => Ok(Some(tolerated(percent, n_items) + 1)),
            Self::StopAbove(percent) => {
                Err(ConfigError::new(format!("a stop above {percent} percent of failures asked for; use 0 to 100")))
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

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(policy.limit(10).unwrap_err().to_string().contains("asked for; use"), "{policy:?}");
        }
    }
}
