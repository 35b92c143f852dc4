//! How wrong an answer is, and which way it should move.

use super::examples::Target;
use crate::made::geometry::Found;
use crate::made::plan::{BOX_NUMBERS, CELL, DETECTOR_SIZE};

/// A cell whose middle is nearer than this to the middle of a box (in cells) should find it.
const NEAR: f32 = 0.75;
/// A cell that is farther away than this should not. What is between may do either.
const FAR: f32 = 1.3;

/// Losses of one example, and the derivatives with respect to each output.
#[derive(Debug)]
pub(super) struct Slopes {
    /// Cross entropy of the scores.
    pub(super) score: f32,
    /// Sum of the distances of all numbers, and how many they are.
    pub(super) distance: (f32, usize),
    /// By output.
    pub(super) by_head: Vec<Vec<f32>>,
}

/// Compares outputs with what they should be.
pub(super) fn slopes(outputs: &[&[f32]], target: &Target) -> Slopes {
    let mut all = Slopes {
        score: 0.0,
        distance: (0.0, 0),
        by_head: outputs.iter().map(|output| vec![0.0; output.len()]).collect(),
    };
    match target {
        Target::Boxes(found) => all.detector(outputs, found),
        Target::Nothing => all.judge(outputs, [1, 0], false, 1.0),
        Target::Part(numbers, is_right) => {
            all.judge(outputs, [1, 0], true, 1.0);
            if outputs.len() > 2 {
                all.judge(outputs, [2, 0], *is_right, 1.0);
            }
            for (index, wanted) in numbers.iter().enumerate() {
                all.approach(outputs, index, *wanted, 0.02, 3.0 / numbers.len() as f32);
            }
        }
    }
    all
}

impl Slopes {
    fn detector(&mut self, outputs: &[&[f32]], found: &[Found]) {
        let cells = DETECTOR_SIZE / CELL;
        for cell in 0..cells * cells {
            let middle = ((cell % cells) as f32 + 0.5, (cell / cells) as f32 + 0.5);
            let scale = cells as f32;
            let away = |found: &Found| {
                let (x, y) = (found.center.0 * scale - middle.0, found.center.1 * scale - middle.1);
                (x * x + y * y).sqrt()
            };
            let nearest = found.iter().min_by(|a, b| away(a).total_cmp(&away(b)));
            let distance = nearest.map_or(f32::INFINITY, away);
            if !(NEAR..FAR).contains(&distance) {
                self.judge(outputs, [1, cell], distance < NEAR, if distance < NEAR { 0.5 } else { 0.1 });
            }
            if let Some(found) = nearest.filter(|_| distance < NEAR) {
                for (number, wanted) in box_numbers(found, middle, scale).into_iter().enumerate() {
                    self.approach(outputs, cell * BOX_NUMBERS + number, wanted, 0.1, 0.1);
                }
            }
        }
    }

    /// Cross entropy of one score.
    fn judge(&mut self, outputs: &[&[f32]], [head, index]: [usize; 2], wanted: bool, weight: f32) {
        let score = outputs[head][index];
        let probability = 1.0 / (1.0 + (-score).exp());
        self.score -= weight * if wanted { probability } else { 1.0 - probability }.max(1e-9).ln();
        self.by_head[head][index] += weight * (probability - f32::from(wanted));
    }

    /// The distance of a number of output 0, whose slope levels off beyond `close`.
    fn approach(&mut self, outputs: &[&[f32]], index: usize, wanted: f32, close: f32, weight: f32) {
        let error = outputs[0][index] - wanted;
        self.distance.0 += error.abs();
        self.distance.1 += 1;
        self.by_head[0][index] += weight * (error / close).clamp(-1.0, 1.0);
    }
}

/// What a cell should say of a box, in cells.
fn box_numbers(found: &Found, middle: (f32, f32), scale: f32) -> [f32; BOX_NUMBERS] {
    let from = |point: (f32, f32)| [point.0 * scale - middle.0, point.1 * scale - middle.1];
    let [[x, y], [ax, ay], [bx, by]] = [from(found.center), from(found.key_points[0]), from(found.key_points[1])];
    [x, y, found.side * scale, found.side * scale, ax, ay, bx, by]
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: usize = DETECTOR_SIZE / CELL;

    #[test]
    fn cells_near_a_box_should_find_it_and_cells_far_away_should_not() {
        // The middle of cell (5, 3), in shares of the square.
        let center = (5.5 / CELLS as f32, 3.5 / CELLS as f32);
        let found = Found { center, side: 0.25, key_points: [center, (center.0, 0.0)] };
        let (numbers, scores) = (vec![0.0; CELLS * CELLS * BOX_NUMBERS], vec![0.0; CELLS * CELLS]);
        let slopes = slopes(&[&numbers, &scores], &Target::Boxes(vec![found]));
        let score = |x: usize, y: usize| slopes.by_head[1][y * CELLS + x];
        assert!(score(5, 3) < 0.0, "the score should rise");
        assert_eq!([score(6, 3), score(5, 4), score(4, 3)], [0.0; 3], "neighbours may do either");
        assert!(score(6, 4) > 0.0 && score(0, 0) > 0.0, "scores far away should fall");
        let at = (3 * CELLS + 5) * BOX_NUMBERS;
        let signs: Vec<f32> =
            slopes.by_head[0][at..at + BOX_NUMBERS].iter().map(|slope| slope.signum() * slope.abs().ceil()).collect();
        assert_eq!(signs, [0.0, 0.0, -1.0, -1.0, 0.0, 0.0, 0.0, 1.0], "sizes should grow, the second key point go up");
        assert_eq!(slopes.by_head[0].iter().filter(|slope| **slope != 0.0).count(), 3);
        assert_eq!(box_numbers(&found, (5.5, 3.5), CELLS as f32), [0.0, 0.0, 3.0, 3.0, 0.0, 0.0, 0.0, -3.5]);
    }

    #[test]
    fn nothing_has_no_points_to_learn() {
        let outputs: [&[f32]; 3] = [&[1.0; 63], &[2.0], &[3.0]];
        let nothing = slopes(&outputs, &Target::Nothing);
        assert!(nothing.by_head[0].iter().chain(&nothing.by_head[2]).all(|slope| *slope == 0.0));
        assert!(nothing.by_head[1][0] > 0.5, "the presence should fall");
        let left = slopes(&outputs, &Target::Part(vec![1.0; 63], false));
        assert!(left.by_head[1][0] < 0.0 && left.by_head[2][0] > 0.5, "present, and not a right hand");
    }
}
