//! A picture that shapes with smooth edges are painted on.

use std::ops::Range;

use super::arithmetic::Random;
use crate::picture::Picture;

/// Red, green and blue, 0 to 255.
pub(crate) type Color = [f32; 3];

/// A place in pixels; the centre of a pixel is its index.
pub(crate) type Point = (f32, f32);

/// The side of the squares of pixels that are painted together.
const BLOCK: usize = 4;

/// A colour that is `share` times as bright.
pub(crate) fn shaded(color: Color, share: f32) -> Color {
    color.map(|value| (value * share).min(255.0))
}

/// Pixels of fractional brightness.
#[derive(Debug)]
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Color>,
}

impl Canvas {
    /// A canvas whose pixels get the colour that `color` gives for their place.
    pub(crate) fn new(width: usize, height: usize, color: impl Fn(Point) -> Color) -> Self {
        let place = |index: usize| ((index % width) as f32, (index / width) as f32);
        Self { width, height, pixels: (0..width * height).map(|index| color(place(index))).collect() }
    }

    /// Paints the inside of a shape. `distance` is how far a place is outside of it, in pixels, negative inside; `bounds` (left, top,
    /// right, bottom) holds the shape.
    fn paint(&mut self, bounds: [f32; 4], color: Color, distance: impl Fn(Point) -> f32) {
        let clamped = |value: f32, len: usize| (value.max(0.0) as usize).min(len);
        let (left, right) = (clamped(bounds[0] - 1.0, self.width), clamped(bounds[2] + 3.0, self.width));
        let (top, bottom) = (clamped(bounds[1] - 1.0, self.height), clamped(bounds[3] + 3.0, self.height));
        for y in (top..bottom).step_by(BLOCK) {
            for x in (left..right).step_by(BLOCK) {
                // A distance changes by little more than the way between two places, so one far from the edge speaks for its block.
                let middle = distance((x as f32 + 1.5, y as f32 + 1.5));
                if middle < 4.0 {
                    let block = (x..right.min(x + BLOCK), y..bottom.min(y + BLOCK));
                    self.paint_block(block, color, |place| if middle < -4.0 { middle } else { distance(place) });
                }
            }
        }
    }

    fn paint_block(&mut self, block: (Range<usize>, Range<usize>), color: Color, distance: impl Fn(Point) -> f32) {
        for y in block.1 {
            for x in block.0.clone() {
                let cover = (0.5 - distance((x as f32, y as f32))).clamp(0.0, 1.0);
                for (value, new) in self.pixels[y * self.width + x].iter_mut().zip(color) {
                    *value += (new - *value) * cover;
                }
            }
        }
    }

    /// Paints a line with round ends, `radii.0` wide at `from` and `radii.1` wide at `to`.
    pub(crate) fn line(&mut self, from: Point, to: Point, radii: (f32, f32), color: Color) {
        let radius = radii.0.max(radii.1);
        let bounds = [
            from.0.min(to.0) - radius,
            from.1.min(to.1) - radius,
            from.0.max(to.0) + radius,
            from.1.max(to.1) + radius,
        ];
        let segment = Segment::new(from, to);
        self.paint(bounds, color, |place| {
            let (distance, share) = segment.nearest(place);
            distance.sqrt() - (radii.0 + (radii.1 - radii.0) * share)
        });
    }

    /// Paints a filled circle.
    pub(crate) fn circle(&mut self, center: Point, radius: f32, color: Color) {
        self.line(center, center, (radius, radius), color);
    }

    /// Paints lines from point to point.
    pub(crate) fn path(&mut self, points: &[Point], radius: f32, color: Color) {
        for ends in points.windows(2) {
            self.line(ends[0], ends[1], (radius, radius), color);
        }
    }

    /// Paints the inside of a closed outline, `grown` pixels larger on every side.
    pub(crate) fn polygon(&mut self, points: &[Point], grown: f32, color: Color) {
        let edge =
            |start: f32, pick: fn(f32, f32) -> f32, of: fn(&Point) -> f32| points.iter().map(of).fold(start, pick);
        let bounds = [
            edge(f32::INFINITY, f32::min, |point| point.0) - grown,
            edge(f32::INFINITY, f32::min, |point| point.1) - grown,
            edge(f32::NEG_INFINITY, f32::max, |point| point.0) + grown,
            edge(f32::NEG_INFINITY, f32::max, |point| point.1) + grown,
        ];
        let outline: Vec<_> =
            (0..points.len()).map(|i| Segment::new(points[i], points[(i + 1) % points.len()])).collect();
        self.paint(bounds, color, |place| outside(&outline, place) - grown);
    }

    /// The bytes of the picture, after adding to each a random number of `-noise..noise`.
    pub(crate) fn into_picture(self, noise: f32, random: &mut Random) -> Option<Picture> {
        let mut rgb = Vec::with_capacity(self.pixels.len() * 3);
        for pixel in &self.pixels {
            let bits = random.next();
            for (channel, value) in pixel.iter().enumerate() {
                let grain = ((bits >> (channel * 16)) & 0xFFFF) as f32 / 32_768.0 - 1.0;
                rgb.push((value + noise * grain + 0.5).clamp(0.0, 255.0) as u8);
            }
        }
        Picture::new(self.width, self.height, rgb)
    }
}

/// A straight line between two points.
#[derive(Clone, Copy, Debug)]
struct Segment {
    from: Point,
    to: Point,
    along: Point,
    /// 1 / length squared.
    shrink: f32,
}

impl Segment {
    fn new(from: Point, to: Point) -> Self {
        let along = (to.0 - from.0, to.1 - from.1);
        Self { from, to, along, shrink: 1.0 / (along.0 * along.0 + along.1 * along.1).max(1e-12) }
    }

    /// The square of the distance to a place, and how far along the nearest point is, from 0 to 1.
    fn nearest(&self, place: Point) -> (f32, f32) {
        let (x, y) = (place.0 - self.from.0, place.1 - self.from.1);
        let share = ((x * self.along.0 + y * self.along.1) * self.shrink).clamp(0.0, 1.0);
        let (x, y) = (x - share * self.along.0, y - share * self.along.1);
        (x * x + y * y, share)
    }

    /// Whether a line from the place to the right crosses this one.
    fn is_right_of(&self, place: Point) -> bool {
        let crosses = (self.from.1 > place.1) != (self.to.1 > place.1);
        crosses && place.0 < self.from.0 + self.along.0 * (place.1 - self.from.1) / self.along.1
    }
}

/// The distance to a closed outline, negative inside.
fn outside(outline: &[Segment], place: Point) -> f32 {
    let nearest = outline.iter().map(|side| side.nearest(place).0).fold(f32::INFINITY, f32::min).sqrt();
    let crossed = outline.iter().filter(|side| side.is_right_of(place)).count();
    if crossed % 2 == 1 { -nearest } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Color = [255.0; 3];

    fn black() -> Canvas {
        Canvas::new(64, 48, |_| [0.0; 3])
    }

    fn area(canvas: &Canvas) -> f32 {
        canvas.pixels.iter().map(|pixel| pixel[0] / 255.0).sum()
    }

    #[test]
    fn shapes_cover_their_area() {
        let paint = |shape: &dyn Fn(&mut Canvas)| {
            let mut canvas = black();
            shape(&mut canvas);
            area(&canvas)
        };
        let disc = std::f32::consts::PI * 10.5 * 10.5;
        assert!((paint(&|canvas| canvas.circle((30.2, 20.7), 10.5, WHITE)) - disc).abs() < 2.0);
        let rounded = 2.0 * 3.0 * 20.0 + std::f32::consts::PI * 9.0;
        assert!((paint(&|canvas| canvas.line((10.0, 10.0), (30.0, 10.0), (3.0, 3.0), WHITE)) - rounded).abs() < 2.0);
        let corners = [(5.0, 5.0), (45.0, 9.0), (41.0, 35.0), (20.0, 20.0)];
        let polygon = 573.0; // by the shoelace formula
        assert!((paint(&|canvas| canvas.polygon(&corners, 0.0, WHITE)) - polygon).abs() < 3.0);
        assert_eq!(paint(&|canvas| canvas.circle((200.0, -70.0), 10.0, WHITE)), 0.0);
        assert_eq!(paint(&|canvas| canvas.polygon(&[], 0.0, WHITE)), 0.0);
    }

    /// Blocks of pixels far from an edge are painted without a look at each pixel.
    #[test]
    fn blocks_give_what_single_pixels_give() {
        let outline = [(8.3, 4.1), (58.0, 9.9), (47.7, 44.0), (15.2, 40.6)];
        let mut canvas = black();
        canvas.polygon(&outline, 1.5, WHITE);
        let sides: Vec<_> = (0..4).map(|side| Segment::new(outline[side], outline[(side + 1) % 4])).collect();
        for (index, pixel) in canvas.pixels.iter().enumerate() {
            let place = ((index % 64) as f32, (index / 64) as f32);
            assert_eq!(pixel[0], 255.0 * (0.5 - (outside(&sides, place) - 1.5)).clamp(0.0, 1.0), "{place:?}");
        }
    }
}
