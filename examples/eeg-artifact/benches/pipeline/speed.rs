//! One core: ours and the peers, in turns.

use std::fs;
use std::time::Instant;

use eeg_artifact::{Pipeline, SerialExecutor};

use manyhands_test_support::figures::{machine, median, median_ratio, verdict};

use crate::made;
use crate::numbers::largest_difference;
use crate::options::{Options, work_folder};
use crate::ours;
use crate::peers;
use crate::side::Side;
use crate::spec::{Report, Spec};

/// How much faster ours must be.
const TIMES_FACETPY: f64 = 10.0;
const TIMES_MNE: f64 = 3.0;

/// The largest difference to FACETpy's output, as a share of the largest sample.
const TOLERANCE: f64 = 1e-12;

/// A row of the table.
struct Contender {
    name: String,
    side: Side,
    spec: Spec,
    reports: Vec<Report>,
}

impl Contender {
    fn new(name: impl Into<String>, side: Side, spec: Spec) -> Self {
        Self { name: name.into(), side, spec, reports: Vec::new() }
    }

    fn seconds(&self) -> Vec<f64> {
        self.reports.iter().map(|report| report.seconds).collect()
    }
}

/// Ours with and without realignment beside both peers.
pub(crate) fn compare(options: &Options) {
    let plain = made::timed(options);
    let realigned = Spec { realign: true, ..plain.clone() };
    let mut contenders = vec![
        Contender::new("ours", Side::Ours, plain.clone()),
        Contender::new("ours, realigned", Side::Ours, realigned.clone()),
    ];
    if let Some((name, side)) = peers::facetpy(options) {
        assert_same(&side, &plain, "without realignment");
        assert_same(&side, &realigned, "with realignment");
        contenders.push(Contender::new(name, side.clone(), plain.clone()));
        contenders.push(Contender::new(format!("{name}, realigned"), side, realigned));
    }
    if let Some((name, side)) = peers::mne(options) {
        contenders.push(Contender::new(name, side.clone(), plain.clone()));
        let wide = Spec { mne_window: (15, 15), ..plain };
        contenders.push(Contender::new(format!("{name}, window 15 + 15"), side, wide));
    }
    for round in 0..options.rounds {
        for turn in 0..contenders.len() {
            let idx = (round + turn) % contenders.len();
            let contender = &mut contenders[idx];
            let report = contender.side.run(&contender.spec);
            contender.reports.push(report);
        }
    }
    print(options, &contenders);
}

/// Compares our output with FACETpy's.
fn assert_same(facetpy: &Side, spec: &Spec, what: &str) {
    let output = |name: &str| work_folder().join(format!("{name}.f64"));
    let spec_of = |name: &str| Spec { output: Some(output(name)), ..spec.clone() };
    Side::Ours.run(&spec_of("ours"));
    facetpy.run(&spec_of("facetpy"));
    let difference = largest_difference(&output("facetpy"), &output("ours"));
    println!("Output {what}: ours differs from FACETpy's by {difference:.1e} of the largest sample at most.");
    assert!(difference <= TOLERANCE, "ours must equal FACETpy's output {what} to {TOLERANCE:e}");
    for name in ["ours", "facetpy"] {
        fs::remove_file(output(name)).expect("it was written");
    }
}

fn print(options: &Options, contenders: &[Contender]) {
    let Options { channels, minutes, rounds, .. } = options;
    println!("\n{channels} channels of {minutes} min at 5 kHz, one core, {rounds} rounds in turns. {}\n", machine());
    println!("| side | median s | fastest s | times ours | peak memory, times float64 | parts |");
    println!("|------|----------|-----------|------------|----------------------------|-------|");
    let ours = contenders[0].seconds();
    let ours_realigned = contenders[1].seconds();
    for contender in contenders {
        let times = contender.seconds();
        let base = if contender.spec.realign { &ours_realigned } else { &ours };
        let peak = contender.reports.iter().map(|report| report.peak_bytes).max().unwrap_or(0);
        println!(
            "| {} | {:.3} | {:.3} | {:.2} | {:.2} | {} |",
            contender.name,
            median(times.clone()),
            times.iter().copied().fold(f64::INFINITY, f64::min),
            median_ratio(&times, base),
            peak as f64 / contender.spec.float64_bytes() as f64,
            contender.reports.last().map(Report::parts).unwrap_or_default()
        );
    }
    print_bars(contenders);
}

fn print_bars(contenders: &[Contender]) {
    println!();
    for contender in contenders.iter().filter(|contender| matches!(contender.side, Side::Peer { .. })) {
        let bar = if contender.name.starts_with("MNE") { TIMES_MNE } else { TIMES_FACETPY };
        let ours = contenders[usize::from(contender.spec.realign)].seconds();
        let ratio = median_ratio(&contender.seconds(), &ours);
        println!("- {}: {ratio:.2} times as fast, bar {bar}: {}", contender.name, verdict(ratio >= bar));
    }
    let notes = contenders.iter().filter_map(|contender| Some((&contender.name, &contender.reports.last()?.note)));
    for (name, note) in notes.filter(|(_, note)| !note.is_empty()) {
        println!("- {name}: linear algebra by {note}");
    }
}

/// Where the time of ours goes: each step as a pipeline of its own, in this process.
pub(crate) fn profile(options: &Options) {
    let spec = made::timed(options);
    for realign in [false, true] {
        let spec = Spec { realign, ..spec.clone() };
        println!("Realignment: {realign}\n\n| step | median s | ms per million samples |\n|------|----------|----|");
        let steps = ours::steps(&spec);
        let mut seconds = vec![Vec::new(); steps.len()];
        for _ in 0..options.rounds {
            let mut recording = ours::read(&spec);
            for (step, seconds) in steps.iter().zip(&mut seconds) {
                let begun = Instant::now();
                Pipeline::new([step.clone()]).run(&mut recording, &SerialExecutor).expect("it can be cleaned");
                seconds.push(begun.elapsed().as_secs_f64());
            }
        }
        let millions = (spec.names.len() * spec.n_times) as f64 / 1e6;
        for (step, seconds) in steps.iter().zip(seconds) {
            let name = eeg_artifact::Processor::name(step);
            let seconds = median(seconds);
            println!("| {name} | {seconds:.3} | {:.2} |", seconds * 1e3 / millions);
        }
        println!();
    }
}
