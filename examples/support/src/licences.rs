//! The licences of what a program carries within itself, besides code: its fonts.

/// The licence of the font in PNG pictures, DejaVu Sans, as its makers ask to have it along with each copy.
///
/// ```
/// assert!(consumer_support::licences::FONTS.contains("Bitstream Vera"));
/// ```
pub const FONTS: &str =
    concat!("DejaVu Sans 2.37, the font of PNG pictures:\n\n", include_str!("dejavu-fonts-licence.txt"));
