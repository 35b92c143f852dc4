//! What a step is given of one channel, and may change.

use serde::{Deserialize, Serialize};

/// The samples of one channel on their way through a pipeline, and what steps left beside them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ChannelData {
    /// The samples, in volts; a stimulus channel has plain numbers.
    pub samples: Vec<f64>,
    /// What was subtracted from the samples so far, of the same length; kept only where [`Info::keeps_noise`](crate::Info::keeps_noise)
    /// says so.
    pub noise: Option<Vec<f64>>,
    /// What a step leaves for its own next phase, such as templates; its next phase takes it.
    pub carried: Option<Vec<f64>>,
    /// What steps found out about this channel, for a report.
    pub findings: Vec<Finding>,
}

/// Something that a step found out about a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The step's name.
    pub step: String,
    /// What the values are, such as `epochs left out`.
    pub what: String,
    /// The values.
    pub values: Vec<f64>,
}

/// How a finding begins that is a warning.
const WARNING: &str = "warning: ";

impl Finding {
    /// What the step warns of, where it is a warning.
    #[must_use]
    pub fn warning(&self) -> Option<&str> {
        self.what.strip_prefix(WARNING)
    }
}

impl ChannelData {
    /// Samples, and nothing beside them.
    #[must_use]
    pub fn of(samples: Vec<f64>) -> Self {
        Self { samples, ..Self::default() }
    }

    /// Notes what a step found out.
    pub fn note(&mut self, step: &str, what: &str, values: Vec<f64>) {
        self.findings.push(Finding { step: step.to_owned(), what: what.to_owned(), values });
    }

    /// Notes what a step left undone or found doubtful on this channel: the pipeline adds it to
    /// [`Info::warnings`](crate::Info::warnings), with the channel's name.
    pub fn warn(&mut self, step: &str, what: &str) {
        self.note(step, &format!("{WARNING}{what}"), Vec::new());
    }

    /// The noise, for a corrector to add to; zeros where there was none yet, and none where none is kept.
    pub fn noise_to_add_to(&mut self, keeps_noise: bool) -> Option<&mut Vec<f64>> {
        let n_samples = self.samples.len();
        keeps_noise.then(|| self.noise.get_or_insert_with(|| vec![0.0; n_samples]))
    }
}
