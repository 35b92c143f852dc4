//! Colours by their role, each with a light and a dark value, and viridis for heat maps.
//!
//! Pictures name roles, never colours. Files use the light values; a page replaces them by the dark ones by class.
//! The palettes are the colour-blind safe ones of Okabe and Ito and of Paul Tol, shifted where contrast requires it;
//! no meaning depends on colour alone.

use std::fmt::Write;

/// Red, green, blue, 0 to 255 each.
pub type Rgb = [u8; 3];

/// The role of a mark in a picture, which decides its colour.
///
/// ```
/// use consumer_support::picture::Colour;
///
/// assert_eq!(Colour::Background.light(), [255; 3]);
/// assert_eq!(Colour::Series(5).light(), Colour::Series(1).light());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Text to read first.
    Text,
    /// Text of less weight: ticks, remarks.
    Muted,
    /// Grid lines.
    Grid,
    /// The background of a panel.
    Panel,
    /// The background of the picture.
    Background,
    /// Where there is no data.
    Gap,
    /// A line of much weight, in a neutral colour.
    Strong,
    /// What must not be overlooked.
    Accent,
    /// The line of the series with this index; there are four colours, repeated.
    Series(usize),
    /// The area of the band with this index; there are six colours, repeated.
    Band(usize),
}

/// Every role: its class, its light and its dark colour. The classes are part of pictures that journals of earlier runs hold, so they
/// keep their names.
const COLOURS: [(Colour, &str, Rgb, Rgb); 18] = [
    (Colour::Text, "text", [0x1b, 0x24, 0x30], [0xe6, 0xea, 0xf0]),
    (Colour::Muted, "muted", [0x54, 0x60, 0x6e], [0xa3, 0xae, 0xbb]),
    (Colour::Grid, "grid", [0xdc, 0xe1, 0xe7], [0x2f, 0x38, 0x44]),
    (Colour::Panel, "panel", [0xf7, 0xf9, 0xfb], [0x19, 0x20, 0x2a]),
    (Colour::Background, "paper", [0xff, 0xff, 0xff], [0x12, 0x17, 0x1e]),
    (Colour::Gap, "gap", [0xc4, 0xcb, 0xd3], [0x4a, 0x54, 0x60]),
    (Colour::Strong, "stage", [0x33, 0x41, 0x5c], [0xb9, 0xc6, 0xdc]),
    (Colour::Accent, "rem", [0xd0, 0x4a, 0x02], [0xff, 0x9d, 0x5c]),
    (Colour::Series(0), "s0", [0x00, 0x72, 0xb2], [0x6c, 0xb8, 0xf0]),
    (Colour::Series(1), "s1", [0xb3, 0x3c, 0x5e], [0xf2, 0x8f, 0xa9]),
    (Colour::Series(2), "s2", [0x00, 0x7a, 0x5a], [0x4b, 0xd0, 0xa8]),
    (Colour::Series(3), "s3", [0x7b, 0x4b, 0x94], [0xcf, 0xa3, 0xe6]),
    (Colour::Band(0), "b0", [0x33, 0x22, 0x88], [0x6f, 0x62, 0xd0]),
    (Colour::Band(1), "b1", [0x88, 0xcc, 0xee], [0x88, 0xcc, 0xee]),
    (Colour::Band(2), "b2", [0x2f, 0x8f, 0x7f], [0x2f, 0x8f, 0x7f]),
    (Colour::Band(3), "b3", [0xdd, 0xcc, 0x77], [0xdd, 0xcc, 0x77]),
    (Colour::Band(4), "b4", [0xcc, 0x66, 0x77], [0xcc, 0x66, 0x77]),
    (Colour::Band(5), "b5", [0x7a, 0x1f, 0x52], [0xa8, 0x44, 0x7a]),
];

const N_SERIES: usize = 4;
const N_BANDS: usize = 6;

impl Colour {
    /// The role's part of the style classes: `f-<class>` fills, `s-<class>` strokes.
    #[must_use]
    pub fn class(self) -> &'static str {
        self.entry().1
    }

    /// The colour on a light background.
    #[must_use]
    pub fn light(self) -> Rgb {
        self.entry().2
    }

    fn entry(self) -> &'static (Self, &'static str, Rgb, Rgb) {
        let listed = match self {
            Self::Series(idx) => Self::Series(idx % N_SERIES),
            Self::Band(idx) => Self::Band(idx % N_BANDS),
            other => other,
        };
        COLOURS.iter().find(|(colour, ..)| *colour == listed).expect("every role is listed")
    }
}

/// `#rrggbb`.
pub(super) fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// The style rules that recolour a picture for a dark page: `f-<class>` fills, `s-<class>` strokes.
pub(crate) fn dark_rules() -> String {
    let mut rules = String::new();
    for (_, class, _, dark) in &COLOURS {
        let colour = hex(*dark);
        write!(rules, ".f-{class}{{fill:{colour}}}.s-{class}{{stroke:{colour}}}").expect("a string takes every write");
    }
    rules
}

/// The colours of a page as style variables, such as `--text`.
pub(crate) fn variables(dark: bool) -> String {
    COLOURS
        .iter()
        .map(|(_, class, light, night)| format!("--{class}:{};", hex(if dark { *night } else { *light })))
        .collect()
}

/// Nine samples of viridis (van der Walt and Smith, released as CC0), at equal distances.
const VIRIDIS: [Rgb; 9] = [
    [0x44, 0x01, 0x54],
    [0x47, 0x2d, 0x7b],
    [0x3b, 0x52, 0x8b],
    [0x2c, 0x72, 0x8e],
    [0x21, 0x91, 0x8c],
    [0x28, 0xae, 0x80],
    [0x5e, 0xc9, 0x62],
    [0xad, 0xdc, 0x30],
    [0xfd, 0xe7, 0x25],
];

/// The viridis colour of a share from 0 to 1, straight lines between the samples.
#[must_use]
pub fn viridis(share: f64) -> Rgb {
    let place = share.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let lower = (place as usize).min(VIRIDIS.len() - 2);
    let weight = place - lower as f64;
    let mix = |channel: usize| {
        let (from, to) = (f64::from(VIRIDIS[lower][channel]), f64::from(VIRIDIS[lower + 1][channel]));
        (from + (to - from) * weight).round() as u8
    };
    [mix(0), mix(1), mix(2)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast as WCAG 2 defines them.
    fn luminance(colour: Rgb) -> f64 {
        let linear = |byte: u8| {
            let share = f64::from(byte) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
    }

    fn contrast(one: Rgb, other: Rgb) -> f64 {
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn text_and_lines_stand_out_on_light_and_on_dark_panels() {
        let (_, _, light_panel, dark_panel) = Colour::Panel.entry();
        for (colour, class, light, dark) in &COLOURS {
            let least = match colour {
                Colour::Text | Colour::Muted => 4.5,
                Colour::Strong | Colour::Accent | Colour::Series(_) => 3.0,
                _ => 1.0,
            };
            assert!(contrast(*light, *light_panel) >= least, "{class} on light");
            assert!(contrast(*dark, *dark_panel) >= least, "{class} on dark");
        }
    }

    #[test]
    fn viridis_grows_brighter_all_the_way() {
        let brightness: Vec<f64> = (0..=50).map(|idx| luminance(viridis(f64::from(idx) / 50.0))).collect();
        assert!(brightness.is_sorted_by(|one, other| one < other), "{brightness:?}");
        assert_eq!([viridis(0.0), viridis(0.5), viridis(1.0)], [VIRIDIS[0], VIRIDIS[4], VIRIDIS[8]]);
    }

    #[test]
    fn every_series_and_band_has_an_ink() {
        for idx in 0..20 {
            assert!(Colour::Series(idx).class().starts_with('s') && Colour::Band(idx).class().starts_with('b'));
        }
    }
}
