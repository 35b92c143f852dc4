//! From the padded square that a detector sees back to the picture.

use super::Detection;
use crate::BoundingBox;
use crate::picture::Picture;

/// How a box comes back to the picture. Both give the same place, in other roundings; a reference's last bits decide which one to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackProjection {
    /// Each coordinate times the square's side, plus where the square begins.
    Matrix,
    /// Take away the margin, divide by what is left of the side.
    Margins,
}

/// Where a coordinate of the square is in the picture.
trait Axis {
    fn position(&self, at: f32) -> f32;
    /// The length of what begins at `from`, as long as `length` in the square.
    fn length(&self, from: f32, length: f32) -> f32;
}

struct Scaled {
    scale: f32,
    offset: f32,
}

struct Unpadded {
    margin: f32,
    inner: f32,
}

impl BackProjection {
    /// The detection in shares of the picture's width and height.
    pub(super) fn apply(self, found: &Detection, picture: &Picture) -> Detection {
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        match self {
            Self::Matrix => {
                let side = width.max(height);
                project(found, &Scaled::new(width, side), &Scaled::new(height, side))
            }
            Self::Margins => {
                let aspect = height / width;
                let (across, down) = if height < width { (0.0, 1.0 - aspect) } else { (1.0 - 1.0 / aspect, 0.0) };
                project(found, &Unpadded::new(across / 2.0), &Unpadded::new(down / 2.0))
            }
        }
    }
}

impl Scaled {
    /// An axis of a picture that is `length` pixels long, in a square of `side` pixels.
    fn new(length: f32, side: f32) -> Self {
        let inverse = 1.0 / length;
        Self { scale: side * inverse, offset: (-side / 2.0 + length / 2.0) * inverse }
    }
}

impl Axis for Scaled {
    fn position(&self, at: f32) -> f32 {
        at * self.scale + self.offset
    }

    fn length(&self, from: f32, length: f32) -> f32 {
        self.position(from + length) - self.position(from)
    }
}

impl Unpadded {
    fn new(margin: f32) -> Self {
        Self { margin, inner: 1.0 - 2.0 * margin }
    }
}

impl Axis for Unpadded {
    fn position(&self, at: f32) -> f32 {
        (at - self.margin) / self.inner
    }

    fn length(&self, _from: f32, length: f32) -> f32 {
        length / self.inner
    }
}

fn project(found: &Detection, across: &impl Axis, down: &impl Axis) -> Detection {
    let bounds = found.bounds;
    Detection {
        score: found.score,
        bounds: BoundingBox {
            x_min: across.position(bounds.x_min),
            y_min: down.position(bounds.y_min),
            width: across.length(bounds.x_min, bounds.width),
            height: down.length(bounds.y_min, bounds.height),
        },
        key_points: found.key_points.iter().map(|&(x, y)| (across.position(x), down.position(y))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The picture is in the middle of the square: its pixel p is at p + (side - length) / 2 there.
    #[test]
    fn a_detection_comes_back_to_its_pixels_either_way() {
        for (width, height) in [(8, 8), (64, 3), (1, 40), (320, 213), (958, 1358), (1, 1)] {
            let picture = Picture::new(width, height, vec![0; width * height * 3]).unwrap();
            let side = width.max(height) as f32;
            let in_square = |at: f32, length: usize| (at + (side - length as f32) / 2.0) / side;
            let (left, top) = (in_square(0.25, width), in_square(0.5, height));
            let bounds = BoundingBox { x_min: left, y_min: top, width: 3.0 / side, height: 5.0 / side };
            let found = Detection { score: 0.7, bounds, key_points: vec![(left, top)] };
            for way in [BackProjection::Matrix, BackProjection::Margins] {
                let back = way.apply(&found, &picture);
                let close = |share: f32, length: usize, pixels: f32| (share * length as f32 - pixels).abs() < 2e-4;
                let bounds = back.bounds;
                assert!(close(bounds.x_min, width, 0.25) && close(bounds.y_min, height, 0.5), "{way:?} {back:?}");
                assert!(close(bounds.width, width, 3.0) && close(bounds.height, height, 5.0), "{way:?} {back:?}");
                assert_eq!((back.score, back.key_points), (0.7, vec![(bounds.x_min, bounds.y_min)]));
            }
        }
    }
}
