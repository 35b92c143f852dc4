//! Whether a device pays: arithmetic on the measured times of a small part, and a sentence for the user.
//!
//! A small part of the work is done on one core and on the device, both warm; what the whole would take follows by proportion. A device is
//! chosen only when it is clearly faster, because the cores have double precision and the estimate is rough.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use crate::GpuError;

/// A device is chosen when the whole would take less than this share of the cores' time there.
pub const PAYS_BELOW: f64 = 0.8;

/// The times of one small part of the work on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// The items of the part.
    pub n_items: NonZeroUsize,
    /// On one core.
    pub core: Duration,
    /// On the device: upload, work, and bringing back.
    pub device: Duration,
}

/// Where the whole is faster, with a sentence that says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pays {
    /// On the device.
    Device(String),
    /// On the cores.
    Cores(String),
}

impl Trial {
    /// Does the part on one core and on the device, each twice, and takes the second time: the first one compiles, allocates and fills
    /// caches.
    ///
    /// # Errors
    /// What the device's side says. The cores' side keeps its failures; a trial only needs its time.
    pub fn measure(
        n_items: NonZeroUsize,
        mut on_core: impl FnMut(),
        mut on_device: impl FnMut() -> Result<(), GpuError>,
    ) -> Result<Self, GpuError> {
        on_device()?;
        let started = Instant::now();
        on_device()?;
        let device = started.elapsed();
        on_core();
        let started = Instant::now();
        on_core();
        Ok(Self { n_items, core: started.elapsed(), device })
    }

    /// Where `n_items` are faster: on so many workers, or on the device of that name.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use std::time::Duration;
    /// let one = NonZeroUsize::MIN;
    /// let trial = gpu::Trial { n_items: one, core: Duration::from_millis(20), device: Duration::from_millis(21) };
    /// let pays = trial.pays(1000, one.saturating_add(1), "llvmpipe");
    /// assert_eq!(pays.to_string(), "gpu (llvmpipe) would take 2.1 times as long as 2 workers (21 s, not 10 s): cpu");
    /// assert!(!pays.is_device());
    /// ```
    #[must_use]
    pub fn pays(&self, n_items: usize, workers: NonZeroUsize, name: &str) -> Pays {
        let parts = n_items as f64 / self.n_items.get() as f64;
        let cores = self.core.as_secs_f64() * parts / workers.get().min(n_items.max(1)) as f64;
        let device = self.device.as_secs_f64() * parts;
        let workers = match workers.get() {
            1 => "1 worker".to_owned(),
            n => format!("{n} workers"),
        };
        let times = format!("({}, not {})", Seconds(device), Seconds(cores));
        if device < PAYS_BELOW * cores {
            let faster = Times(cores / device.max(f64::MIN_POSITIVE));
            return Pays::Device(format!("gpu ({name}) is {faster} times as fast as {workers} {times}: gpu"));
        }
        if device < cores {
            return Pays::Cores(format!("gpu ({name}) is hardly faster than {workers} {times}: cpu"));
        }
        let slower = Times(device / cores.max(f64::MIN_POSITIVE));
        Pays::Cores(format!("gpu ({name}) would take {slower} times as long as {workers} {times}: cpu"))
    }
}

impl Pays {
    /// Whether it is the device.
    #[must_use]
    pub fn is_device(&self) -> bool {
        matches!(self, Self::Device(_))
    }
}

impl fmt::Display for Pays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Device(sentence) | Self::Cores(sentence)) = self;
        f.write_str(sentence)
    }
}

/// A ratio with two digits that count.
struct Times(f64);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ratio if ratio >= 9.95 => write!(f, "{ratio:.0}"),
            ratio => write!(f, "{ratio:.1}"),
        }
    }
}

/// A time with two digits that count.
struct Seconds(f64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds if seconds >= 9.95 => write!(f, "{seconds:.0} s"),
            seconds if seconds >= 0.995 => write!(f, "{seconds:.1} s"),
            seconds if seconds >= 0.000_995 => write!(f, "{:.0} ms", seconds * 1e3),
            seconds => write!(f, "{:.0} \u{b5}s", seconds * 1e6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(n_items: usize, core_ms: u64, device_ms: u64) -> Trial {
        let n_items = NonZeroUsize::new(n_items).unwrap();
        Trial { n_items, core: Duration::from_millis(core_ms), device: Duration::from_millis(device_ms) }
    }

    fn pays(trial: Trial, n_items: usize, workers: usize) -> String {
        trial.pays(n_items, NonZeroUsize::new(workers).unwrap(), "card").to_string()
    }

    #[test]
    fn the_part_stands_for_the_whole_and_workers_share_it() {
        assert_eq!(
            pays(trial(10, 100, 10), 1000, 4),
            "gpu (card) is 2.5 times as fast as 4 workers (1.0 s, not 2.5 s): gpu"
        );
        assert_eq!(
            pays(trial(10, 100, 10), 1000, 1),
            "gpu (card) is 10 times as fast as 1 worker (1.0 s, not 10 s): gpu"
        );
        assert_eq!(
            pays(trial(10, 100, 75), 10, 2),
            "gpu (card) would take 1.5 times as long as 2 workers (75 ms, not 50 ms): cpu"
        );
    }

    #[test]
    fn a_device_that_is_hardly_faster_is_not_chosen() {
        assert_eq!(
            pays(trial(1, 100, 90), 10, 1),
            "gpu (card) is hardly faster than 1 worker (900 ms, not 1.0 s): cpu"
        );
        assert!(trial(1, 100, 79).pays(1, NonZeroUsize::MIN, "card").is_device());
        assert!(!trial(1, 100, 81).pays(1, NonZeroUsize::MIN, "card").is_device());
    }

    #[test]
    fn more_workers_than_items_do_not_make_the_cores_faster() {
        assert!(trial(1, 100, 60).pays(1, NonZeroUsize::new(64).unwrap(), "card").is_device());
    }

    #[test]
    fn times_of_zero_and_no_items_choose_the_cores() {
        assert!(!trial(1, 0, 0).pays(5, NonZeroUsize::MIN, "card").is_device());
        assert!(!trial(1, 5, 1).pays(0, NonZeroUsize::MIN, "card").is_device());
    }

    #[test]
    fn a_trial_runs_both_sides_twice_and_a_failing_device_ends_it() {
        let (mut cores, mut devices) = (0, 0);
        let on_device = || {
            devices += 1;
            Ok(())
        };
        Trial::measure(NonZeroUsize::MIN, || cores += 1, on_device).unwrap();
        assert_eq!((cores, devices), (2, 2));
        let failed = Trial::measure(NonZeroUsize::MIN, || cores += 1, || Err(GpuError::NotBuilt));
        assert_eq!((failed, cores), (Err(GpuError::NotBuilt), 2));
    }
}
