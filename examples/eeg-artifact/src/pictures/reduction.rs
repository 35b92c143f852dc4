//! From rows of any length to a bounded number of points: per column of pixels the smallest and the largest value. Pure.
//!
//! Promise: a line has no more than two points per column, its peaks are those of the values, and nothing is drawn across columns that
//! hold gaps only.

use consumer_support::picture::{Point, is_drawable};

/// More dashes than this would cost more than they show.
const MOST_DASHES: f64 = 1000.0;

/// The values that lie in one column of pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Column {
    /// The smallest value, with its horizontal pixel.
    pub(super) lowest: Point,
    /// The largest value, with its horizontal pixel.
    pub(super) highest: Point,
}

/// The values as columns of pixels, in runs without a gap. `x` must not fall from one index to the next; `span` gives what is drawn at an index,
/// from its lower to its upper end.
pub(super) fn columns(
    n_values: usize,
    x: impl Fn(usize) -> f64,
    span: impl Fn(usize) -> (f64, f64),
) -> Vec<Vec<Column>> {
    let mut runs = Runs::default();
    let mut open: Option<(f64, Option<Column>)> = None;
    for idx in 0..n_values {
        let at = x(idx);
        let (pixel, value) = (at.floor(), at_value(at, span(idx)));
        open = Some(match open {
            Some((last, column)) if last == pixel => (last, merge(column, value)),
            Some((_, column)) => {
                runs.close(column);
                (pixel, value)
            }
            None => (pixel, value),
        });
    }
    if let Some((_, column)) = open {
        runs.close(column);
    }
    runs.runs
}

/// The line through single values: at most two points per column, in the order in which they occur.
pub(super) fn line(n_values: usize, x: impl Fn(usize) -> f64, y: impl Fn(usize) -> f64) -> Vec<Vec<Point>> {
    let points = |run: Vec<Column>| widen(run.iter().flat_map(Column::in_order).collect());
    columns(n_values, x, |idx| (y(idx), y(idx))).into_iter().map(points).collect()
}

/// The outlines of the area between a lower and an upper end.
pub(super) fn area(n_values: usize, x: impl Fn(usize) -> f64, span: impl Fn(usize) -> (f64, f64)) -> Vec<Vec<Point>> {
    columns(n_values, x, span).iter().map(|run| outline(run)).collect()
}

/// The mean of the drawable values of each column, at the column's middle. `x` must not fall from one index to the next.
pub(super) fn column_means(n_values: usize, x: impl Fn(usize) -> f64, y: impl Fn(usize) -> f64) -> Vec<Point> {
    let mut sums: Vec<(f64, f64, f64)> = Vec::new();
    for (at, value) in (0..n_values).map(|idx| (x(idx).floor(), y(idx))).filter(|(_, value)| is_drawable(*value)) {
        match sums.last_mut() {
            Some((last, sum, n)) if *last == at => (*sum, *n) = (*sum + value, *n + 1.0),
            _ => sums.push((at, value, 1.0)),
        }
    }
    sums.into_iter().map(|(at, sum, n)| (at + 0.5, sum / n)).collect()
}

/// Cuts lines into dashes of `on` pixels with `off` pixels between them, so that a line is known by more than its colour. Lines so long that
/// there would be thousands of dashes get longer ones.
pub(super) fn dashed(runs: &[Vec<Point>], on: f64, off: f64) -> Vec<Vec<Point>> {
    let length: f64 = runs.iter().flat_map(|run| run.windows(2)).map(|pair| distance(pair[0], pair[1])).sum();
    let factor = (length / (MOST_DASHES * (on + off))).max(1.0);
    runs.iter().flat_map(|run| dashes(run, on * factor, off * factor)).filter(|dash| dash.len() > 1).collect()
}

fn distance(from: Point, to: Point) -> f64 {
    (to.0 - from.0).hypot(to.1 - from.1)
}

#[derive(Default)]
struct Runs {
    runs: Vec<Vec<Column>>,
    is_open: bool,
}

impl Runs {
    fn close(&mut self, column: Option<Column>) {
        match (column, self.runs.last_mut()) {
            (Some(column), Some(run)) if self.is_open => run.push(column),
            (Some(column), _) => self.runs.push(vec![column]),
            (None, _) => {}
        }
        self.is_open = column.is_some();
    }
}

fn at_value(x: f64, (low, high): (f64, f64)) -> Option<Column> {
    (is_drawable(low) && is_drawable(high)).then_some(Column { lowest: (x, low), highest: (x, high) })
}

fn merge(one: Option<Column>, other: Option<Column>) -> Option<Column> {
    let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
    Some(Column {
        lowest: if other.lowest.1 < one.lowest.1 { other.lowest } else { one.lowest },
        highest: if other.highest.1 > one.highest.1 { other.highest } else { one.highest },
    })
}

impl Column {
    fn in_order(&self) -> Vec<Point> {
        match (self.lowest, self.highest) {
            (low, high) if low == high => vec![low],
            (low, high) if low.0 <= high.0 => vec![low, high],
            (low, high) => vec![high, low],
        }
    }
}

/// A point alone is drawn as wide as a pixel.
fn widen(points: Vec<Point>) -> Vec<Point> {
    match points[..] {
        [(x, y)] => vec![(x - 0.5, y), (x + 0.5, y)],
        _ => points,
    }
}

/// Along the upper ends and back along the lower ones.
fn outline(run: &[Column]) -> Vec<Point> {
    let mut upper: Vec<Point> =
        run.iter().map(|column| (column.lowest.0.min(column.highest.0), column.highest.1)).collect();
    let mut lower: Vec<Point> =
        run.iter().map(|column| (column.lowest.0.min(column.highest.0), column.lowest.1)).collect();
    (upper, lower) = (widen(upper), widen(lower));
    lower.reverse();
    upper.extend(lower);
    upper
}

fn dashes(run: &[Point], on: f64, off: f64) -> Vec<Vec<Point>> {
    let mut dashes = Vec::new();
    let Some(first) = run.first() else { return dashes };
    let (mut dash, mut is_on, mut rest) = (vec![*first], true, on);
    for pair in run.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        let mut length = distance(from, to);
        while length > rest {
            let share = rest / length;
            from = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            length -= rest;
            if is_on {
                dash.push(from);
                dashes.push(std::mem::take(&mut dash));
            }
            is_on = !is_on;
            rest = if is_on { on } else { off };
            dash = vec![from];
        }
        rest -= length;
        if is_on {
            dash.push(to);
        }
    }
    if is_on {
        dashes.push(dash);
    }
    dashes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(values: &[f64], per_pixel: f64) -> Vec<Vec<Point>> {
        line(values.len(), |idx| idx as f64 / per_pixel, |idx| values[idx])
    }

    #[test]
    fn a_peak_of_one_sample_among_a_million_stays() {
        let mut values = vec![0.0; 1_000_000];
        values[654_321] = 7.0;
        let line = line_of(&values, 1000.0);
        let points: Vec<Point> = line.concat();
        assert!(points.len() <= 2000);
        assert_eq!(points.iter().filter(|point| point.1 == 7.0).count(), 1);
    }

    #[test]
    fn only_columns_of_gaps_break_a_line() {
        let mut values = vec![1.0; 100];
        values[40] = f64::NAN;
        assert_eq!(line_of(&values, 1.0).iter().map(Vec::len).collect::<Vec<_>>(), [40, 59]);
        assert_eq!(line_of(&values, 10.0).len(), 1);
        values[40..60].fill(f64::INFINITY);
        assert_eq!(line_of(&values, 10.0).len(), 2);
    }

    #[test]
    fn a_value_between_gaps_is_visible() {
        let line = line_of(&[f64::NAN, 5.0, f64::NAN], 1.0);
        assert_eq!(line, [[(0.5, 5.0), (1.5, 5.0)]]);
    }

    #[test]
    fn a_mean_of_a_column_is_that_of_its_values() {
        let values = [1.0, 3.0, f64::NAN, 5.0];
        assert_eq!(column_means(4, |idx| [0.0, 0.4, 0.6, 1.0][idx], |idx| values[idx]), [(0.5, 2.0), (1.5, 5.0)]);
    }

    #[test]
    fn an_area_is_as_wide_as_the_widest_of_its_column() {
        let spans = [(1.0, 2.0), (0.0, 1.5), (1.0, 3.0)];
        let outlines = area(3, |idx| idx as f64 * 0.1, |idx| spans[idx]);
        let heights: Vec<f64> = outlines.concat().iter().map(|point| point.1).collect();
        assert_eq!(heights, [3.0, 3.0, 0.0, 0.0]);
    }

    #[test]
    fn a_line_that_jumps_at_every_pixel_has_no_more_dashes_than_are_allowed() {
        let jumps: Vec<Point> = (0_u32..4000).map(|idx| (f64::from(idx), f64::from(idx % 2) * 150.0)).collect();
        let dashes = dashed(&[jumps], 7.0, 4.0);
        assert!((900..=1001).contains(&dashes.len()), "{}", dashes.len());
    }

    #[test]
    fn dashes_alternate_along_the_line() {
        let dashes = dashed(&[vec![(0.0, 0.0), (10.0, 0.0)]], 3.0, 2.0);
        assert_eq!(dashes, [[(0.0, 0.0), (3.0, 0.0)], [(5.0, 0.0), (8.0, 0.0)]]);
    }
}
