//! The numbers of a frame: pose, left hand, right hand and face in places of their own.

use std::ops::Range;

use crate::extractor::{Frame, Hand, Handedness};
use crate::landmarker::Point;

/// Numbers of a row.
pub const ROW: usize = 1662;
/// Where the pose is: 33 x (x, y, z, visibility).
pub const POSE: Range<usize> = 0..132;
/// Where the person's left hand is: 21 x (x, y, z).
pub const LEFT_HAND: Range<usize> = 132..195;
/// Where the person's right hand is: 21 x (x, y, z).
pub const RIGHT_HAND: Range<usize> = 195..258;
/// Where the face is: 468 x (x, y, z).
pub const FACE: Range<usize> = 258..1662;

/// What a row holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowFigures {
    /// Whether there is a pose.
    pub has_pose: bool,
    /// Whether the person's left hand is there.
    pub has_left_hand: bool,
    /// Whether the person's right hand is there.
    pub has_right_hand: bool,
    /// Whether there is a face.
    pub has_face: bool,
    /// Hands that were found and have no place, since another one of the same side has it.
    pub hands_dropped: usize,
}

/// The row of a frame: x in shares of the picture's width, y of its height, z of its width. What was not found is NaN in all its numbers.
///
/// The first face and the first person have their places. Of hands of one side the one with the highest score has the place, the first one
/// among equals. The label "Right" is the person's left hand, or the right one in footage that is mirrored.
///
/// ```
/// use landmark_extraction::extractor::Frame;
/// use landmark_extraction::row::{ROW, RowFigures, row};
///
/// let (numbers, figures) = row(&Frame::default(), false);
/// assert_eq!(numbers.len(), ROW);
/// assert!(numbers.iter().all(|number| number.is_nan()));
/// assert_eq!(figures, RowFigures::default());
/// ```
#[must_use]
pub fn row(frame: &Frame, mirrored: bool) -> (Vec<f32>, RowFigures) {
    let mut row = vec![f32::NAN; ROW];
    let pose = frame.people.first();
    if let Some(pose) = pose {
        put(&mut row[POSE], pose.points().flat_map(|(point, visibility)| [point.x, point.y, point.z, visibility]));
    }
    let (left_label, right_label) =
        if mirrored { (Handedness::Left, Handedness::Right) } else { (Handedness::Right, Handedness::Left) };
    let (left, right) = (best(&frame.hands, left_label), best(&frame.hands, right_label));
    for (hand, place) in [(left, LEFT_HAND), (right, RIGHT_HAND)] {
        if let Some(hand) = hand {
            put(&mut row[place], coordinates(&hand.landmarks.points));
        }
    }
    let face = frame.faces.first();
    if let Some(face) = face {
        put(&mut row[FACE], coordinates(&face.points));
    }
    let figures = RowFigures {
        has_pose: pose.is_some(),
        has_left_hand: left.is_some(),
        has_right_hand: right.is_some(),
        has_face: face.is_some(),
        hands_dropped: frame.hands.len() - usize::from(left.is_some()) - usize::from(right.is_some()),
    };
    (row, figures)
}

/// The hand with the highest score among those with this label, the first one of equals.
fn best(hands: &[Hand], label: Handedness) -> Option<&Hand> {
    let labelled = hands.iter().filter(|hand| hand.label == label);
    labelled.reduce(|best, hand| if hand.score > best.score { hand } else { best })
}

fn coordinates(points: &[Point]) -> impl Iterator<Item = f32> {
    points.iter().flat_map(|point| [point.x, point.y, point.z])
}

fn put(place: &mut [f32], numbers: impl Iterator<Item = f32>) {
    for (slot, number) in place.iter_mut().zip(numbers) {
        *slot = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extractor::Pose;
    use crate::landmarker::Landmarks;
    use crate::region::Region;

    fn landmarks(points: usize, x: f32) -> Landmarks {
        let region = Region { center: (0.5, 0.5), size: (1.0, 1.0), rotation: 0.0 };
        let points = (0..points).map(|idx| Point { x, y: idx as f32, z: -1.0 }).collect();
        Landmarks { region, presence: 1.0, points, visibility: Vec::new(), left: None }
    }

    fn hand(label: Handedness, score: f32, x: f32) -> Hand {
        Hand { landmarks: landmarks(21, x), label, score }
    }

    fn hands_of(hands: &[Hand], mirrored: bool) -> (f32, f32, usize) {
        let (row, figures) = row(&Frame { hands: hands.to_vec(), ..Frame::default() }, mirrored);
        assert_eq!((figures.has_left_hand, figures.has_right_hand), (!row[132].is_nan(), !row[195].is_nan()));
        (row[132], row[195], figures.hands_dropped)
    }

    #[test]
    fn each_part_has_its_place_and_what_is_absent_is_not_a_number() {
        let pose = Pose { landmarks: Landmarks { visibility: vec![0.25; 33], ..landmarks(33, 1.0) } };
        let frame = Frame {
            faces: vec![landmarks(468, 3.0), landmarks(468, 4.0)],
            hands: vec![hand(Handedness::Left, 0.9, 2.0)],
            people: vec![pose],
        };
        let (row, figures) = row(&frame, false);
        assert_eq!(row[128..132], [1.0, 32.0, -1.0, 0.25]);
        assert!(row[LEFT_HAND].iter().all(|number| number.is_nan()));
        assert_eq!(row[255..261], [2.0, 20.0, -1.0, 3.0, 0.0, -1.0]);
        assert_eq!(row[1659..], [3.0, 467.0, -1.0]);
        assert_eq!(row.iter().filter(|number| number.is_nan()).count(), 63);
        let expected =
            RowFigures { has_pose: true, has_left_hand: false, has_right_hand: true, has_face: true, hands_dropped: 0 };
        assert_eq!(figures, expected);
    }

    #[test]
    fn the_label_right_is_the_left_hand_unless_footage_is_mirrored() {
        let hands = [hand(Handedness::Right, 0.9, 1.0), hand(Handedness::Left, 0.9, 2.0)];
        assert_eq!(hands_of(&hands, false), (1.0, 2.0, 0));
        assert_eq!(hands_of(&hands, true), (2.0, 1.0, 0));
    }

    #[test]
    fn of_hands_of_one_side_the_surest_stays_and_the_first_of_equals() {
        let of_one_side = |scores: [f32; 3]| {
            let hands: Vec<Hand> = (0..3).map(|idx| hand(Handedness::Right, scores[idx], idx as f32)).collect();
            let (left, right, dropped) = hands_of(&hands, false);
            assert!(right.is_nan() && dropped == 2);
            left
        };
        assert_eq!(of_one_side([0.6, 0.9, 0.8]), 1.0);
        assert_eq!(of_one_side([0.9, 0.9, 0.9]), 0.0);
        assert_eq!(of_one_side([0.8, 0.9, 0.9]), 1.0);
    }

    #[test]
    fn the_label_is_the_likelier_one() {
        let label = |left: f32| {
            let hand = Hand::new(Landmarks { left: Some(left), ..landmarks(21, 0.0) });
            (hand.label, hand.score)
        };
        assert_eq!(label(0.75), (Handedness::Left, 0.75));
        assert_eq!(label(0.25), (Handedness::Right, 0.75));
        assert_eq!(label(0.5), (Handedness::Right, 0.5));
    }
}
