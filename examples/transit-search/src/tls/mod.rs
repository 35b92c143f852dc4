//! Transit least squares: how well the shape of a real transit fits, at each of many periods (Hippke and Heller 2019).
//!
//! `grid.rs` lays out periods and durations, `shape.rs` draws the templates, `search.rs` slides them over the folded light curve, here
//! the fits of all periods become a spectrum, and `transit.rs` looks at the best one. The reference is the exact algorithm of the package
//! transitleastsquares.

mod grid;
mod search;
mod shape;
mod transit;

use crate::curve::LightCurve;
use crate::numbers::{deviation, mean, median};
use search::{Fit, Points};

/// With more periods than this the spectrum's slow trend is taken out.
const MOST_WITH_TREND: usize = 182;
/// The window of the running median that is that trend.
const TREND_WINDOW: usize = 91;

/// The best transit of a light curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransitFit {
    /// Days.
    pub period: f64,
    /// The first mid-transit time, days.
    pub t0: f64,
    /// Days.
    pub duration: f64,
    /// How far the bottom is below 1, a fraction.
    pub depth: f64,
    /// Signal detection efficiency: how far the best period stands out of all others, in standard deviations.
    pub sde: f64,
    /// The same before the trend of the spectrum is taken out.
    pub sde_raw: f64,
    /// The depth of the points in transit, over the noise of the others.
    pub snr: f64,
    /// How far the depths of odd and even transits differ, in their errors; NaN with one transit.
    pub odd_even_mismatch: f64,
    /// How far the light curve is from the best template, with errors over their mean.
    pub chi2: f64,
}

/// Transit least squares of one light curve, period by period.
#[derive(Debug, Clone, PartialEq)]
pub struct TransitSpectrum {
    /// Days, ascending.
    pub periods: Vec<f64>,
    /// How far the light curve is from the best template of each period.
    pub chi2: Vec<f64>,
    /// The best one.
    pub best: TransitFit,
}

/// Looks for transits with periods in a window (days, the shorter end not included). `None` where there are no trial periods in it, or no
/// points above zero. Takes time in proportion to periods x points x widths of templates.
///
/// ```
/// use transit_search::{synthetic_curve, transit_least_squares};
/// let made = synthetic_curve(4);
/// let period = made.truth.period;
/// let found = transit_least_squares(&made.curve, (0.99 * period, 1.01 * period)).unwrap().best;
/// assert!((found.period - period).abs() < 0.01 * period && found.snr > 5.0);
/// ```
pub fn transit_least_squares(curve: &LightCurve, window: (f64, f64)) -> Option<TransitSpectrum> {
    let there: Vec<usize> = (0..curve.len()).filter(|&at| curve.flux()[at] > 0.0).collect();
    let column = |values: &[f64]| -> Vec<f64> { there.iter().map(|&at| values[at]).collect() };
    let (time, flux, error) = (column(curve.time()), column(curve.flux()), column(curve.error()));
    let mean_error = mean(&error);
    let error: Vec<f64> = error.iter().map(|error| error / mean_error).collect();
    let points = Points { time: &time, flux: &flux, error: &error };
    let mut periods = if time.len() > 1 { grid::periods(points.span(), window) } else { Vec::new() };
    periods.reverse();
    let (&shortest, &longest) = (periods.first()?, periods.last()?);
    let (least, most) = grid::shares(shortest, longest);
    let durations = grid::durations(least, most);
    let widest = (most * time.len() as f64) as usize;
    let templates = shape::templates(&durations, (widest + widest % 2).max(2));
    let templates: Vec<_> = templates.into_iter().filter(|template| template.width > 0).collect();
    let fits: Vec<Fit> = periods.iter().map(|&period| points.fit(period, &templates)).collect();
    let chi2: Vec<f64> = fits.iter().map(|fit| fit.chi2).collect();
    let (best, sde) = spectrum(&chi2);
    let fit = &fits[best];
    Some(TransitSpectrum { best: points.describe(periods[best], fit, &templates[fit.row], sde), periods, chi2 })
}

/// Which period is the best, and its signal detection efficiency with the trend taken out and without.
fn spectrum(chi2: &[f64]) -> (usize, (f64, f64)) {
    let lowest = chi2.iter().copied().fold(f64::INFINITY, f64::min);
    let residue: Vec<f64> = chi2.iter().map(|chi2| lowest / chi2).collect();
    let level = mean(&residue);
    let raw = (1.0 - level) / deviation(&residue);
    let above: Vec<f64> = residue.iter().map(|residue| residue - level).collect();
    let scale = raw / above[place_of_largest(&above)];
    let power: Vec<f64> = above.iter().map(|above| above * scale).collect();
    if power.len() <= MOST_WITH_TREND {
        return (place_of_largest(&power), (raw, raw));
    }
    let trend = running_median(&power, TREND_WINDOW);
    let flat: Vec<f64> = power.iter().zip(&trend).map(|(power, trend)| power - trend).collect();
    let level = mean(&flat);
    let flat: Vec<f64> = flat.iter().map(|power| power - level).collect();
    let deviation = deviation(&flat);
    let best = place_of_largest(&flat);
    (best, (flat[best] / deviation, raw))
}

/// The first of the largest.
fn place_of_largest(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, at| if values[at] > values[best] { at } else { best })
}

/// The medians of a window that slides; at the ends the first and the last of them.
fn running_median(values: &[f64], window: usize) -> Vec<f64> {
    let medians: Vec<f64> = values.windows(window).map(|values| median(values.iter().copied())).collect();
    let missing = values.len() - medians.len();
    let (front, back) = (missing / 2, missing - missing / 2);
    let (first, last) = (medians[0], medians[medians.len() - 1]);
    [vec![first; front], medians, vec![last; back]].concat()
}
