//! Each network alone, with the kernels of this program and with those of tract; and where the time goes.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use landmark_extraction::network::{Kernels, Network};
use manyhands_test_support::figures::{machine, median, median_ratio};

use crate::options::{Options, seconds_of_work};

/// The networks and the outputs that landmarks need.
const NETWORKS: [(&str, &[usize]); 6] = [
    ("face_detection_short_range", &[0, 1]),
    ("face_landmark", &[0, 1]),
    ("palm_detection_full", &[0, 1]),
    ("hand_landmark_full", &[0, 1, 2]),
    ("pose_detection", &[0, 1]),
    ("pose_landmark_full", &[0, 1, 3]),
];

fn network(options: &Options, name: &str, outputs: &[usize], kernels: Kernels) -> Network {
    let bytes = fs::read(options.models().join(format!("{name}.tflite"))).expect("the models are there");
    Network::from_tflite_with(&bytes, outputs, kernels).expect("a network that is supported")
}

fn input(network: &Network) -> Vec<f32> {
    let side = network.input_size();
    (0..side * side * 3).map(|k| (k * 31 % 251) as f32 / 250.0).collect()
}

/// Milliseconds of work of one run.
fn timed(network: &Network, input: &[f32]) -> f64 {
    let begun = seconds_of_work();
    black_box(network.run(input).expect("it runs"));
    (seconds_of_work() - begun) * 1e3
}

/// All six, in turns.
pub(crate) fn compare(options: &Options) {
    println!("One run, one thread, ms of work, median of {} rounds in turns. {}\n", options.rounds * 3, machine());
    println!(
        "| network | own kernels | tract's | tract's / own |\n|---------|-------------|---------|---------------|"
    );
    let mut sums = [0.0; 2];
    for (name, outputs) in NETWORKS {
        let sides = [Kernels::best(), Kernels::Tract].map(|kernels| network(options, name, outputs, kernels));
        let input = input(&sides[0]);
        let mut times = [Vec::new(), Vec::new()];
        for side in &sides {
            timed(side, &input); // the first run takes its memory from the system
        }
        for _ in 0..options.rounds * 3 {
            for (side, times) in sides.iter().zip(&mut times) {
                times.push(timed(side, &input));
            }
        }
        let [own, tract] = &times;
        println!(
            "| {name} | {:.2} | {:.2} | {:.2} |",
            median(own.clone()),
            median(tract.clone()),
            median_ratio(tract, own)
        );
        sums = [sums[0] + median(own.clone()), sums[1] + median(tract.clone())];
    }
    println!("| all six | {:.2} | {:.2} | {:.2} |", sums[0], sums[1], sums[1] / sums[0]);
}

/// The steps of each network, the slowest first.
pub(crate) fn profile(options: &Options) {
    for (name, outputs) in NETWORKS {
        let network = network(options, name, outputs, Kernels::best());
        let input = input(&network);
        let mut steps = Vec::new();
        let mut least: Vec<f64> = Vec::new();
        let begun = Instant::now();
        for _ in 0..options.rounds * 3 {
            steps = network.profile(&input).expect("it runs");
            least.resize(steps.len(), f64::INFINITY);
            for (least, step) in least.iter_mut().zip(&steps) {
                *least = least.min(step.time.as_secs_f64() * 1e6);
            }
        }
        let total: f64 = least.iter().sum();
        println!(
            "### {name}: {total:.0} us in {} steps, the least of {} rounds in {:?}\n",
            steps.len(),
            options.rounds * 3,
            begun.elapsed()
        );
        println!("| step | result | us | share |\n|------|--------|----|-------|");
        let mut rows: Vec<_> = least.into_iter().zip(steps).collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (microseconds, step) in rows {
            let [height, width, channels] = step.result;
            let share = 100.0 * microseconds / total;
            println!("| {} | {height} x {width} x {channels} | {microseconds:.1} | {share:.1} % |", step.step);
        }
        println!();
    }
}
