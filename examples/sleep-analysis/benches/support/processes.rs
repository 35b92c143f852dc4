//! What processes cost beside threads, for what the program does with a night, at two workers.
//!
//! Both go through the program's own engine, so that samples reach a worker as they do there. Threads and processes are kept
//! from call to call, and so are the signals that worker processes have received; the rows that make a night start with a new one.

use std::sync::Arc;
use std::time::Duration;

use manyhands::AnyMode;
use sleep_analysis::eeg::{EegFeatureSet, EegSettings};
use sleep_analysis::features::{Aggregation, FeatureRequest, Features, MovementMetric, Operation};
use sleep_analysis::parallel::Engine;
use sleep_analysis::{
    AlignMethod, AlignRequest, AlignedSignal, AlignmentGrid, Column, NightPlan, Signal, SignalTiming, SyntheticNight,
};

use crate::choice::Choice;
use crate::nights;
use crate::report::{row, say, table_head, time_text};
use crate::rounds::{Contender, take_turns, timed};

const WORKERS: usize = 2;

/// Reports a row per workload.
pub(crate) fn report(choice: &Choice) {
    say("\nWhat do processes cost beside threads? Medians of wall times, two workers each.");
    table_head(&["workload", "threads", "processes", "processes / threads"]);
    nights_from_nothing(choice);
    features(choice);
    for method in [AlignMethod::Nearest, AlignMethod::AsOf] {
        let request = nights::alignment(method);
        compare(
            choice,
            &format!("processes: {method}, 20 signals"),
            |mode| align(mode, &request),
            |aligned| aligned_bits(aligned),
        );
    }
}

fn nights_from_nothing(choice: &Choice) {
    let plan = SyntheticNight::new(1).duration(Duration::from_secs(8 * 3600)).plan().expect("a night that can be");
    compare(
        choice,
        "processes: a night made",
        |mode| make(mode, &plan),
        |signals| signals.iter().flat_map(|signal| bits(signal.columns())).collect(),
    );
    compare(
        choice,
        "processes: a night made, examined and aligned",
        |mode| study(mode, &plan),
        |(features, aligned)| {
            let of_features = features.iter().flat_map(|features| feature_bits(features));
            of_features.chain(aligned_bits(aligned)).collect()
        },
    );
}

/// What the program does with a synthetic night, without its files and pictures.
fn study(mode: AnyMode, plan: &NightPlan) -> (Vec<Arc<Features>>, Vec<AlignedSignal>) {
    let signals: Arc<[Signal]> = make(mode, plan).into();
    let eeg = signals.iter().filter(|signal| signal.column("uv").is_some());
    let mut features = vec![examine(mode, &signals, statistics())];
    features.extend(eeg.map(|eeg| examine(mode, &[eeg.clone()].into(), Operation::Eeg(EegSettings::new(100.0)))));
    let timings: Vec<_> = signals.iter().filter_map(|s| SignalTiming::from_timestamps(s.timestamps_ns())).collect();
    let grid = AlignmentGrid::covering(&timings, 1.0).expect("a grid over a night");
    (features, align(mode, &AlignRequest { signals, grid, method: AlignMethod::Nearest }))
}

fn features(choice: &Choice) {
    let movement = Operation::Movement { metrics: MovementMetric::ALL.into() };
    let bands = EegSettings { feature_set: EegFeatureSet::BandPowers, ..EegSettings::new(100.0) };
    let cases: [(&str, fn() -> Signal, Operation); 5] = [
        ("processes: statistics of accelerometer", nights::accelerometer, statistics()),
        ("processes: movement", nights::accelerometer, movement),
        ("processes: EEG bands, 6 channels", || nights::eeg(6), Operation::Eeg(bands)),
        ("processes: EEG all features, 1 channel", || nights::eeg(1), Operation::Eeg(EegSettings::new(100.0))),
        ("processes: EEG all features, 6 channels", || nights::eeg(6), Operation::Eeg(EegSettings::new(100.0))),
    ];
    for (name, signal, operation) in cases.into_iter().filter(|(name, ..)| choice.has(name)) {
        let signals: Arc<[Signal]> = [signal()].into();
        compare(choice, name, |mode| examine(mode, &signals, operation.clone()), |features| feature_bits(features));
    }
}

fn statistics() -> Operation {
    Operation::Statistics { aggregations: Aggregation::ALL.into() }
}

fn make(mode: AnyMode, plan: &NightPlan) -> Vec<Signal> {
    let made = engine(mode).make_night(plan).expect("a job that can run");
    made.into_iter().map(|signal| signal.expect("every signal can be made")).collect()
}

fn examine(mode: AnyMode, signals: &Arc<[Signal]>, operation: Operation) -> Arc<Features> {
    let epochs = nights::epochs_over(signals);
    let request = FeatureRequest::new(Arc::clone(signals), epochs, operation).expect("a request that can be");
    engine(mode).features(&request).expect("a job that can run")
}

fn align(mode: AnyMode, request: &AlignRequest) -> Vec<AlignedSignal> {
    let idxs: Vec<usize> = (0..request.signals.len()).collect();
    let aligned = engine(mode).align(request, &idxs).expect("a job that can run");
    aligned.into_iter().map(|signal| signal.expect("every signal aligns")).collect()
}

/// A new one for each call, because an engine caches features.
fn engine(mode: AnyMode) -> Engine {
    Engine::new(mode).workers(WORKERS)
}

fn bits(columns: &[Column]) -> impl Iterator<Item = u64> {
    columns.iter().flat_map(|column| column.values.iter().map(|value| value.to_bits()))
}

fn feature_bits(features: &Features) -> Vec<u64> {
    bits(&features.table.columns).collect()
}

fn aligned_bits(aligned: &[AlignedSignal]) -> Vec<u64> {
    let times = aligned.iter().flat_map(|signal| signal.timestamps_ns().map(i64::cast_unsigned));
    times.chain(aligned.iter().flat_map(|signal| bits(signal.columns()))).collect()
}

/// Threads and processes in turns. The result is dropped while the clock runs, as the program drops it too.
fn compare<A>(choice: &Choice, name: &str, run: impl Fn(AnyMode) -> A, bits: impl Fn(&A) -> Vec<u64>) {
    if !choice.has(name) {
        return;
    }
    let [threads, processes] = ["threads", "processes"].map(|mode| mode.parse::<AnyMode>().expect("a known mode"));
    assert!(bits(&run(threads)) == bits(&run(processes)), "{name}");
    let run = &run;
    let of = |mode| Contender::new(move || timed(1, || drop(run(mode))));
    let series = take_turns(choice.rounds(15), vec![of(threads), of(processes)]);
    let ratio = format!("{:.2}", series[1].ratio_to(&series[0]));
    row(&[name.to_owned(), time_text(series[0].median()), time_text(series[1].median()), ratio]);
}
