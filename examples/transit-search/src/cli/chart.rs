//! Charts in SVG: a line, or points, in a frame with its ranges.

use std::fmt::Write;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 34.0;

/// A chart of `y` over `x`. What is not finite is left out.
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    /// What the axes are.
    pub(super) axes: [&'a str; 2],
    pub(super) points: Vec<(f64, f64)>,
    /// Joined by a line.
    pub(super) is_line: bool,
}

impl Chart<'_> {
    pub(super) fn to_svg(&self) -> String {
        let points: Vec<(f64, f64)> =
            self.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
        let (left, right) = range(points.iter().map(|point| point.0));
        let (low, high) = range(points.iter().map(|point| point.1));
        let across = |x: f64| LEFT + (x - left) / (right - left) * (WIDTH - LEFT - 10.0);
        let up = |y: f64| HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - BOTTOM - 26.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" font-family=\"sans-serif\" \
             font-size=\"11\"><title>{}</title><rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>",
            escaped(self.title)
        );
        if self.is_line {
            let line: Vec<String> = points.iter().map(|&(x, y)| format!("{:.1},{:.1}", across(x), up(y))).collect();
            let _ = write!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fa8\"/>", line.join(" "));
        } else {
            for &(x, y) in &points {
                let _ = write!(svg, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.2\" fill=\"#1f5fa8\"/>", across(x), up(y));
            }
        }
        let mut text = |x: f64, y: f64, anchor: &str, words: &str| {
            let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>", escaped(words));
        };
        text(LEFT, 15.0, "start", self.title);
        text(LEFT, HEIGHT - 18.0, "start", &short(left));
        text(WIDTH - 10.0, HEIGHT - 18.0, "end", &short(right));
        text((LEFT + WIDTH) / 2.0, HEIGHT - 4.0, "middle", self.axes[0]);
        text(LEFT - 4.0, HEIGHT - BOTTOM, "end", &short(low));
        text(LEFT - 4.0, 36.0, "end", &short(high));
        text(LEFT - 4.0, (HEIGHT - BOTTOM) / 2.0 + 16.0, "end", self.axes[1]);
        svg + "</svg>\n"
    }
}

/// From where to where, never of no width.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low < high { (low, high) } else { (low.min(0.0), low.max(0.0) + 1.0) }
}

/// Four digits.
fn short(value: f64) -> String {
    let digits = (3.0 - value.abs().max(1e-300).log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.digits$}")
}

/// A text as it stands between tags.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
