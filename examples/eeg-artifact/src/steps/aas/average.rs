//! Templates: for each block of epochs, the mean of those that look alike.
//!
//! A block begins with up to five epochs that are taken without a test. A candidate is taken when it correlates with the mean of what was
//! taken before it, so the order of candidates is part of the result.

use std::ops::Range;

use super::epochs::Epochs;
use crate::dsp::{centred_dot, centred_energy, mean};
use crate::{EegError, EegResult};

/// How many epochs of a block are taken without a test.
const N_SEEDS: usize = 5;

/// Which epochs make the template of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selection {
    /// Epochs in a block, and candidates for its template.
    pub(super) window_size: usize,
    /// How many epochs after the block's first one its candidates begin.
    pub(super) window_shift: i64,
    /// How strongly a candidate must correlate.
    pub(super) threshold: f64,
    /// Whether the window of candidates moves back where it would reach beyond the last epoch, so that a short last block has a template
    /// of as many epochs as the others.
    pub(super) keeps_last_window_full: bool,
}

/// The templates of a channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Templates {
    /// One template per block, one after the other.
    pub(super) values: Vec<f64>,
    /// Samples of a template.
    pub(super) width: usize,
    /// The epochs that are part of no template.
    pub(super) left_out: Vec<usize>,
    /// The spread (population standard deviation) of the epochs in the first template, at each of its samples.
    pub(super) spread: Vec<f64>,
    /// How many epochs are in the first template.
    pub(super) n_in_first: usize,
}

/// Makes the templates of a channel whose mean over the whole recording is `channel_mean`; that mean is not part of them.
///
/// One block of room beside the templates. Each candidate is read three times while it is in the processor's cache.
///
/// # Errors
/// [`EegError::Triggers`] when no epoch may be part of a template.
pub(super) fn average(epochs: &impl Epochs, selection: &Selection, channel_mean: f64) -> EegResult<Templates> {
    let (n_epochs, width) = (epochs.n_epochs(), epochs.width());
    let n_blocks = n_epochs.div_ceil(selection.window_size);
    let mut values = vec![0.0; n_blocks * width];
    let mut is_left_out = vec![true; n_epochs];
    let mut is_empty = vec![false; n_blocks];
    let mut n_in_first = 0;
    let (mut sum, mut scratch, mut spread) = (EpochSum::new(width, epochs.core()), Vec::new(), Vec::new());
    for (block, template) in values.chunks_exact_mut(width).enumerate() {
        let chosen = choose(epochs, selection, block * selection.window_size, &mut sum, &mut scratch);
        is_empty[block] = chosen.is_empty();
        if chosen.is_empty() {
            continue;
        }
        sum.mean_into(template, channel_mean);
        put_back_missing(epochs, &chosen, channel_mean, template);
        if spread.is_empty() {
            n_in_first = chosen.len();
            spread = spread_around(template, epochs, &chosen, channel_mean, &mut scratch);
        }
        chosen.into_iter().for_each(|epoch| is_left_out[epoch] = false);
    }
    fill_empty_blocks(&mut values, width, &is_empty)?;
    let left_out = (0..n_epochs).filter(|epoch| is_left_out[*epoch]).collect();
    Ok(Templates { values, width, left_out, spread, n_in_first })
}

/// Chooses the epochs for the block that begins at `first`, and adds them up.
fn choose(
    epochs: &impl Epochs,
    selection: &Selection,
    first: usize,
    sum: &mut EpochSum,
    scratch: &mut Vec<f64>,
) -> Vec<usize> {
    let n_epochs = epochs.n_epochs();
    sum.clear();
    let block_end = n_epochs.min(first.saturating_add(N_SEEDS));
    let mut chosen: Vec<usize> = (first..block_end).filter(|epoch| epochs.is_usable(*epoch)).collect();
    for seed in &chosen {
        sum.add(epochs.get(*seed, scratch));
    }
    let seeds = first..block_end;
    for candidate in selection.candidates(first, n_epochs) {
        if seeds.contains(&candidate) || !epochs.is_usable(candidate) {
            continue;
        }
        let epoch = epochs.get(candidate, scratch);
        // Without a seed there is nothing to compare the first candidate with.
        if sum.n_epochs == 0 || sum.correlation(epoch) > selection.threshold {
            sum.add(epoch);
            chosen.push(candidate);
        }
    }
    chosen
}

impl Selection {
    /// The candidates for the block that begins at `first`, in rising order.
    fn candidates(&self, first: usize, n_epochs: usize) -> Range<usize> {
        let size = i64::try_from(self.window_size).unwrap_or(i64::MAX);
        let n_epochs = n_epochs as i64;
        let mut from = (first as i64).saturating_add(self.window_shift);
        if self.keeps_last_window_full {
            from = from.min(n_epochs.saturating_sub(size));
        }
        let clamped = |epoch: i64| epoch.clamp(0, n_epochs) as usize;
        clamped(from)..clamped(from.saturating_add(size))
    }
}

/// The sum of epochs without their means, which are those of the artifacts themselves.
#[derive(Debug)]
struct EpochSum {
    centred: Vec<f64>,
    core: Range<usize>,
    /// The sum of the squares of the core of `centred`.
    energy: f64,
    means: f64,
    n_epochs: usize,
}

impl EpochSum {
    fn new(width: usize, core: Range<usize>) -> Self {
        Self { centred: vec![0.0; width], core, energy: 0.0, means: 0.0, n_epochs: 0 }
    }

    fn clear(&mut self) {
        self.centred.fill(0.0);
        (self.energy, self.means, self.n_epochs) = (0.0, 0.0, 0);
    }

    fn add(&mut self, epoch: &[f64]) {
        let mean = mean(&epoch[self.core.clone()]);
        for (sum, sample) in self.centred.iter_mut().zip(epoch) {
            *sum += sample - mean;
        }
        self.energy = centred_energy(&self.centred[self.core.clone()], 0.0);
        self.means += mean;
        self.n_epochs += 1;
    }

    /// Pearson's correlation of the sum, which is that of the mean, with an epoch. NaN where one of them is constant.
    fn correlation(&self, epoch: &[f64]) -> f64 {
        let (sum, epoch) = (&self.centred[self.core.clone()], &epoch[self.core.clone()]);
        let mean = mean(epoch);
        let (product, energy) = (centred_dot(sum, epoch, mean), centred_energy(epoch, mean));
        // `clamp` keeps a NaN, `min` would not.
        (product / (self.energy.sqrt() * energy.sqrt())).clamp(-1.0, 1.0)
    }

    /// The mean of the epochs, without the mean of the channel.
    fn mean_into(&self, template: &mut [f64], channel_mean: f64) {
        let n_epochs = self.n_epochs as f64;
        let level = self.means / n_epochs - channel_mean;
        for (value, sum) in template.iter_mut().zip(&self.centred) {
            *value = sum / n_epochs + level;
        }
    }
}

/// Samples that the recording does not have are zero in a template too, and not zero without the mean of the channel.
fn put_back_missing(epochs: &impl Epochs, chosen: &[usize], channel_mean: f64, template: &mut [f64]) {
    let share = channel_mean / chosen.len() as f64;
    for epoch in chosen {
        let n_present = template.len() - epochs.n_missing(*epoch);
        template[n_present..].iter_mut().for_each(|value| *value += share);
    }
}

fn spread_around(
    template: &[f64],
    epochs: &impl Epochs,
    chosen: &[usize],
    channel_mean: f64,
    scratch: &mut Vec<f64>,
) -> Vec<f64> {
    let mut squares = vec![0.0; template.len()];
    for epoch in chosen {
        let n_present = template.len() - epochs.n_missing(*epoch);
        let samples = epochs.get(*epoch, scratch);
        for (at, square) in squares.iter_mut().enumerate() {
            let level = if at < n_present { channel_mean } else { 0.0 };
            let difference = samples[at] - level - template[at];
            *square += difference * difference;
        }
    }
    squares.into_iter().map(|square| (square / chosen.len() as f64).sqrt()).collect()
}

/// Gives blocks without a usable epoch the template of the block before them, or of the first that has one.
fn fill_empty_blocks(values: &mut [f64], width: usize, is_empty: &[bool]) -> EegResult<()> {
    let Some(mut last) = is_empty.iter().position(|is_empty| !is_empty) else {
        let reason =
            "no artifact lies wholly inside of the recording, so there is nothing to average; set subsample to false";
        return Err(EegError::Triggers(reason.to_owned()));
    };
    for (block, is_empty) in is_empty.iter().enumerate() {
        if *is_empty {
            values.copy_within(last * width..(last + 1) * width, block * width);
        } else {
            last = block;
        }
    }
    Ok(())
}
