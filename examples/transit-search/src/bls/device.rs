//! A search on a graphics processor, whose best periods are fitted again by the cores.
//!
//! The device finds candidates with single precision. Those that may be the best, and those that it may see otherwise than double
//! precision, are fitted again, so that the best fit is that of the cores to the last bit. The other fits are those of the device:
//! right within [`gpu::BOX_TOLERANCE`] of the best power.

use gpu::{BOX_TOLERANCE, BoxBatch, BoxFound, BoxObjective, BoxShape, Device, GpuError};

use super::{BoxFit, Objective, PreparedSearch, best_fit};

/// So many of the best periods are fitted again at least.
const BEST: usize = 32;

/// So many periods from the whole grid are fitted again, to check the device.
const CHECKED: usize = 8;

/// Searches light curves on a device, one after the other.
#[derive(Debug)]
pub struct DeviceSearch {
    batch: BoxBatch,
}

/// What a device and the cores found together.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceFits {
    /// The best box at each period, in the order of the periods.
    pub fits: Vec<BoxFit>,
    /// Which of them were fitted again with double precision: the best one is, and all that come near.
    pub is_fitted_again: Vec<bool>,
}

impl DeviceSearch {
    /// Prepares a device.
    ///
    /// # Errors
    /// The device is lost, or refuses.
    pub fn new(device: &Device) -> Result<Self, GpuError> {
        Ok(Self { batch: device.box_search()? })
    }

    /// What results say of it.
    #[must_use]
    pub fn ran(&self) -> gpu::Ran {
        gpu::Ran::Gpu { name: self.batch.device().name().to_owned() }
    }

    /// The best box at each period. Uploads the light curve once.
    ///
    /// # Errors
    /// [`GpuError::Input`] for a light curve that a device cannot search well enough, also where the numbers of a device turn out to be
    /// wrong; [`GpuError::TooLarge`]; and whatever happens to the device. The cores can do it each time.
    ///
    /// ```
    /// use transit_search::{BoxSearch, DeviceSearch, Objective, Weights, best_fit, linear_periods, synthetic_curve};
    ///
    /// let curve = synthetic_curve(0).curve;
    /// let search = BoxSearch {
    ///     periods: linear_periods(2.0, 4.0, 500)?,
    ///     durations: vec![0.1, 0.2],
    ///     oversample: 10,
    ///     objective: Objective::Likelihood,
    ///     weights: Weights::Errors,
    /// };
    /// if let Ok(device) = gpu::Device::find() {
    ///     let found = DeviceSearch::new(&device)?.run(&search.prepare(&curve)?, &search.periods)?;
    ///     assert_eq!(best_fit(&found.fits), best_fit(&search.run(&curve)?));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run(&self, prepared: &PreparedSearch, periods: &[f64]) -> Result<DeviceFits, GpuError> {
        prepared.fit_again(periods, &self.batch.run(&prepared.shape(), periods)?)
    }
}

impl PreparedSearch {
    fn shape(&self) -> BoxShape<'_> {
        BoxShape {
            time: &self.time,
            points: &self.points,
            bin: self.bin,
            durations: &self.bins,
            oversample: self.oversample,
            objective: match self.objective {
                Objective::Likelihood => BoxObjective::Likelihood,
                Objective::Snr => BoxObjective::Snr,
            },
        }
    }

    /// Fits the periods again that matter, and checks the device by them.
    fn fit_again(&self, periods: &[f64], found: &[BoxFound]) -> Result<DeviceFits, GpuError> {
        let mut fits: Vec<BoxFit> =
            periods.iter().zip(found).map(|(&period, found)| self.device_fit(period, found)).collect();
        let is_fitted_again = chosen(&fits, found);
        let mut worker = self.worker();
        let mut deviations = Vec::new();
        for at in (0..fits.len()).filter(|&at| is_fitted_again[at]) {
            let fit = worker.fit(periods[at]);
            if !found[at].is_doubtful {
                deviations.push((fits[at], fit));
            }
            fits[at] = fit;
        }
        let best = best_fit(&fits).map_or(0.0, |(_, fit)| fit.power);
        match deviations.iter().find(|(device, cores)| is_off(device.power, cores.power, best)) {
            Some((device, cores)) => Err(GpuError::Input(format!(
                "single precision is not enough: at {} days a power of {} instead of {}",
                device.period, device.power, cores.power
            ))),
            None => Ok(DeviceFits { fits, is_fitted_again }),
        }
    }

    fn device_fit(&self, period: f64, found: &BoxFound) -> BoxFit {
        let fit = found.best.and_then(|best| {
            let judged = self.scan(&[], &[]).judge_sums(best.sum, best.weight)?;
            Some(self.box_fit(period, (best.first, best.bins), &judged))
        });
        fit.unwrap_or(BoxFit::none(period))
    }
}

/// Whether a power differs by more than the tolerance. No box is as good as none.
fn is_off(device: f64, cores: f64, best: f64) -> bool {
    (device.max(0.0) - cores.max(0.0)).abs() > BOX_TOLERANCE * best
}

/// The periods to fit again: all doubtful ones, the best ones, all that come near the best, and some of all.
fn chosen(fits: &[BoxFit], found: &[BoxFound]) -> Vec<bool> {
    let mut powers: Vec<f64> = fits.iter().map(|fit| fit.power).collect();
    powers.sort_unstable_by(|a, b| b.total_cmp(a));
    let best = powers.first().copied().unwrap_or(f64::NEG_INFINITY);
    let last_of_the_best = powers.get(BEST - 1).copied().unwrap_or(f64::NEG_INFINITY);
    // Both may be off by the tolerance.
    let bar = last_of_the_best.min(best - 2.0 * BOX_TOLERANCE * best.max(0.0));
    let stride = fits.len().div_ceil(CHECKED).max(1);
    let is_chosen = |at: usize| fits[at].power >= bar || found[at].is_doubtful || at.is_multiple_of(stride);
    (0..fits.len()).map(is_chosen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BoxSearch, Weights, linear_periods, synthetic_curve};
    use gpu::FoundBox;

    fn search() -> (PreparedSearch, Vec<f64>) {
        let periods = linear_periods(1.0, 9.0, 2000).unwrap();
        let search = BoxSearch {
            periods: periods.clone(),
            durations: vec![0.1, 0.2],
            oversample: 10,
            objective: Objective::Likelihood,
            weights: Weights::Errors,
        };
        (search.prepare(&synthetic_curve(3).curve).unwrap(), periods)
    }

    /// What a device would find that adds up with an error of this share.
    fn found(prepared: &PreparedSearch, periods: &[f64], error: f64) -> Vec<BoxFound> {
        let mut worker = prepared.worker();
        let found = periods.iter().enumerate().map(|(at, &period)| {
            let fit = worker.fit(period);
            let bins = (fit.duration / prepared.bin).round() as usize;
            // From depth and likelihood back to the sums.
            let weight = 2.0 * fit.log_likelihood / (fit.depth * fit.depth);
            let outside = prepared.total_weight - weight;
            let sum = (prepared.sum / outside - fit.depth) / (1.0 / weight + 1.0 / outside);
            let sign = if at % 2 == 0 { 1.0 } else { -1.0 };
            let best = FoundBox { first: 0, bins, sum: sum * (1.0 + sign * error), weight };
            BoxFound { best: Some(best), is_doubtful: at % 100 == 7 }
        });
        found.collect()
    }

    #[test]
    fn the_best_fit_is_that_of_the_cores_and_few_are_fitted_again() {
        let (prepared, periods) = search();
        let mut worker = prepared.worker();
        let expected: Vec<BoxFit> = periods.iter().map(|&period| worker.fit(period)).collect();
        let fits = prepared.fit_again(&periods, &found(&prepared, &periods, 2e-4)).unwrap();
        assert_eq!(best_fit(&fits.fits), best_fit(&expected));
        for (at, (fit, expected)) in fits.fits.iter().zip(&expected).enumerate() {
            assert_eq!(fit == expected, fits.is_fitted_again[at], "{fit:?} {expected:?}");
        }
        let n_again = fits.is_fitted_again.iter().filter(|again| **again).count();
        assert!((BEST + 20..BEST + 20 + CHECKED + 5).contains(&n_again), "{n_again} were fitted again");
        assert!(fits.is_fitted_again[107], "a doubtful period was not");
    }

    #[test]
    fn a_device_that_adds_up_badly_is_found_out() {
        let (prepared, periods) = search();
        let refused = prepared.fit_again(&periods, &found(&prepared, &periods, 0.01)).unwrap_err();
        assert!(refused.to_string().contains("single precision is not enough"), "{refused}");
    }

    #[test]
    fn a_device_that_finds_nothing_is_found_out_where_there_is_something() {
        let (prepared, periods) = search();
        let nothing = vec![BoxFound { best: None, is_doubtful: false }; periods.len()];
        assert!(prepared.fit_again(&periods, &nothing).is_err());
    }
}
