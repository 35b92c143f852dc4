//! A channel: its name, what it measures, and whether it is marked bad.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a channel measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ChannelKind {
    /// Electroencephalogram.
    Eeg,
    /// Electrooculogram.
    Eog,
    /// Electrocardiogram.
    Ecg,
    /// Electromyogram.
    Emg,
    /// Trigger codes, as plain numbers.
    Stim,
    /// Anything else.
    Misc,
}

/// The names of the kinds, in the order of their declaration.
const KINDS: [(ChannelKind, &str); 6] = [
    (ChannelKind::Eeg, "eeg"),
    (ChannelKind::Eog, "eog"),
    (ChannelKind::Ecg, "ecg"),
    (ChannelKind::Emg, "emg"),
    (ChannelKind::Stim, "stim"),
    (ChannelKind::Misc, "misc"),
];

impl ChannelKind {
    /// Whether its samples are in volts: EEG, EOG, ECG and EMG.
    #[must_use]
    pub fn is_in_volts(self) -> bool {
        !matches!(self, Self::Stim | Self::Misc)
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KINDS.iter().find(|(kind, _)| kind == self).map_or("misc", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for ChannelKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = KINDS.iter().find(|(_, name)| *name == text);
        known.map(|(kind, _)| *kind).ok_or_else(|| {
            let names: Vec<&str> = KINDS.iter().map(|(_, name)| *name).collect();
            format!("no kind of channel is called {text:?}; use one of {}", names.join(", "))
        })
    }
}

/// One channel of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// A name that no other channel of the recording has.
    pub name: String,
    /// What it measures.
    pub kind: ChannelKind,
    /// Whether it is marked bad: artifact correction leaves bad channels as they are, filters do not.
    pub is_bad: bool,
}

impl Channel {
    /// A channel that is not bad.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: ChannelKind) -> Self {
        Self { name: name.into(), kind, is_bad: false }
    }

    /// EEG that is not marked bad.
    #[must_use]
    pub fn is_good_eeg(&self) -> bool {
        self.kind == ChannelKind::Eeg && !self.is_bad
    }
}
