//! Finds where the artifacts of one channel lie to less than a sample.
//!
//! A scanner and an amplifier with clocks of their own sample each artifact at another fraction of a sample. A mean of such artifacts is
//! blurred, and what it leaves is largest where gradients are sharp (Niazy, Beckmann, Iannetti, Brady and Smith, NeuroImage 28, 2005,
//! upsample and correlate for this reason).
//!
//! Here each artifact is first moved by whole samples to where it correlates most with its block's template; the search extends both
//! ways over what was really recorded. Then the fraction is that of least squares: the artifact is taken for the template, scaled and
//! shifted a little, plus a constant, and a Gauss-Newton step finds the shift (Lucas and Kanade, 1981, for images). This has no grid, and
//! slow EEG hardly touches it, because the template's slope has little that is slow. Templates and shifts are found in turns.
//!
//! What a block's shifts are measured from is its own template. Blocks are tied to each other by the shift between their templates, so
//! that a template may be made of another block's artifacts.

use super::average::{Selection, average};
use super::epochs::{AlignedEpochs, MARGIN, copy_clamped};
use super::layout::Layout;
use crate::EegResult;
use crate::dsp::{HALF_WIDTH, best_offset, centred_dot, mean, shift_into, slope_into};

/// How often templates are made and shifts are found from them, each time with one Gauss-Newton step. The second pass corrects what a
/// blurred template and the first step leave; a third one was measured to gain nothing.
const N_PASSES: usize = 2;
/// An artifact that correlates less with its template is taken for something else, and stays where it is.
const LEAST_CORRELATION: f64 = 0.5;
/// An artifact of which less than a quarter is recorded stays where it is.
const LEAST_PART: usize = 4;

/// The triggers that this channel asks for, their fractions, and how far each moved in all. None moves further than `radius` samples.
///
/// Cost: for each sample `2 * radius` products once, and some 200 for the fractions; room for the templates and a few artifacts.
///
/// # Errors
/// [`EegError::Triggers`](crate::EegError::Triggers) when no artifact lies wholly inside of the recording.
pub(super) fn align(
    layout: &Layout<'_>,
    samples: &[f64],
    channel_mean: f64,
    selection: &Selection,
    radius: usize,
) -> EegResult<(Vec<i64>, Option<Vec<f64>>, Vec<f64>)> {
    let mut shifts = layout.shifts();
    let before = shifts.clone();
    for pass in 0..N_PASSES {
        let templates = average(&AlignedEpochs::new(samples, layout, shifts.clone()), selection, channel_mean)?;
        let mut finder = Finder::new(layout.length, if pass == 0 { radius } else { 0 });
        let blocks: Vec<&[f64]> = templates.values.chunks_exact(templates.width).collect();
        let origins = origins(&blocks, &mut finder);
        for (epoch, shift) in shifts.iter_mut().enumerate() {
            let block = epoch / selection.window_size;
            let found = finder.find(samples, layout.start(epoch), *shift, blocks[block]);
            *shift = (found + origins[block]).clamp(-(radius as f64), radius as f64);
        }
    }
    let triggers =
        layout.triggers.iter().zip(&shifts).map(|(trigger, shift)| trigger.saturating_add(shift.round() as i64));
    let moved = shifts.iter().zip(before).map(|(shift, before)| shift - before).collect();
    let fractions = shifts.iter().map(|shift| shift - shift.round()).collect();
    Ok((triggers.collect(), Some(fractions), moved))
}

/// How far each block's template lies after that of the first block.
fn origins(blocks: &[&[f64]], finder: &mut Finder) -> Vec<f64> {
    let (mut origins, mut origin) = (vec![0.0], 0.0);
    for pair in blocks.windows(2) {
        origin += finder.find(pair[1], MARGIN as i64, 0.0, pair[0]);
        origins.push(origin);
    }
    origins
}

/// Finds a template's shape near a place in a signal.
#[derive(Debug)]
struct Finder {
    length: usize,
    radius: usize,
    window: Vec<f64>,
    centred: Vec<f64>,
    model: Vec<f64>,
    slope: Vec<f64>,
}

impl Finder {
    fn new(length: usize, radius: usize) -> Self {
        let zeros = || vec![0.0; length];
        Self { length, radius, window: Vec::new(), centred: zeros(), model: zeros(), slope: zeros() }
    }

    /// How far after `start` the template's shape lies, when it was thought to lie `shift` after it. Where nothing like it is found, that
    /// stays so.
    fn find(&mut self, signal: &[f64], start: i64, shift: f64, template: &[f64]) -> f64 {
        let (from, to, _) = self.present(signal, start, shift);
        if to - from < self.length.div_ceil(LEAST_PART) {
            return shift;
        }
        let shift = if self.radius > 0 { self.find_whole(signal, start, shift, template) } else { shift };
        self.step(signal, start, shift, template).map_or(shift, |step| shift + step.clamp(-0.5, 0.5))
    }

    /// The whole number of samples at which signal and template correlate most, when they are alike there.
    fn find_whole(&mut self, signal: &[f64], start: i64, shift: f64, template: &[f64]) -> f64 {
        let core = &template[MARGIN..MARGIN + self.length];
        let (level, reach) = (mean(core), self.radius as i64);
        self.centred.clear();
        self.centred.extend(core.iter().map(|value| value - level));
        self.window.clear();
        let from = start.saturating_add(shift.round() as i64).saturating_sub(reach);
        copy_clamped(signal, from, self.length + 2 * self.radius, &mut self.window);
        let offset = best_offset(&self.window, &self.centred, 2 * self.radius + 1);
        let there = &self.window[offset..offset + self.length];
        let is_alike = correlation(core, there) >= LEAST_CORRELATION;
        if is_alike { shift.round() + offset as f64 - self.radius as f64 } else { shift }
    }

    /// A Gauss-Newton step: the change of shift by which the scaled template explains the signal better. None where nothing like it is.
    fn step(&mut self, signal: &[f64], start: i64, shift: f64, template: &[f64]) -> Option<f64> {
        let (from, to, skipped) = self.present(signal, start, shift);
        let around = &template[MARGIN - HALF_WIDTH..];
        let fraction = shift - shift.round();
        shift_into(around, -fraction, &mut self.model);
        slope_into(around, -fraction, &mut self.slope);
        let part = skipped..skipped + (to - from);
        step_of_least_squares(&signal[from..to], &self.model[part.clone()], &self.slope[part])
    }

    /// The samples of the artifact that the signal has, from one to another, and how many are missing before them.
    fn present(&self, signal: &[f64], start: i64, shift: f64) -> (usize, usize, usize) {
        let start = start.saturating_add(shift.round() as i64);
        let at = |place: i64| place.clamp(0, signal.len() as i64) as usize;
        let (from, to) = (at(start), at(start.saturating_add(self.length as i64)));
        // Of no use, and perhaps too large, where none is present.
        (from, to, (from as i64).saturating_sub(start).clamp(0, self.length as i64) as usize)
    }
}

/// Fits `signal = scale * (model - step * slope) + level`, and gives the step.
fn step_of_least_squares(signal: &[f64], model: &[f64], slope: &[f64]) -> Option<f64> {
    let (signal_mean, model_mean, slope_mean) = (mean(signal), mean(model), mean(slope));
    let model_model = centred_dot(model, model, model_mean);
    let slope_slope = centred_dot(slope, slope, slope_mean);
    let model_slope = centred_dot(model, slope, slope_mean);
    let model_signal = centred_dot(model, signal, signal_mean);
    let slope_signal = centred_dot(slope, signal, signal_mean);
    // Both sides of the quotient lack the same determinant.
    let scale = model_signal * slope_slope - slope_signal * model_slope;
    let scaled_step = model_signal * model_slope - slope_signal * model_model;
    let step = scaled_step / scale;
    (scale > 0.0 && step.is_finite()).then_some(step)
}

/// Pearson's correlation; NaN where one of the two is constant.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (a_mean, b_mean) = (mean(a), mean(b));
    let energies = centred_dot(a, a, a_mean) * centred_dot(b, b, b_mean);
    centred_dot(a, b, b_mean) / energies.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A smooth shape around `at`.
    fn shape(n: usize, at: f64) -> Vec<f64> {
        let value = |j: usize| {
            let t = (j as f64 - at) / 4.0;
            (-t * t).exp() * (1.3 * t).sin()
        };
        (0..n).map(value).collect()
    }

    #[test]
    fn a_shape_is_found_to_a_thousandth_of_a_sample_whatever_its_scale_and_level() {
        let length = 60;
        let template = shape(length + 2 * MARGIN, MARGIN as f64 + 30.0);
        for shift in [-3.4, -0.5, 0.0, 0.123, 0.5, 2.7] {
            let signal: Vec<f64> = shape(200, 100.0 + shift).iter().map(|value| 7.0 * value + 40.0).collect();
            let mut finder = Finder::new(length, 5);
            let first = finder.find(&signal, 70, 0.0, &template);
            finder.radius = 0;
            let found = (0..2).fold(first, |found, _| finder.find(&signal, 70, found, &template));
            assert!((found - shift).abs() < 1e-3, "{found} for {shift}");
        }
    }

    #[test]
    fn where_nothing_like_the_template_is_the_shift_stays() {
        let length = 60;
        let template = shape(length + 2 * MARGIN, MARGIN as f64 + 30.0);
        let mut finder = Finder::new(length, 5);
        assert_eq!(finder.find(&[1.0; 200], 70, 0.25, &template), 0.25);
        assert_eq!(finder.find(&shape(200, 100.0), 195, 0.25, &template), 0.25, "hardly any of it is recorded");
        assert_eq!(finder.find(&shape(200, 100.0), i64::MIN, 0.25, &template), 0.25);
        assert_eq!(finder.find(&shape(200, 100.0), i64::MAX, 0.25, &template), 0.25);
        assert_eq!(finder.find(&shape(200, 100.0), 70, 0.25, &[0.0; 60 + 2 * MARGIN]), 0.25);
    }
}
