//! Bytes become the numbers that a network takes.

/// What the bytes 0 and 255 become.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// 0 becomes this.
    pub low: f32,
    /// 255 becomes this.
    pub high: f32,
}

/// The numbers of these bytes: `byte * ((high - low) / 255) + low`, each step rounded to binary32.
///
/// ```
/// use landmark_extraction::picture::{Range, to_input};
///
/// assert_eq!(to_input(&[0, 255], Range { low: -1.0, high: 1.0 }), [-1.0, 1.0]);
/// ```
#[must_use]
pub fn to_input(bytes: &[u8], range: Range) -> Vec<f32> {
    let step = ((f64::from(range.high) - f64::from(range.low)) / 255.0) as f32;
    bytes.iter().map(|byte| f32::from(*byte) * step + range.low).collect()
}
