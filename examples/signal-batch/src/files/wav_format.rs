//! How a WAV file stores its samples, and how one is decoded and encoded.

use serde::{Deserialize, Serialize};

/// How a sample is stored. Integers stand for -1 to 1; 8 bits are unsigned, with 128 for 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WavFormat {
    /// Unsigned, 8 bits.
    Pcm8,
    /// 16 bits.
    Pcm16,
    /// 24 bits.
    Pcm24,
    /// 32 bits.
    Pcm32,
    /// Floats of 32 bits.
    Float32,
    /// Floats of 64 bits: samples keep their bits.
    Float64,
}

/// The tags of the format chunk.
pub(super) const PCM: u16 = 1;
pub(super) const FLOAT: u16 = 3;

impl WavFormat {
    /// All, shortest first.
    pub const ALL: [Self; 6] = [Self::Pcm8, Self::Pcm16, Self::Pcm24, Self::Pcm32, Self::Float32, Self::Float64];

    /// The format of this tag and number of bits.
    pub(super) fn of(tag: u16, n_bits: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.tag() == tag && format.n_bytes() * 8 == usize::from(n_bits))
    }

    pub(super) fn tag(self) -> u16 {
        if self.is_float() { FLOAT } else { PCM }
    }

    pub(super) fn n_bytes(self) -> usize {
        match self {
            Self::Pcm8 => 1,
            Self::Pcm16 => 2,
            Self::Pcm24 => 3,
            Self::Pcm32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    pub(super) fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// How many steps there are from 0 to 1, for integers.
    fn steps(self) -> f64 {
        (8.0 * self.n_bytes() as f64 - 1.0).exp2()
    }

    /// The sample of these bytes, which are as many as one has.
    pub(super) fn decoded(self, bytes: &[u8]) -> f64 {
        match (self, bytes) {
            (Self::Float32, &[a, b, c, d]) => f64::from(f32::from_le_bytes([a, b, c, d])),
            (Self::Float64, bytes) => f64::from_le_bytes(bytes.try_into().expect("8 bytes are given")),
            (Self::Pcm8, &[byte]) => (f64::from(byte) - 128.0) / self.steps(),
            (_, bytes) => {
                // The bytes are the upper ones of a number of 32 bits, so that their sign is its sign.
                let mut upper = [0; 4];
                upper[4 - bytes.len()..].copy_from_slice(bytes);
                let shift = 32 - 8 * bytes.len();
                f64::from(i32::from_le_bytes(upper) >> shift) / self.steps()
            }
        }
    }

    /// Appends a sample, rounded to the nearest step; none when it lies outside of what the format can hold.
    pub(super) fn encode(self, sample: f64, bytes: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Float32 => bytes.extend(Some(sample as f32).filter(|sample| sample.is_finite())?.to_le_bytes()),
            Self::Float64 => bytes.extend(sample.to_le_bytes()),
            _ => {
                let step = (sample * self.steps()).round();
                if !(-self.steps()..self.steps()).contains(&step) {
                    return None;
                }
                let shifted = if self == Self::Pcm8 { step as i32 + 128 } else { step as i32 };
                bytes.extend(&shifted.to_le_bytes()[..self.n_bytes()]);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_short_formats_reads_back_and_the_ends_of_long_ones_do() {
        for format in [WavFormat::Pcm8, WavFormat::Pcm16, WavFormat::Pcm24, WavFormat::Pcm32] {
            let steps = format.steps();
            let every = if format.n_bytes() < 3 { 1 } else { 1 << (8 * format.n_bytes() - 12) };
            for step in (-(steps as i64)..steps as i64).step_by(every).chain([steps as i64 - 1]) {
                let sample = step as f64 / steps;
                let mut bytes = Vec::new();
                format.encode(sample, &mut bytes).unwrap();
                assert_eq!(format.decoded(&bytes), sample, "{format:?}");
            }
        }
    }

    #[test]
    fn what_a_format_cannot_hold_is_not_encoded() {
        let mut bytes = Vec::new();
        assert_eq!(WavFormat::Pcm16.encode(1.0, &mut bytes), None);
        assert_eq!(WavFormat::Pcm8.encode(-1.01, &mut bytes), None);
        assert_eq!(WavFormat::Float32.encode(1e39, &mut bytes), None);
        assert!(bytes.is_empty());
    }
}
