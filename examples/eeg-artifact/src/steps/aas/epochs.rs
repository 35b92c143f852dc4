//! The artifacts of a channel as stretches of one length, in whole samples or aligned to less than one.

use std::ops::Range;

use super::layout::Layout;
use crate::dsp::{HALF_WIDTH, shift_into};

/// Samples beyond both ends of an aligned artifact that its template has too: what a shift by a fraction needs, and two for artifacts
/// that move apart.
pub(super) const MARGIN: usize = HALF_WIDTH + 2;

/// The artifacts of a channel, by the index of their trigger.
pub(super) trait Epochs {
    fn n_epochs(&self) -> usize;

    /// Samples of an epoch.
    fn width(&self) -> usize;

    /// The samples of an epoch that are the artifact itself. What lies around them does not decide whether two epochs are alike.
    fn core(&self) -> Range<usize>;

    /// The samples of an epoch, copied only where they must be.
    fn get<'s>(&'s self, epoch: usize, scratch: &'s mut Vec<f64>) -> &'s [f64];

    /// How many samples at the epoch's end are not in the recording, and therefore zero.
    fn n_missing(&self, epoch: usize) -> usize;

    /// Whether the epoch may be part of a template.
    fn is_usable(&self, epoch: usize) -> bool;
}

/// Artifacts in whole samples, by the reference's rules: what the recording does not have is zero, and all of an artifact that begins
/// before the recording is.
#[derive(Debug)]
pub(super) struct WholeEpochs<'a> {
    samples: &'a [f64],
    layout: &'a Layout<'a>,
}

impl<'a> WholeEpochs<'a> {
    pub(super) fn new(samples: &'a [f64], layout: &'a Layout<'a>) -> Self {
        Self { samples, layout }
    }
}

impl Epochs for WholeEpochs<'_> {
    fn n_epochs(&self) -> usize {
        self.layout.n_epochs()
    }

    fn width(&self) -> usize {
        self.layout.length
    }

    fn core(&self) -> Range<usize> {
        0..self.layout.length
    }

    fn get<'s>(&'s self, epoch: usize, scratch: &'s mut Vec<f64>) -> &'s [f64] {
        let present = &self.samples[self.layout.present(epoch)];
        if present.len() == self.width() {
            return present;
        }
        scratch.clear();
        scratch.extend_from_slice(present);
        scratch.resize(self.width(), 0.0);
        scratch
    }

    fn n_missing(&self, epoch: usize) -> usize {
        self.width() - self.layout.present(epoch).len()
    }

    fn is_usable(&self, _epoch: usize) -> bool {
        true
    }
}

/// Artifacts aligned to less than a sample, with a margin at both ends. Values between samples are interpolated from the channel itself, so
/// the ends of an artifact are as exact as its middle; beyond the recording its first and last sample go on.
#[derive(Debug)]
pub(super) struct AlignedEpochs<'a> {
    samples: &'a [f64],
    layout: &'a Layout<'a>,
    shifts: Vec<f64>,
}

impl<'a> AlignedEpochs<'a> {
    /// Artifacts that lie this many samples after their triggers say.
    pub(super) fn new(samples: &'a [f64], layout: &'a Layout<'a>, shifts: Vec<f64>) -> Self {
        Self { samples, layout, shifts }
    }

    /// The whole sample next to where an artifact begins.
    fn start(&self, epoch: usize) -> i64 {
        self.layout.start(epoch).saturating_add(self.shifts[epoch].round() as i64)
    }
}

impl Epochs for AlignedEpochs<'_> {
    fn n_epochs(&self) -> usize {
        self.layout.n_epochs()
    }

    fn width(&self) -> usize {
        self.layout.length + 2 * MARGIN
    }

    fn core(&self) -> Range<usize> {
        MARGIN..MARGIN + self.layout.length
    }

    fn get<'s>(&'s self, epoch: usize, scratch: &'s mut Vec<f64>) -> &'s [f64] {
        let (width, reach) = (self.width(), (MARGIN + HALF_WIDTH) as i64);
        let n_around = width + 2 * HALF_WIDTH;
        // The stretch around the epoch, and behind it the epoch.
        scratch.clear();
        copy_clamped(self.samples, self.start(epoch).saturating_sub(reach), n_around, scratch);
        scratch.resize(n_around + width, 0.0);
        let (around, aligned) = scratch.split_at_mut(n_around);
        shift_into(around, self.shifts[epoch] - self.shifts[epoch].round(), aligned);
        aligned
    }

    fn n_missing(&self, _epoch: usize) -> usize {
        0
    }

    fn is_usable(&self, epoch: usize) -> bool {
        let start = self.start(epoch);
        start >= 0 && start.saturating_add(self.layout.length as i64) <= self.layout.n_samples as i64
    }
}

/// Adds `n` samples from `start` on; before the first and after the last sample, these go on.
pub(super) fn copy_clamped(samples: &[f64], start: i64, n: usize, into: &mut Vec<f64>) {
    let end = start.saturating_add(n as i64);
    let clamped = |at: i64| at.clamp(0, samples.len() as i64) as usize;
    let (from, to) = (clamped(start), clamped(end));
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return };
    let n_before = (-start).clamp(0, n as i64) as usize;
    into.extend(std::iter::repeat_n(*first, n_before));
    into.extend_from_slice(&samples[from..to]);
    into.extend(std::iter::repeat_n(*last, n - n_before - (to - from)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_beyond_the_ends_are_those_at_the_ends() {
        let copied = |start, n| {
            let mut into = Vec::new();
            copy_clamped(&[1.0, 2.0, 3.0], start, n, &mut into);
            into
        };
        assert_eq!(copied(-2, 7), [1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0]);
        assert_eq!(copied(1, 1), [2.0]);
        assert_eq!(copied(-9, 2), [1.0, 1.0]);
        assert_eq!(copied(9, 2), [3.0, 3.0]);
        assert_eq!(copied(i64::MAX - 1, 2), [3.0, 3.0]);
        assert_eq!(copied(i64::MIN + 1, 2), [1.0, 1.0]);
    }
}
