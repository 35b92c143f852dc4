//! A frame with its landmarks drawn on it, as a small PNG.
//!
//! Points that are not finite are left out, as are points of a body that the network holds for hidden.

use tiny_skia::{
    Color, FillRule, FilterQuality, LineCap, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Stroke, Transform,
};

use crate::picture::Picture;
use crate::row::{FACE, LEFT_HAND, POSE, RIGHT_HAND};

/// The longer side of a drawn frame, in pixels.
pub(super) const SIDE: u32 = 268;
/// The bones of a hand, between its points; 0 is the wrist.
const HAND_BONES: [(usize, usize); 21] = [
    (0, 1),
    (1, 2),
    (2, 3),
    (3, 4),
    (0, 5),
    (5, 6),
    (6, 7),
    (7, 8),
    (5, 9),
    (9, 10),
    (10, 11),
    (11, 12),
    (9, 13),
    (13, 14),
    (14, 15),
    (15, 16),
    (13, 17),
    (0, 17),
    (17, 18),
    (18, 19),
    (19, 20),
];
/// The bones of a body, without those of its hands and its face.
const BODY_BONES: [(usize, usize); 16] = [
    (11, 12),
    (11, 13),
    (13, 15),
    (12, 14),
    (14, 16),
    (11, 23),
    (12, 24),
    (23, 24),
    (23, 25),
    (25, 27),
    (27, 29),
    (27, 31),
    (24, 26),
    (26, 28),
    (28, 30),
    (28, 32),
];
/// The first point of a body that is no part of its face.
const FIRST_BODY_POINT: usize = 11;
/// A point of a body that is less likely to be seen is not drawn.
const LEAST_VISIBILITY: f32 = 0.5;

/// Colours that the page's legend names; `page.css` has the same ones.
const BODY: [u8; 3] = [0x4b, 0xd0, 0xa8];
const LEFT: [u8; 3] = [0xff, 0x9d, 0x3c];
const RIGHT: [u8; 3] = [0x5c, 0xb8, 0xff];
const FACE_DOTS: [u8; 3] = [0xff, 0xe2, 0x5c];
const OUTLINE: [u8; 3] = [0x10, 0x14, 0x1a];

/// A PNG file, and its width and height.
pub(super) struct Drawn {
    pub(super) png: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// `None` for a picture whose shape leaves nothing to see, such as one that is a thousand times as wide as high.
pub(super) fn drawn(picture: &Picture, row: &[f32]) -> Option<Drawn> {
    let mut canvas = Canvas::of(picture)?;
    canvas.body(row.get(POSE).unwrap_or_default());
    canvas.face(row.get(FACE).unwrap_or_default());
    canvas.hand(row.get(LEFT_HAND).unwrap_or_default(), LEFT);
    canvas.hand(row.get(RIGHT_HAND).unwrap_or_default(), RIGHT);
    canvas.to_png()
}

/// A point on the canvas; none where it is not finite.
type Place = Option<(f32, f32)>;

struct Canvas {
    pixmap: Pixmap,
    /// Pixels of the canvas per pixel of the picture.
    scale: f32,
    /// Of the picture.
    size: (f32, f32),
}

impl Canvas {
    fn of(picture: &Picture) -> Option<Self> {
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let scale = SIDE as f32 / width.max(height);
        let mut pixmap = Pixmap::new((width * scale).round() as u32, (height * scale).round() as u32)?;
        let step = (1.0 / scale).floor().max(1.0) as usize;
        let reduced = reduced(picture, step)?;
        let stretch = scale * step as f32;
        let quality = if stretch < 1.0 { FilterQuality::Bilinear } else { FilterQuality::Bicubic };
        let paint = PixmapPaint { quality, ..PixmapPaint::default() };
        pixmap.fill(Color::BLACK);
        pixmap.draw_pixmap(0, 0, reduced.as_ref(), &paint, Transform::from_scale(stretch, stretch), None);
        Some(Self { pixmap, scale, size: (width, height) })
    }

    /// Normalised numbers count pixels from the centre of the first one.
    fn place(&self, numbers: &[f32]) -> Place {
        let (x, y) = ((numbers[0] * self.size.0 + 0.5) * self.scale, (numbers[1] * self.size.1 + 0.5) * self.scale);
        // Far outside there is nothing to see, and the rasterizer has its limits.
        let is_near = |value: f32| value.abs() < 16.0 * SIDE as f32;
        (is_near(x) && is_near(y)).then_some((x, y))
    }

    fn body(&mut self, numbers: &[f32]) {
        let is_seen = |point: &[f32]| point[3] >= LEAST_VISIBILITY;
        let places: Vec<Place> =
            numbers.chunks_exact(4).map(|point| self.place(point).filter(|_| is_seen(point))).collect();
        self.bones(&places, &BODY_BONES, BODY, 2.5);
        self.dots(places.get(FIRST_BODY_POINT..).unwrap_or_default(), BODY, 2.5);
    }

    fn face(&mut self, numbers: &[f32]) {
        let places: Vec<Place> = numbers.chunks_exact(3).map(|point| self.place(point)).collect();
        self.dots(&places, FACE_DOTS, 0.8);
    }

    fn hand(&mut self, numbers: &[f32], colour: [u8; 3]) {
        let places: Vec<Place> = numbers.chunks_exact(3).map(|point| self.place(point)).collect();
        self.bones(&places, &HAND_BONES, colour, 1.5);
        self.dots(&places, colour, 1.8);
    }

    /// Lines with a dark outline, so that they are seen on every picture.
    fn bones(&mut self, places: &[Place], bones: &[(usize, usize)], colour: [u8; 3], width: f32) {
        let mut path = PathBuilder::new();
        for (from, to) in bones {
            if let (Some(Some(from)), Some(Some(to))) = (places.get(*from), places.get(*to)) {
                path.move_to(from.0, from.1);
                path.line_to(to.0, to.1);
            }
        }
        let Some(path) = path.finish() else { return };
        for (colour, width) in [(OUTLINE, width + 1.5), (colour, width)] {
            let stroke = Stroke { width, line_cap: LineCap::Round, ..Stroke::default() };
            self.pixmap.stroke_path(&path, &paint(colour), &stroke, Transform::identity(), None);
        }
    }

    fn dots(&mut self, places: &[Place], colour: [u8; 3], radius: f32) {
        for (colour, radius) in [(OUTLINE, radius * 1.4), (colour, radius)] {
            if let Some(path) = circles(places, radius) {
                self.pixmap.fill_path(&path, &paint(colour), FillRule::Winding, Transform::identity(), None);
            }
        }
    }

    fn to_png(&self) -> Option<Drawn> {
        let (width, height) = (self.pixmap.width(), self.pixmap.height());
        // The canvas is opaque, so its premultiplied colours are the colours.
        let rgb: Vec<u8> =
            self.pixmap.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Balanced);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&rgb).ok()?;
        writer.finish().ok()?;
        Some(Drawn { png, width, height })
    }
}

fn circles(places: &[Place], radius: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (x, y) in places.iter().copied().flatten() {
        path.push_circle(x, y, radius);
    }
    path.finish()
}

fn paint(colour: [u8; 3]) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(colour[0], colour[1], colour[2], 255);
    paint
}

/// Each pixel is the mean of `step` by `step` pixels; those that do not fill a square at the right and lower ends are left out.
fn reduced(picture: &Picture, step: usize) -> Option<Pixmap> {
    let (width, height) = ((picture.width() / step).max(1), (picture.height() / step).max(1));
    let mut pixmap = Pixmap::new(u32::try_from(width).ok()?, u32::try_from(height).ok()?)?;
    for (index, pixel) in pixmap.data_mut().chunks_exact_mut(4).enumerate() {
        let (x, y) = (index % width * step, index / width * step);
        let mean = mean(picture, x..(x + step).min(picture.width()), y..(y + step).min(picture.height()));
        pixel[..3].copy_from_slice(&mean);
        pixel[3] = 255;
    }
    Some(pixmap)
}

fn mean(picture: &Picture, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> [u8; 3] {
    let (mut sums, n_pixels) = ([0_usize; 3], columns.len() * rows.len());
    for y in rows {
        let start = y * picture.width();
        for pixel in picture.rgb()[(start + columns.start) * 3..(start + columns.end) * 3].chunks_exact(3) {
            sums.iter_mut().zip(pixel).for_each(|(sum, byte)| *sum += usize::from(*byte));
        }
    }
    sums.map(|sum| ((sum + n_pixels / 2) / n_pixels) as u8)
}
