//! The five stages of sleep scoring, in the order in which a hypnogram shows them. What scores them is elsewhere.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A sleep stage by the rules of the American Academy of Sleep Medicine.
///
/// An epoch that was not scored is `None` in an `Option<SleepStage>`.
///
/// ```
/// use sleep_analysis::SleepStage;
///
/// let labels = SleepStage::TOP_DOWN.map(SleepStage::label);
/// assert_eq!(labels, ["Wake", "REM", "N1", "N2", "N3"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SleepStage {
    /// Awake.
    Wake,
    /// Rapid eye movement sleep.
    Rem,
    /// The lightest sleep.
    N1,
    /// Sleep with spindles and K-complexes.
    N2,
    /// Slow-wave sleep; Rechtschaffen and Kales' stages 3 and 4.
    N3,
}

impl SleepStage {
    /// Every stage, as a hypnogram stacks them from top to bottom.
    pub const TOP_DOWN: [Self; 5] = [Self::Wake, Self::Rem, Self::N1, Self::N2, Self::N3];

    /// The name that scorers use.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Wake => "Wake",
            Self::Rem => "REM",
            Self::N1 => "N1",
            Self::N2 => "N2",
            Self::N3 => "N3",
        }
    }

    /// True for every stage but [`SleepStage::Wake`].
    #[must_use]
    pub fn is_sleep(self) -> bool {
        self != Self::Wake
    }
}

impl fmt::Display for SleepStage {
    /// The label, padded as requested.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.label())
    }
}
