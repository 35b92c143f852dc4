//! Floats as text with 17 significant digits, as C's `%.17g` writes them: every value reads back as itself.
//!
//! What a missing value looks like is the table's matter, in `csv_io.rs`.

use std::io::Write;

const SIGNIFICANT_DIGITS: i32 = 17;

/// The smallest decimal exponent that is written out with leading zeros instead of `e`.
const SMALLEST_PLAIN_EXPONENT: i32 = -4;

/// Whole numbers below this are exact and have at most 16 digits, so they need no rounding.
const WHOLE_LIMIT: f64 = 1e15;

/// Multiples of this below [`SHORT_LIMIT`] have at most 8 decimals and 16 digits in all, so they need no rounding either.
/// Converters deliver such samples, and they are the slowest to round: their digits end exactly.
const SHORT_STEP: f64 = 1.0 / 256.0;
const SHORT_LIMIT: f64 = 9e7;
const SHORT_DECIMALS: usize = 8;

/// Appends a float as C's `%.17g` would print it: `13.1875`, `9.9999999999999995e-08`, `-inf`, `nan`.
///
/// ```
/// use sleep_analysis::append_float;
///
/// let mut text = Vec::new();
/// append_float(&mut text, 0.1);
/// assert_eq!(text, b"0.10000000000000001");
/// ```
pub fn append_float(text: &mut Vec<u8>, value: f64) {
    if !value.is_finite() {
        append_special(text, value);
    } else if value == value.trunc() && value.abs() < WHOLE_LIMIT {
        append_whole(text, value);
    } else if value.abs() < SHORT_LIMIT && (value / SHORT_STEP).fract() == 0.0 {
        append_short(text, value);
    } else {
        append_rounded(text, value);
    }
}

fn append_special(text: &mut Vec<u8>, value: f64) {
    text.extend_from_slice(match value {
        f64::INFINITY => b"inf",
        f64::NEG_INFINITY => b"-inf",
        _ => b"nan",
    });
}

fn append_whole(text: &mut Vec<u8>, value: f64) {
    // An integer has no negative zero.
    if value == 0.0 && value.is_sign_negative() {
        text.push(b'-');
    }
    append_display(text, format_args!("{}", value as i64));
}

fn append_short(text: &mut Vec<u8>, value: f64) {
    if value < 0.0 {
        text.push(b'-');
    }
    // Exact: the product is a whole number below 2^53.
    let scaled = (value.abs() * 1e8) as u64;
    let (whole, fraction) = (scaled / 100_000_000, scaled % 100_000_000);
    append_display(text, format_args!("{whole}.{fraction:0SHORT_DECIMALS$}"));
    // The fraction is not zero, so this ends behind the point.
    let n_zeros = text.iter().rev().take_while(|&&digit| digit == b'0').count();
    text.truncate(text.len() - n_zeros);
}

fn append_rounded(text: &mut Vec<u8>, value: f64) {
    if value < 0.0 {
        text.push(b'-');
    }
    let (digits, exponent) = decimal(value.abs());
    let n_needed = digits.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);
    let digits = &digits[..n_needed];
    if !(SMALLEST_PLAIN_EXPONENT..SIGNIFICANT_DIGITS).contains(&exponent) {
        append_with_exponent(text, digits, exponent);
    } else if exponent < 0 {
        text.extend_from_slice(b"0.");
        append_zeros(text, exponent.unsigned_abs() as usize - 1);
        text.extend_from_slice(digits);
    } else {
        append_plain(text, digits, exponent as usize + 1);
    }
}

/// The 17 significant digits of a positive float, and the decimal exponent of the first.
fn decimal(value: f64) -> ([u8; 17], i32) {
    // "d.dddddddddddddddde-308" is the longest there is.
    let mut buffer = [0_u8; 24];
    let mut rest = &mut buffer[..];
    write!(rest, "{value:.16e}").expect("24 bytes hold every float of 17 digits");
    let n_unused = rest.len();
    let text = &buffer[..buffer.len() - n_unused];
    let mut digits = [0; 17];
    digits[0] = text[0];
    digits[1..].copy_from_slice(&text[2..18]);
    (digits, exponent(&text[19..]))
}

fn exponent(text: &[u8]) -> i32 {
    let (sign, digits) = if let [b'-', digits @ ..] = text { (-1, digits) } else { (1, text) };
    sign * digits.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0'))
}

fn append_with_exponent(text: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    append_plain(text, digits, 1);
    let sign = if exponent < 0 { '-' } else { '+' };
    append_display(text, format_args!("e{sign}{:02}", exponent.unsigned_abs()));
}

/// Digits with the decimal point behind the first `n_whole` of them, filled up with zeros where there are fewer.
fn append_plain(text: &mut Vec<u8>, digits: &[u8], n_whole: usize) {
    let (whole, fraction) = digits.split_at(n_whole.min(digits.len()));
    text.extend_from_slice(whole);
    append_zeros(text, n_whole - whole.len());
    if !fraction.is_empty() {
        text.push(b'.');
        text.extend_from_slice(fraction);
    }
}

fn append_zeros(text: &mut Vec<u8>, n_zeros: usize) {
    text.resize(text.len() + n_zeros, b'0');
}

/// Appends an integer or another value whose text cannot fail.
pub(crate) fn append_display(text: &mut Vec<u8>, value: std::fmt::Arguments<'_>) {
    text.write_fmt(value).expect("a growing list takes every byte");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text_of(value: f64) -> String {
        let mut text = Vec::new();
        append_float(&mut text, value);
        String::from_utf8(text).unwrap()
    }

    /// Pairs made with C's `printf("%.17g")`.
    #[test]
    fn floats_read_as_c_prints_them() {
        let pairs = [
            (13.1875, "13.1875"),
            (0.1, "0.10000000000000001"),
            (1e-7, "9.9999999999999995e-08"),
            (0.0001, "0.0001"),
            (0.00001, "1.0000000000000001e-05"),
            (0.000123, "0.00012300000000000001"),
            (1e15, "1000000000000000"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (123456789012345678.0, "1.2345678901234568e+17"),
            (12345678901234567000000.0, "1.2345678901234568e+22"),
            (800000000000001.0 / 8.0, "100000000000000.12"),
            (800000000000003.0 / 8.0, "100000000000000.38"),
            (9007199254740993.0, "9007199254740992"),
            (999999998.8486328, "999999998.84863281"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (-2.5, "-2.5"),
            (-42.0, "-42"),
            (0.0, "0"),
            (-0.0, "-0"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (value, text) in pairs {
            assert_eq!(text_of(value), text);
        }
    }

    proptest! {
        #[test]
        fn every_float_reads_back_as_itself(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            prop_assert_eq!(text_of(value).parse::<f64>().unwrap().to_bits(), bits);
        }

        #[test]
        fn no_text_is_longer_than_24_bytes(bits in any::<u64>()) {
            prop_assert!(text_of(f64::from_bits(bits)).len() <= 24);
        }
    }
}
