//! The three pictures of a night, each as SVG and PNG beside the page and within it.

use sleep_analysis::SleepResult;
use sleep_analysis::eeg::Band;
use sleep_analysis::pictures::{
    Band as DrawnBand, Drawing, EpochTimes, Figure, Layout, NightPicture, SpectrogramPicture, Track,
};

use super::Night;
use super::features::NightFeatures;
use super::highlights::{Highlight, Highlights};
use super::night_folder::NightFolder;

/// No more tracks than this are drawn where there is little room.
const MOST_SMALL_TRACKS: usize = 2;

/// Draws what there is, and writes each picture as a file of its own.
pub(crate) fn draw_figures(
    night: &Night,
    features: &NightFeatures,
    highlights: &Highlights,
    out: &mut NightFolder,
) -> SleepResult<Vec<Figure>> {
    let builder = FigureBuilder { night, epoch_starts_ns: &features.table.epoch_starts_ns };
    let mut figures = vec![builder.hypnogram(highlights, out)?];
    figures.extend(builder.spectrogram(features, out)?);
    figures.extend(builder.heart_and_movement(highlights, out)?);
    Ok(figures)
}

/// The night in a few tracks for a page of many nights, as narrow as a phone's.
pub(crate) fn small_picture(night: &Night, features: &NightFeatures) -> SleepResult<Drawing> {
    let highlights = Highlights::of(night, features);
    let builder = FigureBuilder { night, epoch_starts_ns: &features.table.epoch_starts_ns };
    let tracks = highlights.all().take(MOST_SMALL_TRACKS).map(Highlight::track).collect();
    builder.night_picture(tracks).draw(Layout::Narrow)
}

struct FigureBuilder<'a> {
    night: &'a Night,
    epoch_starts_ns: &'a [i64],
}

impl FigureBuilder<'_> {
    fn hypnogram(&self, highlights: &Highlights, out: &mut NightFolder) -> SleepResult<Figure> {
        let tracks = [&highlights.delta, &highlights.entropy, &highlights.heart_rate];
        let tracks: Vec<Track<'_>> =
            tracks.into_iter().flatten().chain(&highlights.plain).map(Highlight::track).collect();
        let (heading, caption) = match &self.night.stages {
            Some(_) => (
                "Hypnogram and features",
                "One step or point per epoch. Where the line is broken, the recording has no data.",
            ),
            None => (
                "Features over the night",
                "One point per epoch. The recording has no scored stages, so there is no hypnogram.",
            ),
        };
        let picture = self.night_picture(tracks);
        finish(out, "hypnogram", heading, caption, |layout| picture.draw(layout))
    }

    fn spectrogram(&self, features: &NightFeatures, out: &mut NightFolder) -> SleepResult<Option<Figure>> {
        let Some(spectrum) = &features.spectrum else { return Ok(None) };
        let relative = |band: &Band| {
            let name = format!("{}_rel_{}", spectrum.name, band.name);
            let column = features.table.columns.iter().find(|column| column.name == name)?;
            Some((band.name.clone(), &*column.values))
        };
        let bands = Band::sleep_bands();
        let bands: Vec<(String, &[f64])> = bands.iter().filter_map(relative).collect();
        let channel = spectrum.name.rsplit_once('|').map_or(spectrum.name.as_str(), |(signal, _)| signal);
        let picture = SpectrogramPicture {
            title: &self.night.title,
            channel,
            unit: "\u{b5}V\u{b2}/Hz",
            epochs: self.epochs(),
            frequencies_hz: &spectrum.frequencies_hz,
            density: &spectrum.densities,
            bands: bands.iter().map(|(label, relative)| DrawnBand { label, relative }).collect(),
        };
        let heading = format!("Spectrogram and band powers of {channel}");
        let caption = "Welch's method, segments of 4 s, one column per epoch. Below, each band's share of the power.";
        finish(out, "spectrogram", &heading, caption, |layout| picture.draw(layout)).map(Some)
    }

    fn heart_and_movement(&self, highlights: &Highlights, out: &mut NightFolder) -> SleepResult<Option<Figure>> {
        let tracks = [&highlights.heart_rate, &highlights.rmssd, &highlights.movement, &highlights.saturation];
        let tracks: Vec<Track<'_>> = tracks.into_iter().flatten().map(Highlight::track).collect();
        if tracks.is_empty() {
            return Ok(None);
        }
        let heading = match (&highlights.heart_rate, &highlights.movement) {
            (Some(_), Some(_)) => "Heart rate and movement",
            (Some(_), None) => "Heart rate",
            (None, Some(_)) => "Movement",
            (None, None) => "Heart and oxygen",
        };
        let picture = NightPicture { stages: None, ..self.night_picture(tracks) };
        let caption =
            "The pale band is one standard deviation within the epoch. Where the line is broken, there is no data.";
        finish(out, "heart_movement", heading, caption, |layout| picture.draw(layout)).map(Some)
    }

    fn night_picture<'a>(&'a self, tracks: Vec<Track<'a>>) -> NightPicture<'a> {
        NightPicture { title: &self.night.title, epochs: self.epochs(), stages: self.night.stages.as_deref(), tracks }
    }

    fn epochs(&self) -> EpochTimes<'_> {
        EpochTimes { starts_ns: self.epoch_starts_ns, length_ns: self.night.epochs.window_ns() }
    }
}

fn finish(
    out: &mut NightFolder,
    stem: &str,
    heading: &str,
    caption: &str,
    draw: impl Fn(Layout) -> SleepResult<Drawing>,
) -> SleepResult<Figure> {
    let wide = draw(Layout::Wide)?;
    let files = out.picture(stem, heading, &wide)?;
    let narrow = draw(Layout::Narrow)?;
    Ok(Figure { heading: heading.to_owned(), caption: caption.to_owned(), wide, narrow, files })
}
