//! Durations and times as people write them, read as exact nanoseconds.
//!
//! What a text says is what comes back, to the nanosecond, or an error: no floating point takes part. Which values
//! make sense (a window above zero) is left to those who use them.

use crate::{SleepError, SleepResult};

/// Reads a duration such as `30s`, `1500ms`, `7.3s`, `1min`, `1h30min` or `-5s` as nanoseconds.
///
/// A duration is one or more numbers, each with a unit, and perhaps a sign in front of all. Units are `ns`, `us` (or
/// `µs`), `ms`, `s`, `m` or `min`, `h` and `d`, and the words `sec`, `second`, `minute`, `hr`, `hour`, `day` with or
/// without an s at the end. A minute is 60 s and a day 24 h.
///
/// # Errors
/// [`SleepError::Config`] for an empty text, a number without a unit, an unknown unit, a fraction finer than a
/// nanosecond, or more than 292 years.
///
/// ```
/// # use sleep_analysis::parse_duration_ns;
/// assert_eq!(parse_duration_ns("7.3s")?, 7_300_000_000);
/// assert_eq!(parse_duration_ns("1h 30min")?, 5_400_000_000_000);
/// assert!(parse_duration_ns("30").unwrap_err().to_string().contains("30s"));
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn parse_duration_ns(text: &str) -> SleepResult<i64> {
    let trimmed = text.trim();
    let (sign, mut rest) = match trimmed.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let mut total: i128 = 0;
    loop {
        let (part, after) = leading_part_ns(rest.trim_start()).map_err(|reason| unreadable(text, reason))?;
        total += part;
        rest = after.trim_start();
        if rest.is_empty() {
            break;
        }
    }
    i64::try_from(sign * total).map_err(|_| unreadable(text, "it is longer than 292 years"))
}

/// Reads a time with a date and a zone, such as `2024-03-11T00:14:00+02:00` or `2024-03-10T22:14:00Z`, as nanoseconds
/// since 1970-01-01 UTC.
///
/// # Errors
/// [`SleepError::Config`] when the text is no ISO 8601 time, has no zone, or lies outside of the years 1678 to 2261.
///
/// ```
/// # use sleep_analysis::parse_time_ns;
/// assert_eq!(parse_time_ns("2024-03-11T00:14:00+02:00")?, parse_time_ns("2024-03-10T22:14:00Z")?);
/// assert!(parse_time_ns("2024-03-10T22:14:00").is_err()); // whose clock?
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn parse_time_ns(text: &str) -> SleepResult<i64> {
    let time: jiff::Timestamp = text.trim().parse().map_err(|cause| {
        SleepError::Config(format!("time {text:?} cannot be read ({cause}); write it like 2024-03-10T22:14:00Z"))
    })?;
    i64::try_from(time.as_nanosecond()).map_err(|_| {
        SleepError::Config(format!(
            "time {text:?} lies outside of the years 1678 to 2261, all that nanoseconds can count"
        ))
    })
}

fn unreadable(text: &str, reason: &str) -> SleepError {
    SleepError::Config(format!("duration {text:?} cannot be read: {reason}; write it like 30s, 1500ms or 1min"))
}

/// The first number with its unit, as nanoseconds, and the text behind it.
fn leading_part_ns(text: &str) -> Result<(i128, &str), &'static str> {
    let (whole, rest) = leading(text, |c| c.is_ascii_digit());
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => leading(rest, |c| c.is_ascii_digit()),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err("a number is missing");
    }
    let (unit, rest) = leading(rest.trim_start(), char::is_alphabetic);
    let unit_ns = unit_ns(unit)?;
    let part = digits(whole)? * unit_ns + fraction_ns(fraction.trim_end_matches('0'), unit_ns)?;
    Ok((part, rest))
}

fn leading(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

fn unit_ns(unit: &str) -> Result<i128, &'static str> {
    match unit {
        "ns" => Ok(1),
        "us" | "µs" | "μs" => Ok(1_000),
        "ms" => Ok(1_000_000),
        "s" | "sec" | "secs" | "second" | "seconds" => Ok(1_000_000_000),
        "m" | "min" | "mins" | "minute" | "minutes" => Ok(60 * 1_000_000_000),
        "h" | "hr" | "hrs" | "hour" | "hours" => Ok(3_600 * 1_000_000_000),
        "d" | "day" | "days" => Ok(86_400 * 1_000_000_000),
        "" => Err("a number has no unit"),
        _ => Err("its unit is unknown"),
    }
}

/// The value of up to 18 digits, which no sum of parts can push beyond an `i128`.
fn digits(digits: &str) -> Result<i128, &'static str> {
    match digits {
        "" => Ok(0),
        _ if digits.len() > 18 => Err("a number has more than 18 digits"),
        _ => digits.parse().map_err(|_| "a number is missing"),
    }
}

fn fraction_ns(fraction: &str, unit_ns: i128) -> Result<i128, &'static str> {
    let parts = digits(fraction)? * unit_ns;
    let scale = 10_i128.pow(fraction.len() as u32);
    if parts % scale == 0 { Ok(parts / scale) } else { Err("it is not a whole number of nanoseconds") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_has_its_exact_length() {
        let cases = [
            ("30s", 30_000_000_000),
            ("1500ms", 1_500_000_000),
            ("7.3s", 7_300_000_000),
            ("0.1s", 100_000_000),
            ("1min", 60_000_000_000),
            ("2m", 120_000_000_000),
            ("1h", 3_600_000_000_000),
            ("1 d", 86_400_000_000_000),
            ("12us", 12_000),
            ("12µs", 12_000),
            ("5ns", 5),
            (".5s", 500_000_000),
            ("1.500000000000s", 1_500_000_000),
            ("-5s", -5_000_000_000),
            ("+5 seconds", 5_000_000_000),
            ("1min 30.5s", 90_500_000_000),
            ("0s", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_duration_ns(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_text_that_says_no_duration_is_refused() {
        for text in ["", " ", "-", "30", "s", "30 parsecs", "1.5ns", "30s x", "1e3s", "--5s", "5s-", "300000000000s"] {
            let refused = parse_duration_ns(text);
            assert!(
                matches!(&refused, Err(SleepError::Config(reason)) if reason.contains("30s")),
                "{text}: {refused:?}"
            );
        }
        assert!(parse_duration_ns(&"9".repeat(60)).is_err());
        assert!(parse_duration_ns(&format!("0.{}s", "1".repeat(60))).is_err());
    }

    #[test]
    fn a_time_is_read_with_its_zone_and_its_nanoseconds() {
        assert_eq!(parse_time_ns("1970-01-01T00:00:00Z"), Ok(0));
        assert_eq!(parse_time_ns("1970-01-01T00:00:00.000000001Z"), Ok(1));
        assert_eq!(parse_time_ns("2024-03-11T00:14:00+02:00"), Ok(1_710_108_840_000_000_000));
        for text in ["", "2024-03-10", "2024-03-10T22:14:00", "yesterday", "2300-01-01T00:00:00Z"] {
            assert!(matches!(parse_time_ns(text), Err(SleepError::Config(_))), "{text}");
        }
    }
}
