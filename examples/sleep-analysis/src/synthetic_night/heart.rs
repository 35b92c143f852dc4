//! The synthetic body: breaths, heart beats, oxygen, and what a belt, a strap, a watch and a finger probe record of them.
//!
//! Promise: heart rate and RR intervals come from the same beats; the heart is slower and steadier in N3 than in any other
//! stage, unsteady in REM and after arousals, and swings with the breath. It leaves gaps in time to `plan`.

use super::noise::{LowPass, Noise, Stream, sine_cosine};
use super::{NightPlan, Samples, SleepStage, blank, column};
use crate::Column;

/// What a stage does to heart and breath.
struct Autonomic {
    /// Heart rate above that of quiet N2, beats per minute.
    heart: f64,
    /// Standard deviation of the slow wandering of heart rate, beats per minute.
    heart_wander: f64,
    /// Height of the swing of heart rate with the breath, beats per minute.
    heart_swing: f64,
    /// Breaths per minute above those of quiet N2.
    breaths: f64,
    /// Standard deviation of the wandering of breaths per minute.
    breath_wander: f64,
}

fn autonomic(stage: SleepStage) -> Autonomic {
    let [heart, heart_wander, heart_swing, breaths, breath_wander] = match stage {
        SleepStage::Wake => [9.0, 2.8, 1.6, 1.5, 1.3],
        SleepStage::N1 => [4.0, 2.0, 1.9, 0.5, 0.8],
        SleepStage::N2 => [0.0, 1.3, 2.1, 0.0, 0.45],
        SleepStage::N3 => [-3.0, 0.4, 1.8, -0.2, 0.2],
        SleepStage::Rem => [4.5, 3.2, 1.1, 1.2, 1.8],
    };
    Autonomic { heart, heart_wander, heart_swing, breaths, breath_wander }
}

/// The breath of the whole night.
pub(super) struct Breathing {
    /// Breaths per minute in each second.
    per_minute: Vec<f64>,
    /// Turns of the breath at the start of each second; one turn is one breath.
    turns: Vec<f64>,
}

impl Breathing {
    pub(super) fn of(plan: &NightPlan) -> Self {
        let mut noise = plan.noise(Stream::Breathing);
        let quiet = noise.within(12.5..15.5);
        let mut level = LowPass::new(20.0, quiet + autonomic(SleepStage::Wake).breaths);
        let mut wander = LowPass::new(8.0, 0.0);
        let mut now = 0.0;
        let (mut per_minute, mut turns) = (Vec::new(), Vec::new());
        for stage in plan.stage_per_second() {
            let body = autonomic(stage);
            let drift = wander.follow(noise.bell()) * wander.whitening() * body.breath_wander;
            let rate = (level.follow(quiet + body.breaths) + drift).clamp(6.0, 30.0);
            per_minute.push(rate);
            turns.push(now);
            now += rate / 60.0;
        }
        Self { per_minute, turns }
    }

    /// Where in its breath the chest is, from -1 (out) to 1 (in).
    pub(super) fn chest(&self, seconds: f64) -> f64 {
        let second = (seconds as usize).min(self.turns.len() - 1);
        let turns = self.turns[second] + (seconds - second as f64) * self.per_minute[second] / 60.0;
        sine_cosine(turns).0
    }
}

/// The belt: the breathing rate over the last breaths, in steps of 0.1.
pub(super) fn respiration(plan: &NightPlan) -> Samples {
    let breathing = Breathing::of(plan);
    let mut belt = LowPass::new(4.0, breathing.per_minute[0]);
    let rates = breathing.per_minute.iter().map(|&rate| tenths(belt.follow(rate))).collect();
    every_second(plan, column("resp", rates))
}

/// Heart rate without the swing of the breath, beats per minute in each second.
fn heart_level(plan: &NightPlan, noise: &mut Noise) -> Vec<f64> {
    let quiet = noise.within(54.0..64.0);
    let mut level = LowPass::new(40.0, quiet + autonomic(SleepStage::Wake).heart);
    let mut wander = LowPass::new(6.0, 0.0);
    let mut startle = LowPass::new(4.0, 0.0);
    let startled = startled_seconds(plan);
    // The heart slows by some beats from evening to morning, whatever the stage.
    let slowing = noise.within(2.0..5.0) / (8.0 * 3600.0);
    let level_at = |(second, stage): (usize, SleepStage)| {
        let body = autonomic(stage);
        let drift = wander.follow(noise.bell()) * wander.whitening() * body.heart_wander;
        let jump = 11.0 * startle.follow(if startled[second] { 1.0 } else { 0.0 });
        level.follow(quiet + body.heart - slowing * second as f64) + drift + jump
    };
    plan.stage_per_second().enumerate().map(level_at).collect()
}

/// The seconds in which an arousal or a strong movement drives the heart.
fn startled_seconds(plan: &NightPlan) -> Vec<bool> {
    let mut startled = vec![false; plan.n_samples(1)];
    let strong = plan.movements().iter().filter(|movement| movement.strength > 60.0).map(|movement| &movement.span);
    for span in plan.arousals().iter().chain(strong) {
        startled[span.samples(1.0, plan.n_samples(1))].fill(true);
    }
    startled
}

/// A heart beat: when, and how long after the one before, in whole milliseconds.
struct Beat {
    at_ms: u64,
    interval_ms: u64,
}

/// The share of beats that come too early, with a full pause after them: a few per hour.
const ECTOPIC: f64 = 1.0 / 700.0;

/// All beats whose interval lies within the night.
fn beats(plan: &NightPlan) -> Vec<Beat> {
    let mut noise = plan.noise(Stream::Heart);
    let level = heart_level(plan, &mut noise);
    let swing: Vec<f64> = plan.stage_per_second().map(|stage| autonomic(stage).heart_swing).collect();
    let breathing = Breathing::of(plan);
    let end_ms = plan.duration().as_millis() as u64;
    let mut beats = Vec::new();
    let mut at_ms = noise.count(0..1000) as u64;
    let mut owed_ms = 0.0; // What an early beat leaves to the pause after it.
    while let Some(&level_now) = level.get((at_ms / 1000) as usize) {
        let seconds = at_ms as f64 / 1000.0;
        // The heart speeds up with the breath in and slows with the breath out.
        let rate = level_now + swing[(at_ms / 1000) as usize] * breathing.chest(seconds);
        let regular_ms = (60_000.0 / rate.clamp(38.0, 130.0) + 5.0 * noise.bell()).max(440.0);
        let is_early = owed_ms == 0.0 && noise.happens(ECTOPIC);
        let interval_ms = if is_early { regular_ms * noise.within(0.7..0.8) } else { regular_ms + owed_ms };
        owed_ms = if is_early { regular_ms - interval_ms } else { 0.0 };
        let interval_ms = interval_ms.round() as u64;
        at_ms += interval_ms;
        if at_ms < end_ms {
            beats.push(Beat { at_ms, interval_ms });
        }
    }
    beats
}

/// The strap: every beat while it has contact.
pub(super) fn rr_intervals(plan: &NightPlan) -> Samples {
    let lapses = plan.lapses(120.0, &mut plan.noise(Stream::Strap));
    let is_heard = |beat: &Beat| !lapses.iter().any(|span| span.holds(beat.at_ms as f64 / 1000.0));
    let heard: Vec<Beat> = beats(plan).into_iter().filter(is_heard).collect();
    let stamps = heard.iter().map(|beat| plan.start_ns() + beat.at_ms as i64 * 1_000_000).collect();
    (stamps, vec![column("rr_interval", heard.iter().map(|beat| beat.interval_ms as f64).collect())])
}

/// The watch: beats over the last 8 s, no rows while it is off, NaN while it has poor contact.
pub(super) fn heart_rate(plan: &NightPlan) -> Samples {
    let mut rates = mean_rates(&beats(plan), plan.n_samples(1));
    blank(&mut rates, 1.0, &plan.lapses(60.0, &mut plan.noise(Stream::HeartRate)));
    let mut is_worn = vec![true; rates.len()];
    for span in plan.watch_gaps() {
        is_worn[span.samples(1.0, rates.len())].fill(false);
    }
    let worn = |idx: &usize| is_worn[*idx];
    let stamps = (0..rates.len()).filter(worn).map(|idx| plan.sample_ns(idx, 1)).collect();
    (stamps, vec![column("hr", (0..rates.len()).filter(worn).map(|idx| rates[idx]).collect())])
}

/// Beats per minute over the 8 s before each second, in steps of 0.1; NaN before the first beat.
fn mean_rates(beats: &[Beat], n_seconds: usize) -> Vec<f64> {
    let (mut oldest, mut next) = (0, 0);
    let mut sum_ms = 0;
    let mut rate_at = |second: usize| {
        let now_ms = second as u64 * 1000;
        while beats.get(next).is_some_and(|beat| beat.at_ms <= now_ms) {
            sum_ms += beats[next].interval_ms;
            next += 1;
        }
        while oldest < next && beats[oldest].at_ms + 8000 <= now_ms {
            sum_ms -= beats[oldest].interval_ms;
            oldest += 1;
        }
        // No beat yet makes 0 / 0, which is the NaN that a watch without a first beat should show.
        tenths((next - oldest) as f64 * 60_000.0 / sum_ms as f64)
    };
    (0..n_seconds).map(&mut rate_at).collect()
}

/// The finger probe: 95 to 98 %, shallow dips, NaN while it is off.
pub(super) fn oxygen_saturation(plan: &NightPlan) -> Samples {
    let mut noise = plan.noise(Stream::Oxygen);
    let usual = noise.within(95.5..97.5);
    let mut wander = LowPass::new(60.0, 0.0);
    let mut dip = LowPass::new(12.0, 0.0);
    let mut dipping = 0;
    let mut saturation = |stage: SleepStage| {
        if stage.is_sleep() && noise.happens(1.0 / 1200.0) {
            dipping = noise.count(8..20);
        }
        let depth = dip.follow(if dipping > 0 { 4.0 } else { 0.0 });
        dipping = dipping.saturating_sub(1);
        let drift = 0.3 * wander.follow(noise.bell()) * wander.whitening();
        tenths((usual + drift - depth).min(100.0))
    };
    let mut values: Vec<f64> = plan.stage_per_second().map(&mut saturation).collect();
    blank(&mut values, 1.0, &plan.lapses(90.0, &mut noise));
    every_second(plan, column("spo2", values))
}

fn every_second(plan: &NightPlan, column: Column) -> Samples {
    ((0..column.values.len()).map(|idx| plan.sample_ns(idx, 1)).collect(), vec![column])
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
