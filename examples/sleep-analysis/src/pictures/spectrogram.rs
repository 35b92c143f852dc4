//! The spectrogram of one channel in decibels, with the relative powers of its bands on the same clock axis.

use consumer_support::picture::{
    Anchor, Colour, Drawing, HeatMap, Mark, Scale, TextStyle, is_drawable, median, sorted,
};

use super::Layout;
use super::canvas::{Canvas, Panel};
use super::timeline::{EpochTimes, Timeline, drawable, stepped_outline};
use super::track::check_length;
use crate::{SleepError, SleepResult};

/// The highest frequency that the picture shows.
const HIGHEST_HZ: f64 = 40.0;

/// No more columns than a dense screen has pixels; longer nights are averaged.
const MOST_COLUMNS: usize = 1600;

/// A spectrogram from 0 to 40 Hz in decibels, and the relative band powers below it, stacked.
///
/// The colour scale runs from the 2nd to the 98th percentile, widened to multiples of 5 dB, so that one artefact does not darken the night.
///
/// ```
/// use sleep_analysis::pictures::{Band, EpochTimes, Layout, SpectrogramPicture};
///
/// let picture = SpectrogramPicture {
///     title: "Night 7",
///     channel: "C3-M2",
///     unit: "\u{b5}V\u{b2}/Hz",
///     epochs: EpochTimes { starts_ns: &[0, 30_000_000_000], length_ns: 30_000_000_000 },
///     frequencies_hz: &[0.0, 20.0, 40.0],
///     density: &[90.0, 4.0, 0.1, 80.0, 3.0, 0.2],
///     bands: vec![Band { label: "Delta", relative: &[0.9, 0.8] }],
/// };
/// assert!(picture.draw(Layout::Wide)?.to_svg().contains("C3-M2"));
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SpectrogramPicture<'a> {
    /// Above the picture.
    pub title: &'a str,
    /// The channel's name.
    pub channel: &'a str,
    /// The unit of the density, such as `µV²/Hz`.
    pub unit: &'a str,
    /// When the epochs are.
    pub epochs: EpochTimes<'a>,
    /// The frequencies of the density in hertz: ascending at equal distances.
    pub frequencies_hz: &'a [f64],
    /// The power spectral density, epoch after epoch, each with one value per frequency. NaN and negative values are gaps.
    pub density: &'a [f64],
    /// The bands from the lowest frequency to the highest.
    pub bands: Vec<Band<'a>>,
}

/// The share of one frequency band in the total power.
#[derive(Debug, Clone, Copy)]
pub struct Band<'a> {
    /// Its name, such as `Delta`.
    pub label: &'a str,
    /// Its share in each epoch, 0 to 1, NaN where there is none.
    pub relative: &'a [f64],
}

impl SpectrogramPicture<'_> {
    /// Draws the picture. Reads the density once; the colour map holds at most 1600 columns, of averaged power in longer nights.
    ///
    /// # Errors
    /// [`SleepError::Config`] when the density or a band does not fit the epochs and frequencies, or either axis does not ascend evenly.
    pub fn draw(&self, layout: Layout) -> SleepResult<Drawing> {
        self.check()?;
        let mut canvas = Canvas::new(layout, self.title, &self.epochs)?;
        let map = canvas.timeline.as_ref().and_then(|timeline| Spectrum::new(self, timeline));
        let description = self.describe(map.as_ref());
        self.draw_map(&mut canvas, map);
        if !self.bands.is_empty() {
            self.draw_bands(&mut canvas);
        }
        Ok(canvas.finish(description))
    }

    fn check(&self) -> SleepResult<()> {
        let n_epochs = self.epochs.starts_ns.len();
        self.bands.iter().try_for_each(|band| check_length(band.label, band.relative.len(), n_epochs))?;
        if Some(self.density.len()) != self.frequencies_hz.len().checked_mul(n_epochs) {
            return Err(SleepError::Config(format!(
                "the density has {} values for {n_epochs} epochs of {} frequencies; give one value for each frequency of each epoch",
                self.density.len(),
                self.frequencies_hz.len()
            )));
        }
        let bin = bin_width(self.frequencies_hz);
        match self.frequencies_hz.windows(2).find(|pair| !is_near(pair[1] - pair[0], bin)) {
            None => Ok(()),
            Some(pair) => Err(SleepError::Config(format!(
                "frequencies {} and {} Hz do not ascend by {bin} Hz; give frequencies at equal distances",
                pair[0], pair[1]
            ))),
        }
    }

    fn describe(&self, map: Option<&Spectrum>) -> String {
        let power = map.map_or("no data".to_owned(), |map| {
            format!("colours from {:.0} to {:.0} dB re 1 {}", map.low_db, map.high_db, self.unit)
        });
        let bands = self.bands.iter().map(|band| format!("{} {}", band.label, band.percent()));
        let bands = bands.collect::<Vec<_>>().join(", ");
        let bands = if bands.is_empty() { bands } else { format!(" Median relative band power: {bands}.") };
        format!("Spectrogram of {}: {power}.{bands}", self.channel)
    }

    fn draw_map(&self, canvas: &mut Canvas, map: Option<Spectrum>) {
        let name = format!("Spectrogram of {}", self.channel);
        let gaps = map.as_ref().filter(|map| map.heat.has_gaps()).map_or("", |_| ", grey: no data");
        canvas.caption(&name, &format!("Hz, power in dB re 1 {}{gaps}", self.unit));
        let bar_row = (canvas.layout == Layout::Narrow && map.is_some()).then(|| canvas.row());
        let panel = canvas.panel(canvas.layout.pick(250.0, 190.0));
        let Some(map) = map else { return canvas.no_data(panel) };
        draw_colour_bar(canvas, panel, bar_row, &map);
        let (corner, width, height) = ((panel.left, panel.top), panel.width(), panel.height());
        canvas.push(Mark::Box { corner, width, height, colour: Colour::Gap });
        let scale = Scale::new(map.low_hz..=map.high_hz, panel.top, panel.bottom);
        canvas.push(Mark::Heat { corner, width, height, map: map.heat });
        canvas.value_labels(panel, &scale, 5);
    }

    /// Stacked from the lowest band up: each area reaches from zero to the sum so far, the higher ones first, so that the lower ones cover them.
    fn draw_bands(&self, canvas: &mut Canvas) {
        canvas.caption("Relative band power", "share of 0.5\u{2013}40 Hz, stacked");
        if canvas.layout == Layout::Narrow {
            self.legend_rows(canvas);
        }
        let panel = canvas.panel(canvas.layout.pick(130.0, 110.0));
        let Some(timeline) = canvas.timeline.clone().filter(|_| self.has_bands()) else {
            return canvas.no_data(panel);
        };
        let scale = Scale::new(0.0..=1.0, panel.top, panel.bottom);
        for idx in (0..self.bands.len()).rev() {
            let runs = timeline.runs(|epoch| self.sum_up_to(idx, epoch).map(|sum| (panel.bottom, scale.y(sum))));
            let outlines = runs.iter().map(|run| stepped_outline(run)).collect();
            canvas.push(Mark::Areas { outlines, colour: Colour::Band(idx), opacity: 1.0 });
        }
        canvas.value_labels(panel, &scale, 2);
        self.legend_column(canvas, panel);
    }

    fn has_bands(&self) -> bool {
        (0..self.epochs.starts_ns.len()).any(|epoch| self.sum_up_to(self.bands.len() - 1, epoch).is_some())
    }

    /// The sum of the bands up to and including `idx`; a gap where any band has one, so that no band is shown in another's place.
    fn sum_up_to(&self, idx: usize, epoch: usize) -> Option<f64> {
        let shares: Option<Vec<f64>> = self.bands.iter().map(|band| drawable(band.relative, epoch)).collect();
        shares.map(|shares| shares[..=idx].iter().sum())
    }

    /// The legend beside the panel, in the order of the stack, with the median share of each band.
    fn legend_column(&self, canvas: &mut Canvas, panel: Panel) {
        if canvas.layout == Layout::Narrow {
            return;
        }
        let pitch = (panel.height() / self.bands.len() as f64).min(21.0);
        for (idx, band) in self.bands.iter().enumerate() {
            let y = panel.bottom - (idx as f64 + 0.5) * pitch;
            let corner = (panel.right + 10.0, y - 5.0);
            canvas.push(Mark::Box { corner, width: 10.0, height: 10.0, colour: Colour::Band(idx) });
            canvas.text((panel.right + 25.0, y + 4.0), format!("{} {}", band.label, band.percent()), TextStyle::LABEL);
        }
    }

    /// The legend above the panel, three bands to a row.
    fn legend_rows(&self, canvas: &mut Canvas) {
        for (row, bands) in self.bands.chunks(3).enumerate() {
            let y = canvas.row();
            for (column, band) in bands.iter().enumerate() {
                let x = 4.0 + column as f64 * 116.0;
                let colour = Colour::Band(row * 3 + column);
                canvas.push(Mark::Box { corner: (x, y - 9.0), width: 10.0, height: 10.0, colour });
                canvas.text((x + 15.0, y), format!("{} {}", band.label, band.percent()), TextStyle::LABEL);
            }
        }
        canvas.clear_rows();
    }
}

impl Band<'_> {
    fn percent(&self) -> String {
        median(self.relative.iter().copied()).map_or("no data".to_owned(), |share| match 100.0 * share {
            percent if percent < 10.0 => format!("{percent:.1} %"),
            percent => format!("{percent:.0} %"),
        })
    }
}

/// The density as colours.
struct Spectrum {
    heat: HeatMap,
    low_db: f64,
    high_db: f64,
    low_hz: f64,
    high_hz: f64,
}

impl Spectrum {
    /// `None` when no cell has power.
    fn new(picture: &SpectrogramPicture<'_>, timeline: &Timeline) -> Option<Self> {
        let bin = bin_width(picture.frequencies_hz);
        let shown = picture.frequencies_hz.iter().filter(|frequency| **frequency <= HIGHEST_HZ + bin * 1e-6).count();
        let decibels = mean_decibels(picture, timeline, shown);
        let (low_db, high_db) = colour_range(&decibels)?;
        let n_columns = decibels.len() / shown;
        let heat = HeatMap::new(shown, n_columns, |row, column| {
            let value = decibels[column * shown + (shown - 1 - row)];
            (!value.is_nan()).then(|| (value - low_db) / (high_db - low_db))
        });
        let low_hz = picture.frequencies_hz[0] - bin / 2.0;
        Some(Self { heat, low_db, high_db, low_hz, high_hz: low_hz + shown as f64 * bin })
    }
}

/// Column after column, each with `shown` frequencies: the mean power of the epochs in the column, in decibels; NaN without any.
fn mean_decibels(picture: &SpectrogramPicture<'_>, timeline: &Timeline, shown: usize) -> Vec<f64> {
    let n_columns = column_count(timeline);
    let mut sums = vec![(0.0, 0_u32); n_columns * shown];
    let width = (timeline.right - timeline.left) / n_columns as f64;
    let spectra = picture.density.chunks(picture.frequencies_hz.len().max(1));
    for (cell, spectrum) in timeline.cells.iter().zip(spectra) {
        let column = (((cell.middle - timeline.left) / width) as usize).min(n_columns - 1);
        for (sum, power) in sums[column * shown..].iter_mut().zip(&spectrum[..shown]) {
            if is_drawable(*power) && *power >= 0.0 {
                *sum = (sum.0 + power, sum.1 + 1);
            }
        }
    }
    sums.into_iter()
        .map(|(sum, count)| if count == 0 { f64::NAN } else { 10.0 * (sum / f64::from(count)).log10() })
        .collect()
}

/// One column per epoch, gaps in time included, as long as they fit.
fn column_count(timeline: &Timeline) -> usize {
    let steps = (timeline.end_ns - timeline.start_ns + timeline.step_ns / 2) / timeline.step_ns;
    usize::try_from(steps).unwrap_or(MOST_COLUMNS).clamp(1, MOST_COLUMNS)
}

fn colour_range(decibels: &[f64]) -> Option<(f64, f64)> {
    let sorted = sorted(decibels.iter().copied());
    let at = |share: f64| sorted.get(((sorted.len().max(1) - 1) as f64 * share).round() as usize).copied();
    let low = (at(0.02)? / 5.0).floor() * 5.0;
    let high = (at(0.98)? / 5.0).ceil() * 5.0;
    Some((low, high.max(low + 5.0)))
}

/// Beside the panel where there is room, else in a row above it.
fn draw_colour_bar(canvas: &mut Canvas, panel: Panel, row: Option<f64>, map: &Spectrum) {
    let (low, high) = (map.low_db, map.high_db);
    if let Some(y) = row {
        let bar = HeatMap::new(1, 255, |_, column| Some(column as f64 / 254.0));
        let decibels = |value: f64| format!("{value:.0} dB").replace('-', "\u{2212}");
        canvas.text((panel.left + 50.0, y), decibels(low), TextStyle::TICK.anchored(Anchor::End));
        canvas.push(Mark::Heat { corner: (panel.left + 56.0, y - 9.0), width: 150.0, height: 10.0, map: bar });
        canvas.text((panel.left + 212.0, y), decibels(high), TextStyle::TICK.anchored(Anchor::Start));
        return;
    }
    let bar = HeatMap::new(255, 1, |row, _| Some(1.0 - row as f64 / 254.0));
    let corner = (panel.right + 12.0, panel.top + 6.0);
    let height = panel.height() - 12.0;
    canvas.push(Mark::Heat { corner, width: 14.0, height, map: bar });
    let scale = Scale::new(low..=high, corner.1, corner.1 + height);
    for (value, label) in scale.ticks(5) {
        let at = (corner.0 + 20.0, scale.y(value) + 4.0);
        canvas.text(at, format!("{label} dB"), TextStyle::TICK.anchored(Anchor::Start));
    }
}

fn bin_width(frequencies_hz: &[f64]) -> f64 {
    match frequencies_hz {
        [first, .., last] => (last - first) / (frequencies_hz.len() - 1) as f64,
        _ => 1.0,
    }
}

fn is_near(distance: f64, bin: f64) -> bool {
    bin > 0.0 && (distance - bin).abs() <= 1e-6 * bin
}
