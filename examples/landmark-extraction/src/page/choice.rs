//! Which samples a page shows, and which of their frames. Pure.

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng};

use crate::sample::{SampleFigures, SampleStatus};

/// A sample to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// Its place among the figures.
    pub index: usize,
    /// Why it is shown.
    pub why: Why,
}

/// Why a sample is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is the first one.
    First,
    /// In none is less found: the smallest share of frames with a face, a hand or a body, summed over the three.
    Worst,
    /// It was drawn from the rest.
    Random,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::First => "first",
            Self::Worst => "least found",
            Self::Random => "random",
        })
    }
}

/// The first sample, the one in which least was found, and up to `n_random` others, drawn by the seed. Only samples with an array and a
/// readable frame are chosen, none twice.
///
/// ```
/// use landmark_extraction::page::{Why, choose};
/// use landmark_extraction::sample::SampleFigures;
///
/// let with_face = |frames_with_face| SampleFigures { frames_ok: 4, frames_with_face, ..SampleFigures::default() };
/// let chosen = choose(&[with_face(3), with_face(4), with_face(1)], 0, 7);
/// assert_eq!(chosen.iter().map(|chosen| (chosen.index, chosen.why)).collect::<Vec<_>>(), [(0, Why::First), (2, Why::Worst)]);
/// ```
#[must_use]
pub fn choose(figures: &[SampleFigures], n_random: usize, seed: u64) -> Vec<Chosen> {
    let can_be_shown = |figures: &SampleFigures| figures.status == SampleStatus::Success && figures.frames_ok > 0;
    let mut left: Vec<usize> = (0..figures.len()).filter(|index| can_be_shown(&figures[*index])).collect();
    let mut chosen = Vec::new();
    let mut take = |left: &mut Vec<usize>, place: usize, why| chosen.push(Chosen { index: left.remove(place), why });
    if !left.is_empty() {
        take(&mut left, 0, Why::First);
    }
    let by_share = |(_, one): &(usize, &usize), (_, other): &(usize, &usize)| {
        share_found(&figures[**one]).total_cmp(&share_found(&figures[**other]))
    };
    if let Some((place, _)) = left.iter().enumerate().min_by(by_share) {
        take(&mut left, place, Why::Worst);
    }
    let mut random = SplitMix64::seed_from_u64(seed);
    for _ in 0..n_random.min(left.len()) {
        let place = (random.next_u64() % left.len() as u64) as usize;
        take(&mut left, place, Why::Random);
    }
    chosen
}

/// Of three: faces, hands, bodies.
fn share_found(figures: &SampleFigures) -> f64 {
    let found = figures.frames_with_face + figures.frames_with_hand + figures.frames_with_pose;
    found as f64 / figures.frames_ok.max(1) as f64
}

/// Up to `n_shown` rows of `n_rows`, as far apart as possible: the first, the last, and those between.
///
/// ```
/// assert_eq!(landmark_extraction::page::rows_to_show(10, 3), [0, 5, 9]);
/// ```
#[must_use]
pub fn rows_to_show(n_rows: usize, n_shown: usize) -> Vec<usize> {
    let n_shown = n_shown.min(n_rows);
    let (last, steps) = (n_rows.saturating_sub(1), n_shown.saturating_sub(1).max(1));
    (0..n_shown).map(|idx| (idx * last + steps / 2) / steps).collect()
}
