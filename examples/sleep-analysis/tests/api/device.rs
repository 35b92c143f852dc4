//! Spectra from a graphics processor: how far they agree with the cores', what epochs they are for, and what happens without a device.
//!
//! The tests of a device print a line beginning with `SKIPPED:` where there is none, and fail there when `MANYHANDS_REQUIRE_GPU` is set.

use std::f64::consts::TAU;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use manyhands::{AnyMode, Processes};
use sleep_analysis::device::*;
use sleep_analysis::eeg::{EegSettings, Spectra as KeptSpectra};
use sleep_analysis::features::*;
use sleep_analysis::parallel::Engine;
use sleep_analysis::{
    Column, EDF_COLUMN, EdfFile, EpochGrid, EpochGridSettings, Signal, SignalKind, SleepError, SyntheticNight,
};

use crate::edf::real_night;

const S: i64 = 1_000_000_000;
const EPOCH_NS: i64 = 30 * S;

// ---- Densities from elsewhere ----

#[test]
fn features_from_densities_in_single_precision_agree_with_those_from_samples() {
    for request in [made_night(), recording_with_flaws()] {
        let given = request.clone().with_densities(computed_on_a_core(&request)).unwrap();
        assert_agree(&whole(&given), &whole(&request));
    }
}

#[test]
fn gaps_missing_numbers_and_equal_samples_keep_their_results_to_the_last_bit() {
    let request = recording_with_flaws();
    assert_eq!(SpectrumEpochs::of(&request).unwrap().epochs().len(), 2);
    let given = request.clone().with_densities(computed_on_a_core(&request)).unwrap();
    let (given, own) = (whole(&given), whole(&request));
    assert_eq!(given.failures, own.failures);
    assert_eq!(own.failures.iter().map(|failure| failure.epoch).collect::<Vec<_>>(), [1, 3]);
    for epoch in 1..5 {
        let row = |night: &Features| -> Vec<u64> {
            night.table.columns.iter().map(|column| column.values[epoch].to_bits()).collect()
        };
        assert_eq!(row(&given), row(&own), "epoch {epoch}");
    }
}

#[test]
fn densities_give_the_same_features_in_every_mode_and_travel_with_their_request() {
    let request = made_night();
    let request = request.clone().with_densities(computed_on_a_core(&request)).unwrap();
    let bytes = postcard::to_allocvec(&request).unwrap();
    let travelled: FeatureRequest = postcard::from_bytes(&bytes).unwrap();
    assert!(travelled.densities() == request.densities() && travelled.densities().is_some());
    let alone = whole(&request);
    for mode in [AnyMode::Serial, "threads".parse().unwrap(), AnyMode::Processes(Processes::new())] {
        let features = Engine::new(mode).workers(2).features(&request).unwrap();
        assert!(bits(&features) == bits(&alone), "{mode:?}");
    }
}

#[test]
fn features_of_a_device_and_of_the_cores_are_cached_apart() {
    let request = made_night();
    let given = request.clone().with_densities(computed_on_a_core(&request)).unwrap();
    let engine = Engine::new(AnyMode::Serial);
    let both = [&request, &given, &request, &given].map(|request| engine.features(request).unwrap());
    assert_eq!((engine.cache_stats().hits, engine.cache_stats().misses), (2, 2));
    assert!(Arc::ptr_eq(&both[0], &both[2]) && Arc::ptr_eq(&both[1], &both[3]));
    assert!(bits(&both[0]) != bits(&both[1]));
}

#[test]
fn densities_of_other_epochs_are_refused() {
    let request = made_night();
    let wanted = SpectrumEpochs::of(&request).unwrap();
    let (n_epochs, n_bins) = (wanted.epochs().len(), wanted.plan().n_bins());
    let config = |densities: Vec<Vec<f64>>| match wanted.densities(densities) {
        Err(SleepError::Config(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert!(config(vec![vec![1.0; n_bins]; n_epochs - 1]).contains("give one for each"));
    assert!(config(vec![vec![1.0; n_bins + 1]; n_epochs]).contains("bins"));

    let densities = wanted.densities(vec![vec![1.0; n_bins]; n_epochs]).unwrap();
    let other = FeatureRequest::new(request.signals().into(), *request.grid(), statistics()).unwrap();
    assert!(matches!(other.with_densities(densities.clone()), Err(SleepError::Config(_))));
    assert!(matches!(recording_with_flaws().with_densities(densities.clone()), Err(SleepError::Config(_))));
    // Another window has other epochs.
    let with = request.clone().with_densities(densities).unwrap();
    assert!(with.densities().is_some());
    assert!(with.with_window_ns(20 * S).unwrap().densities().is_none());
}

#[test]
fn densities_that_no_spectrum_has_are_refused_by_epoch_and_signal() {
    let request = made_night();
    let wanted = SpectrumEpochs::of(&request).unwrap();
    for spoilt in [f64::INFINITY, f64::NAN, -1.0] {
        let mut densities = vec![vec![1.0; wanted.plan().n_bins()]; wanted.epochs().len()];
        densities[7][3] = spoilt;
        let error = wanted.densities(densities).unwrap_err().to_string();
        assert!(error.contains("\"C3\"") && error.contains(&format!("epoch 7 is {spoilt} in bin 3")), "{error}");
    }
}

#[test]
fn each_column_of_each_signal_has_densities_of_its_own() {
    let columns = vec![sine_column("one", 3.0, 60), sine_column("two", 11.0, 60)];
    let request = request(vec![signal("a", 60, columns), signal("b", 60, vec![sine_column("three", 20.0, 60)])]);
    let given = request.clone().with_densities(computed_on_a_core(&request)).unwrap();
    assert_agree(&whole(&given), &whole(&request));
}

// ---- Which place computes ----

#[test]
fn the_cores_compute_without_looking_for_a_device() {
    let request = made_night();
    let spectra = find_spectra(vec![request.clone()], DeviceChoice::Cpu, 2, || panic!("a device was looked for"));
    assert_on_cores(&spectra, &[request], None);
}

#[test]
fn auto_looks_for_no_device_for_little_work() {
    let request = made_night();
    let spectra = find_spectra(vec![request.clone()], DeviceChoice::Auto, 1 << 20, || panic!("looked for"));
    assert_on_cores(&spectra, &[request], None);
}

#[test]
fn a_device_that_is_asked_for_and_absent_leaves_the_requests_as_they_are_and_says_why() {
    let requests = [statistics_request(), made_night()];
    let spectra = find_spectra(requests.to_vec(), DeviceChoice::Gpu, 2, || {
        Err(GpuError::NoDevice { reason: "nothing here".into() })
    });
    assert_on_cores(&spectra, &requests, Some("nothing here"));
}

#[test]
fn without_eeg_there_is_nothing_for_a_device_to_do_and_that_is_said() {
    let requests = [statistics_request()];
    let spectra = find_spectra(requests.to_vec(), DeviceChoice::Gpu, 2, || panic!("a device was looked for"));
    assert_on_cores(&spectra, &requests, Some("no channel has an EEG epoch"));
    let spectra = find_spectra(requests.to_vec(), DeviceChoice::Auto, 2, || panic!("a device was looked for"));
    assert_on_cores(&spectra, &requests, None);
}

// ---- On a device ----

#[test]
fn a_device_computes_the_spectra_of_the_made_night_within_the_tolerance() {
    let Some(device) = device(&DeviceSettings::default()) else { return };
    compare_with_the_cores(&[made_night(), recording_with_flaws(), statistics_request()], &device);
}

#[test]
fn a_device_computes_the_spectra_of_a_recording_within_the_tolerance() {
    let Some(device) = device(&DeviceSettings::default()) else { return };
    let Some(path) = real_night() else { return };
    let edf = EdfFile::open(&path).unwrap();
    let names: Vec<&str> = edf.channels().iter().map(|channel| channel.name.as_str()).collect();
    let signals = edf.read_channels(&names).unwrap().signals;
    let rate_hz = |name: &str| edf.channels().iter().find(|channel| channel.name == name).unwrap().rate_hz;
    let fast =
        signals.into_iter().filter(|signal| rate_hz(signal.name()) >= 100.0 && signal.column(EDF_COLUMN).is_some());
    let requests: Vec<FeatureRequest> = fast
        .filter_map(|signal| {
            let rate_hz = rate_hz(signal.name());
            let grid = EpochGrid::over_signals(std::slice::from_ref(&signal), EpochGridSettings::adjoining(EPOCH_NS));
            FeatureRequest::new([signal].into(), grid.unwrap(), Operation::Eeg(settings(rate_hz))).ok()
        })
        .collect();
    assert!(requests.len() > 3, "{}", requests.len());
    compare_with_the_cores(&requests, &device);
}

#[test]
fn a_device_that_is_lost_leaves_the_whole_night_to_the_cores() {
    let Some(device) = device(&DeviceSettings::default()) else { return };
    device.lose();
    let requests = [made_night(), statistics_request()];
    let spectra = find_spectra(requests.to_vec(), DeviceChoice::Gpu, 2, || Ok(device.clone()));
    assert_on_cores(&spectra, &requests, Some("lost"));
}

#[test]
fn a_device_with_too_little_memory_for_the_second_channel_computes_neither() {
    let settings = DeviceSettings { memory_limit: Some(2 << 20), ..DeviceSettings::default() };
    let Some(device) = device(&settings) else { return };
    let small = request(vec![signal("small", 60, vec![sine_column("uv", 10.0, 60)])]);
    let find = || Ok(device.clone());
    let alone = find_spectra(vec![small.clone()], DeviceChoice::Gpu, 2, find);
    assert!(matches!(alone.ran, Ran::Gpu { .. }), "{:?}", alone.fell_back);
    // One epoch of a whole day at 100 Hz.
    let length_s = 24 * 3600;
    let day = signal("day", length_s, vec![sine_column("uv", 10.0, length_s)]);
    let grid = EpochGrid::over_spans([(0, length_s * S)], EpochGridSettings::adjoining(length_s * S)).unwrap();
    let large = FeatureRequest::new([day].into(), grid, Operation::Eeg(self::settings(100.0))).unwrap();
    let requests = [small, large];
    let spectra = find_spectra(requests.to_vec(), DeviceChoice::Gpu, 2, find);
    assert_on_cores(&spectra, &requests, Some("do not fit"));
}

fn compare_with_the_cores(requests: &[FeatureRequest], device: &Device) {
    let spectra = find_spectra(requests.to_vec(), DeviceChoice::Gpu, 2, || Ok(device.clone()));
    assert_eq!((&spectra.fell_back, &spectra.measured), (&None, &None));
    assert_eq!(spectra.ran, Ran::Gpu { name: device.name().to_owned() });
    for (given, own) in spectra.requests.iter().zip(requests) {
        assert_eq!(given.densities().is_some(), matches!(own.operation(), Operation::Eeg(_)));
        assert_agree(&whole(given), &whole(own));
    }
}

/// The device, or none and a loud line.
pub(crate) fn device(settings: &DeviceSettings) -> Option<Device> {
    match Device::find_with(settings) {
        Ok(device) => Some(device),
        Err(error) => {
            let required = std::env::var_os("MANYHANDS_REQUIRE_GPU").is_some();
            assert!(!required, "a graphics processor is required: {error}");
            // Not `eprintln`, which a test that passes keeps to itself.
            writeln!(std::io::stderr(), "SKIPPED: no spectra were computed on a device: {error}")
                .expect("the terminal takes a line");
            None
        }
    }
}

// ---- Requests, and when results agree ----

fn settings(rate_hz: f64) -> EegSettings {
    EegSettings { spectra: KeptSpectra::Kept, ..EegSettings::new(rate_hz) }
}

fn statistics() -> Operation {
    Operation::Statistics { aggregations: Aggregation::ALL.to_vec() }
}

fn statistics_request() -> FeatureRequest {
    let request = made_night();
    FeatureRequest::new(request.signals().into(), *request.grid(), statistics()).unwrap()
}

/// Half an hour of the made EEG.
fn made_night() -> FeatureRequest {
    let night = SyntheticNight::new(3).duration(Duration::from_secs(1800)).kinds([SignalKind::ALL[0]]).make().unwrap();
    request(night)
}

fn request(signals: Vec<Signal>) -> FeatureRequest {
    let grid = EpochGrid::over_signals(&signals, EpochGridSettings::adjoining(EPOCH_NS)).unwrap();
    FeatureRequest::new(signals.into(), grid, Operation::Eeg(settings(100.0))).unwrap()
}

/// Six epochs: an ordinary one, one with a gap, one of equal samples, one with a missing number, one with an infinite sample, an
/// ordinary one on a high plateau.
fn recording_with_flaws() -> FeatureRequest {
    let mut values = sine_column("uv", 10.0, 180).values.to_vec();
    values[6000..9000].fill(7.25);
    values[10_000] = f64::NAN;
    values[13_000] = f64::INFINITY;
    values[15_000..].iter_mut().for_each(|value| *value += 1e4);
    let keep = |row: &usize| !(4000..4100).contains(row);
    let times: Vec<i64> = (0..values.len()).filter(keep).map(|row| row as i64 * S / 100).collect();
    let kept: Vec<f64> = (0..values.len()).filter(keep).map(|row| values[row]).collect();
    let signal = Signal::new("C4", times, vec![Column::new("uv", kept)]).unwrap();
    let grid = EpochGrid::over_spans([(0, 180 * S)], EpochGridSettings::adjoining(EPOCH_NS)).unwrap();
    FeatureRequest::new([signal].into(), grid, Operation::Eeg(settings(100.0))).unwrap()
}

fn signal(name: &str, length_s: i64, columns: Vec<Column>) -> Signal {
    let times: Vec<i64> = (0..length_s * 100).map(|row| row * S / 100).collect();
    Signal::new(name, times, columns).unwrap()
}

/// A sine with a little of another one, at 100 Hz.
fn sine_column(name: &str, hz: f64, length_s: i64) -> Column {
    let at = |row: i64| {
        let turns = TAU * row as f64 / 100.0;
        30.0 * (hz * turns).sin() + 2.0 * (1.7 * hz * turns).cos()
    };
    Column::new(name, (0..length_s * 100).map(at).collect::<Vec<f64>>())
}

/// The plan's own densities, rounded to single precision: a double of a device.
fn computed_on_a_core(request: &FeatureRequest) -> Densities {
    let wanted = SpectrumEpochs::of(request).unwrap();
    let mut plan = wanted.plan().clone();
    let mut density = |epoch: &&[f64]| -> Vec<f64> {
        plan.density(epoch).unwrap().iter().map(|value| f64::from(*value as f32)).collect()
    };
    wanted.densities(wanted.epochs().iter().map(&mut density).collect()).unwrap()
}

fn whole(request: &FeatureRequest) -> Features {
    let n_epochs = request.grid().n_epochs();
    collect_blocks(request, [epoch_features(request, &(0..n_epochs)).unwrap()]).unwrap()
}

fn assert_on_cores(spectra: &Spectra, requests: &[FeatureRequest], reason: Option<&str>) {
    assert_eq!((&spectra.ran, &spectra.measured), (&Ran::Cpu, &None));
    assert!(bits_of_requests(&spectra.requests) == bits_of_requests(requests));
    match (&spectra.fell_back, reason) {
        (None, None) => (),
        (Some(said), Some(reason)) => assert!(said.contains(reason), "{said}"),
        (said, reason) => panic!("{said:?} where {reason:?} is expected"),
    }
}

/// Compared as bytes, in which a NaN equals itself.
fn bits_of_requests(requests: &[FeatureRequest]) -> Vec<Vec<u8>> {
    requests.iter().map(|request| postcard::to_allocvec(request).unwrap()).collect()
}

fn bits(night: &Features) -> Vec<Vec<u64>> {
    let of = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect();
    let columns = night.table.columns.iter().map(|column| of(&column.values));
    columns.chain(night.spectra.iter().map(|spectrum| of(&spectrum.densities))).collect()
}

/// Densities within the share of each epoch's largest bin, what comes from them within the share of the total power, and what does not
/// to the last bit.
fn assert_agree(given: &Features, own: &Features) {
    assert_eq!(given.failures, own.failures);
    for (given, own) in given.spectra.iter().zip(&own.spectra) {
        for epoch in 0..own.densities.len() / own.frequencies_hz.len() {
            let full_scale = own.density(epoch).iter().copied().fold(0.0, f64::max);
            for (given, own) in given.density(epoch).iter().zip(own.density(epoch)) {
                assert_within(*given, *own, DENSITY_TOLERANCE * full_scale, "a density");
            }
        }
    }
    for (given, column) in given.table.columns.iter().zip(&own.table.columns) {
        let (source, feature) = split(&column.name);
        let total = own.table.columns.iter().find(|one| one.name == format!("{source}_abs_total"));
        for (epoch, (&given, &own)) in given.values.iter().zip(&column.values).enumerate() {
            let tolerance = match feature {
                _ if feature.starts_with("abs_") => BAND_POWER_TOLERANCE * total.unwrap().values[epoch],
                _ if feature.starts_with("rel_") => BAND_POWER_TOLERANCE,
                "spectral_entropy_welch" => BAND_POWER_TOLERANCE,
                _ => 0.0,
            };
            assert_within(given, own, tolerance, &format!("{} of epoch {epoch}", column.name));
        }
    }
}

/// `C3|uv_abs_Alpha` as source and feature; the columns here have no `_` in their names.
fn split(name: &str) -> (&str, &str) {
    name.split_once('_').unwrap_or((name, ""))
}

#[track_caller]
fn assert_within(given: f64, own: f64, tolerance: f64, what: &str) {
    let is_within =
        given.to_bits() == own.to_bits() || (given - own).abs() <= tolerance || given.is_nan() && own.is_nan();
    assert!(is_within, "{what}: {given} where {own} within {tolerance:e} is expected");
}
