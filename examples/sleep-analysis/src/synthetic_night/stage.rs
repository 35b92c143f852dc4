//! Sleep stages, and a made hypnogram: which stage each epoch of a night is in.
//!
//! Promise: cycles of 90 to 110 minutes, deep sleep early and REM sleep late in the night, no step from wake straight into
//! N3 or REM. It leaves to others what a stage does to brain, heart and body.

use super::noise::Noise;
use crate::SleepStage;

/// Nights of at least this many epochs (4 h) end awake; shorter ones end earlier, in any stage.
const WHOLE_NIGHT: usize = 480;

/// Draws the stages of a night of `n_epochs` epochs of 30 s.
pub(super) fn hypnogram(n_epochs: usize, noise: &mut Noise) -> Vec<SleepStage> {
    let mut stages = vec![SleepStage::Wake; noise.count(8..33)];
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
        stages[last_awakening..].fill(SleepStage::Wake);
    }
    stages
}

/// The epochs of N3 and of REM per cycle, least and most: deep sleep fades and REM grows as the night goes on.
const DEEP_EPOCHS: [(usize, usize); 4] = [(70, 98), (46, 70), (20, 36), (0, 18)];
const REM_EPOCHS: [(usize, usize); 5] = [(12, 24), (32, 46), (42, 60), (52, 70), (56, 76)];

/// One cycle of 90 to 110 minutes: (wake,) N1, N2, N3, N2, REM.
fn append_cycle(stages: &mut Vec<SleepStage>, cycle: usize, noise: &mut Noise) {
    let mut between = |(least, most): (usize, usize)| noise.count(least..most + 1);
    let n_cycle = between((180, 220));
    let n_wake = if cycle > 0 { between((0, 5)) } else { 0 };
    let n_light = if cycle > 0 { between((2, 4)) } else { between((4, 12)) };
    let n_deep = DEEP_EPOCHS.get(cycle).map_or(0, |&bounds| between(bounds));
    let n_rem = between(REM_EPOCHS[cycle.min(REM_EPOCHS.len() - 1)]);
    let n_spindle = n_cycle - n_wake - n_light - n_deep - n_rem;
    let n_descent = n_spindle * between((30, 50)) / 100;
    for (stage, n_epochs) in [
        (SleepStage::Wake, n_wake),
        (SleepStage::N1, n_light),
        (SleepStage::N2, n_descent),
        (SleepStage::N3, n_deep),
        (SleepStage::N2, n_spindle - n_descent),
        (SleepStage::Rem, n_rem),
    ] {
        stages.extend(std::iter::repeat_n(stage, n_epochs));
    }
}

/// Puts short awakenings and lighter spells into the runs, none of them at a run's edge.
fn interrupt(stages: &mut [SleepStage], noise: &mut Noise) {
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
fn interruption(stage: SleepStage, noise: &mut Noise) -> Vec<SleepStage> {
    let light = |n_wake, n_light| [vec![SleepStage::Wake; n_wake], vec![SleepStage::N1; n_light]].concat();
    match stage {
        SleepStage::N2 if noise.happens(0.015) => light(noise.count(1..4), noise.count(1..3)),
        SleepStage::Rem if noise.happens(0.012) => light(noise.count(0..2), noise.count(1..3)),
        SleepStage::N3 if noise.happens(0.02) => vec![SleepStage::N2; noise.count(1..5)],
        _ => Vec::new(),
    }
}
