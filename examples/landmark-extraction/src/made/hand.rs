//! The drawn hand: 21 joints, how they move, and how they are painted. Its palm faces the camera.
//!
//! The joints are numbered as hand landmarks usually are: 0 wrist, 1..5 thumb, 5..9 index finger, 9..13 middle finger, 13..17 ring
//! finger, 17..21 little finger, each from the palm to the tip. Unit: the distance from the wrist to joint 9.

use super::arithmetic::{mix, sin_cos, turn};
use super::canvas::{Canvas, Color, Point, shaded};

/// Joints of a hand.
pub(crate) const HAND_POINTS: usize = 21;

/// Whose hand it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The person's left hand: its thumb is on the left in an upright picture.
    Left,
    /// The person's right hand: its thumb is on the right in an upright picture.
    Right,
}

/// Where a hand is, and what its fingers do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandPose {
    /// Whose hand it is.
    pub(crate) side: Side,
    /// The wrist, in pixels.
    pub(crate) wrist: Point,
    /// From the wrist to joint 9, in pixels.
    pub(crate) size: f32,
    /// Rotation in the picture, in radians; 0 when the fingers point up.
    pub(crate) roll: f32,
    /// How far the fingers are apart, from 0 to 1.
    pub(crate) spread: f32,
    /// How far each finger is bent, thumb first, from 0 to 1.
    pub(crate) curl: [f32; 5],
}

/// A finger of the right hand whose tip points up: its first joint (x towards the thumb, y to the tips), angle at rest and how much
/// spreading adds to it (radians, towards the thumb), and the lengths of its three bones.
struct Finger {
    start: Point,
    angle: f32,
    spread: f32,
    bones: [f32; 3],
}

const FINGERS: [Finger; 4] = [
    Finger { start: (0.29, 0.97), angle: 0.07, spread: 0.20, bones: [0.42, 0.26, 0.20] },
    Finger { start: (0.0, 1.0), angle: 0.0, spread: 0.02, bones: [0.46, 0.29, 0.21] },
    Finger { start: (-0.27, 0.94), angle: -0.07, spread: -0.17, bones: [0.42, 0.27, 0.20] },
    Finger { start: (-0.5, 0.82), angle: -0.16, spread: -0.34, bones: [0.33, 0.20, 0.17] },
];

/// What a finger's bend is at each of its joints when it is bent all the way, in radians.
const BENDS: [f32; 3] = [0.9, 1.3, 0.7];

impl HandPose {
    /// The joints (x, y, z) in pixels. A bent finger comes towards the camera: its z is negative.
    pub(crate) fn points(&self) -> Vec<[f32; 3]> {
        let roll = sin_cos(self.roll);
        let mirror = if self.side == Side::Right { 1.0 } else { -1.0 };
        let place = |[x, y, z]: [f32; 3]| {
            let (x, y) = turn((mirror * x, -y), roll);
            [self.wrist.0 + self.size * x, self.wrist.1 + self.size * y, self.size * z]
        };
        let mut points = vec![[0.0, 0.0, 0.0]];
        points.extend(self.thumb());
        points.extend(FINGERS.iter().zip(&self.curl[1..]).flat_map(|(finger, &curl)| self.finger(finger, curl)));
        points.into_iter().map(place).collect()
    }

    fn thumb(&self) -> [[f32; 3]; 4] {
        let (curl, mut angle) = (self.curl[0], mix(0.75, 0.95, self.spread));
        let (mut x, mut y, mut z) = (0.27, 0.2, 0.0);
        let mut points = [[x, y, z]; 4];
        for (point, (bone, bend)) in points[1..].iter_mut().zip([(0.36, 0.35), (0.30, 0.75), (0.24, 0.75)]) {
            angle -= curl * bend;
            let (sine, cosine) = sin_cos(angle);
            (x, y, z) = (x + bone * sine, y + bone * cosine, z - 0.35 * bone * curl);
            *point = [x, y, z];
        }
        points
    }

    fn finger(&self, finger: &Finger, curl: f32) -> [[f32; 3]; 4] {
        let (sine, cosine) = sin_cos(finger.angle + finger.spread * self.spread);
        let ((mut x, mut y), mut z, mut bend) = (finger.start, 0.0, 0.0);
        let mut points = [[x, y, z]; 4];
        for (point, (bone, full)) in points[1..].iter_mut().zip(finger.bones.into_iter().zip(BENDS)) {
            bend += curl * full;
            let (forward, along) = sin_cos(bend);
            (x, y, z) = (x + bone * along * sine, y + bone * along * cosine, z - bone * forward);
            *point = [x, y, z];
        }
        points
    }

    /// Paints the hand: the palm, then the fingers from the farthest to the nearest.
    pub(crate) fn paint(&self, canvas: &mut Canvas, skin: Color) {
        let points = self.points();
        let flat: Vec<Point> = points.iter().map(|point| (point[0], point[1])).collect();
        let palm = [0, 1, 5, 9, 13, 17].map(|joint| flat[joint]);
        canvas.polygon(&palm, 0.16 * self.size + 0.8, shaded(skin, 0.5));
        canvas.polygon(&palm, 0.16 * self.size - 0.2, skin);
        let mut fingers = [1, 5, 9, 13, 17];
        fingers.sort_by(|&a, &b| points[b + 3][2].total_cmp(&points[a + 3][2]));
        for first in fingers {
            self.paint_finger(canvas, &flat[first..first + 4], skin);
        }
    }

    fn paint_finger(&self, canvas: &mut Canvas, joints: &[Point], skin: Color) {
        let radius = |joint: usize| self.size * (0.125 - 0.015 * joint as f32);
        for (grown, color) in [(0.8, shaded(skin, 0.5)), (-0.2, skin)] {
            for (joint, ends) in joints.windows(2).enumerate() {
                canvas.line(ends[0], ends[1], (radius(joint) + grown, radius(joint + 1) + grown), color);
            }
        }
        for (joint, place) in joints.iter().enumerate().skip(1) {
            canvas.circle(*place, radius(joint) * 0.35, shaded(skin, if joint == 3 { 1.2 } else { 0.7 }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: HandPose =
        HandPose { side: Side::Right, wrist: (60.0, 100.0), size: 20.0, roll: 0.0, spread: 0.5, curl: [0.0; 5] };

    #[test]
    fn an_open_right_hand_points_up_and_has_its_thumb_on_the_right() {
        let points = OPEN.points();
        assert_eq!(points.len(), HAND_POINTS);
        assert!((points[9][0] - 60.0).abs() < 1e-3 && (points[9][1] - 80.0).abs() < 1e-3);
        assert!(
            [4, 8, 12, 16, 20].windows(2).all(|tips| points[tips[0]][0] > points[tips[1]][0]),
            "tips from right to left"
        );
        let left = HandPose { side: Side::Left, ..OPEN }.points();
        assert!(
            points
                .iter()
                .zip(&left)
                .all(|(right, left)| (right[0] + left[0] - 120.0).abs() < 1e-3 && right[1] == left[1])
        );
    }

    #[test]
    fn a_bent_finger_comes_nearer_and_shorter_and_the_others_stay() {
        let open = OPEN.points();
        let bent = HandPose { curl: [0.0, 1.0, 0.0, 0.0, 0.0], ..OPEN }.points();
        assert!(bent[8][1] > open[8][1] + 5.0 && bent[8][2] < open[8][2] - 5.0, "{:?} {:?}", open[8], bent[8]);
        assert_eq!(bent[9..], open[9..]);
    }

    #[test]
    fn rotation_turns_the_x_axis_towards_the_y_axis() {
        let points = HandPose { roll: std::f32::consts::FRAC_PI_2, ..OPEN }.points();
        assert!((points[9][0] - 80.0).abs() < 1e-3 && (points[9][1] - 100.0).abs() < 1e-3, "{:?}", points[9]);
    }
}
