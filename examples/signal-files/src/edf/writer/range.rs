//! The physical range of a channel in the header's eight characters, and the scale that follows from what is written there.

/// One end of a range as the header has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct End {
    pub(super) text: String,
    pub(super) value: f64,
}

/// To which side a number is rounded that has no room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Toward {
    Lower,
    Higher,
}

const WIDTH: usize = 8;

/// The nearest number to that side that eight characters hold, without an exponent; `None` when all are on the other side.
pub(super) fn end_of_range(value: f64, toward: Toward) -> Option<End> {
    (0..WIDTH).rev().find_map(|n_decimals| with_decimals(value, n_decimals, toward))
}

fn with_decimals(value: f64, n_decimals: usize, toward: Toward) -> Option<End> {
    // A number this long has no room whatever its decimals are, and is not worth its text.
    if value.is_nan() || value.abs() >= 1e9 {
        return None;
    }
    let nearest = parsed(format!("{value:.n_decimals$}"))?;
    let step = 10f64.powi(-(n_decimals as i32));
    let end = match toward {
        Toward::Lower if nearest.value > value => parsed(format!("{:.n_decimals$}", nearest.value - step))?,
        Toward::Higher if nearest.value < value => parsed(format!("{:.n_decimals$}", nearest.value + step))?,
        _ => nearest,
    };
    (end.text.len() <= WIDTH).then_some(end)
}

/// Without the zeros that say nothing, and without the sign of a zero.
fn parsed(text: String) -> Option<End> {
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let text = if short == "-0" { "0" } else { short }.to_owned();
    Some(End { value: text.parse().ok()?, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(value: f64) -> [Option<String>; 2] {
        [Toward::Lower, Toward::Higher].map(|toward| end_of_range(value, toward).map(|end| end.text))
    }

    #[test]
    fn a_number_without_room_is_rounded_outward() {
        let texts = |low: &str, high: &str| [Some(low.to_owned()), Some(high.to_owned())];
        assert_eq!(ends(-327.68), texts("-327.68", "-327.68"));
        assert_eq!(ends(0.0), texts("0", "0"));
        assert_eq!(ends(-0.0), texts("0", "0"));
        assert_eq!(ends(123.456_789), texts("123.4567", "123.4568"));
        assert_eq!(ends(-123.456_789), texts("-123.457", "-123.456"));
        assert_eq!(ends(1e-9), texts("0", "0.000001"));
        assert_eq!(ends(-1e-9), texts("-0.00001", "0"));
        assert_eq!(ends(99_999_999.0), texts("99999999", "99999999"));
        assert_eq!(ends(9_999_999.999), texts("9999999", "10000000"));
    }

    #[test]
    fn a_number_beyond_all_eight_characters_has_no_end() {
        assert_eq!(ends(99_999_999.5), [Some("99999999".to_owned()), None]);
        assert_eq!(ends(-9_999_999.5), [None, Some("-9999999".to_owned())]);
        assert_eq!(ends(f64::NAN), [None, None]);
        assert_eq!(ends(f64::INFINITY), [None, None]);
    }

    #[test]
    fn any_number_is_between_its_two_ends() {
        let mut value = 1e-8;
        while value < 9e6 {
            for value in [value, -value] {
                let low = end_of_range(value, Toward::Lower).unwrap();
                let high = end_of_range(value, Toward::Higher).unwrap();
                assert!(low.value <= value && value <= high.value, "{value}: {low:?} {high:?}");
                assert!(low.text.len() <= 8 && high.text.len() <= 8, "{value}: {low:?} {high:?}");
            }
            value *= 1.37;
        }
    }
}
