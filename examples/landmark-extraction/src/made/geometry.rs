//! Where the parts of a drawn frame are, as the networks are to see them.

use super::arithmetic::{sin_cos, turn};
use super::canvas::Point;
use super::face::{FacePose, HALF_HEIGHT, eye_middles};
use super::hand::HandPose;
use crate::picture::Square;

/// The box of a face is as high as its outline; its region is this many times as large.
pub(crate) const FACE_REGION: f32 = 1.35;
/// The box of a palm is as high as the way from the wrist to joint 9; its region is this many times as large.
pub(crate) const HAND_REGION: f32 = 2.6;

/// What a detector should find: a square that does not turn with the part, and two key points, in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// The middle of the box.
    pub(crate) center: Point,
    /// Its side.
    pub(crate) side: f32,
    /// Eye and eye, or wrist and joint 9.
    pub(crate) key_points: [Point; 2],
}

impl Found {
    /// The face.
    pub(crate) fn face(face: &FacePose) -> Self {
        Self { center: face.center, side: 2.0 * HALF_HEIGHT * face.half_width, key_points: eye_middles(&face.points()) }
    }

    /// The palm.
    pub(crate) fn palm(hand: &HandPose) -> Self {
        let up = turn((0.0, -hand.size), sin_cos(hand.roll));
        let at = |share: f32| (hand.wrist.0 + share * up.0, hand.wrist.1 + share * up.1);
        Self { center: at(0.5), side: hand.size, key_points: [at(0.0), at(1.0)] }
    }
}

/// The square around a face.
pub(crate) fn face_region(face: &FacePose) -> Square {
    let side = FACE_REGION * 2.0 * HALF_HEIGHT * face.half_width;
    Square { center: face.center, size: (side, side), rotation: face.roll }
}

/// The square around a hand.
pub(crate) fn hand_region(hand: &HandPose) -> Square {
    let side = HAND_REGION * hand.size;
    Square { center: Found::palm(hand).key_points[1], size: (side, side), rotation: hand.roll }
}

/// A place of the picture as a place of a square, each coordinate 0 to 1 within it.
pub(crate) fn into_square(place: Point, square: &Square) -> Point {
    let (sine, cosine) = sin_cos(-square.rotation);
    let (x, y) = turn((place.0 - square.center.0, place.1 - square.center.1), (sine, cosine));
    (x / square.size.0 + 0.5, y / square.size.1 + 0.5)
}
