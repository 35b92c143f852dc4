//! Samples in single precision: without their mean, and scaled by a power of two, so that neither an offset nor a tiny or huge unit costs digits.

use crate::GpuError;

/// What was taken off samples, and what they were multiplied by to lie in -1 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scaling {
    /// About the mean of the samples.
    pub(crate) shift: f64,
    /// A power of two: scaled samples times it are the samples without the shift.
    pub(crate) unit: f64,
}

impl Scaling {
    /// For the samples of an item of a batch, which all have `n_samples`; `item` counts from one in the message.
    ///
    /// # Errors
    /// [`GpuError::Input`] when there are more or fewer, one is infinite or no number, or they spread beyond double precision.
    pub(crate) fn of_item(samples: &[f64], item: usize, n_samples: usize) -> Result<Self, GpuError> {
        if samples.len() == n_samples {
            return Self::of(samples, item);
        }
        Err(GpuError::Input(format!(
            "item {item} has {} samples in a batch of {n_samples}; make a batch for each length",
            samples.len()
        )))
    }

    fn of(samples: &[f64], item: usize) -> Result<Self, GpuError> {
        let share = 1.0 / samples.len() as f64;
        let shift: f64 = samples.iter().map(|sample| sample * share).sum();
        let spread = samples.iter().fold(0.0, |spread: f64, sample| spread.max((sample - shift).abs()));
        // `max` passes over what is no number, so the shift tells of that.
        if !(shift.is_finite() && spread.is_finite()) {
            return Err(refusal(samples, item));
        }
        Ok(Self { shift, unit: power_of_two_from(spread) })
    }

    /// The samples as a device takes them.
    pub(crate) fn apply(self, samples: &[f64]) -> impl Iterator<Item = f32> {
        // Divided, not multiplied by the inverse: the smallest units have none.
        samples.iter().map(move |sample| ((sample - self.shift) / self.unit) as f32)
    }
}

/// The least power of two that is not below the spread, or the largest of all.
fn power_of_two_from(spread: f64) -> f64 {
    if spread == 0.0 {
        return 1.0;
    }
    let exponent = spread.log2().ceil().clamp(-1074.0, 1023.0);
    exponent.exp2()
}

fn refusal(samples: &[f64], item: usize) -> GpuError {
    let text = match samples.iter().position(|sample| !sample.is_finite()) {
        Some(at) => format!("sample {} of item {item} is {}; leave it out", at + 1, samples[at]),
        None => format!("the samples of item {item} spread beyond double precision; give them in a larger unit"),
    };
    GpuError::Input(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_taken_off_and_the_rest_fills_the_unit() {
        let samples: Vec<f64> = (0..1000).map(|i| 1e6 + (f64::from(i) * 0.1).sin() * 3e-4).collect();
        let scaling = Scaling::of(&samples, 1).unwrap();
        let scaled: Vec<f32> = scaling.apply(&samples).collect();
        let largest = scaled.iter().fold(0.0_f32, |largest, sample| largest.max(sample.abs()));
        assert!((0.5..=1.0).contains(&largest), "{largest}");
        for (sample, scaled) in samples.iter().zip(scaled) {
            assert!((f64::from(scaled) * scaling.unit + scaling.shift - sample).abs() < 3e-11);
        }
    }

    #[test]
    fn tiny_huge_and_constant_samples_have_a_unit() {
        for amplitude in [5e-324, 1e-200, 1e-20, 1.0, 1e20, 1e200, 8e307] {
            let scaling = Scaling::of(&[amplitude, -amplitude], 1).unwrap();
            assert!(scaling.apply(&[amplitude]).all(|scaled| (0.5..=1.0).contains(&scaled)), "{amplitude}");
        }
        assert_eq!(Scaling::of(&[3.0, 3.0], 1), Ok(Scaling { shift: 3.0, unit: 1.0 }));
    }

    #[test]
    fn what_is_no_number_is_named() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = Scaling::of(&[0.0, bad, 1.0], 7).unwrap_err();
            assert_eq!(error, GpuError::Input(format!("sample 2 of item 7 is {bad}; leave it out")));
        }
    }
}
