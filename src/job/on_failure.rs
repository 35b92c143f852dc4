//! [`OnFailure`]: which failures end a run. Pure. `run/tolerance.rs` computes from its limit where the run ends.

use std::fmt;
use std::str::FromStr;

use crate::config_error::ConfigError;

/// The effect of failed items on the rest of a run.
///
/// With each policy, values and failures are those of a serial run, for any number of workers: items before the stop
/// are finished, and results beyond it are dropped.
///
/// `Display` and `FromStr` use `stop`, `continue`, `stop-after-3` and `stop-above-5%`, for command lines and config
/// files.
///
/// ```
/// use manyhands::{Job, OnFailure};
/// let odd_fails = |n: &u32| if n % 2 == 1 { Err("odd") } else { Ok(*n) };
/// let outcome = Job::new(&[0, 1, 2, 3, 4]).on_failure(OnFailure::StopAfter(2)).try_run(odd_fails)?;
/// assert_eq!(outcome.into_options(), [Some(0), None, Some(2), None, None]);
/// assert_eq!("stop-after-2".parse(), Ok(OnFailure::StopAfter(2)));
/// # Ok::<(), manyhands::Error<&'static str>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum OnFailure {
    /// The first failed item in the order of work ends the run. That is the order of the input, unless a cost hint or
    /// a shuffle changes it.
    #[default]
    Stop,
    /// Every item is run, whatever fails.
    Continue,
    /// This many failed items end the run; 1 is the same as [`OnFailure::Stop`]. 0 is a configuration error.
    StopAfter(usize),
    /// The run ends when more than this share of *all* items of the call has failed, in percent from 0 to 100. Only for
    /// jobs over a slice, whose number of items is known.
    StopAbove(f64),
}

impl OnFailure {
    /// The number of failures that ends a run over this many items; `None` for no limit.
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

/// The policy as [`FromStr`] reads it.
///
/// ```
/// assert_eq!(manyhands::OnFailure::StopAbove(2.5).to_string(), "stop-above-2.5%");
/// ```
impl fmt::Display for OnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stop => f.write_str("stop"),
            Self::Continue => f.write_str("continue"),
            Self::StopAfter(limit) => write!(f, "stop-after-{limit}"),
            Self::StopAbove(percent) => write!(f, "stop-above-{percent}%"),
        }
    }
}

/// Parses `stop`, `continue`, `stop-after-N` or `stop-above-P%`. The error lists these forms.
///
/// ```
/// use manyhands::OnFailure;
/// assert_eq!("stop-above-5%".parse(), Ok(OnFailure::StopAbove(5.0)));
/// assert!("stop-after-0".parse::<OnFailure>().is_err());
/// ```
impl FromStr for OnFailure {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let limit = || text.strip_prefix("stop-after-")?.parse().ok();
        let percent = || text.strip_prefix("stop-above-")?.strip_suffix('%')?.parse().ok();
        let policy = match text {
            "stop" => Some(Self::Stop),
            "continue" => Some(Self::Continue),
            _ => limit().map(Self::StopAfter).or_else(|| percent().map(Self::StopAbove)),
        };
        let policy = policy.ok_or_else(|| {
            let forms = "stop, continue, stop-after-N, stop-above-P%";
            ConfigError::new(format!("failure policy {text:?} is not known; use one of {forms}"))
        })?;
        policy.limit(1)?;
        Ok(policy)
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
    fn a_policy_is_parsed_as_it_is_displayed() {
        for policy in [OnFailure::Stop, OnFailure::Continue, OnFailure::StopAfter(7), OnFailure::StopAbove(0.1)] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        for text in ["", "Stop", "stop-after-", "stop-after-x", "stop-after-0", "stop-above-5", "stop-above-101%"] {
            assert!(text.parse::<OnFailure>().is_err(), "{text}");
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
    fn invalid_limits_are_refused() {
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
