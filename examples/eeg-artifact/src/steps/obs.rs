//! Optimal basis set: the strongest ways in which artifacts differ from each other are fitted to each artifact and subtracted.

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use crate::{ChannelContext, ChannelData, EegResult, Info, Needs, Processor};

/// Optimal basis set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Obs {
    /// How many principal components are fitted beside the mean artifact.
    pub n_components: usize,
}

impl Described for Obs {
    const ABOUT: StepAbout = StepAbout { name: "obs", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Obs {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}

impl Default for Obs {
    fn default() -> Self {
        Self { n_components: 4 }
    }
}
