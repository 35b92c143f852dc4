//! The course of a synthetic night, before any device records it: stages, arousals, movements, postures.
//!
//! A plan is small and cheap to draw. It is serialised as the settings it was drawn from, so that no plan can exist
//! that the settings' checks have not seen. It leaves to others what each device makes of it.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::noise::{Noise, Stream};
use super::stage::hypnogram;
use super::{SignalKind, SleepStage, SyntheticNight};
use crate::SleepError;

/// The course of one synthetic night; [`SyntheticNight::plan`] draws it.
///
/// ```
/// use sleep_analysis::{SyntheticNight, SleepStage};
/// let plan = SyntheticNight::new(7).plan()?;
/// assert_eq!(plan.stages().len(), 960);
/// assert_eq!(plan.stages()[0], SleepStage::Wake);
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "SyntheticNight", try_from = "SyntheticNight")]
pub struct NightPlan {
    settings: SyntheticNight,
    stages: Vec<SleepStage>,
    arousals: Vec<Span>,
    movements: Vec<Movement>,
    postures: Vec<Posture>,
}

impl NightPlan {
    /// The length of one epoch of the hypnogram.
    pub const EPOCH: Duration = Duration::from_secs(30);

    /// The hypnogram: the stage of each epoch of 30 s from the start; the last epoch may reach beyond the end.
    #[must_use]
    pub fn stages(&self) -> &[SleepStage] {
        &self.stages
    }

    /// When the recording starts, nanoseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn start_ns(&self) -> i64 {
        self.settings.start_ns
    }

    /// How long the recording lasts.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.settings.duration
    }

    /// The samples per second of the EEG.
    #[must_use]
    pub fn eeg_rate_hz(&self) -> u32 {
        self.settings.eeg_rate_hz
    }

    /// The signals that the settings ask for.
    #[must_use]
    pub fn kinds(&self) -> &[SignalKind] {
        &self.settings.kinds
    }

    /// The stage at this time, nanoseconds since 1970-01-01 UTC; none outside of the recording.
    #[must_use]
    pub fn stage_at(&self, time_ns: i64) -> Option<SleepStage> {
        let since_start = u64::try_from(time_ns.checked_sub(self.start_ns())?).ok()?;
        let is_recorded = u128::from(since_start) < self.duration().as_nanos();
        is_recorded.then(|| self.stages[(since_start / Self::EPOCH.as_nanos() as u64) as usize])
    }

    pub(super) fn draw(settings: SyntheticNight) -> Self {
        let n_epochs = settings.duration.as_nanos().div_ceil(Self::EPOCH.as_nanos()) as usize;
        let stages = hypnogram(n_epochs, &mut Noise::new(settings.seed, Stream::Hypnogram));
        let mut noise = Noise::new(settings.seed, Stream::Happenings);
        let arousals = draw_arousals(&stages, &mut noise);
        let movements = draw_movements(&stages, &arousals, &mut noise);
        let postures = draw_postures(&movements, &mut noise);
        Self { settings, stages, arousals, movements, postures }
    }

    pub(super) fn noise(&self, stream: Stream) -> Noise {
        Noise::new(self.settings.seed, stream)
    }

    pub(super) fn seconds(&self) -> f64 {
        self.duration().as_secs_f64()
    }

    /// How many samples fit before the end at this rate.
    pub(super) fn n_samples(&self, rate_hz: u32) -> usize {
        (self.duration().as_nanos() * u128::from(rate_hz)).div_ceil(1_000_000_000) as usize
    }

    /// When sample `idx` of a regular signal is taken.
    pub(super) fn sample_ns(&self, idx: usize, rate_hz: u32) -> i64 {
        self.start_ns() + (idx as u64 * 1_000_000_000 / u64::from(rate_hz)) as i64
    }

    /// The first sample of a regular signal taken at or after this many seconds, within the night.
    pub(super) fn index_at(&self, seconds: f64, rate_hz: u32) -> usize {
        Span { start_s: seconds, length_s: 0.0 }.samples(f64::from(rate_hz), self.n_samples(rate_hz)).start
    }

    /// The stage of each second from the start.
    pub(super) fn stage_per_second(&self) -> impl Iterator<Item = SleepStage> {
        (0..self.n_samples(1)).map(|second| self.stages[second / Self::EPOCH.as_secs() as usize])
    }

    pub(super) fn arousals(&self) -> &[Span] {
        &self.arousals
    }

    pub(super) fn movements(&self) -> &[Movement] {
        &self.movements
    }

    pub(super) fn postures(&self) -> &[Posture] {
        &self.postures
    }

    /// When the watch sends nothing; its heart rate and its accelerometer have the same gaps.
    pub(super) fn watch_gaps(&self) -> Vec<Span> {
        self.lapses(240.0, &mut self.noise(Stream::Watch))
    }

    /// When a device fails: once and again for each 4 h, up to `longest_s` seconds and a twentieth of the night each.
    pub(super) fn lapses(&self, longest_s: f64, noise: &mut Noise) -> Vec<Span> {
        let n_lapses = 1 + (self.seconds() / (4.0 * 3600.0)) as usize;
        let slot = self.seconds() / n_lapses as f64;
        let longest_s = longest_s.min(self.seconds() / 20.0);
        let lapse = |idx| {
            let length_s = noise.within(0.4 * longest_s..longest_s);
            Span { start_s: noise.within(0.05 * slot..0.9 * slot - length_s) + idx as f64 * slot, length_s }
        };
        (0..n_lapses).map(lapse).collect()
    }
}

impl From<NightPlan> for SyntheticNight {
    fn from(plan: NightPlan) -> Self {
        plan.settings
    }
}

impl TryFrom<SyntheticNight> for NightPlan {
    type Error = SleepError;

    /// As [`SyntheticNight::plan`].
    fn try_from(settings: SyntheticNight) -> Result<Self, SleepError> {
        settings.plan()
    }
}

/// A stretch of the night, in seconds from its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) start_s: f64,
    pub(super) length_s: f64,
}

impl Span {
    /// The samples of a signal of this rate and length that lie in the stretch.
    pub(super) fn samples(&self, rate_hz: f64, n_samples: usize) -> Range<usize> {
        let idx = |seconds: f64| ((seconds * rate_hz).ceil() as usize).min(n_samples);
        idx(self.start_s)..idx(self.start_s + self.length_s)
    }

    pub(super) fn holds(&self, seconds: f64) -> bool {
        (self.start_s..self.start_s + self.length_s).contains(&seconds)
    }
}

/// The sleeper moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Movement {
    pub(super) span: Span,
    /// How strongly, in milli-g.
    pub(super) strength: f64,
}

/// How the sleeper lies from some moment on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Posture {
    pub(super) from_s: f64,
    /// Around the body's long axis, in turns: 0 on the back, a quarter on the left side, half on the belly.
    pub(super) roll: f64,
    /// Of the trunk against the mattress, in turns.
    pub(super) pitch: f64,
}

/// Where the sleeper turns to, and how often: mostly the back and the sides.
const ROLLS: [(f64, f64); 4] = [(0.0, 0.4), (0.25, 0.3), (-0.25, 0.22), (0.5, 0.08)];

fn draw_arousals(stages: &[SleepStage], noise: &mut Noise) -> Vec<Span> {
    let mut arousals = Vec::new();
    for (epoch, stage) in stages.iter().enumerate() {
        let probability = match stage {
            SleepStage::Wake => 0.0,
            SleepStage::N1 => 0.15,
            SleepStage::N2 | SleepStage::Rem => 0.08,
            SleepStage::N3 => 0.02,
        };
        if noise.happens(probability) {
            arousals.push(span_within(epoch, 3.0..12.0, noise));
        }
    }
    arousals
}

/// Movements in order of their start: restless while awake, at changes of stage, with arousals, twitches in REM.
fn draw_movements(stages: &[SleepStage], arousals: &[Span], noise: &mut Noise) -> Vec<Movement> {
    let mut movements = Vec::new();
    let mut add = |span, strength| movements.push(Movement { span, strength });
    for (epoch, &stage) in stages.iter().enumerate() {
        let has_changed = epoch > 0 && stages[epoch - 1] != stage;
        if stage == SleepStage::Wake && noise.happens(0.5) {
            add(span_within(epoch, 2.0..12.0, noise), noise.within(60.0..350.0));
        }
        if has_changed && noise.happens(0.4) {
            let span = Span { start_s: epoch as f64 * 30.0, length_s: noise.within(1.0..6.0) };
            add(span, noise.within(60.0..300.0));
        }
        if stage == SleepStage::Rem && noise.happens(0.1) {
            add(span_within(epoch, 0.3..1.0, noise), noise.within(15.0..50.0));
        }
    }
    for &arousal in arousals {
        if noise.happens(0.4) {
            add(arousal, noise.within(30.0..200.0));
        }
    }
    movements.sort_by(|one, other| one.span.start_s.total_cmp(&other.span.start_s));
    movements
}

/// The first posture, and a new one in some of the strong movements.
fn draw_postures(movements: &[Movement], noise: &mut Noise) -> Vec<Posture> {
    let mut postures = vec![draw_posture(0.0, noise)];
    for movement in movements.iter().filter(|movement| movement.strength > 150.0) {
        // A turn takes a few seconds; the next begins after it.
        let is_settled = postures.last().is_none_or(|last| movement.span.start_s > last.from_s + 30.0);
        if is_settled && noise.happens(0.3) {
            postures.push(draw_posture(movement.span.start_s, noise));
        }
    }
    postures
}

fn draw_posture(from_s: f64, noise: &mut Noise) -> Posture {
    let mut remaining = noise.within(0.0..1.0);
    let chosen = ROLLS.iter().find(|(_, share)| {
        remaining -= share;
        remaining < 0.0
    });
    let roll = chosen.map_or(0.0, |(roll, _)| *roll) + noise.within(-0.04..0.04);
    Posture { from_s, roll, pitch: noise.within(-0.01..0.06) }
}

/// Begins in the first half of this epoch.
fn span_within(epoch: usize, lengths_s: Range<f64>, noise: &mut Noise) -> Span {
    Span { start_s: epoch as f64 * 30.0 + noise.within(0.0..15.0), length_s: noise.within(lengths_s) }
}
