//! Writes a drawing as SVG: well-formed XML that refers to nothing outside itself.
//!
//! Colours are attributes, so that any viewer shows the light picture; the classes beside them let a page recolour it.

use std::fmt::Write;

use super::colour::{Colour, hex};
#[cfg(feature = "png")]
use super::drawing::has_coarse_columns;
use super::drawing::{Anchor, Drawing, Mark, Point, TextStyle};
use crate::escape;

const FONTS: &str = "system-ui, 'Segoe UI', 'DejaVu Sans', 'Noto Sans', Arial, sans-serif";

impl Drawing {
    /// The picture as a file of its own, on a white background. The same drawing always gives the same bytes.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let (width, height) = (pixels(self.width), pixels(self.height));
        let background = format!("<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
        let head = format!("width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\"");
        self.write(&head, "picture", &background)
    }

    /// The picture as part of a page: no background, no title row, and ids that start with `id`, which the page uses only once.
    #[must_use]
    pub fn to_inline_svg(&self, id: &str) -> String {
        let height = self.height - self.title_height;
        let view = format!("0 {} {} {}", pixels(self.title_height), pixels(self.width), pixels(height));
        self.write(&format!("viewBox=\"{view}\""), id, "")
    }

    fn write(&self, head: &str, id: &str, background: &str) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" {head} role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" \
             font-family=\"{FONTS}\"><title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>{background}\n",
            escape(&self.title),
            escape(&self.description)
        );
        for mark in &self.marks {
            write_mark(&mut svg, mark).expect("a string takes every write");
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn write_mark(svg: &mut String, mark: &Mark) -> std::fmt::Result {
    match mark {
        Mark::Box { corner, width, height, colour } => {
            writeln!(svg, "<rect {} {}/>", rectangle(*corner, *width, *height), fill(*colour))
        }
        Mark::Lines { runs, colour, width } => writeln!(
            svg,
            "<path d=\"{}\" fill=\"none\" {} stroke-width=\"{width}\" stroke-linejoin=\"round\" stroke-linecap=\"butt\"/>",
            paths(runs, ""),
            stroke(*colour)
        ),
        Mark::Areas { outlines, colour, opacity } => {
            writeln!(svg, "<path d=\"{}\" {} fill-opacity=\"{opacity}\"/>", paths(outlines, "Z"), fill(*colour))
        }
        Mark::Dots { centres, colour, radius } => {
            let dots: String = centres.iter().map(|(x, y)| format!("M{} {}h0", pixels(*x), pixels(*y))).collect();
            let width = 2.0 * radius;
            writeln!(
                svg,
                "<path d=\"{dots}\" fill=\"none\" {} stroke-width=\"{width}\" stroke-linecap=\"round\"/>",
                stroke(*colour)
            )
        }
        Mark::Text { at, text, style } => write_text(svg, *at, text, *style),
        Mark::Caption { at: (x, y), name, remark } => write_caption(svg, (*x, *y), name, remark),
        #[cfg(feature = "png")]
        Mark::Heat { corner, width, height, map } => {
            let smoothing = if has_coarse_columns(map, *width) { " style=\"image-rendering:pixelated\"" } else { "" };
            let place = rectangle(*corner, *width, *height);
            writeln!(svg, "<image {place} preserveAspectRatio=\"none\"{smoothing} href=\"{}\"/>", map.to_data_uri())
        }
    }
}

fn write_text(svg: &mut String, (x, y): Point, text: &str, style: TextStyle) -> std::fmt::Result {
    let anchor = match style.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let weight = if style.bold { " font-weight=\"600\"" } else { "" };
    writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"{anchor}\"{weight} {}>{}</text>",
        pixels(x),
        pixels(y),
        style.size,
        fill(style.colour),
        escape(text)
    )
}

fn write_caption(svg: &mut String, (x, y): Point, name: &str, remark: &str) -> std::fmt::Result {
    let (strong, weak) = (TextStyle::NAME, TextStyle::REMARK);
    write!(svg, "<text x=\"{}\" y=\"{}\" font-size=\"{}\">", pixels(x), pixels(y), strong.size)?;
    write!(svg, "<tspan font-weight=\"600\" {}>{}</tspan>", fill(strong.colour), escape(name))?;
    if !remark.is_empty() {
        write!(svg, "<tspan dx=\"8\" {}>{}</tspan>", fill(weak.colour), escape(remark))?;
    }
    writeln!(svg, "</text>")
}

fn paths(runs: &[Vec<Point>], end: &str) -> String {
    let mut path = String::new();
    for run in runs {
        for (idx, (x, y)) in run.iter().enumerate() {
            let letter = if idx == 0 { 'M' } else { 'L' };
            write!(path, "{letter}{} {}", pixels(*x), pixels(*y)).expect("a string takes every write");
        }
        path.push_str(end);
    }
    path
}

fn rectangle((x, y): Point, width: f64, height: f64) -> String {
    format!("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", pixels(x), pixels(y), pixels(width), pixels(height))
}

fn fill(colour: Colour) -> String {
    format!("class=\"f-{}\" fill=\"{}\"", colour.class(), hex(colour.light()))
}

fn stroke(colour: Colour) -> String {
    format!("class=\"s-{}\" stroke=\"{}\"", colour.class(), hex(colour.light()))
}

/// A tenth of a pixel is as fine as a reader can see; whole numbers go without the point, and zero without a sign.
fn pixels(value: f64) -> String {
    let text = format!("{:.1}", value + 0.0);
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
