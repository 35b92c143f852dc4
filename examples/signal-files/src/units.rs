//! The units of voltages.

/// How many volts one of this unit is; `None` for what is no voltage, such as `BPM`, and for the empty unit.
///
/// The signs `µ` (micro) and `μ` (the Greek letter) and a `u` count as the same.
///
/// ```
/// use signal_files::unit_in_volts;
///
/// assert_eq!(unit_in_volts("uV"), Some(1e-6));
/// assert_eq!(unit_in_volts("µV"), unit_in_volts("μV"));
/// assert_eq!(unit_in_volts("µS"), None);
/// ```
#[must_use]
pub fn unit_in_volts(unit: &str) -> Option<f64> {
    match unit.trim() {
        "V" => Some(1.0),
        "mV" => Some(1e-3),
        "uV" | "\u{b5}V" | "\u{3bc}V" => Some(1e-6),
        "nV" => Some(1e-9),
        _ => None,
    }
}
