//! Boxes of the values of groups, and the box itself.

use consumer_support::picture::{Anchor, Colour, Drawing, Mark, TextStyle, extremes, is_drawable, sorted};

use super::Layout;
use super::axis::{Axis, fitting_end, value_range};
use super::grid::{AXIS_ROW, Grid, NAME_ROW, Panel, about};

/// The height of one box with its gap.
const ROW: f64 = 24.0;
/// More groups than this make a picture too high.
pub const MOST_GROUPS: usize = 12;
/// More dots than this are thinned to the outermost.
const MOST_DOTS: usize = 200;
/// The room for the names of groups.
const NAMES: f64 = 84.0;

/// The values of one metric in each group.
#[derive(Debug, Clone)]
pub struct GroupPanel<'a> {
    /// The metric.
    pub name: &'a str,
    /// Its unit; may be empty.
    pub unit: &'a str,
    /// The groups, from top to bottom; best not more than [`MOST_GROUPS`].
    pub groups: Vec<GroupBox<'a>>,
    /// How many more groups there are; the panel says so.
    pub n_hidden: usize,
}

/// The values of one group.
#[derive(Debug, Clone)]
pub struct GroupBox<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its values; NaN where there is none.
    pub values: Vec<f64>,
    /// Those of the values that are outliers.
    pub outliers: Vec<f64>,
}

/// One panel for each metric.
pub(super) fn draw(title: &str, panels: &[GroupPanel<'_>], layout: Layout) -> Drawing {
    let most = panels.iter().map(|panel| panel.groups.len()).max().unwrap_or(0);
    let height = NAME_ROW + ROW * most as f64 + AXIS_ROW;
    let grid = Grid { layout, columns: layout.pick(3, 1), height };
    let names: Vec<&str> = panels.iter().map(|panel| panel.name).collect();
    let description = format!("A box for each group, for each of: {}.", names.join(", "));
    grid.draw(title, description, panels.len(), |idx, panel| panels[idx].paint(panel))
}

impl GroupPanel<'_> {
    fn paint(&self, panel: &mut Panel) {
        let shown = &self.groups;
        let all = || shown.iter().flat_map(|group| group.values.iter().copied());
        let n_values = all().filter(|value| !value.is_nan()).count();
        let n_drawn = all().filter(|value| is_drawable(*value)).count();
        let hidden = match self.n_hidden {
            0 => String::new(),
            n => format!(", {n} more not drawn"),
        };
        panel.caption(self.name, &(about(self.unit, n_drawn, n_values - n_drawn) + &hidden));
        let (top, left) = (panel.top + NAME_ROW, panel.left + NAMES);
        let bottom = top + ROW * shown.len() as f64;
        panel.background(left, top, bottom);
        let Some(range) = value_range(all()) else { return panel.message("no value to draw") };
        let axis = Axis::new(range, left + 2.0, panel.right - 2.0);
        panel.horizontal_axis(&axis, top, bottom);
        for (idx, group) in shown.iter().enumerate() {
            let middle = top + ROW * (idx as f64 + 0.5);
            let style = TextStyle::LABEL.anchored(Anchor::End);
            let name = fitting_end(group.name, style, NAMES - 10.0);
            panel.text((left - 8.0, middle + 4.0), name, style);
            draw_box(panel, &BoxMarks::of(&group.values, &group.outliers), &axis, middle, 7.0);
        }
    }
}

/// What a box shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BoxMarks {
    /// Lower quartile, median, upper quartile; none without a value.
    quartiles: Option<[f64; 3]>,
    /// The smallest and the largest value that is no outlier.
    whiskers: Option<(f64, f64)>,
    dots: Vec<f64>,
}

impl BoxMarks {
    pub(super) fn of(values: &[f64], outliers: &[f64]) -> Self {
        let values = sorted(values.iter().copied());
        let dots = sorted(outliers.iter().copied());
        let is_outlier = |value: f64| dots.binary_search_by(|dot| dot.total_cmp(&value)).is_ok();
        let inner = values.iter().copied().filter(|value| !is_outlier(*value));
        let quartiles = (!values.is_empty()).then(|| [0.25, 0.5, 0.75].map(|share| quantile(&values, share)));
        Self { quartiles, whiskers: extremes(inner), dots: outermost(dots) }
    }
}

/// The quantile of sorted values, straight between two of them (Hyndman and Fan, type 7).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * share;
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

/// At most so many of the sorted dots, those nearest to both ends.
fn outermost(mut dots: Vec<f64>) -> Vec<f64> {
    if dots.len() > MOST_DOTS {
        dots.drain(MOST_DOTS / 2..dots.len() - MOST_DOTS / 2);
    }
    dots
}

/// The box around a height, its whiskers and its dots.
pub(super) fn draw_box(panel: &mut Panel, marks: &BoxMarks, axis: &Axis, middle: f64, half: f64) {
    let (top, bottom) = (middle - half, middle + half);
    let Some([lower, median, upper]) = marks.quartiles.map(|quartiles| quartiles.map(|value| axis.x(value))) else {
        return;
    };
    if let Some((low, high)) = marks.whiskers {
        let (low, high) = (axis.x(low), axis.x(high));
        let end = |x: f64| vec![(x, middle - half * 0.5), (x, middle + half * 0.5)];
        let runs = vec![
            vec![(low, middle), (lower.max(low), middle)],
            vec![(upper.min(high), middle), (high, middle)],
            end(low),
            end(high),
        ];
        panel.push(Mark::Lines { runs, colour: Colour::Strong, width: 1.3 });
    }
    let right = upper.max(lower + 1.0);
    let outline = vec![(lower, top), (right, top), (right, bottom), (lower, bottom)];
    panel.push(Mark::Areas { outlines: vec![outline], colour: Colour::Series(0), opacity: 0.35 });
    panel.push(Mark::Lines { runs: vec![vec![(median, top), (median, bottom)]], colour: Colour::Strong, width: 2.2 });
    let centres = marks.dots.iter().map(|dot| (axis.x(*dot), middle)).collect();
    panel.push(Mark::Dots { centres, colour: Colour::Accent, radius: 2.8 });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whiskers_end_at_the_last_values_that_are_no_outliers() {
        let marks = BoxMarks::of(&[5.0, 1.0, 2.0, 3.0, 4.0, 99.0, f64::NAN], &[99.0]);
        assert_eq!(marks.whiskers, Some((1.0, 5.0)));
        assert_eq!((marks.quartiles, marks.dots), (Some([2.25, 3.5, 4.75]), vec![99.0]));
    }

    #[test]
    fn a_million_outliers_make_a_bounded_number_of_dots() {
        let values: Vec<f64> = (0..1_000_000).map(f64::from).collect();
        let dots = outermost(values);
        assert_eq!((dots.len(), dots[0], dots[MOST_DOTS - 1]), (MOST_DOTS, 0.0, 999_999.0));
    }
}
