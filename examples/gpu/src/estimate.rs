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

/// Work that the cores finish in less is not worth looking for a device, which alone takes about as long.
pub const WORTH_A_DEVICE: Duration = Duration::from_millis(500);

/// A part that takes longer on a core is not done again with warm caches.
const LONG: Duration = Duration::from_millis(100);

/// How long a part of the work took in one place.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
/// let three = NonZeroUsize::new(3).unwrap();
/// let mut runs = 0;
/// let timed = gpu::Timed::on_core(three, || runs += 1);
/// assert_eq!((timed.n_items, runs), (three, 2));
/// assert!(timed.took < Duration::from_millis(100));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed {
    /// The items of the part.
    pub n_items: NonZeroUsize,
    /// For all of them.
    pub took: Duration,
}

impl Timed {
    /// Does the part on one core, twice unless it takes 100 ms, and takes the last time: a first run allocates and fills caches.
    pub fn on_core(n_items: NonZeroUsize, mut act: impl FnMut()) -> Self {
        let mut timed = || {
            let begun = Instant::now();
            act();
            begun.elapsed()
        };
        let first = timed();
        Self { n_items, took: if first > LONG { first } else { timed() } }
    }

    /// Does the part on a device, with upload and bringing back, and takes the second time: the first run compiles, too.
    ///
    /// # Errors
    /// What the device says.
    pub fn on_device(n_items: NonZeroUsize, mut act: impl FnMut() -> Result<(), GpuError>) -> Result<Self, GpuError> {
        act()?;
        let begun = Instant::now();
        act()?;
        Ok(Self { n_items, took: begun.elapsed() })
    }

    /// Seconds that so many items would take.
    pub(crate) fn seconds_of(self, n_items: usize) -> f64 {
        self.took.as_secs_f64() * (n_items as f64 / self.n_items.get() as f64)
    }
}

/// All the work there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Counted as the parts that are timed are.
    pub n_items: usize,
    /// The workers that share it on the cores.
    pub workers: NonZeroUsize,
}

/// Where the whole is faster, with a sentence that says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pays {
    /// On the device.
    Device(String),
    /// On the cores.
    Cores(String),
}

impl Work {
    /// Seconds on the cores, by what a part took on one of them.
    pub(crate) fn seconds_on_cores(self, core: Timed) -> f64 {
        core.seconds_of(self.n_items) / self.workers.get().min(self.n_items.max(1)) as f64
    }

    /// Where it is faster: on the cores, or on the device of that name, by what a part took on one core and on the device.
    pub(crate) fn pays(self, core: Timed, device: Timed, name: &str) -> Pays {
        let (cores, device) = (self.seconds_on_cores(core), device.seconds_of(self.n_items));
        let workers = match self.workers.get() {
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
    #[cfg(test)]
    fn is_device(&self) -> bool {
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

    fn timed(n_items: usize, ms: u64) -> Timed {
        Timed { n_items: NonZeroUsize::new(n_items).unwrap(), took: Duration::from_millis(ms) }
    }

    fn pays((core, device): (Timed, Timed), n_items: usize, workers: usize) -> Pays {
        Work { n_items, workers: NonZeroUsize::new(workers).unwrap() }.pays(core, device, "card")
    }

    #[test]
    fn the_parts_stand_for_the_whole_and_workers_share_it() {
        // Ten items on the core, a hundred on the device.
        let parts = (timed(10, 100), timed(100, 100));
        assert_eq!(
            pays(parts, 1000, 4).to_string(),
            "gpu (card) is 2.5 times as fast as 4 workers (1.0 s, not 2.5 s): gpu"
        );
        assert_eq!(
            pays(parts, 1000, 1).to_string(),
            "gpu (card) is 10 times as fast as 1 worker (1.0 s, not 10 s): gpu"
        );
        assert_eq!(
            pays((timed(10, 100), timed(10, 75)), 10, 2).to_string(),
            "gpu (card) would take 1.5 times as long as 2 workers (75 ms, not 50 ms): cpu"
        );
    }

    #[test]
    fn a_device_that_is_hardly_faster_is_not_chosen() {
        assert_eq!(
            pays((timed(1, 100), timed(1, 90)), 10, 1).to_string(),
            "gpu (card) is hardly faster than 1 worker (900 ms, not 1.0 s): cpu"
        );
        assert!(pays((timed(1, 100), timed(1, 79)), 1, 1).is_device());
        assert!(!pays((timed(1, 100), timed(1, 81)), 1, 1).is_device());
    }

    #[test]
    fn more_workers_than_items_do_not_make_the_cores_faster() {
        assert!(pays((timed(1, 100), timed(1, 60)), 1, 64).is_device());
    }

    #[test]
    fn times_of_zero_and_no_items_choose_the_cores() {
        assert!(!pays((timed(1, 0), timed(1, 0)), 5, 1).is_device());
        assert!(!pays((timed(1, 5), timed(1, 1)), 0, 1).is_device());
    }

    #[test]
    fn a_device_works_twice_and_one_that_fails_ends_it() {
        let mut runs = 0;
        let on_device = || {
            runs += 1;
            Ok(())
        };
        Timed::on_device(NonZeroUsize::MIN, on_device).unwrap();
        assert_eq!(runs, 2);
        assert_eq!(Timed::on_device(NonZeroUsize::MIN, || Err(GpuError::NotBuilt)), Err(GpuError::NotBuilt));
    }

    #[test]
    fn what_is_long_on_a_core_is_done_once() {
        let mut runs = 0;
        let busy = || {
            runs += 1;
            let begun = Instant::now();
            while begun.elapsed() <= LONG {}
        };
        assert!(Timed::on_core(NonZeroUsize::MIN, busy).took > LONG);
        assert_eq!(runs, 1);
    }
}
