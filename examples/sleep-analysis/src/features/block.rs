//! The result for a range of epochs, and how the ranges of a night are put together.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::request::{FeatureRequest, Operation};
use crate::eeg::Spectra;
use crate::{Column, FeatureTable, SleepError, SleepResult};

/// The features of consecutive epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureBlock {
    /// Which epochs of the grid.
    pub epochs: Range<usize>,
    /// One column per name of [`FeatureRequest::column_names`], one value per epoch.
    pub columns: Vec<Vec<f64>>,
    /// The epochs that have no result for a signal, in the order of signals and epochs.
    pub failures: Vec<EpochFailure>,
    /// For EEG with spectra kept: one entry per column of each signal, epoch after epoch.
    pub spectra: Vec<Spectrum>,
}

impl FeatureBlock {
    /// The block of a range whose computation was lost as a whole: all NaN, each epoch of each signal reported.
    ///
    /// ```
    /// # use sleep_analysis::eeg::EegSettings;
    /// # use sleep_analysis::features::{FeatureBlock, cut_epochs};
    /// # let request = cut_epochs("eeg", "uv", EegSettings::new(100.0), 3000, &vec![vec![1.0; 3000]; 4])?;
    /// let block = FeatureBlock::lost(&request, 1..3, "the worker ran out of memory");
    /// assert_eq!(block.failures.len(), 2);
    /// assert!(block.columns[0].iter().all(|value| value.is_nan()));
    /// # Ok::<(), sleep_analysis::SleepError>(())
    /// ```
    #[must_use]
    pub fn lost(request: &FeatureRequest, epochs: Range<usize>, reason: &str) -> Self {
        let mut block = Self::without_values(request, epochs.clone());
        for signal in request.signals() {
            for epoch in epochs.clone() {
                let reason = FailureReason::Lost { reason: reason.into() };
                block.failures.push(EpochFailure { epoch, signal: signal.name().into(), reason });
            }
        }
        block
    }

    /// A block in which every value is NaN until it is set.
    pub(crate) fn without_values(request: &FeatureRequest, epochs: Range<usize>) -> Self {
        let n_columns = request.column_names().len();
        let spectra = Spectrum::all_missing(request, epochs.len());
        Self { columns: vec![vec![f64::NAN; epochs.len()]; n_columns], failures: Vec::new(), spectra, epochs }
    }
}

/// The power spectral densities of one EEG column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spectrum {
    /// `<signal>|<column>`.
    pub name: String,
    /// The frequency of each bin, Hz.
    pub frequencies_hz: Vec<f64>,
    /// The densities, epoch after epoch, one value per bin each; NaN for an epoch without a result.
    pub densities: Vec<f64>,
}

impl Spectrum {
    /// The density of one epoch, counted from the first that is held here.
    ///
    /// # Panics
    /// When there is no such epoch.
    #[must_use]
    pub fn density(&self, epoch: usize) -> &[f64] {
        let n_bins = self.frequencies_hz.len();
        &self.densities[epoch * n_bins..][..n_bins]
    }

    pub(crate) fn density_mut(&mut self, epoch: usize) -> &mut [f64] {
        let n_bins = self.frequencies_hz.len();
        &mut self.densities[epoch * n_bins..][..n_bins]
    }

    fn all_missing(request: &FeatureRequest, n_epochs: usize) -> Vec<Self> {
        let Operation::Eeg(settings) = request.operation() else { return Vec::new() };
        let frequencies_hz = match settings.spectra {
            Spectra::Kept => settings.frequencies_hz(request.window_ns()),
            Spectra::Dropped => return Vec::new(),
        };
        let mut spectra = Vec::new();
        for signal in request.signals() {
            for column in signal.columns() {
                let densities = vec![f64::NAN; n_epochs * frequencies_hz.len()];
                let name = format!("{}|{}", signal.name(), column.name);
                spectra.push(Self { name, frequencies_hz: frequencies_hz.clone(), densities });
            }
        }
        spectra
    }
}

/// An epoch that has no result for a signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("epoch {epoch}, signal {signal:?}: {reason}")]
pub struct EpochFailure {
    /// The epoch's index in the grid.
    pub epoch: usize,
    /// The signal's name.
    pub signal: String,
    /// Why.
    pub reason: FailureReason,
}

/// Why an epoch has no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum FailureReason {
    /// The signal lacks a column that the operation reads.
    #[error("there is no column {column:?}")]
    MissingColumn {
        /// The column's name.
        column: String,
    },
    /// A spectrum needs evenly spaced samples, and the epoch has a gap, ends early or runs at another rate.
    #[error("{found} samples where {needed} evenly spaced ones are needed: a gap, an early end or another rate")]
    Uneven {
        /// The samples within the epoch.
        found: usize,
        /// The samples of a whole epoch.
        needed: usize,
    },
    /// A spectrum needs a number at every sample.
    #[error("column {column:?} has no number at sample {sample} of the epoch")]
    NotANumber {
        /// The column's name.
        column: String,
        /// The first such sample, counted from the epoch's start.
        sample: usize,
    },
    /// The computation of the epoch's whole batch was lost.
    #[error("its batch was lost: {reason}")]
    Lost {
        /// What happened to it.
        reason: String,
    },
}

/// The features of all epochs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Features {
    /// One row per epoch of the grid.
    pub table: FeatureTable,
    /// The epochs that have no result for a signal, batch by batch.
    pub failures: Vec<EpochFailure>,
    /// For EEG with spectra kept: one entry per column of each signal.
    pub spectra: Vec<Spectrum>,
}

/// Puts blocks together, given in the order of their epochs.
///
/// # Errors
/// [`SleepError::Range`] when the blocks do not cover the grid from its first to its last epoch without hole or overlap;
/// [`SleepError::Config`] when a block is the result to another request.
pub fn collect_blocks(
    request: &FeatureRequest,
    blocks: impl IntoIterator<Item = FeatureBlock>,
) -> SleepResult<Features> {
    let mut whole = FeatureBlock::without_values(request, 0..0);
    let n_epochs = request.grid().n_epochs();
    whole.columns.iter_mut().for_each(|column| column.reserve_exact(n_epochs));
    for block in blocks {
        append(&mut whole, block)?;
    }
    if whole.epochs.end != n_epochs {
        return Err(SleepError::Range(format!(
            "the blocks end at epoch {} of {n_epochs}; give one for every batch, a lost one where there is no result",
            whole.epochs.end
        )));
    }
    let columns = request.column_names().into_iter().zip(whole.columns);
    let table = FeatureTable {
        epoch_starts_ns: request.grid().starts_ns().collect(),
        columns: columns.map(|(name, values)| Column::new(name, values)).collect(),
    };
    Ok(Features { table, failures: whole.failures, spectra: whole.spectra })
}

fn append(whole: &mut FeatureBlock, block: FeatureBlock) -> SleepResult<()> {
    if block.epochs.start != whole.epochs.end {
        return Err(SleepError::Range(format!(
            "a block of epochs {:?} follows epoch {}; give them in order, each once",
            block.epochs, whole.epochs.end
        )));
    }
    let is_same_shape = block.columns.len() == whole.columns.len()
        && block.columns.iter().all(|column| column.len() == block.epochs.len())
        && block.spectra.len() == whole.spectra.len();
    if !is_same_shape {
        return Err(SleepError::Config(format!(
            "the block of epochs {:?} has other columns than the request; collect it with its own request",
            block.epochs
        )));
    }
    for (column, values) in whole.columns.iter_mut().zip(block.columns) {
        column.extend(values);
    }
    for (spectrum, more) in whole.spectra.iter_mut().zip(block.spectra) {
        spectrum.densities.extend(more.densities);
    }
    whole.failures.extend(block.failures);
    whole.epochs.end = block.epochs.end;
    Ok(())
}
