//! Pictures of a cleaned recording, and the pages around them.
//!
//! Callers fill one plain struct per picture: [`SignalPicture`] (before and after), [`TemplatePicture`], [`SpectrumPicture`],
//! [`TriggerPicture`], [`LeftOutPicture`] and [`ScalingPicture`]. [`RecordingPage`] is the page of one recording, [`OverviewPage`]
//! that of many. Drawing is pure: the same input gives the same bytes, no file is read or written, and no number is computed that is not
//! in the input, other than ranges, counts and distances.
//!
//! A picture has a bounded number of marks, whatever the recording's length: where a pixel holds many samples, their smallest and their
//! largest value are drawn, so that no peak is lost. Values that cannot be placed (NaN, infinities, magnitudes of 1e150 and above) are
//! gaps; a panel says how many there are, and whether all values are the same or there is none. Text of any kind is escaped.
//! The writers of SVG and HTML are in `consumer_support`.

mod axis;
mod canvas;
mod content;
mod left_out;
mod legend;
mod overview_page;
mod page;
mod reduction;
mod scaling;
mod signals;
mod spectrum;
mod table;
mod template;
mod text;
mod triggers;

pub use consumer_support::page::{Fact, Figure, Link, Warning};
pub use consumer_support::picture::Drawing;
pub use left_out::{ChannelEpochs, LeftOutPicture};
pub use overview_page::{Cleaned, FileOutcome, FileRow, OverviewPage};
pub use page::RecordingPage;
pub use scaling::{ModeTimes, ScalingPicture};
pub use signals::{ChannelSignals, SignalPicture, Trace};
pub use spectrum::{ChannelSpectra, Fundamental, SpectrumPicture};
pub use table::NumberTable;
pub use template::{ChannelTemplate, TemplatePicture};
pub use triggers::TriggerPicture;

/// For which width a picture is drawn. Text keeps its size, so a narrow picture shows fewer ticks, not smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// 1120 pixels: a desktop window, a slide, a printed page.
    Wide,
    /// 356 pixels: a phone.
    Narrow,
}

impl Layout {
    fn width(self) -> f64 {
        self.pick(1120.0, 356.0)
    }

    /// The one that belongs to this layout.
    fn pick<T>(self, wide: T, narrow: T) -> T {
        match self {
            Self::Wide => wide,
            Self::Narrow => narrow,
        }
    }
}

/// A figure of a page: the same picture drawn for both widths, with how to read it and its files.
///
/// ```
/// use eeg_artifact::pictures::{LeftOutPicture, figure};
///
/// let picture = LeftOutPicture { title: "Epochs left out", channels: Vec::new() };
/// let figure = figure(picture.title, "One row per channel.", Vec::new(), |layout| picture.draw(layout));
/// assert!(figure.wide.width > figure.narrow.width);
/// ```
#[must_use]
pub fn figure(heading: &str, caption: &str, files: Vec<Link>, draw: impl Fn(Layout) -> Drawing) -> Figure {
    let (wide, narrow) = (draw(Layout::Wide), draw(Layout::Narrow));
    Figure { heading: heading.to_owned(), caption: caption.to_owned(), wide, narrow, files }
}
