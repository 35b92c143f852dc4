//! When the scanner begins its volumes or slices, and what follows from the distances.

use serde::{Deserialize, Serialize};

/// The triggers of a recording.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Triggers {
    /// Where each artifact begins (before the offset), as sample indices from 0, in order. A value may lie outside of the recording.
    pub samples: Vec<i64>,
    /// How far the artifact of each trigger lies after its sample, in samples, where it is known to less than one: as many as
    /// triggers, each within half a sample. Sub-sample alignment sets it.
    pub fractions: Option<Vec<f64>>,
    /// How long an artifact is, in samples, where it is known.
    pub artifact_length: Option<usize>,
    /// Whether there are gaps between volumes.
    pub volume_gaps: bool,
    /// How many slices a volume has, where there are gaps.
    pub slices_per_volume: Option<usize>,
}

impl Triggers {
    /// Triggers with what follows from their distances d: with max(d) - min(d) of 3 or less, the artifact is as long as the longest
    /// distance; otherwise distances of at least (median(d) + max(d)) / 2 are gaps, the artifact is as long as the longest of the
    /// others, and `slices_per_volume` is the median length of the runs between gaps. With fewer than two triggers nothing is known.
    #[must_use]
    pub fn from_samples(samples: Vec<i64>) -> Self {
        let distances = distances(&samples);
        let (Some(shortest), Some(longest)) = (distances.iter().min(), distances.iter().max()) else {
            return Self { samples, ..Self::default() };
        };
        if longest.saturating_sub(*shortest) <= 3 {
            return Self { artifact_length: usize::try_from(*longest).ok(), samples, ..Self::default() };
        }
        let least_gap = least_gap(&distances);
        let artifact_length = longest_below(&distances, least_gap);
        let slices_per_volume = slices_per_volume(&distances, least_gap, samples.len());
        Self { artifact_length, volume_gaps: true, slices_per_volume, samples, fractions: None }
    }

    /// The indices of the triggers after which there is a gap, rising: those whose distance to the next one is at least (median + max) / 2 of
    /// all distances. None where there are no gaps.
    ///
    /// ```
    /// let triggers = eeg_artifact::Triggers::from_samples(vec![0, 10, 20, 50, 60, 70]);
    /// assert_eq!(triggers.gaps(), [2]);
    /// ```
    #[must_use]
    pub fn gaps(&self) -> Vec<usize> {
        if !self.volume_gaps {
            return Vec::new();
        }
        let distances: Vec<i64> = self.samples.windows(2).map(|pair| pair[1] - pair[0]).collect();
        if distances.is_empty() { Vec::new() } else { gaps_at_least(&distances, least_gap(&distances)) }
    }

    /// Measures the artifact's length anew after triggers have moved: the longest distance, without gaps where there are gaps. None where
    /// no distance is left.
    #[must_use]
    pub fn measured_length(&self) -> Option<usize> {
        let distances = distances(&self.samples);
        if self.volume_gaps && !distances.is_empty() {
            return longest_below(&distances, least_gap(&distances));
        }
        distances.iter().max().and_then(|longest| usize::try_from(*longest).ok())
    }
}

/// From each trigger to the next.
fn distances(samples: &[i64]) -> Vec<i64> {
    samples.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect()
}

/// The distance from which on it is a gap: in the middle between median and maximum.
fn least_gap(distances: &[i64]) -> f64 {
    let longest = distances.iter().max().copied().unwrap_or_default();
    let median = median(distances.iter().map(|distance| *distance as f64).collect());
    f64::midpoint(median, longest as f64)
}

fn longest_below(distances: &[i64], least_gap: f64) -> Option<usize> {
    let within = distances.iter().filter(|distance| (**distance as f64) < least_gap);
    within.max().and_then(|longest| usize::try_from(*longest).ok())
}

/// The indices of the distances that are gaps.
fn gaps_at_least(distances: &[i64], least_gap: f64) -> Vec<usize> {
    (0..distances.len()).filter(|idx| distances[*idx] as f64 >= least_gap).collect()
}

/// The median length of the runs of triggers between gaps, without its fraction.
fn slices_per_volume(distances: &[i64], least_gap: f64, n_triggers: usize) -> Option<usize> {
    let gaps = gaps_at_least(distances, least_gap);
    let (first, last) = (gaps.first()?, gaps.last()?);
    let mut runs = vec![(first + 1) as f64];
    runs.extend(gaps.windows(2).map(|pair| (pair[1] - pair[0]) as f64));
    let rest = n_triggers - 1 - last;
    if rest > 0 {
        runs.push(rest as f64);
    }
    Some(median(runs) as usize)
}

/// The median; of an even count the mean of the middle two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}
