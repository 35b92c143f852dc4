//! The shape of a transit: a planet before a star whose limb is dark, as templates of every width.

use std::f64::consts::PI;

/// How deep templates are.
pub(super) const SIGNAL_DEPTH: f64 = 0.5;

/// The planet's radius and its distance, in radii of the star; the tilt of its orbit; its period in days.
const RADIUS: f64 = 0.03;
const DISTANCE: f64 = 23.1;
const INCLINATION_DEGREES: f64 = 89.21;
const PERIOD: f64 = 12.9;
/// How the star darkens towards its limb: the two factors of the quadratic law.
const LIMB: [f64; 2] = [0.4804, 0.1867];

/// The reference is drawn with this many points over a day.
const POINTS: usize = 10_000;
const NODES: usize = 96;

/// A template of one width.
#[derive(Debug, Clone)]
pub(super) struct Template {
    /// The share of the period that it takes.
    pub(super) duration: f64,
    /// In points.
    pub(super) width: usize,
    /// Its fluxes, all below 1.
    pub(super) signal: Vec<f64>,
    /// How much deeper its middle is than its mean.
    pub(super) overshoot: f64,
}

/// The templates of these durations, of which the last is the longest, for this many points in that.
pub(super) fn templates(durations: &[f64], widest: usize) -> Vec<Template> {
    let reference = reference(widest);
    let longest = durations[durations.len() - 1];
    durations.iter().map(|&duration| Template::new(&reference, duration, longest)).collect()
}

impl Template {
    fn new(reference: &[f64], duration: f64, longest: f64) -> Self {
        let width = (duration / longest * reference.len() as f64) as usize;
        let deep = resampled(reference, width).into_iter().map(|level| 1.0 - (1.0 - level) * SIGNAL_DEPTH);
        let signal: Vec<f64> = deep.filter(|&level| level < 1.0 - 1e-8).collect();
        let mean = signal.iter().sum::<f64>() / signal.len() as f64;
        let lowest = signal.iter().copied().fold(f64::INFINITY, f64::min);
        Self { duration, width, overshoot: 1.0 / (2.0 - mean / lowest), signal }
    }
}

/// The reference transit with this many points, from 0 at its bottom to 1 out of transit. Takes some milliseconds.
pub(super) fn reference(points: usize) -> Vec<f64> {
    let drawn = supersampled();
    let first = drawn.iter().position(|&flux| flux < 1.0).unwrap_or(0);
    let inside = resampled(&drawn[first..drawn.len() - first], points);
    let lowest = inside.iter().copied().fold(f64::INFINITY, f64::min);
    inside.into_iter().map(|flux| (flux - lowest) / (1.0 - lowest)).collect()
}

/// The flux over a day around mid-transit.
fn supersampled() -> Vec<f64> {
    let tilt = INCLINATION_DEGREES.to_radians().cos();
    let time = |at: usize| -0.5 + at as f64 / (POINTS - 1) as f64;
    let (rule, total) = (gauss_legendre(NODES), PI * (1.0 - LIMB[0] / 3.0 - LIMB[1] / 6.0));
    let flux = |at: usize| {
        let angle = 2.0 * PI * time(at) / PERIOD;
        let apart = f64::hypot(DISTANCE * angle.sin(), DISTANCE * angle.cos() * tilt);
        1.0 - blocked(apart, &rule) / total
    };
    (0..POINTS).map(flux).collect()
}

/// The light that the planet blocks when its middle is so far from the star's: over rings of the star, the light of a ring times the
/// part of it that is behind the planet.
fn blocked(apart: f64, rule: &[[f64; 2]]) -> f64 {
    if apart >= 1.0 + RADIUS {
        return 0.0;
    }
    let light = |ring: f64| {
        let dark = 1.0 - (1.0 - ring * ring).max(0.0).sqrt();
        1.0 - LIMB[0] * dark - LIMB[1] * dark * dark
    };
    let half_angle = |ring: f64| {
        let cosine = (ring * ring + apart * apart - RADIUS * RADIUS) / (2.0 * ring * apart);
        cosine.clamp(-1.0, 1.0).acos()
    };
    let (inner, outer) = ((apart - RADIUS).abs(), (apart + RADIUS).min(1.0));
    let is_partly = inner < outer;
    let partly =
        if is_partly { integral(rule, inner, outer, |ring| light(ring) * 2.0 * half_angle(ring) * ring) } else { 0.0 };
    let wholly = if apart < RADIUS { integral(rule, 0.0, inner, |ring| light(ring) * 2.0 * PI * ring) } else { 0.0 };
    partly + wholly
}

/// By Gauss and Legendre, over an angle, so that roots at both ends do no harm.
fn integral(rule: &[[f64; 2]], from: f64, to: f64, of: impl Fn(f64) -> f64) -> f64 {
    let half = (to - from) / 2.0;
    let term = |&[node, weight]: &[f64; 2]| {
        let angle = PI * (node + 1.0) / 2.0;
        weight * PI / 2.0 * of(from + half * (1.0 - angle.cos())) * half * angle.sin()
    };
    rule.iter().map(term).sum()
}

/// Nodes and weights on the interval from -1 to 1: the roots of Legendre's polynomial, by Newton's method.
fn gauss_legendre(count: usize) -> Vec<[f64; 2]> {
    let n = count as f64;
    let polynomial = |x: f64| {
        let (mut before, mut value) = (1.0, x);
        for degree in 2..=count {
            let degree = degree as f64;
            (before, value) = (value, ((2.0 * degree - 1.0) * x * value - (degree - 1.0) * before) / degree);
        }
        (value, n * (x * value - before) / (x * x - 1.0))
    };
    let rule = |at: usize| {
        let mut node = (PI * (at as f64 + 0.75) / (n + 0.5)).cos();
        for _ in 0..20 {
            let (value, slope) = polynomial(node);
            node -= value / slope;
        }
        let slope = polynomial(node).1;
        [node, 2.0 / ((1.0 - node * node) * slope * slope)]
    };
    (0..count).map(rule).collect()
}

/// This many points that are even between the first and the last, on the lines between the given ones.
fn resampled(values: &[f64], points: usize) -> Vec<f64> {
    let last = values.len() - 1;
    let at = |point: usize| {
        let place = if points == 1 { 0.0 } else { point as f64 * last as f64 / (points - 1) as f64 };
        let before = (place as usize).min(last.saturating_sub(1));
        let share = place - before as f64;
        values[before] + (values[(before + 1).min(last)] - values[before]) * share
    };
    (0..points).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_light_that_is_blocked_is_what_the_reference_has() {
        let known =
            [(0.0, 0.0011127081212452229), (0.5, 0.0010372814232744946), (0.97, 0.0005793695916744895), (1.03, 0.0)];
        for (apart, expected) in known {
            let total = PI * (1.0 - LIMB[0] / 3.0 - LIMB[1] / 6.0);
            assert!((total - 2.5407630585907373).abs() < 1e-12);
            let found = blocked(apart, &gauss_legendre(NODES)) / total;
            assert!((found - expected).abs() < 1e-13, "{apart}: {found} and not {expected}");
        }
    }
}
