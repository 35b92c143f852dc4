//! The features of a light curve and its catalogue row: 27 columns.

mod shape;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::bls::{BoxFit, BoxSearch, BoxSearcher, Objective, SearchedBy, Weights, best_fit};
use crate::catalogue::Catalogue;
use crate::curve::LightCurve;
use crate::error::TransitError;
use crate::numbers::{deviation, mean, median};
use crate::periods::AutoPeriod;
use crate::tls::transit_least_squares;

/// The names of the features, in the order of their columns.
pub const FEATURE_NAMES: [&str; 27] = [
    "input_period",
    "input_depth",
    "input_duration",
    "input_epoch",
    "flux_std",
    "flux_mad",
    "flux_skewness",
    "flux_kurtosis",
    "bls_period",
    "bls_t0",
    "bls_duration",
    "bls_depth",
    "bls_snr",
    "bls_power",
    "tls_period",
    "tls_depth",
    "tls_snr",
    "tls_sde",
    "tls_odd_even",
    "duration_over_period",
    "odd_even_depth_diff",
    "transit_symmetry",
    "periodicity_strength",
    "secondary_depth",
    "ingress_egress_ratio",
    "phase_coverage",
    "red_noise",
];

/// The durations that boxes have, days.
pub const SEARCH_DURATIONS: [f64; 6] = [0.05, 0.10, 0.15, 0.20, 0.25, 0.33];

/// A search needs more points than this.
const TOO_FEW_TO_SEARCH: usize = 50;

/// Which rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Profile {
    /// The notebook's with transit least squares off, its defects included: every point has the weight 1, so that powers are in units of
    /// flux²; `bls_snr` is the power once more; the columns of transit least squares, and of a search that was not possible, hold
    /// constants that were never measured (10, 10 and 0; 10 and 0.5); and transits are counted from their middles, so that the two
    /// halves of one are set against each other.
    Seed,
    /// Weights by the errors, `bls_snr` is the depth over its error, transits are counted whole, and what was not measured is NaN.
    #[default]
    Calibrated,
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "seed" => Ok(Self::Seed),
            "calibrated" => Ok(Self::Calibrated),
            other => Err(format!("no profile is called {other:?}: there are seed and calibrated")),
        }
    }
}

/// How features are extracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extraction {
    /// Which rules.
    pub profile: Profile,
    /// Whether boxes are searched for; without that the catalogue is used instead, as it is for a light curve of 50 points or fewer.
    pub with_search: bool,
    /// Whether the calibrated profile has transit least squares, which take many times as long as all the rest.
    pub with_least_squares: bool,
}

impl Default for Extraction {
    fn default() -> Self {
        Self { profile: Profile::default(), with_search: true, with_least_squares: false }
    }
}

/// The features of one light curve, in the order of [`FEATURE_NAMES`].
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// One number per name; NaN where there is none.
    pub values: [f64; 27],
}

impl Features {
    /// The feature of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        FEATURE_NAMES.iter().position(|known| *known == name).map(|at| self.values[at])
    }
}

/// The transit that features are about.
#[derive(Debug, Clone, Copy)]
struct Transit {
    period: f64,
    t0: f64,
    duration: f64,
    depth: f64,
    snr: f64,
    power: f64,
}

impl Extraction {
    /// The features of a light curve.
    ///
    /// # Errors
    /// The flux is the same everywhere, or the search is not possible with the catalogue's period.
    ///
    /// ```
    /// use transit_search::{Extraction, synthetic_curve};
    /// let made = synthetic_curve(3);
    /// let features = Extraction::default().features(&made.curve, &made.catalogue)?;
    /// let found = features.get("bls_period").unwrap();
    /// assert!((found - made.truth.period).abs() < 0.01 * found);
    /// assert!(features.get("tls_sde").unwrap().is_nan());
    /// # Ok::<(), transit_search::TransitError>(())
    /// ```
    pub fn features(&self, curve: &LightCurve, catalogue: &Catalogue) -> Result<Features, TransitError> {
        Ok(self.features_by(&mut BoxSearcher::on_cores(), curve, catalogue)?.0)
    }

    /// The features of a light curve whose boxes are searched for where the searcher can, and what made that search. The features are the
    /// same wherever that is.
    ///
    /// # Errors
    /// As [`Extraction::features`].
    pub fn features_by(
        &self,
        searcher: &mut BoxSearcher,
        curve: &LightCurve,
        catalogue: &Catalogue,
    ) -> Result<(Features, SearchedBy), TransitError> {
        curve.require_variation()?;
        let epoch = catalogue.epoch_days.unwrap_or(curve.time()[0]);
        let (period, depth, duration) = (catalogue.period(), catalogue.depth(), catalogue.duration());
        let flux = curve.flux();
        let (level, std) = (mean(flux), deviation(flux));
        let middle = median(flux.iter().copied());
        let mad = median(flux.iter().map(|value| (value - middle).abs()));
        let moment = |power: i32| flux.iter().map(|value| ((value - level) / (std + 1e-10)).powi(power)).sum::<f64>();
        let n_points = flux.len() as f64;
        let (skewness, kurtosis) = (moment(3) / n_points, moment(4) / n_points - 3.0);
        let (transit, by) = self.transit(searcher, curve, catalogue, epoch)?;
        let nan = f64::NAN;
        let least_squares = match self.profile {
            Profile::Seed => [period, depth, 10.0, 10.0, 0.0],
            Profile::Calibrated => self.least_squares(curve, period).unwrap_or([nan; 5]),
        };
        let shape = shape::Shape::of(curve, &transit, self.profile, std);
        let mut values = [nan; 27];
        values[..14].copy_from_slice(&[
            period,
            depth,
            duration,
            epoch,
            std,
            mad,
            skewness,
            kurtosis,
            transit.period,
            transit.t0,
            transit.duration,
            transit.depth,
            transit.snr,
            transit.power,
        ]);
        values[14..19].copy_from_slice(&least_squares);
        values[19..].copy_from_slice(&shape.values());
        Ok((Features { values }, by))
    }

    /// The five features of transit least squares, where they are requested and possible.
    fn least_squares(&self, curve: &LightCurve, period: f64) -> Option<[f64; 5]> {
        if !self.with_least_squares || curve.len() <= TOO_FEW_TO_SEARCH {
            return None;
        }
        let best = transit_least_squares(curve, search_window(period))?.best;
        Some([best.period, best.depth, best.snr, best.sde, best.odd_even_mismatch])
    }

    /// The transit that is found, or the catalogue's where none can be looked for.
    fn transit(
        &self,
        searcher: &mut BoxSearcher,
        curve: &LightCurve,
        catalogue: &Catalogue,
        epoch: f64,
    ) -> Result<(Transit, SearchedBy), TransitError> {
        let mut by = SearchedBy::cores();
        if self.with_search && curve.len() > TOO_FEW_TO_SEARCH {
            let searched = searcher.run(&self.search(curve, catalogue)?, curve)?;
            if let Some((_, fit)) = best_fit(&searched.fits) {
                return Ok((self.found(&fit), searched.by));
            }
            by = searched.by;
        }
        let (snr, power) = match self.profile {
            Profile::Seed => (10.0, 0.5),
            Profile::Calibrated => (f64::NAN, f64::NAN),
        };
        let (period, duration, depth) = (catalogue.period(), catalogue.duration(), catalogue.depth());
        Ok((Transit { period, t0: epoch, duration, depth, snr, power }, by))
    }

    fn found(&self, fit: &BoxFit) -> Transit {
        Transit {
            period: fit.period,
            t0: fit.transit_time,
            duration: fit.duration,
            depth: fit.depth,
            snr: if self.profile == Profile::Seed { fit.power } else { fit.depth_snr },
            power: fit.power,
        }
    }

    /// The search that the box features come from: periods within a fifth of the catalogue's, and from half a day to twenty.
    ///
    /// # Errors
    /// The grid would be too large.
    pub fn search(&self, curve: &LightCurve, catalogue: &Catalogue) -> Result<BoxSearch, TransitError> {
        let (shortest, longest) = search_window(catalogue.period());
        let grid = AutoPeriod { shortest: Some(shortest), longest: Some(longest), frequency_factor: 3.0 };
        Ok(BoxSearch {
            periods: grid.periods(curve.span(), &SEARCH_DURATIONS)?,
            durations: SEARCH_DURATIONS.to_vec(),
            oversample: 10,
            objective: Objective::Likelihood,
            weights: if self.profile == Profile::Seed { Weights::Unit } else { Weights::Errors },
        })
    }
}

/// From where to where periods are tried around a catalogue's, days; widest when it has none.
pub fn search_window(period: f64) -> (f64, f64) {
    // The larger and the smaller of a number and NaN is the number.
    let (from, to) = (f64::max(0.5, 0.8 * period), f64::min(20.0, 1.2 * period));
    if from > to { (to, from) } else { (from, to) }
}
