//! [`Workers`]: a number of workers, or a rule over the usable cores. Pure; `job/settings.rs` resolves it on this machine.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use crate::config_error::ConfigError;

/// The number of workers of a call: a fixed number, or a rule over the usable cores.
///
/// Usable cores respect the affinity of the process and the quota of its cgroup. Invalid rules, such as 0 workers, are
/// configuration errors of the run.
///
/// `Display` and `FromStr` use `4`, `per-core`, `leave-one`, `2-per-core` and `50%`, each with bounds if wanted
/// (`50% in 1..=8`), for command lines and config files.
///
/// ```
/// use manyhands::{Job, Workers};
///
/// let doubled = Job::new(&[1, 2, 3]).workers(2).run(|n| n * 2)?;
/// let halved = Job::new(&[2, 4]).workers(Workers::Share(0.5).clamp(1, 8)).run(|n| n / 2)?;
/// assert_eq!(doubled.into_result()?.len() + halved.into_result()?.len(), 5);
/// assert_eq!("50%".parse(), Ok(Workers::Share(0.5)));
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Workers {
    /// This many. More than the cores is allowed, but only useful for work that waits. In modes with threads each is a
    /// thread that the process keeps for later calls.
    ///
    /// A call has at most as many workers as items, and at most 4096: `usize::MAX` means as many as there are items. Where
    /// the system cannot start them all, the call goes on with those that it could start. The tally has their number; an
    /// event of `tracing` says that 4096 was the most, or that threads were missing.
    Exactly(usize),
    /// One worker per usable core.
    PerCore,
    /// One worker fewer than the usable cores, and at least one.
    LeaveOne,
    /// This many workers per usable core. For work that waits, such as `Workers::Times(2)` for files on a network.
    Times(usize),
    /// This share of the usable cores, rounded to the nearest number, and at least one. Above 0; 1 is all of them.
    Share(f64),
    /// The number of another rule, kept within bounds; made by [`Workers::clamp`].
    #[doc(hidden)]
    Clamped(Box<Workers>, usize, usize),
}

impl Workers {
    /// The same rule, with at least `least` and at most `most` workers.
    ///
    /// ```
    /// use manyhands::Workers;
    /// let one_core = std::num::NonZeroUsize::MIN;
    /// assert_eq!(Workers::LeaveOne.clamp(2, 8).resolve(one_core)?.get(), 2);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn clamp(self, least: usize, most: usize) -> Self {
        Self::Clamped(Box::new(self), least, most)
    }

    /// The number of workers on a machine with this many usable cores.
    ///
    /// # Errors
    /// For zero workers, a share that is not above 0 and at most 1, and bounds that are 0 or out of order.
    ///
    /// ```
    /// use manyhands::Workers;
    /// let cores = std::num::NonZeroUsize::new(8).unwrap();
    /// assert_eq!(Workers::LeaveOne.resolve(cores)?.get(), 7);
    /// assert_eq!(Workers::Share(0.25).resolve(cores)?.get(), 2);
    /// assert!(Workers::Share(f64::NAN).resolve(cores).is_err());
    /// # Ok::<(), manyhands::ConfigError>(())
    /// ```
    pub fn resolve(&self, cores: NonZeroUsize) -> Result<NonZeroUsize, ConfigError> {
        let count = match self {
            Self::Exactly(0) => {
                return Err(ConfigError::new("0 workers asked for; use 1 or more, or Workers::PerCore"));
            }
            Self::Exactly(count) => *count,
            Self::PerCore => cores.get(),
            Self::Times(0) => {
                return Err(ConfigError::new(
                    "0 workers per core asked for; use 1 or more, or Workers::Share for a part of them",
                ));
            }
            Self::Times(times) => cores.get().saturating_mul(*times),
            Self::LeaveOne => cores.get() - 1,
            Self::Share(share) => share_of(*share, cores)?,
            Self::Clamped(rule, least, most) => {
                if *least == 0 || least > most {
                    return Err(ConfigError::new(format!(
                        "workers clamped to {least}..={most}; use bounds of 1 or more, the lower one first"
                    )));
                }
                rule.resolve(cores)?.get().clamp(*least, *most)
            }
        };
        Ok(NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN))
    }
}

impl From<usize> for Workers {
    fn from(count: usize) -> Self {
        Self::Exactly(count)
    }
}

impl From<NonZeroUsize> for Workers {
    fn from(count: NonZeroUsize) -> Self {
        Self::Exactly(count.get())
    }
}

/// The rule as [`FromStr`] reads it.
///
/// ```
/// use manyhands::Workers;
/// assert_eq!(Workers::Times(2).to_string(), "2-per-core");
/// assert_eq!(Workers::Share(0.5).clamp(1, 8).to_string(), "50% in 1..=8");
/// ```
impl fmt::Display for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(count) => write!(f, "{count}"),
            Self::PerCore => f.write_str("per-core"),
            Self::LeaveOne => f.write_str("leave-one"),
            Self::Times(times) => write!(f, "{times}-per-core"),
            // Rounded, so that 0.29 is shown as 29 and not as 28.999999999999996.
            Self::Share(share) => write!(f, "{}%", (share * 1e12).round() / 1e10),
            Self::Clamped(rule, least, most) => write!(f, "{rule} in {least}..={most}"),
        }
    }
}

/// Parses a rule that is valid on every machine. The error lists the forms.
///
/// ```
/// use manyhands::Workers;
/// assert_eq!("leave-one".parse(), Ok(Workers::LeaveOne));
/// assert_eq!("per-core in 1..=8".parse(), Ok(Workers::PerCore.clamp(1, 8)));
/// assert_eq!("0".parse::<Workers>().unwrap_err().to_string(), "0 workers asked for; use 1 or more, or Workers::PerCore");
/// ```
impl FromStr for Workers {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let workers = parse_rule(text).ok_or_else(|| {
            let forms = "a number, per-core, leave-one, N-per-core, P%; for bounds add \" in A..=B\"";
            ConfigError::new(format!("workers {text:?} are not known; use {forms}"))
        })?;
        workers.resolve(NonZeroUsize::MIN)?;
        Ok(workers)
    }
}

/// The rule of this text; its numbers are not checked.
fn parse_rule(text: &str) -> Option<Workers> {
    if let Some((rule, bounds)) = text.rsplit_once(" in ") {
        let (least, most) = bounds.split_once("..=")?;
        return Some(parse_rule(rule)?.clamp(least.parse().ok()?, most.parse().ok()?));
    }
    match text {
        "per-core" => Some(Workers::PerCore),
        "leave-one" => Some(Workers::LeaveOne),
        _ => {
            let times = || text.strip_suffix("-per-core")?.parse().ok();
            let percent = || text.strip_suffix('%')?.parse::<f64>().ok();
            let count = text.parse().ok().map(Workers::Exactly);
            count
                .or_else(|| times().map(Workers::Times))
                .or_else(|| percent().map(|share| Workers::Share(share / 100.0)))
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "checked to be in 0..=1 of a core count"
)]
fn share_of(share: f64, cores: NonZeroUsize) -> Result<usize, ConfigError> {
    if share > 0.0 && share <= 1.0 {
        return Ok((share * cores.get() as f64).round() as usize);
    }
    Err(ConfigError::new(format!("a share of {share} of the cores asked for; use a number above 0 and up to 1")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::chunk_ranges;
    use crate::golden;

    fn on_cores(workers: &Workers, cores: usize) -> usize {
        workers.resolve(NonZeroUsize::new(cores).unwrap()).unwrap().get()
    }

    #[test]
    fn every_rule_resolves_to_at_least_one_worker() {
        for cores in [1, 2, 3, 64] {
            for rule in [Workers::PerCore, Workers::LeaveOne, Workers::Share(0.001), Workers::Exactly(5)] {
                assert!(on_cores(&rule, cores) >= 1, "{rule:?} on {cores}");
            }
        }
        assert_eq!((on_cores(&Workers::LeaveOne, 1), on_cores(&Workers::LeaveOne, 4)), (1, 3));
        assert_eq!((on_cores(&Workers::Share(0.5), 4), on_cores(&Workers::Share(1.0), 6)), (2, 6));
    }

    #[test]
    fn a_rule_is_parsed_as_it_is_displayed() {
        let rules = [Workers::Exactly(4), Workers::PerCore, Workers::LeaveOne, Workers::Times(3), Workers::Share(0.29)];
        for rule in rules {
            assert_eq!(rule.to_string().parse(), Ok(rule.clone()));
            let clamped = rule.clamp(2, 8);
            assert_eq!(clamped.to_string().parse(), Ok(clamped));
        }
        for text in ["", "-1", "many", "0", "0-per-core", "0%", "101%", "NaN%", "4 in 0..=2", "4 in 3..=2", "4 in 3"] {
            assert!(text.parse::<Workers>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_clamp_bounds_every_rule() {
        assert_eq!(on_cores(&Workers::PerCore.clamp(2, 4), 64), 4);
        assert_eq!(on_cores(&Workers::PerCore.clamp(2, 4), 1), 2);
    }

    #[test]
    fn rules_and_batch_sizes_are_the_golden_ones() {
        let Some(cases) = golden::cases("batch/workers.json") else { return };
        for case in cases {
            let number = |name: &str| usize::try_from(case[name].as_u64().unwrap()).unwrap();
            let cores = number("cpus");
            for (name, rule) in [
                ("all_cores", Workers::PerCore),
                ("all_cores_cap8", Workers::PerCore.clamp(1, 8)),
                ("leave_one", Workers::LeaveOne),
                ("io_double", Workers::Times(2)),
                ("clamp_2_4", Workers::LeaveOne.clamp(2, 4)),
            ] {
                assert_eq!(on_cores(&rule, cores), number(name), "{name} on {cores}");
            }
            // The reference asks for no worker on one core; here each rule asks for at least one.
            assert_eq!(on_cores(&Workers::LeaveOne.clamp(1, 8), cores), number("min_c1_8_defective").max(1));

            let four_each = NonZeroUsize::new(4 * on_cores(&Workers::LeaveOne, cores)).unwrap();
            for (n_items, batch_size) in case["auto_batch_size"].as_object().unwrap() {
                let n_items: usize = n_items.parse().unwrap();
                // The reference returns the size of the smaller of four batches per worker, and at least 1. Here the
                // same batches differ by at most one, and no item is left over.
                let smallest = chunk_ranges(n_items, four_each).map(|range| range.len()).filter(|&n| n > 0).min();
                assert_eq!(smallest, batch_size.as_u64().map(|size| usize::try_from(size).unwrap()), "{n_items}");
            }
        }
    }

    #[test]
    fn invalid_rules_are_refused_and_named() {
        let one = NonZeroUsize::MIN;
        for (rule, named) in [
            (Workers::Exactly(0), "0 workers"),
            (Workers::Share(0.0), "share of 0"),
            (Workers::Share(-1.0), "share of -1"),
            (Workers::Share(1.5), "share of 1.5"),
            (Workers::Share(f64::NAN), "share of NaN"),
            (Workers::PerCore.clamp(0, 3), "0..=3"),
            (Workers::PerCore.clamp(4, 3), "4..=3"),
        ] {
            let error = rule.resolve(one).unwrap_err();
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}
