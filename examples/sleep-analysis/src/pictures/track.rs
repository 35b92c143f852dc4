//! One feature over the night as a panel: a line or a filled curve, a band of plus and minus one spread, and gaps that stay blank.

use consumer_support::picture::{
    Colour, Mark, Point, Scale, TextStyle, extremes, is_drawable, median, round_range, short_number,
};

use super::canvas::{Canvas, Panel};
use super::timeline::{Timeline, drawable, sloped_outline, thin_line};
use crate::{SleepError, SleepResult};

/// Up to this many epochs each gets a dot of its own.
const FEW_EPOCHS: usize = 60;

/// One feature over the night.
///
/// ```
/// use sleep_analysis::pictures::Track;
///
/// let rate = Track::line("Heart rate", "beats/min", &[52.0, f64::NAN, 55.0]).with_spread(&[2.0, f64::NAN, 3.0]);
/// assert_eq!(rate.values.len(), rate.spread.unwrap().len());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Track<'a> {
    /// What it is, such as `Heart rate`.
    pub label: &'a str,
    /// Its unit, such as `beats/min`; empty for a pure number.
    pub unit: &'a str,
    /// One value per epoch. NaN and infinities are gaps, and so are magnitudes of 1e150 and above.
    pub values: &'a [f64],
    /// The standard deviation within each epoch, drawn as a band around the line.
    pub spread: Option<&'a [f64]>,
    /// How it is drawn.
    pub shape: TrackShape,
    /// Its colour, so that a feature looks the same in every picture; `None` goes by its place in the picture.
    pub colour: Option<TrackColour>,
}

/// How a track is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackShape {
    /// A line; the scale spans the values.
    Line,
    /// Filled down to zero, for amounts such as activity; the scale includes zero.
    Filled,
}

/// The colour of a track, from a palette that colour-blind readers can tell apart, light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackColour {
    /// Blue.
    Blue,
    /// Red.
    Red,
    /// Green.
    Green,
    /// Purple.
    Purple,
}

impl<'a> Track<'a> {
    /// A line over `values`, one per epoch.
    #[must_use]
    pub fn line(label: &'a str, unit: &'a str, values: &'a [f64]) -> Self {
        Self { label, unit, values, spread: None, shape: TrackShape::Line, colour: None }
    }

    /// A curve over `values`, one per epoch, filled down to zero.
    #[must_use]
    pub fn filled(label: &'a str, unit: &'a str, values: &'a [f64]) -> Self {
        Self { shape: TrackShape::Filled, ..Self::line(label, unit, values) }
    }

    /// The same with a band of plus and minus `spread`, one per epoch.
    #[must_use]
    pub fn with_spread(self, spread: &'a [f64]) -> Self {
        Self { spread: Some(spread), ..self }
    }

    /// The same in this colour.
    #[must_use]
    pub fn coloured(self, colour: TrackColour) -> Self {
        Self { colour: Some(colour), ..self }
    }

    pub(super) fn check(&self, n_epochs: usize) -> SleepResult<()> {
        let spread_len = self.spread.map_or(n_epochs, <[f64]>::len);
        [self.values.len(), spread_len].into_iter().try_for_each(|len| check_length(self.label, len, n_epochs))
    }

    /// One clause for the description of a picture.
    pub(super) fn describe(&self) -> String {
        let values = || self.values.iter().copied();
        match (median(values()), extremes(values())) {
            (Some(middle), Some((low, high))) => format!(
                "{}: median {}, from {} to {} {}",
                self.label,
                short_number(middle),
                short_number(low),
                short_number(high),
                self.unit
            )
            .trim_end()
            .to_owned(),
            _ => format!("{}: no data", self.label),
        }
    }

    /// Draws the panel of the track in the `idx`-th place of its picture.
    pub(super) fn draw(&self, canvas: &mut Canvas, idx: usize) {
        let colour = Colour::Series(self.colour.map_or(idx, |colour| colour as usize));
        let remark =
            if self.spread.is_some() { format!("{}, mean and \u{b1}1 SD", self.unit) } else { self.unit.to_owned() };
        canvas.caption(self.label, remark.trim_start_matches(", "));
        let panel = canvas.panel(canvas.layout.pick(88.0, 74.0));
        match (round_range(self.heights()), canvas.timeline.clone()) {
            (Some(range), Some(timeline)) => {
                let scale = Scale::new(range, panel.top + 4.0, panel.bottom - 3.0);
                canvas.value_axis(panel, &scale, 4);
                self.draw_values(canvas, &timeline, &scale, colour);
                self.note_median(canvas, panel);
            }
            _ => canvas.no_data(panel),
        }
    }

    /// Every height that the panel must hold; none when there is no value at all.
    fn heights(&self) -> impl Iterator<Item = f64> {
        let zero =
            (self.shape == TrackShape::Filled && self.values.iter().any(|value| is_drawable(*value))).then_some(0.0);
        let edges = (0..self.values.len()).filter_map(|idx| self.edges(idx)).flat_map(|(low, high)| [low, high]);
        self.values.iter().copied().chain(edges).chain(zero)
    }

    /// The value less and plus its spread.
    fn edges(&self, idx: usize) -> Option<(f64, f64)> {
        let (value, spread) = (drawable(self.values, idx)?, drawable(self.spread?, idx)?);
        Some((value - spread, value + spread))
    }

    fn draw_values(&self, canvas: &mut Canvas, timeline: &Timeline, scale: &Scale, colour: Colour) {
        let bands = timeline.runs(|idx| self.edges(idx).map(|(low, high)| (scale.y(low), scale.y(high))));
        canvas.push(Mark::Areas {
            outlines: bands.iter().map(|run| sloped_outline(run)).collect(),
            colour,
            opacity: 0.25,
        });
        if self.shape == TrackShape::Filled {
            let fills = timeline.runs(|idx| drawable(self.values, idx).map(|value| (scale.y(0.0), scale.y(value))));
            canvas.push(Mark::Areas {
                outlines: fills.iter().map(|run| sloped_outline(run)).collect(),
                colour,
                opacity: 0.3,
            });
        }
        let runs = timeline.runs(|idx| drawable(self.values, idx).map(|value| scale.y(value)));
        let points: Vec<Vec<Point>> =
            runs.iter().map(|run| run.iter().map(|(cell, y)| (cell.middle, *y)).collect()).collect();
        let has_dot = |run: &&Vec<Point>| run.len() == 1 || self.values.len() <= FEW_EPOCHS;
        let centres = points.iter().filter(has_dot).flatten().copied().collect();
        let lines = points.iter().filter(|run| run.len() > 1).map(|run| thin_line(run)).collect();
        canvas.push(Mark::Lines { runs: lines, colour, width: 1.3 });
        canvas.push(Mark::Dots { centres, colour, radius: if self.values.len() <= FEW_EPOCHS { 2.5 } else { 1.2 } });
    }

    fn note_median(&self, canvas: &mut Canvas, panel: Panel) {
        let Some(middle) = median(self.values.iter().copied()) else { return };
        let y = (panel.top + panel.bottom) / 2.0;
        canvas.margin_text(panel, y - 3.0, "median".to_owned(), TextStyle::LABEL.coloured(Colour::Muted));
        canvas.margin_text(panel, y + 13.0, short_number(middle), TextStyle::LABEL.bold());
    }
}

/// Refuses a list that has not one entry per epoch.
pub(super) fn check_length(label: &str, len: usize, n_epochs: usize) -> SleepResult<()> {
    if len == n_epochs {
        return Ok(());
    }
    Err(SleepError::Config(format!(
        "{label:?} has {len} values for {n_epochs} epochs; give one per epoch, NaN where there is none"
    )))
}
