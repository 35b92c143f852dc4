//! Pictures of a night that a sleep researcher looks at, as SVG, as PNG, and as one page that needs nothing else.
//!
//! Callers fill plain structs with columns of their tables: [`NightPicture`] (hypnogram and features), [`SpectrogramPicture`]
//! (one channel with its band powers), and [`Page`] around them, or [`StudyPage`] around those of many nights. Drawing is pure: the same input gives the same bytes,
//! no file is read or written, no font needs to be installed. NaN is a gap and stays blank; input without a value is a valid
//! picture that says `no data`; text of any kind is escaped. Which columns to show, and where the files go, is the caller's to say.

mod canvas;
mod clock;
mod colour;
mod drawing;
mod escape;
mod heatmap;
mod hypnogram;
mod night;
mod page;
mod raster;
mod scale;
mod spectrogram;
mod study_page;
mod svg;
mod timeline;
mod track;

pub use drawing::Drawing;
pub use night::NightPicture;
pub use page::{Fact, Figure, Link, Page, Warning};
pub use spectrogram::{Band, SpectrogramPicture};
pub use study_page::{StudyPage, SubjectTile};
pub use timeline::EpochTimes;
pub use track::{Track, TrackColour, TrackShape};

/// For which width a picture is drawn. Text keeps its size, so a narrow picture shows fewer ticks, not smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// 1120 pixels: a desktop window, a slide, a printed page.
    Wide,
    /// 356 pixels: a phone.
    Narrow,
}
