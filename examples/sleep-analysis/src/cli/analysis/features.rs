//! Which features a night gets, by what its signals are, and all of them in one table.

use std::collections::BTreeMap;
use std::sync::Arc;

use sleep_analysis::device::{Device, DeviceChoice, Ran, Spectra as NightSpectra, find_spectra};
use sleep_analysis::eeg::{EegPlan, EegSettings, Spectra};
use sleep_analysis::features::{
    Aggregation, CorrelationMethod, FeatureRequest, Features, HrvMetric, HrvSource, MovementMetric, Operation, Spectrum,
};
use sleep_analysis::parallel::Engine;
use sleep_analysis::{Column, FeatureTable, Samples, Signal, SleepError, SleepResult};

use super::text::list;
use super::{Night, Remarks};
use crate::cli::channels::Role;

/// The name of the signal that three channels of one axis each make up.
const ACCELERATION: &str = "acceleration";

const AGGREGATIONS: [Aggregation; 5] =
    [Aggregation::Mean, Aggregation::Std, Aggregation::Min, Aggregation::Max, Aggregation::Median];

/// Without the spread of each axis, which is among the statistics, under the very same name.
const MOVEMENT: [MovementMetric; 5] = [
    MovementMetric::MagnitudeMean,
    MovementMetric::MagnitudeStd,
    MovementMetric::MagnitudeMax,
    MovementMetric::ActivityCount,
    MovementMetric::StillnessRatio,
];

/// EEG channels from the best known to the least, for the one that is drawn.
const DRAWN_FIRST: [&str; 8] = ["c3-m2", "c4-m1", "c3-a2", "c4-a1", "eeg fpz-cz", "f3-m2", "f4-m1", "c3"];

/// All features of a night.
pub(crate) struct NightFeatures {
    pub(crate) table: FeatureTable,
    /// One sentence per operation.
    pub(crate) computed: Vec<String>,
    /// The spectra of one EEG channel, to be drawn.
    pub(crate) spectrum: Option<Spectrum>,
    /// The signal that these are of.
    pub(crate) drawn_eeg: Option<usize>,
    pub(crate) device: DeviceUse,
}

/// Where the spectra of EEG were computed.
pub(crate) struct DeviceUse {
    pub(crate) ran: Ran,
    /// What a device was measured to take, where that decided.
    pub(crate) measured: Option<String>,
    /// Why a device that was asked for, or chosen, computed nothing.
    pub(crate) fell_back: Option<String>,
}

/// One operation on some signals of the night.
struct Planned {
    name: &'static str,
    /// Completes "... of C3 and O1".
    about: String,
    signals: Chosen,
    operation: Operation,
}

/// Which signals an operation reads.
enum Chosen {
    All,
    Some(Vec<usize>),
    Axes([usize; 3]),
}

/// An operation that can be computed, and the names of its signals.
struct Requested {
    name: &'static str,
    about: String,
    names: Vec<String>,
    signals: Chosen,
}

/// Computes every feature that the signals allow; the spectra of EEG where `device` says, with as many workers on the cores.
pub(crate) fn compute_features(
    night: &mut Night,
    engine: &Engine,
    device: DeviceChoice,
    workers: usize,
) -> SleepResult<NightFeatures> {
    let epoch_starts_ns = night.epochs.starts_ns().collect();
    let (operations, requests): (Vec<Requested>, Vec<FeatureRequest>) = requested(night)?.into_iter().unzip();
    let NightSpectra { requests, ran, measured, fell_back } =
        find_spectra(requests, device, workers, Device::of_process);
    let mut all = NightFeatures {
        table: FeatureTable { epoch_starts_ns, columns: Vec::new() },
        computed: Vec::new(),
        spectrum: None,
        drawn_eeg: None,
        device: DeviceUse { ran, measured, fell_back },
    };
    let mut done: Vec<(String, Vec<String>)> = Vec::new();
    for (Requested { name, about, names, signals }, request) in operations.into_iter().zip(requests) {
        let features = engine.features(&request)?;
        note_missing(&mut night.remarks, name, &names, &features);
        all.add(&signals, &features)?;
        match done.last_mut().filter(|(last, _)| *last == about) {
            Some((_, known)) => known.extend(names),
            None => done.push((about, names)),
        }
    }
    all.computed = done.iter().map(|(about, names)| format!("{about} of {}", list(names))).collect();
    all.computed.extend(conversions(night));
    Ok(all)
}

/// What is planned, without the operations that cannot be computed: those are named as left out.
fn requested(night: &mut Night) -> SleepResult<Vec<(Requested, FeatureRequest)>> {
    let mut requests = Vec::new();
    for Planned { name, about, signals, operation } in plan(night) {
        let of_night = signals.of(&night.signals)?;
        let names: Vec<String> = of_night.iter().map(|signal| signal.name().to_owned()).collect();
        match FeatureRequest::new(of_night, night.epochs, operation) {
            Ok(request) => requests.push((Requested { name, about, names, signals }, request)),
            Err(error) => night.remarks.left_out(&format!("{about} of {}", list(&names)), error),
        }
    }
    Ok(requests)
}

/// Which channels do not have the unit of their source: one sentence per unit.
fn conversions(night: &Night) -> Vec<String> {
    let mut by_source: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for (channel, signal) in night.channels.iter().zip(&*night.signals) {
        if let Some(source) = &channel.converted_from {
            by_source.entry((source, &channel.unit)).or_default().push(signal.name().to_owned());
        }
    }
    let sentences = by_source.into_iter();
    sentences.map(|((source, unit), names)| format!("Conversion from {source} to {unit} of {}", list(&names))).collect()
}

impl NightFeatures {
    fn add(&mut self, signals: &Chosen, features: &Features) -> SleepResult<()> {
        for column in &features.table.columns {
            if self.table.columns.iter().any(|earlier| earlier.name == column.name) {
                let name = &column.name;
                return Err(SleepError::Config(format!("two features would be named {name:?}; leave a channel out")));
            }
            self.table.columns.push(column.clone());
        }
        if let (Some(spectrum), Chosen::Some(idxs)) = (features.spectra.first(), signals) {
            self.spectrum = Some(spectrum.clone());
            self.drawn_eeg = idxs.first().copied();
        }
        Ok(())
    }
}

impl Chosen {
    /// The signals themselves, with the samples of the night.
    fn of(&self, signals: &Arc<[Signal]>) -> SleepResult<Arc<[Signal]>> {
        match self {
            Self::All => Ok(Arc::clone(signals)),
            Self::Some(idxs) => Ok(idxs.iter().map(|&idx| signals[idx].clone()).collect()),
            Self::Axes(idxs) => Ok([acceleration(idxs.map(|idx| &signals[idx]))?].into()),
        }
    }
}

fn acceleration(axes: [&Signal; 3]) -> SleepResult<Signal> {
    let column = |(name, signal): (&str, &Signal)| Column::new(name, first_column(signal));
    let columns = ["x", "y", "z"].into_iter().zip(axes).map(column).collect();
    let (_, timestamps_ns, _) = axes[0].clone().into_parts();
    Signal::new(ACCELERATION, timestamps_ns, columns)
}

fn first_column(signal: &Signal) -> Samples {
    signal.columns().first().map_or_else(Samples::default, |column| column.values.clone())
}

fn plan(night: &mut Night) -> Vec<Planned> {
    let mut planned = vec![Planned {
        name: "statistics",
        about: format!("Statistics ({})", AGGREGATIONS.map(Aggregation::name).join(", ")),
        signals: Chosen::All,
        operation: Operation::Statistics { aggregations: AGGREGATIONS.to_vec() },
    }];
    planned.extend(plan_heart(night));
    planned.extend(plan_movement(night));
    planned.extend(plan_correlation(night));
    planned.extend(plan_eeg(night));
    planned
}

fn plan_heart(night: &Night) -> Vec<Planned> {
    let hrv = |role, source: HrvSource, metrics: &[HrvMetric], about: &str| {
        let idxs = night.with_role(role);
        (!idxs.is_empty()).then(|| Planned {
            name: "hrv",
            about: about.to_owned(),
            signals: Chosen::Some(idxs),
            operation: Operation::Hrv { source, metrics: metrics.to_vec() },
        })
    };
    let rr = hrv(
        Role::RrIntervals,
        HrvSource::RrIntervals,
        HrvSource::RrIntervals.all_metrics(),
        "Heart rate variability (RMSSD, SDNN, pNN50 and more)",
    );
    // The mean and the spread of the rate are among its statistics, under the very same names.
    let hr = hrv(
        Role::HeartRate,
        HrvSource::HeartRate,
        &[HrvMetric::HrCv, HrvMetric::HrRange],
        "Variability (coefficient of variation, range)",
    );
    rr.into_iter().chain(hr).collect()
}

fn plan_movement(night: &mut Night) -> Vec<Planned> {
    let idxs = night.with_role(Role::Acceleration);
    let whole = (!idxs.is_empty()).then_some(Chosen::Some(idxs));
    let axes = axes_together(night).map(Chosen::Axes);
    let movement = |signals| Planned {
        name: "movement",
        about: "Movement (magnitude, activity, stillness)".to_owned(),
        signals,
        operation: Operation::Movement { metrics: MOVEMENT.to_vec() },
    };
    whole.into_iter().chain(axes).map(movement).collect()
}

/// One channel for each axis, sampled at the same times.
fn axes_together(night: &mut Night) -> Option<[usize; 3]> {
    let first = |role| night.with_role(role).first().copied();
    let axes = [first(Role::AxisX)?, first(Role::AxisY)?, first(Role::AxisZ)?];
    let times = |axis: usize| night.signals[axis].timestamps_ns();
    if times(axes[0]) == times(axes[1]) && times(axes[0]) == times(axes[2]) {
        return Some(axes);
    }
    let names = axes.map(|axis| night.signals[axis].name().to_owned());
    night.remarks.left_out(
        &format!("movement of {}", list(&names)),
        "the axes are not sampled at the same times; export them at one rate",
    );
    None
}

fn plan_correlation(night: &Night) -> Option<Planned> {
    let first = |role| night.with_role(role).first().copied();
    let pair = [first(Role::HeartRate)?, first(Role::BreathingRate)?];
    let column = |idx: usize| night.signals[idx].columns()[0].name.clone();
    Some(Planned {
        name: "correlation",
        about: "Pearson correlation".to_owned(),
        signals: Chosen::Some(pair.to_vec()),
        operation: Operation::Correlation {
            method: CorrelationMethod::Pearson,
            first_column: column(pair[0]),
            second_column: column(pair[1]),
        },
    })
}

/// One operation per channel, as the spectra of one alone are kept.
fn plan_eeg(night: &mut Night) -> Vec<Planned> {
    let idxs = night.with_role(Role::Eeg);
    let able: Vec<(usize, EegSettings)> =
        idxs.into_iter().filter_map(|idx| Some((idx, able_eeg(night, idx)?))).collect();
    let drawn = drawn_channel(night, &able);
    let eeg = |(idx, settings): (usize, EegSettings)| {
        let spectra = if Some(idx) == drawn { Spectra::Kept } else { Spectra::Dropped };
        Planned {
            name: "eeg",
            about: "EEG band powers, Hjorth parameters, entropies and crossings".to_owned(),
            signals: Chosen::Some(vec![idx]),
            operation: Operation::Eeg(EegSettings { spectra, ..settings }),
        }
    };
    able.into_iter().map(eeg).collect()
}

/// The settings for a channel that is sampled fast enough for a spectrum; a slow one keeps its statistics.
fn able_eeg(night: &mut Night, idx: usize) -> Option<EegSettings> {
    let settings = EegSettings::new(night.channels[idx].rate_hz?);
    let possible = EegPlan::new(&settings, settings.samples_per_epoch(night.epochs.window_ns()));
    match possible {
        Ok(_) => Some(settings),
        Err(error) => {
            let name = night.signals[idx].name().to_owned();
            night.remarks.warn(&name, format!("statistics only, no EEG features: {error}"));
            None
        }
    }
}

fn drawn_channel(night: &Night, able: &[(usize, EegSettings)]) -> Option<usize> {
    let place = |idx: usize| {
        let name = night.signals[idx].name().to_lowercase();
        DRAWN_FIRST.iter().position(|known| *known == name).unwrap_or(DRAWN_FIRST.len())
    };
    able.iter().map(|(idx, _)| *idx).min_by_key(|idx| place(*idx))
}

/// Names the epochs that failed, and those in which a signal has no number at all.
fn note_missing(remarks: &mut Remarks, operation: &'static str, names: &[String], features: &Features) {
    remarks.add_failures(operation, &features.failures);
    if operation != "statistics" {
        return; // the same gaps under other names
    }
    for name in names {
        let prefix = format!("{name}|");
        let own: Vec<&Column> =
            features.table.columns.iter().filter(|column| column.name.starts_with(&prefix)).collect();
        let is_gap = |epoch: &usize| own.iter().all(|column| column.values[*epoch].is_nan());
        let gaps: Vec<usize> = (0..features.table.epoch_starts_ns.len()).filter(is_gap).collect();
        if gaps.len() == features.table.epoch_starts_ns.len() {
            remarks.warn(name, "not one number in the whole night; check the sensor, or leave it out");
        } else {
            gaps.into_iter().for_each(|epoch| remarks.add_gap(operation, name, epoch));
        }
    }
}

impl Night {
    pub(crate) fn with_role(&self, role: Role) -> Vec<usize> {
        (0..self.channels.len()).filter(|&idx| self.channels[idx].role == role).collect()
    }
}
