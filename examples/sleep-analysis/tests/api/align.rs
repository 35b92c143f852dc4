//! Alignment against the golden cases, and against oracles that look at every sample for every point.

use proptest::prelude::*;
use sleep_analysis::{
    AlignMethod, AlignRequest, AlignedSignal, AlignmentGrid, Column, Signal, SignalTiming, SleepError,
    align_and_combine, align_signal, choose_signals, combine, read_signal, target_rate_hz, write_aligned_signal,
    write_aligned_table,
};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The folder of golden data; none, said loudly, where the project stands without it.
pub(crate) fn shared() -> Option<PathBuf> {
    let shared = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    if shared.is_dir() {
        return Some(shared);
    }
    assert!(std::env::var_os("MANYHANDS_REQUIRE_SHARED").is_none(), "golden data is required but not there");
    // Not `eprintln`, which a test that passes keeps to itself.
    writeln!(std::io::stderr(), "SKIPPED: no golden data beside the project").expect("the terminal takes a line");
    None
}

struct Case {
    folder: PathBuf,
    json: serde_json::Value,
    signals: Vec<Signal>,
    grid: AlignmentGrid,
}

impl Case {
    fn read(shared: &Path, name: &str) -> Self {
        let folder = shared.join("golden/sleep").join(name);
        let json: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
        let signals = json["signals"].as_array().unwrap().iter().map(|signal| {
            read_signal(signal["name"].as_str().unwrap(), &folder.join(signal["file"].as_str().unwrap())).unwrap()
        });
        let signals: Vec<Signal> = signals.collect();
        let timings: Vec<_> = signals.iter().filter_map(|s| SignalTiming::from_timestamps(s.timestamps_ns())).collect();
        let rate_hz = target_rate_hz(&timings, json["user_rate_hz"].as_f64()).unwrap();
        let grid = AlignmentGrid::covering(&timings, rate_hz).unwrap();
        assert_eq!(Some(rate_hz), json["target_rate_hz"].as_f64(), "{name}");
        assert_eq!(Some(grid.period_ns()), json["period_ns"].as_i64(), "{name}");
        assert_eq!(Some(grid.reference_ns()), json["grid_first_ns"].as_i64(), "{name}");
        assert_eq!(Some(grid.last_ns()), json["grid_last_ns"].as_i64(), "{name}");
        assert_eq!(Some(grid.count() as u64), json["grid_count"].as_u64(), "{name}");
        Self { folder, json, signals, grid }
    }

    /// Runs one method; the aligned signals, and the names of those that failed.
    fn run(&self, run: &serde_json::Value, method: AlignMethod) -> (Vec<AlignedSignal>, Vec<String>) {
        let names: Option<Vec<&str>> =
            run["signals_to_align"].as_array().map(|names| names.iter().map(|name| name.as_str().unwrap()).collect());
        let choice = choose_signals(&self.signals, names.as_deref());
        let request = AlignRequest { signals: self.signals.clone().into(), grid: self.grid, method };
        let (mut aligned, mut failed) = (Vec::new(), Vec::new());
        for idx in &choice.idxs {
            match align_signal(&request, idx) {
                Ok(signal) => aligned.push(signal),
                Err(SleepError::Signal { signal, .. }) => failed.push(signal),
                Err(other) => panic!("{other}"),
            }
        }
        (aligned, failed)
    }

    fn assert_expected(&self, aligned: &AlignedSignal, file: &str) {
        let expected = read_signal(aligned.name(), &self.folder.join(file)).unwrap();
        assert_eq!(aligned.timestamps_ns().collect::<Vec<_>>(), expected.timestamps_ns(), "{file}");
        assert_eq!(aligned.columns().len(), expected.columns().len(), "{file}");
        for (column, expected) in aligned.columns().iter().zip(expected.columns()) {
            assert_eq!(column.name, expected.name, "{file}");
            assert_close(&column.values, &expected.values, file);
        }
    }
}

fn assert_close(values: &[f64], expected: &[f64], what: &str) {
    assert_eq!(values.len(), expected.len(), "{what}");
    for (row, (value, expected)) in values.iter().zip(expected).enumerate() {
        let is_close = (value.is_nan() && expected.is_nan())
            || value == expected
            || (value - expected).abs() <= 1e-9 * expected.abs().max(1e-9);
        assert!(is_close, "{what}, row {row}: {value} instead of {expected}");
    }
}

#[test]
fn golden_alignments_are_met() {
    let Some(shared) = shared() else { return };
    for name in ["align_multi", "align_downsample", "align_edge", "align_subset"] {
        let case = Case::read(&shared, name);
        for run in case.json["runs"].as_array().unwrap() {
            let method = run["method"].as_str().unwrap();
            // The original took an unknown method for nearest; here it is an error, and nothing is aligned.
            let Ok(method) = method.parse() else {
                assert_eq!(method, "linear");
                continue;
            };
            let (aligned, failed) = case.run(run, method);
            let expected_failed: Vec<&str> =
                run["failed"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            assert_eq!(failed, expected_failed, "{name} {method}");
            let expected = run["expected"].as_object().unwrap();
            assert_eq!(aligned.len(), expected.len(), "{name} {method}");
            for signal in &aligned {
                case.assert_expected(signal, expected[signal.name()].as_str().unwrap());
            }
        }
    }
}

#[test]
fn the_golden_as_of_step_is_met() {
    let Some(shared) = shared() else { return };
    let case = Case::read(&shared, "align_asof");
    assert_eq!(Some(case.grid.asof_tolerance_ns()), case.json["tolerance_ns"].as_u64());
    let (aligned, failed) = case.run(&serde_json::Value::Null, AlignMethod::AsOf);
    assert!(failed.is_empty());
    let expected = case.json["expected"].as_object().unwrap();
    assert_eq!(aligned.len(), expected.len());
    for signal in &aligned {
        case.assert_expected(signal, expected[signal.name()].as_str().unwrap());
    }
    let combined = align_and_combine(case.signals.clone(), case.grid).unwrap();
    assert_eq!(combined.table.columns.len(), case.signals.iter().map(|signal| signal.columns().len()).sum::<usize>());
}

#[test]
fn golden_fills_are_written_byte_by_byte() {
    let Some(shared) = shared() else { return };
    let case = Case::read(&shared, "align_multi");
    let folder = tempfile::TempDir::new().unwrap();
    let run = &case.json["runs"][1];
    let (aligned, _) = case.run(run, run["method"].as_str().unwrap().parse().unwrap());
    assert_eq!(aligned.len(), 4);
    for signal in &aligned {
        let file = run["expected"][signal.name()].as_str().unwrap();
        write_aligned_signal(&folder.path().join(file), signal).unwrap();
        assert!(fs::read(folder.path().join(file)).unwrap() == fs::read(case.folder.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn golden_grids_are_met_exactly() {
    let Some(shared) = shared() else { return };
    let text = fs::read(shared.join("golden/sleep/align_grid/cases.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let cases = json["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 18);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let timings: Vec<SignalTiming> = case["signals"].as_array().unwrap().iter().map(timing).collect();
        for (timing, signal) in timings.iter().zip(case["signals"].as_array().unwrap()) {
            assert_eq!(timing.rate_hz, signal["detected_rate_hz"].as_f64(), "{name}");
        }
        let rate_hz = target_rate_hz(&timings, case["user_rate_hz"].as_f64()).unwrap();
        assert_eq!(Some(rate_hz), case["target_rate_hz"].as_f64(), "{name}");
        let grid = AlignmentGrid::covering(&timings, rate_hz).unwrap();
        assert_eq!(Some(grid.period_ns()), case["period_ns"].as_i64(), "{name}");
        assert_eq!(Some(grid.reference_ns()), case["exact"]["reference_ns"].as_i64(), "{name}");
        assert_eq!(Some(grid.last_ns()), case["exact"]["last_ns"].as_i64(), "{name}");
        assert_eq!(Some(grid.count() as u64), case["exact"]["count"].as_u64(), "{name}");
    }
}

fn timing(signal: &serde_json::Value) -> SignalTiming {
    let whole = |name: &str| signal[name].as_i64().unwrap();
    match signal["timestamps_ns"].as_array() {
        Some(times) => {
            let times: Vec<i64> = times.iter().map(|time| time.as_i64().unwrap()).collect();
            SignalTiming::from_timestamps(&times).unwrap()
        }
        None => SignalTiming::regular(whole("first_ns"), whole("last_ns"), whole("count") as usize).unwrap(),
    }
}

fn signal(name: &str, samples: &[(i64, f64)]) -> Signal {
    let column = Column::new("v", samples.iter().map(|sample| sample.1).collect::<Vec<_>>());
    Signal::new(name, samples.iter().map(|sample| sample.0).collect::<Vec<_>>(), vec![column]).unwrap()
}

fn request(signals: Vec<Signal>, grid: AlignmentGrid, method: AlignMethod) -> AlignRequest {
    AlignRequest { signals: signals.into(), grid, method }
}

#[test]
fn a_signal_out_of_order_fails_alone_and_only_where_order_matters() {
    let grid = AlignmentGrid::new(0, 10, 4).unwrap();
    let signals = vec![signal("good", &[(0, 1.0), (20, 2.0)]), signal("bad", &[(20, 1.0), (0, 2.0)])];
    for method in [AlignMethod::Pad, AlignMethod::Backfill, AlignMethod::AsOf] {
        let request = request(signals.clone(), grid, method);
        assert!(align_signal(&request, &0).is_ok());
        assert!(align_signal(&request, &1).unwrap_err().to_string().contains("row 2 (0 ns) lies before"), "{method}");
    }
    let aligned = align_signal(&request(signals.clone(), grid, AlignMethod::Nearest), &1).unwrap();
    assert_eq!(
        (aligned.timestamps_ns().collect::<Vec<_>>(), &*aligned.columns()[0].values),
        (vec![0, 20], &[2.0, 1.0][..])
    );
    let combined = align_and_combine(signals, grid).unwrap();
    assert_eq!((combined.table.columns.len(), combined.failures.len()), (1, 1));
}

#[test]
fn a_second_sample_nearer_to_the_point_wins_even_behind_a_regular_stretch() {
    let grid = AlignmentGrid::new(0, 10, 200).unwrap();
    let regular = (1..=150).map(|point| (point * 10 - 3, point as f64));
    let samples: Vec<(i64, f64)> = regular.chain([(1501, 999.0)]).collect();
    let rows = aligned(signal("s", &samples), grid, AlignMethod::AsOf).unwrap();
    assert_eq!((rows[149].1[0], rows[150].1[0]), (Some(149.0), Some(999.0)));
    let rows = aligned(signal("s", &samples), grid, AlignMethod::Nearest).unwrap();
    assert_eq!(rows.last(), Some(&(1500, vec![Some(574.5)])));
}

#[test]
fn signals_that_take_no_part_are_named_with_the_reason() {
    let signals = [signal("a", &[(0, 1.0)]), signal("empty", &[]), signal("b", &[(0, 1.0)])];
    let choice = choose_signals(&signals, Some(&["b", "nope", "empty", "a", "b"]));
    assert_eq!(choice.idxs, [2, 0]);
    let names: Vec<&str> = choice.left_out.iter().map(|left_out| left_out.0.as_str()).collect();
    assert_eq!(names, ["nope", "empty", "b"]);
    assert!(choice.left_out[0].1.contains("there are a, empty, b"));
}

#[test]
fn a_grid_too_long_to_fill_is_an_error_and_no_crash() {
    let stray = SignalTiming::from_timestamps(&[0, i64::MAX / 2]).unwrap();
    let grid = AlignmentGrid::covering(&[stray], 1000.0).unwrap();
    for method in [AlignMethod::Nearest, AlignMethod::Pad, AlignMethod::Backfill, AlignMethod::AsOf] {
        let request = request(vec![signal("s", &[(0, 1.0)])], grid, method);
        assert!(align_signal(&request, &0).unwrap_err().to_string().contains("too long"), "{method}");
    }
}

#[test]
fn the_common_table_has_every_point_and_refuses_what_does_not_fit() {
    let grid = AlignmentGrid::new(0, 10, 3).unwrap();
    let aligned = |name: &str, grid| {
        let request = request(vec![signal(name, &[(9, 1.5), (10, f64::NAN), (21, 2.5)])], grid, AlignMethod::Nearest);
        align_signal(&request, &0).unwrap()
    };
    let table = combine(&grid, [aligned("a", grid), aligned("b", grid)]).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    write_aligned_table(&folder.path().join("aligned.csv"), &table).unwrap();
    let text = fs::read_to_string(folder.path().join("aligned.csv")).unwrap();
    assert_eq!(text, "timestamp_ns,a|v,b|v\n0,,\n10,1.5,1.5\n20,2.5,2.5\n");
    assert!(combine(&grid, [aligned("a", grid), aligned("a", grid)]).unwrap_err().to_string().contains("\"a|v\""));
    let other = AlignmentGrid::new(0, 5, 3).unwrap();
    assert!(combine(&grid, [aligned("a", other)]).unwrap_err().to_string().contains("another grid"));
}

/// A row of a result: its time, and its values, NaN as none.
type Row = (i64, Vec<Option<f64>>);

fn rows(aligned: &AlignedSignal) -> Vec<Row> {
    let values = |row: usize| aligned.columns().iter().map(|column| present(column.values[row])).collect();
    aligned.timestamps_ns().enumerate().map(|(row, time_ns)| (time_ns, values(row))).collect()
}

fn present(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

/// For each point the samples that `choose` takes among all of them; a row of means.
fn oracle(signal: &Signal, grid: &AlignmentGrid, choose: impl Fn(i64) -> Vec<usize>) -> Vec<Row> {
    let mean = |values: &[f64], chosen: &[usize]| {
        let present: Vec<f64> = chosen.iter().filter_map(|&sample| present(values[sample])).collect();
        (!present.is_empty()).then(|| present.iter().sum::<f64>() / present.len() as f64)
    };
    let row = |point_ns: i64| {
        let chosen = choose(point_ns);
        (point_ns, signal.columns().iter().map(|column| mean(&column.values, &chosen)).collect())
    };
    grid.points_ns().map(row).collect()
}

fn without_empty(rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().filter(|row| row.1.iter().any(Option::is_some)).collect()
}

fn nearest_oracle(signal: &Signal, grid: &AlignmentGrid) -> Vec<Row> {
    let home = |time_ns: i64| {
        let distance = |point_ns: &i64| (i128::from(*point_ns) - i128::from(time_ns)).abs();
        // `min_by_key` keeps the first of equals, so the later point must come first.
        let points: Vec<i64> = grid.points_ns().collect();
        points.into_iter().rev().min_by_key(distance).unwrap()
    };
    let homes: Vec<i64> = signal.timestamps_ns().iter().map(|&time_ns| home(time_ns)).collect();
    let at = |point_ns| (0..signal.len()).filter(|&sample| homes[sample] == point_ns).collect();
    without_empty(oracle(signal, grid, at))
}

fn asof_oracle(signal: &Signal, grid: &AlignmentGrid) -> Vec<Row> {
    let times = signal.timestamps_ns();
    let tolerance_ns = grid.period_ns() / 2 + 1;
    oracle(signal, grid, |point_ns| {
        let before = (0..times.len()).rev().find(|&sample| times[sample] <= point_ns);
        let after = (0..times.len()).find(|&sample| times[sample] > point_ns);
        let distance = |sample: &usize| (times[*sample] - point_ns).abs();
        let nearest = before.into_iter().chain(after).min_by_key(distance);
        nearest.filter(|sample| distance(sample) <= tolerance_ns).into_iter().collect()
    })
}

/// Signals of two columns, longer than the methods look ahead, whose steps are often about a period, so that stretches, collisions, gaps and ties all occur.
fn signals(steps: std::ops::Range<i64>) -> impl Strategy<Value = (Signal, AlignmentGrid)> {
    let value = prop_oneof![3 => (-50..50_i32).prop_map(f64::from), 1 => Just(f64::NAN)];
    let usual = (1..4_i64, -1..2_i64);
    let step = prop_oneof![20 => (Just(None), usual.clone()), 1 => (steps.prop_map(Some), usual)];
    let samples = proptest::collection::vec((step, value.clone(), value), 0..400);
    (samples, -40..40_i64, 1..12_i64, 1..400_usize, any::<bool>()).prop_map(
        |(samples, start, period_ns, count, is_regular)| {
            let mut time_ns = start;
            let (mut times, mut v, mut w) = (Vec::new(), Vec::new(), Vec::new());
            for ((leap, (factor, jitter)), first, second) in samples {
                let step = if is_regular { period_ns } else { (period_ns * factor / 2 + jitter).max(0) };
                time_ns += leap.unwrap_or(step);
                times.push(time_ns);
                v.push(first);
                w.push(second);
            }
            let columns = [("v", v), ("w", w)].map(|(name, values)| Column::new(name, values));
            let grid = AlignmentGrid::new(-20, period_ns, count).unwrap();
            (Signal::new("s", times, columns.into()).unwrap(), grid)
        },
    )
}

fn aligned(signal: Signal, grid: AlignmentGrid, method: AlignMethod) -> Result<Vec<Row>, SleepError> {
    align_signal(&request(vec![signal], grid, method), &0).map(|aligned| rows(&aligned))
}

/// Means of integers are exact, so the order in which samples are added makes no difference.
mod any_signal {
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn moves_to_its_nearest_points((signal, grid) in signals(-30..60)) {
            let expected = nearest_oracle(&signal, &grid);
            prop_assert_eq!(aligned(signal, grid, AlignMethod::Nearest).unwrap(), expected);
        }

        #[test]
        fn fills_both_ways_if_its_times_increase((signal, grid) in signals(1..60)) {
            let times = signal.timestamps_ns().to_vec();
            let last_before = |point_ns| times.iter().rposition(|&time_ns| time_ns <= point_ns).into_iter().collect();
            let first_after = |point_ns| times.iter().position(|&time_ns| time_ns >= point_ns).into_iter().collect();
            let pad = without_empty(oracle(&signal, &grid, last_before));
            let backfill = without_empty(oracle(&signal, &grid, first_after));
            if times.windows(2).all(|pair| pair[0] < pair[1]) {
                prop_assert_eq!(aligned(signal.clone(), grid, AlignMethod::Pad).unwrap(), pad);
                prop_assert_eq!(aligned(signal, grid, AlignMethod::Backfill).unwrap(), backfill);
            } else {
                prop_assert!(aligned(signal.clone(), grid, AlignMethod::Pad).is_err());
                prop_assert!(aligned(signal, grid, AlignMethod::Backfill).is_err());
            }
        }

        #[test]
        fn gives_each_point_its_nearest_sample_as_of((signal, grid) in signals(0..60)) {
            let expected = asof_oracle(&signal, &grid);
            prop_assert_eq!(aligned(signal, grid, AlignMethod::AsOf).unwrap(), expected);
        }
    }
}
