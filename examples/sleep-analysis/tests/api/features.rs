//! Statistics, heart rate variability, movement and correlation: the golden cases, naive doubles, and batches.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;
use sleep_analysis::features::*;
use sleep_analysis::{
    Column, EpochGrid, EpochGridSettings, Samples, Signal, SleepError, SleepResult, parse_duration_ns, parse_time_ns,
};

use crate::golden::{Case, assert_close, assert_same, cases_of, golden};

const S: i64 = 1_000_000_000;

/// Features that the golden files give to the last bit.
const EXACT: [&str; 5] = ["_min", "_max", "_median", "activity_count", "hr_range"];

#[test]
fn golden_statistics_are_met() {
    compare_with_golden_cases("feature_statistics", |parameters| {
        let aggregations = match names(&parameters["aggregations"]) {
            Some(names) => Aggregation::select(names).known,
            None => Aggregation::DEFAULT.to_vec(),
        };
        Operation::Statistics { aggregations }
    });
}

#[test]
fn golden_heart_rate_variability_is_met() {
    compare_with_golden_cases("compute_hrv_features", |parameters| {
        let uses_intervals = parameters["use_rr_intervals"] == true;
        let source = if uses_intervals { HrvSource::RrIntervals } else { HrvSource::HeartRate };
        let metrics = match names(&parameters["hrv_metrics"]) {
            Some(names) => source.select(names).all_known().unwrap(),
            None => source.default_metrics().to_vec(),
        };
        Operation::Hrv { source, metrics }
    });
}

#[test]
fn golden_movement_is_met() {
    compare_with_golden_cases("compute_movement_features", |parameters| Operation::Movement {
        metrics: match names(&parameters["movement_metrics"]) {
            Some(names) => MovementMetric::select(names).all_known().unwrap(),
            None => MovementMetric::ALL.to_vec(),
        },
    });
}

#[test]
fn golden_correlations_are_met() {
    compare_with_golden_cases("compute_correlation_features", |parameters| Operation::Correlation {
        method: parameters["method"].as_str().map_or(Ok(CorrelationMethod::Pearson), str::parse).unwrap(),
        first_column: parameters["signal1_column"].as_str().unwrap().into(),
        second_column: parameters["signal2_column"].as_str().unwrap().into(),
    });
}

#[test]
fn a_missing_column_fails_its_own_signal_and_no_other() {
    let signals = [one_column("belt", "effort", 40), one_column("watch", "hr", 40)];
    let operation = Operation::Hrv { source: HrvSource::HeartRate, metrics: vec![HrvMetric::HrMean] };
    let request = request(signals, operation).unwrap();
    assert_eq!(request.missing_columns(), [("belt", "hr")]);
    let night = whole_night(&request);
    assert_eq!(night.table.columns[1].values, [15.0, 34.5]);
    assert!(night.table.columns[0].values.iter().all(|value| value.is_nan()));
    let failed: Vec<String> = night.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        failed,
        ["epoch 0, signal \"belt\": there is no column \"hr\"", "epoch 1, signal \"belt\": there is no column \"hr\""]
    );
}

#[test]
fn an_axis_that_is_missing_fails_its_own_signal_and_no_other() {
    let whole = ["x", "y", "z"].map(|axis| column(axis, (0..40).map(f64::from)));
    let timestamps: Vec<i64> = (0..40).map(|second| second * S).collect();
    let signals = [
        Signal::new("flat", timestamps.clone(), whole[..2].to_vec()).unwrap(),
        Signal::new("whole", timestamps, whole.to_vec()).unwrap(),
    ];
    let request = request(signals, Operation::Movement { metrics: vec![MovementMetric::MagnitudeMax] }).unwrap();
    assert_eq!(request.missing_columns(), [("flat", "z")]);
    let night = whole_night(&request);
    assert!(night.table.columns[0].values.iter().all(|value| value.is_nan()));
    assert_close(night.table.columns[1].values[1], 39.0 * 3.0_f64.sqrt(), 0.0, "largest");
    assert_eq!(night.failures.len(), 2);
}

#[test]
fn a_missing_column_on_either_side_fails_a_correlation_with_its_name() {
    let signals = || [one_column("a", "v", 40), one_column("b", "w", 40)];
    for (columns, failed) in [(["v", "nope"], vec!["b"]), (["nope", "w"], vec!["a"]), (["x", "y"], vec!["a", "b"])] {
        let night = whole_night(&request(signals(), correlation(CorrelationMethod::Pearson, columns)).unwrap());
        let mut named: Vec<&str> = night.failures.iter().map(|failure| failure.signal.as_str()).collect();
        named.dedup();
        assert_eq!(named, failed);
        assert_eq!(night.failures.len(), 2 * failed.len());
        assert!(night.table.columns[0].values.iter().all(|value| value.is_nan()));
    }
}

#[test]
fn a_request_that_makes_no_sense_is_refused_when_it_is_built() {
    let mean = || Operation::Statistics { aggregations: vec![Aggregation::Mean] };
    let hr = || one_column("hr", "hr", 40);
    let refused = |signals: Vec<Signal>, operation| match request(signals, operation) {
        Err(SleepError::Config(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert!(refused(vec![], mean()).contains("at least one"));
    assert!(refused(vec![hr(), hr()], mean()).contains("\"hr\" appears twice"));
    assert!(refused(vec![hr()], Operation::Statistics { aggregations: vec![] }).contains("no aggregation"));
    let twice = Operation::Movement { metrics: vec![MovementMetric::XStd, MovementMetric::XStd] };
    assert!(refused(vec![hr()], twice).contains("twice"));
    let foreign = Operation::Hrv { source: HrvSource::HeartRate, metrics: vec![HrvMetric::Sdnn] };
    assert!(refused(vec![hr()], foreign).contains("sdnn"));
    assert!(refused(vec![hr()], correlation(CorrelationMethod::Pearson, ["hr", "hr"])).contains("exactly two"));
    let no_window = request([hr()], mean()).unwrap().with_window_ns(0);
    assert!(matches!(no_window, Err(SleepError::Config(_))));
    let backwards = Signal::new("back", vec![60 * S, 0], vec![column("v", [1.0, 2.0])]).unwrap();
    assert!(matches!(request([backwards], mean()), Err(SleepError::Signal { signal, .. }) if signal == "back"));
    assert!("cosine".parse::<CorrelationMethod>().unwrap_err().to_string().contains("cosine"));
}

#[test]
fn unknown_names_are_listed_and_known_ones_kept_once_in_the_order_asked() {
    let selection = Aggregation::select(["median", "bogus", "mean", "median", "MEAN"]);
    assert_eq!(selection.known, [Aggregation::Median, Aggregation::Mean]);
    assert_eq!(selection.unknown, ["bogus", "MEAN"]);
    assert_eq!(HrvSource::RrIntervals.select(["sdnn", "all"]).unknown, ["all"]);
}

#[test]
fn blocks_are_refused_out_of_order_with_a_hole_or_from_another_request() {
    let signals = || [one_column("hr", "hr", 100)];
    let request = request(signals(), Operation::Statistics { aggregations: Aggregation::ALL.to_vec() }).unwrap();
    let block = |epochs| epoch_features(&request, &epochs).unwrap();
    assert!(matches!(collect_blocks(&request, [block(0..2), block(3..4)]), Err(SleepError::Range(_))));
    assert!(matches!(collect_blocks(&request, [block(2..4), block(0..2)]), Err(SleepError::Range(_))));
    assert!(matches!(collect_blocks(&request, [block(0..3)]), Err(SleepError::Range(_))));
    assert!(matches!(epoch_features(&request, &(3..5)), Err(SleepError::Range(_))));
    let other = Operation::Statistics { aggregations: vec![Aggregation::Mean] };
    let other = FeatureRequest::new(signals().into(), *request.grid(), other).unwrap();
    assert!(matches!(collect_blocks(&other, [block(0..4)]), Err(SleepError::Config(_))));
}

#[test]
fn a_lost_batch_takes_no_other_epoch_with_it() {
    let request =
        request([one_column("hr", "hr", 100)], Operation::Statistics { aggregations: vec![Aggregation::Max] });
    let request = request.unwrap();
    let blocks = [
        epoch_features(&request, &(0..1)).unwrap(),
        FeatureBlock::lost(&request, 1..3, "out of memory"),
        epoch_features(&request, &(3..4)).unwrap(),
    ];
    let night = collect_blocks(&request, blocks).unwrap();
    let values = &night.table.columns[0].values;
    assert_eq!((values[0], values[3]), (30.0, 99.0));
    assert!(values[1].is_nan() && values[2].is_nan());
    assert_eq!(night.failures.iter().map(|failure| failure.epoch).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn requests_and_blocks_survive_travelling_and_broken_ones_are_refused() {
    let request =
        request([one_column("a", "v", 40)], Operation::Statistics { aggregations: Aggregation::ALL.to_vec() });
    let request = request.unwrap().with_window_ns(7 * S).unwrap();
    let bytes = postcard::to_allocvec(&request).unwrap();
    assert_eq!(postcard::from_bytes::<FeatureRequest>(&bytes).unwrap(), request);
    let block = FeatureBlock::lost(&request, 0..1, "gone");
    let travelled: FeatureBlock = postcard::from_bytes(&postcard::to_allocvec(&block).unwrap()).unwrap();
    assert_eq!(travelled.failures, block.failures);
    assert_eq!(travelled.columns[0].len(), 1);
    let error = SleepError::Range("nowhere".into());
    assert_eq!(postcard::from_bytes(&postcard::to_allocvec(&error).unwrap()), Ok(error));

    let with_window = |window_ns: i64| (request.signals(), request.grid(), request.operation(), window_ns, None::<()>);
    let parts = postcard::to_allocvec(&with_window(request.window_ns())).unwrap();
    assert_eq!(postcard::from_bytes::<FeatureRequest>(&parts).unwrap(), request);
    let no_window = with_window(0);
    let refused = postcard::from_bytes::<FeatureRequest>(&postcard::to_allocvec(&no_window).unwrap());
    assert!(refused.is_err());
    let ragged = ("a", Samples::from(vec![1_i64, 2]), vec![column("v", [1.0])]);
    assert!(postcard::from_bytes::<Signal>(&postcard::to_allocvec(&ragged).unwrap()).is_err());
}

#[test]
fn a_slope_on_a_high_plateau_keeps_its_variance() {
    let offset: Vec<f64> = (0..31).map(|i| 1e9 + f64::from(i % 2)).collect();
    let expected = 240.0 / 31.0 / 30.0;
    assert_close(statistics(&offset).var, expected, 0.0, "variance at 1e9");
}

#[test]
fn a_constant_series_correlates_with_nothing_even_when_its_mean_is_rounded() {
    let constant = [0.1; 7];
    let rising: Vec<f64> = (0..7).map(f64::from).collect();
    for coefficient in [pearson, spearman, kendall] {
        assert!(coefficient(&constant, &rising).is_nan());
        assert!(coefficient(&rising, &constant).is_nan());
    }
}

#[test]
fn duplicates_that_differ_in_number_pair_every_row_with_every_row() {
    let at = |name: &str, seconds: &[i64], values: &[f64]| {
        let timestamps: Vec<_> = seconds.iter().map(|second| second * S).collect();
        Signal::new(name, timestamps, vec![column("v", values.iter().copied())]).unwrap()
    };
    let first = at("a", &[0, 0, 1, 2, 40], &[1.0, 2.0, 5.0, 3.0, 0.0]);
    let second = at("b", &[0, 1, 1, 2, 40], &[2.0, 9.0, 1.0, 4.0, 0.0]);
    let request = request([first, second], correlation(CorrelationMethod::Pearson, ["v", "v"])).unwrap();
    let expected = pearson(&[1.0, 2.0, 5.0, 5.0, 3.0], &[2.0, 2.0, 9.0, 1.0, 4.0]);
    assert_eq!(whole_night(&request).table.columns[0].values[0], expected);
}

#[test]
fn a_nan_among_duplicates_is_dropped_before_rows_are_paired() {
    let at = |name: &str, values: [f64; 5]| {
        Signal::new(name, [0, 0, 1, 2, 40].map(|second| second * S).to_vec(), vec![column("v", values)]).unwrap()
    };
    // At second 0 one number is left on each side, in different rows: they pair.
    let pair = [at("a", [f64::NAN, 2.0, 5.0, 3.0, 0.0]), at("b", [7.0, f64::NAN, 1.0, 4.0, 0.0])];
    let request = request(pair, correlation(CorrelationMethod::Pearson, ["v", "v"])).unwrap();
    let expected = pearson(&[2.0, 5.0, 3.0], &[7.0, 1.0, 4.0]);
    assert_eq!(whole_night(&request).table.columns[0].values[0], expected);
}

proptest! {
    #[test]
    fn statistics_are_what_sorting_and_two_plain_passes_give(samples in prop::collection::vec(sample(), 0..120)) {
        let mut numbers: Vec<f64> = samples.iter().copied().filter(|value| !value.is_nan()).collect();
        numbers.sort_by(f64::total_cmp);
        let n = numbers.len();
        let actual = statistics(&samples);
        let mean = numbers.iter().sum::<f64>() / n as f64;
        let var = numbers.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0);
        let middle = |back: usize| numbers.get((n / 2).wrapping_sub(back)).copied().unwrap_or(f64::NAN);
        let median = if n % 2 == 1 { middle(0) } else { (middle(1) + middle(0)) / 2.0 };
        assert_close(actual.mean, if n > 0 { mean } else { f64::NAN }, 1e3, "mean");
        assert_close(actual.var, if n > 1 { var } else { f64::NAN }, 1.0, "var");
        assert_close(actual.std, if n > 1 { var.sqrt() } else { f64::NAN }, 1.0, "std");
        assert_same(actual.min, numbers.first().copied().unwrap_or(f64::NAN), "min");
        assert_same(actual.max, numbers.last().copied().unwrap_or(f64::NAN), "max");
        assert_same(actual.median, median, "median");
    }

    #[test]
    fn movement_is_what_its_definition_says_row_by_row(
        rows in prop::collection::vec((sample(), sample(), sample()), 0..80),
    ) {
        let axis = |pick: fn(&(f64, f64, f64)) -> f64| rows.iter().map(pick).collect::<Vec<f64>>();
        let actual = movement(&axis(|row| row.0), &axis(|row| row.1), &axis(|row| row.2));
        let whole: Vec<_> = rows.iter().filter(|(x, y, z)| !(x.is_nan() || y.is_nan() || z.is_nan())).collect();
        if whole.len() < 2 {
            prop_assert!(MovementMetric::ALL.iter().all(|&metric| actual.get(metric).is_nan()));
            return Ok(());
        }
        let magnitudes: Vec<f64> = whole.iter().map(|(x, y, z)| (x * x + y * y + z * z).sqrt()).collect();
        let of_magnitude = statistics(&magnitudes);
        assert_close(actual.magnitude_mean, of_magnitude.mean, 0.0, "mean");
        assert_close(actual.magnitude_std, of_magnitude.std, 0.0, "std");
        assert_same(actual.magnitude_max, of_magnitude.max, "max");
        let threshold = actual.magnitude_mean + 0.5 * actual.magnitude_std;
        let active = magnitudes.iter().filter(|&&magnitude| magnitude > threshold).count() as f64;
        assert_same(actual.activity_count, active, "activity");
        assert_close(actual.stillness_ratio, 100.0 - 100.0 * active / whole.len() as f64, 100.0, "stillness");
        let ys: Vec<f64> = whole.iter().map(|row| row.1).collect();
        assert_close(actual.y_std, statistics(&ys).std, 0.0, "y");
    }

    #[test]
    fn variability_is_what_its_definition_says_beat_by_beat(samples in prop::collection::vec(sample(), 0..60)) {
        let beats: Vec<f64> = samples.iter().copied().filter(|value| !value.is_nan()).collect();
        let actual = hrv_from_rr(&samples);
        if beats.len() < 2 {
            prop_assert!(actual.rr_mean.is_nan() && actual.sdnn.is_nan() && actual.rmssd.is_nan());
            prop_assert!(actual.sdsd.is_nan() && actual.pnn50.is_nan());
            return Ok(());
        }
        let steps: Vec<f64> = (1..beats.len()).map(|i| beats[i] - beats[i - 1]).collect();
        let n = steps.len() as f64;
        let mean = steps.iter().sum::<f64>() / n;
        let about = |centre: f64| (steps.iter().map(|step| (step - centre).powi(2)).sum::<f64>() / n).sqrt();
        assert_close(actual.sdnn, statistics(&beats).std, 0.0, "sdnn");
        assert_close(actual.rmssd, about(0.0), 0.0, "rmssd");
        assert_close(actual.sdsd, about(mean), 1.0, "sdsd");
        assert_close(actual.pnn50, 100.0 * steps.iter().filter(|step| step.abs() > 50.0).count() as f64 / n, 0.0, "pnn50");
    }

    #[test]
    fn rank_correlations_are_what_looking_at_every_pair_gives(
        pairs in prop::collection::vec((-4..4_i32, -4..4_i32), 2..60),
    ) {
        let (xs, ys): (Vec<f64>, Vec<f64>) = pairs.iter().map(|&(x, y)| (f64::from(x), f64::from(y))).unzip();
        assert_close(kendall(&xs, &ys), naive_kendall(&xs, &ys), 1.0, "kendall");
        let ranks = |values: &[f64]| values.iter().map(|value| naive_rank(values, *value)).collect::<Vec<_>>();
        assert_close(spearman(&xs, &ys), naive_pearson(&ranks(&xs), &ranks(&ys)), 1.0, "spearman");
        assert_close(pearson(&xs, &ys), naive_pearson(&xs, &ys), 1.0, "pearson");
    }

    #[test]
    fn features_are_the_same_bits_however_the_epochs_are_batched(
        seconds in prop::collection::vec(0_i64..8, 30..200),
        values in prop::collection::vec(sample(), 200),
        cuts in prop::collection::vec(0_usize..40, 0..6),
        step in 5_i64..60,
        window in 1_i64..90,
    ) {
        let timestamps: Vec<i64> = seconds.iter().scan(0, |now, ahead| { *now += ahead * S; Some(*now) }).collect();
        prop_assume!(timestamps.last() > timestamps.first());
        let n = timestamps.len();
        let of = |shift: usize| values.iter().copied().cycle().skip(shift).take(n);
        let columns = || vec![column("x", of(0)), column("y", of(7)), column("z", of(31)), column("hr", of(3))];
        let signals: Arc<[Signal]> =
            ["a", "b"].map(|name| Signal::new(name, timestamps.clone(), columns()).unwrap()).into();
        let settings = EpochGridSettings { step_ns: step * S, ..EpochGridSettings::adjoining(window * S) };
        let grid = EpochGrid::over_signals(&signals, settings).unwrap();
        let operations = [
            Operation::Statistics { aggregations: Aggregation::ALL.to_vec() },
            Operation::Hrv { source: HrvSource::HeartRate, metrics: HrvSource::HeartRate.all_metrics().to_vec() },
            Operation::Movement { metrics: MovementMetric::ALL.to_vec() },
            correlation(CorrelationMethod::Kendall, ["x", "y"]),
            correlation(CorrelationMethod::Pearson, ["x", "hr"]),
        ];
        let mut scratch = FeatureScratch::default();
        for operation in operations {
            let request = FeatureRequest::new(Arc::clone(&signals), grid, operation).unwrap();
            let whole = whole_night(&request);
            let mut bounds: Vec<usize> = cuts.iter().map(|cut| cut % (grid.n_epochs() + 1)).collect();
            bounds.extend([0, grid.n_epochs()]);
            bounds.sort_unstable();
            let blocks = bounds.windows(2).map(|pair| epoch_features_with(&mut scratch, &request, &(pair[0]..pair[1])));
            let batched = collect_blocks(&request, blocks.collect::<SleepResult<Vec<_>>>().unwrap()).unwrap();
            prop_assert_eq!(bits(&batched), bits(&whole));
        }
    }
}

/// Runs every golden case of an operation as one batch and in batches of three, and compares by column name.
fn compare_with_golden_cases(operation: &str, operation_of: impl Fn(&Value) -> Operation) {
    let Some(folder) = golden("sleep") else { return };
    for case in cases_of(&folder, operation) {
        let signals: Arc<[Signal]> = case.signals().into();
        let grid = golden_grid(&case, &signals);
        assert_eq!(grid.n_epochs() as u64, case.description["epochs"].as_u64().unwrap());
        for run in case.description["runs"].as_array().unwrap() {
            let parameters = &run["parameters"];
            let mut request = FeatureRequest::new(Arc::clone(&signals), grid, operation_of(parameters)).unwrap();
            if let Some(window) = parameters["window_length"].as_str() {
                request = request.with_window_ns(parse_duration_ns(window).unwrap()).unwrap();
            }
            assert_eq!(request.window_ns(), run["effective_window_ns"].as_i64().unwrap());
            let whole = whole_night(&request);
            compare(&case, run, &whole);
            assert_eq!(bits(&in_batches(&request, 3)), bits(&whole), "{}", case.name());
        }
    }
}

fn golden_grid(case: &Case, signals: &[Signal]) -> EpochGrid {
    let time = |name: &str| case.description[name].as_str().map(|text| parse_time_ns(text).unwrap());
    let settings = EpochGridSettings {
        window_ns: parse_duration_ns(case.description["window_length"].as_str().unwrap()).unwrap(),
        step_ns: parse_duration_ns(case.description["step_size"].as_str().unwrap()).unwrap(),
        start_ns: time("grid_start_override"),
        end_ns: time("grid_end_override"),
    };
    EpochGrid::over_signals(signals, settings).unwrap()
}

fn compare(case: &Case, run: &Value, night: &Features) {
    let expected = case.table(run["expected"].as_str().unwrap());
    assert_eq!(night.table.epoch_starts_ns, expected.keys);
    assert_eq!(night.table.columns.len(), expected.columns.len());
    for column in &night.table.columns {
        let is_exact = EXACT.iter().any(|end| column.name.ends_with(end) && !column.name.contains("magnitude"));
        for (row, (&actual, &expected)) in column.values.iter().zip(expected.column(&column.name)).enumerate() {
            let what = format!("{} {} row {row} of {}", case.name(), run["name"], column.name);
            if is_exact { assert_same(actual, expected, &what) } else { assert_close(actual, expected, 0.0, &what) }
        }
    }
}

/// The names under a parameter: a list, or one text such as "all".
fn names(parameter: &Value) -> Option<Vec<String>> {
    match parameter {
        Value::Null => None,
        Value::String(one) => Some(vec![one.clone()]),
        many => Some(many.as_array().unwrap().iter().map(|name| name.as_str().unwrap().into()).collect()),
    }
}

fn whole_night(request: &FeatureRequest) -> Features {
    in_batches(request, request.grid().n_epochs())
}

fn in_batches(request: &FeatureRequest, size: usize) -> Features {
    let n_epochs = request.grid().n_epochs();
    let batches = (0..n_epochs).step_by(size).map(|start| start..(start + size).min(n_epochs));
    collect_blocks(request, batches.map(|epochs| epoch_features(request, &epochs).unwrap())).unwrap()
}

fn bits(night: &Features) -> Vec<Vec<u64>> {
    night.table.columns.iter().map(|column| column.values.iter().map(|value| value.to_bits()).collect()).collect()
}

fn request(signals: impl Into<Arc<[Signal]>>, operation: Operation) -> SleepResult<FeatureRequest> {
    let signals = signals.into();
    let last = signals.iter().filter_map(|signal| signal.timestamps_ns().last().copied()).max().unwrap_or(60 * S);
    let grid = EpochGrid::over_spans([(0, last.max(1))], EpochGridSettings::adjoining(30 * S)).unwrap();
    FeatureRequest::new(signals, grid, operation)
}

fn correlation(method: CorrelationMethod, [first, second]: [&str; 2]) -> Operation {
    Operation::Correlation { method, first_column: first.into(), second_column: second.into() }
}

fn column(name: &str, values: impl IntoIterator<Item = f64>) -> Column {
    Column::new(name, values.into_iter().collect::<Vec<_>>())
}

/// A signal at 1 Hz whose samples count up from 0.
fn one_column(name: &str, column_name: &str, n_samples: i32) -> Signal {
    let timestamps: Vec<_> = (0..i64::from(n_samples)).map(|second| second * S).collect();
    Signal::new(name, timestamps, vec![column(column_name, (0..n_samples).map(f64::from))]).unwrap()
}

/// Mostly numbers with ties, some NaN.
fn sample() -> impl Strategy<Value = f64> {
    prop_oneof![6 => -1e3..1e3_f64, 3 => (-9..9_i32).prop_map(|n| f64::from(n) * 20.0), 1 => Just(f64::NAN)]
}

fn naive_pearson(xs: &[f64], ys: &[f64]) -> f64 {
    let n = xs.len() as f64;
    let (x_mean, y_mean) = (xs.iter().sum::<f64>() / n, ys.iter().sum::<f64>() / n);
    let products: f64 = xs.iter().zip(ys).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    let squares = |values: &[f64], mean: f64| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let is_constant = |values: &[f64]| values.iter().all(|value| *value == values[0]);
    if is_constant(xs) || is_constant(ys) {
        return f64::NAN;
    }
    products / (squares(xs, x_mean) * squares(ys, y_mean)).sqrt()
}

fn naive_rank(values: &[f64], value: f64) -> f64 {
    let below = values.iter().filter(|other| **other < value).count() as f64;
    let equal = values.iter().filter(|other| **other == value).count() as f64;
    below + (equal + 1.0) / 2.0
}

fn naive_kendall(xs: &[f64], ys: &[f64]) -> f64 {
    let (mut surplus, mut x_untied, mut y_untied) = (0.0, 0.0, 0.0);
    for i in 0..xs.len() {
        for j in 0..i {
            let (dx, dy) = (xs[i] - xs[j], ys[i] - ys[j]);
            surplus += if dx * dy > 0.0 {
                1.0
            } else if dx * dy < 0.0 {
                -1.0
            } else {
                0.0
            };
            x_untied += f64::from(u8::from(dx != 0.0));
            y_untied += f64::from(u8::from(dy != 0.0));
        }
    }
    surplus / f64::sqrt(x_untied * y_untied)
}
