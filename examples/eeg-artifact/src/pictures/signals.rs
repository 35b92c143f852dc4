//! A stretch of a few channels before and after the correction, each on a scale of its own, with the truth where there is one.

use consumer_support::picture::{Colour, Drawing};

use super::Layout;
use super::axis::{Axis, value_range};
use super::canvas::Canvas;
use super::content::Content;
use super::legend::{Entry, Stroke};
use super::reduction::line;
use super::text::not_drawn;

/// More channels than this are counted, not drawn.
const MOST_CHANNELS: usize = 4;
const MICROVOLTS: f64 = 1e6;

const BEFORE: Entry<'_> = Entry { label: "before", colour: Colour::Series(1), stroke: Stroke::Line(1.0) };
const AFTER: Entry<'_> = Entry { label: "after", colour: Colour::Series(0), stroke: Stroke::Line(1.3) };
const TRUTH: Entry<'_> = Entry { label: "truth (broad line)", colour: Colour::Gap, stroke: Stroke::Line(4.5) };
const TRIGGER: Entry<'_> = Entry { label: "trigger", colour: Colour::Accent, stroke: Stroke::Tick };

/// Channels before and after, over time.
///
/// Per channel there are two panels, because an artifact is a hundred times as strong as the EEG. At most four channels are drawn; the
/// picture says how many more there are.
///
/// ```
/// use eeg_artifact::pictures::{ChannelSignals, Layout, SignalPicture, Trace};
///
/// let trace = |samples| Trace { samples, sfreq: 250.0, start_s: 10.0 };
/// let channel =
///     ChannelSignals { name: "Cz", before: trace(&[1e-3, -1e-3]), after: trace(&[1e-6, -2e-6]), truth: None };
/// let picture = SignalPicture { title: "Before and after", channels: vec![channel], triggers_s: &[10.0] };
/// assert!(picture.draw(Layout::Wide).to_svg().contains("\u{2212}1000 to 1000 µV"));
/// ```
#[derive(Debug, Clone)]
pub struct SignalPicture<'a> {
    /// Above the picture.
    pub title: &'a str,
    /// From top to bottom.
    pub channels: Vec<ChannelSignals<'a>>,
    /// When the triggers are, in seconds from the start of the recording, in order. Those outside of the stretch are not
    /// drawn, and none where they would be too close to be told apart.
    pub triggers_s: &'a [f64],
}

/// The same stretch of one channel before and after.
#[derive(Debug, Clone, Copy)]
pub struct ChannelSignals<'a> {
    /// The channel's name.
    pub name: &'a str,
    /// Before the correction.
    pub before: Trace<'a>,
    /// After it; a pipeline may have changed the rate.
    pub after: Trace<'a>,
    /// What the correction should have left, where it is known.
    pub truth: Option<Trace<'a>>,
}

/// Samples with their times.
#[derive(Debug, Clone, Copy)]
pub struct Trace<'a> {
    /// In volts.
    pub samples: &'a [f64],
    /// Samples per second.
    pub sfreq: f64,
    /// When the first sample is, in seconds from the start of the recording.
    pub start_s: f64,
}

impl SignalPicture<'_> {
    /// Draws the picture. Time grows with the number of samples, the size of the drawing does not.
    pub fn draw(&self, layout: Layout) -> Drawing {
        let mut canvas = Canvas::new(layout, self.title);
        let axis = self.axis(&canvas);
        let drawn = &self.channels[..self.channels.len().min(MOST_CHANNELS)];
        let triggers = axis.and_then(|axis| axis.marks(self.triggers_s.iter().copied()));
        canvas.legend(&self.legend(triggers.as_deref()));
        if let Some(remark) = not_drawn(self.channels.len(), MOST_CHANNELS) {
            canvas.remark(&remark);
        }
        for channel in drawn {
            let marks = triggers.as_deref().unwrap_or_default();
            draw_panel(&mut canvas, axis.as_ref(), channel.name, &[(BEFORE, channel.before)], marks);
            let truth = channel.truth.map(|truth| (TRUTH, truth));
            let after: Vec<_> = truth.into_iter().chain([(AFTER, channel.after)]).collect();
            draw_panel(&mut canvas, axis.as_ref(), channel.name, &after, marks);
        }
        if drawn.is_empty() {
            let panel = canvas.panel(layout.pick(90.0, 76.0), None);
            canvas.message(panel, "no data: no channel was given");
        }
        canvas.axis(axis.as_ref(), "time from the start of the recording, s");
        canvas.finish(self.describe())
    }

    /// From the first sample of any row to the end of the last one.
    fn axis(&self, canvas: &Canvas) -> Option<Axis> {
        let traces =
            self.channels.iter().flat_map(|channel| [Some(channel.before), Some(channel.after), channel.truth]);
        let ends =
            traces.flatten().filter(|trace| !trace.samples.is_empty()).map(|trace| (trace.start_s, trace.end_s()));
        let (from, to) = ends.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))?;
        Axis::new(from..=to, canvas.left, canvas.right)
    }

    fn legend(&self, triggers: Option<&[f64]>) -> Vec<Entry<'static>> {
        let has_truth = self.channels.iter().any(|channel| channel.truth.is_some());
        let truth = has_truth.then_some(TRUTH);
        let trigger = triggers.is_some_and(|triggers| !triggers.is_empty()).then_some(TRIGGER);
        [BEFORE, AFTER].into_iter().chain(truth).chain(trigger).collect()
    }

    fn describe(&self) -> String {
        let clause = |channel: &ChannelSignals<'_>| {
            format!("{}: before {}, after {}", channel.name, channel.before.describe(), channel.after.describe())
        };
        let clauses: Vec<String> = self.channels.iter().take(MOST_CHANNELS).map(clause).collect();
        if clauses.is_empty() { "No channel was given.".to_owned() } else { clauses.join(". ") + "." }
    }
}

/// Later rows cover earlier ones; the caption describes the last.
fn draw_panel(canvas: &mut Canvas, axis: Option<&Axis>, name: &str, rows: &[(Entry<'_>, Trace<'_>)], triggers: &[f64]) {
    let Some((entry, main)) = rows.last() else { return };
    let content = main.describe();
    canvas.caption(name, &format!("{}: {content}", entry.label));
    let panel = canvas.panel(canvas.layout.pick(84.0, 70.0), axis);
    let range = value_range(rows.iter().flat_map(|(_, trace)| trace.microvolts()));
    let (Some(axis), Some(range)) = (axis, range) else {
        canvas
            .message(panel, if content.starts_with("no data") { &content } else { "no data: the times have no span" });
        return;
    };
    let scale = panel.scale(range);
    canvas.value_axis(panel, &scale, 4);
    for (entry, trace) in rows {
        let x = |idx: usize| axis.x(trace.time_s(idx));
        let runs = line(trace.samples.len(), x, |idx| trace.samples[idx] * MICROVOLTS);
        let places = runs.into_iter().map(|run| run.into_iter().map(|(x, value)| (x, scale.y(value))).collect());
        canvas.push(entry.lines(places.collect()));
    }
    canvas.mark_top(panel, &TRIGGER, triggers);
}

impl Trace<'_> {
    fn time_s(&self, idx: usize) -> f64 {
        self.start_s + idx as f64 / self.sfreq
    }

    fn end_s(&self) -> f64 {
        self.time_s(self.samples.len())
    }

    fn microvolts(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|sample| sample * MICROVOLTS)
    }

    fn describe(&self) -> String {
        Content::of(self.microvolts()).describe("\u{b5}V", "sample")
    }
}
