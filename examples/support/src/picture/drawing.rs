//! A drawing: a size, a title, and a list of marks.

use super::colour::Colour;
#[cfg(feature = "png")]
use super::heat_map::HeatMap;

/// A position in pixels from the top left corner: to the right, then down.
pub type Point = (f64, f64);

/// A finished picture: write it with [`Drawing::to_svg`] or, with the feature `png`, with `Drawing::to_png`.
///
/// ```
/// use consumer_support::picture::{Colour, Drawing, Mark};
///
/// let line = Mark::Lines { runs: vec![vec![(0.0, 20.0), (40.0, 0.0)]], colour: Colour::Series(0), width: 1.5 };
/// let drawing = Drawing {
///     width: 40.0,
///     height: 20.0,
///     title_height: 0.0,
///     title: "Slope".to_owned(),
///     description: "A line that rises.".to_owned(),
///     marks: vec![line],
/// };
/// assert!(drawing.to_svg().contains("M0 20L40 0"));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Drawing {
    /// Pixels.
    pub width: f64,
    /// Pixels.
    pub height: f64,
    /// How much of the top holds the title, in pixels; a page, which has its own headings, leaves it out.
    pub title_height: f64,
    /// What the picture shows, in a few words.
    pub title: String,
    /// The text for a reader who cannot see the picture.
    pub description: String,
    /// From the lowest to the uppermost.
    pub marks: Vec<Mark>,
}

impl Drawing {
    /// What the picture shows, in a few words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The text for a reader who cannot see the picture.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Width and height of the SVG in pixels; the PNG has twice as many each way.
    #[must_use]
    pub fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }
}

/// One element of a drawing. Later marks cover earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A filled rectangle.
    Box {
        /// Its top left corner.
        corner: Point,
        /// Pixels.
        width: f64,
        /// Pixels.
        height: f64,
        /// Its filling.
        colour: Colour,
    },
    /// Open lines, one per run of points; nothing joins one run to the next.
    Lines {
        /// The points of each line.
        runs: Vec<Vec<Point>>,
        /// Of the stroke.
        colour: Colour,
        /// Of the stroke, in pixels.
        width: f64,
    },
    /// Filled outlines.
    Areas {
        /// The corners of each area.
        outlines: Vec<Vec<Point>>,
        /// Of the filling.
        colour: Colour,
        /// From 0, invisible, to 1.
        opacity: f64,
    },
    /// Round dots.
    Dots {
        /// The middle of each dot.
        centres: Vec<Point>,
        /// Of the filling.
        colour: Colour,
        /// Pixels.
        radius: f64,
    },
    /// One line of text.
    Text {
        /// A point on the base line; which end of the text it is, the style says.
        at: Point,
        /// Any text.
        text: String,
        /// Its size, colour and anchor.
        style: TextStyle,
    },
    /// A strong name followed by a weak remark, on one base line.
    Caption {
        /// Where the base line starts.
        at: Point,
        /// The strong text.
        name: String,
        /// The weak text.
        remark: String,
    },
    /// A heat map stretched over a rectangle.
    #[cfg(feature = "png")]
    Heat {
        /// The rectangle's top left corner.
        corner: Point,
        /// Pixels.
        width: f64,
        /// Pixels.
        height: f64,
        /// The cells.
        map: HeatMap,
    },
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextStyle {
    /// Pixels.
    pub size: f64,
    /// Of the letters.
    pub colour: Colour,
    /// Which end of the text its position means.
    pub anchor: Anchor,
    /// Whether the letters are bold.
    pub bold: bool,
}

/// Which end of a text its position means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The left end.
    Start,
    /// The middle.
    Middle,
    /// The right end.
    End,
}

impl TextStyle {
    /// A label inside or beside a panel.
    pub const LABEL: Self = Self { size: 12.0, colour: Colour::Text, anchor: Anchor::Start, bold: false };
    /// The name of a panel.
    pub const NAME: Self = Self { bold: true, ..Self::LABEL };
    /// A remark beside a name.
    pub const REMARK: Self = Self { colour: Colour::Muted, ..Self::LABEL };
    /// The label of a tick.
    pub const TICK: Self = Self { size: 11.5, colour: Colour::Muted, anchor: Anchor::Middle, bold: false };

    /// The same with another anchor.
    #[must_use]
    pub fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    /// The same in another colour.
    #[must_use]
    pub fn coloured(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// The same in bold letters.
    #[must_use]
    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// About how wide a text will be, in pixels: fonts differ, so this is a little more than most need.
    #[must_use]
    pub fn width_of(self, text: &str) -> f64 {
        text.chars().count() as f64 * self.size * if self.bold { 0.7 } else { 0.6 }
    }
}

/// True when a heat map has fewer columns than pixels to fill, so that smoothing would invent cells between the real ones.
#[cfg(feature = "png")]
pub(crate) fn has_coarse_columns(map: &HeatMap, width: f64) -> bool {
    (map.n_columns() as f64) < width
}
