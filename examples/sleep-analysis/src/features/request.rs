//! What is requested: signals, epochs and an operation. A request that exists can be computed.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::correlation::CorrelationMethod;
use super::densities::Densities;
use super::hrv::{HrvMetric, HrvSource};
use super::movement::MovementMetric;
use super::selection::check_chosen;
use super::statistics::Aggregation;
use crate::eeg::{EegPlan, EegSettings};
use crate::epoch::check_length;
use crate::{Column, EpochGrid, EpochGridSettings, Samples, Signal, SleepError, SleepResult};

/// What is computed in each epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Operation {
    /// Statistics of every column of every signal: `<signal>|<column>_<aggregation>`.
    Statistics {
        /// Which, in output order.
        aggregations: Vec<Aggregation>,
    },
    /// Heart rate variability of every signal: `<signal>|<metric>`.
    Hrv {
        /// Which column is read.
        source: HrvSource,
        /// Which, in output order.
        metrics: Vec<HrvMetric>,
    },
    /// Movement of every signal, from its columns `x`, `y` and `z`: `<signal>|<metric>`.
    Movement {
        /// Which, in output order.
        metrics: Vec<MovementMetric>,
    },
    /// The correlation of two signals: `<first>_vs_<second>|<method>_corr`.
    Correlation {
        /// Which coefficient.
        method: CorrelationMethod,
        /// The column of the first signal.
        first_column: String,
        /// The column of the second signal.
        second_column: String,
    },
    /// EEG features of every column of every signal: `<signal>|<column>_<feature>`.
    Eeg(EegSettings),
}

impl Operation {
    /// The columns that each signal must have, none when any will do.
    fn needed_columns(&self, signal_idx: usize) -> Vec<&str> {
        match self {
            Self::Statistics { .. } | Self::Eeg(_) => Vec::new(),
            Self::Hrv { source, .. } => vec![source.column()],
            Self::Movement { .. } => vec!["x", "y", "z"],
            Self::Correlation { first_column, .. } if signal_idx == 0 => vec![first_column],
            Self::Correlation { second_column, .. } => vec![second_column],
        }
    }
}

/// An operation over the epochs of some signals, checked.
///
/// Copies share the signals.
///
/// ```
/// # use sleep_analysis::{Column, EpochGrid, EpochGridSettings, Signal};
/// # use sleep_analysis::features::{Aggregation, FeatureRequest, Operation, collect_blocks, epoch_features};
/// let second = 1_000_000_000;
/// let hr = Column::new("hr", vec![60.0, 62.0, 70.0, 72.0]);
/// let watch = Signal::new("watch", vec![0, 20 * second, 40 * second, 50 * second], vec![hr])?;
/// let grid = EpochGrid::over_signals(std::slice::from_ref(&watch), EpochGridSettings::adjoining(30 * second))?;
///
/// let operation = Operation::Statistics { aggregations: vec![Aggregation::Mean] };
/// let request = FeatureRequest::new([watch].into(), grid, operation)?;
/// let night = collect_blocks(&request, [epoch_features(&request, &(0..2))?])?;
/// assert_eq!(night.table.columns[0].name, "watch|hr_mean");
/// assert_eq!(night.table.columns[0].values, [61.0, 71.0]);
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FeatureRequestParts")]
pub struct FeatureRequest {
    signals: Arc<[Signal]>,
    grid: EpochGrid,
    operation: Operation,
    window_ns: i64,
    densities: Option<Arc<Densities>>,
}

impl FeatureRequest {
    /// Checks that the operation makes sense for these signals. A column that a signal lacks is no error here: its
    /// epochs fail one by one, and [`FeatureRequest::missing_columns`] names them beforehand.
    ///
    /// # Errors
    /// [`SleepError::Config`] for no signals, two of one name, no or repeated features, metrics of another source,
    /// a correlation of other than two signals, or EEG settings that give no spectrum; [`SleepError::Signal`] for a
    /// signal whose timestamps are not sorted.
    pub fn new(signals: Arc<[Signal]>, grid: EpochGrid, operation: Operation) -> SleepResult<Self> {
        let window_ns = grid.window_ns();
        Self::check(Self { signals, grid, operation, window_ns, densities: None })
    }

    /// The same request with another window; epochs still start where the grid says. Densities of the old window are dropped.
    ///
    /// # Errors
    /// [`SleepError::Config`] when the window is not above zero, or too short for EEG features.
    pub fn with_window_ns(self, window_ns: i64) -> SleepResult<Self> {
        Self::check(Self { window_ns, densities: None, ..self })
    }

    /// The same request, whose EEG features are computed from these densities.
    ///
    /// # Errors
    /// [`SleepError::Config`] when the densities are those of other epochs.
    pub fn with_densities(self, densities: Densities) -> SleepResult<Self> {
        Self::check(Self { densities: Some(Arc::new(densities)), ..self })
    }

    /// The densities that the EEG features are computed from, where they come from elsewhere.
    #[must_use]
    pub fn densities(&self) -> Option<&Densities> {
        self.densities.as_deref()
    }

    /// The signals, in output order.
    #[must_use]
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// The epochs.
    #[must_use]
    pub fn grid(&self) -> &EpochGrid {
        &self.grid
    }

    /// What is computed.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The window in force: the grid's, unless the request has its own.
    #[must_use]
    pub fn window_ns(&self) -> i64 {
        self.window_ns
    }

    /// The names of the output columns, in order.
    #[must_use]
    pub fn column_names(&self) -> Vec<String> {
        match &self.operation {
            Operation::Statistics { aggregations } => self.names_per_column(aggregations.iter().map(|one| one.name())),
            Operation::Hrv { metrics, .. } => self.names_per_signal(metrics.iter().map(|one| one.name())),
            Operation::Movement { metrics } => self.names_per_signal(metrics.iter().map(|one| one.name())),
            Operation::Correlation { method, .. } => {
                let [first, second] = self.pair();
                vec![format!("{}_vs_{}|{}_corr", first.name(), second.name(), method.name())]
            }
            Operation::Eeg(settings) => {
                let names = settings.feature_names();
                self.names_per_column(names.iter().map(String::as_str))
            }
        }
    }

    /// The columns that the operation needs and a signal does not have, as pairs of signal and column. Every epoch of
    /// such a signal will fail.
    #[must_use]
    pub fn missing_columns(&self) -> Vec<(&str, &str)> {
        let missing = |(idx, signal)| self.missing_in(idx, signal).map(|column| (Signal::name(signal), column));
        self.signals.iter().enumerate().filter_map(missing).collect()
    }

    /// The first column that the operation needs of this signal and that it does not have.
    pub(crate) fn missing_in(&self, signal_idx: usize, signal: &Signal) -> Option<&str> {
        self.operation.needed_columns(signal_idx).into_iter().find(|column| signal.column(column).is_none())
    }

    /// The two signals of a correlation.
    pub(crate) fn pair(&self) -> [&Signal; 2] {
        let [first, second] = &*self.signals else { unreachable!("a correlation was checked to have two signals") };
        [first, second]
    }

    fn names_per_signal<'a>(&self, features: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
        let names = |signal: &Signal| features.clone().map(|name| format!("{}|{name}", signal.name())).collect();
        self.signals.iter().flat_map(|signal| -> Vec<String> { names(signal) }).collect()
    }

    fn names_per_column<'a>(&self, features: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
        let mut names = Vec::new();
        for signal in &*self.signals {
            for column in signal.columns() {
                names.extend(features.clone().map(|name| format!("{}|{}_{name}", signal.name(), column.name)));
            }
        }
        names
    }

    fn check(self) -> SleepResult<Self> {
        check_length("window", self.window_ns)?;
        check_signals(&self.signals)?;
        match &self.operation {
            Operation::Statistics { aggregations } => check_chosen("aggregation", aggregations)?,
            Operation::Hrv { source, metrics } => check_hrv(*source, metrics)?,
            Operation::Movement { metrics } => check_chosen("movement metric", metrics)?,
            Operation::Correlation { .. } => check_pair(&self.signals)?,
            // Made and dropped, to learn here rather than in a worker whether it can be made.
            Operation::Eeg(settings) => drop(EegPlan::new(settings, settings.samples_per_epoch(self.window_ns))?),
        }
        if self.densities.as_ref().is_some_and(|densities| !densities.fit(&self)) {
            return Err(SleepError::Config("densities of other epochs; take those of the request's own".into()));
        }
        Ok(self)
    }
}

/// A request for EEG features of epochs that are already cut, given as samples without times.
///
/// The signal that it makes up starts at time 0 and is named `signal`, its only column `column`. An epoch with fewer
/// samples than `samples_per_epoch` fails alone.
///
/// # Errors
/// As [`FeatureRequest::new`]; also [`SleepError::Config`] when there is no epoch or an epoch has too many samples.
///
/// ```
/// # use sleep_analysis::eeg::EegSettings;
/// # use sleep_analysis::features::{cut_epochs, epoch_features};
/// let epochs = vec![vec![1.0; 3000], vec![2.0; 2999]];
/// let request = cut_epochs("eeg", "uv", EegSettings::new(100.0), 3000, &epochs)?;
/// let block = epoch_features(&request, &(0..2))?;
/// assert_eq!(block.failures.len(), 1);
/// assert_eq!(block.failures[0].epoch, 1);
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn cut_epochs(
    signal: &str,
    column: &str,
    settings: EegSettings,
    samples_per_epoch: usize,
    epochs: &[Vec<f64>],
) -> SleepResult<FeatureRequest> {
    if let Some(epoch) = epochs.iter().position(|epoch| epoch.len() > samples_per_epoch) {
        return Err(SleepError::Config(format!(
            "epoch {epoch} has {} samples where {samples_per_epoch} are a whole epoch; cut it shorter",
            epochs[epoch].len()
        )));
    }
    let period_ns = 1e9 / settings.sampling_rate_hz;
    let window_ns = (samples_per_epoch as f64 * period_ns).round() as i64;
    check_length("window", window_ns)?;
    let end_ns = window_ns.checked_mul(epochs.len() as i64).ok_or_else(|| {
        SleepError::Config(format!(
            "{} epochs of {window_ns} ns last longer than 292 years; check the sampling rate of {} Hz",
            epochs.len(),
            settings.sampling_rate_hz
        ))
    })?;
    let time_of = |epoch: usize, sample: usize| epoch as i64 * window_ns + (sample as f64 * period_ns).round() as i64;
    let timestamps_ns =
        epochs.iter().enumerate().flat_map(|(idx, epoch)| (0..epoch.len()).map(move |sample| time_of(idx, sample)));
    let values = Column::new(column, epochs.concat());
    let signal = Signal::new(signal, timestamps_ns.collect::<Samples<i64>>(), vec![values])?;
    let span = (!epochs.is_empty()).then_some((0, end_ns));
    let grid = EpochGrid::over_spans(span, EpochGridSettings::adjoining(window_ns))?;
    FeatureRequest::new([signal].into(), grid, Operation::Eeg(settings))
}

fn check_signals(signals: &[Signal]) -> SleepResult<()> {
    if signals.is_empty() {
        return Err(SleepError::Config("no signal to compute features of; give at least one".into()));
    }
    let mut names = HashSet::new();
    for signal in signals {
        let name = signal.name();
        if !names.insert(name) {
            return Err(SleepError::Config(format!("signal {name:?} appears twice; rename one")));
        }
        if !signal.is_sorted() {
            let reason = "its timestamps are not sorted; sort its rows by time".into();
            return Err(SleepError::Signal { signal: name.into(), reason });
        }
    }
    Ok(())
}

fn check_hrv(source: HrvSource, metrics: &[HrvMetric]) -> SleepResult<()> {
    check_chosen("HRV metric", metrics)?;
    match metrics.iter().find(|metric| !source.all_metrics().contains(metric)) {
        Some(foreign) => Err(SleepError::Config(format!(
            "{} cannot be computed from column {}; ask for it from the other source",
            foreign.name(),
            source.column()
        ))),
        None => Ok(()),
    }
}

fn check_pair(signals: &[Signal]) -> SleepResult<()> {
    if signals.len() == 2 {
        return Ok(());
    }
    Err(SleepError::Config(format!("a correlation of {} signals; give exactly two", signals.len())))
}

/// A request as it travels; it becomes a request only through the checks.
#[derive(Deserialize)]
struct FeatureRequestParts {
    signals: Arc<[Signal]>,
    grid: EpochGrid,
    operation: Operation,
    window_ns: i64,
    densities: Option<Arc<Densities>>,
}

impl TryFrom<FeatureRequestParts> for FeatureRequest {
    type Error = SleepError;

    fn try_from(parts: FeatureRequestParts) -> SleepResult<Self> {
        let FeatureRequestParts { signals, grid, operation, window_ns, densities } = parts;
        Self::check(Self { signals, grid, operation, window_ns, densities })
    }
}
