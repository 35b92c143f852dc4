//! Clock time for the axes: UTC dates from nanoseconds, and where the ticks of a span go. Pure integer arithmetic.

const SECOND: i128 = 1_000_000_000;
const MINUTE: i128 = 60 * SECOND;
const HOUR: i128 = 60 * MINUTE;
const DAY: i128 = 24 * HOUR;

/// Distances between ticks that a reader can count in.
const STEPS: [i128; 22] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
];

/// A tick of a time axis: its time and its label.
#[derive(Debug, PartialEq)]
pub(super) struct ClockTick {
    pub(super) at_ns: i128,
    pub(super) label: String,
}

/// At most `most + 1` ticks on round clock times from `start_ns` to `end_ns`, both included.
pub(super) fn clock_ticks(start_ns: i128, end_ns: i128, most: usize) -> Vec<ClockTick> {
    let step = tick_step(end_ns - start_ns, most.max(1) as i128);
    let first = -(-start_ns).div_euclid(step) * step;
    let times = std::iter::successors(Some(first), |at| Some(at + step)).take_while(|at| *at <= end_ns);
    times.map(|at_ns| ClockTick { at_ns, label: tick_label(at_ns, step) }).collect()
}

/// `YYYY-MM-DD HH:MM:SS`, UTC.
pub(super) fn date_and_time(at_ns: i128) -> String {
    format!("{} {}", date(at_ns), time(at_ns))
}

/// A length of time in the largest fitting units, such as `8 h 0 min` or `2 min 5 s`.
pub(super) fn span_text(span_ns: i128) -> String {
    let seconds = (span_ns + SECOND / 2) / SECOND;
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

fn tick_step(span_ns: i128, most: i128) -> i128 {
    let fits = |step: &i128| span_ns <= step * most;
    let longest = STEPS[STEPS.len() - 1];
    let doubled = || std::iter::successors(Some(longest), |step| Some(step * 2)).find(fits);
    STEPS.into_iter().find(fits).or_else(doubled).unwrap_or(longest)
}

fn tick_label(at_ns: i128, step: i128) -> String {
    let time = time(at_ns);
    match step {
        DAY.. => date(at_ns),
        MINUTE.. => time[..5].to_owned(),
        _ => time,
    }
}

fn time(at_ns: i128) -> String {
    let seconds = at_ns.rem_euclid(DAY) / SECOND;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The Gregorian date, by counting in eras of 400 years (146 097 days) from 0000-03-01, so that a leap day ends its year.
fn date(at_ns: i128) -> String {
    let days = at_ns.div_euclid(DAY) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i128::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(start_s: i128, end_s: i128, most: usize) -> Vec<String> {
        clock_ticks(start_s * SECOND, end_s * SECOND, most).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn a_night_gets_ticks_on_full_hours_across_midnight() {
        let at_2230 = 1_709_159_400; // 2024-02-28 22:30:00
        let ticks = labels(at_2230, at_2230 + 8 * 3600, 9);
        assert_eq!(ticks, ["23:00", "00:00", "01:00", "02:00", "03:00", "04:00", "05:00", "06:00"]);
    }

    #[test]
    fn two_minutes_get_ticks_with_seconds() {
        assert_eq!(labels(61, 181, 4), ["00:01:30", "00:02:00", "00:02:30", "00:03:00"]);
    }

    #[test]
    fn a_span_of_years_still_gets_few_ticks() {
        let ticks = clock_ticks(i128::from(i64::MIN), i128::from(i64::MAX), 5);
        assert!((2..=6).contains(&ticks.len()), "{ticks:?}");
    }

    #[test]
    fn dates_are_right_on_leap_days_and_before_1970() {
        assert_eq!(date_and_time(1_709_164_800 * SECOND), "2024-02-29 00:00:00");
        assert_eq!(date_and_time(951_868_799 * SECOND), "2000-02-29 23:59:59");
        assert_eq!(date_and_time(-1), "1969-12-31 23:59:59");
    }

    #[test]
    fn spans_read_in_their_own_units() {
        assert_eq!([45, 125, 8 * 3600].map(|s| span_text(s * SECOND)), ["45 s", "2 min 5 s", "8 h 0 min"]);
    }
}
