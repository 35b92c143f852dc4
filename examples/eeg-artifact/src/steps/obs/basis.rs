//! The basis of artifacts of one channel, and the fit of one artifact by it.

use std::borrow::Cow;

use crate::dsp::svd::{Column, Columns, Rank, dot};
use crate::steps::epochs::Epochs;
use crate::{EegError, EegResult};

/// A component that is weaker than this share of the artifacts' own norm is rounding.
const LEAST_SHARE: f64 = 1e-7;

/// The mean artifact and the leading principal components, as orthonormal vectors.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Basis {
    /// Each of one artifact's length, of mean 0 and length 1. The first is along the mean artifact, where that is not zero.
    vectors: Vec<Vec<f64>>,
    /// The mean artifact.
    mean: Vec<f64>,
    /// How strong each component is, in volts: the singular values of the artifacts less their mean.
    pub(super) singular_values: Vec<f64>,
}

impl Basis {
    /// The basis of the epochs that lie in the samples as a whole.
    ///
    /// # Errors
    /// [`EegError::Triggers`] with fewer than two such epochs.
    pub(super) fn of(samples: &[f64], epochs: &Epochs, n_components: usize) -> EegResult<Self> {
        let whole = epochs.starts.iter().filter_map(|start| epochs.whole(*start, samples.len()));
        let columns: Vec<Column<'_>> = whole.map(|range| less_its_mean(&samples[range])).collect();
        if columns.len() < 2 {
            return Err(EegError::Triggers(format!(
                "{} of {} artifacts of {} samples lie within the {} samples of the recording, and step \"obs\" needs two; check the \
                 triggers and artifact_length",
                columns.len(),
                epochs.starts.len(),
                epochs.length,
                samples.len()
            )));
        }
        let n_components = n_components.min((columns.len() - 1) / 2);
        let mean = mean_of(&columns, epochs.length);
        let norm = columns.iter().map(|column| square_sum(&column.samples, column.shift)).sum::<f64>().sqrt();
        let mut basis = Self { vectors: Vec::new(), mean: mean.clone(), singular_values: Vec::new() };
        basis.push(mean.clone(), LEAST_SHARE * norm / (columns.len() as f64).sqrt());
        if n_components > 0 {
            let low = Columns::new(columns, mean).low_rank(Rank::Count(n_components));
            for (left, singular_value) in low.left.into_iter().zip(low.singular_values) {
                if singular_value > LEAST_SHARE * norm {
                    basis.push(left, 0.0);
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

    /// Adds what is new in a vector, unless that is no more than `least`.
    fn push(&mut self, mut vector: Vec<f64>, least: f64) {
        let before = dot(&vector, &vector).sqrt();
        remove(&self.vectors, &mut vector);
        let norm = dot(&vector, &vector).sqrt();
        if norm > least && norm > LEAST_SHARE * before {
            vector.iter_mut().for_each(|value| *value /= norm);
            self.vectors.push(vector);
        }
    }

    /// The vectors are orthonormal and of mean 0, so each factor is a dot product.
    fn fit_whole(&self, samples: &[f64], fit: &mut [f64]) {
        let shift = mean(samples);
        fit.fill(0.0);
        for vector in &self.vectors {
            let sum: f64 = vector.iter().sum();
            add(dot(vector, samples) - shift * sum, vector, fit);
        }
    }

    /// Half of the artifact, and so many samples that the fit cannot follow them all.
    fn is_enough(&self, n_samples: usize) -> bool {
        2 * n_samples >= self.mean.len() && n_samples > 2 * (self.vectors.len() + 1)
    }

    /// Least squares with a constant, over a part of the vectors, which are not orthogonal there: they are made so one after the other
    /// (modified Gram-Schmidt, Golub and Van Loan, section 5.2.8), each taken along as the whole vector that it stands for.
    fn fit_part(&self, samples: &[f64], first: usize, fit: &mut [f64]) {
        let n = samples.len();
        let shift = mean(samples);
        let rest: Vec<f64> = samples.iter().map(|sample| sample - shift).collect();
        fit.fill(0.0);
        // Pairs of a direction, of mean 0 and length 1 over the part, and the artifact that has it up to a constant.
        let mut pairs: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
        for vector in &self.vectors {
            let mut artifact = vector[first..first + n].to_vec();
            let constant = mean(&artifact);
            let mut direction: Vec<f64> = artifact.iter().map(|value| value - constant).collect();
            let before = dot(&direction, &direction).sqrt();
            for (other, other_artifact) in &pairs {
                let share = dot(other, &direction);
                add(-share, other, &mut direction);
                add(-share, other_artifact, &mut artifact);
            }
            let norm = dot(&direction, &direction).sqrt();
            // A direction that is almost that of others would get a factor out of noise.
            if norm > 1e-3 * before {
                direction.iter_mut().chain(&mut artifact).for_each(|value| *value /= norm);
                add(dot(&direction, &rest), &artifact, fit);
                pairs.push((direction, artifact));
            }
        }
    }
}

fn less_its_mean(samples: &[f64]) -> Column<'_> {
    Column { samples: Cow::Borrowed(samples), shift: mean(samples), scale: 1.0 }
}

fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len() as f64
}

fn square_sum(samples: &[f64], shift: f64) -> f64 {
    samples.iter().map(|sample| (sample - shift) * (sample - shift)).sum()
}

fn mean_of(columns: &[Column<'_>], length: usize) -> Vec<f64> {
    let mut mean = vec![0.0; length];
    for column in columns {
        mean.iter_mut().zip(column.samples.iter()).for_each(|(mean, sample)| *mean += sample - column.shift);
    }
    mean.iter_mut().for_each(|value| *value /= columns.len() as f64);
    mean
}

/// Takes off what lies along these orthonormal vectors; twice, because the second removes what the rounding of the first left.
fn remove(vectors: &[Vec<f64>], from: &mut [f64]) {
    for vector in vectors.iter().chain(vectors) {
        add(-dot(vector, from), vector, from);
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
        let basis = Basis::of(&samples, &epochs, 4).unwrap();
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
        let basis = Basis::of(&samples, &epochs, 4).unwrap();
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
    fn little_of_an_artifact_gets_the_mean_artifact() {
        let (samples, epochs) = samples();
        let basis = Basis::of(&samples, &epochs, 4).unwrap();
        let mut fit = vec![0.0; 20];
        basis.fit(&samples[60..64], 0, &mut fit);
        assert_eq!(fit[..4], basis.mean[..4]);
    }

    #[test]
    fn few_artifacts_get_fewer_components_and_one_is_refused() {
        let (samples, epochs) = samples();
        for (n_epochs, expected) in [(2, 0), (3, 1), (4, 1), (5, 2)] {
            let few = Epochs { starts: epochs.starts[..n_epochs].to_vec(), length: 20 };
            assert_eq!(Basis::of(&samples, &few, 4).unwrap().n_components(), expected, "{n_epochs} artifacts");
        }
        let one = Epochs { starts: vec![-5, 20, 395], length: 20 };
        let error = Basis::of(&samples, &one, 4).unwrap_err();
        assert!(error.to_string().contains("1 of 3 artifacts of 20 samples"), "{error}");
    }

    #[test]
    fn a_flat_channel_has_no_basis() {
        let (_, epochs) = samples();
        let basis = Basis::of(&[3.0; 400], &epochs, 4).unwrap();
        let mut fit = vec![1.0; 20];
        basis.fit(&[3.0; 20], 0, &mut fit);
        assert_eq!((basis.vectors.len(), fit), (0, vec![0.0; 20]));
    }
}
