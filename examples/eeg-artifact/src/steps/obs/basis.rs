//! The basis of artifacts of one channel, and the fit of one artifact by it.

use std::borrow::Cow;
use std::f64::consts::PI;

use crate::dsp::svd::{Column, Columns, Rank, dot};
use crate::steps::epochs::Epochs;
use crate::{EegError, EegResult};

/// A component that is weaker than this share of the artifacts' own norm is rounding.
const LEAST_SHARE: f64 = 1e-7;

/// The mean artifact and the leading principal components.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Basis {
    /// What is fitted. The first is along the mean artifact, where that is not zero.
    vectors: Vec<Vector>,
    /// The mean artifact.
    mean: Vec<f64>,
    /// How strong each component is, in volts: the singular values of the artifacts less their mean.
    pub(super) singular_values: Vec<f64>,
}

/// One vector of a basis. Both rows have one artifact's length and the mean 0.
#[derive(Debug, Clone, PartialEq)]
struct Vector {
    /// What the fit looks at: of length 1, orthogonal to all other directions, and without what is slow.
    direction: Vec<f64>,
    /// What is subtracted for each unit of the direction.
    artifact: Vec<f64>,
}

impl Basis {
    /// The basis of the epochs that lie in the samples as a whole. The lowest `n_slow` cosines of an epoch are left out of the fit.
    ///
    /// # Errors
    /// [`EegError::Triggers`] with fewer than two such epochs.
    pub(super) fn of(samples: &[f64], epochs: &Epochs, n_components: usize, n_slow: usize) -> EegResult<Self> {
        let whole: Vec<_> = epochs.starts.iter().filter_map(|start| epochs.whole(*start, samples.len())).collect();
        if whole.len() < 2 {
            return Err(too_few(whole.len(), epochs, samples.len()));
        }
        let slow = cosines(n_slow, epochs.length);
        let columns: Vec<Column<'_>> = whole.iter().map(|range| without_slow(&samples[range.clone()], &slow)).collect();
        let n_components = n_components.min((columns.len() - 1) / 2);
        let mean = mean_of(whole.iter().map(|range| &samples[range.clone()]), epochs.length);
        let mut fast_mean = mean.clone();
        remove(&slow, &mut fast_mean);
        let norm = columns.iter().map(|column| square_sum(&column.samples, column.shift)).sum::<f64>().sqrt();
        let mut basis = Self { vectors: Vec::new(), mean: mean.clone(), singular_values: Vec::new() };
        basis.push(fast_mean.clone(), mean, LEAST_SHARE * norm / (columns.len() as f64).sqrt());
        if n_components > 0 {
            let low = Columns::new(columns, fast_mean).low_rank(Rank::Count(n_components));
            for (left, singular_value) in low.left.into_iter().zip(low.singular_values) {
                if singular_value > LEAST_SHARE * norm {
                    basis.push(left.clone(), left, 0.0);
                    basis.singular_values.push(singular_value);
                }
            }
        }
        Ok(basis)
    }

    /// How many principal components there are beside the mean artifact.
    pub(super) fn n_components(&self) -> usize {
        self.singular_values.len()
    }

    /// Fits the part of an artifact that is there, from element `first` of the basis on, and writes the artifact's share of the fit.
    /// The constant of the fit is not the artifact's.
    pub(super) fn fit(&self, samples: &[f64], first: usize, fit: &mut [f64]) {
        let fit = &mut fit[..samples.len()];
        if samples.len() == self.mean.len() {
            self.fit_whole(samples, fit);
        } else if self.is_enough(samples.len()) {
            self.fit_part(samples, first, fit);
        } else {
            fit.copy_from_slice(&self.mean[first..first + samples.len()]);
        }
    }

    fn push(&mut self, direction: Vec<f64>, artifact: Vec<f64>, least: f64) {
        self.vectors.extend(Vector::new(direction, artifact, &self.vectors, least, LEAST_SHARE));
    }

    /// The directions are orthonormal and of mean 0, so each factor is a dot product.
    fn fit_whole(&self, samples: &[f64], fit: &mut [f64]) {
        let shift = mean(samples);
        fit.fill(0.0);
        for vector in &self.vectors {
            let sum: f64 = vector.direction.iter().sum();
            add(dot(&vector.direction, samples) - shift * sum, &vector.artifact, fit);
        }
    }

    /// Three samples for each number that is fitted: fewer would follow the signal rather than the artifact.
    fn is_enough(&self, n_samples: usize) -> bool {
        n_samples >= 3 * (self.vectors.len() + 1)
    }

    /// Least squares with a constant over a part of the artifacts, whose directions are not orthogonal there. It looks at slow parts too.
    fn fit_part(&self, samples: &[f64], first: usize, fit: &mut [f64]) {
        /// A direction that is almost that of others would get its factor from noise.
        const LEAST_NEW: f64 = 1e-3;
        let shift = mean(samples);
        let rest: Vec<f64> = samples.iter().map(|sample| sample - shift).collect();
        fit.fill(0.0);
        let mut parts: Vec<Vector> = Vec::new();
        for vector in &self.vectors {
            let artifact = vector.artifact[first..first + samples.len()].to_vec();
            let constant = mean(&artifact);
            let direction = artifact.iter().map(|value| value - constant).collect();
            if let Some(part) = Vector::new(direction, artifact, &parts, 0.0, LEAST_NEW) {
                add(dot(&part.direction, &rest), &part.artifact, fit);
                parts.push(part);
            }
        }
    }
}

impl Vector {
    /// Makes a direction orthogonal to others and of length 1, and takes its artifact along (modified Gram-Schmidt, Golub and Van Loan,
    /// section 5.2.8). None where no more than `least`, or this share of its length, is new.
    fn new(
        mut direction: Vec<f64>,
        mut artifact: Vec<f64>,
        others: &[Self],
        least: f64,
        least_new: f64,
    ) -> Option<Self> {
        let before = dot(&direction, &direction).sqrt();
        // Twice, because the second removes what the rounding of the first left.
        for other in others.iter().chain(others) {
            let share = dot(&other.direction, &direction);
            add(-share, &other.direction, &mut direction);
            add(-share, &other.artifact, &mut artifact);
        }
        let norm = dot(&direction, &direction).sqrt();
        if !(norm > least && norm > least_new * before) {
            return None;
        }
        direction.iter_mut().chain(&mut artifact).for_each(|value| *value /= norm);
        Some(Self { direction, artifact })
    }
}

fn too_few(n_whole: usize, epochs: &Epochs, n_samples: usize) -> EegError {
    let (n_epochs, length) = (epochs.starts.len(), epochs.length);
    EegError::Triggers(format!(
        "{n_whole} of {n_epochs} artifacts of {length} samples lie within the {n_samples} samples of the recording, and step \"obs\" \
         needs two; check the triggers and artifact_length"
    ))
}

/// The slowest cosines of an epoch beside the constant: orthonormal, and of mean 0 (the basis of the discrete cosine transform, type II).
fn cosines(count: usize, length: usize) -> Vec<Vec<f64>> {
    let scale = (2.0 / length as f64).sqrt();
    let cosine = |k: usize| {
        let step = PI * k as f64 / length as f64;
        (0..length).map(|at| scale * (step * (at as f64 + 0.5)).cos()).collect()
    };
    (1..=count.min(length.saturating_sub(1))).map(cosine).collect()
}

/// The epoch less its mean and what is slow. Only where something is slow, it is a copy.
fn without_slow<'a>(samples: &'a [f64], slow: &[Vec<f64>]) -> Column<'a> {
    let shift = mean(samples);
    if slow.is_empty() {
        return Column { samples: Cow::Borrowed(samples), shift, scale: 1.0 };
    }
    let mut fast: Vec<f64> = samples.iter().map(|sample| sample - shift).collect();
    remove(slow, &mut fast);
    Column { samples: Cow::Owned(fast), shift: 0.0, scale: 1.0 }
}

fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len() as f64
}

fn square_sum(samples: &[f64], shift: f64) -> f64 {
    samples.iter().map(|sample| (sample - shift) * (sample - shift)).sum()
}

/// The mean of the epochs, each less its own mean.
fn mean_of<'a>(epochs: impl ExactSizeIterator<Item = &'a [f64]>, length: usize) -> Vec<f64> {
    let n_epochs = epochs.len() as f64;
    let mut sum = vec![0.0; length];
    for epoch in epochs {
        let shift = mean(epoch);
        sum.iter_mut().zip(epoch).for_each(|(sum, sample)| *sum += sample - shift);
    }
    sum.iter_mut().for_each(|sum| *sum /= n_epochs);
    sum
}

/// Takes off what lies along these orthonormal rows.
fn remove(rows: &[Vec<f64>], from: &mut [f64]) {
    for row in rows {
        add(-dot(row, from), row, from);
    }
}

fn add(factor: f64, vector: &[f64], to: &mut [f64]) {
    to.iter_mut().zip(vector).for_each(|(value, vector)| *value += factor * vector);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(at: usize) -> f64 {
        (at as f64 * 0.7).sin() + if at % 20 == 3 { 2.0 } else { 0.0 }
    }

    fn slope(at: usize) -> f64 {
        (at as f64 * 0.31).cos()
    }

    /// Twenty artifacts of twenty samples, each the sum of two shapes with factors of its own.
    fn samples() -> (Vec<f64>, Epochs) {
        let value = |at: usize| {
            let epoch = (at / 20) as f64;
            (5.0 + (epoch * 1.7).sin()) * shape(at % 20) + (epoch * 2.9).cos() * slope(at % 20)
        };
        ((0..400).map(value).collect(), Epochs { starts: (0..20).map(|idx| idx * 20).collect(), length: 20 })
    }

    #[test]
    fn artifacts_of_two_shapes_are_fitted_by_two_components() {
        let (samples, epochs) = samples();
        let basis = Basis::of(&samples, &epochs, 4, 0).unwrap();
        assert_eq!(basis.n_components(), 2);
        let mut fit = vec![0.0; 20];
        for epoch in samples.chunks_exact(20) {
            basis.fit(epoch, 0, &mut fit);
            let constant = mean(epoch);
            epoch.iter().zip(&fit).for_each(|(sample, fit)| assert!((sample - constant - fit).abs() < 1e-12));
        }
    }

    #[test]
    fn a_part_of_an_artifact_gets_the_fit_of_the_whole_one() {
        let (samples, epochs) = samples();
        let basis = Basis::of(&samples, &epochs, 4, 0).unwrap();
        let epoch = &samples[60..80];
        let (mut whole, mut part) = (vec![0.0; 20], vec![0.0; 20]);
        basis.fit(epoch, 0, &mut whole);
        for range in [0..13, 6..20] {
            // The constant is not the artifact's, so another one changes nothing.
            let moved: Vec<f64> = epoch[range.clone()].iter().map(|sample| sample + 100.0).collect();
            basis.fit(&moved, range.start, &mut part);
            for (part, whole) in part.iter().zip(&whole[range]) {
                assert!((part - whole).abs() < 1e-10, "{part} {whole}");
            }
        }
    }

    #[test]
    fn what_is_slow_is_neither_fitted_nor_taken() {
        let (samples, epochs) = samples();
        // The fit of artifacts on slow waves is that of artifacts alone.
        let wave = &cosines(3, 20)[1];
        let slow: Vec<f64> = (0..400).map(|at| 50.0 * ((at / 20) as f64 * 0.9).sin() * wave[at % 20]).collect();
        let both: Vec<f64> = samples.iter().zip(&slow).map(|(sample, slow)| sample + slow).collect();
        let fits = |samples: &[f64]| {
            let basis = Basis::of(samples, &epochs, 2, 3).unwrap();
            let shares = basis
                .vectors
                .iter()
                .flat_map(|vector| cosines(3, 20).into_iter().map(|slow| dot(&slow, &vector.direction)));
            assert_eq!(shares.filter(|share| share.abs() > 1e-9).count(), 0);
            let mut fit = vec![0.0; 20];
            basis.fit(&samples[100..120], 0, &mut fit);
            remove(&cosines(3, 20), &mut fit);
            fit
        };
        let (with, without) = (fits(&both), fits(&samples));
        with.iter().zip(&without).for_each(|(with, without)| assert!((with - without).abs() < 1e-9));
        let mut expected: Vec<f64> = samples[100..120].iter().map(|sample| sample - mean(&samples[100..120])).collect();
        remove(&cosines(3, 20), &mut expected);
        without.iter().zip(&expected).for_each(|(fit, expected)| assert!((fit - expected).abs() < 1e-9));
    }

    #[test]
    fn little_of_an_artifact_gets_the_mean_artifact() {
        let (samples, epochs) = samples();
        let basis = Basis::of(&samples, &epochs, 4, 0).unwrap();
        let mut fit = vec![0.0; 20];
        basis.fit(&samples[60..64], 0, &mut fit);
        assert_eq!(fit[..4], basis.mean[..4]);
    }

    #[test]
    fn few_artifacts_get_fewer_components_and_one_is_refused() {
        let (samples, epochs) = samples();
        for (n_epochs, expected) in [(2, 0), (3, 1), (4, 1), (5, 2)] {
            let few = Epochs { starts: epochs.starts[..n_epochs].to_vec(), length: 20 };
            assert_eq!(Basis::of(&samples, &few, 4, 0).unwrap().n_components(), expected, "{n_epochs} artifacts");
        }
        let one = Epochs { starts: vec![-5, 20, 395], length: 20 };
        let error = Basis::of(&samples, &one, 4, 0).unwrap_err();
        assert!(error.to_string().contains("1 of 3 artifacts of 20 samples"), "{error}");
    }

    #[test]
    fn a_flat_channel_has_no_basis() {
        let (_, epochs) = samples();
        let basis = Basis::of(&[3.0; 400], &epochs, 4, 0).unwrap();
        let mut fit = vec![1.0; 20];
        basis.fit(&[3.0; 20], 0, &mut fit);
        assert_eq!((basis.vectors.len(), fit), (0, vec![0.0; 20]));
    }
}
