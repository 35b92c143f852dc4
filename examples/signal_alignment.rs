//! Signals of different devices on one grid, each by one worker: a shared grid, results in order, failures by name.
//!
//! `cargo run --release --example signal_alignment`
//!
//! Every point takes its nearest sample, if one lies within half a period. `examples/sleep-analysis` has more methods.

#![expect(clippy::print_stdout, reason = "the result is for the terminal")]

use manyhands::{Error, Job, OnFailure, Threads};

/// What all signals share: points every `period_ms` from `first_ms`.
struct Grid {
    first_ms: i64,
    period_ms: i64,
    n_points: usize,
}

/// What one device sent.
struct Signal {
    name: &'static str,
    times_ms: Vec<i64>,
    values: Vec<f64>,
}

fn main() -> Result<(), Error<String>> {
    let grid = Grid { first_ms: 0, period_ms: 1_000, n_points: 8 * 3600 };
    let night = [
        // name, samples per second, delay and jitter of the device's clock, value at a time
        made("hr", 1, 130, 40, |s| 60.0 + 4.0 * (s / 900.0).sin()),
        made("acc", 50, 7, 3, |s| 980.0 + (s / 3.0).cos()),
        made("resp", 25, 0, 1, |s| (s * 1.6).sin()),
        shuffled(made("light", 10, 0, 0, |_| 0.3)),
        made("spo2", 1, 400, 300, |s| 96.0 + (s / 60.0).sin()),
    ];

    let outcome = Job::new(&night)
        .mode(Threads)
        .shared(&grid)
        .cost(|signal| signal.times_ms.len() as u64) // the longest first, so that no worker ends late
        .key(|signal| signal.name.to_owned())
        .on_failure(OnFailure::Continue)
        .try_run(align)?;

    println!("signal  samples  points with a sample  first points");
    for (idx, column) in outcome.iter() {
        let there = column.iter().filter(|value| !value.is_nan()).count();
        let first: Vec<String> = column.iter().take(3).map(|value| format!("{value:.2}")).collect();
        let share = 100.0 * there as f64 / grid.n_points as f64;
        let (name, n_samples) = (night[idx].name, night[idx].times_ms.len());
        println!("{name:<6}{n_samples:>9}{there:>14} ({share:>3.0} %)  {}", first.join(" "));
    }
    println!("\nnot aligned:");
    for failure in outcome.failures() {
        println!("  {failure}");
    }
    Ok(())
}

/// The function of the job: one signal, and the grid that all share. It uses no threads.
fn align(grid: &Grid, signal: &Signal) -> Result<Vec<f64>, String> {
    let times = &signal.times_ms;
    if let Some(row) = times.windows(2).position(|pair| pair[1] < pair[0]) {
        return Err(format!("row {} lies before the row ahead of it; sort the rows by time", row + 2));
    }
    let mut next = 0; // the first sample after the point
    let mut column = Vec::with_capacity(grid.n_points);
    for point in 0..grid.n_points {
        let at_ms = grid.first_ms + point as i64 * grid.period_ms;
        next += times[next..].iter().take_while(|&&time| time <= at_ms).count();
        let around = [next.checked_sub(1), (next < times.len()).then_some(next)];
        let distance = |idx: &usize| (times[*idx] - at_ms).abs();
        // Of two at the same distance `min_by_key` takes the first, which is the earlier one.
        let nearest = around.into_iter().flatten().min_by_key(distance);
        let near = nearest.filter(|idx| 2 * distance(idx) <= grid.period_ms);
        column.push(near.map_or(f64::NAN, |idx| signal.values[idx]));
    }
    Ok(column)
}

/// Eight hours of a signal; ten minutes of it were lost by the radio.
fn made(name: &'static str, rate_hz: i64, delay_ms: i64, jitter_ms: i64, value: fn(f64) -> f64) -> Signal {
    let lost = 6 * 3600..6 * 3600 + 600;
    let time = |idx: i64| idx * 1_000 / rate_hz + delay_ms + idx * 7 % (jitter_ms + 1);
    let times_ms: Vec<i64> = (0..8 * 3600 * rate_hz).map(time).filter(|ms| !lost.contains(&(ms / 1_000))).collect();
    let values = times_ms.iter().map(|&ms| value(ms as f64 / 1_000.0)).collect();
    Signal { name, times_ms, values }
}

/// Two packets came in the wrong order.
fn shuffled(mut signal: Signal) -> Signal {
    signal.times_ms.swap(100, 200);
    signal
}
