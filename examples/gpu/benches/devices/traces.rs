//! Measurements of traces: the size of a batch of captures, of many short ones, and of few long ones.

use gpu::{Device, SPECTRUM_TOLERANCE};

use crate::cores::{Powers, n_cores, on_threads};
use crate::options::Options;
use crate::rounds;

/// Total power and dominant bin, which both sides make.
type Figures = (f64, usize);

pub(crate) fn compare(device: &Device, options: &Options) {
    for (n_traces, n_samples) in [(50, 20_000), (2000, 1000), (500, 20_000), (8, 1_000_000), (200, 10_007)] {
        let traces: Vec<Vec<f64>> = (0..n_traces).map(|idx| trace(idx, n_samples)).collect();
        let slices: Vec<&[f64]> = traces.iter().map(Vec::as_slice).collect();
        let mut batch = device.trace_summaries(n_samples).expect("a trace fits");
        let mut on_device = || -> Vec<Figures> {
            let summaries = batch.run(&slices).expect("the device works");
            summaries.iter().map(|summary| (summary.total_power, summary.dominant_bin)).collect()
        };
        let on_cores = |threads| on_threads(&slices, threads, |part| figures(part, n_samples));
        for (found, expected) in on_device().iter().zip(on_cores(1)) {
            assert!((found.0 / expected.0 - 1.0).abs() < SPECTRUM_TOLERANCE, "{found:?} and {expected:?}");
            assert_eq!(found.1, expected.1);
        }
        let what = format!("{n_traces} traces of {n_samples}");
        rounds::compare(
            &what,
            options.rounds,
            vec![
                ("device", Box::new(|| drop(on_device()))),
                ("one core", Box::new(|| drop(on_cores(1)))),
                ("all cores", Box::new(|| drop(on_cores(n_cores())))),
            ],
        );
    }
}

fn trace(idx: usize, n_samples: usize) -> Vec<f64> {
    let tone = |i: usize| ((0.01 + 1e-4 * idx as f64) * i as f64).sin() + 0.1 * (1.3 * i as f64).cos();
    (0..n_samples).map(tone).collect()
}

fn figures(traces: &[&[f64]], n_samples: usize) -> Vec<Figures> {
    let mut powers = Powers::new(n_samples);
    let figures = |trace: &&[f64]| {
        let bins = powers.of(|input| input.copy_from_slice(trace)).enumerate();
        let (total, best, _) = bins.fold((0.0, 0, -1.0), |(total, best, largest), (bin, power)| {
            let (best, largest) = if power > largest { (bin, power) } else { (best, largest) };
            (total + power, best, largest)
        });
        (total, best)
    };
    traces.iter().map(figures).collect()
}
