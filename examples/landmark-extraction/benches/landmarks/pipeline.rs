//! From a picture to its landmarks, beside MediaPipe in Python: milliseconds per frame, memory of a worker, and time to the first landmarks.

use std::env;
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use landmark_extraction::extractor::{ExtractOptions, Extractor};
use landmark_extraction::models::{ModelSource, Models};
use landmark_extraction::picture::Picture;
use manyhands_test_support::figures::{machine, median, median_ratio, verdict};

use crate::options::{Options, frames, models, seconds_of_work};
use crate::peer;

/// Tells a copy of this program how many rounds to time; 0 stands for the first frame alone.
const ASKED: &str = "LANDMARKS_BENCH_ROUNDS";

/// The most that ours may take of the peer's time.
const MOST_OF_PEER: f64 = 2.2;

/// The most that a worker may take of the peer's memory.
const MOST_OF_MEMORY: f64 = 0.2;

/// Whether this process is a copy, which then has done its work.
pub(crate) fn is_copy() -> bool {
    let Ok(rounds) = env::var(ASKED) else { return false };
    let rounds: usize = rounds.parse().expect("a number");
    let models = Models::load(&ModelSource::Folder(models())).expect("the models are there");
    let tasks = [(1, 0, 0), (0, 2, 0), (0, 0, 1)].map(|(max_faces, max_hands, max_people)| {
        Extractor::new(models.clone(), ExtractOptions { max_faces, max_hands, max_people })
    });
    let pictures: Vec<Picture> = paths().iter().map(|path| Picture::read(path).expect("a frame")).collect();
    let n_pictures = if rounds == 0 { 1 } else { pictures.len() };
    let (mut n_found, mut work, mut wall) = (Vec::new(), Vec::new(), Vec::new());
    for task in &tasks {
        let all = || -> usize {
            let found = pictures[..n_pictures].iter().map(|picture| {
                let frame = black_box(task.frame(picture).expect("it can be searched"));
                usize::from(!frame.faces.is_empty() || !frame.hands.is_empty() || !frame.people.is_empty())
            });
            found.sum()
        };
        n_found.push(all());
        let (mut works, mut walls) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (begun, begun_work) = (Instant::now(), seconds_of_work());
            all();
            works.push((seconds_of_work() - begun_work) * 1e3 / n_pictures as f64);
            walls.push(begun.elapsed().as_secs_f64() * 1e3 / n_pictures as f64);
        }
        work.push(median(works));
        wall.push(median(walls));
    }
    println!(
        "{}",
        serde_json::json!({ "found": n_found, "work": work, "wall": wall, "peak": megabytes("VmHWM"), "resident": megabytes("VmRSS") })
    );
    true
}

fn paths() -> Vec<PathBuf> {
    let folder = fs::read_dir(frames()).expect("the frames are there");
    let mut paths: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
    paths.sort();
    paths
}

/// A line of what the system says of this process.
fn megabytes(key: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(key)).and_then(|line| line.split_whitespace().nth(1));
    line.and_then(|kilobytes| kilobytes.parse::<f64>().ok()).map_or(f64::NAN, |kilobytes| kilobytes / 1024.0)
}

/// A copy on the first core; its figures, its memory (peak, at the end), and the seconds that it took.
fn ours(rounds: usize) -> (peer::Times, f64, f64) {
    let begun = Instant::now();
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(env::current_exe().expect("this program has a file"));
    let output = command.env(ASKED, rounds.to_string()).output().expect("taskset is there");
    let seconds = begun.elapsed().as_secs_f64();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    let of = |figure: &str| [0, 1, 2].map(|task: usize| said[figure][task].as_f64().unwrap_or(f64::NAN));
    let memory = |key: &str| said[key].as_f64().unwrap_or(f64::NAN);
    (
        peer::Times {
            work: of("work"),
            wall: of("wall"),
            memory_mb: memory("peak"),
            n_found: [0, 1, 2].map(|task: usize| said["found"][task].as_u64().unwrap_or(0)),
        },
        memory("resident"),
        seconds,
    )
}

/// Both sides in turns, a process each time.
pub(crate) fn compare(options: &Options) {
    let python = peer::python(options);
    let rounds = options.rounds.div_ceil(2);
    let mut sides: [(&str, Vec<peer::Times>, Vec<f64>); 3] =
        [("ours", vec![], vec![]), ("mediapipe", vec![], vec![]), ("litert", vec![], vec![])];
    let mut resident = Vec::new();
    for _ in 0..rounds {
        let (times, at_end, _) = ours(options.rounds);
        sides[0].1.push(times);
        resident.push(at_end);
        sides[0].2.push(ours(0).2);
        let Some(python) = &python else { continue };
        sides[1].1.push(peer::times(python, "mediapipe", options.rounds));
        assert_eq!(
            sides[0].1[0].n_found, sides[1].1[0].n_found,
            "both find faces, hands and people in the same frames"
        );
        sides[1].2.push(peer::seconds_to_first(python));
        sides[2].1.push(peer::times(python, "litert", options.rounds));
    }
    println!(
        "ms of work per frame, one core, medians of {rounds} processes in turns, {} rounds each. {}\n",
        options.rounds,
        machine()
    );
    println!("| side | face mesh | hands | pose | all | all, wall | peak MB | s to the first landmarks |");
    println!("|------|-----------|-------|------|-----|-----------|---------|--------------------------|");
    for (name, times, first) in sides.iter().filter(|side| !side.1.is_empty()) {
        let part = |task: usize| median(times.iter().map(|times| times.work[task]).collect());
        let all = median(times.iter().map(|times| times.work.iter().sum()).collect());
        let wall = median(times.iter().map(|times| times.wall.iter().sum()).collect());
        let memory = median(times.iter().map(|times| times.memory_mb).collect());
        let [face, hands, pose] = [0, 1, 2].map(part);
        println!(
            "| {name} | {face:.2} | {hands:.2} | {pose:.2} | {all:.2} | {wall:.2} | {memory:.1} | {:.2} |",
            median(first.clone())
        );
    }
    println!("\nOurs holds {:.1} MB at the end.", median(resident));
    for (name, times, _) in sides[1..].iter().filter(|side| !side.1.is_empty()) {
        let all = |times: &[peer::Times]| times.iter().map(|times| times.work.iter().sum()).collect::<Vec<f64>>();
        let memory = |times: &[peer::Times]| times.iter().map(|times| times.memory_mb).collect::<Vec<f64>>();
        let (time, space) =
            (median_ratio(&all(&sides[0].1), &all(times)), median_ratio(&memory(&sides[0].1), &memory(times)));
        println!("Ours / {name}: {time:.2} of its time, {space:.2} of its memory.");
        if *name == "mediapipe" {
            println!(
                "Bars: {MOST_OF_PEER} of the time {}, {MOST_OF_MEMORY} of the memory {}.",
                verdict(time <= MOST_OF_PEER),
                verdict(space <= MOST_OF_MEMORY)
            );
        }
    }
}
