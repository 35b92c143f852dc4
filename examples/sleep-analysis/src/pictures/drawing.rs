//! A drawing: one list of marks, which the SVG writer and the PNG writer both follow. Holds no science.

use super::colour::Ink;
use super::heatmap::HeatMap;

/// A place in pixels from the top left corner.
pub(super) type Point = (f64, f64);

/// A finished picture: write it with [`Drawing::to_svg`] or [`Drawing::to_png`].
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    /// How much of the top holds the title; the page, which has its own headings, cuts it off.
    pub(super) title_height: f64,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) marks: Vec<Mark>,
}

impl Drawing {
    /// What the picture shows, in a few words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What a reader who cannot see the picture is told.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Width and height in pixels of the SVG; the PNG has twice as many each way.
    #[must_use]
    pub fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }
}

/// One thing on the paper. Later marks lie over earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    /// A filled rectangle.
    Box { corner: Point, width: f64, height: f64, ink: Ink },
    /// Open lines, one per run of points; nothing joins one run to the next.
    Lines { runs: Vec<Vec<Point>>, ink: Ink, width: f64 },
    /// Filled outlines.
    Areas { outlines: Vec<Vec<Point>>, ink: Ink, opacity: f64 },
    /// Round dots.
    Dots { centres: Vec<Point>, ink: Ink, radius: f64 },
    /// One line of text on its base line.
    Text { at: Point, text: String, style: TextStyle },
    /// A strong name and a weak remark behind it, on one base line.
    Caption { at: Point, name: String, remark: String },
    /// A heat map stretched over a rectangle.
    Heat { corner: Point, width: f64, height: f64, map: HeatMap },
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TextStyle {
    pub(super) size: f64,
    pub(super) ink: Ink,
    pub(super) anchor: Anchor,
    pub(super) bold: bool,
}

/// Which end of a text its position means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl TextStyle {
    pub(super) const LABEL: Self = Self { size: 12.0, ink: Ink::Text, anchor: Anchor::Start, bold: false };
    pub(super) const NAME: Self = Self { bold: true, ..Self::LABEL };
    pub(super) const REMARK: Self = Self { ink: Ink::Muted, ..Self::LABEL };
    pub(super) const TICK: Self = Self { size: 11.5, ink: Ink::Muted, anchor: Anchor::Middle, bold: false };

    pub(super) fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub(super) fn inked(self, ink: Ink) -> Self {
        Self { ink, ..self }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// About how wide a text will be: fonts differ, so this is a little more than most need.
    pub(super) fn width_of(self, text: &str) -> f64 {
        text.chars().count() as f64 * self.size * if self.bold { 0.7 } else { 0.6 }
    }
}

/// True when a heat map has fewer columns than pixels to fill, so that smoothing would invent cells between the real ones.
pub(super) fn has_coarse_columns(map: &HeatMap, width: f64) -> bool {
    (map.n_columns as f64) < width
}
