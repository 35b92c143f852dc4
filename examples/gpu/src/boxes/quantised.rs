//! A light curve in whole numbers: times as 64-bit fixed point in bins, sums as multiples of a step that is a power of two.
//!
//! Promises: a fold of these numbers puts each point into its bin of double precision unless it comes within [`Quantised::doubt`] of
//! an edge, and no sum overflows. What cannot be said so is refused, and the caller's way out is double precision.

use super::{BoxFound, BoxShape, FoundBox};
use crate::GpuError;

/// The sizes of all values add up to this many steps at most, and to half of it at least.
const STEPS: f64 = (1_u32 << 29) as f64;

/// A weight of fewer steps than this would be known too poorly.
const FEWEST_STEPS: f64 = 64.0;

/// A light curve folds at most this often: a number of cycles has 16 bits.
const MOST_CYCLES: f64 = 65_000.0;

/// The bits of a fixed-point number, without the sign and one to spare.
const BITS: i32 = 62;

/// What the kernel reads.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantised {
    /// Upper and lower half of the time, flux times weight, weight.
    pub(super) points: Vec<[u32; 4]>,
    /// Upper and lower half of the period, its bins rounded up, and the bits of a float, 1 / upper half.
    pub(super) periods: Vec<[u32; 4]>,
    /// Of the whole curve.
    pub(super) sum: i32,
    pub(super) total_weight: i32,
    /// Bits of a fraction of a bin in the upper half.
    pub(super) fraction_bits: u32,
    /// How near to an edge is too near, in the lower half.
    pub(super) doubt: u32,
    /// What one step of a sum and of a weight is.
    steps: [f64; 2],
}

impl Quantised {
    /// A light curve and trial periods in days, all longer than the wrapped bins.
    ///
    /// # Errors
    /// [`GpuError::Input`]: no points, durations or periods, a number that is not finite, weights that differ too much, or more bins or
    /// cycles than fixed point holds.
    pub(super) fn new(shape: &BoxShape<'_>, periods: &[f64]) -> Result<Self, GpuError> {
        require_numbers(shape, periods)?;
        let weighted = Column::new(shape.points.iter().map(|point| point[0]))?;
        let weights = Column::new(shape.points.iter().map(|point| point[1]))?;
        weights.require_distinct_from_zero()?;
        let span = shape.time.iter().copied().fold(0.0, f64::max);
        let shortest = periods.iter().copied().fold(f64::INFINITY, f64::min);
        let longest = periods.iter().copied().fold(span, f64::max);
        let cycles = span / shortest;
        let most_bins = longest / shape.bin + 2.0 + shape.oversample as f64;
        let fraction_bits = BITS - most_bins.log2().ceil() as i32;
        if cycles > MOST_CYCLES || fraction_bits < 32 {
            return Err(refused(&format!(
                "{cycles:.0} cycles and {most_bins:.0} bins are more than fixed point holds on a device"
            )));
        }
        let fixed = |days: f64| fixed_point(days / shape.bin, fraction_bits);
        let times = shape.time.iter().map(|&time| fixed(time));
        let values = weighted.values.iter().zip(&weights.values);
        Ok(Self {
            points: times
                .zip(values)
                .map(|([high, low], (sum, weight))| [high, low, sum.cast_unsigned(), weight.cast_unsigned()])
                .collect(),
            periods: periods
                .iter()
                .map(|&period| {
                    let [high, low] = fixed(period);
                    let upper = f64::from(high) + f64::from(low) * 2_f64.powi(-32);
                    [high, low, (period / shape.bin).ceil() as u32, ((1.0 / upper) as f32).to_bits()]
                })
                .collect(),
            sum: weighted.values.iter().sum(),
            total_weight: weights.values.iter().sum(),
            fraction_bits: (fraction_bits - 32) as u32,
            // Rounding of double precision, and what was cut off of a time and of each period.
            doubt: (most_bins * 2_f64.powi(fraction_bits - 50) + cycles + 2.0).ceil() as u32,
            steps: [weighted.step, weights.step],
        })
    }

    /// What the kernel wrote for one period, in the caller's units.
    pub(super) fn found(&self, [first, bins, sum, weight, is_doubtful]: [u32; 5]) -> BoxFound {
        let value = |bits: u32, step: f64| f64::from(bits.cast_signed()) * step;
        let best = (bins > 0).then(|| FoundBox {
            first: first as usize,
            bins: bins as usize,
            sum: value(sum, self.steps[0]),
            weight: value(weight, self.steps[1]),
        });
        BoxFound { best, is_doubtful: is_doubtful != 0 }
    }

    /// The largest number of bins that a period of these has, with the wrapped ones.
    pub(super) fn most_bins(&self, oversample: usize) -> u64 {
        self.periods.iter().map(|period| u64::from(period[2])).max().unwrap_or(0) + oversample as u64
    }
}

/// Values as multiples of a step.
struct Column {
    values: Vec<i32>,
    step: f64,
    /// The smallest value.
    least: f64,
}

impl Column {
    fn new(values: impl Iterator<Item = f64> + Clone) -> Result<Self, GpuError> {
        let (size, least) = values
            .clone()
            .fold((0.0_f64, f64::INFINITY), |(size, least), value| (size + value.abs(), least.min(value)));
        let exponent = (size / STEPS).log2().ceil();
        let step = if size > 0.0 { 2_f64.powf(exponent) } else { 1.0 };
        if !size.is_finite() || !step.is_normal() || !(1.0 / step).is_normal() {
            return Err(refused(&format!("sums of {size:e} are beyond the numbers of a device")));
        }
        Ok(Self { values: values.map(|value| (value / step).round() as i32).collect(), step, least })
    }

    /// That each weight counts, and well enough.
    fn require_distinct_from_zero(&self) -> Result<(), GpuError> {
        // Below twice this the search with double precision sees no weight.
        if self.least > 4.0 * f64::EPSILON && self.least >= FEWEST_STEPS * self.step {
            return Ok(());
        }
        Err(refused(&format!(
            "a weight of {:e} among weights of {:e} in all is too small for the numbers of a device",
            self.least,
            self.values.iter().map(|&value| f64::from(value)).sum::<f64>() * self.step
        )))
    }
}

fn require_numbers(shape: &BoxShape<'_>, periods: &[f64]) -> Result<(), GpuError> {
    let is_empty = shape.time.is_empty() || shape.durations.is_empty() || periods.is_empty();
    if is_empty || shape.time.len() != shape.points.len() || shape.time.len() >= 1 << 28 {
        return Err(refused(&format!(
            "a search of {} points with {} values at {} periods with {} durations is none",
            shape.time.len(),
            shape.points.len(),
            periods.len(),
            shape.durations.len()
        )));
    }
    // Bins are wrapped in parallel, which must not read one that it has written.
    let fits = |period: f64| period.is_finite() && (period / shape.bin).ceil() > shape.oversample as f64;
    let has_widths = shape.durations.iter().all(|&bins| bins < 1 << 30);
    let is_in_order = has_widths && shape.time.iter().all(|time| time.is_finite() && *time >= 0.0) && shape.bin > 0.0;
    if !is_in_order || !periods.iter().all(|&period| fits(period)) {
        return Err(refused(
            "a time, a bin, a duration or a period is none that a device folds: below zero, not finite, or too long",
        ));
    }
    Ok(())
}

/// Two halves of a number of bins, with this many bits behind the point. The whole part of the number stays what it is.
fn fixed_point(bins: f64, fraction_bits: i32) -> [u32; 2] {
    let fixed = (bins * 2_f64.powi(fraction_bits)) as u64;
    [(fixed >> 32) as u32, fixed as u32]
}

fn refused(why: &str) -> GpuError {
    GpuError::Input(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::BoxObjective;
    use super::*;

    fn shape<'c>(time: &'c [f64], points: &'c [[f64; 2]], bin: f64) -> BoxShape<'c> {
        BoxShape { time, points, bin, durations: &[10], oversample: 10, objective: BoxObjective::Likelihood }
    }

    /// The bin of a point as the kernel computes it, with the processor's 64 bits, and whether that is doubtful.
    fn bin(quantised: &Quantised, point: usize, period: usize) -> (u32, bool) {
        let whole = |high: u32, low: u32| (u64::from(high) << 32) | u64::from(low);
        let [high, low, ..] = quantised.points[point];
        let [period_high, period_low, ..] = quantised.periods[period];
        let (time, period) = (whole(high, low), whole(period_high, period_low));
        let (cycles, phase) = (time / period, time % period);
        let one = 1_u64 << (32 + quantised.fraction_bits);
        let (fraction, doubt) = (phase % one, u64::from(quantised.doubt));
        let is_near = fraction <= doubt || one - fraction <= doubt || period - phase <= doubt;
        ((phase / one) as u32, cycles > 0 && is_near)
    }

    #[test]
    fn points_fall_into_the_bins_of_double_precision_unless_they_are_doubtful() {
        // Long and short light curves; the second one has its points on edges.
        let curves: [(f64, f64, f64, f64); 4] = [
            (0.020_833_1, 1400.0, 0.005, 0.0),
            (0.02, 27.0, 0.005, 0.0),
            (0.001_388, 30.0, 0.004_7, 0.3),
            (1.7, 1e5, 0.13, 5e-7),
        ];
        for (cadence, span, width, jitter) in curves {
            let count = ((span / cadence) as usize).min(20_000);
            let time: Vec<f64> =
                (0..count).map(|at| at as f64 * cadence + jitter * ((at * 7919) % 101) as f64).collect();
            let points = vec![[0.0, 1.0]; count];
            let periods: Vec<f64> =
                (0..40).map(|at| width * 11.0 + 2.0 + 0.01 * f64::from(at) + 1e-7 * f64::from(at % 3)).collect();
            let quantised = Quantised::new(&shape(&time, &points, width), &periods).unwrap();
            let (mut n_same, mut n_doubtful) = (0, 0);
            for (number, &period) in periods.iter().enumerate() {
                for (point, &time) in time.iter().enumerate() {
                    let phase = time - period * (time / period).floor();
                    let expected = (phase / width) as i32 as u32;
                    match bin(&quantised, point, number) {
                        (_, true) => n_doubtful += 1,
                        (found, false) => {
                            assert_eq!(found, expected, "point {point} at {time} with period {period}");
                            n_same += 1;
                        }
                    }
                }
            }
            assert!(n_same > 0 && n_doubtful < 40 * count, "{n_same} of {}", 40 * count);
        }
    }

    #[test]
    fn equal_weights_and_their_sums_are_exact() {
        let time: Vec<f64> = (0..1000).map(f64::from).collect();
        let points: Vec<[f64; 2]> = (0..1000).map(|at| [f64::from(at) - 500.0, 3.0]).collect();
        let quantised = Quantised::new(&shape(&time, &points, 0.1), &[7.0]).unwrap();
        let all = quantised
            .found([0, 10, quantised.sum.cast_unsigned(), quantised.total_weight.cast_unsigned(), 0])
            .best
            .unwrap();
        assert_eq!((all.sum, all.weight), (-500.0, 3000.0));
    }

    #[test]
    fn what_whole_numbers_cannot_hold_is_refused() {
        let time = [0.0, 1.0, 2.0];
        let good = [[0.1, 1.0]; 3];
        let refused = |time: &[f64], points: &[[f64; 2]], bin: f64, periods: &[f64]| {
            assert!(
                matches!(Quantised::new(&shape(time, points, bin), periods), Err(GpuError::Input(_))),
                "{points:?}"
            );
        };
        assert!(Quantised::new(&shape(&time, &good, 0.01), &[1.5]).is_ok());
        refused(&[], &[], 0.01, &[1.5]);
        refused(&time, &good, 0.01, &[]);
        refused(&time, &good, 0.01, &[0.05]); // as long as the wrapped bins
        refused(&time, &good, 0.01, &[f64::NAN]);
        refused(&[0.0, 1.0, 1e9], &good, 0.01, &[1.5]);
        refused(&time, &good, 1e-12, &[1.5]);
        refused(&time, &[[0.1, 1.0], [0.1, 1.0], [0.1, 1e-12]], 0.01, &[1.5]);
        refused(&time, &[[0.1, 1e-17]; 3], 0.01, &[1.5]);
        refused(&time, &[[f64::NAN, 1.0]; 3], 0.01, &[1.5]);
        refused(&time, &[[1e308, 1.0]; 3], 0.01, &[1.5]);
    }
}
