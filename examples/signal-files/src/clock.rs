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
