//! A histogram of one metric with a box below it.

use consumer_support::picture::{Anchor, Colour, Drawing, Mark, TextStyle, is_drawable};

use super::Layout;
use super::axis::{Axis, value_range};
use super::grid::{AXIS_ROW, Grid, NAME_ROW, Panel, about};
use super::group_boxes::{BoxMarks, draw_box};
use super::histogram::{Histogram, histogram};

/// The height of the bars.
const BARS: f64 = 96.0;
/// The height of the box.
const BOX: f64 = 30.0;

/// The values of one metric.
#[derive(Debug, Clone)]
pub struct DistributionPanel<'a> {
    /// The metric.
    pub name: &'a str,
    /// Its unit; may be empty.
    pub unit: &'a str,
    /// A value for each capture; NaN where there is none.
    pub values: &'a [f64],
    /// Those of the values that are outliers.
    pub outliers: Vec<f64>,
}

/// One panel for each metric.
pub(super) fn draw(title: &str, panels: &[DistributionPanel<'_>], layout: Layout) -> Drawing {
    let grid = Grid { layout, columns: layout.pick(3, 1), height: NAME_ROW + BARS + BOX + AXIS_ROW };
    let names: Vec<&str> = panels.iter().map(|panel| panel.name).collect();
    let description = format!("A histogram and a box for each of: {}.", names.join(", "));
    grid.draw(title, description, panels.len(), |idx, panel| panels[idx].paint(panel))
}

impl DistributionPanel<'_> {
    fn paint(&self, panel: &mut Panel) {
        let n_values = self.values.iter().filter(|value| !value.is_nan()).count();
        let n_drawn = self.values.iter().filter(|value| is_drawable(**value)).count();
        panel.caption(self.name, &about(self.unit, n_drawn, n_values - n_drawn));
        let bars_top = panel.top + NAME_ROW;
        panel.background(panel.left, bars_top, bars_top + BARS + BOX);
        let (Some(bins), Some(range)) = (histogram(self.values), value_range(self.values.iter().copied())) else {
            return panel.message("no value to draw");
        };
        let range = range.start().min(bins.low)..=range.end().max(bins.high);
        let axis = Axis::new(range, panel.left + 2.0, panel.right - 2.0);
        panel.horizontal_axis(&axis, bars_top, bars_top + BARS + BOX);
        bars(panel, &bins, &axis, bars_top);
        let marks = BoxMarks::of(self.values, &self.outliers);
        draw_box(panel, &marks, &axis, bars_top + BARS + BOX / 2.0, 8.0);
    }
}

/// The bars, and the count of the highest one.
fn bars(panel: &mut Panel, bins: &Histogram, axis: &Axis, top: f64) {
    let highest = bins.counts.iter().copied().max().unwrap_or(1).max(1);
    let width = (bins.high - bins.low) / bins.counts.len() as f64;
    let bottom = top + BARS;
    let mut outlines = Vec::new();
    for (idx, count) in bins.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (left, right) = (axis.x(bins.low + width * idx as f64), axis.x(bins.low + width * (idx + 1) as f64));
        // A bar for one capture among many is a line at least.
        let height = (*count as f64 / highest as f64 * (BARS - 16.0)).max(1.0);
        let (left, right) = (left + 0.5, (right - 0.5).max(left + 1.0));
        outlines.push(vec![(left, bottom), (left, bottom - height), (right, bottom - height), (right, bottom)]);
    }
    panel.push(Mark::Areas { outlines, colour: Colour::Series(0), opacity: 0.75 });
    let ground = vec![vec![(panel.left, bottom), (panel.right, bottom)]];
    panel.push(Mark::Lines { runs: ground, colour: Colour::Grid, width: 1.0 });
    let style = TextStyle::TICK.anchored(Anchor::End);
    panel.text((panel.right - 5.0, top + 12.0), format!("highest bar: {highest}"), style);
}
