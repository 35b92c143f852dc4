//! The triggers over time: how far each was moved, and how far it lies from the next one.

use consumer_support::picture::{Colour, Drawing, Mark, is_drawable, median};

use super::Layout;
use super::axis::{Axis, value_range};
use super::canvas::Canvas;
use super::content::{Content, signed};
use super::legend::{Entry, Stroke};
use super::reduction::{area, column_means};
use super::text::count;

/// Triggers that are this close, in pixels, are drawn as an area.
const DOT_SPACING: f64 = 1.5;

const DOT: Entry<'_> = Entry { label: "one trigger", colour: Colour::Series(0), stroke: Stroke::Dot };
const SPAN: Entry<'_> =
    Entry { label: "smallest to largest of neighbours", colour: Colour::Series(0), stroke: Stroke::Area(0.3) };
const MEAN: Entry<'_> = Entry { label: "their mean", colour: Colour::Series(0), stroke: Stroke::Line(1.5) };
const GAP: Entry<'_> = Entry { label: "gap after this trigger", colour: Colour::Accent, stroke: Stroke::Tick };

/// Triggers, their shifts and their distances.
///
/// ```
/// use eeg_artifact::pictures::{Layout, TriggerPicture};
///
/// let picture = TriggerPicture {
///     title: "Triggers",
///     sfreq: 250.0,
///     samples: &[0, 500, 1001, 2500],
///     shifts: &[0.0, 0.25, 1.0, -0.5],
///     gaps: &[2],
/// };
/// let svg = picture.draw(Layout::Wide).to_svg();
/// assert!(svg.contains("\u{2212}0.5 to 1 samples") && svg.contains("500 to 501 samples"));
/// ```
#[derive(Debug, Clone)]
pub struct TriggerPicture<'a> {
    /// Above the picture.
    pub title: &'a str,
    /// Samples per second.
    pub sfreq: f64,
    /// Where the triggers are, as sample indices from 0, in order.
    pub samples: &'a [i64],
    /// How far each was moved by alignment, in samples, with fractions; empty where no step moved any.
    pub shifts: &'a [f64],
    /// The indices of the triggers after which there is a gap, rising. Their distances to the next one are not drawn, and they are not
    /// marked where they would be too close to be told apart.
    pub gaps: &'a [usize],
}

impl TriggerPicture<'_> {
    /// Draws the picture. Its size does not grow beyond a few marks per column of pixels.
    pub fn draw(&self, layout: Layout) -> Drawing {
        let mut canvas = Canvas::new(layout, self.title);
        let axis = self.axis(&canvas);
        let gaps = axis.and_then(|axis| axis.marks(self.gap_starts_s())).filter(|gaps| !gaps.is_empty());
        let points = if self.are_dense(axis.as_ref()) { vec![SPAN, MEAN] } else { vec![DOT] };
        canvas.legend(&points.into_iter().chain(gaps.as_ref().map(|_| GAP)).collect::<Vec<_>>());
        let gaps = gaps.unwrap_or_default();
        canvas.caption("Shift of each trigger", &format!("{}; {}", self.shifts_told(), self.sample_length()));
        self.draw_panel(&mut canvas, axis.as_ref(), self.shifts, &self.shifts_told(), &gaps);
        let distances = self.distances();
        canvas.caption("Distance to the next trigger", &self.distances_told(&distances));
        self.draw_panel(&mut canvas, axis.as_ref(), &distances, &self.distances_told(&distances), &gaps);
        canvas.axis(axis.as_ref(), "time from the start of the recording, s");
        canvas.finish(format!(
            "{}. Shifts: {}. Distances: {}.",
            count(self.samples.len(), "trigger"),
            self.shifts_told(),
            self.distances_told(&distances)
        ))
    }

    fn axis(&self, canvas: &Canvas) -> Option<Axis> {
        let (first, last) = (self.samples.first()?, self.samples.last()?);
        // A single trigger stands in the middle of two seconds.
        let spare = if first == last { 1.0 } else { 0.0 };
        Axis::new(self.seconds(*first) - spare..=self.seconds(*last) + spare, canvas.left, canvas.right)
    }

    fn seconds(&self, sample: i64) -> f64 {
        sample as f64 / self.sfreq
    }

    fn are_dense(&self, axis: Option<&Axis>) -> bool {
        self.samples.len() as f64 * DOT_SPACING > axis.map_or(0.0, Axis::length)
    }

    fn draw_panel(&self, canvas: &mut Canvas, axis: Option<&Axis>, values: &[f64], told: &str, gaps: &[f64]) {
        let panel = canvas.panel(canvas.layout.pick(110.0, 92.0), axis);
        let range = value_range(values.iter().copied());
        let (Some(axis), Some(range)) = (axis, range.clone()) else {
            canvas.message(panel, if range.is_some() { "no data: the times have no span" } else { told });
            return;
        };
        let scale = panel.scale(range);
        canvas.value_axis(panel, &scale, 4);
        let n_values = values.len().min(self.samples.len());
        let x = |idx: usize| axis.x(self.seconds(self.samples[idx]));
        if self.are_dense(Some(axis)) {
            let y = |idx: usize| if is_drawable(values[idx]) { scale.y(values[idx]) } else { f64::NAN };
            canvas.push(SPAN.area(area(n_values, x, |idx| (y(idx), y(idx)))));
            canvas.push(MEAN.lines(vec![column_means(n_values, x, y)]));
        } else {
            let drawable = (0..n_values).filter(|idx| is_drawable(values[*idx]));
            let centres = drawable.map(|idx| (x(idx), scale.y(values[idx]))).collect();
            canvas.push(Mark::Dots { centres, colour: DOT.colour, radius: 2.0 });
        }
        canvas.mark_top(panel, &GAP, gaps);
    }

    fn gap_starts_s(&self) -> impl Iterator<Item = f64> {
        self.gaps.iter().filter_map(|idx| self.samples.get(*idx)).map(|sample| self.seconds(*sample))
    }

    /// The distance from each trigger to the next, NaN across a gap.
    fn distances(&self) -> Vec<f64> {
        let pairs = self.samples.windows(2).enumerate();
        let is_gap = |idx: &usize| self.gaps.binary_search(idx).is_ok();
        pairs.map(|(idx, pair)| if is_gap(&idx) { f64::NAN } else { pair[1] as f64 - pair[0] as f64 }).collect()
    }

    fn shifts_told(&self) -> String {
        match self.shifts {
            _ if self.samples.is_empty() => "no data: there are no triggers".to_owned(),
            [] => "no trigger was moved".to_owned(),
            shifts => Content::of(shifts.iter().copied()).describe("samples", "trigger"),
        }
    }

    /// Without gaps, which are told apart.
    fn distances_told(&self, distances: &[f64]) -> String {
        if self.samples.len() < 2 {
            return "no data: a distance needs two triggers".to_owned();
        }
        let within = Content::of(distances.iter().copied().filter(|distance| distance.is_finite()));
        let middle = median(distances.iter().copied())
            .map_or(String::new(), |middle| format!(", median {} ms", self.milliseconds(middle)));
        format!("{}{middle}{}", within.describe("samples", "distance"), self.gaps_told())
    }

    fn gaps_told(&self) -> String {
        let lengths = self.gaps.iter().filter_map(|idx| {
            Some(self.samples.get(idx.checked_add(1)?)?.checked_sub(*self.samples.get(*idx)?)? as f64)
        });
        match median(lengths) {
            Some(middle) => format!("; {} of {} ms (median)", count(self.gaps.len(), "gap"), self.milliseconds(middle)),
            None => String::new(),
        }
    }

    fn sample_length(&self) -> String {
        format!("1 sample is {} ms", self.milliseconds(1.0))
    }

    fn milliseconds(&self, samples: f64) -> String {
        signed(samples / self.sfreq * 1000.0)
    }
}
