//! The times of headers: dates, times of day and decimal seconds, as nanoseconds.

pub(crate) const NS_PER_SECOND: i64 = 1_000_000_000;

/// Two digits of a year mean 1985 to 2084, unless EDF+'s recording text (`Startdate 02-MAR-2085`) has all four for the same day.
pub(crate) fn days_of_date(date: &str, recording: &str) -> Option<i64> {
    let [day, month, short_year] = numbers(date)?;
    let length = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !((1..=12).contains(&month) && (1..=length).contains(&day) && (0..=99).contains(&short_year)) {
        return None;
    }
    let year = if short_year >= 85 { 1900 + short_year } else { 2000 + short_year };
    let long_year = long_year(recording).filter(|long| long % 100 == short_year && (1900..2200).contains(long));
    Some(days_since_1970(long_year.unwrap_or(year), month, day))
}

fn long_year(recording: &str) -> Option<i64> {
    let date = recording.strip_prefix("Startdate ")?.split(' ').next()?;
    date.split('-').nth(2)?.parse().ok()
}

/// Days of the Gregorian calendar: years counted from March, so that a leap day is the last of its year.
pub(crate) fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_ahead_of_month = (153 * month + 2) / 5;
    let leap_days = year / 4 - year / 100 + year / 400;
    // 1970-01-01 has the number 719468 when 0000-03-01 has the number 0.
    365 * year + leap_days + days_ahead_of_month + day - 1 - 719_468
}

/// Three numbers with anything but digits between them.
pub(crate) fn numbers(text: &str) -> Option<[i64; 3]> {
    let mut parts = text.split(|letter: char| !letter.is_ascii_digit()).map(|part| part.parse().ok());
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

/// Decimal seconds as nanoseconds, exactly; further digits than nine are cut. `None` for what is no such number, or too large.
pub(crate) fn nanoseconds(seconds: &str) -> Option<i64> {
    let (sign, digits) = match seconds.as_bytes().first()? {
        b'-' => (-1, &seconds[1..]),
        b'+' => (1, &seconds[1..]),
        _ => (1, seconds),
    };
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
    let is_number =
        !(whole.is_empty() && fraction.is_empty()) && [whole, fraction].iter().all(|part| only_digits(part));
    let whole: i64 = if is_number && whole.is_empty() { 0 } else { whole.parse().ok().filter(|_| is_number)? };
    let whole_ns = whole.checked_mul(NS_PER_SECOND)?;
    let fraction_ns = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some(sign * whole_ns.checked_add(fraction_ns)?)
}

fn only_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Year, month and day of the Gregorian calendar: the inverse of [`days_since_1970`].
pub(crate) fn date_of_days(days: i64) -> (i64, i64, i64) {
    // Counted from March of the year 0, in eras of 400 years, each of 146097 days.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_of_four_centuries_is_its_date_again() {
        let first = days_since_1970(1900, 1, 1);
        let mut ahead = date_of_days(first - 1);
        for days in first..days_since_1970(2300, 1, 1) {
            let (year, month, day) = date_of_days(days);
            assert_eq!(days_since_1970(year, month, day), days);
            assert!((year, month, day) > ahead && (1..=12).contains(&month) && (1..=31).contains(&day));
            ahead = (year, month, day);
        }
        assert_eq!(date_of_days(days_since_1970(2000, 2, 29)), (2000, 2, 29));
    }

    #[test]
    fn decimal_seconds_are_exact_to_the_nanosecond() {
        assert_eq!(nanoseconds("0.1344"), Some(134_400_000));
        assert_eq!(nanoseconds("-1,5"), Some(-1_500_000_000));
        assert_eq!(nanoseconds("."), None);
        assert_eq!(nanoseconds("9999999999999"), None);
    }
}
