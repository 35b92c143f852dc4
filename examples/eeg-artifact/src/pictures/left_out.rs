//! Which epochs were left out of the templates: a matrix of channels and epochs, and how many channels left each epoch out.

use std::ops::Range;

use consumer_support::picture::{Anchor, Colour, Drawing, Point, TextStyle};

use super::Layout;
use super::axis::{Axis, range_from_zero};
use super::canvas::{Canvas, Panel};
use super::legend::{Entry, Stroke, rectangle};
use super::text::{count, shorten, without_common_start};

/// More channels than this share rows.
const MOST_ROWS: usize = 96;
/// No more rectangles than this are drawn, in wide and in narrow pictures: where there would be more, each cell covers more epochs.
const MOST_RECTANGLES: (usize, usize) = (7000, 2500);
/// The least distance between the labels of two rows.
const LABEL_SPACING: f64 = 13.0;

const COUNTS: Entry<'_> = Entry { label: "", colour: Colour::Strong, stroke: Stroke::Area(0.6) };

/// The epochs that each channel left out of its templates.
///
/// ```
/// use eeg_artifact::pictures::{ChannelEpochs, Layout, LeftOutPicture};
///
/// let channel = ChannelEpochs { name: "Cz", left_out: &[false, true, false] };
/// let picture = LeftOutPicture { title: "Epochs left out", channels: vec![channel] };
/// assert!(picture.draw(Layout::Wide).to_svg().contains("1 of 3 (33.3 %)"));
/// ```
#[derive(Debug, Clone)]
pub struct LeftOutPicture<'a> {
    /// Above the picture.
    pub title: &'a str,
    /// From top to bottom.
    pub channels: Vec<ChannelEpochs<'a>>,
}

/// The epochs of one channel.
#[derive(Debug, Clone, Copy)]
pub struct ChannelEpochs<'a> {
    /// The channel's name.
    pub name: &'a str,
    /// For each epoch whether it is in no template. Where it is shorter than that of other channels, there is no such epoch.
    pub left_out: &'a [bool],
}

impl LeftOutPicture<'_> {
    /// Draws the picture. Time grows with channels times epochs, the size of the drawing does not.
    pub fn draw(&self, layout: Layout) -> Drawing {
        let mut canvas = Canvas::new(layout, self.title);
        let n_epochs = self.n_epochs();
        let axis = Axis::new(0.5..=n_epochs as f64 + 0.5, canvas.left, canvas.right).filter(|_| n_epochs > 0);
        self.draw_matrix(&mut canvas, axis.as_ref());
        self.draw_counts(&mut canvas, axis.as_ref());
        let ticks = axis.map_or(Vec::new(), |axis| epoch_ticks(&axis, n_epochs, layout.pick(84.0, 56.0)));
        canvas.axis_with(&ticks, "epoch, from 1");
        canvas.finish(format!("Epochs left out of templates: {}.", self.told()))
    }

    fn n_epochs(&self) -> usize {
        self.channels.iter().map(|channel| channel.left_out.len()).max().unwrap_or(0)
    }

    fn told(&self) -> String {
        let n_all: usize = self.channels.iter().map(|channel| channel.left_out.len()).sum();
        let n_out: usize = self.channels.iter().map(ChannelEpochs::n_left_out).sum();
        if n_all == 0 {
            return "no data: there are no epochs".to_owned();
        }
        let share = 100.0 * n_out as f64 / n_all as f64;
        let of = format!("{} and {}", count(self.channels.len(), "channel"), count(self.n_epochs(), "epoch"));
        format!("{n_out} of {n_all} ({share:.1} %), {of}")
    }

    fn draw_matrix(&self, canvas: &mut Canvas, axis: Option<&Axis>) {
        canvas.caption("Left out, per channel and epoch", &self.told());
        let Some(axis) = axis else {
            let panel = canvas.panel(60.0, None);
            canvas.message(panel, &self.told());
            return;
        };
        let most_rectangles = canvas.layout.pick(MOST_RECTANGLES.0, MOST_RECTANGLES.1);
        let grid = Grid::of(&self.channels, self.n_epochs(), most_columns(canvas), most_rectangles);
        grid.draw_legend(canvas);
        let row_height = (canvas.layout.pick(384.0, 300.0) / grid.n_rows as f64).clamp(3.0, 16.0);
        let panel = canvas.panel((row_height * grid.n_rows as f64).max(16.0), None);
        self.label_rows(canvas, panel, row_height, grid.n_rows);
        grid.draw(canvas, axis, panel, row_height);
    }

    /// As many names as stand clear of each other.
    fn label_rows(&self, canvas: &mut Canvas, panel: Panel, row_height: f64, n_rows: usize) {
        let names: Vec<&str> = self.channels.iter().map(|channel| channel.name).collect();
        let names = without_common_start(&names);
        let step = (LABEL_SPACING / row_height).ceil().max(1.0) as usize;
        let style = TextStyle::TICK.anchored(Anchor::End);
        for row in (0..n_rows).step_by(step) {
            let y = panel.top + (row as f64 + 0.5) * row_height + 4.0;
            let name = names[part(row, n_rows, names.len()).start];
            canvas.text((panel.left - 6.0, y), shorten(name, style, panel.left - 14.0), style);
        }
    }

    fn draw_counts(&self, canvas: &mut Canvas, axis: Option<&Axis>) {
        let is_split = self.n_epochs() > most_columns(canvas);
        let remark = if is_split { "% of the channels, the largest of neighbours" } else { "% of the channels" };
        canvas.caption("Channels that left an epoch out", remark);
        let panel = canvas.panel(canvas.layout.pick(72.0, 60.0), None);
        let shares = self.shares();
        let (Some(axis), Some(range)) = (axis, range_from_zero(shares.iter().copied())) else {
            canvas.message(
                panel,
                if shares.is_empty() { "no data: there are no epochs" } else { "no epoch was left out" },
            );
            return;
        };
        let scale = panel.scale(range);
        canvas.value_axis(panel, &scale, 3);
        let bars = bars(&shares, most_columns(canvas)).into_iter().map(|(epochs, share)| {
            let (left, right) = (axis.x(0.5 + epochs.start as f64), axis.x(0.5 + epochs.end as f64));
            rectangle((left, scale.y(share)), (right - left).max(0.5), scale.y(0.0) - scale.y(share))
        });
        canvas.push(COUNTS.area(bars.collect()));
    }

    /// Per epoch the percentage of the channels that left it out.
    fn shares(&self) -> Vec<f64> {
        let mut counts = vec![(0_usize, 0_usize); self.n_epochs()];
        for channel in &self.channels {
            for (counts, is_out) in counts.iter_mut().zip(channel.left_out) {
                *counts = (counts.0 + usize::from(*is_out), counts.1 + 1);
            }
        }
        counts.into_iter().map(|(n_out, n_all)| 100.0 * n_out as f64 / n_all as f64).collect()
    }
}

impl ChannelEpochs<'_> {
    fn n_left_out(&self) -> usize {
        self.left_out.iter().filter(|is_out| **is_out).count()
    }
}

/// The matrix in as many cells as can be drawn.
#[derive(Debug)]
struct Grid {
    n_rows: usize,
    n_columns: usize,
    /// How many channels and how many epochs a cell covers at most.
    cell: (usize, usize),
    n_epochs: usize,
    rectangles: Vec<Rectangle>,
}

/// Neighbouring cells of one row with the same share: from a first column to before an end column.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rectangle {
    row: usize,
    columns: (usize, usize),
    level: usize,
}

/// The shades of a cell by the share of its epochs that were left out.
const SHADES: [Entry<'_>; 4] = [
    Entry { label: "up to 5 %", colour: Colour::Strong, stroke: Stroke::Area(0.2) },
    Entry { label: "to 20 %", colour: Colour::Strong, stroke: Stroke::Area(0.45) },
    Entry { label: "to 50 %", colour: Colour::Strong, stroke: Stroke::Area(0.7) },
    Entry { label: "more", colour: Colour::Strong, stroke: Stroke::Area(1.0) },
];

/// The largest share of each shade but the last.
const SHADE_ENDS: [f64; 3] = [0.05, 0.2, 0.5];

impl Grid {
    /// With two thirds of the columns until there are few enough rectangles.
    fn of(channels: &[ChannelEpochs<'_>], n_epochs: usize, most_columns: usize, most_rectangles: usize) -> Self {
        let n_rows = channels.len().min(MOST_ROWS);
        let mut n_columns = n_epochs.min(most_columns).max(1);
        loop {
            let rectangles = rectangles(channels, n_epochs, n_rows, n_columns);
            if rectangles.len() <= most_rectangles || n_columns <= 1 {
                let cell = (channels.len().div_ceil(n_rows), n_epochs.div_ceil(n_columns));
                return Self { n_rows, n_columns, cell, n_epochs, rectangles };
            }
            n_columns = n_columns * 2 / 3;
        }
    }

    fn draw_legend(&self, canvas: &mut Canvas) {
        if self.cell == (1, 1) {
            canvas.legend(&[Entry { label: "left out", ..SHADES[3] }]);
            return;
        }
        let (n_channels, n_epochs) = self.cell;
        let size = format!("{} by {}", count(n_channels, "channel"), count(n_epochs, "epoch"));
        canvas.remark(&format!("A cell covers up to {size}; its shade is the share that was left out:"));
        canvas.legend(&SHADES);
    }

    fn draw(&self, canvas: &mut Canvas, axis: &Axis, panel: Panel, row_height: f64) {
        // Rows of more than a few pixels are told apart by a thin line of the background.
        let height = if row_height >= 5.0 { row_height - 1.0 } else { row_height };
        let x = |column: usize| axis.x(0.5 + part(column, self.n_columns, self.n_epochs).start as f64);
        let outline = |cells: &Rectangle| -> Vec<Point> {
            let (left, right) = (x(cells.columns.0), x(cells.columns.1));
            rectangle((left, panel.top + cells.row as f64 * row_height), (right - left).max(0.5), height)
        };
        for (idx, shade) in SHADES.iter().enumerate() {
            let cells = self.rectangles.iter().filter(|cells| cells.level == idx + 1);
            canvas.push(shade.area(cells.map(outline).collect()));
        }
    }
}

fn rectangles(channels: &[ChannelEpochs<'_>], n_epochs: usize, n_rows: usize, n_columns: usize) -> Vec<Rectangle> {
    let mut found: Vec<Rectangle> = Vec::new();
    for row in 0..n_rows {
        let rows = &channels[part(row, n_rows, channels.len())];
        for column in 0..n_columns {
            let level = level(rows, part(column, n_columns, n_epochs));
            match found.last_mut() {
                Some(last) if last.row == row && last.level == level && last.columns.1 == column => last.columns.1 += 1,
                _ if level > 0 => found.push(Rectangle { row, columns: (column, column + 1), level }),
                _ => {}
            }
        }
    }
    found
}

/// 0 where nothing was left out, else 1 to 4 by the share.
fn level(channels: &[ChannelEpochs<'_>], epochs: Range<usize>) -> usize {
    let parts = channels.iter().map(|channel| {
        let end = epochs.end.min(channel.left_out.len());
        &channel.left_out[epochs.start.min(end)..end]
    });
    let (n_out, n_all) = parts.fold((0, 0), |(n_out, n_all), part| {
        (n_out + part.iter().filter(|is_out| **is_out).count(), n_all + part.len())
    });
    let share = n_out as f64 / n_all as f64;
    if n_out == 0 { 0 } else { 1 + SHADE_ENDS.iter().filter(|end| share > **end).count() }
}

/// A column takes two pixels or more.
fn most_columns(canvas: &Canvas) -> usize {
    ((canvas.right - canvas.left) / 2.0) as usize
}

/// The largest share in each column, neighbours of one height as one, without those of zero.
fn bars(shares: &[f64], most_columns: usize) -> Vec<(Range<usize>, f64)> {
    let n_columns = shares.len().min(most_columns);
    let mut bars: Vec<(Range<usize>, f64)> = Vec::new();
    for column in 0..n_columns {
        let epochs = part(column, n_columns, shares.len());
        let share = shares[epochs.clone()].iter().copied().fold(0.0, f64::max);
        match bars.last_mut() {
            Some((last, height)) if *height == share && last.end == epochs.start => last.end = epochs.end,
            _ if share > 0.0 => bars.push((epochs, share)),
            _ => {}
        }
    }
    bars
}

/// The part with this index when so many items are split into so many parts.
fn part(idx: usize, n_parts: usize, n_items: usize) -> Range<usize> {
    idx * n_items / n_parts..(idx + 1) * n_items / n_parts
}

/// Round numbers of epochs, `spacing` pixels or more apart.
fn epoch_ticks(axis: &Axis, n_epochs: usize, spacing: f64) -> Vec<(f64, String)> {
    let least = spacing / axis.pixels_per_unit();
    let powers = std::iter::successors(Some(1_usize), |power| power.checked_mul(10));
    let mut steps = powers.flat_map(|power| [1, 2, 5].map(|digit| power.saturating_mul(digit)));
    let step = steps.find(|step| *step as f64 - 1.0 >= least || *step == 1 && least <= 1.0).unwrap_or(n_epochs).max(1);
    // The first label is 1, then come multiples of the step.
    let numbers = (0..=n_epochs / step).map(|idx| (idx * step).max(1)).skip(usize::from(step == 1));
    numbers.map(|number| (axis.x(number as f64), number.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_level_are_one_rectangle() {
        let left_out = [true, true, false, true];
        let channels = [ChannelEpochs { name: "Cz", left_out: &left_out }];
        let grid = Grid::of(&channels, 4, 100, 100);
        let columns: Vec<(usize, usize)> = grid.rectangles.iter().map(|cells| cells.columns).collect();
        assert_eq!((columns, grid.cell), (vec![(0, 2), (3, 4)], (1, 1)));
    }

    #[test]
    fn a_bar_is_as_high_as_the_highest_of_its_column() {
        assert_eq!(bars(&[50.0, 50.0, 0.0, 25.0], 4), [(0..2, 50.0), (3..4, 25.0)]);
        assert_eq!(bars(&[0.0, 50.0, 0.0, 25.0], 2), [(0..2, 50.0), (2..4, 25.0)]);
    }

    #[test]
    fn the_worst_pattern_stays_within_the_bound() {
        let alternating: Vec<bool> = (0..6000).map(|idx| idx % 2 == 0).collect();
        let random: Vec<bool> = (0_u32..6000).map(|idx| idx.wrapping_mul(2_654_435_761) >> 30 == 0).collect();
        for left_out in [alternating, random] {
            let channels = vec![ChannelEpochs { name: "Cz", left_out: &left_out }; 300];
            let grid = Grid::of(&channels, 6000, 500, 2500);
            assert!(grid.rectangles.len() <= 2500 && !grid.rectangles.is_empty());
        }
    }

    #[test]
    fn a_level_follows_the_share() {
        let channels = |left_out: &'static [bool]| [ChannelEpochs { name: "Cz", left_out }];
        let levels = [&[false; 3][..], &[true, false, false], &[true, true, false], &[true; 3]];
        assert_eq!(levels.map(|left_out| level(&channels(left_out), 0..3)), [0, 3, 4, 4]);
        assert_eq!(level(&channels(&[true]), 5..9), 0);
    }
}
