//! How a length is transformed, as arithmetic: its radices, roots of unity, and the chirp of a length that has a large prime factor.
//!
//! Sources: T. G. Stockham, "High-speed convolution and correlation" (1966), for passes that sort as they go; L. I. Bluestein, "A linear
//! filtering approach to the computation of discrete Fourier transform" (1970). All angles are of double precision, rounded once.

use std::f64::consts::{PI, TAU};

/// The largest prime factor that a pass of its own transforms; its cost per sample grows with the factor.
const LARGEST_PRIME: u32 = 31;

/// A complex number, as the device has it.
pub(super) type Complex = [f32; 2];

/// The radices of the passes, or none when a prime factor is too large. A length of one needs no pass.
pub(super) fn radices(len: u32) -> Option<Vec<u32>> {
    let mut rest = len;
    let mut radices = Vec::new();
    for radix in [4].into_iter().chain(2..=LARGEST_PRIME) {
        while rest.is_multiple_of(radix) {
            radices.push(radix);
            rest /= radix;
        }
    }
    (rest == 1).then_some(radices)
}

/// The power of two in which a length that has no radices is convolved with its chirp.
pub(super) fn padded_len(len: u32) -> u32 {
    (2 * len - 1).next_power_of_two()
}

/// `exp(-2 pi i k / len)` for `k` below `count`.
pub(super) fn roots(len: u32, count: u32) -> Vec<Complex> {
    (0..count).map(|k| rounded(turned(-TAU * f64::from(k) / f64::from(len)))).collect()
}

/// `exp(-pi i k^2 / len)` for each `k` below the length.
pub(super) fn chirp(len: u32) -> Vec<Complex> {
    (0..len).map(|k| rounded(chirp_at(len, k))).collect()
}

/// The transform of the chirp's conjugate, which wraps around in the padded length, over that length: what a convolution multiplies by.
pub(super) fn chirp_spectrum(len: u32) -> Vec<Complex> {
    let padded = padded_len(len) as usize;
    let mut values = vec![(0.0, 0.0); padded];
    for k in 0..len {
        let (re, im) = chirp_at(len, k);
        values[k as usize] = (re, -im);
        values[(padded - k as usize) % padded] = (re, -im);
    }
    transform(&mut values);
    values.into_iter().map(|(re, im)| rounded((re / padded as f64, im / padded as f64))).collect()
}

fn chirp_at(len: u32, k: u32) -> (f64, f64) {
    // The square is reduced while it is an integer, where nothing is lost.
    let reduced = u64::from(k) * u64::from(k) % (2 * u64::from(len));
    turned(-PI * reduced as f64 / f64::from(len))
}

fn turned(angle: f64) -> (f64, f64) {
    let (sin, cos) = angle.sin_cos();
    (cos, sin)
}

fn rounded((re, im): (f64, f64)) -> Complex {
    [re as f32, im as f32]
}

/// A transform of a power of two in place, with double precision: once per length, so it is plain rather than fast.
fn transform(values: &mut [(f64, f64)]) {
    let len = values.len();
    let shift = usize::BITS - len.trailing_zeros();
    for at in 1..len {
        let to = at.reverse_bits() >> shift;
        if at < to {
            values.swap(at, to);
        }
    }
    let mut half = 1;
    while half < len {
        let roots: Vec<(f64, f64)> = (0..half).map(|k| turned(-PI * k as f64 / half as f64)).collect();
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for ((a, b), (cos, sin)) in low.iter_mut().zip(high).zip(&roots) {
                let turned = (b.0 * cos - b.1 * sin, b.0 * sin + b.1 * cos);
                (*a, *b) = ((a.0 + turned.0, a.1 + turned.1), (a.0 - turned.0, a.1 - turned.1));
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radices_multiply_to_the_length() {
        for len in 1..=3000 {
            if let Some(radices) = radices(len) {
                assert_eq!(radices.iter().product::<u32>(), len);
                assert!(radices.iter().all(|radix| *radix <= LARGEST_PRIME));
            }
        }
        assert_eq!(radices(1), Some(vec![]));
        assert_eq!(radices(20_000), Some(vec![4, 4, 2, 5, 5, 5, 5]));
        assert_eq!(radices(37), None);
        assert_eq!(radices(2 * 37), None);
    }

    #[test]
    fn a_padded_length_holds_the_whole_convolution() {
        assert_eq!([1, 2, 37, 513].map(padded_len), [1, 4, 128, 2048]);
    }

    #[test]
    fn the_plain_transform_of_an_impulse_is_a_turning_root() {
        let mut values = vec![(0.0, 0.0); 8];
        values[1] = (1.0, 0.0);
        transform(&mut values);
        for (k, (re, im)) in values.iter().enumerate() {
            let (cos, sin) = turned(-TAU * k as f64 / 8.0);
            assert!((re - cos).abs() < 1e-15 && (im - sin).abs() < 1e-15, "bin {k}");
        }
    }

    #[test]
    fn angles_stay_exact_where_the_square_is_far_beyond_the_length() {
        let len = 1_000_003;
        let k = len - 1;
        // (len - 1)^2 = len (len - 2) + 1, and len - 2 is odd here.
        let expected = turned(-PI * (f64::from(len) + 1.0) / f64::from(len));
        let found = chirp_at(len, k);
        assert!((found.0 - expected.0).abs() < 1e-15 && (found.1 - expected.1).abs() < 1e-15);
    }
}
