//! Rounds in which the sides take turns, and the table of their medians.

use std::time::{Duration, Instant};

/// One side: its name, and its work.
pub(crate) type Side<'a> = (&'a str, Box<dyn FnMut() + 'a>);

/// Does each side once untimed, then all sides in each of so many rounds; prints medians, and each beside the first side's.
pub(crate) fn compare(what: &str, rounds: usize, mut sides: Vec<Side<'_>>) {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); sides.len()];
    for (_, work) in &mut sides {
        work();
    }
    for _ in 0..rounds {
        for ((_, work), times) in sides.iter_mut().zip(&mut times) {
            let started = Instant::now();
            work();
            times.push(started.elapsed());
        }
    }
    let first = median(&mut times[0].clone());
    for ((name, _), times) in sides.iter().zip(&mut times) {
        let median = median(times);
        let ratio = median.as_secs_f64() / first.as_secs_f64();
        println!("{what:36} {name:12} {:10.2} ms {ratio:8.2} of the device", median.as_secs_f64() * 1e3);
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
