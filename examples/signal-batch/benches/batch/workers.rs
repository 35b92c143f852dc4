//! Two workers against two copies of this program that each measure all captures alone.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use manyhands::{AnyMode, Job};
use manyhands_test_support::figures::{machine, median, median_ratio, verdict};
use signal_batch::Measurements;
use signal_batch::measure::{MeasurePlans, MetricSet};
use signal_batch::workload;

use crate::options::Options;

/// Tells a copy how to work.
const ASKED: &str = "SIGNAL_BATCH_BENCH_COPY";

/// How many captures are made and measured.
const N_CAPTURES: u64 = 2000;

/// What two workers must get done in a time, as a share of what two independent copies get done together.
const LEAST_SHARE: f64 = 0.95;

/// How this process was asked to work, if it is a copy.
pub(crate) fn asked_for() -> Option<AnyMode> {
    Some(env::var(ASKED).ok()?.parse().expect("a mode"))
}

/// Says that it is ready, waits for a line, works, and prints its seconds.
pub(crate) fn run_copy(mode: AnyMode) {
    let workers = if mode == AnyMode::Serial { 1 } else { 2 };
    measure(mode, workers, 64); // workers and plans are made before anything is timed
    println!("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("the bench says go");
    let begun = Instant::now();
    measure(mode, workers, N_CAPTURES);
    println!("{}", begun.elapsed().as_secs_f64());
}

fn measure(mode: AnyMode, workers: usize, n_captures: u64) {
    let numbers: Vec<u64> = (0..n_captures).map(|number| number % 50).collect();
    let outcome = Job::new(&numbers)
        .mode(mode)
        .workers(workers)
        .worker_state(MeasurePlans::default)
        .run(measure_one)
        .expect("the job can begin");
    assert!(outcome.failures().is_empty(), "all captures are measured");
}

fn measure_one(plans: &mut MeasurePlans, number: &u64) -> Measurements {
    plans.measure(&workload::trace(*number), MetricSet::all()).expect("it can be measured")
}

/// Threads and processes with two workers, two copies, and one worker, in turns.
pub(crate) fn compare(options: &Options) {
    let (mut serial, mut copies) = (Vec::new(), Vec::new());
    let (mut threads, mut processes) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        threads.push(together(&["threads"]));
        copies.push(together(&["serial", "serial"]));
        processes.push(together(&["processes"]));
        serial.push(together(&["serial"]));
    }
    println!("{N_CAPTURES} captures made and measured, {} rounds in turns. {}\n", options.rounds, machine());
    println!("| mode | median s | share of two copies | times as fast as one worker |");
    println!("|------|----------|---------------------|-----------------------------|");
    println!("| one worker | {:.3} | | 1 |", median(serial.clone()));
    println!("| two copies, each with all captures | {:.3} | 1 | |", median(copies.clone()));
    for (mode, seconds) in [("threads", threads), ("processes", processes)] {
        let share = median_ratio(&copies, &seconds) / 2.0;
        let (seconds_text, times) = (median(seconds.clone()), median_ratio(&serial, &seconds));
        let bar = verdict(share >= LEAST_SHARE);
        println!("| {mode} | {seconds_text:.3} | {share:.3} ({bar}) | {times:.2} |");
    }
    println!();
}

/// Seconds of the slowest of several copies that begin at once.
fn together(modes: &[&str]) -> f64 {
    let mut copies: Vec<Child> = modes.iter().map(|mode| copy(mode)).collect();
    let mut says: Vec<_> =
        copies.iter_mut().map(|copy| BufReader::new(copy.stdout.take().expect("it was asked for"))).collect();
    let mut next = |at: usize| {
        let mut line = String::new();
        says[at].read_line(&mut line).expect("it prints text");
        line.trim().to_owned()
    };
    (0..modes.len()).for_each(|at| assert_eq!(next(at), "ready", "the copy is ready"));
    for copy in &mut copies {
        writeln!(copy.stdin.as_mut().expect("it was asked for"), "go").expect("it waits for this line");
    }
    let seconds = (0..modes.len()).map(|at| next(at).parse().expect("seconds")).fold(0.0, f64::max);
    copies.iter_mut().for_each(|copy| assert!(copy.wait().expect("it ends").success(), "it ends well"));
    seconds
}

fn copy(mode: &str) -> Child {
    let mut command = Command::new(env::current_exe().expect("this program has a file"));
    command.env(ASKED, mode).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().expect("it can be started")
}
