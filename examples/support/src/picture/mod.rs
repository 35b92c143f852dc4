//! Drawings: one list of marks, which the SVG writer and the PNG renderer both follow.
//!
//! Drawing is pure: the same marks give the same bytes, no file is read or written, no font needs to be installed. Colours are named
//! by role ([`Colour`]), so that a page can show a picture light or dark. PNG files and heat maps need the feature `png`.

mod colour;
mod drawing;
#[cfg(feature = "png")]
mod heat_map;
#[cfg(feature = "png")]
mod png;
mod scale;
mod svg;

pub use colour::{Colour, Rgb, viridis};
pub(crate) use colour::{dark_rules, variables};
pub use drawing::{Anchor, Drawing, Mark, Point, TextStyle};
#[cfg(feature = "png")]
pub use heat_map::HeatMap;
pub use scale::{Scale, extremes, is_drawable, median, round_range, short_number, sorted};
