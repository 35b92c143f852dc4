//! The drawn face: a mesh of 468 points, how it moves, and how it is painted.
//!
//! The mesh is of our own making; what a point of some number means is not what it means in other meshes. Its numbers:
//!
//! | points | what |
//! |---|---|
//! | 0..36 | outline, clockwise from the top of the forehead |
//! | 36..52, 52..68 | the eye that is left in an upright picture, and the right one, clockwise from the outer right end |
//! | 68..78, 78..88 | the brows over them, from left to right |
//! | 88..108, 108..128 | outer and inner edge of the lips |
//! | 128..140 | the nose's ridge from the top (7), the line of the nostrils (5) |
//! | 140..468 | eight rings of 41 points between the middle of the face and its outline |
//!
//! Units of the mesh: half the width of the face. x points to the right, y down, z away from the camera, 0 at the outline.

use std::ops::Range;
use std::sync::LazyLock;

use super::arithmetic::{mix, sin_cos, turn};
use super::canvas::{Canvas, Color, Point, shaded};

/// Points of the mesh.
pub(crate) const FACE_POINTS: usize = 468;
/// Half of the face's height, in half widths.
pub(crate) const HALF_HEIGHT: f32 = 1.3;

const OUTLINE: Range<usize> = 0..36;
const EYES: [Range<usize>; 2] = [36..52, 52..68];
const BROWS: [Range<usize>; 2] = [68..78, 78..88];
const OUTER_LIPS: Range<usize> = 88..108;
const INNER_LIPS: Range<usize> = 108..128;
const NOSE: Range<usize> = 128..135;
const NOSTRILS: Range<usize> = 135..140;
const RINGS: usize = 8;
const RING_POINTS: usize = 41;
const DEPTH: f32 = 0.75;

/// Where a face is, and its expression.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FacePose {
    /// The middle of the outline, in pixels.
    pub(crate) center: Point,
    /// Half of the width, in pixels.
    pub(crate) half_width: f32,
    /// Rotation in the picture, in radians.
    pub(crate) roll: f32,
    /// Rotation about the vertical axis, in radians.
    pub(crate) yaw: f32,
    /// From 0 (shut) to 1 (open).
    pub(crate) mouth: f32,
    /// From 0 (shut) to 1 (open).
    pub(crate) eyes: f32,
    /// From 0 (low) to 1 (raised).
    pub(crate) brows: f32,
}

/// A point of the mesh at rest (mouth and eyes shut, brows low), and how far the moves carry it down.
#[derive(Clone, Copy, Debug, Default)]
struct MeshPoint {
    place: [f32; 3],
    mouth: f32,
    eyes: f32,
    brows: f32,
}

static MESH: LazyLock<Vec<MeshPoint>> = LazyLock::new(mesh);

impl FacePose {
    /// The points (x, y, z) in pixels.
    pub(crate) fn points(&self) -> Vec<[f32; 3]> {
        let (yaw, roll) = (sin_cos(self.yaw), sin_cos(self.roll));
        let place = |point: &MeshPoint| {
            let [x, y, z] = point.place;
            let y = y + self.mouth * point.mouth + self.eyes * point.eyes + self.brows * point.brows;
            let (z, x) = turn((z, x), yaw);
            let (x, y) = turn((x, y), roll);
            [self.center.0 + self.half_width * x, self.center.1 + self.half_width * y, self.half_width * z]
        };
        MESH.iter().map(place).collect()
    }

    /// Paints the face.
    pub(crate) fn paint(&self, canvas: &mut Canvas, skin: Color, hair: Color) {
        let flat: Vec<Point> = self.points().iter().map(|point| (point[0], point[1])).collect();
        let size = self.half_width;
        self.paint_hair(canvas, &flat[OUTLINE], hair);
        canvas.polygon(&flat[OUTLINE], 0.7, shaded(skin, 0.6));
        canvas.polygon(&flat[OUTLINE], -0.3, skin);
        canvas.path(&flat[NOSE], size * 0.04, shaded(skin, 0.75));
        canvas.path(&flat[NOSTRILS], size * 0.045, shaded(skin, 0.6));
        for (eye, brow) in EYES.into_iter().zip(BROWS) {
            let outline = &flat[eye];
            let middle = middle_of(outline);
            canvas.polygon(outline, 0.6, shaded(skin, 0.45));
            canvas.polygon(outline, 0.0, [245.0, 245.0, 240.0]);
            canvas.circle(middle, size * (0.02 + 0.09 * self.eyes), [40.0, 30.0, 30.0]);
            canvas.path(&flat[brow], size * 0.05, hair);
        }
        canvas.polygon(&flat[OUTER_LIPS], 0.0, [185.0, 70.0, 75.0]);
        canvas.polygon(&flat[INNER_LIPS], 0.0, [60.0, 15.0, 20.0]);
    }

    /// The hair behind the face: its outline, larger and a little higher.
    fn paint_hair(&self, canvas: &mut Canvas, outline: &[Point], hair: Color) {
        let up = turn((0.0, -0.12 * self.half_width), sin_cos(self.roll));
        let grown = |point: &Point| (mix(self.center.0, point.0, 1.15) + up.0, mix(self.center.1, point.1, 1.1) + up.1);
        canvas.polygon(&outline.iter().map(grown).collect::<Vec<_>>(), 0.0, hair);
    }
}

/// The middles of the two eyes, the one that is left in an upright picture first.
pub(crate) fn eye_middles(points: &[[f32; 3]]) -> [Point; 2] {
    EYES.map(|eye| middle_of(&points[eye].iter().map(|point| (point[0], point[1])).collect::<Vec<_>>()))
}

fn middle_of(points: &[Point]) -> Point {
    let sum = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    (sum.0 / points.len() as f32, sum.1 / points.len() as f32)
}

/// All that the points can do: each x and each y is a mixture of seven patterns over the points, each z of two.
///
/// Every pose of the face, turned, moved and scaled as it may be, is such a mixture. The patterns are orthogonal and have a mean square of 1.
#[derive(Debug)]
pub(crate) struct FaceBasis {
    /// Patterns of x and of y.
    pub(crate) plane: Vec<Vec<f32>>,
    /// Patterns of z.
    pub(crate) depth: Vec<Vec<f32>>,
}

/// The patterns of the mesh.
pub(crate) fn face_basis() -> FaceBasis {
    let pattern = |of: fn(&MeshPoint) -> f32| MESH.iter().map(of).collect::<Vec<f32>>();
    let (x, y, z) = (pattern(|point| point.place[0]), pattern(|point| point.place[1]), pattern(|point| point.place[2]));
    let moves = [pattern(|point| point.mouth), pattern(|point| point.eyes), pattern(|point| point.brows)];
    let [mouth, eyes, brows] = moves;
    FaceBasis {
        plane: orthogonal(vec![vec![1.0; FACE_POINTS], x.clone(), y, z.clone(), mouth, eyes, brows]),
        depth: orthogonal(vec![z, x]),
    }
}

/// The same span, by Gram and Schmidt; each pattern gets a mean square of 1.
fn orthogonal(patterns: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let mut done: Vec<Vec<f32>> = Vec::with_capacity(patterns.len());
    for mut pattern in patterns {
        for other in &done {
            let share = mean_product(&pattern, other);
            pattern.iter_mut().zip(other).for_each(|(value, other)| *value -= share * other);
        }
        let length = mean_product(&pattern, &pattern).sqrt();
        pattern.iter_mut().for_each(|value| *value /= length);
        done.push(pattern);
    }
    done
}

/// The mean of the products of two patterns.
pub(crate) fn mean_product(a: &[f32], b: &[f32]) -> f32 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    (sum / a.len() as f64) as f32
}

fn mesh() -> Vec<MeshPoint> {
    let mut points: Vec<MeshPoint> = ellipse(36, 1.0).collect();
    for side in [-1.0, 1.0] {
        points.extend(around(16).map(|(x, y)| surface(side * 0.42 + 0.2 * x, -0.18).opened(0.11 * y)));
    }
    for side in [-1.0, 1.0] {
        points.extend((0..10).map(|index| {
            let along = index as f32 / 4.5 - 1.0;
            MeshPoint { brows: -0.14, ..surface(side * 0.43 + 0.25 * along, -0.42 + 0.06 * along * along) }
        }));
    }
    points.extend(lips([0.42, 0.14, 0.16]));
    points.extend(lips([0.33, 0.03, 0.03]));
    points.extend((0..7).map(|index| {
        let down = index as f32 / 6.0;
        let mut point = surface(0.0, -0.15 + 0.4 * down);
        point.place[2] -= 0.25 * down;
        point
    }));
    points.extend((0..5).map(|index| surface(-0.14 + 0.07 * index as f32, 0.32)));
    points.extend((1..=RINGS).flat_map(|ring| ellipse(RING_POINTS, ring as f32 / (RINGS + 1) as f32)));
    points
}

/// Points on an ellipse around the middle of the face, clockwise from the top; the outline is the one of share 1.
fn ellipse(n_points: usize, share: f32) -> impl Iterator<Item = MeshPoint> {
    around(n_points).map(move |(x, y)| surface(y * share, -x * HALF_HEIGHT * share)).map(|point| MeshPoint {
        mouth: 0.16 * ((point.place[1] - 0.4) / (HALF_HEIGHT - 0.4)).clamp(0.0, 1.0),
        ..point
    })
}

/// An edge of the lips: half its width, its height above and below the line between the lips. The lower lip follows the jaw.
fn lips([half_width, above, below]: [f32; 3]) -> impl Iterator<Item = MeshPoint> {
    around(20).map(move |(x, y)| {
        let (height, mouth) = if y > 0.0 { (below * y, 0.3 * y) } else { (above * y, 0.04 * y) };
        MeshPoint { mouth, ..surface(half_width * x, 0.62 + height) }
    })
}

/// Places on the unit circle, clockwise from (1, 0).
fn around(n_points: usize) -> impl Iterator<Item = (f32, f32)> {
    (0..n_points).map(move |index| {
        let (sine, cosine) = sin_cos(index as f32 * std::f32::consts::TAU / n_points as f32);
        (cosine, sine)
    })
}

/// The point of the face's surface, half an ellipsoid, at this place.
fn surface(x: f32, y: f32) -> MeshPoint {
    let height = y / HALF_HEIGHT;
    let z = -DEPTH * (1.0 - x * x - height * height).max(0.0).sqrt();
    MeshPoint { place: [x, y, z], ..MeshPoint::default() }
}

impl MeshPoint {
    /// This point, carried down by `move_down` when the eyes are open.
    fn opened(self, move_down: f32) -> Self {
        Self { eyes: move_down, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSE: FacePose =
        FacePose { center: (90.0, 55.0), half_width: 20.0, roll: 0.3, yaw: -0.4, mouth: 0.7, eyes: 0.8, brows: 0.6 };

    #[test]
    fn the_mesh_has_468_points_and_an_upright_face_has_its_parts_in_place() {
        assert_eq!(MESH.len(), FACE_POINTS);
        let points = FacePose { roll: 0.0, yaw: 0.0, ..POSE }.points();
        let [left, right] = eye_middles(&points);
        assert!(
            left.0 < 90.0 && right.0 > 90.0 && (left.1 - right.1).abs() < 1e-3 && left.1 < 55.0,
            "{left:?} {right:?}"
        );
        assert!(
            points[0][1] < points[68][1] && points[68][1] < left.1 && left.1 < points[134][1],
            "forehead, brow, eye, nose"
        );
        assert!(points[134][1] < points[88][1] && points[88][1] < points[18][1], "nose, lips, chin");
        assert!(
            (points[9][0] - 110.0).abs() < 1e-3 && points[134][2] < points[9][2],
            "the right end; the nose is nearer"
        );
    }

    #[test]
    fn every_pose_is_a_mixture_of_the_patterns() {
        let basis = face_basis();
        let points = POSE.points();
        for (axis, patterns) in [(0, &basis.plane), (1, &basis.plane), (2, &basis.depth)] {
            let values: Vec<f32> = points.iter().map(|point| point[axis]).collect();
            let mut rest = values.clone();
            for pattern in patterns {
                let share = mean_product(&values, pattern);
                rest.iter_mut().zip(pattern).for_each(|(value, pattern)| *value -= share * pattern);
            }
            let largest = rest.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            assert!(largest < 1e-3, "axis {axis}: {largest} pixels are left");
        }
    }
}
