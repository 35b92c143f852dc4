//! The control chart of one metric: values in the order of time, mean, limits, and the names of points outside.

use consumer_support::picture::{Colour, Drawing, Mark, Point, Scale, TextStyle, is_drawable};

use super::Layout;
use super::axis::{fitting_end, value_range, width_of};
use super::grid::{AXIS_ROW, Grid, NAME_ROW, Panel, about};

/// The height of the panel itself.
const PANEL: f64 = 118.0;
/// No more points outside than this have their name beside them.
const MOST_NAMED: usize = 8;
/// No more points outside than this have a dot.
const MOST_DOTS: usize = 400;

/// The values of one metric in the order of time, and where their limits are.
#[derive(Debug, Clone)]
pub struct ControlPanel<'a> {
    /// The metric.
    pub name: &'a str,
    /// Its unit; may be empty.
    pub unit: &'a str,
    /// The values; NaN where there is none.
    pub values: Vec<f64>,
    /// The name of each value.
    pub names: &'a [&'a str],
    /// The centre line.
    pub mean: f64,
    /// The lower and the upper limit.
    pub limits: (f64, f64),
    /// The positions of the values outside.
    pub outside: Vec<usize>,
}

/// One chart for each metric, all with the same ticks: positions with their labels.
pub(super) fn draw(title: &str, panels: &[ControlPanel<'_>], ticks: &[(usize, String)], layout: Layout) -> Drawing {
    let grid = Grid { layout, columns: 1, height: NAME_ROW + PANEL + AXIS_ROW };
    let names: Vec<&str> = panels.iter().map(|panel| panel.name).collect();
    let description = format!("A control chart for each of: {}.", names.join(", "));
    grid.draw(title, description, panels.len(), |idx, panel| panels[idx].paint(panel, ticks, layout))
}

/// How names of points look.
const NAME: TextStyle = TextStyle { size: 11.0, ..TextStyle::LABEL };

/// Where positions and values lie within a panel.
struct Place {
    left: f64,
    right: f64,
    n: usize,
    scale: Scale,
}

impl Place {
    fn x(&self, position: usize) -> f64 {
        let share = if self.n > 1 { position as f64 / (self.n - 1) as f64 } else { 0.5 };
        self.left + share * (self.right - self.left)
    }
}

impl ControlPanel<'_> {
    fn paint(&self, panel: &mut Panel, ticks: &[(usize, String)], layout: Layout) {
        let n_values = self.values.iter().filter(|value| !value.is_nan()).count();
        let n_drawn = self.values.iter().filter(|value| is_drawable(**value)).count();
        let outside = match self.outside.len() {
            0 => "all within the limits".to_owned(),
            n => format!("{n} outside"),
        };
        let about = about(self.unit, n_drawn, n_values - n_drawn);
        panel.caption(self.name, &format!("{about}, {outside}"));
        let (top, left) = (panel.top + NAME_ROW, panel.left + layout.pick(66.0, 54.0));
        panel.background(left, top, top + PANEL);
        let levels = [self.mean, self.limits.0, self.limits.1];
        let Some(range) = value_range(self.values.iter().copied().chain(levels)) else {
            return panel.message("no value to draw");
        };
        let scale = Scale::new(range, top + 6.0, top + PANEL - 6.0);
        let place = Place { left: left + 8.0, right: panel.right - 8.0, n: self.values.len(), scale };
        panel.vertical_axis(&place.scale, left, 4);
        self.levels(panel, &place, left);
        self.points(panel, &place);
        self.outside(panel, &place);
        let labels: Vec<(f64, String)> = ticks.iter().map(|(at, label)| (place.x(*at), label.clone())).collect();
        panel.tick_labels(&labels, top + PANEL);
    }

    fn levels(&self, panel: &mut Panel, place: &Place, left: f64) {
        let level = |value: f64| (left, panel.right, place.scale.y(value));
        let (from, to, mean) = level(self.mean);
        let limits = [self.limits.0, self.limits.1].map(|limit| level(limit).2);
        let dashes = limits.iter().flat_map(|y| dashes(from, to, *y)).collect();
        panel.push(Mark::Lines { runs: vec![vec![(from, mean), (to, mean)]], colour: Colour::Strong, width: 1.3 });
        panel.push(Mark::Lines { runs: dashes, colour: Colour::Series(1), width: 1.5 });
    }

    /// A line through all values, with gaps where there are none; dots where they can be told apart.
    fn points(&self, panel: &mut Panel, place: &Place) {
        let mut runs: Vec<Vec<Point>> = vec![Vec::new()];
        for (at, value) in self.values.iter().enumerate() {
            match runs.last_mut() {
                Some(run) if is_drawable(*value) => run.push((place.x(at), place.scale.y(*value))),
                Some(run) if !run.is_empty() => runs.push(Vec::new()),
                _ => {}
            }
        }
        let runs: Vec<Vec<Point>> = runs.iter().map(|run| thinned(run)).filter(|run| !run.is_empty()).collect();
        let n_points = runs.iter().map(Vec::len).sum::<usize>();
        let centres: Vec<Point> = runs.iter().flatten().copied().collect();
        panel.push(Mark::Lines { runs, colour: Colour::Series(0), width: 1.0 });
        if n_points as f64 * 5.0 <= place.right - place.left {
            panel.push(Mark::Dots { centres, colour: Colour::Series(0), radius: 2.0 });
        }
    }

    /// Dots for the points outside, and the names of those furthest away, as far as there is room.
    fn outside(&self, panel: &mut Panel, place: &Place) {
        let mut points: Vec<usize> = self.outside.iter().copied().filter(|at| is_drawable(self.values[*at])).collect();
        let distance = |at: &usize| (self.values[*at] - self.mean).abs();
        points.sort_by(|a, b| distance(b).total_cmp(&distance(a)));
        points.truncate(MOST_DOTS);
        let centres: Vec<Point> = points.iter().map(|at| (place.x(*at), place.scale.y(self.values[*at]))).collect();
        let mut names: Vec<Name> = Vec::new();
        for (at, centre) in points.iter().zip(&centres).take(MOST_NAMED) {
            let name = self.name_of(*at, *centre, place, panel);
            let is_free =
                !names.iter().any(|other| name.touches(other)) && !centres.iter().any(|dot| name.covers(*dot));
            if is_free {
                names.push(name);
            }
        }
        panel.push(Mark::Dots { centres, colour: Colour::Accent, radius: 3.6 });
        for Name { left, base, text, .. } in names {
            panel.text((left, base), text, NAME);
        }
    }

    /// Where the name of a point stands: to its right, or to its left at the edge.
    fn name_of(&self, at: usize, (x, y): Point, place: &Place, panel: &Panel) -> Name {
        let text = fitting_end(self.names[at], NAME, 130.0);
        let width = width_of(&text, NAME);
        let left = if x + 8.0 + width <= panel.right { x + 8.0 } else { x - 8.0 - width };
        let top = panel.top + NAME_ROW;
        let base = self.label_base(y, place).clamp(top + 10.0, top + PANEL - 4.0);
        Name { left: left.max(panel.left), width, base, text }
    }
}

/// A name beside a point.
struct Name {
    left: f64,
    width: f64,
    base: f64,
    text: String,
}

impl Name {
    fn touches(&self, other: &Self) -> bool {
        let is_beside = self.left > other.left + other.width || self.left + self.width < other.left;
        !is_beside && (self.base - other.base).abs() <= 12.0
    }

    fn covers(&self, (x, y): Point) -> bool {
        (self.left - 3.0..=self.left + self.width).contains(&x) && (self.base - 14.0..=self.base + 5.0).contains(&y)
    }
}

impl ControlPanel<'_> {
    /// The base line of a name: beside its point, or further inside where a limit would cross it.
    fn label_base(&self, y: f64, place: &Place) -> f64 {
        let [lower, upper] = [self.limits.0, self.limits.1].map(|limit| place.scale.y(limit));
        if (y - upper).abs() < 10.0 {
            y + 16.0
        } else if (y - lower).abs() < 10.0 {
            y - 9.0
        } else {
            y + 4.0
        }
    }
}

fn dashes(from: f64, to: f64, y: f64) -> Vec<Vec<Point>> {
    let n = ((to - from) / 11.0) as usize + 1;
    let start = |idx: usize| from + 11.0 * idx as f64;
    (0..n).map(|idx| vec![(start(idx), y), ((start(idx) + 7.0).min(to), y)]).collect()
}

/// The same line with at most four points in each column of pixels: first, highest, lowest, last.
fn thinned(run: &[Point]) -> Vec<Point> {
    let column = |points: &[Point]| -> Vec<Point> {
        if points.len() <= 4 {
            return points.to_vec();
        }
        let by_height = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
        let inner = [points.iter().min_by(by_height), points.iter().max_by(by_height)];
        [points.first(), inner[0], inner[1], points.last()].into_iter().flatten().copied().collect()
    };
    run.chunk_by(|a, b| a.0.floor() == b.0.floor()).flat_map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_values_make_a_bounded_number_of_points_and_keep_their_peak() {
        let run: Vec<Point> = (0..1_000_000).map(|idx| (f64::from(idx) / 1000.0, f64::from(idx % 7))).collect();
        let mut peaked = run.clone();
        peaked[500_123].1 = 99.0;
        let thin = thinned(&peaked);
        assert!(thin.len() <= 4000 && thin.iter().any(|point| point.1 == 99.0), "{}", thin.len());
    }
}
