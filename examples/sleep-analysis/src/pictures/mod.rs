//! Pictures of a night that a sleep researcher looks at, as SVG, as PNG, and as one page that needs nothing else.
//!
//! Callers fill plain structs with columns of their tables: [`NightPicture`] (hypnogram and features), [`SpectrogramPicture`]
//! (one channel with its band powers), and [`Page`] around them, or [`StudyPage`] around those of many nights. Drawing is pure: the same input gives the same bytes,
//! no file is read or written, no font needs to be installed. NaN is a gap and stays blank; input without a value is a valid
//! picture that says `no data`; text of any kind is escaped. The caller chooses the columns and the places of the files. The writers of SVG, PNG and HTML are in `consumer_support`.

mod canvas;
mod clock;
mod hypnogram;
mod night;
mod page;
mod spectrogram;
mod study_page;
mod timeline;
mod track;

pub use consumer_support::page::{Fact, Figure, Link, Warning};
pub use consumer_support::picture::Drawing;
pub use night::NightPicture;
pub use page::Page;
pub use spectrogram::{Band, SpectrogramPicture};
pub use study_page::{StudyPage, SubjectTile, tile_svg};
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
