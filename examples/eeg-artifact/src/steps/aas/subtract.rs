//! Subtracts each template from its artifacts, in place.

use super::epochs::MARGIN;
use super::layout::Layout;
use crate::ChannelData;
use crate::dsp::{HALF_WIDTH, centred_dot, centred_energy, shift_into};

/// How templates are subtracted.
#[derive(Debug)]
pub(super) struct Subtraction<'a> {
    pub(super) layout: &'a Layout<'a>,
    /// The channel's mean before anything is subtracted.
    pub(super) mean: f64,
    pub(super) window_size: usize,
    pub(super) is_scaled: bool,
    pub(super) fills_gaps: bool,
    pub(super) is_subsample: bool,
}

impl Subtraction<'_> {
    /// Subtracts from the samples, and adds the same to the noise where it is kept.
    pub(super) fn subtract(&self, templates: &[f64], data: &mut ChannelData, keeps_noise: bool) {
        data.noise_to_add_to(keeps_noise);
        let ChannelData { samples, noise, .. } = data;
        let kept = noise.as_deref_mut().filter(|_| keeps_noise);
        let factors = self.factors(templates, samples);
        if self.fills_gaps {
            // Gaps are filled between this step's own noise, not between what earlier steps subtracted too.
            let mut own = vec![0.0; samples.len()];
            self.subtract_all(templates, &factors, samples, Some(&mut own));
            self.fill_gaps(samples, &mut own);
            kept.into_iter().flatten().zip(&own).for_each(|(kept, own)| *kept += own);
        } else {
            self.subtract_all(templates, &factors, samples, kept);
        }
    }

    fn subtract_all(&self, templates: &[f64], factors: &[f64], samples: &mut [f64], noise: Option<&mut [f64]>) {
        let (mut scratch, mut noise) = (Vec::new(), noise);
        for (epoch, factor) in factors.iter().enumerate() {
            let (start, artifact) = self.artifact(templates, epoch, &mut scratch);
            let end = start + artifact.len();
            let sample = samples[start..end].iter_mut().zip(artifact);
            sample.for_each(|(sample, value)| *sample -= factor * value);
            if let Some(noise) = noise.as_deref_mut() {
                let noise = noise[start..end].iter_mut().zip(artifact);
                noise.for_each(|(noise, value)| *noise += factor * value);
            }
        }
    }

    /// How each template is scaled, from samples of which nothing is subtracted yet.
    fn factors(&self, templates: &[f64], samples: &[f64]) -> Vec<f64> {
        let mut scratch = Vec::new();
        let factor = |epoch| {
            if !self.is_scaled {
                return 1.0;
            }
            let (start, artifact) = self.artifact(templates, epoch, &mut scratch);
            let energy = centred_energy(artifact, 0.0);
            let factor = centred_dot(artifact, &samples[start..start + artifact.len()], self.mean) / energy;
            if energy > f64::EPSILON && factor.is_finite() { factor } else { 1.0 }
        };
        (0..self.layout.n_epochs()).map(factor).collect()
    }

    /// Where an artifact begins, and what it looks like as far as it lies in the recording.
    fn artifact<'s>(&self, templates: &'s [f64], epoch: usize, scratch: &'s mut Vec<f64>) -> (usize, &'s [f64]) {
        let block = epoch / self.window_size;
        if self.is_subsample {
            return self.shifted_artifact(templates, block, epoch, scratch);
        }
        let present = self.layout.present(epoch);
        let template = &templates[block * self.layout.length..];
        (present.start, &template[..present.len()])
    }

    /// The template, shifted by the epoch's fraction of a sample. It ends where the next artifact begins.
    fn shifted_artifact<'s>(
        &self,
        templates: &[f64],
        block: usize,
        epoch: usize,
        scratch: &'s mut Vec<f64>,
    ) -> (usize, &'s [f64]) {
        let width = self.layout.length + 2 * MARGIN;
        let template = &templates[block * width..(block + 1) * width];
        let wanted = self.layout.start(epoch);
        let end = wanted.saturating_add(self.n_samples_to_next(epoch) as i64);
        let clamped = |at: i64| at.clamp(0, self.layout.n_samples as i64);
        let (start, end) = (clamped(wanted), clamped(end));
        let skipped = start.saturating_sub(wanted) as usize;
        scratch.clear();
        scratch.resize((end - start) as usize, 0.0);
        if !scratch.is_empty() {
            let from = MARGIN - HALF_WIDTH + skipped;
            shift_into(&template[from..], -self.layout.fraction(epoch), scratch);
        }
        (start as usize, scratch)
    }

    /// The artifact's length, or less or up to two samples more so that it ends where the next begins.
    fn n_samples_to_next(&self, epoch: usize) -> usize {
        let (length, slack) = (self.layout.length, MARGIN - HALF_WIDTH);
        let next = self.layout.triggers.get(epoch + 1);
        let distance = next.and_then(|next| usize::try_from(next.saturating_sub(self.layout.triggers[epoch])).ok());
        distance.filter(|distance| (1..=length + slack).contains(distance)).unwrap_or(length)
    }

    /// Fills the noise between the end of one artifact and the beginning of the next with a straight line, and subtracts it.
    fn fill_gaps(&self, samples: &mut [f64], noise: &mut [f64]) {
        for epoch in 1..self.layout.n_epochs() {
            let last = self.layout.start(epoch - 1).saturating_add(self.layout.length as i64 - 1);
            let inside = |at: i64| usize::try_from(at).ok().filter(|at| *at < samples.len());
            let (Some(last), Some(next)) = (inside(last), inside(self.layout.start(epoch))) else { continue };
            if next <= last + 1 {
                continue;
            }
            let slope = (noise[next] - noise[last]) / (next - last) as f64;
            for at in last + 1..next {
                noise[at] = noise[last] + (at - last) as f64 * slope;
                samples[at] -= noise[at];
            }
        }
    }
}
