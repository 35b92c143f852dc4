//! What the light curve looks like, folded at the transit's period.

use super::{Profile, Transit};
use crate::curve::LightCurve;
use crate::numbers::{deviation, mean, median, modulo};

/// Frequencies below this, per day, are those of slow noise.
const SLOW: f64 = 1.0;

/// The eight features, in the order of their columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    duration_over_period: f64,
    odd_even_depth_diff: f64,
    transit_symmetry: f64,
    periodicity_strength: f64,
    secondary_depth: f64,
    ingress_egress_ratio: f64,
    phase_coverage: f64,
    red_noise: f64,
}

impl Shape {
    pub(super) fn of(curve: &LightCurve, transit: &Transit, profile: Profile, std: f64) -> Self {
        let folded = Folded::of(curve, transit);
        Self {
            duration_over_period: transit.duration / transit.period,
            odd_even_depth_diff: folded.odd_even_depth_diff(transit, profile),
            transit_symmetry: folded.transit_symmetry(profile),
            periodicity_strength: folded.periodicity_strength(transit.period, std),
            secondary_depth: folded.secondary_depth(),
            ingress_egress_ratio: folded.ingress_egress_ratio(),
            phase_coverage: folded.phase_coverage(),
            red_noise: red_noise(curve, std),
        }
    }

    pub(super) fn values(&self) -> [f64; 8] {
        [
            self.duration_over_period,
            self.odd_even_depth_diff,
            self.transit_symmetry,
            self.periodicity_strength,
            self.secondary_depth,
            self.ingress_egress_ratio,
            self.phase_coverage,
            self.red_noise,
        ]
    }
}

/// A light curve by its phase.
struct Folded<'c> {
    time: &'c [f64],
    flux: &'c [f64],
    /// From 0 to 1, with mid-transit at 0.
    phase: Vec<f64>,
    /// From -0.5 to 0.5.
    around: Vec<f64>,
    /// The points that are in transit, in the order of time.
    inside: Vec<usize>,
}

impl<'c> Folded<'c> {
    fn of(curve: &'c LightCurve, transit: &Transit) -> Self {
        let Transit { period, t0, duration, .. } = *transit;
        let phase: Vec<f64> = curve.time().iter().map(|time| modulo(time - t0, period) / period).collect();
        let around: Vec<f64> = phase.iter().map(|&phase| if phase > 0.5 { phase - 1.0 } else { phase }).collect();
        let inside = (0..around.len()).filter(|&at| around[at].abs() < duration / period / 2.0).collect();
        Self { time: curve.time(), flux: curve.flux(), phase, around, inside }
    }

    fn odd_even_depth_diff(&self, transit: &Transit, profile: Profile) -> f64 {
        let offset = if profile == Profile::Seed { 0.0 } else { 0.5 };
        let is_odd = |at: usize| {
            let number = ((self.time[at] - transit.t0) / transit.period + offset).floor();
            modulo(number, 2.0) == 1.0
        };
        let (odd, even): (Vec<usize>, Vec<usize>) = self.inside.iter().partition(|&&at| is_odd(at));
        if odd.is_empty() || even.is_empty() {
            return 0.0;
        }
        let depth = |set: &[usize]| 1.0 - median(set.iter().map(|&at| self.flux[at]));
        (depth(&odd) - depth(&even)).abs()
    }

    fn transit_symmetry(&self, profile: Profile) -> f64 {
        if self.inside.len() < 10 {
            return 0.5;
        }
        let mut inside = self.inside.clone();
        if profile == Profile::Calibrated {
            inside.sort_by(|&a, &b| self.around[a].total_cmp(&self.around[b]));
        }
        let fluxes = |is_there: fn(f64) -> bool| -> Vec<f64> {
            inside.iter().filter(|&&at| is_there(self.around[at])).map(|&at| self.flux[at]).collect()
        };
        let (ingress, egress) = (fluxes(|phase| phase < 0.0), fluxes(|phase| phase > 0.0));
        if ingress.len() < 2 || egress.len() < 2 {
            return 0.5;
        }
        let slope = |fluxes: &[f64]| mean(&fluxes.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>());
        let (down, up) = (slope(&ingress), slope(&egress));
        ((down + up).abs() / (down.abs() + up.abs() + 1e-10)).min(1.0)
    }

    fn periodicity_strength(&self, period: f64, std: f64) -> f64 {
        const BINS: usize = 20;
        let edge = |bin: usize| if bin == BINS { 1.0 } else { bin as f64 * 0.05 };
        let start = self.time.iter().copied().fold(f64::INFINITY, f64::min);
        let mut bins = vec![Vec::new(); BINS];
        for (&time, &flux) in self.time.iter().zip(self.flux) {
            let phase = modulo(time - start, period) / period;
            if let Some(bin) = (0..BINS).find(|&bin| phase >= edge(bin) && phase < edge(bin + 1)) {
                bins[bin].push(flux);
            }
        }
        let medians: Vec<f64> = bins.into_iter().filter(|bin| !bin.is_empty()).map(median).collect();
        if medians.len() > 5 { (deviation(&medians) / (std + 1e-10)).min(1.0) } else { 0.0 }
    }

    fn secondary_depth(&self) -> f64 {
        let there = self.phase.iter().zip(self.flux).filter(|(phase, _)| **phase > 0.4 && **phase < 0.6);
        let fluxes: Vec<f64> = there.map(|(_, &flux)| flux).collect();
        if fluxes.len() > 5 { (1.0 - median(fluxes)).abs() } else { 0.0 }
    }

    fn ingress_egress_ratio(&self) -> f64 {
        let count = |is_there: fn(f64) -> bool| self.inside.iter().filter(|&&at| is_there(self.around[at])).count();
        let (before, after) = (count(|phase| phase < -0.01), count(|phase| phase > 0.01));
        if self.inside.len() <= 10 || before == 0 || after == 0 { 1.0 } else { before as f64 / after as f64 }
    }

    fn phase_coverage(&self) -> f64 {
        const BINS: usize = 50;
        let mut is_filled = [false; BINS];
        for &phase in self.phase.iter().filter(|phase| !phase.is_nan()) {
            is_filled[((phase * BINS as f64) as usize).min(BINS - 1)] = true;
        }
        is_filled.iter().filter(|is_filled| **is_filled).count() as f64 / BINS as f64
    }
}

/// The median spectral density at frequencies below one per day, as if the points were even in time; the variance where there are too
/// few points or frequencies. Takes points x frequencies steps.
fn red_noise(curve: &LightCurve, std: f64) -> f64 {
    let n_points = curve.len();
    if n_points <= 100 {
        return std * std;
    }
    let rate = 1.0 / median(curve.time().windows(2).map(|pair| pair[1] - pair[0]));
    let level = mean(curve.flux());
    let off: Vec<f64> = curve.flux().iter().map(|flux| flux - level).collect();
    let frequency = |bin: usize| bin as f64 * rate / n_points as f64;
    let densities: Vec<f64> = (1..=n_points / 2)
        .take_while(|&bin| frequency(bin) < SLOW)
        .map(|bin| {
            let one_sided = if 2 * bin == n_points { 1.0 } else { 2.0 };
            one_sided * power_at(&off, bin) / (rate * n_points as f64)
        })
        .collect();
    if densities.len() > 5 { median(densities) } else { std * std }
}

/// The squared length of one coefficient of the discrete Fourier transform.
fn power_at(values: &[f64], bin: usize) -> f64 {
    let n_values = values.len();
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (at, value) in values.iter().enumerate() {
        // The angle is reduced in whole numbers, so that it is as exact at the end as at the beginning.
        let angle = std::f64::consts::TAU * ((at * bin) % n_values) as f64 / n_values as f64;
        real += value * angle.cos();
        imaginary -= value * angle.sin();
    }
    real * real + imaginary * imaginary
}
