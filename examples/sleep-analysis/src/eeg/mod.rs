//! Features of the sleep EEG: band powers, Hjorth's parameters, entropies, crossings.
//!
//! [`EegPlan`] computes all of them for epochs of one length without allocating; the functions beside it each compute
//! one. Which samples make an epoch is decided in [`features`](crate::features).

mod bands;
mod crossings;
mod entropy;
mod hjorth;
mod periodogram;
mod welch;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use bands::{Band, simpson};
pub use crossings::{petrosian_fd, zero_crossings};
pub use entropy::{permutation_entropy, spectral_entropy};
pub use hjorth::{Hjorth, hjorth};
pub use welch::WelchPlan;

use periodogram::Periodogram;

use crate::features::sums::mean_of;
use crate::{SleepError, SleepResult};

/// The length of a Welch segment: two periods of the slowest wave that counts as delta.
const SEGMENT_S: f64 = 4.0;

/// More samples in an epoch than this are taken for a mistake (a rate in the wrong unit) before they fill the memory.
const MOST_SAMPLES: usize = 1 << 24;

/// Which EEG features are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum EegFeatureSet {
    /// Absolute and relative band powers only, in less than half of the time.
    BandPowers,
    /// Band powers, Hjorth's parameters, entropies, crossings and Petrosian's dimension.
    #[default]
    All,
}

/// Whether the spectra behind the features are handed back too, 8 bytes for each bin of each epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Spectra {
    /// Features only.
    #[default]
    Dropped,
    /// Features and spectra.
    Kept,
}

/// What to compute of an EEG.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EegSettings {
    /// Samples per second.
    pub sampling_rate_hz: f64,
    /// The bands; the total runs from the lowest to the highest end among them.
    pub bands: Vec<Band>,
    /// Which features are computed.
    pub feature_set: EegFeatureSet,
    /// Whether the spectra are handed back.
    pub spectra: Spectra,
}

impl EegSettings {
    /// All features in the usual sleep bands.
    ///
    /// ```
    /// # use sleep_analysis::eeg::EegSettings;
    /// assert_eq!(EegSettings::new(100.0).feature_names().len(), 21);
    /// ```
    #[must_use]
    pub fn new(sampling_rate_hz: f64) -> Self {
        Self {
            sampling_rate_hz,
            bands: Band::sleep_bands(),
            feature_set: EegFeatureSet::All,
            spectra: Spectra::Dropped,
        }
    }

    /// The number of samples in an epoch of this length, rounded to the nearest.
    #[must_use]
    pub fn samples_per_epoch(&self, window_ns: i64) -> usize {
        (window_ns as f64 * 1e-9 * self.sampling_rate_hz).round() as usize
    }

    /// The frequency of each bin of the spectra of epochs of this length, Hz.
    #[must_use]
    pub fn frequencies_hz(&self, window_ns: i64) -> Vec<f64> {
        let segment_len = self.segment_len().min(self.samples_per_epoch(window_ns));
        (0..segment_len / 2 + 1).map(|bin| bin as f64 * self.sampling_rate_hz / segment_len as f64).collect()
    }

    fn segment_len(&self) -> usize {
        (SEGMENT_S * self.sampling_rate_hz).round() as usize
    }

    /// The names of the features in the order in which [`EegPlan::features`] gives them.
    #[must_use]
    pub fn feature_names(&self) -> Vec<String> {
        let absolute = self.bands.iter().map(|band| format!("abs_{}", band.name));
        let relative = self.bands.iter().map(|band| format!("rel_{}", band.name));
        let others: &[&str] = match self.feature_set {
            EegFeatureSet::BandPowers => &[],
            EegFeatureSet::All => &OTHER_FEATURES,
        };
        absolute.chain(["abs_total".into()]).chain(relative).chain(others.iter().map(|&name| name.into())).collect()
    }
}

/// The features beside band powers, in order.
const OTHER_FEATURES: [&str; 8] = [
    "hjorth_activity",
    "hjorth_mobility",
    "hjorth_complexity",
    "spectral_entropy_welch",
    "spectral_entropy_fft",
    "perm_entropy",
    "zero_crossings",
    "petrosian_fd",
];

/// The features of a single epoch, by name. For many epochs of one length make an [`EegPlan`] once.
///
/// # Errors
/// As [`EegPlan::new`].
///
/// ```
/// # use sleep_analysis::eeg::{EegSettings, eeg_features};
/// let alpha: Vec<f64> = (0..3000).map(|i| 50.0 * (std::f64::consts::TAU * 10.0 * i as f64 / 100.0).sin()).collect();
/// let features = eeg_features(&EegSettings::new(100.0), &alpha)?;
/// let (name, share) = &features[9];
/// assert!(name == "rel_Alpha" && *share > 0.99);
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn eeg_features(settings: &EegSettings, epoch: &[f64]) -> SleepResult<Vec<(String, f64)>> {
    let mut plan = EegPlan::new(settings, epoch.len())?;
    let values = plan.features(epoch)?;
    Ok(settings.feature_names().into_iter().zip(values.iter().copied()).collect())
}

/// Everything that EEG features need for epochs of one length: windows, transforms, bins and buffers, made once.
///
/// A plan is a worker's own state: [`EegPlan::features`] writes into it, and allocates nothing.
///
/// ```
/// # use sleep_analysis::eeg::{EegPlan, EegSettings};
/// let mut plan = EegPlan::new(&EegSettings::new(100.0), 3000)?;
/// let flat = plan.features(&[7.25; 3000])?;
/// assert_eq!(flat[6], 0.0); // no power at all
/// assert_eq!(plan.density().len(), 201);
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EegPlan {
    settings: EegSettings,
    welch: WelchPlan,
    band_bins: Vec<Range<usize>>,
    total_bins: Range<usize>,
    periodogram: Option<Periodogram>,
    values: Vec<f64>,
    n_samples: usize,
}

impl EegPlan {
    /// Plans for epochs of `n_samples`.
    ///
    /// # Errors
    /// [`SleepError::Config`] when the rate is not above zero, there is no sample or no band, two bands share a name, or
    /// a band holds fewer than two bins of the spectrum.
    pub fn new(settings: &EegSettings, n_samples: usize) -> SleepResult<Self> {
        check_size(n_samples)?;
        check_bands(&settings.bands)?;
        let segment_len = settings.segment_len();
        let welch = WelchPlan::new(n_samples, settings.sampling_rate_hz, segment_len, segment_len / 2)?;
        let bins = |band: &Band| band.bins(welch.n_bins(), |bin| welch.frequency_hz(bin));
        let low_hz = settings.bands.iter().map(|band| band.low_hz).fold(f64::INFINITY, f64::min);
        let high_hz = settings.bands.iter().map(|band| band.high_hz).fold(0.0, f64::max);
        Ok(Self {
            band_bins: settings.bands.iter().map(bins).collect::<SleepResult<_>>()?,
            total_bins: bins(&Band::new("total", low_hz, high_hz))?,
            periodogram: (settings.feature_set == EegFeatureSet::All).then(|| Periodogram::new(n_samples)),
            values: vec![f64::NAN; settings.feature_names().len()],
            settings: settings.clone(),
            welch,
            n_samples,
        })
    }

    /// The features of one epoch, in the order of [`EegSettings::feature_names`]; the plan keeps them until the next call.
    ///
    /// An epoch with a NaN sample has NaN features. In a constant epoch all powers are exactly 0, and their shares NaN.
    ///
    /// # Errors
    /// [`SleepError::Config`] when the epoch is not as long as the plan is for.
    pub fn features(&mut self, epoch: &[f64]) -> SleepResult<&[f64]> {
        self.features_by(epoch, None)
    }

    /// As [`EegPlan::features`], from a density of the epoch by Welch's method that was computed elsewhere.
    ///
    /// The density is not looked at for an epoch of equal samples or with a NaN sample.
    ///
    /// # Errors
    /// [`SleepError::Config`] when the epoch is not as long as the plan is for, or the density has another number of bins.
    ///
    /// ```
    /// # use sleep_analysis::eeg::{EegPlan, EegSettings};
    /// let alpha: Vec<f64> = (0..3000).map(|i| 50.0 * (std::f64::consts::TAU * 10.0 * i as f64 / 100.0).sin()).collect();
    /// let mut plan = EegPlan::new(&EegSettings::new(100.0), 3000)?;
    /// let share = plan.features(&alpha)?[9];
    /// let density = plan.density().to_vec();
    /// assert_eq!(plan.features_with_density(&alpha, &density)?[9], share);
    /// # Ok::<(), sleep_analysis::SleepError>(())
    /// ```
    pub fn features_with_density(&mut self, epoch: &[f64], density: &[f64]) -> SleepResult<&[f64]> {
        if density.len() != self.welch.n_bins() {
            return Err(SleepError::Config(format!(
                "a density of {} bins for a plan of {}; compute it with this plan's settings",
                density.len(),
                self.welch.n_bins()
            )));
        }
        self.features_by(epoch, Some(density))
    }

    fn features_by(&mut self, epoch: &[f64], density: Option<&[f64]>) -> SleepResult<&[f64]> {
        if epoch.len() != self.n_samples {
            return Err(SleepError::Config(format!(
                "an epoch of {} samples for a plan of {}; make a plan for each length",
                epoch.len(),
                self.n_samples
            )));
        }
        let mean = mean_of(epoch);
        // A sum is NaN when a sample is; infinities of both signs do it too, so the samples have the last word.
        if mean.is_nan() && epoch.iter().any(|sample| sample.is_nan()) {
            self.welch.fill_density(f64::NAN);
            self.values.fill(f64::NAN);
        } else {
            self.compute(epoch, mean, density)?;
        }
        Ok(&self.values)
    }

    /// The power spectral density of the last epoch, one value per bin; see [`EegPlan::frequencies_hz`].
    #[must_use]
    pub fn density(&self) -> &[f64] {
        self.welch.last_density()
    }

    /// The frequency of each bin of the density.
    #[must_use]
    pub fn frequencies_hz(&self) -> Vec<f64> {
        (0..self.welch.n_bins()).map(|bin| self.welch.frequency_hz(bin)).collect()
    }

    /// What computes the densities.
    #[must_use]
    pub fn welch(&self) -> &WelchPlan {
        &self.welch
    }

    pub(crate) fn is_for(&self, settings: &EegSettings, n_samples: usize) -> bool {
        self.n_samples == n_samples && self.settings == *settings
    }

    fn compute(&mut self, epoch: &[f64], mean: f64, density: Option<&[f64]>) -> SleepResult<()> {
        // The mean of equal samples may be off by a rounding, and the rest would pass for a spectrum.
        let is_constant = is_constant(epoch);
        match density {
            _ if is_constant => self.welch.fill_density(0.0),
            Some(density) => self.welch.set_density(density),
            None => drop(self.welch.density(epoch)?),
        }
        let n_bands = self.band_bins.len();
        self.fill_band_powers();
        if let Some(periodogram) = &mut self.periodogram {
            let mean = if is_constant { epoch[0] } else { mean };
            let shape = hjorth::hjorth_about(epoch, mean);
            self.values[2 * n_bands + 1..].copy_from_slice(&[
                shape.activity,
                shape.mobility,
                shape.complexity,
                spectral_entropy(self.welch.last_density()),
                if is_constant { f64::NAN } else { spectral_entropy(periodogram.power(epoch, mean)) },
                entropy::permutation_entropy_of_numbers(epoch),
                zero_crossings(epoch) as f64,
                petrosian_fd(epoch),
            ]);
        }
        Ok(())
    }

    fn fill_band_powers(&mut self) {
        let (density, bin_hz) = (self.welch.last_density(), self.welch.bin_hz());
        let n_bands = self.band_bins.len();
        let total = simpson(&density[self.total_bins.clone()], bin_hz);
        self.values[n_bands] = total;
        for (idx, bins) in self.band_bins.iter().enumerate() {
            let power = simpson(&density[bins.clone()], bin_hz);
            self.values[idx] = power;
            self.values[n_bands + 1 + idx] = power / total;
        }
    }
}

/// True for equal samples, all of them numbers: their spectrum is zero, whatever roundings make of it.
pub(crate) fn is_constant(epoch: &[f64]) -> bool {
    epoch.iter().all(|sample| *sample == epoch[0]) && epoch[0].is_finite()
}

fn check_size(n_samples: usize) -> SleepResult<()> {
    if n_samples <= MOST_SAMPLES {
        return Ok(());
    }
    Err(SleepError::Config(format!(
        "an epoch of {n_samples} samples; use a shorter window or a lower sampling rate, for at most {MOST_SAMPLES}"
    )))
}

fn check_bands(bands: &[Band]) -> SleepResult<()> {
    if bands.is_empty() {
        return Err(SleepError::Config("no frequency band is asked for; name at least one".into()));
    }
    if bands.iter().any(|band| band.name == "total") {
        return Err(SleepError::Config("band \"total\" is the sum of all; rename it".into()));
    }
    match bands.iter().enumerate().find(|(idx, band)| bands[..*idx].iter().any(|earlier| earlier.name == band.name)) {
        Some((_, twice)) => Err(SleepError::Config(format!("band {:?} appears twice; rename one", twice.name))),
        None => Ok(()),
    }
}
