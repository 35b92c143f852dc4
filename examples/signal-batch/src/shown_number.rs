//! Numbers as a reader wants them: some significant digits, with their unit. Pure.

/// A number with at most so many significant digits, without trailing zeros, as a power of ten where it is huge or tiny, and a dash where
/// there is none.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "\u{2013}".to_owned();
    }
    if value.is_infinite() || value == 0.0 {
        return value.abs().to_string().replace("inf", if value < 0.0 { "-inf" } else { "inf" });
    }
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        return format!("{}e{exponent}", trimmed(mantissa));
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    trimmed(&format!("{value:.decimals$}")).to_owned()
}

/// Five digits: enough to see a change of a hundredth of a percent.
pub(crate) fn number(value: f64) -> String {
    significant(value, 5)
}

/// The number with its unit behind it.
pub(crate) fn with_unit(value: f64, unit: &str) -> String {
    if unit.is_empty() || value.is_nan() { number(value) } else { format!("{} {unit}", number(value)) }
}

/// A p value: three digits, and `< 1e-300` where it underflows.
pub(crate) fn p_text(p: f64) -> String {
    if p < 1e-300 { "< 1e-300".to_owned() } else { significant(p, 3) }
}

/// A change with its sign.
pub(crate) fn signed(value: f64, digits: usize) -> String {
    let text = significant(value, digits);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// A share in percent, with one decimal.
pub(crate) fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { "\u{2013}".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

/// `1 capture`, `2 captures`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_significant_digits() {
        let texts = [0.0, -0.0, 0.412_345_6, 1234.5, 1e7, -2.5e-7, 999_999.6, f64::NAN, f64::NEG_INFINITY].map(number);
        assert_eq!(texts, ["0", "0", "0.41235", "1234.5", "1e7", "-2.5e-7", "1e6", "\u{2013}", "-inf"]);
        assert_eq!([signed(0.5, 3), signed(-0.5, 3), signed(0.0, 3)], ["+0.5", "-0.5", "0"]);
        assert_eq!([p_text(0.0), p_text(0.012_345), p_text(1e-12)], ["< 1e-300", "0.0123", "1e-12"]);
        assert_eq!([with_unit(2.0, "V"), with_unit(2.0, ""), percent(1, 3)], ["2 V", "2", "33.3 %"]);
    }
}
