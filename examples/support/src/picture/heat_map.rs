//! A heat map: shares of a colour scale in rows and columns, as a small palette PNG.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::colour::viridis;

/// Palette entries of the colour scale; entry 0 is the transparent gap.
const N_LEVELS: u8 = 255;

/// A grid of cells, each a place on the colour scale or a gap.
///
/// ```
/// use consumer_support::picture::HeatMap;
///
/// let map = HeatMap::new(1, 3, |_, column| (column != 1).then_some(0.5));
/// assert!(map.has_gaps() && map.colour(0, 1).is_none());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    n_columns: usize,
    n_rows: usize,
    /// Palette indices, row by row from the top: 0 is a gap, 1 to 255 the colour scale.
    levels: Vec<u8>,
}

impl HeatMap {
    /// `share(row, column)` is a place on the colour scale from 0 to 1, or a gap; sizes are at least 1.
    #[must_use]
    pub fn new(n_rows: usize, n_columns: usize, share: impl Fn(usize, usize) -> Option<f64>) -> Self {
        let cells = (0..n_rows).flat_map(|row| (0..n_columns).map(move |column| (row, column)));
        let levels = cells.map(|(row, column)| level(share(row, column))).collect();
        Self { n_columns, n_rows, levels }
    }

    /// The number of columns.
    #[must_use]
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// The number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The colour of a cell, `None` for a gap.
    ///
    /// # Panics
    /// When the row or the column is outside the map.
    #[must_use]
    pub fn colour(&self, row: usize, column: usize) -> Option<[u8; 3]> {
        let level = self.levels[row * self.n_columns + column];
        (level > 0).then(|| level_colour(level))
    }

    /// Whether any cell is a gap.
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        self.levels.contains(&0)
    }

    /// The map as PNG inside a `data:` address.
    ///
    /// # Panics
    /// When the map has no rows or no columns.
    #[must_use]
    pub fn to_data_uri(&self) -> String {
        format!("data:image/png;base64,{}", STANDARD.encode(self.to_png()))
    }

    fn to_png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let side = |length: usize| u32::try_from(length).expect("a picture has fewer than 2^32 rows and columns");
        let mut encoder = png::Encoder::new(&mut bytes, side(self.n_columns), side(self.n_rows));
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette((0..=N_LEVELS).flat_map(level_colour).collect::<Vec<u8>>());
        encoder.set_trns(vec![0]);
        let mut writer = encoder.write_header().expect("the sizes are not zero, and memory takes every write");
        writer.write_image_data(&self.levels).expect("there is one level per cell");
        writer.finish().expect("memory takes every write");
        bytes
    }
}

fn level(share: Option<f64>) -> u8 {
    share.map_or(0, |share| 1 + (share.clamp(0.0, 1.0) * f64::from(N_LEVELS - 1)).round() as u8)
}

fn level_colour(level: u8) -> [u8; 3] {
    viridis(f64::from(level.saturating_sub(1)) / f64::from(N_LEVELS - 1))
}
