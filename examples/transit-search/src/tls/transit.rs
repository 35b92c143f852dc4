//! Where the transits of the best fit are, and what they look like.

use super::TransitFit;
use super::search::{Fit, Points};
use super::shape::{SIGNAL_DEPTH, Template};
use crate::numbers::{deviation, mean, modulo};

/// Trial mid-transit times lie this share of a transit apart.
const MARGIN: f64 = 0.01;

impl Points<'_> {
    /// The first mid-transit time, days: the trial at which the template fits best.
    pub(super) fn mid_transit(&self, period: f64, fit: &Fit, template: &Template) -> f64 {
        let (n_points, start) = (self.time.len(), self.time[0]);
        let scale = (1.0 - fit.level) / SIGNAL_DEPTH;
        let signal: Vec<f64> = template.signal.iter().map(|level| 1.0 - (1.0 - level) * scale).collect();
        let phase: Vec<f64> = self.time.iter().map(|time| modulo((time - start) / period, 1.0)).collect();
        let mut order: Vec<usize> = (0..n_points).collect();
        order.sort_by(|&a, &b| phase[a].total_cmp(&phase[b]));
        let sorted: Vec<f64> = order.iter().map(|&at| phase[at]).collect();
        let weights: Vec<f64> = order.iter().map(|&at| 1.0 / (self.error[at] * self.error[at])).collect();
        let flux: Vec<f64> = order.iter().map(|&at| self.flux[at]).collect();
        let flat: Vec<f64> =
            flux.iter().zip(&weights).map(|(flux, weight)| (flux - 1.0) * (flux - 1.0) * weight).collect();
        let total: f64 = flat.iter().sum();
        let n_trials = n_points.min((n_points as f64 / (MARGIN * signal.len() as f64)) as usize).max(1);
        let trial = |number: usize| {
            let step = if n_trials == 1 { 0.0 } else { period / (n_trials - 1) as f64 };
            start + number as f64 * step
        };
        let mut best = (f64::INFINITY, start);
        for time in (0..n_trials).map(trial) {
            let offset = (time - start) / period;
            let first = sorted.partition_point(|&phase| phase < offset);
            let begin = first + 2 * n_points - (signal.len() / 2 + 1);
            let mut chi2 = total;
            for (at, level) in signal.iter().enumerate() {
                let place = (begin + at) % n_points;
                let off = flux[place] - level;
                chi2 += off * off * weights[place] - flat[place];
            }
            if chi2 < best.0 {
                best = (chi2, time);
            }
        }
        best.1
    }

    /// The parameters of the best fit.
    pub(super) fn describe(&self, period: f64, fit: &Fit, template: &Template, sde: (f64, f64)) -> TransitFit {
        let t0 = self.mid_transit(period, fit, template);
        let end = self.time[self.time.len() - 1];
        let first = if t0 < self.time[0] { t0 + period } else { t0 };
        let mut times = vec![first];
        while times[times.len() - 1] + period < end {
            times.push(times[times.len() - 1] + period);
        }
        let stretch = self.span() / period / times.len() as f64;
        let duration = template.duration * period * stretch;
        let (mut odd, mut even) = (Vec::new(), Vec::new());
        for (number, middle) in times.iter().enumerate() {
            let inside = self.time.iter().zip(self.flux).filter(|(time, _)| (**time - middle).abs() < 0.5 * duration);
            let set = if number % 2 == 0 { &mut even } else { &mut odd };
            set.extend(inside.map(|(_, &flux)| flux));
        }
        let is_outside = |time: f64| (modulo(time - t0 + 0.5 * period, period) - 0.5 * period).abs() >= duration;
        let outside: Vec<f64> =
            self.time.iter().zip(self.flux).filter(|(time, _)| is_outside(**time)).map(|(_, &flux)| flux).collect();
        let inside: Vec<f64> = odd.iter().chain(&even).copied().collect();
        let mean_error = |fluxes: &[f64]| deviation(fluxes) / (fluxes.len() as f64).sqrt();
        TransitFit {
            period,
            t0,
            duration,
            depth: 1.0 - fit.level,
            sde: sde.0,
            sde_raw: sde.1,
            snr: (1.0 - mean(&inside)) / deviation(&outside) * (inside.len() as f64).sqrt(),
            odd_even_mismatch: (mean(&odd) - mean(&even)).abs() / (mean_error(&odd) + mean_error(&even)),
            chi2: fit.chi2,
        }
    }
}
