//! The two levels of a trace that switches, after IEEE Std 181-2011: the modes of its histogram.

/// How many bins the range of the samples is cut into.
const BINS: usize = 256;

/// The low and the high level of a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Levels {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Levels {
    /// The levels of samples that lie from `min` to `max`; none when these are equal.
    ///
    /// The histogram is halved. In each half a level is the mean of the samples in the fullest bin and in its neighbours as far as they are
    /// more than half as full, so that it is exact, but for rounding, for a flat level, and follows the middle of a noisy one.
    pub(super) fn of(samples: &[f64], min: f64, max: f64) -> Option<Self> {
        let per_unit = BINS as f64 / (max - min);
        if max <= min || !per_unit.is_finite() {
            return None;
        }
        let histogram = Histogram::of(samples, min, per_unit);
        let half = BINS / 2;
        Some(Self { low: min + histogram.mode(0, half), high: min + histogram.mode(half, BINS) })
    }

    /// The level at this share of the way from low to high.
    pub(super) fn at(self, share: f64) -> f64 {
        self.low + share * (self.high - self.low)
    }
}

/// For each bin how many samples it has, and their sum above the least sample.
struct Histogram([[f64; 2]; BINS]);

impl Histogram {
    fn of(samples: &[f64], min: f64, per_unit: f64) -> Self {
        // Two that are filled in turn: on a flat level one would wait for its own last sum at each sample.
        let mut halves = [[[0.0; 2]; BINS]; 2];
        let mut take = |half: usize, sample: f64| {
            let above = sample - min;
            // The largest sample falls beyond the last bin, and belongs to it.
            let bin = ((above * per_unit) as i32).clamp(0, BINS as i32 - 1) as usize;
            let [count, sum] = &mut halves[half][bin];
            (*count, *sum) = (*count + 1.0, *sum + above);
        };
        let (pairs, rest) = samples.as_chunks::<2>();
        for [even, odd] in pairs {
            take(0, *even);
            take(1, *odd);
        }
        rest.iter().for_each(|sample| take(0, *sample));
        let [mut all, odd] = halves;
        for (all, odd) in all.iter_mut().zip(odd) {
            *all = [all[0] + odd[0], all[1] + odd[1]];
        }
        Self(all)
    }

    fn count(&self, bin: usize) -> f64 {
        self.0[bin][0]
    }

    /// The mean around the fullest bin from `start` to `end`. The least and the largest sample are in either half, so neither is empty.
    fn mode(&self, start: usize, end: usize) -> f64 {
        let fullest = (start..end).rev().max_by(|a, b| self.count(*a).total_cmp(&self.count(*b))).unwrap_or(start);
        let is_part = |bin: &usize| 2.0 * self.count(*bin) > self.count(fullest);
        let first = (start..fullest).rev().take_while(is_part).last().unwrap_or(fullest);
        let last = (fullest + 1..end).take_while(is_part).last().unwrap_or(fullest);
        let bins = &self.0[first..=last];
        bins.iter().map(|[_, sum]| sum).sum::<f64>() / bins.iter().map(|[count, _]| count).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_levels_are_exact_and_overshoot_does_not_move_them() {
        let mut samples = vec![-1.0; 100];
        samples.extend([3.7, 3.2, 2.9, 3.1]);
        samples.extend(vec![3.0; 60]);
        samples.push(-1.6);
        let levels = Levels::of(&samples, -1.6, 3.7).unwrap();
        assert!((levels.low + 1.0).abs() < 1e-13 && (levels.high - 3.0).abs() < 1e-13, "{levels:?}");
    }

    #[test]
    fn a_noisy_level_is_that_of_its_middle() {
        let mut rng = manyhands_test_support::rng::Rng::for_test("levels");
        let mut noise = || (0..12).map(|_| rng.fraction()).sum::<f64>() - 6.0;
        let samples: Vec<f64> = (0..20_000).map(|j| f64::from(j / 100 % 2) + 0.05 * noise()).collect();
        let (min, max) =
            samples.iter().fold((0.0_f64, 0.0_f64), |(min, max), sample| (min.min(*sample), max.max(*sample)));
        let levels = Levels::of(&samples, min, max).unwrap();
        assert!(levels.low.abs() < 0.015 && (levels.high - 1.0).abs() < 0.015, "{levels:?}");
    }

    #[test]
    fn a_constant_has_no_levels() {
        assert_eq!(Levels::of(&[2.0; 9], 2.0, 2.0), None);
        assert!(Levels::of(&[2.0, 3.0], 2.0, 3.0).is_some());
    }
}
