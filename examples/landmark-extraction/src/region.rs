//! The square around a detection, turned upright: what a landmark network sees.

use std::f64::consts::{PI, TAU};

use crate::BoundingBox;
use crate::detector::Detection;
use crate::landmarker::Point;
use crate::picture::{Picture, Square};

/// A rectangle in a picture that may be turned. All lengths are shares of the picture's width or height; it may reach outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Its centre (x, y).
    pub center: (f32, f32),
    /// Its width, as a share of the picture's, and its height.
    pub size: (f32, f32),
    /// Its rotation in radians, from -pi to pi; a positive one turns the x axis towards the y axis.
    pub rotation: f32,
}

/// What a region is made around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionBase {
    /// The detection's box.
    Bounds,
    /// The circle around key point [`from`](RegionSpec::from) through key point [`to`](RegionSpec::to).
    Circle,
}

/// The constants of a region.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionSpec {
    /// The key point where the arrow begins that says how the thing is turned.
    pub from: usize,
    /// The key point where it ends.
    pub to: usize,
    /// Where that arrow points when the thing is upright, in radians against the clock: 0 is to the right, pi/2 up.
    pub target: f32,
    /// What the region is made around.
    pub base: RegionBase,
    /// How far it moves down along its own axis, in heights of the base.
    pub shift: f32,
    /// Its side, in longer sides of the base.
    pub scale: f32,
    /// A region that overlaps a later one by more than this share is dropped; none is when this is `None`.
    pub max_overlap: Option<f32>,
}

impl Region {
    /// The region of a detection. Key points that are missing count as (0, 0).
    pub(crate) fn of(found: &Detection, spec: &RegionSpec, picture: &Picture) -> Self {
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let key_point = |idx: usize| found.key_points.get(idx).copied().unwrap_or_default();
        let (from, to) = (key_point(spec.from), key_point(spec.to));
        let across = to.0 * width - from.0 * width;
        let down = to.1 * height - from.1 * height;
        let rotation = wrap(spec.target - (-down).atan2(across));
        let (center, size) = match spec.base {
            RegionBase::Bounds => {
                let bounds = found.bounds;
                let center = (bounds.x_min + bounds.width / 2.0, bounds.y_min + bounds.height / 2.0);
                (center, (bounds.width, bounds.height))
            }
            RegionBase::Circle => {
                let diameter = 2.0 * (across * across + down * down).sqrt();
                (from, (diameter / width, diameter / height))
            }
        };
        let shift = height * size.1 * spec.shift;
        let center = (center.0 - shift * rotation.sin() / width, center.1 + shift * rotation.cos() / height);
        let longer = (size.0 * width).max(size.1 * height);
        Self { center, size: (longer / width * spec.scale, longer / height * spec.scale), rotation }
    }

    /// The same in pixels.
    #[must_use]
    pub fn square(&self, picture: &Picture) -> Square {
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        Square {
            center: (self.center.0 * width, self.center.1 * height),
            size: (self.size.0 * width, self.size.1 * height),
            rotation: self.rotation,
        }
    }

    /// A point of the region, x and y from 0 to 1 in it and z in its widths, as a point of the picture: x and y in shares of the picture's
    /// width and height, z in shares of its width.
    ///
    /// ```
    /// use landmark_extraction::landmarker::Point;
    /// use landmark_extraction::region::Region;
    ///
    /// let region = Region { center: (0.5, 0.25), size: (0.25, 0.5), rotation: 0.0 };
    /// let corner = region.to_picture(Point { x: 0.0, y: 1.0, z: 2.0 });
    /// assert_eq!(corner, Point { x: 0.375, y: 0.5, z: 0.5 });
    /// ```
    #[must_use]
    pub fn to_picture(&self, point: Point) -> Point {
        let (sin, cos) = (self.rotation.sin(), self.rotation.cos());
        let (across, down) = (point.x - 0.5, point.y - 0.5);
        Point {
            x: (cos * across - sin * down) * self.size.0 + self.center.0,
            y: (sin * across + cos * down) * self.size.1 + self.center.1,
            z: point.z * self.size.0,
        }
    }

    /// The rectangle before it is turned.
    fn bounds(&self) -> BoundingBox {
        let (width, height) = self.size;
        BoundingBox { x_min: self.center.0 - width / 2.0, y_min: self.center.1 - height / 2.0, width, height }
    }
}

/// Of regions that overlap by more than `max_overlap` the later ones stay, in the order in which they came.
pub(crate) fn without_overlaps(regions: Vec<Region>, max_overlap: f32) -> Vec<Region> {
    let mut kept: Vec<Region> = Vec::new();
    for region in regions {
        let bounds = region.bounds();
        let is_overlapped = |earlier: &Region| bounds.overlap(&earlier.bounds()) > max_overlap;
        kept.retain(|earlier| !is_overlapped(earlier));
        kept.push(region);
    }
    kept
}

/// The same angle from -pi to pi.
fn wrap(angle: f32) -> f32 {
    let angle = f64::from(angle);
    (angle - TAU * ((angle + PI) / TAU).floor()) as f32
}

#[cfg(test)]
mod tests {
    use std::f32::consts::FRAC_PI_2;

    use super::*;

    fn black(width: usize, height: usize) -> Picture {
        Picture::new(width, height, vec![0; width * height * 3]).unwrap()
    }

    fn spec(base: RegionBase, target: f32, shift: f32, scale: f32) -> RegionSpec {
        RegionSpec { from: 0, to: 1, target, base, shift, scale, max_overlap: None }
    }

    fn found(bounds: [f32; 4], from: (f32, f32), to: (f32, f32)) -> Detection {
        let [x_min, y_min, width, height] = bounds;
        Detection { score: 0.9, bounds: BoundingBox { x_min, y_min, width, height }, key_points: vec![from, to] }
    }

    /// Numbers of MediaPipe's own detections and regions.
    #[test]
    fn regions_of_a_face_a_hand_and_a_person_are_those_of_the_reference() {
        let face = found(
            [0.346_504_36, 0.161_575_76, 0.185_447_9, 0.185_448_29],
            (0.392_623_37, 0.205_019_13),
            (0.479_487_1, 0.212_657_45),
        );
        let hand = found(
            [0.486_132_83, 0.097_267, 0.137_576_13, 0.206_493_18],
            (0.563_718_3, 0.097_345_546),
            (0.554_488_06, 0.293_299_17),
        );
        let person = found(
            [0.315_394_4, 0.261_951_8, 0.199_913_44, 0.199_867_43],
            (0.310_444_1, 1.061_758_4),
            (0.466_136_93, 0.037_608_184),
        );
        let cases = [
            (
                face,
                spec(RegionBase::Bounds, 0.0, 0.0, 1.5),
                (320, 320),
                [0.439_228_3, 0.254_299_9, 0.278_172_43, 0.278_172_43, 0.087_708_83],
            ),
            (
                hand,
                spec(RegionBase::Bounds, FRAC_PI_2, -0.5, 2.6),
                (440, 293),
                [0.550_069_7, 0.303_502_86, 0.357_697_93, 0.537_157_3, -3.070_973_4],
            ),
            (
                person,
                spec(RegionBase::Circle, FRAC_PI_2, 0.0, 1.25),
                (320, 320),
                [0.310_444_1, 1.061_758_4, 2.589_792_7, 2.589_792_7, 0.150_866_39],
            ),
        ];
        for (found, spec, (width, height), expected) in cases {
            let Region { center, size, rotation } = Region::of(&found, &spec, &black(width, height));
            let numbers = [center.0, center.1, size.0, size.1, rotation];
            for (number, expected) in numbers.iter().zip(expected) {
                assert!((number - expected).abs() < 1e-6, "{numbers:?} {expected:?}");
            }
        }
    }

    /// The middle, the corners and the axes of a crop lie where sampling takes them from.
    #[test]
    fn points_go_back_to_where_the_crop_was_taken() {
        let picture = black(200, 100);
        let region = Region { center: (0.5, 0.5), size: (0.2, 0.4), rotation: FRAC_PI_2 };
        assert_eq!(region.square(&picture), Square { center: (100.0, 50.0), size: (40.0, 40.0), rotation: FRAC_PI_2 });
        // A quarter turn takes the crop's right to the picture's lower side.
        for (x, y, expected) in [(0.5, 0.5, (0.5, 0.5)), (1.0, 0.5, (0.5, 0.7)), (0.5, 1.0, (0.4, 0.5))] {
            let back = region.to_picture(Point { x, y, z: -0.5 });
            assert!((back.x - expected.0).abs() < 1e-6 && (back.y - expected.1).abs() < 1e-6, "{back:?} {expected:?}");
            assert_eq!(back.z, -0.1);
        }
    }

    #[test]
    fn the_later_one_of_overlapping_regions_stays() {
        let at = |x: f32| Region { center: (x, 0.5), size: (0.2, 0.2), rotation: 1.0 };
        // 0.5 and 0.54 share two thirds; 0.58 and 0.5 share less than half, 0.58 and 0.54 two thirds.
        let kept = |places: &[f32]| -> Vec<f32> {
            let regions = places.iter().map(|&x| at(x)).collect();
            without_overlaps(regions, 0.5).iter().map(|region| region.center.0).collect()
        };
        assert_eq!(kept(&[0.5, 0.9, 0.54]), [0.9, 0.54]);
        assert_eq!(kept(&[0.5, 0.54, 0.58]), [0.58]);
        assert_eq!(kept(&[0.5, 0.58, 0.54]), [0.54]);
        assert_eq!(kept(&[0.5, 0.58]), [0.5, 0.58]);
    }

    #[test]
    fn angles_are_wrapped_to_half_a_turn_either_way() {
        for (angle, expected) in [(0.0, 0.0), (3.5, 3.5 - TAU), (-3.5, TAU - 3.5), (40.0, 40.0 - 6.0 * TAU)] {
            assert!((f64::from(wrap(angle)) - expected).abs() < 1e-6, "{angle}");
        }
        assert!(wrap(f32::NAN).is_nan());
    }
}
