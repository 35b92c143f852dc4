//! Panels side by side and below each other, with their names and axes.

use consumer_support::picture::{Anchor, Colour, Drawing, Mark, Point, Scale, TextStyle};

use super::Layout;
use super::axis::{Axis, fitting, tick_labels, width_of};

/// The pixels between two panels.
const GAP: f64 = 26.0;
/// The row of a panel's name.
pub(super) const NAME_ROW: f64 = 22.0;
/// The row of the labels of an axis.
pub(super) const AXIS_ROW: f64 = 20.0;

/// Panels of one height in so many columns.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) layout: Layout,
    pub(super) columns: usize,
    pub(super) height: f64,
}

/// Where a panel is, and what is drawn there.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    marks: Vec<Mark>,
}

impl Grid {
    /// Draws `n` panels; `paint` is told which.
    pub(super) fn draw(
        &self,
        title: &str,
        description: String,
        n: usize,
        paint: impl Fn(usize, &mut Panel),
    ) -> Drawing {
        let columns = self.columns as f64;
        let width = (self.layout.width() - GAP * (columns - 1.0)) / columns;
        let mut marks = Vec::new();
        for idx in 0..n {
            let left = (idx % self.columns) as f64 * (width + GAP);
            let top = (idx / self.columns) as f64 * (self.height + GAP / 2.0);
            let mut panel = Panel { left, right: left + width, top, bottom: top + self.height, marks: Vec::new() };
            paint(idx, &mut panel);
            marks.append(&mut panel.marks);
        }
        let rows = n.div_ceil(self.columns) as f64;
        let height = (rows * (self.height + GAP / 2.0)).max(1.0);
        let width = self.layout.width();
        Drawing { width, height, title_height: 0.0, title: title.to_owned(), description, marks }
    }
}

impl Panel {
    pub(super) fn push(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    pub(super) fn text(&mut self, at: Point, text: impl Into<String>, style: TextStyle) {
        self.push(Mark::Text { at, text: text.into(), style });
    }

    /// The name at the top, and a remark behind it as far as there is room.
    pub(super) fn caption(&mut self, name: &str, remark: &str) {
        let room = self.right - self.left;
        let name = fitting(name, TextStyle::NAME, room);
        let left = room - width_of(&name, TextStyle::NAME) - 10.0;
        let remark = if left > 40.0 { fitting(remark, TextStyle::REMARK, left) } else { String::new() };
        self.push(Mark::Caption { at: (self.left, self.top + 14.0), name, remark });
    }

    /// A pale rectangle over the whole width, between two heights.
    pub(super) fn background(&mut self, left: f64, top: f64, bottom: f64) {
        let corner = (left, top);
        self.push(Mark::Box { corner, width: self.right - left, height: bottom - top, colour: Colour::Panel });
    }

    /// Upright grid lines, and the values below them.
    pub(super) fn horizontal_axis(&mut self, axis: &Axis, top: f64, bottom: f64) {
        let ticks = axis.ticks();
        let runs = ticks.iter().map(|(x, _)| vec![(*x, top), (*x, bottom)]).collect();
        self.push(Mark::Lines { runs, colour: Colour::Grid, width: 1.0 });
        self.tick_labels(&ticks, bottom);
    }

    /// Labels below a panel; one that would touch the one before it is left out.
    pub(super) fn tick_labels(&mut self, ticks: &[(f64, String)], bottom: f64) {
        let mut free_from = f64::NEG_INFINITY;
        for (x, label) in ticks {
            let half = width_of(label, TextStyle::TICK) / 2.0;
            let x = x.clamp(self.left + half, (self.right - half).max(self.left + half));
            if x - half >= free_from {
                self.text((x, bottom + 15.0), label.clone(), TextStyle::TICK);
                free_from = x + half + 6.0;
            }
        }
    }

    /// Level grid lines, and the values to the left of `left`.
    pub(super) fn vertical_axis(&mut self, scale: &Scale, left: f64, count: usize) {
        let ticks = tick_labels(scale, count);
        let runs =
            ticks.iter().map(|(value, _)| vec![(left, scale.y(*value)), (self.right, scale.y(*value))]).collect();
        self.push(Mark::Lines { runs, colour: Colour::Grid, width: 1.0 });
        let style = TextStyle::TICK.anchored(Anchor::End);
        for (value, label) in ticks {
            if width_of(&label, style) <= left - self.left - 4.0 {
                self.text((left - 6.0, scale.y(value) + 4.0), label, style);
            }
        }
    }

    /// Says in the middle why there is nothing to see.
    pub(super) fn message(&mut self, text: &str) {
        let style = TextStyle::REMARK.anchored(Anchor::Middle);
        let text = fitting(text, style, self.right - self.left);
        self.text((f64::midpoint(self.left, self.right), f64::midpoint(self.top, self.bottom) + 4.0), text, style);
    }
}

/// The remark behind the name of a panel: unit, count, and how many values have no place.
pub(super) fn about(unit: &str, n_drawn: usize, n_without_place: usize) -> String {
    let unit = if unit.is_empty() { String::new() } else { format!("{unit}, ") };
    let missing = if n_without_place == 0 { String::new() } else { format!(", {n_without_place} not drawn") };
    format!("{unit}n = {n_drawn}{missing}")
}
