//! Box least squares: how well a box-shaped dip of some duration fits, at each trial period (Kovács, Zucker and Mazeh 2002).
//!
//! A search folds the light curve at each period into bins of a part of the shortest duration (`fold.rs`), and slides boxes over
//! the bins (`boxes.rs`). The reference is astropy's `BoxLeastSquares` with its fast method, whose numbers come out
//! bit by bit, and sooner. Two of its properties are kept: bins beyond the fold are assigned, not added, so that a last bin which is cut short
//! loses its points; and only as many bins are wrapped as the shortest duration has, so that longer boxes across the fold are seen in
//! part.

mod boxes;
mod device;
mod fold;
mod searcher;
mod statistics;

pub use device::{DeviceFits, DeviceSearch};
pub use searcher::{BoxSearcher, Searched, SearchedBy};
pub use statistics::{BoxStatistics, Depth, box_statistics};

use crate::curve::LightCurve;
use crate::error::TransitError;
use crate::numbers::median;
use crate::periods::require_positive;
use boxes::{Best, Found, Scan};
use fold::Folded;

/// What a box is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// The gain in log-likelihood over points at the level outside of the box.
    Likelihood,
    /// The depth over its error.
    Snr,
}

/// What each point counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// 1 / error².
    Errors,
    /// 1.
    Unit,
}

/// A search: what is looked for, at which periods.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxSearch {
    /// Trial periods, days.
    pub periods: Vec<f64>,
    /// Durations of boxes, days.
    pub durations: Vec<f64>,
    /// How many bins the shortest duration has.
    pub oversample: usize,
    /// What a box is judged by.
    pub objective: Objective,
    /// What each point counts.
    pub weights: Weights,
}

/// The best box of one period. Where no box fits, as when a period holds no dip at all, `power` is minus infinity and all others NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxFit {
    /// The trial period, days.
    pub period: f64,
    /// The objective.
    pub power: f64,
    /// How far the box is below what is outside of it.
    pub depth: f64,
    /// The error of the depth.
    pub depth_err: f64,
    /// Days.
    pub duration: f64,
    /// The middle of the first box, on the clock of the light curve.
    pub transit_time: f64,
    /// The depth over its error.
    pub depth_snr: f64,
    /// The gain in log-likelihood.
    pub log_likelihood: f64,
}

impl BoxSearch {
    /// The best box at each period, in the order of the periods.
    ///
    /// Takes time in proportion to periods x (points + bins x durations), and memory for the bins of one period.
    ///
    /// # Errors
    /// No periods or durations, one that is not above zero, no oversampling, or a box that does not fit into a period.
    pub fn run(&self, curve: &LightCurve) -> Result<Vec<BoxFit>, TransitError> {
        let prepared = self.prepare(curve)?;
        let mut worker = prepared.worker();
        Ok(self.periods.iter().map(|&period| worker.fit(period)).collect())
    }

    /// What is the same for all periods, for a caller that distributes the periods itself.
    ///
    /// # Errors
    /// As [`BoxSearch::run`].
    pub fn prepare(&self, curve: &LightCurve) -> Result<PreparedSearch, TransitError> {
        self.check()?;
        let start = curve.time()[0];
        let level = median(curve.flux().iter().copied());
        let weight = |error: f64| match self.weights {
            Weights::Errors => 1.0 / (error * error),
            Weights::Unit => 1.0,
        };
        let weights: Vec<f64> = curve.error().iter().map(|&error| weight(error)).collect();
        let weighted: Vec<f64> =
            curve.flux().iter().zip(&weights).map(|(&flux, &weight)| (flux - level) * weight).collect();
        let shortest = self.durations.iter().copied().fold(f64::INFINITY, f64::min);
        let bin = shortest / self.oversample as f64;
        Ok(PreparedSearch {
            start,
            time: curve.time().iter().map(|time| time - start).collect(),
            // One plain loop in the order of time, as the reference sums.
            sum: weighted.iter().fold(0.0, |sum, value| sum + value),
            total_weight: weights.iter().fold(0.0, |sum, weight| sum + weight),
            points: weighted.into_iter().zip(weights).map(|(weighted, weight)| [weighted, weight]).collect(),
            bin,
            bins: self.durations.iter().map(|duration| (duration / bin).round() as usize).collect(),
            oversample: self.oversample,
            objective: self.objective,
        })
    }

    fn check(&self) -> Result<(), TransitError> {
        let shortest = self.periods.iter().copied().reduce(f64::min).ok_or(TransitError::NoPeriods)?;
        let longest = self.durations.iter().copied().reduce(f64::max).ok_or(TransitError::NoDurations)?;
        if self.oversample == 0 {
            return Err(TransitError::NoOversampling(self.oversample));
        }
        self.periods.iter().try_for_each(|&period| require_positive("period", period))?;
        self.durations.iter().try_for_each(|&duration| require_positive("duration", duration))?;
        if shortest <= longest {
            return Err(TransitError::DurationBeyondPeriod { period: shortest, duration: longest });
        }
        Ok(())
    }
}

/// A light curve that is ready to be folded.
#[derive(Debug, Clone)]
pub struct PreparedSearch {
    /// The first time.
    start: f64,
    /// Since the first one.
    time: Vec<f64>,
    /// Of each point: the flux above the median times the weight, and the weight.
    points: Vec<[f64; 2]>,
    /// The sum of the first.
    sum: f64,
    total_weight: f64,
    /// The width of a bin, days.
    bin: f64,
    /// The durations in bins, in the order in which they were requested.
    bins: Vec<usize>,
    oversample: usize,
    objective: Objective,
}

impl PreparedSearch {
    /// Who fits boxes, one period after the other; each thread needs one of its own.
    pub fn worker(&self) -> BoxFitter<'_> {
        BoxFitter { search: self, folded: Folded::default() }
    }
}

/// Fits boxes to a folded light curve, in memory that is used again for the next period.
#[derive(Debug)]
pub struct BoxFitter<'s> {
    search: &'s PreparedSearch,
    folded: Folded,
}

impl BoxFitter<'_> {
    /// The best box at a period that is longer than all durations.
    pub fn fit(&mut self, period: f64) -> BoxFit {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has what the function was compiled for, as was just asked.
            return unsafe { self.fit_with_wide_registers(period) };
        }
        self.fit_anywhere(period)
    }

    /// The same code for processors with registers of four numbers. The compiler fuses no multiplication with an addition unless a flag
    /// allows it, so the numbers are the same.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn fit_with_wide_registers(&mut self, period: f64) -> BoxFit {
        self.fit_anywhere(period)
    }

    #[inline(always)]
    fn fit_anywhere(&mut self, period: f64) -> BoxFit {
        let search = self.search;
        self.folded.fold(search, period);
        let scan = search.scan(&self.folded.sums, &self.folded.weights);
        let mut best = Best::none();
        for &bins in &search.bins {
            scan.try_all(bins, &mut best);
        }
        match best.place {
            Some((first, bins)) => {
                let found = scan.judge(first, bins).expect("the best box was judged before");
                search.box_fit(period, (first, bins), &found)
            }
            None => BoxFit::none(period),
        }
    }
}

impl BoxFit {
    /// Of a period where no box fits.
    fn none(period: f64) -> Self {
        let nan = f64::NAN;
        Self {
            period,
            power: f64::NEG_INFINITY,
            depth: nan,
            depth_err: nan,
            duration: nan,
            transit_time: nan,
            depth_snr: nan,
            log_likelihood: nan,
        }
    }
}

impl PreparedSearch {
    /// Running sums of this light curve, to look for boxes in.
    #[inline(always)]
    fn scan<'f>(&self, sums: &'f [f64], weights: &'f [f64]) -> Scan<'f> {
        Scan { sums, weights, sum: self.sum, total_weight: self.total_weight, objective: self.objective }
    }

    /// A box, by its first bin and its number of bins, in days and fluxes.
    #[inline(always)]
    fn box_fit(&self, period: f64, (first, bins): (usize, usize), found: &Found) -> BoxFit {
        let duration = bins as f64 * self.bin;
        BoxFit {
            period,
            power: found.objective,
            depth: found.depth,
            depth_err: found.depth_err,
            duration,
            transit_time: (first as f64 * self.bin + 0.5 * duration) % period + self.start,
            depth_snr: found.depth / found.depth_err,
            log_likelihood: found.log_likelihood,
        }
    }
}

/// The first of the best fits; `None` where no box fits at any period.
///
/// ```
/// # use transit_search::{BoxSearch, LightCurve, Objective, Weights, best_fit, synthetic_curve};
/// let made = synthetic_curve(0);
/// let search = BoxSearch {
///     periods: (0..400).map(|at| 2.9 + 0.001 * at as f64).collect(),
///     durations: vec![0.1, 0.2],
///     oversample: 10,
///     objective: Objective::Likelihood,
///     weights: Weights::Errors,
/// };
/// let best = best_fit(&search.run(&made.curve)?).unwrap().1;
/// assert!((best.period - made.truth.period).abs() < 0.01);
/// # Ok::<(), transit_search::TransitError>(())
/// ```
pub fn best_fit(fits: &[BoxFit]) -> Option<(usize, BoxFit)> {
    let mut best: Option<(usize, BoxFit)> = None;
    for (at, fit) in fits.iter().enumerate() {
        if fit.power > best.map_or(f64::NEG_INFINITY, |(_, best)| best.power) {
            best = Some((at, *fit));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::synthetic_curve;

    #[test]
    fn wide_registers_change_no_bit() {
        for (number, objective, weights) in
            [(0, Objective::Likelihood, Weights::Errors), (1, Objective::Snr, Weights::Unit)]
        {
            let search = BoxSearch {
                periods: (0..500).map(|at| 0.5 + 0.02 * f64::from(at)).collect(),
                durations: vec![0.05, 0.13, 0.3],
                oversample: 7,
                objective,
                weights,
            };
            let prepared = search.prepare(&synthetic_curve(number).curve).unwrap();
            let (mut any, mut here) = (prepared.worker(), prepared.worker());
            for &period in &search.periods {
                assert_eq!(any.fit(period), here.fit_anywhere(period), "at {period}");
            }
        }
    }
}
