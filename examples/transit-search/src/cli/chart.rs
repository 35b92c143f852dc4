//! Charts: a line, or points, in a frame with its ranges.

use consumer_support::picture::{Anchor, Colour, Drawing, Mark, Point, TextStyle};

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 34.0;

/// A chart of `y` over `x`. Values that are not finite are left out.
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    /// The names of the axes.
    pub(super) axes: [&'a str; 2],
    pub(super) points: Vec<(f64, f64)>,
    /// Joined by a line.
    pub(super) is_line: bool,
}

impl Chart<'_> {
    pub(super) fn draw(&self) -> Drawing {
        let points: Vec<(f64, f64)> =
            self.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
        let (left, right) = range(points.iter().map(|point| point.0));
        let (low, high) = range(points.iter().map(|point| point.1));
        let across = |x: f64| LEFT + (x - left) / (right - left) * (WIDTH - LEFT - 10.0);
        let up = |y: f64| HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - BOTTOM - 26.0);
        let places = points.iter().map(|&(x, y)| (across(x), up(y))).collect();
        let colour = Colour::Series(0);
        let values = if self.is_line {
            Mark::Lines { runs: vec![places], colour, width: 1.0 }
        } else {
            Mark::Dots { centres: places, colour, radius: 1.2 }
        };
        let marks = vec![
            values,
            text((LEFT, 15.0), Anchor::Start, self.title),
            text((LEFT, HEIGHT - 18.0), Anchor::Start, &short(left)),
            text((WIDTH - 10.0, HEIGHT - 18.0), Anchor::End, &short(right)),
            text(((LEFT + WIDTH) / 2.0, HEIGHT - 4.0), Anchor::Middle, self.axes[0]),
            text((LEFT - 4.0, HEIGHT - BOTTOM), Anchor::End, &short(low)),
            text((LEFT - 4.0, 36.0), Anchor::End, &short(high)),
            text((LEFT - 4.0, (HEIGHT - BOTTOM) / 2.0 + 16.0), Anchor::End, self.axes[1]),
        ];
        Drawing {
            width: WIDTH,
            height: HEIGHT,
            title_height: 0.0,
            title: self.title.to_owned(),
            description: format!(
                "{} from {} to {} over {} from {} to {}.",
                self.axes[1],
                short(low),
                short(high),
                self.axes[0],
                short(left),
                short(right)
            ),
            marks,
        }
    }
}

fn text(at: Point, anchor: Anchor, text: &str) -> Mark {
    Mark::Text { at, text: text.to_owned(), style: TextStyle { size: 11.0, anchor, ..TextStyle::LABEL } }
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
