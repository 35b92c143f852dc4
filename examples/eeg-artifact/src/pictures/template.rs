//! The artifact templates of chosen channels with the spread of the epochs that were averaged.

use consumer_support::picture::{Colour, Drawing, Point, Scale, short_number};

use super::Layout;
use super::axis::{Axis, range_from_zero, value_range};
use super::canvas::Canvas;
use super::content::Content;
use super::legend::{Entry, Stroke};
use super::reduction::{area, line};
use super::text::{count, not_drawn};

/// More channels than this are counted, not drawn.
const MOST_CHANNELS: usize = 4;
const MICROVOLTS: f64 = 1e6;

const MEAN: Entry<'_> = Entry { label: "mean of the epochs", colour: Colour::Series(0), stroke: Stroke::Line(1.4) };
const SPREAD: Entry<'_> =
    Entry { label: "\u{b1}1 standard deviation", colour: Colour::Series(0), stroke: Stroke::Area(0.28) };

/// Templates over the time within an epoch.
///
/// At most four channels are drawn; the picture says how many more there are.
///
/// ```
/// use eeg_artifact::pictures::{ChannelTemplate, Layout, TemplatePicture};
///
/// let channel = ChannelTemplate { name: "Cz", mean: &[0.0, 2e-3, -1e-3], spread: &[1e-5; 3], n_epochs: 30 };
/// let picture = TemplatePicture { title: "Template", sfreq: 5000.0, start_s: 0.0, channels: vec![channel] };
/// let svg = picture.draw(Layout::Wide).to_svg();
/// assert!(svg.contains("30 epochs") && svg.contains("time from the trigger, ms"));
/// ```
#[derive(Debug, Clone)]
pub struct TemplatePicture<'a> {
    /// Above the picture.
    pub title: &'a str,
    /// Samples per second.
    pub sfreq: f64,
    /// When the epoch begins, in seconds from its trigger.
    pub start_s: f64,
    /// From top to bottom.
    pub channels: Vec<ChannelTemplate<'a>>,
}

/// The template of one channel.
#[derive(Debug, Clone, Copy)]
pub struct ChannelTemplate<'a> {
    /// The channel's name.
    pub name: &'a str,
    /// The mean of the epochs at each sample, in volts.
    pub mean: &'a [f64],
    /// The standard deviation of the epochs at each sample, in volts. Where it is shorter than the mean, the band ends.
    pub spread: &'a [f64],
    /// How many epochs were averaged.
    pub n_epochs: usize,
}

impl TemplatePicture<'_> {
    /// Draws the picture. Its size does not grow with the length of an epoch.
    pub fn draw(&self, layout: Layout) -> Drawing {
        let mut canvas = Canvas::new(layout, self.title);
        let drawn = &self.channels[..self.channels.len().min(MOST_CHANNELS)];
        let longest = drawn.iter().map(|channel| channel.mean.len()).max().unwrap_or(0);
        let axis = Axis::new(self.time_ms(0)..=self.time_ms(longest), canvas.left, canvas.right);
        canvas.legend(&[MEAN, SPREAD]);
        if let Some(remark) = not_drawn(self.channels.len(), MOST_CHANNELS) {
            canvas.remark(&remark);
        }
        for channel in drawn {
            self.draw_panel(&mut canvas, axis.as_ref(), channel);
        }
        if drawn.is_empty() {
            let panel = canvas.panel(layout.pick(90.0, 76.0), None);
            canvas.message(panel, "no data: no template was given");
        }
        canvas.axis(axis.as_ref(), "time from the trigger, ms");
        canvas.finish(self.describe())
    }

    fn draw_panel(&self, canvas: &mut Canvas, axis: Option<&Axis>, channel: &ChannelTemplate<'_>) {
        let content = channel.describe();
        canvas.caption(channel.name, &format!("{}: {content}", count(channel.n_epochs, "epoch")));
        let panel = canvas.panel(canvas.layout.pick(112.0, 92.0), axis);
        let n_spread = channel.spread.len().min(channel.mean.len());
        let edges = (0..n_spread).flat_map(|idx| <[f64; 2]>::from(channel.edges(idx)));
        let (Some(axis), Some(range)) = (axis, value_range(channel.microvolts().chain(edges))) else {
            canvas.message(
                panel,
                if content.starts_with("no data") { &content } else { "no data: the epoch has no length" },
            );
            return;
        };
        let x = |idx: usize| axis.x(self.time_ms(idx));
        let scale = panel.scale(range);
        canvas.value_axis(panel, &scale, 4);
        canvas.push(SPREAD.area(placed(area(n_spread, x, |idx| channel.edges(idx)), &scale)));
        canvas.push(MEAN.lines(placed(line(channel.mean.len(), x, |idx| channel.mean[idx] * MICROVOLTS), &scale)));
        // Beside an artifact of millivolts the spread can be too small to see, so it has a panel of its own.
        let spread = |idx: usize| channel.spread[idx].abs() * MICROVOLTS;
        let Some(range) = range_from_zero((0..n_spread).map(spread)) else { return };
        canvas.remark("its standard deviation alone, \u{b5}V");
        let panel = canvas.panel(canvas.layout.pick(50.0, 46.0), Some(axis));
        let scale = panel.scale(range);
        canvas.value_axis(panel, &scale, 2);
        canvas.push(SPREAD.area(placed(area(n_spread, x, |idx| (0.0, spread(idx))), &scale)));
    }

    fn time_ms(&self, idx: usize) -> f64 {
        (self.start_s + idx as f64 / self.sfreq) * 1000.0
    }

    fn describe(&self) -> String {
        let clause = |channel: &ChannelTemplate<'_>| {
            format!("{}: template of {}, {}", channel.name, count(channel.n_epochs, "epoch"), channel.describe())
        };
        let clauses: Vec<String> = self.channels.iter().take(MOST_CHANNELS).map(clause).collect();
        if clauses.is_empty() { "No template was given.".to_owned() } else { clauses.join(". ") + "." }
    }
}

/// Values as vertical pixels.
fn placed(runs: Vec<Vec<Point>>, scale: &Scale) -> Vec<Vec<Point>> {
    runs.into_iter().map(|run| run.into_iter().map(|(x, value)| (x, scale.y(value))).collect()).collect()
}

impl ChannelTemplate<'_> {
    fn microvolts(&self) -> impl Iterator<Item = f64> {
        self.mean.iter().map(|volts| volts * MICROVOLTS)
    }

    /// The mean less and plus the spread, in microvolts.
    fn edges(&self, idx: usize) -> (f64, f64) {
        let (mean, spread) = (self.mean[idx] * MICROVOLTS, self.spread[idx].abs() * MICROVOLTS);
        (mean - spread, mean + spread)
    }

    fn describe(&self) -> String {
        let content = Content::of(self.microvolts()).describe("\u{b5}V", "sample");
        let largest =
            self.spread.iter().filter(|spread| spread.is_finite()).map(|spread| spread.abs()).reduce(f64::max);
        match largest {
            Some(largest) => format!("{content}; largest SD {} \u{b5}V", short_number(largest * MICROVOLTS)),
            None => content,
        }
    }
}
