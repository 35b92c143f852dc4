//! The spectra of chosen channels before and after the correction, with the harmonics of the artifact marked.

use consumer_support::picture::{Colour, Drawing, extremes, short_number};

use super::Layout;
use super::axis::{Axis, value_range};
use super::canvas::{Canvas, Panel};
use super::content::Content;
use super::legend::{Entry, Stroke};
use super::reduction::{area, line};
use super::text::not_drawn;

/// More channels than this are counted, not drawn.
const MOST_CHANNELS: usize = 4;
/// Square microvolts per square volt.
const SQUARE_MICROVOLTS: f64 = 1e12;
/// What lies further below the strongest value stands at the lower edge: a filter may leave next to nothing.
const DYNAMIC_RANGE_DB: f64 = 100.0;
/// Marks of harmonics stand at least this far apart.
const HARMONIC_SPACING: f64 = 7.0;

const BEFORE: Entry<'_> = Entry { label: "before (filled)", colour: Colour::Series(1), stroke: Stroke::Area(0.3) };
const AFTER: Entry<'_> = Entry { label: "after (line)", colour: Colour::Series(0), stroke: Stroke::Line(1.5) };
const TRUTH: Entry<'_> = Entry { label: "truth (dashes)", colour: Colour::Text, stroke: Stroke::Dashes };

/// Power spectral densities before and after, in dB re 1 µV²/Hz.
///
/// At most four channels are drawn; the picture says how many more there are. A density of zero has no level and is a gap.
///
/// ```
/// use eeg_artifact::pictures::{ChannelSpectra, Fundamental, Layout, SpectrumPicture};
///
/// let channel = ChannelSpectra { name: "Cz", before: &[1e-8, 1e-9], after: &[1e-12, 1e-13], truth: None };
/// let picture = SpectrumPicture {
///     title: "Spectrum",
///     frequencies_hz: &[0.0, 50.0],
///     limit_hz: 70.0,
///     channels: vec![channel],
///     fundamental: Some(Fundamental { name: "slice", frequency_hz: 12.5 }),
/// };
/// assert!(picture.draw(Layout::Wide).to_svg().contains("slice harmonics, 12.5 Hz"));
/// ```
#[derive(Debug, Clone)]
pub struct SpectrumPicture<'a> {
    /// Above the picture.
    pub title: &'a str,
    /// The frequency of each density, in hertz, in rising order.
    pub frequencies_hz: &'a [f64],
    /// Where the picture ends, in hertz; never beyond the last frequency.
    pub limit_hz: f64,
    /// From top to bottom.
    pub channels: Vec<ChannelSpectra<'a>>,
    /// Whose harmonics are marked.
    pub fundamental: Option<Fundamental<'a>>,
}

/// The densities of one channel, in V²/Hz, one per frequency. Where a row is shorter than the frequencies, its line ends.
#[derive(Debug, Clone, Copy)]
pub struct ChannelSpectra<'a> {
    /// The channel's name.
    pub name: &'a str,
    /// Before the correction.
    pub before: &'a [f64],
    /// After it.
    pub after: &'a [f64],
    /// Of what the correction should have left, where it is known.
    pub truth: Option<&'a [f64]>,
}

/// A frequency at whose multiples the artifact has its power.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fundamental<'a> {
    /// Of what it is, such as `slice` or `volume`.
    pub name: &'a str,
    /// In hertz.
    pub frequency_hz: f64,
}

impl SpectrumPicture<'_> {
    /// Draws the picture. Its size does not grow with the number of frequencies.
    pub fn draw(&self, layout: Layout) -> Drawing {
        let mut canvas = Canvas::new(layout, self.title);
        let n_shown = self.n_shown();
        let last = self.frequencies_hz[..n_shown].last().copied().unwrap_or(0.0);
        let axis = Axis::new(0.0..=last, canvas.left, canvas.right);
        let harmonics = axis.and_then(|axis| Harmonics::on(&axis, self.fundamental?, last));
        self.draw_legend(&mut canvas, harmonics.as_ref());
        let drawn = &self.channels[..self.channels.len().min(MOST_CHANNELS)];
        if let Some(remark) = not_drawn(self.channels.len(), MOST_CHANNELS) {
            canvas.remark(&remark);
        }
        for channel in drawn {
            let panel = self.draw_panel(&mut canvas, axis.as_ref(), channel);
            if let Some(harmonics) = &harmonics {
                canvas.mark_top(panel, &harmonics.entry(), &harmonics.pixels);
            }
        }
        if drawn.is_empty() {
            let panel = canvas.panel(layout.pick(120.0, 96.0), None);
            canvas.message(panel, "no data: no spectrum was given");
        }
        canvas.axis(axis.as_ref(), "frequency, Hz");
        canvas.finish(self.describe(harmonics.as_ref()))
    }

    /// How many frequencies lie within the limit.
    fn n_shown(&self) -> usize {
        self.frequencies_hz.iter().take_while(|frequency| **frequency <= self.limit_hz).count()
    }

    fn draw_legend(&self, canvas: &mut Canvas, harmonics: Option<&Harmonics>) {
        let truth = self.channels.iter().any(|channel| channel.truth.is_some()).then_some(TRUTH);
        canvas.legend(&[BEFORE, AFTER].into_iter().chain(truth).collect::<Vec<_>>());
        if let Some(harmonics) = harmonics {
            canvas.legend(&[harmonics.entry()]);
        }
    }

    fn draw_panel(&self, canvas: &mut Canvas, axis: Option<&Axis>, channel: &ChannelSpectra<'_>) -> Panel {
        let n_shown = self.n_shown();
        let rows: Vec<(Entry<'_>, Vec<f64>)> =
            [(BEFORE, Some(channel.before)), (TRUTH, channel.truth), (AFTER, Some(channel.after))]
                .into_iter()
                .filter_map(|(entry, densities)| Some((entry, levels(densities?, n_shown))))
                .collect();
        canvas.caption(channel.name, &format!("dB re 1 \u{b5}V\u{b2}/Hz, {}", channel.describe(n_shown)));
        let panel = canvas.panel(canvas.layout.pick(150.0, 120.0), axis);
        let (Some(axis), Some(range)) = (axis, level_range(rows.iter().flat_map(|(_, levels)| levels))) else {
            canvas.message(panel, "no data: there is no power to draw");
            return panel;
        };
        let scale = panel.scale(range);
        canvas.value_axis(panel, &scale, 5);
        let x = |idx: usize| axis.x(self.frequencies_hz[idx]);
        for (entry, levels) in rows {
            let y = |idx: usize| if levels[idx].is_finite() { scale.y(levels[idx]) } else { f64::NAN };
            if matches!(entry.stroke, Stroke::Area(_)) {
                canvas.push(entry.area(area(levels.len(), x, |idx| (y(idx), panel.bottom.max(y(idx))))));
                let edge = Entry { stroke: Stroke::Line(0.8), ..entry };
                canvas.push(edge.lines(line(levels.len(), x, y)));
            } else {
                canvas.push(entry.lines(line(levels.len(), x, y)));
            }
        }
        panel
    }

    fn describe(&self, harmonics: Option<&Harmonics>) -> String {
        let n_shown = self.n_shown();
        let clause = |channel: &ChannelSpectra<'_>| format!("{}: {}", channel.name, channel.describe(n_shown));
        let clauses = self.channels.iter().take(MOST_CHANNELS).map(clause);
        let all: Vec<String> = clauses.chain(harmonics.map(|harmonics| harmonics.label.clone())).collect();
        if all.is_empty() { "No spectrum was given.".to_owned() } else { all.join(". ") + "." }
    }
}

impl ChannelSpectra<'_> {
    fn describe(&self, n_shown: usize) -> String {
        let told = |densities: &[f64]| Content::of(levels(densities, n_shown).into_iter()).describe("dB", "frequency");
        format!("before {}, after {}", told(self.before), told(self.after))
    }
}

/// In dB re 1 µV²/Hz; NaN where there is no power.
fn levels(densities: &[f64], n_shown: usize) -> Vec<f64> {
    let level = |density: &f64| if *density > 0.0 { 10.0 * (density * SQUARE_MICROVOLTS).log10() } else { f64::NAN };
    densities.iter().take(n_shown).map(level).collect()
}

/// From the strongest level down, as far as there are levels, but no further than the dynamic range.
fn level_range<'a>(levels: impl Iterator<Item = &'a f64>) -> Option<std::ops::RangeInclusive<f64>> {
    let (low, high) = extremes(levels.copied())?;
    value_range([low.max(high - DYNAMIC_RANGE_DB), high].into_iter())
}

/// The multiples of a fundamental that are marked: every one where there is room, else every second, fifth, tenth and so on.
#[derive(Debug)]
struct Harmonics {
    pixels: Vec<f64>,
    label: String,
}

impl Harmonics {
    /// None where the frequency is none, or lies beyond the last one shown.
    fn on(axis: &Axis, fundamental: Fundamental<'_>, last_hz: f64) -> Option<Self> {
        let frequency = fundamental.frequency_hz;
        if !(frequency > 0.0 && frequency <= last_hz) {
            return None;
        }
        let least = HARMONIC_SPACING / (axis.pixels_per_unit() * frequency);
        let powers = std::iter::successors(Some(1.0), |power: &f64| Some(power * 10.0));
        let step = powers.flat_map(|power| [power, 2.0 * power, 5.0 * power]).find(|step| *step >= least)?;
        let n_marks = (last_hz / (frequency * step) + 1e-9).floor() as usize;
        let pixels: Vec<f64> = (1..=n_marks).map(|idx| axis.x(idx as f64 * step * frequency)).collect();
        let which = if step > 1.0 { format!(", every {step:.0}th") } else { String::new() };
        let which = which.replace(" 2th", " 2nd");
        // Short, so that it fits the narrow page.
        let label = format!("{} harmonics, {} Hz{which}", fundamental.name, short_number(frequency));
        (!pixels.is_empty()).then_some(Self { pixels, label })
    }

    fn entry(&self) -> Entry<'_> {
        Entry { label: &self.label, colour: Colour::Accent, stroke: Stroke::Tick }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmonics_are_thinned_to_round_steps() {
        let axis = Axis::new(0.0..=100.0, 0.0, 300.0).unwrap();
        let marks = |frequency_hz: f64| Harmonics::on(&axis, Fundamental { name: "volume", frequency_hz }, 100.0);
        assert_eq!(marks(25.0).unwrap().pixels, [75.0, 150.0, 225.0, 300.0]);
        let dense = marks(0.5).unwrap();
        assert_eq!(dense.pixels.len(), 40);
        assert!(dense.label.ends_with("volume harmonics, 0.5 Hz, every 5th"), "{}", dense.label);
        assert!([0.0, -1.0, f64::NAN, 101.0, f64::INFINITY].into_iter().all(|frequency| marks(frequency).is_none()));
        assert!(marks(1e-300).is_none_or(|marks| marks.pixels.len() <= 43));
    }

    #[test]
    fn a_level_is_ten_times_the_logarithm_of_the_density() {
        assert_eq!(levels(&[1e-12, 1e-10, 0.0], 2), [0.0, 20.0]);
        assert!(levels(&[0.0, -1.0, f64::NAN], 3).iter().all(|level| level.is_nan()));
    }
}
