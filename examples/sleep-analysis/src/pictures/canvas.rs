//! The frame that every picture shares: a title, panels below each other, and one clock axis under them all.

use std::rc::Rc;

use consumer_support::picture::{Anchor, Colour, Drawing, Mark, Point, Scale, TextStyle};

use super::clock::{date_and_time, span_text};
use super::timeline::Timeline;
use super::{EpochTimes, Layout};
use crate::SleepResult;

const TITLE_HEIGHT: f64 = 34.0;
const ROW: f64 = 18.0;

/// A drawing in the making, from top to bottom.
#[derive(Debug)]
pub(super) struct Canvas {
    pub(super) layout: Layout,
    /// `None` without epochs. Shared, so that a panel can read it while it adds marks.
    pub(super) timeline: Option<Rc<Timeline>>,
    left: f64,
    right: f64,
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
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

impl Layout {
    fn width(self) -> f64 {
        self.pick(1120.0, 356.0)
    }

    /// The one that belongs to this layout.
    pub(super) fn pick<T>(self, wide: T, narrow: T) -> T {
        match self {
            Self::Wide => wide,
            Self::Narrow => narrow,
        }
    }
}

impl Canvas {
    pub(super) fn new(layout: Layout, title: &str, epochs: &EpochTimes<'_>) -> SleepResult<Self> {
        let (left, right) = (layout.pick(52.0, 44.0), layout.width() - layout.pick(118.0, 8.0));
        let timeline = epochs.place(left, right)?.map(Rc::new);
        let mut canvas =
            Self { layout, timeline, left, right, y: TITLE_HEIGHT, title: title.to_owned(), marks: Vec::new() };
        let style = TextStyle { size: layout.pick(17.0, 15.0), ..TextStyle::LABEL.bold() };
        let text = shorten(title, style, layout.width() - 8.0);
        canvas.text((4.0, 22.0), text, style);
        Ok(canvas)
    }

    pub(super) fn push(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    pub(super) fn text(&mut self, at: Point, text: impl Into<String>, style: TextStyle) {
        self.push(Mark::Text { at, text: text.into(), style });
    }

    /// What a panel shows: a name, and a remark behind it, or below it where there is no room.
    pub(super) fn caption(&mut self, name: &str, remark: &str) {
        let room = self.right - 4.0;
        let name = shorten(name, TextStyle::NAME, room);
        let fits_behind = TextStyle::NAME.width_of(&name) + 8.0 + TextStyle::REMARK.width_of(remark) <= room;
        let behind = if fits_behind { remark } else { "" };
        let at = (4.0, self.row());
        self.push(Mark::Caption { at, name, remark: behind.to_owned() });
        if !fits_behind {
            let at = (4.0, self.row());
            self.text(at, shorten(remark, TextStyle::REMARK, room), TextStyle::REMARK);
        }
        self.clear_rows();
    }

    /// Adds one more row above the next panel; returns its base line.
    pub(super) fn row(&mut self) -> f64 {
        self.y += ROW;
        self.y - 5.0
    }

    /// Keeps the rows above clear of the labels at the top of the next panel.
    pub(super) fn clear_rows(&mut self) {
        self.y += 5.0;
    }

    /// An empty panel of this height, with the lines of the clock.
    pub(super) fn panel(&mut self, height: f64) -> Panel {
        let panel = Panel { left: self.left, right: self.right, top: self.y, bottom: self.y + height };
        self.y += height + 12.0;
        self.push(Mark::Box { corner: (panel.left, panel.top), width: panel.width(), height, colour: Colour::Panel });
        let lines = self.tick_places().into_iter().map(|(x, _)| vec![(x, panel.top), (x, panel.bottom)]).collect();
        self.push(Mark::Lines { runs: lines, colour: Colour::Grid, width: 1.0 });
        panel
    }

    /// Level lines and their values at the left edge.
    pub(super) fn value_axis(&mut self, panel: Panel, scale: &Scale, count: usize) {
        let ticks = scale.ticks(count);
        let lines = ticks
            .iter()
            .map(|(value, _)| vec![(panel.left, scale.y(*value)), (panel.right, scale.y(*value))])
            .collect();
        self.push(Mark::Lines { runs: lines, colour: Colour::Grid, width: 1.0 });
        self.value_labels(panel, scale, count);
    }

    /// The values at the left edge alone.
    pub(super) fn value_labels(&mut self, panel: Panel, scale: &Scale, count: usize) {
        for (value, label) in scale.ticks(count) {
            self.text((panel.left - 6.0, scale.y(value) + 4.0), label, TextStyle::TICK.anchored(Anchor::End));
        }
    }

    /// Writes `no data` in the middle of the panel.
    pub(super) fn no_data(&mut self, panel: Panel) {
        let middle = ((panel.left + panel.right) / 2.0, (panel.top + panel.bottom) / 2.0 + 4.0);
        self.text(middle, "no data", TextStyle::LABEL.coloured(Colour::Muted).anchored(Anchor::Middle));
    }

    /// A remark to the right of a panel, where the layout has room for one.
    pub(super) fn margin_text(&mut self, panel: Panel, y: f64, text: String, style: TextStyle) {
        if self.layout == Layout::Wide {
            self.text((panel.right + 10.0, y), text, style);
        }
    }

    /// Puts the clock below the panels and closes the drawing.
    pub(super) fn finish(mut self, description: String) -> Drawing {
        let width = self.layout.width();
        let base = self.y - 12.0;
        let mut free_from = 0.0;
        for (x, label) in self.tick_places() {
            let half = TextStyle::TICK.width_of(&label) / 2.0;
            let x = x.clamp(half, width - half);
            // At the edges a label moves inwards, where another may already stand.
            if x - half >= free_from {
                self.text((x, base + 16.0), label, TextStyle::TICK);
                free_from = x + half;
            }
        }
        let text = self.timeline.as_ref().map_or("no epochs".to_owned(), |timeline| span_line(timeline, self.layout));
        self.text(((self.left + self.right) / 2.0, base + 34.0), text, TextStyle::TICK);
        Drawing {
            width,
            height: base + 44.0,
            title_height: TITLE_HEIGHT,
            title: self.title,
            description,
            marks: self.marks,
        }
    }

    fn tick_places(&self) -> Vec<(f64, String)> {
        let ticks = self.timeline.as_ref().map_or(Vec::new(), |timeline| timeline.ticks(self.layout.pick(92.0, 76.0)));
        ticks.into_iter().map(|(x, tick)| (x, tick.label)).collect()
    }
}

/// A text that fits into a width, its end cut off where it must be.
pub(super) fn shorten(text: &str, style: TextStyle, width: f64) -> String {
    if style.width_of(text) <= width {
        return text.to_owned();
    }
    let fits = (width / style.width_of("n")) as usize;
    text.chars().take(fits.saturating_sub(1)).chain(std::iter::once('\u{2026}')).collect()
}

fn span_line(timeline: &Timeline, layout: Layout) -> String {
    let (start, end) = (date_and_time(timeline.start_ns), date_and_time(timeline.end_ns));
    match layout {
        Layout::Wide => {
            format!("clock time (UTC), {start} to {end}, {}", span_text(timeline.end_ns - timeline.start_ns))
        }
        Layout::Narrow => format!("UTC, {start} to {end}"),
    }
}
