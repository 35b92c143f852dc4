//! Numbers as texts in tables, and back, to the last bit.

use std::borrow::Cow;

/// The shortest text that is read back as the same number: `0.1`, `20000`, `1e300`; empty for NaN.
///
/// ```
/// # use signal_batch::number_text;
/// assert_eq!(number_text(20000.0), "20000");
/// assert_eq!(number_text(1.5e-9), "1.5e-9");
/// assert_eq!(number_text(f64::NAN), "");
/// ```
#[must_use]
pub fn number_text(number: f64) -> Cow<'static, str> {
    let size = number.abs();
    if number.is_nan() {
        Cow::Borrowed("")
    } else if size == 0.0 || size.is_infinite() || (1e-4..1e15).contains(&size) {
        Cow::Owned(number.to_string())
    } else {
        Cow::Owned(format!("{number:e}"))
    }
}

/// The number with six significant digits, for people: `0.423963`, `3.59493e7`; empty for NaN.
///
/// ```
/// # use signal_batch::short_number_text;
/// assert_eq!(short_number_text(0.42396316850338944), "0.423963");
/// assert_eq!(short_number_text(20000.0), "20000");
/// ```
#[must_use]
pub fn short_number_text(number: f64) -> Cow<'static, str> {
    number_text(format!("{number:.5e}").parse().unwrap_or(number))
}

/// The number in a cell: NaN for an empty one and for `nan`, `na`, `n/a` and `null` in any case; none for what is no number.
pub(super) fn number_in(cell: &[u8]) -> Option<f64> {
    let cell = cell.trim_ascii();
    let is_missing = || [&b""[..], b"na", b"n/a", b"null"].iter().any(|missing| cell.eq_ignore_ascii_case(missing));
    let number = || std::str::from_utf8(cell).ok()?.parse().ok();
    number().or_else(|| is_missing().then_some(f64::NAN))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_are_numbers_in_all_the_ways_that_programs_write_them() {
        for (cell, number) in [("1", 1.0), (" -2.5e-3 ", -2.5e-3), ("+.5", 0.5), ("inf", f64::INFINITY)] {
            assert_eq!(number_in(cell.as_bytes()), Some(number), "{cell:?}");
        }
        for cell in ["", " ", "NaN", "nan", "NA", "n/a", "NULL"] {
            assert!(number_in(cell.as_bytes()).is_some_and(f64::is_nan), "{cell:?}");
        }
        for cell in ["1,5", "0x10", "one", "1 V", "--", "1_000"] {
            assert_eq!(number_in(cell.as_bytes()), None, "{cell:?}");
        }
    }

    proptest! {
        #![proptest_config(manyhands_test_support::property::config(1000))]

        #[test]
        fn a_number_comes_back_to_the_last_bit(bits: u64) {
            let number = f64::from_bits(bits);
            let back = number_in(number_text(number).as_bytes()).unwrap();
            prop_assert!(back.to_bits() == bits || back.is_nan() && number.is_nan(), "{number:e} became {back:e}");
        }
    }
}
