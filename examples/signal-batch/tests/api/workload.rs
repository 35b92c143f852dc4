//! Made captures and their basic measurements are those of the reference.

use serde_json::Value;
use signal_batch::measure::{MeasurePlans, MetricSet};
use signal_batch::{Capture, Metric, workload};

use crate::golden::{assert_close, cases};

/// The six metrics that the reference has.
const METRICS: [Metric; 6] =
    [Metric::Rms, Metric::Peak, Metric::Mean, Metric::Std, Metric::DominantFrequency, Metric::TotalPower];

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn made(case: &Value) -> Capture {
    let i = case["i"].as_u64().unwrap();
    let capture = if case["noise_seed"].is_null() { workload::signal(i) } else { workload::trace(i) };
    assert_eq!(capture.name, case["id"].as_str().unwrap());
    capture
}

#[test]
fn made_captures_are_those_of_the_reference() {
    for case in cases("workload").unwrap_or_default() {
        let capture = made(&case);
        let samples = capture.samples();
        let (first, last) = (numbers(&case["first4"]), numbers(&case["last2"]));
        let found = samples[..4].iter().chain(&samples[samples.len() - 2..]);
        for (found, expected) in found.zip(first.iter().chain(&last)) {
            assert_close(*found, *expected, 0.0, 1e-12, &capture.name);
        }
        assert_eq!(samples.len() as u64, case["expect"]["num_samples"].as_u64().unwrap());
    }
}

#[test]
fn their_measurements_are_those_of_the_reference() {
    let mut plans = MeasurePlans::default();
    for case in cases("workload").unwrap_or_default() {
        let capture = made(&case);
        for wanted in [MetricSet::basic(), MetricSet::all()] {
            let measured = plans.measure(&capture, wanted).unwrap();
            for metric in METRICS {
                let absolute = if metric == Metric::Mean { 1e-12 } else { 0.0 };
                let expected = case["expect"][metric.name()].as_f64().unwrap();
                let what = format!("{} of {}", metric.name(), capture.name);
                assert_close(measured[metric], expected, 1e-10, absolute, &what);
            }
        }
    }
}
