//! Which keys are wanted in which order, for a cache of 8192 entries: the same at each run.

use crate::keys::{SplitMix64, Zipf};

/// How many entries the caches may keep.
pub(crate) const CAPACITY: usize = 8_192;
/// How many keys a trace wants.
const LENGTH: usize = 600_000;

/// Ranks that Zipf traces draw from.
const N_RANKS: usize = 100_000;
/// Keys from here on are apart from all ranks.
const APART: u64 = 1 << 40;

/// A trace by name.
pub(crate) struct Trace {
    pub(crate) name: &'static str,
    pub(crate) keys: fn() -> Vec<u64>,
}

pub(crate) const TRACES: [Trace; 9] = [
    Trace { name: "ratio Zipf 0.8", keys: || zipf(0.8) },
    Trace { name: "ratio Zipf 0.99", keys: || zipf(0.99) },
    Trace { name: "ratio Zipf 1.2", keys: || zipf(1.2) },
    Trace { name: "ratio Zipf 0.99, half of it a scan", keys: zipf_and_scan },
    Trace { name: "ratio loop of 1.25 capacities", keys: || looping(CAPACITY as u64 * 5 / 4) },
    Trace { name: "ratio loop of 2 capacities", keys: || looping(CAPACITY as u64 * 2) },
    Trace { name: "ratio records of 500 epochs, 3 passes", keys: || records(500) },
    Trace { name: "ratio records of 1000 epochs, 3 passes", keys: || records(1_000) },
    Trace { name: "ratio Zipf 0.99, other hot keys every 60k", keys: moving_zipf },
];

fn zipf(exponent: f64) -> Vec<u64> {
    let (zipf, mut random) = (Zipf::new(N_RANKS, exponent), SplitMix64::new(1));
    (0..LENGTH).map(|_| zipf.draw(&mut random)).collect()
}

/// Every other key or so is one that never came and never comes again.
fn zipf_and_scan() -> Vec<u64> {
    let (zipf, mut random) = (Zipf::new(N_RANKS, 0.99), SplitMix64::new(2));
    let draw = |place| if random.below(2) == 0 { APART + place } else { zipf.draw(&mut random) };
    (0..LENGTH as u64).map(draw).collect()
}

fn looping(n_keys: u64) -> Vec<u64> {
    (0..LENGTH as u64).map(|place| place % n_keys).collect()
}

/// The epochs of a record three times over, then those of the next one; between them, in 3 of 10 cases, one of a few
/// constants that all records need.
fn records(n_epochs: u64) -> Vec<u64> {
    let mut random = SplitMix64::new(3);
    let epochs = (0..).flat_map(|record| (0..3 * n_epochs).map(move |turn| record * n_epochs + turn % n_epochs));
    let mut epochs = epochs.into_iter();
    let mut draw = || if random.below(10) < 3 { Some(APART + random.below(50)) } else { epochs.next() };
    (0..LENGTH).map(|_| draw().expect("records without end")).collect()
}

/// Every 60 000 keys each rank belongs to another key.
fn moving_zipf() -> Vec<u64> {
    let (zipf, mut random) = (Zipf::new(N_RANKS, 0.99), SplitMix64::new(4));
    let mut draw = |place: usize| (zipf.draw(&mut random) + (place / 60_000 * 10_007) as u64) % N_RANKS as u64;
    (0..LENGTH).map(&mut draw).collect()
}
