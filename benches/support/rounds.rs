//! Measurements that take turns, and what is said of them: medians, and ratios of medians.
//!
//! Contenders run one after the other within a round, each round begins with another one, and none runs twice before all
//! have run once; so whatever else the machine does meanwhile falls on all of them alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// One of those that are compared.
pub(crate) struct Contender<'a> {
    /// It takes part in each round whose number this divides: 1 for all of them.
    every: usize,
    measure: Box<dyn FnMut() -> Duration + 'a>,
}

impl<'a> Contender<'a> {
    /// Takes part in every round. `measure` runs the work once and gives its time.
    pub(crate) fn new(measure: impl FnMut() -> Duration + 'a) -> Self {
        Self { every: 1, measure: Box::new(measure) }
    }

    /// Takes part in each `every`-th round only: for what takes long and is compared with nothing closely.
    pub(crate) fn only_every(self, every: usize) -> Self {
        Self { every, ..self }
    }
}

/// The times of one contender.
#[derive(Debug)]
pub(crate) struct Series {
    sorted: Vec<Duration>,
}

impl Series {
    /// The time in the middle.
    pub(crate) fn median(&self) -> Duration {
        self.sorted[self.sorted.len() / 2]
    }

    /// How often this one's median holds the other one's: below 1, this one is faster.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        self.median().as_secs_f64() / other.median().as_secs_f64()
    }
}

/// Lets the contenders take turns, and gives their times in the order of the contenders: one round to warm up, which does not count, then `n_rounds` that do.
pub(crate) fn take_turns(n_rounds: usize, mut contenders: Vec<Contender<'_>>) -> Vec<Series> {
    let mut times = vec![Vec::new(); contenders.len()];
    for contender in &mut contenders {
        black_box((contender.measure)());
    }
    for round in 0..n_rounds {
        for turn in 0..contenders.len() {
            let idx = (round + turn) % contenders.len();
            let contender = &mut contenders[idx];
            if round % contender.every == 0 {
                times[idx].push((contender.measure)());
            }
        }
    }
    let series = |mut times: Vec<Duration>| {
        times.sort_unstable();
        Series { sorted: times }
    };
    times.into_iter().map(series).collect()
}

/// The mean time of `n_calls` calls. Their answers are dropped while the clock stands still.
pub(crate) fn timed<A>(n_calls: u32, mut call: impl FnMut() -> A) -> Duration {
    let mut time = Duration::ZERO;
    for _ in 0..n_calls {
        let begun = Instant::now();
        let answer = black_box(call());
        time += begun.elapsed();
        drop(answer);
    }
    time / n_calls
}
