//! Renders a drawing as PNG, on a white background, with an embedded font: no system library, no installed font.
//!
//! The font is DejaVu Sans; its licence allows that, and comes along in [`crate::licences`]. A letter that it lacks shows as
//! its empty box.

use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};
use tiny_skia::{Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform};

use super::colour::Rgb;
use super::drawing::{Anchor, Drawing, Mark, Point, TextStyle, has_coarse_columns};
use super::heat_map::HeatMap;

/// Pixels of the PNG per pixel of the drawing, each way: sharp on dense screens and in print.
const DENSITY: f64 = 2.0;

impl Drawing {
    /// The picture as PNG, twice as many pixels each way as [`Drawing::size`] gives, on a white background.
    /// The same drawing always gives the same bytes. Renders every pixel, so the cost grows with the area.
    ///
    /// # Panics
    /// Never: the drawing's size is bounded, and the font is part of the program.
    #[must_use]
    pub fn to_png(&self) -> Vec<u8> {
        let side = |length: f64| (length * DENSITY).ceil() as u32;
        let pixmap =
            Pixmap::new(side(self.width), side(self.height)).expect("a drawing has a size, of some thousand pixels");
        let font = FontRef::new(dejavu::sans::regular()).expect("the embedded font is whole");
        let mut renderer = PngRenderer { pixmap, font };
        renderer.pixmap.fill(Color::WHITE);
        self.marks.iter().for_each(|mark| renderer.draw(mark));
        renderer.pixmap.encode_png().expect("memory takes every write")
    }
}

struct PngRenderer {
    pixmap: Pixmap,
    font: FontRef<'static>,
}

impl PngRenderer {
    fn draw(&mut self, mark: &Mark) {
        match mark {
            Mark::Box { corner, width, height, colour } => self.fill_box(*corner, *width, *height, colour.light()),
            Mark::Lines { runs, colour, width } => self.stroke(polylines(runs, false), colour.light(), *width),
            Mark::Areas { outlines, colour, opacity } => self.fill(polylines(outlines, true), colour.light(), *opacity),
            Mark::Dots { centres, colour, radius } => self.fill(circles(centres, *radius), colour.light(), 1.0),
            Mark::Text { at, text, style } => {
                self.text(*at, text, *style);
            }
            Mark::Caption { at, name, remark } => {
                let end = self.text(*at, name, TextStyle::NAME);
                self.text((end + 8.0, at.1), remark, TextStyle::REMARK);
            }
            Mark::Heat { corner, width, height, map } => self.heat(*corner, *width, *height, map),
        }
    }

    fn fill_box(&mut self, (x, y): Point, width: f64, height: f64, colour: Rgb) {
        if let Some(rect) = Rect::from_xywh(x as f32, y as f32, width as f32, height as f32) {
            self.fill(Some(PathBuilder::from_rect(rect)), colour, 1.0);
        }
    }

    fn fill(&mut self, path: Option<Path>, colour: Rgb, opacity: f64) {
        if let Some(path) = path {
            self.pixmap.fill_path(&path, &paint(colour, opacity), FillRule::Winding, to_pixels(), None);
        }
    }

    fn stroke(&mut self, path: Option<Path>, colour: Rgb, width: f64) {
        let stroke =
            Stroke { width: width as f32, line_join: LineJoin::Round, line_cap: LineCap::Butt, ..Stroke::default() };
        if let Some(path) = path {
            self.pixmap.stroke_path(&path, &paint(colour, 1.0), &stroke, to_pixels(), None);
        }
    }

    /// Returns the horizontal pixel where the text ends.
    fn text(&mut self, (x, y): Point, text: &str, style: TextStyle) -> f64 {
        let (letters, outlines) = (self.font.charmap(), self.font.outline_glyphs());
        // Without a size, all lengths are in units of the font.
        let lengths = self.font.glyph_metrics(Size::unscaled(), LocationRef::default());
        let units_per_em = self.font.metrics(Size::unscaled(), LocationRef::default()).units_per_em;
        let scale = style.size / f64::from(units_per_em);
        let glyph = |character: char| {
            let glyph = letters.map(character).unwrap_or(GlyphId::NOTDEF);
            (glyph, f64::from(lengths.advance_width(glyph).unwrap_or(0.0)) * scale)
        };
        let glyphs: Vec<(GlyphId, f64)> = text.chars().map(glyph).collect();
        let width: f64 = glyphs.iter().map(|(_, advance)| advance).sum();
        let start = match style.anchor {
            Anchor::Start => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::End => x - width,
        };
        let mut outline = GlyphOutline { path: PathBuilder::new(), pen: (start, y), scale };
        for (glyph, advance) in glyphs {
            // A glyph without an outline, such as a space, only moves the pen.
            if let Some(found) = outlines.get(glyph) {
                let _ = found.draw(DrawSettings::unhinted(Size::unscaled(), LocationRef::default()), &mut outline);
            }
            outline.pen.0 += advance;
        }
        let path = outline.path.finish();
        if style.bold {
            self.stroke(path.clone(), style.colour.light(), style.size * 0.04);
        }
        self.fill(path, style.colour.light(), 1.0);
        start + width
    }

    /// Every pixel takes the cell under its centre; where columns are narrower than pixels, the cells that it covers are averaged.
    fn heat(&mut self, corner: Point, width: f64, height: f64, map: &HeatMap) {
        let (left, top) = ((corner.0 * DENSITY).round() as usize, (corner.1 * DENSITY).round() as usize);
        let (n_x, n_y) = ((width * DENSITY).round() as usize, (height * DENSITY).round() as usize);
        let row_length = self.pixmap.width() as usize;
        let crisp = has_coarse_columns(map, width * DENSITY);
        for y in 0..n_y {
            let row = (y * map.n_rows()) / n_y;
            for x in 0..n_x {
                let first = x * map.n_columns() / n_x;
                let last = if crisp { first } else { ((x + 1) * map.n_columns()).div_ceil(n_x) - 1 };
                if let Some([red, green, blue]) = mean_colour(map, row, first..=last) {
                    let pixel = tiny_skia::ColorU8::from_rgba(red, green, blue, 255).premultiply();
                    self.pixmap.pixels_mut()[(top + y) * row_length + left + x] = pixel;
                }
            }
        }
    }
}

fn mean_colour(map: &HeatMap, row: usize, columns: std::ops::RangeInclusive<usize>) -> Option<Rgb> {
    let colours: Vec<Rgb> = columns.filter_map(|column| map.colour(row, column)).collect();
    let mean = |channel: usize| {
        (colours.iter().map(|colour| usize::from(colour[channel])).sum::<usize>() / colours.len()) as u8
    };
    (!colours.is_empty()).then(|| [mean(0), mean(1), mean(2)])
}

fn paint([red, green, blue]: Rgb, opacity: f64) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(red, green, blue, (opacity * 255.0).round() as u8);
    paint
}

fn to_pixels() -> Transform {
    Transform::from_scale(DENSITY as f32, DENSITY as f32)
}

fn polylines(runs: &[Vec<Point>], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for run in runs {
        for (idx, (x, y)) in run.iter().enumerate() {
            let (x, y) = (*x as f32, *y as f32);
            if idx == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
        }
        if closed {
            path.close();
        }
    }
    path.finish()
}

fn circles(centres: &[Point], radius: f64) -> Option<Path> {
    let mut path = PathBuilder::new();
    centres.iter().for_each(|(x, y)| path.push_circle(*x as f32, *y as f32, radius as f32));
    path.finish()
}

/// Collects outlines in font units, whose vertical axis points up, as a path in the drawing.
struct GlyphOutline {
    path: PathBuilder,
    pen: Point,
    scale: f64,
}

impl GlyphOutline {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        ((self.pen.0 + f64::from(x) * self.scale) as f32, (self.pen.1 - f64::from(y) * self.scale) as f32)
    }
}

impl OutlinePen for GlyphOutline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.place(x1, y1), self.place(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.place(x1, y1), self.place(x2, y2), self.place(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
