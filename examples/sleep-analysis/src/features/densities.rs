//! Welch densities of a request's epochs from another source than the plan of the features, such as a graphics processor.
//!
//! Promises: only epochs with an ordinary spectrum are asked for, so that gaps, missing numbers and equal samples keep the results that
//! they have without any source; densities that no spectrum has are refused. Leaves to others: who computes them.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::cut::EvenCut;
use super::request::{FeatureRequest, Operation};
use crate::eeg::{EegPlan, WelchPlan, is_constant};
use crate::{SleepError, SleepResult};

/// The epochs of a request that need a spectrum, column after column of each signal.
///
/// ```
/// # use sleep_analysis::eeg::EegSettings;
/// # use sleep_analysis::features::{SpectrumEpochs, cut_epochs, epoch_features};
/// let sine = |hz: f64| (0..3000).map(|i| (std::f64::consts::TAU * hz * i as f64 / 100.0).sin()).collect::<Vec<f64>>();
/// let request = cut_epochs("eeg", "uv", EegSettings::new(100.0), 3000, &[sine(10.0), vec![1.0; 3000], sine(2.0)])?;
///
/// let wanted = SpectrumEpochs::of(&request).expect("the operation is one on EEG");
/// assert_eq!(wanted.epochs().len(), 2); // equal samples have no spectrum
/// let mut plan = wanted.plan().clone();
/// let computed = wanted.epochs().iter().map(|epoch| plan.density(epoch).map(<[f64]>::to_vec)).collect::<Result<_, _>>()?;
/// let densities = wanted.densities(computed)?;
///
/// let from_densities = request.clone().with_densities(densities)?;
/// let (given, own) = (epoch_features(&from_densities, &(0..3))?, epoch_features(&request, &(0..3))?);
/// assert_eq!(given.columns[0][0], own.columns[0][0]);
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
#[derive(Debug)]
pub struct SpectrumEpochs<'a> {
    request: &'a FeatureRequest,
    plan: WelchPlan,
    epochs: Vec<&'a [f64]>,
    /// Which column and which epoch of the grid each of them is.
    places: Vec<Place>,
    n_columns: usize,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    column: usize,
    epoch: usize,
}

impl<'a> SpectrumEpochs<'a> {
    /// The epochs of a request of EEG features, none for another operation. No sample is copied.
    #[must_use]
    pub fn of(request: &'a FeatureRequest) -> Option<Self> {
        Self::within(request, 0..request.grid().n_epochs())
    }

    /// As [`SpectrumEpochs::of`], of these epochs of the grid only; the others count as without a spectrum.
    pub(crate) fn within(request: &'a FeatureRequest, epochs: Range<usize>) -> Option<Self> {
        let Operation::Eeg(settings) = request.operation() else { return None };
        let n_samples = settings.samples_per_epoch(request.window_ns());
        let plan = EegPlan::new(settings, n_samples).expect("the request made this plan once when it was checked");
        let cut = EvenCut::new(settings, request.window_ns());
        let mut wanted =
            Self { request, plan: plan.welch().clone(), epochs: Vec::new(), places: Vec::new(), n_columns: 0 };
        for signal in request.signals() {
            let starts_ns = epochs.clone().map(|epoch| request.grid().start_ns(epoch));
            let stretches = cut.stretches(signal.timestamps_ns(), starts_ns);
            for column in signal.columns() {
                let of_epochs = epochs.clone().zip(stretches.iter().map(|stretch| stretch.as_ref().ok()));
                wanted.add_column(&column.values, of_epochs);
            }
        }
        Some(wanted)
    }

    fn add_column<'b>(
        &mut self,
        samples: &'a [f64],
        stretches: impl Iterator<Item = (usize, Option<&'b Range<usize>>)>,
    ) {
        for (epoch, stretch) in stretches {
            let Some(samples) = stretch.map(|stretch| &samples[stretch.clone()]) else { continue };
            if samples.iter().all(|sample| sample.is_finite()) && !is_constant(samples) {
                self.epochs.push(samples);
                self.places.push(Place { column: self.n_columns, epoch });
            }
        }
        self.n_columns += 1;
    }

    /// What a density is: window, segments, scale, and the computation that the source's is to agree with.
    #[must_use]
    pub fn plan(&self) -> &WelchPlan {
        &self.plan
    }

    /// The samples of each epoch.
    #[must_use]
    pub fn epochs(&self) -> &[&'a [f64]] {
        &self.epochs
    }

    /// Takes the density of each of the epochs, in their order.
    ///
    /// # Errors
    /// [`SleepError::Config`] for another number of densities or bins; [`SleepError::Signal`] naming the epoch when one of its values
    /// is no number, below zero or infinite.
    pub fn densities(&self, computed: Vec<Vec<f64>>) -> SleepResult<Densities> {
        if computed.len() != self.epochs.len() {
            return Err(SleepError::Config(format!(
                "{} densities for {} epochs; give one for each",
                computed.len(),
                self.epochs.len()
            )));
        }
        let n_epochs = self.request.grid().n_epochs();
        let mut rows = vec![None; self.n_columns * n_epochs];
        for (density, place) in computed.into_iter().zip(&self.places) {
            self.check(&density, *place)?;
            rows[place.column * n_epochs + place.epoch] = Some(density);
        }
        Ok(Densities { n_bins: self.plan.n_bins(), n_epochs, rows })
    }

    fn check(&self, density: &[f64], place: Place) -> SleepResult<()> {
        if density.len() != self.plan.n_bins() {
            return Err(SleepError::Config(format!(
                "a density of {} bins where there are {}; compute it as the plan says",
                density.len(),
                self.plan.n_bins()
            )));
        }
        let Some((bin, value)) = density.iter().enumerate().find(|(_, value)| !(value.is_finite() && **value >= 0.0))
        else {
            return Ok(());
        };
        let reason = format!("the density of epoch {} is {value} in bin {bin}; compute it on the cpu", place.epoch);
        Err(SleepError::Signal { signal: self.signal_of(place.column), reason })
    }

    /// The name of the signal that the column with this number belongs to.
    fn signal_of(&self, column: usize) -> String {
        let names = self.request.signals().iter().flat_map(|signal| signal.columns().iter().map(|_| signal.name()));
        names.into_iter().nth(column).unwrap_or_default().to_owned()
    }
}

/// The densities of a request's epochs; see [`SpectrumEpochs::densities`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Densities {
    n_bins: usize,
    n_epochs: usize,
    /// Column after column of each signal, epoch after epoch; none where the plan computes what there is.
    rows: Vec<Option<Vec<f64>>>,
}

impl Densities {
    /// The density of an epoch of the column with this number, counted over all signals.
    pub(crate) fn density(&self, column: usize, epoch: usize) -> Option<&[f64]> {
        self.rows[column * self.n_epochs + epoch].as_deref()
    }

    /// A hash of all values and of where there are none (xxh3, 128 bits).
    pub(crate) fn hash(&self) -> u128 {
        let mut hash = Xxh3::new();
        for row in &self.rows {
            hash.update(&[u8::from(row.is_some())]);
            hash.update(bytemuck::cast_slice(row.as_deref().unwrap_or_default()));
        }
        hash.digest128()
    }

    /// True when the shape is that of the request's epochs, columns and bins.
    pub(crate) fn fit(&self, request: &FeatureRequest) -> bool {
        let Operation::Eeg(settings) = request.operation() else { return false };
        let n_columns: usize = request.signals().iter().map(|signal| signal.columns().len()).sum();
        self.n_epochs == request.grid().n_epochs()
            && Some(self.rows.len()) == n_columns.checked_mul(self.n_epochs)
            && self.n_bins == settings.frequencies_hz(request.window_ns()).len()
            && self.rows.iter().flatten().all(|row| row.len() == self.n_bins)
    }
}
