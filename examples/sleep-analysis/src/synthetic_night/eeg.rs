//! A made EEG: a background that falls with frequency, the rhythms of each stage, and the waves by which stages are scored.
//!
//! Promise: alpha in rest, theta in N1, spindles and K-complexes in N2, slow waves over 75 uV in N3, low mixed waves with
//! sawtooth trains in REM; arousals and movements show. The sites share their events and most of their rhythms' drive, as
//! one head does. It leaves the stages to `plan`.

use super::noise::{LowPass, Noise, Oscillator, Rhythm, Stream, swell};
use super::plan::Span;
use super::{EegSite, NightPlan, Samples, SleepStage, blank, column};

/// One channel in microvolts, in steps of 0.1.
pub(super) fn eeg(plan: &NightPlan, site: EegSite) -> Samples {
    let mut noise = plan.noise(Stream::Electrode(site as u32));
    let off = plan.lapses(90.0, &mut noise);
    let mut uv = background(plan, site, &mut noise);
    for event in brain_events(plan) {
        add_event(&mut uv, f64::from(plan.eeg_rate_hz()), site, &event);
    }
    for value in &mut uv {
        *value = (*value * 10.0).round() / 10.0;
    }
    blank(&mut uv, f64::from(plan.eeg_rate_hz()), &off);
    let stamps = (0..uv.len()).map(|idx| plan.sample_ns(idx, plan.eeg_rate_hz())).collect();
    (stamps, vec![column("uv", uv)])
}

/// How tall each part of the ongoing EEG is: root mean square in microvolts.
const N_PARTS: usize = 6;
type Heights = [f64; N_PARTS];

/// The parts: what falls with frequency, slow waves, theta, alpha, beta, muscle.
fn heights(stage: SleepStage) -> Heights {
    match stage {
        SleepStage::Wake => [8.0, 2.0, 4.0, 15.0, 4.5, 1.5],
        SleepStage::N1 => [8.0, 4.0, 10.0, 3.5, 2.5, 0.8],
        SleepStage::N2 => [8.0, 11.0, 5.0, 2.0, 1.5, 0.5],
        SleepStage::N3 => [7.0, 36.0, 5.0, 1.2, 0.8, 0.4],
        SleepStage::Rem => [7.0, 3.5, 7.5, 3.0, 2.8, 0.4],
    }
}

/// How tall the site shows each part.
fn reach(site: EegSite) -> Heights {
    match site {
        EegSite::C3 => [1.0, 1.0, 1.0, 0.6, 1.0, 1.0],
        EegSite::O1 => [0.9, 0.7, 0.9, 1.4, 0.8, 0.8],
    }
}

/// The rhythms at centre and width in Hz: slow waves, theta, alpha, beta.
const RHYTHMS_HZ: [(f64, f64); 4] = [(1.0, 0.6), (6.0, 3.0), (10.0, 1.2), (20.0, 8.0)];
/// The corners in Hz of four low-passes that together fall about as 1/f.
const CORNERS_HZ: [f64; 4] = [0.25, 1.0, 4.0, 16.0];

/// The ongoing EEG, without events.
fn background(plan: &NightPlan, site: EegSite, own: &mut Noise) -> Vec<f64> {
    let rate_hz = f64::from(plan.eeg_rate_hz());
    let mut shared = plan.noise(Stream::BrainShared);
    let wanted = wanted_heights(plan, site);
    // Slow waves build up over half a minute, the rest changes within seconds.
    let mut now = [3.0, 15.0, 3.0, 2.0, 2.0, 0.5].map(|seconds: f64| LowPass::new(seconds * rate_hz, 0.0));
    let mut falling = CORNERS_HZ.map(|corner| LowPass::new(rate_hz / (corner * std::f64::consts::TAU), 0.0));
    let weights = falling.map(|part| 0.5 * part.whitening());
    let mut rhythms = RHYTHMS_HZ.map(|(frequency, width)| Rhythm::new(frequency, width, rate_hz));
    let mut sample = |idx: usize| {
        let target = &wanted[idx / plan.eeg_rate_hz() as usize];
        let height: Heights = std::array::from_fn(|part| now[part].follow(target[part]));
        let (head, scalp, site) = (shared.four(), own.four(), own.four());
        let fallen: f64 = (0..4).map(|idx| weights[idx] * falling[idx].follow(scalp[idx])).sum();
        let waves: f64 = (0..4).map(|idx| height[idx + 1] * rhythms[idx].next(0.8 * head[idx] + 0.6 * site[idx])).sum();
        height[0] * fallen + waves + height[5] * scalp[3]
    };
    (0..plan.n_samples(plan.eeg_rate_hz())).map(&mut sample).collect()
}

/// The heights to follow in each second: those of the stage, of wake in an arousal, with muscle and sway in a movement.
fn wanted_heights(plan: &NightPlan, site: EegSite) -> Vec<Heights> {
    let mut wanted: Vec<Heights> = plan.stage_per_second().map(heights).collect();
    let n_seconds = wanted.len();
    for arousal in plan.arousals() {
        wanted[arousal.samples(1.0, n_seconds)].fill([9.0, 4.0, 7.0, 14.0, 6.0, 3.0]);
    }
    for movement in plan.movements().iter().filter(|movement| movement.strength > 60.0) {
        for heights in &mut wanted[movement.span.samples(1.0, n_seconds)] {
            heights[0] *= 2.5;
            heights[5] += movement.strength / 20.0;
        }
    }
    let reach = reach(site);
    for heights in &mut wanted {
        *heights = std::array::from_fn(|part| heights[part] * reach[part]);
    }
    wanted
}

/// A wave that stands out.
#[derive(Debug, Clone, Copy)]
struct BrainEvent {
    span: Span,
    shape: Shape,
    /// The peak in microvolts.
    peak: f64,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    /// A single hump.
    Hump,
    /// A swelling sine of this many Hz.
    Spindle(f64),
    /// A swelling row of this many teeth per second.
    Sawtooth(f64),
}

/// The events of the night, the same at every site.
fn brain_events(plan: &NightPlan) -> Vec<BrainEvent> {
    let mut noise = plan.noise(Stream::BrainEvents);
    let mut events = Vec::new();
    for (epoch, stage) in plan.stages().iter().enumerate() {
        let (n_spindles, n_complexes, n_vertex, n_sawtooth) = match stage {
            SleepStage::Wake => (0, 0, 0, 0),
            SleepStage::N1 => (0, 0, noise.count(0..3), 0),
            SleepStage::N2 => (noise.count(1..5), noise.count(0..3), 0, 0),
            SleepStage::N3 => (noise.count(0..2), 0, 0, 0),
            SleepStage::Rem => (0, 0, 0, usize::from(noise.happens(0.35))),
        };
        let moment = |noise: &mut Noise| epoch as f64 * 30.0 + noise.within(0.0..26.0);
        events.extend((0..n_spindles).map(|_| spindle(moment(&mut noise), &mut noise)));
        events.extend((0..n_complexes).flat_map(|_| k_complex(moment(&mut noise), &mut noise)));
        events.extend((0..n_vertex).flat_map(|_| vertex_wave(moment(&mut noise), &mut noise)));
        events.extend((0..n_sawtooth).map(|_| sawtooth(moment(&mut noise), &mut noise)));
    }
    events
}

fn spindle(start_s: f64, noise: &mut Noise) -> BrainEvent {
    let span = Span { start_s, length_s: noise.within(0.7..1.6) };
    BrainEvent { span, shape: Shape::Spindle(noise.within(12.3..14.5)), peak: noise.within(18.0..34.0) }
}

/// A sharp negative wave, then a slower positive one; more than half a second in all.
fn k_complex(start_s: f64, noise: &mut Noise) -> [BrainEvent; 2] {
    humps(
        start_s,
        [(noise.within(0.25..0.4), -noise.within(80.0..130.0)), (noise.within(0.5..0.8), noise.within(40.0..70.0))],
    )
}

/// A short sharp wave of the way into sleep.
fn vertex_wave(start_s: f64, noise: &mut Noise) -> [BrainEvent; 2] {
    humps(start_s, [(noise.within(0.12..0.2), -noise.within(40.0..75.0)), (0.2, noise.within(15.0..30.0))])
}

fn humps(start_s: f64, [first, second]: [(f64, f64); 2]) -> [BrainEvent; 2] {
    let hump = |start_s, (length_s, peak)| BrainEvent { span: Span { start_s, length_s }, shape: Shape::Hump, peak };
    // The second rises while the first still falls, so that there is no flat part between them.
    [hump(start_s, first), hump(start_s + 0.7 * first.0, second)]
}

fn sawtooth(start_s: f64, noise: &mut Noise) -> BrainEvent {
    let span = Span { start_s, length_s: noise.within(2.0..5.0) };
    BrainEvent { span, shape: Shape::Sawtooth(noise.within(2.5..5.0)), peak: noise.within(18.0..30.0) }
}

/// Adds what the site sees of an event.
fn add_event(uv: &mut [f64], rate_hz: f64, site: EegSite, event: &BrainEvent) {
    let share = match (site, event.shape) {
        (EegSite::C3, _) => 1.0,
        (EegSite::O1, Shape::Spindle(_)) => 0.4,
        (EegSite::O1, Shape::Hump | Shape::Sawtooth(_)) => 0.5,
    };
    let touched = event.span.samples(rate_hz, uv.len());
    let n_touched = touched.len();
    let wave = uv[touched].iter_mut().zip(swell(n_touched));
    let height = share * event.peak;
    match event.shape {
        Shape::Hump => wave.for_each(|(uv, swelling)| *uv += height * swelling),
        Shape::Spindle(frequency_hz) => {
            let mut sine = Oscillator::new(frequency_hz / rate_hz);
            wave.for_each(|(uv, swelling)| *uv += height * swelling * sine.next().0);
        }
        Shape::Sawtooth(teeth_hz) => wave.enumerate().for_each(|(idx, (uv, swelling))| {
            let turns = idx as f64 * teeth_hz / rate_hz;
            *uv += height * swelling * (2.0 * (turns - turns.floor()) - 1.0);
        }),
    }
}
