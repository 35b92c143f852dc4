//! Two workers against two copies of this program that each search all frames alone.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

use landmark_extraction::extractor::{ExtractOptions, Extractor};
use landmark_extraction::models::{ModelSource, Models};
use landmark_extraction::picture::Picture;
use landmark_extraction::row::row;
use manyhands::{AnyMode, Job};
use manyhands_test_support::figures::{machine, median, median_ratio, verdict};

use crate::options::{Options, frames, models};

/// Tells a copy how to work.
const ASKED: &str = "LANDMARKS_BENCH_COPY";

/// How many frames are searched.
const N_FRAMES: usize = 80;

/// What two workers must get done in a time, as a share of what two independent copies get done together.
const LEAST_SHARE: f64 = 0.95;

/// Whether this process is a copy. It says that it is ready, waits for a line, works, and prints its seconds.
pub(crate) fn is_copy() -> bool {
    let Ok(mode) = env::var(ASKED) else { return false };
    let mode: AnyMode = mode.parse().expect("a mode");
    let workers = if mode == AnyMode::Serial { 1 } else { 2 };
    search(mode, workers, 4); // workers and models are made before anything is timed
    println!("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("the bench says go");
    let begun = Instant::now();
    search(mode, workers, N_FRAMES);
    println!("{}", begun.elapsed().as_secs_f64());
    true
}

/// One set of weights in each process, whichever thread asks.
fn extractor() -> Extractor {
    static EXTRACTOR: OnceLock<Extractor> = OnceLock::new();
    let load =
        || Extractor::new(Models::load(&ModelSource::Folder(models())).expect("the models"), ExtractOptions::default());
    EXTRACTOR.get_or_init(load).clone()
}

fn search(mode: AnyMode, workers: usize, n_frames: usize) {
    let numbers: Vec<usize> = (0..n_frames).collect();
    let outcome = Job::new(&numbers)
        .mode(mode)
        .workers(workers)
        .worker_state(extractor)
        .run(search_one)
        .expect("the job can begin");
    assert!(outcome.failures().is_empty(), "all frames are searched");
}

fn search_one(extractor: &mut Extractor, number: &usize) -> Vec<f32> {
    let mut paths: Vec<_> =
        std::fs::read_dir(frames()).expect("frames").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
    paths.sort();
    let picture = Picture::read(&paths[number % paths.len()]).expect("a frame");
    row(&extractor.frame(&picture).expect("it can be searched"), false).0.to_vec()
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
    println!("{N_FRAMES} frames read and searched, {} rounds in turns. {}\n", options.rounds, machine());
    println!("| mode | median s | share of two copies | times as fast as one worker |");
    println!("|------|----------|---------------------|-----------------------------|");
    println!("| one worker | {:.3} | | 1 |", median(serial.clone()));
    println!("| two copies, each with all frames | {:.3} | 1 | |", median(copies.clone()));
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
