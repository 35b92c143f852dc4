//! Trial periods and durations of transit least squares, from the possible stars.

use std::f64::consts::PI;

use crate::periods::MOST_PERIODS;

/// The constant of gravity, and the Sun's and Jupiter's measures, in SI units, as the reference has them.
const GRAVITY: f64 = 6.673e-11;
const SUN_RADIUS: f64 = 6.95508e8;
const SUN_MASS: f64 = 1.989e30;
const JUPITER_RADIUS: f64 = 6.9911e7;
const SECONDS_PER_DAY: f64 = 86_400.0;

/// No transit takes a larger share of its period.
const LONGEST_SHARE: f64 = 0.12;
const STEP: f64 = 1.1;

/// Trial periods in days within a window, descending: even in the cube root of the frequency (Ofir 2014), for a star like the Sun, three
/// times oversampled. None for a span so long that there would be more than ten million, as a stray time makes it.
pub(super) fn periods(span: f64, (shortest, longest): (f64, f64)) -> Vec<f64> {
    let seconds = span * SECONDS_PER_DAY;
    let pull = GRAVITY * SUN_MASS;
    let lowest = 2.0 / seconds;
    let highest = (pull / (3.0 * SUN_RADIUS).powi(3)).sqrt() / (2.0 * PI);
    let pace = (2.0 * PI).powf(2.0 / 3.0) / PI * SUN_RADIUS / pull.powf(1.0 / 3.0) / (seconds * 3.0);
    let start = lowest.powf(1.0 / 3.0) - pace / 3.0;
    let count = (highest.powf(1.0 / 3.0) - lowest.powf(1.0 / 3.0) + pace / 3.0) * 3.0 / pace;
    if count > MOST_PERIODS {
        return Vec::new();
    }
    let frequency = |at: usize| (pace / 3.0 * at as f64 + start).powi(3);
    let all = (1..=count.ceil() as usize).map(|at| 1.0 / frequency(at) / SECONDS_PER_DAY);
    all.filter(|&period| period > shortest && period <= longest).collect()
}

/// The shares of a period that the shortest and the longest transit take, whatever the star.
pub(super) fn shares(shortest_period: f64, longest_period: f64) -> (f64, f64) {
    (
        share(0.13 * SUN_RADIUS, 0.1, longest_period),
        share(3.5 * SUN_RADIUS + 2.0 * JUPITER_RADIUS, 1.0, shortest_period),
    )
}

/// The share of a period in days, for a path of this length in metres, before a star of this many solar masses.
fn share(path: f64, mass: f64, period: f64) -> f64 {
    let seconds = period * SECONDS_PER_DAY;
    let speed = (4.0 * seconds / (PI * GRAVITY * mass * SUN_MASS)).powf(1.0 / 3.0);
    (path * speed / seconds).min(LONGEST_SHARE)
}

/// Durations as shares of a period, ascending, each a tenth longer than the one before, the longest at the end.
pub(super) fn durations(shortest: f64, longest: f64) -> Vec<f64> {
    let mut durations = vec![shortest];
    let mut duration = shortest;
    while duration * STEP < longest {
        duration *= STEP;
        durations.push(duration);
    }
    durations.push(longest);
    durations
}
