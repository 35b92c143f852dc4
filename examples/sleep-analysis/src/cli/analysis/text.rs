//! Numbers, times and lines as people read them.

use std::fmt::Write;

/// No line on the terminal is longer than this.
pub(crate) const TERMINAL_WIDTH: usize = 80;

/// Up to four significant digits, without zeros at the end.
pub(crate) fn number(value: f64) -> String {
    if value.is_nan() {
        return "-".to_owned();
    }
    let magnitude = value.abs();
    let decimals = if magnitude >= 100.0 {
        0
    } else if magnitude >= 10.0 {
        1
    } else {
        3
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `8 h`, `7 h 30 min`, `2 min`, `45 s`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let parts = [(whole / 3600, "h"), (whole / 60 % 60, "min"), (whole % 60, "s")];
    let mut text: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if text.is_empty() {
        text.push(format!("{} s", number(seconds)));
    }
    text.join(" ")
}

/// `1 epoch`, `4 epochs`.
pub(crate) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// `C3`, `C3 and O1`, `C3, O1 and hr`; a long list is cut, as all names are listed elsewhere.
pub(crate) fn list(names: &[String]) -> String {
    const MOST: usize = 8;
    match names {
        [] => String::new(),
        [only] => only.clone(),
        names if names.len() > MOST => format!("{} and {} more", names[..MOST].join(", "), names.len() - MOST),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `2024-01-15 22:30:00 UTC`.
pub(crate) fn clock(time_ns: i64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(time_ns));
    time.map_or_else(|_| format!("{time_ns} ns"), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// A name and its text, broken at spaces so that it fits the terminal; further lines are indented to the text.
pub(crate) fn item(name: &str, text: &str) -> String {
    const INDENT: usize = 11;
    let mut lines = format!("{name:<INDENT$}");
    let mut used = lines.chars().count();
    for (nth, word) in text.split(' ').enumerate() {
        let width = word.chars().count();
        if nth > 0 && used + 1 + width > TERMINAL_WIDTH {
            write!(lines, "\n{:INDENT$}", "").expect("a string takes every write");
            used = INDENT;
        } else if nth > 0 {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += width;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_a_gap_is_a_dash() {
        let texts = [63.0, 0.123_456, 1234.5, 12.34, 200.0, 0.25, -3.5, f64::NAN].map(number);
        assert_eq!(texts, ["63", "0.123", "1234", "12.3", "200", "0.25", "-3.5", "-"]);
    }

    #[test]
    fn durations_leave_out_what_is_zero() {
        let texts = [28_800.0, 27_000.0, 120.0, 45.0, 3_601.0, 0.25].map(duration);
        assert_eq!(texts, ["8 h", "7 h 30 min", "2 min", "45 s", "1 h 1 s", "0.25 s"]);
    }

    #[test]
    fn a_long_list_is_cut_and_counted() {
        let names: Vec<String> = ('a'..='j').map(String::from).collect();
        assert_eq!(list(&names[..1]), "a");
        assert_eq!(list(&names[..3]), "a, b and c");
        assert_eq!(list(&names), "a, b, c, d, e, f, g, h and 2 more");
    }

    #[test]
    fn no_line_of_an_item_is_wider_than_a_terminal() {
        let text = item("failed", &"seven ".repeat(60));
        assert!(text.lines().all(|line| line.chars().count() <= TERMINAL_WIDTH));
        assert!(text.lines().skip(1).all(|line| line.starts_with("           s")));
    }
}
