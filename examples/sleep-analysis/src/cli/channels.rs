//! What a channel of a recording is, by its label, unit and rate, and which channels a user means.
//!
//! Labels are no standard: every recorder has its own. What is not known here is [`Role::Other`], which gets statistics
//! and a place on the common grid like every other channel.

use serde::Serialize;
use sleep_analysis::{EDF_COLUMN, EdfChannel, Signal};

/// What a signal shows, as far as the choice of features goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// A lead of the brain or the eyes, in volts.
    Eeg,
    HeartRate,
    RrIntervals,
    /// Three axes of acceleration in one signal: columns `x`, `y`, `z`.
    Acceleration,
    /// One axis of acceleration.
    AxisX,
    AxisY,
    AxisZ,
    BreathingRate,
    OxygenSaturation,
    Other,
}

impl Role {
    /// What a channel is.
    pub(crate) fn of(channel: &EdfChannel) -> Self {
        let label = channel.label.to_lowercase();
        let unit = channel.unit.to_lowercase();
        if is_eeg_label(&label) && microvolts_per_unit(&channel.unit).is_some() {
            return Self::Eeg;
        }
        match label.as_str() {
            "heart rate" | "heartrate" | "hr" | "pulse" | "pulse rate" | "puls" | "pr" if is_per_minute(&unit) => {
                Self::HeartRate
            }
            "spo2" | "sao2" | "saturation" | "oxygen saturation" => Self::OxygenSaturation,
            _ => axis_of(&label).unwrap_or(Self::Other),
        }
    }

    /// What a signal without a header is, by its columns: named as those of a synthetic night are.
    pub(crate) fn of_columns(signal: &Signal) -> Self {
        let names: Vec<&str> = signal.columns().iter().map(|column| column.name.as_str()).collect();
        match names.as_slice() {
            ["uv"] => Self::Eeg,
            ["hr", ..] => Self::HeartRate,
            ["rr_interval", ..] => Self::RrIntervals,
            ["x", "y", "z", ..] => Self::Acceleration,
            ["resp", ..] => Self::BreathingRate,
            ["spo2", ..] => Self::OxygenSaturation,
            _ => Self::Other,
        }
    }

    /// The unit that such a signal usually has; empty where there is none.
    pub(crate) fn usual_unit(self) -> &'static str {
        match self {
            Self::Eeg => "\u{b5}V",
            Self::HeartRate => "beats/min",
            Self::RrIntervals => "ms",
            Self::BreathingRate => "breaths/min",
            Self::OxygenSaturation => "%",
            Self::Acceleration | Self::AxisX | Self::AxisY | Self::AxisZ | Self::Other => "",
        }
    }

    /// The name of the signal's one column. Heart rate variability reads `hr`, and EEG features state their unit.
    pub(crate) fn column(self) -> &'static str {
        match self {
            Self::Eeg => "uv",
            Self::HeartRate => "hr",
            _ => EDF_COLUMN,
        }
    }
}

/// How many microvolts one of this unit is; none for a unit that is no voltage.
pub(crate) fn microvolts_per_unit(unit: &str) -> Option<f64> {
    match unit {
        "V" => Some(1e6),
        "mV" => Some(1e3),
        "uV" | "\u{b5}V" | "\u{3bc}V" | "UV" => Some(1.0),
        _ => None,
    }
}

/// Electrodes of the 10-20 system and of the eyes.
const ELECTRODES: [&str; 31] = [
    "fp1", "fp2", "fpz", "f3", "f4", "f7", "f8", "fz", "c3", "c4", "cz", "t3", "t4", "t5", "t6", "t7", "t8", "p3",
    "p4", "p7", "p8", "pz", "o1", "o2", "oz", "e1", "e2", "loc", "roc", "eog1", "eog2",
];
const REFERENCES: [&str; 8] = ["m1", "m2", "a1", "a2", "ref", "le", "avg", "m1m2"];

/// `EEG Fpz-Cz`, `EOG horizontal`, `C3-M2`, `C3`, `F3:A2`.
fn is_eeg_label(label: &str) -> bool {
    if label.starts_with("eeg ") || label.starts_with("eog ") {
        return true;
    }
    let mut parts = label.split(['-', ':', '/']).map(str::trim);
    let is_lead = parts.next().is_some_and(|first| ELECTRODES.contains(&first));
    is_lead && parts.all(|part| ELECTRODES.contains(&part) || REFERENCES.contains(&part))
}

fn is_per_minute(unit: &str) -> bool {
    matches!(unit, "" | "bpm" | "1/min" | "/min" | "beats/min" | "min-1")
}

/// `X Axis`, `acc_y`, `Accelerometer Z`, `X`.
fn axis_of(label: &str) -> Option<Role> {
    let mut axis = None;
    for word in label.split([' ', '_', '-', '.']).filter(|word| !word.is_empty()) {
        let found = match word {
            "x" => Role::AxisX,
            "y" => Role::AxisY,
            "z" => Role::AxisZ,
            "axis" | "acc" | "accel" | "accelerometer" | "acceleration" => continue,
            _ => return None,
        };
        if axis.replace(found).is_some() {
            return None;
        }
    }
    axis
}

/// Fewer of the letters in common than this is no near name.
const NEAR: f64 = 0.75;
/// Fewer letters than this are part of too many names to mean anything.
const FEWEST_LETTERS: usize = 3;
const MOST_NEAR_NAMES: usize = 4;

/// The names that a user who wrote `requested` may have meant, the nearest first.
pub(crate) fn near_names<'a>(requested: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let requested = requested.to_lowercase();
    let nearness = |name: &str| {
        let name = name.to_lowercase();
        let is_part = requested.len() >= FEWEST_LETTERS && name.contains(&requested)
            || name.len() >= FEWEST_LETTERS && requested.contains(&name);
        strsim::jaro_winkler(&requested, &name) + f64::from(u8::from(is_part))
    };
    let mut near: Vec<(f64, &str)> = names.map(|name| (nearness(name), name)).filter(|near| near.0 >= NEAR).collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    near.into_iter().take(MOST_NEAR_NAMES).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_of_several_recorders_are_known_and_other_electrodes_are_not() {
        for label in ["c3", "c3-m2", "eeg fpz-cz", "eog horizontal", "f3:a2", "e1-m2", "o2 - a1", "loc-a2"] {
            assert!(is_eeg_label(label), "{label}");
        }
        for label in ["1-f", "m1", "ecg", "c3 imp\u{e9}dance", "c3-m2 (imp)", "chest", "emg chin", "f", ""] {
            assert!(!is_eeg_label(label), "{label}");
        }
    }

    #[test]
    fn an_axis_is_one_letter_among_words_of_acceleration() {
        assert_eq!(axis_of("x axis"), Some(Role::AxisX));
        assert_eq!(axis_of("acc_y"), Some(Role::AxisY));
        assert_eq!(axis_of("z"), Some(Role::AxisZ));
        for label in ["axis", "x y", "x-ray", "", "extra"] {
            assert_eq!(axis_of(label), None, "{label}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_finds_the_name_that_was_meant() {
        let names = ["C3-M2", "C4-M1", "SpO2 B-B", "Heart Rate", "Nasal Pressure"];
        assert_eq!(near_names("c3-m2", names.into_iter())[0], "C3-M2");
        assert_eq!(near_names("heartrate", names.into_iter())[0], "Heart Rate");
        assert_eq!(near_names("SpO2", names.into_iter())[0], "SpO2 B-B");
        assert_eq!(near_names("SpO2", ["2", "SpO2 B-B"].into_iter()), ["SpO2 B-B"]);
        assert!(near_names("zzz", names.into_iter()).is_empty());
    }
}
