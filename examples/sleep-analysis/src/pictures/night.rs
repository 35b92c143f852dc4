//! The night on one clock axis: the hypnogram, where there is one, and features below it.

use consumer_support::picture::Drawing;

use super::Layout;
use super::canvas::Canvas;
use super::hypnogram::{Stages, describe_stages, draw_hypnogram};
use super::timeline::EpochTimes;
use super::track::{Track, check_length};
use crate::{SleepResult, SleepStage};

/// A hypnogram with features over the night below it; without stages the features alone.
///
/// ```
/// use sleep_analysis::SleepStage;
/// use sleep_analysis::pictures::{EpochTimes, Layout, NightPicture, Track};
///
/// let picture = NightPicture {
///     title: "Night 7",
///     epochs: EpochTimes { starts_ns: &[0, 30_000_000_000], length_ns: 30_000_000_000 },
///     stages: Some(&[Some(SleepStage::Wake), Some(SleepStage::N1)]),
///     tracks: vec![Track::line("Heart rate", "beats/min", &[61.0, 58.5])],
/// };
/// let svg = picture.draw(Layout::Wide)?.to_svg();
/// assert!(svg.starts_with("<svg ") && svg.contains("Heart rate"));
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NightPicture<'a> {
    /// Above the picture.
    pub title: &'a str,
    /// When the epochs are.
    pub epochs: EpochTimes<'a>,
    /// The scored stage of each epoch, `None` where it was not scored; `None` altogether for a recording without scoring.
    pub stages: Option<&'a [Option<SleepStage>]>,
    /// The features, from top to bottom.
    pub tracks: Vec<Track<'a>>,
}

impl NightPicture<'_> {
    /// Draws the picture. Its cost grows with epochs times tracks; the drawing holds at most a few points per pixel and gap.
    ///
    /// # Errors
    /// [`SleepError::Config`](crate::SleepError::Config) when a list has not one entry per epoch, the epochs do not ascend, or they have no length.
    pub fn draw(&self, layout: Layout) -> SleepResult<Drawing> {
        self.check()?;
        let mut canvas = Canvas::new(layout, self.title, &self.epochs)?;
        let description = self.describe(&canvas);
        if let Some(stages) = self.stages {
            draw_hypnogram(&mut canvas, stages);
        }
        for (idx, track) in self.tracks.iter().enumerate() {
            track.draw(&mut canvas, idx);
        }
        Ok(canvas.finish(description))
    }

    fn check(&self) -> SleepResult<()> {
        let n_epochs = self.epochs.starts_ns.len();
        check_length("stages", self.stages.map_or(n_epochs, <[_]>::len), n_epochs)?;
        self.tracks.iter().try_for_each(|track| track.check(n_epochs))
    }

    fn describe(&self, canvas: &Canvas) -> String {
        let step_ns = canvas.timeline.as_ref().map_or(0, |timeline| timeline.step_ns);
        let stages = self.stages.map(|stages: Stages<'_>| describe_stages(stages, step_ns));
        let parts: Vec<String> = stages.into_iter().chain(self.tracks.iter().map(Track::describe)).collect();
        if parts.is_empty() { "Nothing to show.".to_owned() } else { format!("{}.", parts.join(". ")) }
    }
}
