//! How many workers a call asks for.

use std::num::NonZeroUsize;

use crate::config_error::ConfigError;

/// How many workers a call asks for: a number, or a rule over the usable cores.
///
/// Usable cores respect the process's affinity and its cgroup's quota.
///
/// ```
/// use manyhands::{Job, Workers};
///
/// let doubled = Job::new(&[1, 2, 3]).workers(2).run(|n| n * 2)?;
/// let halved = Job::new(&[2, 4]).workers(Workers::Share(0.5).clamp(1, 8)).run(|n| n / 2)?;
/// assert_eq!(doubled.into_result()?.len() + halved.into_result()?.len(), 5);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Workers {
    /// This many. More than the cores is allowed, and only useful for work that waits. Each is a thread, started at once and
    /// kept for later calls.
    Exactly(usize),
    /// One worker per usable core.
    PerCore,
    /// One worker per usable core but one, and at least one.
    LeaveOne,
    /// So many workers per usable core: for work that waits, such as `Workers::Times(2)` for files on a network.
    Times(usize),
    /// This share of the usable cores, rounded to the nearest number, and at least one. Above 0; 1 is all of them.
    Share(f64),
    /// Another rule's answer, kept within bounds; made by [`Workers::clamp`].
    #[doc(hidden)]
    Clamped(Box<Workers>, usize, usize),
}

impl Workers {
    /// The same rule, but never fewer than `least` nor more than `most` workers.
    ///
    /// ```
    /// use manyhands::Workers;
    /// let one_core = std::num::NonZeroUsize::MIN;
    /// assert_eq!(Workers::LeaveOne.clamp(2, 8).on(one_core)?.get(), 2);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn clamp(self, least: usize, most: usize) -> Self {
        Self::Clamped(Box::new(self), least, most)
    }

    /// The number of workers on a machine with this many usable cores.
    ///
    /// # Errors
    /// A configuration error for zero workers, a share that is not above 0, or bounds that cross.
    ///
    /// ```
    /// use manyhands::Workers;
    /// let cores = std::num::NonZeroUsize::new(8).unwrap();
    /// assert_eq!(Workers::LeaveOne.resolve(cores)?.get(), 7);
    /// assert_eq!(Workers::Share(0.25).resolve(cores)?.get(), 2);
    /// assert!(Workers::Share(f64::NAN).resolve(cores).unwrap_err().to_string().contains("use"));
    /// # Ok::<(), manyhands::Error>(())
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

    fn on(workers: &Workers, cores: usize) -> usize {
        workers.resolve(NonZeroUsize::new(cores).unwrap()).unwrap().get()
    }

    #[test]
    fn every_rule_gives_at_least_one_worker() {
        for cores in [1, 2, 3, 64] {
            for rule in [Workers::PerCore, Workers::LeaveOne, Workers::Share(0.001), Workers::Exactly(5)] {
                assert!(on(&rule, cores) >= 1, "{rule:?} on {cores}");
            }
        }
        assert_eq!((on(&Workers::LeaveOne, 1), on(&Workers::LeaveOne, 4)), (1, 3));
        assert_eq!((on(&Workers::Share(0.5), 4), on(&Workers::Share(1.0), 6)), (2, 6));
    }

    #[test]
    fn a_clamp_holds_whatever_the_rule_says() {
        assert_eq!(on(&Workers::PerCore.clamp(2, 4), 64), 4);
        assert_eq!(on(&Workers::PerCore.clamp(2, 4), 1), 2);
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
                assert_eq!(on(&rule, cores), number(name), "{name} on {cores}");
            }
            // The reference asks for none on one core; here no rule can.
            assert_eq!(on(&Workers::LeaveOne.clamp(1, 8), cores), number("min_c1_8_defective").max(1));

            let four_each = NonZeroUsize::new(4 * on(&Workers::LeaveOne, cores)).unwrap();
            for (n_items, batch_size) in case["auto_batch_size"].as_object().unwrap() {
                let n_items: usize = n_items.parse().unwrap();
                // The reference gives the size of the small ones of four batches per worker, and at least 1; here the
                // same batches differ by one at most, and none is left over.
                let smallest = chunk_ranges(n_items, four_each).map(|range| range.len()).filter(|&n| n > 0).min();
                assert_eq!(smallest, batch_size.as_u64().map(|size| usize::try_from(size).unwrap()), "{n_items}");
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_value() {
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
