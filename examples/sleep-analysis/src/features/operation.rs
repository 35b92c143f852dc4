//! Computes a request for a range of epochs: one pass over each signal, for any number of features.

use std::ops::Range;

use super::block::{EpochFailure, FailureReason, FeatureBlock, Spectrum};
use super::correlation::{CorrelationMethod, CorrelationScratch, Timed, correlation_with};
use super::cut::EvenCut;
use super::densities::Densities;
use super::hrv::{HrvMetric, HrvScratch, HrvSource, hrv_metric};
use super::movement::{MovementMetric, MovementScratch, movement_with};
use super::request::{FeatureRequest, Operation};
use super::statistics::{Aggregation, MedianNeed, statistics_with};
use crate::eeg::{EegPlan, EegSettings};
use crate::epoch::EpochSlices;
use crate::{Column, Signal, SleepError, SleepResult};

/// Buffers and plans that a worker uses again from batch to batch; they fit themselves to each request.
#[derive(Debug, Default)]
pub struct FeatureScratch {
    numbers: Vec<f64>,
    hrv: HrvScratch,
    movement: MovementScratch,
    correlation: CorrelationScratch,
    eeg_plan: Option<EegPlan>,
}

/// The features of a range of epochs. Where many batches are computed by one worker, [`epoch_features_with`] saves the
/// making of plans and buffers.
///
/// # Errors
/// [`SleepError::Range`] when the range reaches beyond the grid.
pub fn epoch_features(request: &FeatureRequest, epochs: &Range<usize>) -> SleepResult<FeatureBlock> {
    epoch_features_with(&mut FeatureScratch::default(), request, epochs)
}

/// As [`epoch_features`], with a worker's own buffers. What they were used for before makes no difference.
///
/// # Errors
/// [`SleepError::Range`] when the range reaches beyond the grid.
pub fn epoch_features_with(
    scratch: &mut FeatureScratch,
    request: &FeatureRequest,
    epochs: &Range<usize>,
) -> SleepResult<FeatureBlock> {
    if epochs.start > epochs.end || epochs.end > request.grid().n_epochs() {
        return Err(SleepError::Range(format!(
            "epochs {epochs:?} of a grid of {}; stay within the grid",
            request.grid().n_epochs()
        )));
    }
    let mut batch = Batch { request, block: FeatureBlock::without_values(request, epochs.clone()), first_column: 0 };
    match request.operation() {
        Operation::Statistics { aggregations } => batch.statistics(aggregations, &mut scratch.numbers),
        Operation::Hrv { source, metrics } => batch.hrv(*source, metrics, &mut scratch.hrv),
        Operation::Movement { metrics } => batch.movement(metrics, &mut scratch.movement),
        Operation::Correlation { method, first_column, second_column } => {
            batch.correlation(*method, [first_column, second_column], &mut scratch.correlation);
        }
        Operation::Eeg(settings) => batch.eeg(settings, eeg_plan(scratch, settings, request.window_ns())),
    }
    Ok(batch.block)
}

fn eeg_plan<'a>(scratch: &'a mut FeatureScratch, settings: &EegSettings, window_ns: i64) -> &'a mut EegPlan {
    let n_samples = settings.samples_per_epoch(window_ns);
    let fitting = scratch.eeg_plan.take().filter(|plan| plan.is_for(settings, n_samples));
    scratch.eeg_plan.insert(fitting.unwrap_or_else(|| {
        EegPlan::new(settings, n_samples).expect("the request made this plan once when it was checked")
    }))
}

/// The densities of one column that come from elsewhere.
#[derive(Clone, Copy)]
struct GivenDensities<'a> {
    densities: Option<&'a Densities>,
    column: usize,
}

impl<'a> GivenDensities<'a> {
    fn of(self, epoch: usize) -> Option<&'a [f64]> {
        self.densities?.density(self.column, epoch)
    }
}

/// A block on its way to be filled, signal by signal.
struct Batch<'a> {
    request: &'a FeatureRequest,
    block: FeatureBlock,
    first_column: usize,
}

impl Batch<'_> {
    fn statistics(&mut self, aggregations: &[Aggregation], numbers: &mut Vec<f64>) {
        let median = MedianNeed::of(aggregations);
        for signal in self.request.signals() {
            let n_features = signal.columns().len() * aggregations.len();
            self.for_each_epoch(signal, n_features, |samples, values| {
                for (column, values) in signal.columns().iter().zip(values.chunks_mut(aggregations.len())) {
                    let statistics = statistics_with(&column.values[samples.clone()], median, numbers);
                    for (value, &aggregation) in values.iter_mut().zip(aggregations) {
                        *value = statistics.get(aggregation);
                    }
                }
            });
        }
    }

    fn hrv(&mut self, source: HrvSource, metrics: &[HrvMetric], scratch: &mut HrvScratch) {
        for (idx, signal) in self.request.signals().iter().enumerate() {
            let Some(samples) = signal.column(source.column()) else {
                self.fail_every_epoch(idx, signal, metrics.len());
                continue;
            };
            self.for_each_epoch(signal, metrics.len(), |rows, values| {
                let metric_of = hrv_metric(source, &samples[rows], scratch);
                for (value, &metric) in values.iter_mut().zip(metrics) {
                    *value = metric_of(metric);
                }
            });
        }
    }

    fn movement(&mut self, metrics: &[MovementMetric], scratch: &mut MovementScratch) {
        for (idx, signal) in self.request.signals().iter().enumerate() {
            let (Some(x), Some(y), Some(z)) = (signal.column("x"), signal.column("y"), signal.column("z")) else {
                self.fail_every_epoch(idx, signal, metrics.len());
                continue;
            };
            self.for_each_epoch(signal, metrics.len(), |rows, values| {
                let movement = movement_with([&x[rows.clone()], &y[rows.clone()], &z[rows]], scratch);
                for (value, &metric) in values.iter_mut().zip(metrics) {
                    *value = movement.get(metric);
                }
            });
        }
    }

    fn correlation(&mut self, method: CorrelationMethod, columns: [&str; 2], scratch: &mut CorrelationScratch) {
        let pair = self.request.pair();
        let (Some(first_values), Some(second_values)) = (pair[0].column(columns[0]), pair[1].column(columns[1])) else {
            for (idx, signal) in pair.into_iter().enumerate() {
                self.fail_every_epoch(idx, signal, 0);
            }
            return;
        };
        let [first_ns, second_ns] = pair.map(Signal::timestamps_ns);
        let (mut first_slices, mut second_slices) = (EpochSlices::new(first_ns), EpochSlices::new(second_ns));
        for row in 0..self.block.epochs.len() {
            let (start_ns, end_ns) = self.bounds(row);
            let first = first_slices.closed(start_ns, end_ns);
            let second = second_slices.closed(start_ns, end_ns);
            let first = Timed { timestamps_ns: &first_ns[first.clone()], values: &first_values[first] };
            let second = Timed { timestamps_ns: &second_ns[second.clone()], values: &second_values[second] };
            self.block.columns[0][row] = correlation_with(method, first, second, scratch);
        }
    }

    fn eeg(&mut self, settings: &EegSettings, plan: &mut EegPlan) {
        let cut = EvenCut::new(settings, self.request.window_ns());
        let n_features = settings.feature_names().len();
        let mut spectra = std::mem::take(&mut self.block.spectra);
        let mut spectra_left = spectra.iter_mut();
        let mut n_columns = 0;
        for signal in self.request.signals() {
            let stretches = cut.stretches(signal.timestamps_ns(), self.starts_ns());
            for (row, stretch) in stretches.iter().enumerate() {
                if let Err(reason) = stretch {
                    self.fail(row, signal, reason.clone());
                }
            }
            for column in signal.columns() {
                let given = GivenDensities { densities: self.request.densities(), column: n_columns };
                self.eeg_column(signal, column, &stretches, plan, given, spectra_left.next());
                self.first_column += n_features;
                n_columns += 1;
            }
        }
        self.block.spectra = spectra;
    }

    fn eeg_column(
        &mut self,
        signal: &Signal,
        column: &Column,
        stretches: &[Result<Range<usize>, FailureReason>],
        plan: &mut EegPlan,
        given: GivenDensities<'_>,
        mut spectrum: Option<&mut Spectrum>,
    ) {
        for (row, stretch) in stretches.iter().enumerate() {
            let Ok(stretch) = stretch else { continue };
            let samples = &column.values[stretch.clone()];
            let values = match given.of(self.block.epochs.start + row) {
                Some(density) => plan.features_with_density(samples, density),
                None => plan.features(samples),
            };
            let values = values.expect("a stretch is as long as the plan is for, and so is a density that was checked");
            self.set(row, values);
            if let Some(spectrum) = &mut spectrum {
                spectrum.density_mut(row).copy_from_slice(plan.density());
            }
            // The total power is NaN whenever a sample is, so healthy epochs are not searched.
            let is_suspect = plan.density()[0].is_nan();
            if let Some(sample) = samples.iter().position(|sample| is_suspect && sample.is_nan()) {
                self.fail(row, signal, FailureReason::NotANumber { column: column.name.clone(), sample });
            }
        }
    }

    /// Calls for the samples of each epoch with the values to fill, and moves on to the next signal's columns.
    fn for_each_epoch(&mut self, signal: &Signal, n_features: usize, mut fill: impl FnMut(Range<usize>, &mut [f64])) {
        let mut slices = EpochSlices::new(signal.timestamps_ns());
        let mut values = vec![f64::NAN; n_features];
        for row in 0..self.block.epochs.len() {
            let (start_ns, end_ns) = self.bounds(row);
            fill(slices.closed(start_ns, end_ns), &mut values);
            self.set(row, &values);
        }
        self.first_column += n_features;
    }

    fn set(&mut self, row: usize, values: &[f64]) {
        for (column, &value) in self.block.columns[self.first_column..].iter_mut().zip(values) {
            column[row] = value;
        }
    }

    /// Reports each epoch of a signal that lacks a column, leaves its values NaN, and moves on.
    fn fail_every_epoch(&mut self, signal_idx: usize, signal: &Signal, n_features: usize) {
        if let Some(column) = self.request.missing_in(signal_idx, signal) {
            for row in 0..self.block.epochs.len() {
                self.fail(row, signal, FailureReason::MissingColumn { column: column.into() });
            }
        }
        self.first_column += n_features;
    }

    fn fail(&mut self, row: usize, signal: &Signal, reason: FailureReason) {
        let epoch = self.block.epochs.start + row;
        self.block.failures.push(EpochFailure { epoch, signal: signal.name().into(), reason });
    }

    /// The first and the last moment of the epoch in this row; both belong to it.
    fn bounds(&self, row: usize) -> (i64, i64) {
        let start_ns = self.request.grid().start_ns(self.block.epochs.start + row);
        (start_ns, start_ns.saturating_add(self.request.window_ns()))
    }

    fn starts_ns(&self) -> impl Iterator<Item = i64> + use<> {
        let grid = *self.request.grid();
        self.block.epochs.clone().map(move |epoch| grid.start_ns(epoch))
    }
}
