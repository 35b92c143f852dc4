//! Sleep stages, and a made hypnogram: which stage each epoch of a night is in.
//!
//! Promise: cycles of 90 to 110 minutes, deep sleep early and REM sleep late in the night, no step from wake straight into
//! N3 or REM. It leaves to others what a stage does to brain, heart and body.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::noise::Noise;

/// A sleep stage of the AASM manual, scored once per epoch of 30 s.
///
/// ```
/// use sleep_analysis::Stage;
/// assert_eq!(Stage::Rem.to_string(), "REM");
/// assert!(Stage::N3.is_sleep() && !Stage::Wake.is_sleep());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// Awake.
    Wake,
    /// Light sleep, the way in.
    N1,
    /// Sleep with spindles and K-complexes.
    N2,
    /// Deep sleep: slow waves over 75 uV for a fifth of the epoch or more (AASM).
    N3,
    /// Rapid eye movement sleep.
    Rem,
}

impl Stage {
    /// All stages, from awake to REM.
    pub const ALL: [Self; 5] = [Self::Wake, Self::N1, Self::N2, Self::N3, Self::Rem];

    /// True for every stage but [`Stage::Wake`].
    #[must_use]
    pub fn is_sleep(self) -> bool {
        self != Self::Wake
    }
}

impl fmt::Display for Stage {
    /// The name in the AASM manual, with `Wake` for W and `REM` for R.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Wake => "Wake",
            Self::N1 => "N1",
            Self::N2 => "N2",
            Self::N3 => "N3",
            Self::Rem => "REM",
        })
    }
}

/// Nights of at least this many epochs (4 h) end awake; shorter ones are broken off.
const WHOLE_NIGHT: usize = 480;

/// Draws the stages of a night of `n_epochs` epochs of 30 s.
pub(super) fn hypnogram(n_epochs: usize, noise: &mut Noise) -> Vec<Stage> {
    let mut stages = vec![Stage::Wake; noise.count(8..33)];
    for cycle in 0.. {
        if stages.len() >= n_epochs {
            break;
        }
        append_cycle(&mut stages, cycle, noise);
    }
    stages.truncate(n_epochs);
    interrupt(&mut stages, noise);
    if n_epochs >= WHOLE_NIGHT {
        let last_awakening = n_epochs - noise.count(2..11);
        stages[last_awakening..].fill(Stage::Wake);
    }
    stages
}

/// The epochs of N3 and of REM per cycle, least and most: deep sleep fades and REM grows as the night goes on.
const DEEP_EPOCHS: [(usize, usize); 4] = [(70, 98), (46, 70), (20, 36), (0, 18)];
const REM_EPOCHS: [(usize, usize); 5] = [(12, 24), (32, 46), (42, 60), (52, 70), (56, 76)];

/// One cycle of 90 to 110 minutes: (wake,) N1, N2, N3, N2, REM.
fn append_cycle(stages: &mut Vec<Stage>, cycle: usize, noise: &mut Noise) {
    let mut between = |(least, most): (usize, usize)| noise.count(least..most + 1);
    let n_cycle = between((180, 220));
    let n_wake = if cycle > 0 { between((0, 5)) } else { 0 };
    let n_light = if cycle > 0 { between((2, 4)) } else { between((4, 12)) };
    let n_deep = DEEP_EPOCHS.get(cycle).map_or(0, |&bounds| between(bounds));
    let n_rem = between(REM_EPOCHS[cycle.min(REM_EPOCHS.len() - 1)]);
    let n_spindle = n_cycle - n_wake - n_light - n_deep - n_rem;
    let n_descent = n_spindle * between((30, 50)) / 100;
    for (stage, n_epochs) in [
        (Stage::Wake, n_wake),
        (Stage::N1, n_light),
        (Stage::N2, n_descent),
        (Stage::N3, n_deep),
        (Stage::N2, n_spindle - n_descent),
        (Stage::Rem, n_rem),
    ] {
        stages.extend(std::iter::repeat_n(stage, n_epochs));
    }
}

/// Puts short awakenings and lighter spells into the runs, none of them at a run's edge.
fn interrupt(stages: &mut [Stage], noise: &mut Noise) {
    let mut idx = 1;
    while idx < stages.len() {
        let spell = interruption(stages[idx], noise);
        let room = stages.get(idx - 1..idx + spell.len() + 1);
        if !spell.is_empty() && room.is_some_and(|run| run.iter().all(|&stage| stage == stages[idx])) {
            stages[idx..idx + spell.len()].copy_from_slice(&spell);
            idx += spell.len();
        }
        idx += 1;
    }
}

/// What breaks into this stage at this epoch; mostly nothing.
fn interruption(stage: Stage, noise: &mut Noise) -> Vec<Stage> {
    let light = |n_wake, n_light| [vec![Stage::Wake; n_wake], vec![Stage::N1; n_light]].concat();
    match stage {
        Stage::N2 if noise.happens(0.015) => light(noise.count(1..4), noise.count(1..3)),
        Stage::Rem if noise.happens(0.012) => light(noise.count(0..2), noise.count(1..3)),
        Stage::N3 if noise.happens(0.02) => vec![Stage::N2; noise.count(1..5)],
        _ => Vec::new(),
    }
}
