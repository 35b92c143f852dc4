//! The frame that every picture shares: a title, captions and legends, panels below each other, axes with units.

use consumer_support::picture::{Anchor, Colour, Drawing, Mark, Point, Scale, TextStyle};

use super::Layout;
use super::axis::Axis;
use super::legend::{Entry, SAMPLE_WIDTH};
use super::text::{shorten, width_of, wrap};

const TITLE_HEIGHT: f64 = 34.0;
const ROW: f64 = 18.0;
/// The left end of captions and legends.
const INDENT: f64 = 4.0;

/// A drawing in the making, from top to bottom.
#[derive(Debug)]
pub(super) struct Canvas {
    pub(super) layout: Layout,
    pub(super) left: f64,
    pub(super) right: f64,
    y: f64,
    title: String,
    marks: Vec<Mark>,
}

/// The rectangle of one panel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Panel {
    /// The vertical scale of the panel, with room for marks at the top and a little below.
    pub(super) fn scale(&self, range: std::ops::RangeInclusive<f64>) -> Scale {
        Scale::new(range, self.top + 8.0, self.bottom - 3.0)
    }
}

impl Canvas {
    pub(super) fn new(layout: Layout, title: &str) -> Self {
        let (left, right) = (layout.pick(66.0, 54.0), layout.width() - layout.pick(20.0, 12.0));
        let mut canvas = Self { layout, left, right, y: TITLE_HEIGHT, title: title.to_owned(), marks: Vec::new() };
        let style = TextStyle { size: layout.pick(17.0, 15.0), ..TextStyle::LABEL.bold() };
        canvas.text((INDENT, 22.0), shorten(title, style, layout.width() - 2.0 * INDENT), style);
        canvas
    }

    pub(super) fn push(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    pub(super) fn text(&mut self, at: Point, text: impl Into<String>, style: TextStyle) {
        self.push(Mark::Text { at, text: text.into(), style });
    }

    /// What a panel shows: a name, and a remark behind it, or in rows below it where there is no room.
    pub(super) fn caption(&mut self, name: &str, remark: &str) {
        let room = self.right - INDENT;
        let name = shorten(name, TextStyle::NAME, room);
        let fits_behind = width_of(&name, TextStyle::NAME) + 8.0 + width_of(remark, TextStyle::REMARK) <= room;
        let behind = if fits_behind { remark } else { "" };
        let at = (INDENT, self.row());
        self.push(Mark::Caption { at, name, remark: behind.to_owned() });
        if !fits_behind {
            self.remark(remark);
        }
    }

    /// Weak text in as many rows as it needs.
    pub(super) fn remark(&mut self, text: &str) {
        for line in wrap(text, TextStyle::REMARK, self.right - INDENT) {
            let at = (INDENT, self.row());
            self.text(at, line, TextStyle::REMARK);
        }
    }

    /// What the kinds of lines mean, side by side as far as there is room.
    pub(super) fn legend(&mut self, entries: &[Entry<'_>]) {
        let most = self.right - INDENT - SAMPLE_WIDTH - 6.0;
        let (mut x, mut base) = (INDENT, self.row());
        for entry in entries {
            let label = shorten(entry.label, TextStyle::LABEL, most);
            let width = SAMPLE_WIDTH + 6.0 + width_of(&label, TextStyle::LABEL);
            if x > INDENT && x + width > self.right {
                (x, base) = (INDENT, self.row());
            }
            self.marks.extend(entry.sample((x, base)));
            self.text((x + SAMPLE_WIDTH + 6.0, base), label, TextStyle::LABEL);
            x += width + 14.0;
        }
        self.y += 5.0;
    }

    /// An empty panel of this height, with the upright lines of the axis.
    pub(super) fn panel(&mut self, height: f64, axis: Option<&Axis>) -> Panel {
        // Keeps the rows above clear of the labels at the top of the panel.
        self.y += 5.0;
        let panel = Panel { left: self.left, right: self.right, top: self.y, bottom: self.y + height };
        self.y = panel.bottom + 10.0;
        let width = panel.right - panel.left;
        self.push(Mark::Box { corner: (panel.left, panel.top), width, height, colour: Colour::Panel });
        let upright = |(x, _): (f64, String)| vec![(x, panel.top), (x, panel.bottom)];
        let runs = axis.map_or(Vec::new(), |axis| axis.ticks(self.tick_spacing())).into_iter().map(upright).collect();
        self.push(Mark::Lines { runs, colour: Colour::Grid, width: 1.0 });
        panel
    }

    /// Level lines and their values at the left edge.
    pub(super) fn value_axis(&mut self, panel: Panel, scale: &Scale, count: usize) {
        let ticks = scale.ticks(count);
        let level = |(value, _): &(f64, String)| vec![(panel.left, scale.y(*value)), (panel.right, scale.y(*value))];
        self.push(Mark::Lines { runs: ticks.iter().map(level).collect(), colour: Colour::Grid, width: 1.0 });
        let style = TextStyle::TICK.anchored(Anchor::End);
        for (value, label) in ticks {
            // A value too long for the margin, such as -1.5e-100, goes without a label: its line stays.
            if width_of(&label, style) <= panel.left - 6.0 {
                self.text((panel.left - 6.0, scale.y(value) + 4.0), label, style);
            }
        }
    }

    /// Short upright lines at the top of a panel.
    pub(super) fn mark_top(&mut self, panel: Panel, entry: &Entry<'_>, pixels: &[f64]) {
        let ticks = pixels.iter().map(|x| vec![(*x, panel.top), (*x, panel.top + 8.0)]).collect();
        self.push(entry.lines(ticks));
    }

    /// Writes why there is nothing to see in the middle of the panel.
    pub(super) fn message(&mut self, panel: Panel, text: &str) {
        let style = TextStyle::LABEL.coloured(Colour::Muted).anchored(Anchor::Middle);
        let lines = wrap(text, style, panel.right - panel.left - 8.0);
        let (middle, first) = (f64::midpoint(panel.left, panel.right), f64::midpoint(panel.top, panel.bottom) + 4.0);
        let above = (lines.len().saturating_sub(1)) as f64 * 8.0;
        for (idx, line) in lines.into_iter().enumerate() {
            self.text((middle, first - above + 16.0 * idx as f64), line, style);
        }
    }

    /// The values of the horizontal axis below the last panel, and its name with its unit.
    pub(super) fn axis(&mut self, axis: Option<&Axis>, name: &str) {
        let ticks = axis.map_or(Vec::new(), |axis| axis.ticks(self.tick_spacing()));
        self.axis_with(&ticks, name);
    }

    /// The same with labels of the caller's, from left to right; one that would touch the one before it is left out.
    pub(super) fn axis_with(&mut self, ticks: &[(f64, String)], name: &str) {
        let base = self.y - 10.0;
        let width = self.layout.width();
        let mut free_from = 0.0;
        for (x, label) in ticks {
            let half = width_of(label, TextStyle::TICK) / 2.0;
            // At the edges a label moves inwards, where another may already stand.
            let x = x.clamp(half, (width - half).max(half));
            if x - half >= free_from {
                self.text((x, base + 16.0), label.clone(), TextStyle::TICK);
                free_from = x + half + 4.0;
            }
        }
        let middle = f64::midpoint(self.left, self.right);
        let lines = wrap(name, TextStyle::TICK, self.right - self.left);
        for (idx, line) in lines.iter().enumerate() {
            self.text((middle, base + 33.0 + 15.0 * idx as f64), line.clone(), TextStyle::TICK);
        }
        self.y = base + 44.0 + 15.0 * (lines.len().max(1) - 1) as f64;
    }

    /// Closes the drawing.
    pub(super) fn finish(self, description: String) -> Drawing {
        Drawing {
            width: self.layout.width(),
            height: self.y,
            title_height: TITLE_HEIGHT,
            title: self.title,
            description,
            marks: self.marks,
        }
    }

    /// Adds one more row; returns its base line.
    fn row(&mut self) -> f64 {
        self.y += ROW;
        self.y - 5.0
    }

    fn tick_spacing(&self) -> f64 {
        self.layout.pick(84.0, 56.0)
    }
}
