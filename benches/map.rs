//! Is the thread map as fast as rayon's, and never much slower than a plain loop?
//!
//! Every call makes the same answer from the same items: `parallel_map(Threads, ..)`, rayon's `par_iter().map().collect()`
//! on as many threads, and a plain loop. Rayon takes part twice, so that each ratio stands beside the one that the
//! machine's own unrest makes. `--rounds N` and parts of case names choose; see benches/README.md.

#[path = "support/choice.rs"]
mod choice;
#[path = "support/report.rs"]
mod report;
#[path = "support/rounds.rs"]
mod rounds;
#[path = "support/spin.rs"]
mod spin;

use std::hint::black_box;
use std::time::{Duration, Instant};

use choice::Choice;
use manyhands::{Serial, Threads, parallel_map};
use rayon::prelude::*;
use report::{row, say, time_text};
use rounds::{Contender, Series, take_turns, timed};
use spin::{Load, even_loads, plain, spin, turns_for};

/// Each measurement takes about this long, or one call if that is longer.
const MEASUREMENT: Duration = Duration::from_millis(20);

fn main() {
    let choice = Choice::from_command_line();
    let threads = manyhands::config::parallel_config().max_workers_cpu().get();
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("rayon's threads start");
    large_calls(&choice, threads);
    small_calls(&choice);
    report::foot();
}

fn large_calls(choice: &Choice, threads: usize) {
    let lengths = [(5, 1_000_000), (1_000, 100_000), (100_000, 10_000), (10_000_000, 100)];
    let cases = lengths.map(|(nanos, n_items)| (Duration::from_nanos(nanos), n_items)).map(|(item, n_items)| {
        ["even", "heavy first", "heavy last"]
            .map(|shape| (format!("{} x {n_items} {shape}", time_text(item)), item, n_items, shape))
    });
    if !cases.iter().flatten().any(|(name, ..)| choice.has(name)) {
        return;
    }
    report::head(&format!("Thread map against rayon, {threads} threads each"));
    say(
        "\nMedians; a ratio above 1 means slower than rayon. The last column is rayon against itself in the same rounds.",
    );
    report::table_head(&["case", "plain loop", "rayon", "manyhands", "manyhands / rayon", "rayon / rayon"]);
    for (name, item, n_items, shape) in cases.iter().flatten().filter(|(name, ..)| choice.has(name)) {
        let even = even_loads(*n_items, turns_for(*item));
        let loads = match *shape {
            "heavy first" => with_heavy(even, 0),
            "heavy last" => with_heavy(even, n_items - 1),
            _ => even,
        };
        large_call(name, &loads, choice.rounds(15));
    }
}

/// One item is 100 times as long as the others.
fn with_heavy(mut loads: Vec<Load>, heavy_idx: usize) -> Vec<Load> {
    loads[heavy_idx].turns *= 100;
    loads
}

fn large_call(name: &str, loads: &[Load], n_rounds: usize) {
    let begun = Instant::now();
    let expected = plain(loads);
    let serial_time = begun.elapsed();
    assert_eq!(with_rayon(loads), expected, "{name}");
    assert_eq!(with_threads(loads), expected, "{name}");

    let n_calls = n_calls_of(serial_time);
    let contenders = vec![
        Contender::new(|| timed(n_calls, || with_rayon(loads))),
        Contender::new(|| timed(n_calls, || with_threads(loads))),
        Contender::new(|| timed(n_calls, || with_rayon(loads))),
        Contender::new(|| timed(n_calls, || plain(loads))).only_every(if serial_time > MEASUREMENT { 3 } else { 1 }),
    ];
    let [rayon, ours, again, serial] = of_four(take_turns(n_rounds, contenders));
    row(&[
        name.to_owned(),
        time_text(serial.median()),
        time_text(rayon.median()),
        time_text(ours.median()),
        format!("{:.3}", ours.ratio_to(&rayon)),
        format!("{:.3}", again.ratio_to(&rayon)),
    ]);
}

fn small_calls(choice: &Choice) {
    let cases = [(5, 10), (5, 100), (5, 1_000), (5, 100_000), (1_000, 10), (1_000, 100), (10_000, 10)]
        .map(|(item, n_items)| (Duration::from_nanos(item), n_items))
        .map(|(item, n_items)| (format!("small {} x {n_items}", time_text(item)), item, n_items));
    if !cases.iter().any(|(name, ..)| choice.has(name)) {
        return;
    }
    report::head("Small calls against a plain loop, repeated");
    say("\nMedians per call. `over plain` is what a call costs beyond the loop; negative where two threads gain.");
    report::table_head(&[
        "case",
        "plain loop",
        "Serial",
        "Threads",
        "rayon",
        "Threads over plain",
        "Threads / plain",
        "plain / plain",
    ]);
    for (name, item, n_items) in cases.iter().filter(|(name, ..)| choice.has(name)) {
        small_call(name, &even_loads(*n_items, turns_for(*item)), choice.rounds(15));
    }
}

fn small_call(name: &str, loads: &[Load], n_rounds: usize) {
    let expected = plain(loads);
    assert_eq!(with_threads(loads), expected, "{name}");
    assert_eq!(with_serial(loads), expected, "{name}");
    let begun = Instant::now();
    black_box(plain(loads));
    let n_calls = n_calls_of(begun.elapsed()).clamp(100, 10_000);
    let contenders = vec![
        Contender::new(|| timed_together(n_calls, || plain(loads))),
        Contender::new(|| timed_together(n_calls, || with_serial(loads))),
        Contender::new(|| timed_together(n_calls, || with_threads(loads))),
        Contender::new(|| timed_together(n_calls, || with_rayon(loads))),
        Contender::new(|| timed_together(n_calls, || plain(loads))),
    ];
    let series = take_turns(n_rounds, contenders);
    let [serial, again] = [&series[0], &series[4]];
    let ours = &series[2];
    let over = (ours.median().as_secs_f64() - serial.median().as_secs_f64()) * 1e9;
    let mut cells = vec![name.to_owned()];
    cells.extend(series[..4].iter().map(|one| time_text(one.median())));
    cells.extend([
        format!("{over:.0} ns"),
        format!("{:.3}", ours.ratio_to(serial)),
        format!("{:.3}", again.ratio_to(serial)),
    ]);
    row(&cells);
}

/// The mean time of calls in a row, for calls that are too short to read a clock around each.
fn timed_together<A>(n_calls: u32, mut call: impl FnMut() -> A) -> Duration {
    timed(1, || (0..n_calls).for_each(|_| drop(black_box(call())))) / n_calls
}

fn n_calls_of(serial_time: Duration) -> u32 {
    let n_calls = MEASUREMENT.as_nanos() / serial_time.as_nanos().max(1);
    u32::try_from(n_calls).unwrap_or(u32::MAX).max(1)
}

fn with_threads(loads: &[Load]) -> Vec<u64> {
    parallel_map(Threads, loads, spin).expect("no item fails")
}

fn with_serial(loads: &[Load]) -> Vec<u64> {
    parallel_map(Serial, loads, spin).expect("no item fails")
}

fn with_rayon(loads: &[Load]) -> Vec<u64> {
    loads.par_iter().map(spin).collect()
}

fn of_four(series: Vec<Series>) -> [Series; 4] {
    series.try_into().expect("four contenders")
}
