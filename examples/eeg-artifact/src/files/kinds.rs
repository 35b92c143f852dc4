//! What a channel measures, by its label and its unit.

use signal_files::unit_in_volts;

use crate::ChannelKind;

/// Parts of labels, in upper case, that tell what a channel measures. The first that is found counts.
const PARTS: [(&str, ChannelKind); 16] = [
    ("STATUS", ChannelKind::Stim),
    ("STI ", ChannelKind::Stim),
    ("STIM", ChannelKind::Stim),
    ("TRIG", ChannelKind::Stim),
    ("MKR", ChannelKind::Stim),
    ("ECG", ChannelKind::Ecg),
    ("EKG", ChannelKind::Ecg),
    ("CWL", ChannelKind::Misc),
    ("EOG", ChannelKind::Eog),
    ("EMG", ChannelKind::Emg),
    ("CHIN", ChannelKind::Emg),
    ("RESP", ChannelKind::Misc),
    ("PHOTIC", ChannelKind::Misc),
    ("GSR", ChannelKind::Misc),
    ("TEMP", ChannelKind::Misc),
    ("DC0", ChannelKind::Misc),
];

/// What a channel measures: what its label says, else EEG where its unit is a voltage, else something else. EOG, ECG and EMG need a voltage
/// too.
///
/// ```
/// use eeg_artifact::ChannelKind;
/// use eeg_artifact::files::kind_of;
///
/// assert_eq!(kind_of("EEG Fp1-Ref", "uV"), ChannelKind::Eeg);
/// assert_eq!(kind_of("ECG", "mV"), ChannelKind::Ecg);
/// assert_eq!(kind_of("Status", "Boolean"), ChannelKind::Stim);
/// assert_eq!(kind_of("SpO2", "%"), ChannelKind::Misc);
/// assert_eq!(kind_of("ECG rate", "bpm"), ChannelKind::Misc);
/// ```
#[must_use]
pub fn kind_of(label: &str, unit: &str) -> ChannelKind {
    let label = format!("{} ", label.to_uppercase());
    let named = PARTS.iter().find(|(part, _)| label.contains(part));
    match named {
        // What has no voltage is none of the kinds that are in volts, whatever its label says.
        Some((_, kind)) if !kind.is_in_volts() || unit_in_volts(unit).is_some() => *kind,
        Some(_) => ChannelKind::Misc,
        None if unit_in_volts(unit).is_some() => ChannelKind::Eeg,
        None => ChannelKind::Misc,
    }
}
