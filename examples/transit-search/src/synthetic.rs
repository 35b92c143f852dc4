//! Synthetic light curves, the same on every machine: no function of the system's mathematics library is used.

use crate::catalogue::Catalogue;
use crate::curve::{LightCurve, RawCurve};

/// Points per day, and in all: 27 days.
const PER_DAY: f64 = 48.0;
const POINTS: usize = 1296;
const ERROR: f64 = 500e-6;

/// The error factor of the catalogue, as of an earlier, less exact search.
const CATALOGUE_ERROR: f64 = 1.001;

/// The transit in a synthetic light curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truth {
    /// Days.
    pub period: f64,
    /// The first mid-transit time, days.
    pub t0: f64,
    /// Days.
    pub duration: f64,
    /// A fraction.
    pub depth: f64,
}

/// A synthetic light curve, with the transit in it and its row of a catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntheticCurve {
    /// The light curve.
    pub curve: LightCurve,
    /// The transit in it.
    pub truth: Truth,
    /// Its row of a catalogue.
    pub catalogue: Catalogue,
}

/// The synthetic light curve of this number: 27 days, 48 points a day, a box-shaped transit of a period from 1 to 10 days and a depth from
/// 300 to 3000 ppm, noise of 500 ppm.
///
/// # Panics
/// Never: what is made can be used.
///
/// ```
/// let made = transit_search::synthetic_curve(7);
/// assert_eq!(made.curve.len(), 1296);
/// assert!((1.0..10.0).contains(&made.truth.period));
/// ```
pub fn synthetic_curve(number: u64) -> SyntheticCurve {
    let mut rng = SplitMix64(1000_u64.wrapping_add(number));
    let period = 1.0 + 9.0 * rng.unit();
    let t0 = period * rng.unit();
    let duration = 0.08 + 0.17 * rng.unit();
    let depth = 300e-6 + 2700e-6 * rng.unit();
    let time: Vec<f64> = (0..POINTS).map(|at| at as f64 / PER_DAY).collect();
    let flux = time.iter().map(|time| {
        let since = time - t0 + 0.5 * period;
        let off = since - period * (since / period).floor() - 0.5 * period;
        let level = if off.abs() < 0.5 * duration { 1.0 - depth } else { 1.0 };
        level + ERROR * rng.noise()
    });
    let raw = RawCurve { flux: flux.collect(), error: vec![ERROR; POINTS], time };
    SyntheticCurve {
        curve: LightCurve::of(&raw).expect("what is made can be used"),
        truth: Truth { period, t0, duration, depth },
        catalogue: Catalogue {
            label: Some(1),
            target_id: format!("made {number:05}"),
            toi: None,
            period_days: Some(period * CATALOGUE_ERROR),
            duration_hours: Some(duration * CATALOGUE_ERROR * 24.0),
            depth_ppm: Some(depth * CATALOGUE_ERROR * 1e6),
            epoch_days: Some(t0),
        },
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1, with 53 bits.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Mean 0, deviation 1: the sum of twelve (Irwin and Hall).
    fn noise(&mut self) -> f64 {
        (0..12).fold(0.0, |sum, _| sum + self.unit()) - 6.0
    }
}
