//! Work of a chosen length that is the same at each call: a chain of multiplications, counted in turns, not by a clock.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// One item: where its chain begins, and how long it is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) seed: u64,
    pub(crate) turns: u64,
}

/// `n_items` items of the same length.
pub(crate) fn even_loads(n_items: usize, turns: u64) -> Vec<Load> {
    (0..n_items as u64).map(|seed| Load { seed, turns }).collect()
}

/// The function of all contenders.
#[inline]
pub(crate) fn spin(load: &Load) -> u64 {
    (0..load.turns).fold(load.seed, |value, turn| value.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(turn | 1))
}

/// The plain loop.
pub(crate) fn plain(loads: &[Load]) -> Vec<u64> {
    loads.iter().map(spin).collect()
}

/// How many turns make an item of the plain loop take about this long.
pub(crate) fn turns_for(item: Duration) -> u64 {
    let goal = item.as_secs_f64();
    let n_items = ((2e-3 / goal) as usize).clamp(1, 100_000);
    let mut turns = (goal * 1e9).ceil() as u64;
    // The time of short items does not grow evenly with their turns, so it is approached.
    for _ in 0..8 {
        turns = ((turns as f64 * goal / item_time(n_items, turns)).round() as u64).max(1);
    }
    turns
}

/// Seconds per item, the best of a few tries.
fn item_time(n_items: usize, turns: u64) -> f64 {
    let loads = even_loads(n_items, turns);
    let mut values = vec![0; n_items];
    let mut attempt = || {
        let begun = Instant::now();
        for (value, load) in values.iter_mut().zip(&loads) {
            *value = spin(load);
        }
        black_box(&mut values);
        begun.elapsed()
    };
    let best = (0..5).map(|_| attempt()).min().expect("five tries");
    best.as_secs_f64() / n_items as f64
}
