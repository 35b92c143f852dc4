//! The workloads: what is computed, what the result must be, and which program it is compared with.
//!
//! Inputs are in memory before the clock starts. Ours is everything from the signals to the result, checks and the
//! dropping of the result too; the peer is the median of its process's warm repetitions.

use std::cell::RefCell;
use std::ops::Range;
use std::time::{Duration, Instant};

use manyhands::{Job, LocalMode, adaptive_batch_size};
use sleep_analysis::eeg::{EegFeatureSet, EegSettings};
use sleep_analysis::features::{
    Aggregation, CorrelationMethod, FeatureRequest, Features, MovementMetric, Operation, collect_blocks, epoch_features,
};
use sleep_analysis::{AlignMethod, AlignRequest, AlignedSignal, EpochGrid, Signal, align_signal};

use crate::choice::Choice;
use crate::peer::Peer;
use crate::report::{foot, head, row, say, table_head, time_text};
use crate::rounds::{Contender, Series, take_turns, timed};
use crate::{memory, nights, processes};

/// Runs the chosen workloads.
pub(crate) fn run(allocator: &str) {
    let words: Vec<String> = std::env::args().collect();
    if let Some([_, method, mode]) = words.windows(3).find(|words| words[0] == memory::CHILD) {
        return memory::measure(method, mode);
    }
    let choice = Choice::from_command_line();
    head(&format!("Workloads of the sleep consumer, {allocator}"));
    say(
        "\nMedians of wall times. The last two columns say how often ours on one thread goes into the peer's time, by the",
    );
    say("clock and by the processor time that the peer says it took.\n");
    table_head(&[
        "workload",
        "one thread",
        "two threads",
        "peer",
        "peer's time",
        "peer / ours",
        "peer's processor / ours",
    ]);
    features(&choice);
    alignment(&choice);
    processes::report(&choice);
    if choice.has("memory") {
        memory::report(allocator);
    }
    foot();
}

fn features(choice: &Choice) {
    let all = Operation::Statistics { aggregations: Aggregation::ALL.into() };
    let pearson = Operation::Correlation {
        method: CorrelationMethod::Pearson,
        first_column: "hr".into(),
        second_column: "rate".into(),
    };
    let movement = Operation::Movement { metrics: MovementMetric::ALL.into() };
    let bands = EegSettings { feature_set: EegFeatureSet::BandPowers, ..EegSettings::new(100.0) };
    let night = nights::epochs;
    let heart = || (vec![nights::heart_rate()], night());
    let both = || (vec![nights::heart_rate(), nights::breathing()], night());
    let wrist = || (vec![nights::accelerometer()], night());

    feature_case(
        choice,
        "W1 statistics of heart rate",
        &heart,
        &all,
        &[("stats_np", "numpy"), ("stats_pl", "numpy, polars")],
    );
    feature_case(choice, "W1 statistics of accelerometer", &wrist, &all, &[]);
    feature_case(choice, "W1 movement", &wrist, &movement, &[("move_np", "numpy")]);
    feature_case(choice, "W1 pearson", &both, &pearson, &[("corr_np", "numpy")]);
    let python = "numpy, scipy, yasa, antropy";
    let one = || (vec![nights::eeg(1)], night());
    let six = || (vec![nights::eeg(6)], night());
    feature_case(choice, "W3 EEG bands, 1 channel", &one, &Operation::Eeg(bands.clone()), &[("eeg1", python)]);
    feature_case(choice, "W3 EEG bands, 6 channels", &six, &Operation::Eeg(bands), &[("eeg6", python)]);
    feature_case(
        choice,
        "W3 EEG all features, 1 channel",
        &one,
        &Operation::Eeg(EegSettings::new(100.0)),
        &[("eeg1_all", python)],
    );
    feature_case(choice, "W4 statistics, 100 epochs x 10 signals", &nights::small_job, &all, &[]);
}

fn feature_case(
    choice: &Choice,
    name: &str,
    input: &dyn Fn() -> (Vec<Signal>, EpochGrid),
    operation: &Operation,
    peers: &[(&'static str, &'static str)],
) {
    if !choice.has(name) {
        return;
    }
    let (signals, grid) = input();
    let signals: std::sync::Arc<[Signal]> = signals.into();
    let with = |mode| {
        let request = FeatureRequest::new(signals.clone(), grid, operation.clone()).expect("a request that can be");
        features_with(mode, &request)
    };
    let serial = with(LocalMode::Serial);
    assert_eq!(as_bits(&serial), as_bits(&with(LocalMode::Threads)), "{name}");
    check_features(name, &signals, &serial);
    compare(choice, name, peers, &|mode| drop(with(mode)));
}

/// In batches of epochs, as the program does it.
fn features_with(mode: LocalMode, request: &FeatureRequest) -> Features {
    let n_epochs = request.grid().n_epochs();
    let batch = match mode {
        LocalMode::Serial => n_epochs,
        _ => adaptive_batch_size(n_epochs, 2).expect("two workers"),
    };
    let batches: Vec<Range<usize>> =
        (0..n_epochs).step_by(batch).map(|first| first..(first + batch).min(n_epochs)).collect();
    let blocks = Job::new(&batches).mode(mode).shared(request).try_run(epoch_features).expect("a job that can run");
    collect_blocks(request, blocks.into_result().expect("every batch")).expect("all batches")
}

fn as_bits(features: &Features) -> Vec<Vec<u64>> {
    features.table.columns.iter().map(|column| column.values.iter().map(|value| value.to_bits()).collect()).collect()
}

/// The first feature of each workload, computed in the simplest way for all epochs.
fn check_features(name: &str, signals: &[Signal], features: &Features) {
    assert!(features.failures.is_empty(), "{name}: {:?}", features.failures.first());
    let found = &features.table.columns[0];
    for (start_ns, &value) in features.table.epoch_starts_ns.iter().zip(&found.values) {
        let of = |signal: &Signal, column: usize| -> Vec<f64> {
            let times = signal.timestamps_ns();
            let first = times.partition_point(|time| time < start_ns);
            let end = times.partition_point(|time| *time <= start_ns + 30_000_000_000);
            signal.columns()[column].values[first..end].to_vec()
        };
        let numbers = |values: Vec<f64>| values.into_iter().filter(|value| !value.is_nan()).collect::<Vec<f64>>();
        if found.name.ends_with("_mean") && signals[0].columns().len() == 3 && found.name.contains("magnitude") {
            let axes = [0, 1, 2].map(|axis| of(&signals[0], axis));
            let lengths =
                (0..axes[0].len()).map(|row| axes.iter().map(|axis| axis[row] * axis[row]).sum::<f64>().sqrt());
            assert_near(name, value, mean(&numbers(lengths.collect())));
        } else if found.name.ends_with("_mean") {
            assert_near(name, value, mean(&numbers(of(&signals[0], 0))));
        } else if found.name.ends_with("pearson_corr") {
            assert!((-1.0..=1.0).contains(&value), "{name}: {value}");
        } else {
            let share = features.table.columns.iter().find(|column| column.name.ends_with("rel_Alpha"));
            assert!(share.is_some_and(|share| share.values.iter().all(|share| (0.5..0.9).contains(share))), "{name}");
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn assert_near(name: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{name}: {found}, where {expected} is right");
}

fn alignment(choice: &Choice) {
    let cases = [
        ("W2 nearest, 20 signals", AlignMethod::Nearest, [("align_np", "numpy")]),
        ("W2 asof, 20 signals", AlignMethod::AsOf, [("align_pl", "numpy, polars")]),
    ];
    for (name, method, peers) in cases.into_iter().filter(|(name, ..)| choice.has(name)) {
        let request = nights::alignment(method);
        check_alignment(name, &request, &align_with(LocalMode::Serial, &request));
        check_alignment(name, &request, &align_with(LocalMode::Threads, &request));
        compare(choice, name, &peers, &|mode| drop(align_with(mode, &request)));
    }
}

fn align_with(mode: LocalMode, request: &AlignRequest) -> Vec<AlignedSignal> {
    let idxs: Vec<usize> = (0..request.signals.len()).collect();
    let aligned = Job::new(&idxs).mode(mode).shared(request).try_run(align_signal).expect("a job that can run");
    aligned.into_result().expect("every signal aligns")
}

/// Every row of the first and the last signal, computed in the simplest way.
fn check_alignment(name: &str, request: &AlignRequest, aligned: &[AlignedSignal]) {
    assert_eq!(aligned.len(), request.signals.len());
    for idx in [0, aligned.len() - 1] {
        let (signal, aligned) = (&request.signals[idx], &aligned[idx]);
        let expected = match request.method {
            AlignMethod::Nearest => means_per_point(request, signal),
            _ => nearest_samples(request, signal),
        };
        let values = &aligned.columns()[0].values;
        assert_eq!(expected.len(), values.len(), "{name}");
        for (((time, value), found_time), found) in expected.into_iter().zip(aligned.timestamps_ns()).zip(values) {
            assert_eq!(time, found_time, "{name}");
            assert!((value - found).abs() < 1e-12 || value.is_nan() && found.is_nan(), "{name}: {found} at {time}");
        }
    }
}

fn means_per_point(request: &AlignRequest, signal: &Signal) -> Vec<(i64, f64)> {
    let mut points = vec![(0.0, 0.0); request.grid.count()];
    for (time, value) in signal.timestamps_ns().iter().zip(&signal.columns()[0].values) {
        let point = &mut points[request.grid.nearest_idx(*time)];
        *point = (point.0 + value, point.1 + 1.0);
    }
    let taken = request.grid.points_ns().zip(points).filter(|(_, (_, count))| *count > 0.0);
    taken.map(|(time, (sum, count))| (time, sum / count)).collect()
}

fn nearest_samples(request: &AlignRequest, signal: &Signal) -> Vec<(i64, f64)> {
    let (times, values) = (signal.timestamps_ns(), &signal.columns()[0].values);
    let sample = |time: i64| {
        let after = times.partition_point(|sample| *sample <= time);
        let earlier = after.checked_sub(1).map(|idx| (time - times[idx], idx));
        let later = times.get(after).map(|sample| (sample - time, after));
        let nearest = earlier.into_iter().chain(later).min_by_key(|(distance, _)| *distance);
        let near = nearest.filter(|(distance, _)| distance.unsigned_abs() <= request.grid.asof_tolerance_ns());
        near.map_or(f64::NAN, |(_, idx)| values[idx])
    };
    request.grid.points_ns().map(|time| (time, sample(time))).collect()
}

/// Ours on one thread and on two, and each peer, in turns; a row for each peer.
fn compare(choice: &Choice, name: &str, peers: &[(&'static str, &'static str)], ours: &dyn Fn(LocalMode)) {
    let begun = Instant::now();
    ours(LocalMode::Serial);
    let n_calls = (200_000_000 / begun.elapsed().as_nanos().max(1)).clamp(3, 100) as u32;
    let found: Vec<_> = peers.iter().map(|(workload, modules)| (*workload, Peer::find(workload, modules))).collect();
    let processor = RefCell::new(vec![Vec::new(); found.len()]);

    let mut contenders = vec![
        Contender::new(|| timed(n_calls, || ours(LocalMode::Serial))),
        Contender::new(|| timed(n_calls, || ours(LocalMode::Threads))),
    ];
    for (idx, (_, peer)) in found.iter().enumerate() {
        if let Ok(peer) = peer {
            let processor = &processor;
            let measure = move || {
                let taken = peer.run();
                processor.borrow_mut()[idx].push(median(taken.iter().map(|taken| taken.cpu).collect()));
                median(taken.iter().map(|taken| taken.wall).collect())
            };
            contenders.push(Contender::new(measure).only_every(3));
        }
    }
    let series = take_turns(choice.rounds(15), contenders);
    let (one, two) = (time_text(series[0].median()), time_text(series[1].median()));
    let mut of_peers = series[2..].iter();
    if found.is_empty() {
        row(&[name.into(), one.clone(), two.clone(), "-".into(), "-".into(), "-".into(), "-".into()]);
    }
    for (idx, (workload, peer)) in found.iter().enumerate() {
        let said = match peer {
            Ok(_) => ratios(&series[0], of_peers.next().expect("each peer took part"), &processor.borrow()[idx]),
            Err(reason) => ["-".into(), "-".into(), format!("PEER SKIPPED: {reason}")],
        };
        let mut cells = vec![name.to_owned(), one.clone(), two.clone(), (*workload).to_owned()];
        cells.extend(said);
        row(&cells);
    }
}

fn ratios(ours: &Series, peer: &Series, processor: &[Duration]) -> [String; 3] {
    let by_processor = median(processor.to_vec()).as_secs_f64() / ours.median().as_secs_f64();
    [time_text(peer.median()), format!("{:.1}", peer.ratio_to(ours)), format!("{by_processor:.1}")]
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
