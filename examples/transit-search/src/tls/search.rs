//! How well templates fit at one period.

use super::grid::shares;
use super::shape::{SIGNAL_DEPTH, Template};

/// Shallower dips are no transits.
const SHALLOWEST: f64 = 1e-5;
/// The number of terms of a fit that are summed up side by side.
const LANES: usize = 8;
/// Starts are tried at every so-many-th part of a template's width.
const START_STEP: usize = 100;

/// The points that are fitted.
#[derive(Debug)]
pub(super) struct Points<'p> {
    pub(super) time: &'p [f64],
    pub(super) flux: &'p [f64],
    /// Errors over their mean.
    pub(super) error: &'p [f64],
}

/// The best fit at a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    pub(super) chi2: f64,
    /// Which template.
    pub(super) row: usize,
    /// The flux at the bottom.
    pub(super) level: f64,
}

/// A light curve folded at a period, with its beginning once more at its end.
struct Folded {
    flux: Vec<f64>,
    /// One over the squared errors.
    weights: Vec<f64>,
    /// Of each point, about 1.
    chi2: Vec<f64>,
    /// The sum of those that are there twice.
    twice: f64,
}

impl Points<'_> {
    pub(super) fn span(&self) -> f64 {
        self.time[self.time.len() - 1] - self.time[0]
    }

    /// The best template at a period, of those that a star may have there.
    pub(super) fn fit(&self, period: f64, templates: &[Template]) -> Fit {
        let n_points = self.time.len();
        let widest = templates.iter().map(|template| template.width).max().unwrap_or(0);
        let folded = self.folded(period, widest + widest % 2);
        let (least, most) = shares(period, period);
        let n_transits = self.span() / period;
        let least = (least * n_points as f64).floor() as usize;
        let most = (most * n_points as f64 * ((n_transits + 1.0) / n_transits)).ceil() as usize;
        let flat = folded.chi2.iter().sum::<f64>() - folded.twice;
        let mut best = Fit { chi2: flat, row: 0, level: 1.0 };
        let mut width_before = None;
        // Templates are in the order of their widths; of equal ones the first is taken.
        for (row, template) in templates.iter().enumerate() {
            let is_new = width_before.replace(template.width) != Some(template.width);
            if is_new && (least..=most).contains(&template.width) {
                folded.slide(template, row, &mut best);
            }
        }
        best
    }

    fn folded(&self, period: f64, again: usize) -> Folded {
        let phase: Vec<f64> = self.time.iter().map(|time| time / period - (time / period).floor()).collect();
        let mut order: Vec<usize> = (0..phase.len()).collect();
        order.sort_by(|&a, &b| phase[a].total_cmp(&phase[b]));
        order.extend_from_within(..again.min(phase.len()));
        let flux: Vec<f64> = order.iter().map(|&at| self.flux[at]).collect();
        let weights: Vec<f64> = order.iter().map(|&at| 1.0 / (self.error[at] * self.error[at])).collect();
        let chi2: Vec<f64> =
            flux.iter().zip(&weights).map(|(flux, weight)| (1.0 - flux) * (1.0 - flux) * weight).collect();
        let twice = chi2[phase.len()..].iter().sum();
        Folded { flux, weights, chi2, twice }
    }
}

impl Folded {
    /// Tries a template at each start where there is a dip.
    fn slide(&self, template: &Template, row: usize, best: &mut Fit) {
        let (width, step) = (template.width, (template.width / START_STEP).max(1));
        let total: f64 = self.chi2.iter().sum();
        let (mut flux_inside, mut chi2_inside): (f64, f64) =
            (self.flux[..width].iter().sum(), self.chi2[..width].iter().sum());
        for start in 0..=self.flux.len() - width {
            if start > 0 {
                flux_inside += self.flux[start + width - 1] - self.flux[start - 1];
                chi2_inside += self.chi2[start + width - 1] - self.chi2[start - 1];
            }
            let dip = 1.0 - flux_inside / width as f64;
            if start % step != 0 || dip <= SHALLOWEST {
                continue;
            }
            let depth = dip * template.overshoot;
            let outside = (total - chi2_inside) - self.twice;
            if outside >= best.chi2 {
                continue; // however well the template fits
            }
            let chi2 = self.inside(template, start, depth) + outside;
            if chi2 < best.chi2 {
                *best = Fit { chi2, row, level: 1.0 - depth };
            }
        }
    }

    fn inside(&self, template: &Template, start: usize, depth: f64) -> f64 {
        let scale = depth / SIGNAL_DEPTH;
        let until = start + template.signal.len();
        let (flux, weights) = (&self.flux[start..until], &self.weights[start..until]);
        let term = |flux: f64, weight: f64, signal: f64| {
            let off = flux - (1.0 - (1.0 - signal) * scale);
            off * off * weight
        };
        // Several sums at a time, none of which waits for another.
        let (fluxes, rest_of_flux) = flux.as_chunks::<LANES>();
        let (weights, rest_of_weights) = weights.as_chunks::<LANES>();
        let (signals, rest_of_signal) = template.signal.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for ((flux, weight), signal) in fluxes.iter().zip(weights).zip(signals) {
            for lane in 0..LANES {
                sums[lane] += term(flux[lane], weight[lane], signal[lane]);
            }
        }
        let rest = rest_of_flux.iter().zip(rest_of_weights).zip(rest_of_signal);
        sums.iter().sum::<f64>() + rest.map(|((&flux, &weight), &signal)| term(flux, weight, signal)).sum::<f64>()
    }
}
