//! Below which number of channels or minutes the channels of a recording are not worth sharing among workers.

use clap::Args;
use eeg_artifact::Info;
use serde::{Deserialize, Serialize};

/// Below which channels are processed one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Args, Serialize, Deserialize)]
pub(super) struct Thresholds {
    /// With fewer channels, a recording is processed by one worker.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(super) min_channels: usize,
    /// A shorter recording is processed by one worker, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 0.1)]
    pub(super) min_minutes: f64,
}

impl Thresholds {
    /// Why the channels of a recording are not shared among workers, where they are not.
    pub(super) fn serial_reason(&self, info: &Info) -> Option<String> {
        let Self { min_channels, min_minutes } = *self;
        let (n_channels, minutes) = (info.channels.len(), info.n_samples as f64 / info.sfreq_hz / 60.0);
        if n_channels < min_channels {
            return Some(format!(
                "{n_channels} channels are processed one after the other: fewer than --min-channels {min_channels}"
            ));
        }
        (minutes < min_minutes).then(|| {
            format!("channels of {minutes:.2} minutes are processed one after the other: less than --min-minutes {min_minutes}")
        })
    }
}

#[cfg(test)]
mod tests {
    use eeg_artifact::{Channel, ChannelKind};

    use super::*;

    #[test]
    fn the_reason_names_the_threshold_and_the_value() {
        let info = |n_channels: usize, n_samples: usize| {
            let channels = (0..n_channels).map(|idx| Channel::new(idx.to_string(), ChannelKind::Eeg));
            Info::new(100.0, n_samples, channels.collect()).unwrap()
        };
        let thresholds = Thresholds { min_channels: 4, min_minutes: 1.0 };
        assert!(thresholds.serial_reason(&info(3, 60_000)).unwrap().starts_with("3 channels"));
        assert!(thresholds.serial_reason(&info(4, 3_000)).unwrap().contains("0.50 minutes"));
        assert_eq!(thresholds.serial_reason(&info(4, 6_000)), None);
    }
}
