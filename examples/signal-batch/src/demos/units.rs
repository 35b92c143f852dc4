//! Made units of two production lines, with planted faults: what the second demonstration and the tour measure.
//!
//! The line `north` makes units of 1 V, `south` of 2 V. Their captures are sines of 1 kHz with a little noise and distortion, 2000
//! samples at 100 kHz. The same number makes the same capture.

use std::f64::consts::TAU;

use jiff::{SignedDuration, Timestamp};
use signal_batch::{BatchResult, Capture, Measurements, Metric, NumberColumn, Table, TextColumn};

/// How many units there are.
pub(crate) const N_UNITS: u64 = 50;
/// The first unit of the line `south`.
const FIRST_OF_SOUTH: u64 = 25;
const RATE_HZ: f64 = 1e5;
const N_SAMPLES: u64 = 2000;
/// 2026-01-01T00:00:00Z, when unit 0 was captured; each later one a minute later.
const FIRST_TAKEN_S: i64 = 1_767_225_600;

/// What is wrong with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its amplitude lies between those of the two lines: too high for north, and no outlier of both together.
    BetweenTheLines,
    /// Ten times the noise.
    Noisy,
    /// A third harmonic of 8 %.
    Distorted,
    /// The instrument lost contact: a sample is no number.
    LostContact,
}

/// A made unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit {
    number: u64,
}

/// Where the faults are.
const PLANTED: [(u64, Fault); 5] = [
    (7, Fault::BetweenTheLines),
    (18, Fault::Noisy),
    (31, Fault::BetweenTheLines),
    (40, Fault::Distorted),
    (44, Fault::LostContact),
];

impl Unit {
    /// The unit of this number.
    pub(crate) fn new(number: u64) -> Self {
        Self { number }
    }

    /// What is wrong with it.
    pub(crate) fn fault(self) -> Option<Fault> {
        PLANTED.into_iter().find(|(number, _)| *number == self.number).map(|(_, fault)| fault)
    }

    /// Its name.
    pub(crate) fn name(self) -> String {
        format!("unit_{:02}", self.number)
    }

    /// The line that made it.
    pub(crate) fn line(self) -> &'static str {
        if self.number < FIRST_OF_SOUTH { "north" } else { "south" }
    }

    /// When it was captured.
    pub(crate) fn captured_at(self) -> Option<Timestamp> {
        let later = SignedDuration::from_mins(i64::try_from(self.number).ok()?);
        Timestamp::from_second(FIRST_TAKEN_S).ok()?.checked_add(later).ok()
    }

    /// Its capture.
    ///
    /// # Errors
    /// Those of [`Capture::new`], for a unit that lost contact.
    pub(crate) fn capture(self) -> BatchResult<Capture> {
        let mut capture = Capture::new(self.name(), RATE_HZ, self.samples())?;
        self.line().clone_into(&mut capture.batch);
        capture.captured_at = self.captured_at();
        Ok(capture)
    }

    /// Samples per second of every unit.
    pub(crate) fn rate_hz() -> f64 {
        RATE_HZ
    }

    /// Its samples in volts; NaN where contact was lost.
    pub(crate) fn samples(self) -> Vec<f64> {
        let fault = self.fault();
        let nominal = match (fault, self.line()) {
            (Some(Fault::BetweenTheLines), "north") => 1.3,
            (Some(Fault::BetweenTheLines), _) => 1.6,
            (_, "north") => 1.0,
            _ => 2.0,
        };
        // Units of a line differ by 2 % at most.
        let amplitude = nominal * (1.0 + 0.02 * uniform(self.number, u64::MAX));
        let noise = amplitude * if fault == Some(Fault::Noisy) { 0.1 } else { 0.01 };
        let third = amplitude * if fault == Some(Fault::Distorted) { 0.08 } else { 0.004 };
        let sample = |j: u64| {
            if fault == Some(Fault::LostContact) && j == 1200 {
                return f64::NAN;
            }
            let phase = TAU * 1000.0 * j as f64 / RATE_HZ;
            amplitude * phase.sin() + third * (3.0 * phase).sin() + noise * uniform(self.number, j)
        };
        (0..N_SAMPLES).map(sample).collect()
    }
}

/// Uniform from -1 to 1, by the unit and the place: the finaliser of SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014).
fn uniform(unit: u64, place: u64) -> f64 {
    let state = place.wrapping_add(unit << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let bits = (mixed ^ (mixed >> 31)) >> 11;
    2.0 * bits as f64 / (1_u64 << 53) as f64 - 1.0
}

/// The measurements as a table: a row for each unit, empty where it could not be measured, and why.
///
/// # Errors
/// None that can happen: the columns have one length and names of their own.
pub(crate) fn results(measured: &[(Unit, Result<Measurements, String>)]) -> BatchResult<Table> {
    let text = |name: &str, value: &dyn Fn(&(Unit, Result<Measurements, String>)) -> String| TextColumn {
        name: name.to_owned(),
        values: measured.iter().map(value).collect(),
    };
    let texts = vec![
        text("file", &|row| row.0.name()),
        text("batch", &|row| row.0.line().to_owned()),
        text("captured_at", &|row| row.0.captured_at().map_or_else(String::new, |at| at.to_string())),
        text("unit", &|_| "V".to_owned()),
        text("error", &|row| row.1.as_ref().err().cloned().unwrap_or_default()),
        text("version", &|_| env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let numbers = Metric::ALL.map(|metric| NumberColumn {
        name: metric.name().to_owned(),
        values: measured.iter().map(|row| row.1.as_ref().map_or(f64::NAN, |values| values[metric])).collect(),
    });
    Table::new(texts, numbers.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_but_the_one_without_contact_has_a_capture() {
        let without: Vec<u64> = (0..N_UNITS).filter(|number| Unit::new(*number).capture().is_err()).collect();
        assert_eq!(without, [44]);
    }

    #[test]
    fn the_lines_differ_by_their_amplitude_and_units_of_one_line_hardly() {
        let peak = |number| Unit::new(number).samples().iter().fold(0.0_f64, |peak, sample| peak.max(sample.abs()));
        assert!((0.95..1.07).contains(&peak(0)) && (1.9..2.14).contains(&peak(30)), "{} {}", peak(0), peak(30));
        assert!((1.2..1.45).contains(&peak(7)), "{}", peak(7));
    }
}
