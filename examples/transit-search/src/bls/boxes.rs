//! Boxes that slide over running sums.

use super::Objective;

/// A sum of weights below this is no weight.
const NOTHING: f64 = f64::EPSILON;

/// The number of boxes that are compared at a time.
const BLOCK: usize = 16;

/// A box that comes this close to the best one is compared exactly, with a division.
const NEARLY: f64 = 1.0 - 1e-12;

/// What is lost in a sum of two products, as a share of them, several times over.
const ROUNDING: f64 = 16.0 * f64::EPSILON;

/// Where boxes are looked for: the running sums of one folded light curve.
#[derive(Debug)]
pub(super) struct Scan<'f> {
    pub(super) sums: &'f [f64],
    pub(super) weights: &'f [f64],
    /// Over all points.
    pub(super) sum: f64,
    pub(super) total_weight: f64,
    pub(super) objective: Objective,
}

/// The best box so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Best {
    pub(super) objective: f64,
    /// The box's first bin and its number of bins.
    pub(super) place: Option<(usize, usize)>,
}

/// How well a box fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) objective: f64,
    pub(super) depth: f64,
    pub(super) depth_err: f64,
    pub(super) log_likelihood: f64,
}

impl Best {
    pub(super) fn none() -> Self {
        Self { objective: f64::NEG_INFINITY, place: None }
    }
}

impl Scan<'_> {
    /// Judges a box as the reference does; `None` for one that has nothing inside or outside, or is a bump.
    #[inline(always)]
    pub(super) fn judge(&self, first: usize, bins: usize) -> Option<Found> {
        let inside = self.sums[first + bins] - self.sums[first];
        let weight_inside = self.weights[first + bins] - self.weights[first];
        self.judge_sums(inside, weight_inside)
    }

    /// Judges a box by the sums in it.
    #[inline(always)]
    pub(super) fn judge_sums(&self, inside: f64, weight_inside: f64) -> Option<Found> {
        let (outside, weight_outside) = (self.sum - inside, self.total_weight - weight_inside);
        if weight_inside < NOTHING || weight_outside < NOTHING {
            return None;
        }
        let (level_inside, level_outside) = (inside / weight_inside, outside / weight_outside);
        if level_outside < level_inside {
            return None;
        }
        let depth = level_outside - level_inside;
        let log_likelihood = 0.5 * weight_inside * depth * depth;
        let depth_err = (1.0 / weight_inside + 1.0 / weight_outside).sqrt();
        let objective = match self.objective {
            Objective::Likelihood => log_likelihood,
            Objective::Snr => depth / depth_err,
        };
        Some(Found { objective, depth, depth_err, log_likelihood })
    }

    /// Tries each box of this many bins; the first of the best ones stays. Boxes that are surely worse cost no division.
    #[inline(always)]
    pub(super) fn try_all(&self, bins: usize, best: &mut Best) {
        let Some(last) = (self.sums.len() - 1).checked_sub(bins) else { return };
        let n_boxes = last + 1;
        let mut first = 0;
        while first < n_boxes {
            let len = BLOCK.min(n_boxes - first);
            if len < BLOCK || self.may_be_better(first, bins, best.objective) {
                (first..first + len).for_each(|first| self.try_one(first, bins, best));
            }
            first += len;
        }
    }

    #[inline(always)]
    fn try_one(&self, first: usize, bins: usize, best: &mut Best) {
        if let Some(found) = self.judge(first, bins)
            && found.objective > best.objective
        {
            *best = Best { objective: found.objective, place: Some((first, bins)) };
        }
    }

    /// Whether a box of a block may be better than the best. No box is divided for: with q = S b - a W the depth is q / (b e).
    #[inline(always)]
    fn may_be_better(&self, first: usize, bins: usize, best: f64) -> bool {
        let block = |column: &[f64], from: usize| -> [f64; BLOCK] {
            let block: &[f64; BLOCK] = column[from..from + BLOCK].try_into().expect("it is of this length");
            *block
        };
        let (sums, sums_after) = (block(self.sums, first), block(self.sums, first + bins));
        let (weights, weights_after) = (block(self.weights, first), block(self.weights, first + bins));
        let is_likelihood = self.objective == Objective::Likelihood;
        let bar = if is_likelihood { 2.0 * best * NEARLY } else { best * best.abs() * NEARLY };
        let mut margins = [0.0; BLOCK];
        for at in 0..BLOCK {
            let (inside, weight_inside) = (sums_after[at] - sums[at], weights_after[at] - weights[at]);
            let weight_outside = self.total_weight - weight_inside;
            let (gain, loss) = (self.sum * weight_inside, inside * self.total_weight);
            let product = gain - loss + ROUNDING * (gain.abs() + loss.abs());
            let product = if product > 0.0 { product } else { 0.0 };
            let other = if is_likelihood { weight_outside } else { self.total_weight };
            margins[at] = product * product - bar * (weight_inside * weight_outside * other);
        }
        margins.iter().fold(false, |is_any, &margin| is_any | (margin > 0.0))
    }
}
