//! From a network's numbers to boxes.

use super::Detection;
use crate::BoundingBox;
use crate::network::NetworkError;
use crate::network_outputs::check_lengths;
use crate::sigmoid::sigmoid;

/// The outputs of a detector's network, their lengths checked.
pub(super) struct Boxes<'a> {
    numbers: &'a [f32],
    scores: &'a [f32],
    numbers_per_box: usize,
}

impl<'a> Boxes<'a> {
    /// Checks that there are so many boxes, with so many key points each.
    pub(super) fn new(outputs: &'a [Vec<f32>], n_boxes: usize, key_points: usize) -> Result<Self, NetworkError> {
        let numbers_per_box = 4 + 2 * key_points;
        check_lengths(outputs, &[n_boxes * numbers_per_box, n_boxes])?;
        Ok(Self { numbers: &outputs[0], scores: &outputs[1], numbers_per_box })
    }
}

/// The boxes whose score is at least `min_score`, in shares of the input, in the order of the outputs.
/// A box whose width or height is negative or NaN is none.
pub(super) fn decode(boxes: &Boxes<'_>, anchors: &[(f32, f32)], size: usize, min_score: f32) -> Vec<Detection> {
    let each_box = boxes.numbers.chunks_exact(boxes.numbers_per_box).zip(boxes.scores).zip(anchors);
    let sure = each_box.filter_map(|((numbers, &raw), &anchor)| {
        let score = sigmoid(raw.clamp(-100.0, 100.0));
        (score >= min_score).then(|| detection(numbers, score, anchor, size as f32))
    });
    sure.filter(|found| found.bounds.width >= 0.0 && found.bounds.height >= 0.0).collect()
}

fn detection(numbers: &[f32], score: f32, anchor: (f32, f32), size: f32) -> Detection {
    let point = |at: usize| (numbers[at] / size + anchor.0, numbers[at + 1] / size + anchor.1);
    let (center_x, center_y) = point(0);
    let (half_width, half_height) = (numbers[2] / size / 2.0, numbers[3] / size / 2.0);
    let (x_min, y_min) = (center_x - half_width, center_y - half_height);
    let (x_max, y_max) = (center_x + half_width, center_y + half_height);
    let bounds = BoundingBox { x_min, y_min, width: x_max - x_min, height: y_max - y_min };
    Detection { score, bounds, key_points: (4..numbers.len()).step_by(2).map(point).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The boxes of these numbers, each with one key point, on anchors at (0.25, 0.5), for an input of 8 pixels.
    fn decoded(boxes: &[([f32; 6], f32)]) -> Vec<Detection> {
        let (numbers, scores): (Vec<[f32; 6]>, Vec<f32>) = boxes.iter().copied().unzip();
        let outputs = [numbers.concat(), scores];
        decode(&Boxes::new(&outputs, boxes.len(), 1).unwrap(), &vec![(0.25, 0.5); boxes.len()], 8, 0.5)
    }

    #[test]
    fn a_box_is_decoded_around_its_anchor() {
        let found = decoded(&[([2.0, -1.0, 4.0, 2.0, -2.0, 3.0], 0.0)]);
        let bounds = BoundingBox { x_min: 0.25, y_min: 0.25, width: 0.5, height: 0.25 };
        assert_eq!(found, [Detection { score: 0.5, bounds, key_points: vec![(0.0, 0.875)] }]);
    }

    #[test]
    fn boxes_that_are_unsure_negative_or_not_a_number_are_dropped_and_the_others_keep_their_order() {
        let good = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0];
        let with = |at: usize, number: f32| {
            let mut numbers = good;
            numbers[at] = number;
            numbers
        };
        let found = decoded(&[
            (good, 3.0),
            (good, -0.001),
            (good, f32::NAN),
            (good, f32::NEG_INFINITY),
            (with(2, -1.0), 5.0),
            (with(3, f32::NAN), 5.0),
            (with(0, f32::NAN), 5.0),
            (with(0, f32::INFINITY), 5.0),
            (with(2, 0.0), 1.0),
            (good, f32::INFINITY),
        ]);
        let scores: Vec<f32> = found.iter().map(|found| found.score).collect();
        assert_eq!(scores, [sigmoid(3.0), sigmoid(1.0), 1.0]);
    }

    #[test]
    fn outputs_of_another_length_are_refused() {
        assert!(Boxes::new(&[vec![0.0; 12], vec![0.0; 2]], 2, 1).is_ok());
        for (numbers, scores) in [(11, 2), (12, 1), (12, 3), (0, 0)] {
            assert!(Boxes::new(&[vec![0.0; numbers], vec![0.0; scores]], 2, 1).is_err(), "{numbers} {scores}");
        }
        assert!(Boxes::new(&[vec![0.0; 12]], 2, 1).is_err());
    }
}
