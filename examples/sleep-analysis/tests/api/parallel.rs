//! Many engine: the same bits for every mode and any number of workers, and a cache that never mistakes one request for another.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::Value;
use sleep_analysis::eeg::{EegSettings, Spectra};
use sleep_analysis::features::*;
use sleep_analysis::parallel::Engine;
use sleep_analysis::{
    AlignMethod, AlignRequest, AlignedSignal, AlignmentGrid, Column, EpochGrid, EpochGridSettings, Signal,
    SignalTiming, SleepError, SleepResult, SyntheticNight, parse_duration_ns, parse_time_ns, target_rate_hz,
};

use crate::golden::{Case, cases_of, golden};
use crate::ways::every_way;

const S: i64 = 1_000_000_000;

#[test]
fn golden_features_are_the_same_bits_for_every_mode_and_any_number_of_workers() {
    let Some(folder) = golden("sleep") else { return };
    let operations =
        ["feature_statistics", "compute_hrv_features", "compute_movement_features", "compute_correlation_features"];
    for operation in operations {
        for case in cases_of(&folder, operation) {
            for (idx, request) in requests_of(&case).iter().enumerate() {
                assert_same_features(request, &format!("{} run {idx}", case.name()));
            }
        }
    }
}

#[test]
fn golden_eeg_is_the_same_bits_for_every_mode_and_any_number_of_workers() {
    let Some(folder) = golden("sleep_eeg") else { return };
    for case in cases_of(&folder, "eeg_epoch_features") {
        let table = case.table("input_eeg.csv");
        let n_samples = case.description["samples_per_epoch"].as_u64().unwrap() as usize;
        let once: Vec<Vec<f64>> = table.column("uv").chunks(n_samples).map(<[f64]>::to_vec).collect();
        // As they are, and so often that they are worth sharing.
        for epochs in [once.clone(), vec![once; 10].concat()] {
            let rate_hz = case.description["fs_hz"].as_f64().unwrap();
            let settings = EegSettings { spectra: Spectra::Kept, ..EegSettings::new(rate_hz) };
            let request = cut_epochs("eeg", "uv", settings, n_samples, &epochs).unwrap();
            assert_same_features(&request, &case.name());
        }
    }
}

#[test]
fn golden_alignments_are_the_same_bits_for_every_mode_and_any_number_of_workers() {
    let Some(folder) = golden("sleep") else { return };
    let mut cases = cases_of(&folder, "apply_grid_alignment");
    cases.extend(cases_of(&folder, "align_and_combine(nearest sample within tolerance)"));
    for case in cases {
        let signals: Arc<[Signal]> = case.signals().into();
        let timings: Vec<_> = signals.iter().filter_map(|s| SignalTiming::from_timestamps(s.timestamps_ns())).collect();
        let rate_hz = target_rate_hz(&timings, case.description["user_rate_hz"].as_f64()).unwrap();
        let grid = AlignmentGrid::covering(&timings, rate_hz).unwrap();
        for method in [AlignMethod::Nearest, AlignMethod::Pad, AlignMethod::Backfill, AlignMethod::AsOf] {
            let request = AlignRequest { signals: Arc::clone(&signals), grid, method };
            let idxs: Vec<usize> = (0..signals.len()).rev().collect();
            let alone: Vec<_> = engine("serial", 1).align(&request, &idxs).unwrap().iter().map(aligned_bits).collect();
            for (mode, workers) in every_way() {
                let together = engine(mode, workers).align(&request, &idxs).unwrap();
                let together: Vec<_> = together.iter().map(aligned_bits).collect();
                assert!(together == alone, "{} {method}, {mode}, {workers} workers", case.name());
            }
        }
    }
}

#[test]
fn a_synthetic_night_is_the_same_bits_for_every_mode_and_any_number_of_workers() {
    let night = SyntheticNight::new(5).duration(std::time::Duration::from_secs(1800));
    let (plan, alone) = (night.plan().unwrap(), night.make().unwrap());
    let bits = |signal: &Signal| {
        let columns = signal.columns().iter();
        let values = columns.map(|column| column.values.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
        (signal.name().to_owned(), signal.timestamps_ns().to_vec(), values.collect::<Vec<_>>())
    };
    let alone: Vec<_> = alone.iter().map(bits).collect();
    for (mode, workers) in every_way() {
        let made = engine(mode, workers).make_night(&plan).unwrap();
        let made: Vec<_> = made.iter().map(|signal| bits(signal.as_ref().unwrap())).collect();
        assert!(made == alone, "{mode}, {workers} workers");
    }
}

#[test]
fn a_signal_that_fails_takes_no_other_with_it() {
    let signals = [one_column("a", 50), backwards("b"), one_column("c", 50), one_column("d", 50)];
    let grid = AlignmentGrid::new(0, S, 50).unwrap();
    let request = AlignRequest { signals: signals.into(), grid, method: AlignMethod::Pad };
    for (mode, workers) in every_way() {
        let results = engine(mode, workers).align(&request, &[3, 1, 0, 9]).unwrap();
        let names: Vec<_> = results.iter().map(|result| result.as_ref().map(AlignedSignal::name)).collect();
        assert_eq!((names[0], names[2]), (Ok("d"), Ok("a")));
        assert!(matches!(names[1], Err(SleepError::Signal { signal, .. }) if signal == "b"));
        assert!(matches!(names[3], Err(SleepError::Config(_))), "there is no signal 9");
    }
}

#[test]
fn progress_ends_with_everything_done_and_is_called_in_the_calling_thread() {
    for mode in ["threads", "processes"] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (teller, caller) = (Arc::clone(&seen), std::thread::current().id());
        let engine = engine(mode, 2).progress(Box::new(move |doing, done, total| {
            teller.lock().unwrap().push((doing.to_owned(), done, total, std::thread::current().id() == caller));
        }));
        engine.features(&statistics(vec![one_column("a", 2000)], 30)).unwrap();
        let progress = std::mem::take(&mut *seen.lock().unwrap());
        let (doing, done, total, _) = progress.last().unwrap().clone();
        assert_eq!((doing.as_str(), done), ("features", total), "{mode}");
        assert!(progress.iter().all(|call| call.3), "{mode}");
    }
}

#[test]
fn workers_or_chunks_of_zero_are_refused() {
    let request = statistics(vec![one_column("a", 2000)], 30);
    let refusals = ["threads", "processes"].map(|mode| {
        [engine(mode, 0), engine(mode, 2).chunk_size(0)].map(|engine| match engine.features(&request) {
            Err(SleepError::Config(reason)) => reason,
            other => panic!("{engine:?}: {other:?}"),
        })
    });
    assert_eq!(refusals[0], refusals[1]);
}

#[test]
fn the_same_request_is_known_the_second_time_even_when_it_is_built_anew() {
    let engine = engine("threads", 2);
    let build = || statistics(vec![one_column("a", 2000), one_column("b", 2000)], 30);
    let first = engine.features(&build()).unwrap();
    let second = engine.features(&build()).unwrap();
    let stats = engine.cache_stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
    assert!(Arc::ptr_eq(&first, &second));
}

#[test]
fn a_request_that_differs_in_anything_is_never_mistaken_for_a_known_one() {
    let whole = || vec![one_column("a", 700), one_column("b", 700)];
    let of = |signals: Vec<Signal>| statistics(signals, 30);
    let with = |settings: EpochGridSettings, aggregations: &[Aggregation]| {
        let signals = whole();
        let grid = EpochGrid::over_signals(&signals, settings).unwrap();
        let operation = Operation::Statistics { aggregations: aggregations.to_vec() };
        FeatureRequest::new(signals.into(), grid, operation).unwrap()
    };
    let usual = EpochGridSettings::adjoining(30 * S);
    let all = &Aggregation::ALL;
    let renamed_column = {
        let signal = one_column("b", 700);
        let columns = vec![Column::new("w", signal.columns()[0].values.clone())];
        Signal::new("b", signal.timestamps_ns().to_vec(), columns).unwrap()
    };
    let changes = [
        ("nothing", of(whole())),
        ("a shorter list of aggregations", with(usual, &all[..5])),
        ("another order of aggregations", with(usual, &[&all[1..], &all[..1]].concat())),
        ("the window of the grid", with(EpochGridSettings { window_ns: 31 * S, ..usual }, all)),
        ("the window of the request", of(whole()).with_window_ns(31 * S).unwrap()),
        ("the step", with(EpochGridSettings { step_ns: 29 * S, ..usual }, all)),
        ("the start", with(EpochGridSettings { start_ns: Some(1), ..usual }, all)),
        ("the end", with(EpochGridSettings { end_ns: Some(100 * S), ..usual }, all)),
        ("the order of signals", of(whole().into_iter().rev().collect())),
        ("a signal less", of(vec![one_column("a", 700)])),
        ("a signal's name", of(vec![one_column("a", 700), one_column("c", 700)])),
        ("a column's name", of(vec![one_column("a", 700), renamed_column])),
        ("the operation", {
            let operation = Operation::Movement { metrics: vec![MovementMetric::XStd] };
            FeatureRequest::new(whole().into(), EpochGrid::over_signals(&whole(), usual).unwrap(), operation).unwrap()
        }),
    ];
    let engine = engine("serial", 1);
    for (number, (what, request)) in changes.iter().enumerate() {
        let features = engine.features(request).unwrap();
        let stats = engine.cache_stats();
        assert_eq!((stats.hits, stats.misses as usize), (0, number + 1), "{what}");
        assert_eq!(bits(&features), bits(&fresh(request)), "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_single_changed_bit_of_a_sample_or_timestamp_is_a_miss(
        row in 0_usize..200, bit in 0_u32..63, in_second in any::<bool>(), of_time in any::<bool>(),
    ) {
        let whole = [one_column("a", 200), one_column("b", 200)];
        let grid = EpochGrid::over_signals(&whole, EpochGridSettings::adjoining(10 * S)).unwrap();
        let request = |signals: [Signal; 2]| {
            let operation = Operation::Statistics { aggregations: vec![Aggregation::Median] };
            FeatureRequest::new(signals.into(), grid, operation)
        };
        let mut changed = whole.clone();
        let signal = &mut changed[usize::from(in_second)];
        let (mut times, mut values) = (signal.timestamps_ns().to_vec(), signal.columns()[0].values.to_vec());
        if of_time { times[row] ^= 1 << (bit % 29) } else { values[row] = f64::from_bits(values[row].to_bits() ^ 1 << bit) }
        *signal = Signal::new(signal.name(), times, vec![Column::new("v", values)]).unwrap();
        let engine = engine("serial", 1);
        engine.features(&request(whole).unwrap()).unwrap();
        let changed = request(changed).unwrap();
        let features = engine.features(&changed).unwrap();
        prop_assert_eq!((engine.cache_stats().hits, engine.cache_stats().misses), (0, 2));
        prop_assert_eq!(bits(&features), bits(&fresh(&changed)));
    }

    #[test]
    fn any_signals_give_the_same_bits_for_every_mode_and_any_number_of_workers(
        values in prop::collection::vec(prop_oneof![5 => -1e3..1e3_f64, 1 => Just(f64::NAN)], 200..600),
        chunk_size in 1_usize..9,
    ) {
        let timestamps: Vec<i64> = (0..values.len() as i64).map(|row| row * S / 3).collect();
        let columns = ["x", "y", "z", "hr"].iter().enumerate().map(|(shift, name)| {
            let shifted = values.iter().copied().cycle().skip(shift * 7).take(values.len());
            Column::new(*name, shifted.collect::<Vec<_>>())
        });
        let signal = |name: &str| Signal::new(name, timestamps.clone(), columns.clone().collect()).unwrap();
        let signals: Arc<[Signal]> = [signal("a"), signal("b")].into();
        let grid = EpochGrid::over_signals(&signals, EpochGridSettings::adjoining(2 * S)).unwrap();
        let operations = [
            Operation::Statistics { aggregations: Aggregation::ALL.to_vec() },
            Operation::Hrv { source: HrvSource::HeartRate, metrics: HrvSource::HeartRate.all_metrics().to_vec() },
            Operation::Movement { metrics: MovementMetric::ALL.to_vec() },
            Operation::Correlation { method: CorrelationMethod::Spearman, first_column: "x".into(), second_column: "y".into() },
        ];
        for operation in operations {
            let request = FeatureRequest::new(Arc::clone(&signals), grid, operation).unwrap();
            let alone = bits(&fresh(&request));
            for (mode, workers) in [("threads", 2), ("threads", 5), ("processes", 2)] {
                let together = engine(mode, workers).chunk_size(chunk_size).features(&request).unwrap();
                prop_assert_eq!(&bits(&together), &alone, "{}", mode);
            }
        }
    }
}

/// The requests of a case's runs.
fn requests_of(case: &Case) -> Vec<FeatureRequest> {
    let signals: Arc<[Signal]> = case.signals().into();
    let time = |name: &str| case.description[name].as_str().map(|text| parse_time_ns(text).unwrap());
    let length = |name: &str| parse_duration_ns(case.description[name].as_str().unwrap()).unwrap();
    let settings = EpochGridSettings {
        window_ns: length("window_length"),
        step_ns: length("step_size"),
        start_ns: time("grid_start_override"),
        end_ns: time("grid_end_override"),
    };
    let grid = EpochGrid::over_signals(&signals, settings).unwrap();
    let request = |run: &Value| {
        let operation = operation_of(case.description["operation"].as_str().unwrap(), &run["parameters"]);
        let request = FeatureRequest::new(Arc::clone(&signals), grid, operation).unwrap();
        match run["parameters"]["window_length"].as_str() {
            Some(window) => request.with_window_ns(parse_duration_ns(window).unwrap()).unwrap(),
            None => request,
        }
    };
    case.description["runs"].as_array().unwrap().iter().map(request).collect()
}

/// Every feature of the kind: which of them a run asks for is compared elsewhere.
fn operation_of(name: &str, parameters: &Value) -> Operation {
    let column = |name: &str| parameters[name].as_str().unwrap().to_owned();
    match name {
        "feature_statistics" => Operation::Statistics { aggregations: Aggregation::ALL.to_vec() },
        "compute_hrv_features" => {
            let uses_intervals = parameters["use_rr_intervals"] == true;
            let source = if uses_intervals { HrvSource::RrIntervals } else { HrvSource::HeartRate };
            Operation::Hrv { source, metrics: source.all_metrics().to_vec() }
        }
        "compute_movement_features" => Operation::Movement { metrics: MovementMetric::ALL.to_vec() },
        _ => Operation::Correlation {
            method: parameters["method"].as_str().unwrap_or("pearson").parse().unwrap(),
            first_column: column("signal1_column"),
            second_column: column("signal2_column"),
        },
    }
}

#[track_caller]
fn assert_same_features(request: &FeatureRequest, what: &str) {
    let alone = fresh(request);
    for (mode, workers) in every_way() {
        let together = engine(mode, workers).features(request).unwrap();
        assert!(bits(&together) == bits(&alone), "{what}, {mode}, {workers} workers");
        let failures = |features: &Features| {
            let mut messages: Vec<String> = features.failures.iter().map(ToString::to_string).collect();
            messages.sort();
            messages
        };
        assert_eq!(failures(&together), failures(&alone), "{what}, {mode}, {workers} workers");
    }
}

/// The result without an engine: all epochs as one batch.
fn fresh(request: &FeatureRequest) -> Features {
    let whole = epoch_features(request, &(0..request.grid().n_epochs())).unwrap();
    collect_blocks(request, [whole]).unwrap()
}

fn engine(mode: &str, workers: usize) -> Engine {
    Engine::new(mode.parse().unwrap()).workers(workers)
}

fn bits(features: &Features) -> Vec<Vec<u64>> {
    let of = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect();
    let columns = features.table.columns.iter().map(|column| of(&column.values));
    columns.chain(features.spectra.iter().map(|spectrum| of(&spectrum.densities))).collect()
}

/// The times and bits of a signal that was aligned, or why it was not.
type Bits = Result<(Vec<i64>, Vec<Vec<u64>>), String>;

fn aligned_bits(aligned: &SleepResult<AlignedSignal>) -> Bits {
    let signal = aligned.as_ref().map_err(ToString::to_string)?;
    let values = |column: &Column| column.values.iter().map(|value| value.to_bits()).collect();
    Ok((signal.timestamps_ns().collect(), signal.columns().iter().map(values).collect()))
}

fn statistics(signals: Vec<Signal>, window_s: i64) -> FeatureRequest {
    let grid = EpochGrid::over_signals(&signals, EpochGridSettings::adjoining(window_s * S)).unwrap();
    FeatureRequest::new(signals.into(), grid, Operation::Statistics { aggregations: Aggregation::ALL.to_vec() })
        .unwrap()
}

/// A signal at 1 Hz whose samples go up and down.
fn one_column(name: &str, n_samples: i32) -> Signal {
    let timestamps: Vec<_> = (0..i64::from(n_samples)).map(|second| second * S).collect();
    let values: Vec<f64> = (0..n_samples).map(|second| f64::from(second * 7919 % 101) / 3.0).collect();
    Signal::new(name, timestamps, vec![Column::new("v", values)]).unwrap()
}

fn backwards(name: &str) -> Signal {
    Signal::new(name, vec![S, 0], vec![Column::new("v", vec![1.0, 2.0])]).unwrap()
}
