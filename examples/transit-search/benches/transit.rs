//! Box least squares of whole light curves, beside astropy: how many a second on one core, and what two workers are worth.
//!
//! A sample is a synthetic light curve of 1296 points, searched at 10 000 periods with five durations. `baseline.py` searches the same
//! ones with astropy, one after the other and in a pool of two processes, in a process of its own in every round; it reports its own
//! times. `MANYHANDS_PYTHON` names an interpreter that has numpy, scipy and astropy. Two workers are compared with two copies of this
//! program that each search all samples in one thread, at the same time.
//!
//! `--rounds N` rounds of `--samples N` samples.

#![expect(clippy::print_stdout, reason = "the findings of a bench go to its output")]

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use manyhands::{Job, Processes};
use transit_search::{BoxSearch, Objective, Weights, best_fit, synthetic_curve};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden/transit/baseline.py");
const COPY: &str = "MANYHANDS_TRANSIT_COPY";

fn main() {
    manyhands::init();
    if let Ok(samples) = env::var(COPY) {
        (0..samples.parse().expect("a number of samples")).for_each(|number| _ = search("freq", number));
        return;
    }
    let arguments: Vec<String> = env::args().collect();
    let given = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse::<usize>().ok()
    };
    let (rounds, samples) = (given("--rounds").unwrap_or(5), given("--samples").unwrap_or(8) as u64);
    for grid in ["freq", "period"] {
        compare(grid, rounds, samples);
    }
    workers(rounds, samples);
}

/// Index, period and power of the best box.
fn search(grid: &str, number: u64) -> (usize, f64, f64) {
    let even_in_frequency = |at: u32| 1.0 / (2.0 - f64::from(at) * ((2.0 - 1.0 / 13.5) / 9999.0));
    let even_in_period = |at: u32| 0.5 + f64::from(at) * (13.0 / 9999.0);
    let search = BoxSearch {
        periods: (0..10_000)
            .map(|at| if grid == "freq" { even_in_frequency(at) } else { even_in_period(at) })
            .collect(),
        durations: vec![0.05, 0.10, 0.15, 0.20, 0.25],
        oversample: 10,
        objective: Objective::Likelihood,
        weights: Weights::Errors,
    };
    let fits = search.run(&synthetic_curve(number).curve).expect("a synthetic light curve can be searched");
    let (at, fit) = best_fit(&fits).expect("there is a box in it");
    (at, fit.period, fit.power)
}

fn timed(act: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    act();
    begun.elapsed().as_secs_f64()
}

fn compare(grid: &str, rounds: usize, samples: u64) {
    let (mut ours, mut alone, mut pool) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        ours.push(timed(|| (0..samples).for_each(|number| _ = search(grid, number))));
        match baseline(grid, samples) {
            Ok((sequential, pooled)) => {
                alone.push(sequential);
                pool.push(pooled);
            }
            Err(reason) if round == 0 => println!("PEER SKIPPED: {reason}"),
            Err(_) => {}
        }
    }
    println!("\n## Grid {grid}: {samples} samples in each of {rounds} rounds\n");
    println!("Medians; ratios are medians of the rounds' ratios.\n");
    println!("| side | seconds | samples/s | times astropy |\n|------|---------|-----------|---------------|");
    for (name, times) in [("transit-search", &ours), ("astropy", &alone), ("astropy, pool of two", &pool)] {
        if times.is_empty() {
            continue;
        }
        let ratios = alone.iter().zip(times).map(|(astropy, of_this_side)| astropy / of_this_side).collect();
        let seconds = median(times.clone());
        println!("| {name} | {seconds:.3} | {:.2} | {:.2} |", samples as f64 / seconds, median(ratios));
    }
}

/// Seconds for all samples, one after the other and in a pool of two processes.
fn baseline(grid: &str, samples: u64) -> Result<(f64, f64), String> {
    if !Path::new(BASELINE).exists() {
        return Err("baseline.py is not there".to_owned());
    }
    let python = env::var("MANYHANDS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let samples = samples.to_string();
    let arguments = [BASELINE, "time", "--n", &samples, "--rounds", "1", "--workers", "2", "--grid", grid];
    let answer = Command::new(&python).args(arguments).output().map_err(|why| format!("{python}: {why}"))?;
    if !answer.status.success() {
        let said = String::from_utf8_lossy(&answer.stderr);
        return Err(said.lines().last().unwrap_or("it ended without a message").to_owned());
    }
    let report: serde_json::Value = serde_json::from_slice(&answer.stdout).map_err(|why| why.to_string())?;
    let first = report["results_first3"][0].as_array().ok_or("it reports no results")?;
    let (index, _, power) = search(grid, 0);
    assert_eq!((first[1].as_u64(), first[3].as_f64()), (Some(index as u64), Some(power)), "the same search");
    let seconds = |name: &str| report[name][0].as_f64().ok_or_else(|| format!("it reports no {name}"));
    Ok((seconds("seq_seconds")?, seconds("pool_seconds")?))
}

/// Two workers on all samples, against two copies that have all samples each.
fn workers(rounds: usize, samples: u64) {
    let numbers: Vec<u64> = (0..samples).collect();
    let worth = |together: Vec<f64>, copies: &[f64]| {
        median(copies.iter().zip(together).map(|(copies, together)| copies / (2.0 * together)).collect())
    };
    let (mut threads, mut processes, mut copies) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        threads.push(timed(|| {
            let outcome = Job::new(&numbers).workers(2).run(|&number| search("freq", number));
            outcome.and_then(|outcome| outcome.into_result()).map_err(|_| ()).expect("all are searched");
        }));
        processes.push(timed(|| {
            let job = Job::new(&numbers).mode(Processes::new()).workers(2);
            let outcome = job.run(|&number: &u64| search("freq", number));
            outcome.and_then(|outcome| outcome.into_result()).map_err(|_| ()).expect("all are searched");
        }));
        copies.push(timed(|| two_copies(samples)));
    }
    println!("\n## Two workers against two serial copies: {samples} samples in each of {rounds} rounds\n");
    println!(
        "What two workers get done in a time, as a share of what the copies do together in it. Median of the rounds.\n"
    );
    println!("| mode | share |\n|------|-------|");
    println!("| threads | {:.3} |\n| processes | {:.3} |", worth(threads, &copies), worth(processes, &copies));
}

fn two_copies(samples: u64) {
    let itself = env::current_exe().expect("this program has a file");
    let start = || {
        let mut command = Command::new(&itself);
        command.env(COPY, samples.to_string()).stdin(Stdio::null()).spawn().expect("it can be started again")
    };
    for mut copy in [start(), start()] {
        assert!(copy.wait().expect("it ends").success());
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => (values[len / 2 - 1] + values[len / 2]) / 2.0,
    }
}
