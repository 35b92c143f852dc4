//! What can be said of one box: its depth in the odd and the even transits, and against other shapes.

use super::Weights;
use crate::curve::LightCurve;
use crate::numbers::{modulo, sum};

/// A depth and its error; 0 and infinity where there are no points for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Depth {
    /// A fraction of the flux.
    pub depth: f64,
    /// Its error.
    pub error: f64,
}

/// What [`box_statistics`] finds.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxStatistics {
    /// Of all transits.
    pub depth: Depth,
    /// Of every other transit, from the second one on.
    pub depth_odd: Depth,
    /// Of every other transit, from the first one on.
    pub depth_even: Depth,
    /// With half of the period.
    pub depth_half: Depth,
    /// Half a period later.
    pub depth_phased: Depth,
    /// The amplitude of the best sine of this period.
    pub harmonic_amplitude: f64,
    /// By how much that sine is the better model, in log-likelihood.
    pub harmonic_delta_log_likelihood: f64,
    /// Mid-transit times, days.
    pub transit_times: Vec<f64>,
    /// The points in each of them.
    pub per_transit_count: Vec<usize>,
    /// What each of them adds to the log-likelihood.
    pub per_transit_log_likelihood: Vec<f64>,
}

/// Looks at the box of this period, duration and first mid-transit time (days). Takes one pass over the points for each statistic.
pub fn box_statistics(
    curve: &LightCurve,
    weights: Weights,
    period: f64,
    duration: f64,
    transit_time: f64,
) -> BoxStatistics {
    let weights: Vec<f64> = match weights {
        Weights::Errors => curve.error().iter().map(|error| 1.0 / (error * error)).collect(),
        Weights::Unit => vec![1.0; curve.len()],
    };
    let points = Points { time: curve.time(), flux: curve.flux(), weights: &weights };
    // Whether a time is within half a duration of a transit of some period, of which one is `later` than the one that is known.
    let near = |time: f64, period: f64, later: f64| {
        let since = modulo(time - transit_time + later, period);
        (since - period / 2.0).abs() < duration / 2.0
    };
    let inside = points.mask(|time| near(time, period, period / 2.0));
    let outside: Vec<bool> = inside.iter().map(|is_in| !is_in).collect();
    let odd = points.mask(|time| near(time, 2.0 * period, 0.0));
    let even = points.mask(|time| near(time, 2.0 * period, period));
    let phased = points.mask(|time| near(time, period, 0.0));
    let half = points.mask(|time| near(time, period / 2.0, period / 4.0));
    let beside: Vec<bool> = outside.iter().zip(&phased).map(|(&is_out, &is_phased)| is_out && !is_phased).collect();
    let not_half: Vec<bool> = half.iter().map(|is_half| !is_half).collect();

    let depth = points.depth(&inside, &outside);
    let level = points.level(&outside).0;
    let bottom = level - depth.depth;
    let mut statistics = BoxStatistics {
        depth,
        depth_odd: points.depth(&odd, &outside),
        depth_even: points.depth(&even, &outside),
        depth_half: points.depth(&half, &not_half),
        depth_phased: points.depth(&phased, &beside),
        harmonic_amplitude: 0.0,
        harmonic_delta_log_likelihood: 0.0,
        transit_times: Vec::new(),
        per_transit_count: Vec::new(),
        per_transit_log_likelihood: Vec::new(),
    };
    points.each_transit(&inside, (period, transit_time), (bottom, level), &mut statistics);
    let full = points.log_likelihood(|at| if inside[at] { bottom } else { level });
    let [sine, cosine, offset] = points.harmonic(period);
    let angle = |at: usize| std::f64::consts::TAU * points.time[at] / period;
    let model = |at: usize| sine * angle(at).sin() + cosine * angle(at).cos() + offset;
    statistics.harmonic_amplitude = sine.hypot(cosine);
    statistics.harmonic_delta_log_likelihood = points.log_likelihood(model) - full;
    statistics
}

struct Points<'p> {
    time: &'p [f64],
    flux: &'p [f64],
    weights: &'p [f64],
}

impl Points<'_> {
    fn mask(&self, is_there: impl Fn(f64) -> bool) -> Vec<bool> {
        self.time.iter().map(|&time| is_there(time)).collect()
    }

    /// The weighted mean of some points and its variance.
    fn level(&self, mask: &[bool]) -> (f64, f64) {
        let chosen = || (0..mask.len()).filter(|&at| mask[at]);
        let total = sum(&chosen().map(|at| self.weights[at]).collect::<Vec<_>>());
        if total == 0.0 {
            return (0.0, f64::INFINITY);
        }
        let variance = 1.0 / total;
        let weighted: Vec<f64> = chosen().map(|at| self.weights[at] * self.flux[at]).collect();
        (variance * sum(&weighted), variance)
    }

    fn depth(&self, mask: &[bool], reference: &[bool]) -> Depth {
        let ((mean, variance), (level, level_variance)) = (self.level(mask), self.level(reference));
        if variance.is_infinite() || level_variance.is_infinite() {
            return Depth { depth: 0.0, error: f64::INFINITY };
        }
        Depth { depth: level - mean, error: (variance + level_variance).sqrt() }
    }

    fn log_likelihood(&self, model: impl Fn(usize) -> f64) -> f64 {
        let off = |at: usize| self.flux[at] - model(at);
        -0.5 * sum(&(0..self.flux.len()).map(|at| self.weights[at] * off(at) * off(at)).collect::<Vec<_>>())
    }

    fn each_transit(
        &self,
        inside: &[bool],
        (period, transit_time): (f64, f64),
        (bottom, level): (f64, f64),
        statistics: &mut BoxStatistics,
    ) {
        let number = |at: usize| ((self.time[at] - transit_time) / period).round_ties_even() as i64;
        let there: Vec<usize> = (0..inside.len()).filter(|&at| inside[at]).collect();
        let (Some(&first), Some(&last)) = (there.first(), there.last()) else { return };
        let (first, last) = (number(first), number(last));
        let n_transits = usize::try_from(last - first).unwrap_or(0) + 1;
        statistics.transit_times = (first..=last).map(|number| transit_time + period * number as f64).collect();
        statistics.per_transit_count = vec![0; n_transits];
        statistics.per_transit_log_likelihood = vec![0.0; n_transits];
        for at in there {
            let Ok(transit) = usize::try_from(number(at) - first) else { continue };
            let (in_box, out_of_it) = (self.flux[at] - bottom, self.flux[at] - level);
            statistics.per_transit_count[transit] += 1;
            statistics.per_transit_log_likelihood[transit] +=
                -0.5 * self.weights[at] * (in_box * in_box - out_of_it * out_of_it);
        }
    }

    /// The factors of sine, cosine and 1 that fit best, by the normal equations.
    fn harmonic(&self, period: f64) -> [f64; 3] {
        let mut equations = [[0.0; 4]; 3];
        for at in 0..self.time.len() {
            let angle = std::f64::consts::TAU * self.time[at] / period;
            let shapes = [angle.sin(), angle.cos(), 1.0];
            for (equation, shape) in equations.iter_mut().zip(shapes) {
                let weight = self.weights[at] * shape;
                equation.iter_mut().zip(shapes).for_each(|(sum, shape)| *sum += weight * shape);
                equation[3] += weight * self.flux[at];
            }
        }
        solved(equations)
    }
}

/// Gauss's elimination with the largest pivot of each column.
fn solved(mut equations: [[f64; 4]; 3]) -> [f64; 3] {
    for column in 0..3 {
        let size = |row: &usize| equations[*row][column].abs();
        let pivot = (column..3).max_by(|a, b| size(a).total_cmp(&size(b))).unwrap_or(column);
        equations.swap(column, pivot);
        let top = equations[column];
        for equation in &mut equations[column + 1..] {
            let factor = equation[column] / top[column];
            equation.iter_mut().zip(top).for_each(|(value, above)| *value -= factor * above);
        }
    }
    let mut found = [0.0; 3];
    for row in (0..3).rev() {
        let known: f64 = (row + 1..3).map(|column| equations[row][column] * found[column]).sum();
        found[row] = (equations[row][3] - known) / equations[row][row];
    }
    found
}
