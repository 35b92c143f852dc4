//! A picture that shapes with smooth edges are painted on.

use super::arithmetic::Random;
use crate::picture::Picture;

/// Red, green and blue, 0 to 255.
pub(crate) type Color = [f32; 3];

/// A place in pixels; the centre of a pixel is its index.
pub(crate) type Point = (f32, f32);

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
        let columns = clamped(bounds[0] - 1.0, self.width)..clamped(bounds[2] + 3.0, self.width);
        for y in clamped(bounds[1] - 1.0, self.height)..clamped(bounds[3] + 3.0, self.height) {
            for x in columns.clone() {
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
