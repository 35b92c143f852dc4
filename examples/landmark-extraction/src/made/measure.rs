//! How far extracted landmarks are from the truth.

use std::ops::Range;

use super::scene::{HEIGHT, WIDTH};
use crate::row::{FACE, LEFT_HAND, RIGHT_HAND, ROW};

/// The error of the made models, by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MadeError {
    /// Faces.
    pub face: PartError,
    /// Left and right hands.
    pub hand: PartError,
}

/// The error of one kind of part. Distances are those of points that are both drawn and found.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PartError {
    /// Parts that are both drawn and found.
    pub n_compared: usize,
    /// Mean distance of a point, in pixels of the frame, in x and y.
    pub mean_pixels: f64,
    /// The largest one.
    pub largest_pixels: f64,
    /// Mean distance as a share of the part's longer side.
    pub mean_share: f64,
    /// The largest one.
    pub largest_share: f64,
    /// Mean difference of z, in pixels.
    pub mean_depth_pixels: f64,
    /// How often the part is rightly said to be there or not.
    pub presence_right: usize,
    /// How often it is there and was not found.
    pub missed: usize,
    /// How often it was found and is not there. A hand that is taken for the other one is missed once and invented once.
    pub invented: usize,
}

/// Rows that cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rows} numbers of landmarks and {truth} of truth; both must be as many, and a multiple of 1662")]
pub struct RowsDiffer {
    /// Numbers of landmarks.
    pub rows: usize,
    /// Numbers of truth.
    pub truth: usize,
}

/// Compares rows of made frames with their truth; both are any number of rows of 1662 numbers, one behind the other.
///
/// # Errors
/// They are not as many.
///
/// ```
/// let truth = landmark_extraction::made::truth(1, 0, 10);
/// let error = landmark_extraction::made::error(&truth, &truth)?;
/// assert_eq!((error.face.largest_pixels, error.face.missed, error.hand.invented), (0.0, 0, 0));
/// # Ok::<(), landmark_extraction::made::RowsDiffer>(())
/// ```
pub fn error(rows: &[f32], truth: &[f32]) -> Result<MadeError, RowsDiffer> {
    if rows.len() != truth.len() || !rows.len().is_multiple_of(ROW) {
        return Err(RowsDiffer { rows: rows.len(), truth: truth.len() });
    }
    let mut error = MadeError::default();
    for (row, truth) in rows.chunks_exact(ROW).zip(truth.chunks_exact(ROW)) {
        error.face.add(&row[FACE], &truth[FACE]);
        for place in [LEFT_HAND, RIGHT_HAND] {
            error.hand.add(&row[place.clone()], &truth[place]);
        }
    }
    Ok(error)
}

impl PartError {
    /// How many parts were judged.
    #[must_use]
    pub fn n_judged(&self) -> usize {
        self.presence_right + self.missed + self.invented
    }

    /// The share of parts that were rightly said to be there or not; 1 if there were none to judge.
    #[must_use]
    pub fn presence_share(&self) -> f64 {
        if self.n_judged() == 0 { 1.0 } else { self.presence_right as f64 / self.n_judged() as f64 }
    }

    fn add(&mut self, found: &[f32], truth: &[f32]) {
        match (found[0].is_nan(), truth[0].is_nan()) {
            (true, false) => self.missed += 1,
            (false, true) => self.invented += 1,
            (is_absent, _) => {
                self.presence_right += 1;
                if !is_absent {
                    self.compare(found, truth);
                }
            }
        }
    }

    fn compare(&mut self, found: &[f32], truth: &[f32]) {
        let pairs = || found.chunks_exact(3).zip(truth.chunks_exact(3));
        let gap = |(found, truth): (&[f32], &[f32]), axis: usize| f64::from(found[axis]) - f64::from(truth[axis]);
        let distances: Vec<f64> =
            pairs().map(|pair| (gap(pair, 0) * WIDTH as f64).hypot(gap(pair, 1) * HEIGHT as f64)).collect();
        let depth = pairs().map(|pair| gap(pair, 2).abs() * WIDTH as f64).sum::<f64>() / distances.len() as f64;
        let mean = distances.iter().sum::<f64>() / distances.len() as f64;
        let largest = distances.iter().copied().fold(0.0, f64::max);
        let side = longer_side(truth);
        self.n_compared += 1;
        let share = 1.0 / self.n_compared as f64;
        self.mean_pixels += (mean - self.mean_pixels) * share;
        self.mean_share += (mean / side - self.mean_share) * share;
        self.mean_depth_pixels += (depth - self.mean_depth_pixels) * share;
        self.largest_pixels = self.largest_pixels.max(largest);
        self.largest_share = self.largest_share.max(largest / side);
    }
}

/// The longer side of the upright rectangle around the points, in pixels.
fn longer_side(points: &[f32]) -> f64 {
    let extent = |axis: usize| {
        let values = || points.iter().skip(axis).step_by(3).map(|&value| f64::from(value));
        let range: Range<f64> = values().fold(f64::INFINITY, f64::min)..values().fold(f64::NEG_INFINITY, f64::max);
        range.end - range.start
    };
    (extent(0) * WIDTH as f64).max(extent(1) * HEIGHT as f64).max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made::{SEED, truth};

    #[test]
    fn a_shift_is_measured_and_missed_and_invented_parts_are_counted() {
        let right = truth(SEED, 0, 40);
        let drawn = |place: usize| right.chunks_exact(ROW).filter(|row| !row[place].is_nan()).count();
        let (faces, lefts, rights) = (drawn(FACE.start), drawn(LEFT_HAND.start), drawn(RIGHT_HAND.start));
        assert!(faces > 0 && lefts + rights > 0);
        let mut rows = right.clone();
        for row in rows.chunks_exact_mut(ROW) {
            row[FACE].chunks_exact_mut(3).for_each(|point| point[0] += 3.0 / WIDTH as f32);
            row[FACE].chunks_exact_mut(3).for_each(|point| point[1] += 4.0 / HEIGHT as f32);
            let (left, right) = (row[LEFT_HAND].to_vec(), row[RIGHT_HAND].to_vec());
            row[LEFT_HAND].copy_from_slice(&right);
            row[RIGHT_HAND].copy_from_slice(&left);
        }
        let found = error(&rows, &right).unwrap();
        assert!(
            (found.face.mean_pixels - 5.0).abs() < 1e-3 && (found.face.largest_pixels - 5.0).abs() < 1e-3,
            "{found:?}"
        );
        assert!(found.face.mean_share > 0.05 && found.face.mean_share < 0.2, "{found:?}");
        assert_eq!((found.face.n_compared, found.face.presence_share()), (faces, 1.0));
        let both = right
            .chunks_exact(ROW)
            .filter(|row| !row[LEFT_HAND.start].is_nan() && !row[RIGHT_HAND.start].is_nan())
            .count();
        let alone = lefts + rights - 2 * both;
        assert_eq!((found.hand.missed, found.hand.invented, found.hand.n_compared), (alone, alone, 2 * both));
        assert_eq!(found.hand.n_judged(), 80);
    }

    #[test]
    fn rows_of_another_number_are_refused() {
        let refused = error(&[0.0; ROW], &[0.0; 2 * ROW]).unwrap_err();
        assert_eq!(refused, RowsDiffer { rows: ROW, truth: 2 * ROW });
        assert!(error(&[0.0; 5], &[0.0; 5]).is_err());
        assert_eq!(error(&[], &[]).unwrap().face.presence_share(), 1.0);
    }
}
