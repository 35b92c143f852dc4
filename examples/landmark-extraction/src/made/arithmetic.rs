//! Random numbers, angles and mixing from additions, multiplications, divisions and square roots alone.
//!
//! IEEE 754 fixes the result of these to the last bit, and no system library takes part. So a drawn frame has the same bytes on
//! every machine.

/// The random numbers of SplitMix64: the same for the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The sequence that belongs to these numbers, in this order.
    pub(crate) fn of(seeds: &[u64]) -> Self {
        let mut mixed = Self(0x6D61_6465_6861_6E64);
        for &seed in seeds {
            mixed = Self(mixed.next() ^ seed);
        }
        Self(mixed.next())
    }

    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number of `0..1`, 24 bits fine.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / 16_777_216.0
    }

    /// A number between `low` and `high`.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// An index below `len`; 0 when `len` is 0.
    pub(crate) fn below(&mut self, len: usize) -> usize {
        ((self.unit() * len as f32) as usize).min(len.saturating_sub(1))
    }

    /// Whether an event of this probability happened.
    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }
}

/// Sine and cosine of an angle in radians, within 2e-6 for angles up to 1000.
pub(crate) fn sin_cos(angle: f32) -> (f32, f32) {
    let quarters = (angle * std::f32::consts::FRAC_2_PI + 0.5).floor();
    // Pi / 2 in three parts: the products with a small whole number are exact but for the last.
    let rest = ((angle - quarters * 1.570_312_5) - quarters * 4.837_513e-4) - quarters * 7.549_79e-8;
    let square = rest * rest;
    let sine = rest * (1.0 - square * (1.0 / 6.0 - square * (1.0 / 120.0 - square * (1.0 / 5040.0))));
    let cosine = 1.0 - square * (0.5 - square * (1.0 / 24.0 - square * (1.0 / 720.0 - square * (1.0 / 40320.0))));
    match quarters.rem_euclid(4.0) as u8 {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

/// From `a` (share 0) to `b` (share 1).
pub(crate) fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

/// A point in a plane turned by the angle of this sine and cosine; a positive one turns the x axis towards the y axis.
pub(crate) fn turn((x, y): (f32, f32), (sine, cosine): (f32, f32)) -> (f32, f32) {
    (cosine * x - sine * y, sine * x + cosine * y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sine_and_cosine_agree_with_the_standard_library() {
        for step in -20_000..20_000_i32 {
            let angle = step as f32 * 0.05;
            let (sine, cosine) = sin_cos(angle);
            let (right_sine, right_cosine) = f64::from(angle).sin_cos();
            assert!((f64::from(sine) - right_sine).abs() < 2e-6, "sine of {angle} is {sine}, not {right_sine}");
            assert!(
                (f64::from(cosine) - right_cosine).abs() < 2e-6,
                "cosine of {angle} is {cosine}, not {right_cosine}"
            );
        }
    }

    #[test]
    fn random_numbers_depend_on_each_seed_and_their_order() {
        let first = |seeds: &[u64]| Random::of(seeds).next();
        let all = [first(&[]), first(&[0]), first(&[1]), first(&[0, 1]), first(&[1, 0]), first(&[0, 0])];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{all:x?}");
        }
        let mut random = Random::of(&[3]);
        assert!((0..1000).all(|_| (0.0..1.0).contains(&random.unit()) && random.below(7) < 7 && random.below(0) == 0));
    }
}
