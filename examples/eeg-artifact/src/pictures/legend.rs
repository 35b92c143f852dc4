//! How a kind of line or area is known, and the row above a panel that names them. No two kinds differ by colour alone.

use consumer_support::picture::{Colour, Mark, Point};

use super::reduction::dashed;

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stroke {
    /// A line of this width in pixels.
    Line(f64),
    /// A line of dashes.
    Dashes,
    /// A line of dots.
    Points,
    /// A pale area.
    Area(f64),
    /// A short upright line.
    Tick,
    /// A round dot on its own.
    Dot,
}

/// A series that a legend names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry<'a> {
    pub(super) label: &'a str,
    pub(super) colour: Colour,
    pub(super) stroke: Stroke,
}

/// How wide the sample of a series is in a legend, in pixels.
pub(super) const SAMPLE_WIDTH: f64 = 22.0;

impl Entry<'_> {
    /// A sample of the series, with its left end at a point on the base line of its label.
    pub(super) fn sample(&self, (x, base): Point) -> Vec<Mark> {
        let y = base - 4.0;
        let run = vec![(x, y), (x + SAMPLE_WIDTH, y)];
        match self.stroke {
            Stroke::Area(_) => vec![self.area(vec![rectangle((x, y - 5.0), SAMPLE_WIDTH, 10.0)])],
            Stroke::Tick => vec![self.lines(vec![vec![(x + 11.0, y - 5.0), (x + 11.0, y + 5.0)]])],
            Stroke::Dot => vec![Mark::Dots { centres: vec![(x + 11.0, y)], colour: self.colour, radius: 2.0 }],
            _ => vec![self.lines(vec![run])],
        }
    }

    /// Lines as the series is drawn; areas and dots have marks of their own.
    pub(super) fn lines(&self, runs: Vec<Vec<Point>>) -> Mark {
        let (runs, width) = match self.stroke {
            Stroke::Line(width) => (runs, width),
            Stroke::Dashes => (dashed(&runs, 7.0, 4.0), 1.8),
            Stroke::Points => (dashed(&runs, 2.0, 3.0), 1.8),
            Stroke::Tick => (runs, 1.5),
            Stroke::Area(_) | Stroke::Dot => (runs, 1.0),
        };
        Mark::Lines { runs, colour: self.colour, width }
    }

    /// Areas as the series is drawn.
    pub(super) fn area(&self, outlines: Vec<Vec<Point>>) -> Mark {
        let opacity = if let Stroke::Area(opacity) = self.stroke { opacity } else { 1.0 };
        Mark::Areas { outlines, colour: self.colour, opacity }
    }
}

/// The corners of a rectangle.
pub(super) fn rectangle((left, top): Point, width: f64, height: f64) -> Vec<Point> {
    vec![(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
}
