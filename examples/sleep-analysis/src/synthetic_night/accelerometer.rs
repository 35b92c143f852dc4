//! A made accelerometer: gravity that turns with the sleeper, the breath, movements, and a cheap radio.
//!
//! Promise: at rest its magnitude is 1000 milli-g within the few percent of such sensors; rows are in strict order of time.
//! It leaves to `plan` when the sleeper moves and turns.

use super::heart::Breathing;
use super::noise::{LowPass, Noise, Stream, sine_cosine, swell};
use super::plan::{Movement, Posture};
use super::{NightPlan, Samples, column};

const RATE_HZ: u32 = 50;
/// How far the sensor's clock lags, as a share.
const CLOCK_LAG: f64 = 40e-6;
/// How late a sample may be stamped, in nanoseconds. Less than a period less lag, or stamps could cross.
const LATEST_NS: f64 = 3e6;

/// All rows that arrive.
pub(super) fn accelerometer(plan: &NightPlan) -> Samples {
    let mut noise = plan.noise(Stream::Accelerometer);
    let mut axes = gravity(plan);
    breathe(&mut axes, &Breathing::of(plan));
    for movement in plan.movements() {
        shake(&mut axes, movement, &mut noise);
    }
    measure(&mut axes, &mut noise);
    let is_received = receive(plan, axes[0].len(), &mut noise);
    let stamps = stamps(plan, &is_received, &mut noise);
    let [x, y, z] = axes.map(|axis| keep(axis, &is_received));
    (stamps, vec![column("x", x), column("y", y), column("z", z)])
}

/// How many samples a turn of the body takes: 3 s.
const N_TURNING: usize = 3 * RATE_HZ as usize;

/// Gravity as the chest feels it: z out of the chest, y to the head, x to the left.
fn gravity(plan: &NightPlan) -> [Vec<f64>; 3] {
    let n_samples = plan.n_samples(RATE_HZ);
    let mut axes = [vec![0.0; n_samples], vec![0.0; n_samples], vec![0.0; n_samples]];
    let mut before = &plan.postures()[0];
    for posture in plan.postures() {
        let first = plan.index_at(posture.from_s, RATE_HZ);
        for (axis, value) in axes.iter_mut().zip(down(posture.roll, posture.pitch)) {
            axis[first..].fill(value);
        }
        for step in 0..N_TURNING.min(n_samples - first) {
            let turning = between(before, posture, step as f64 / N_TURNING as f64);
            axes.iter_mut().zip(turning).for_each(|(axis, value)| axis[first + step] = value);
        }
        before = posture;
    }
    axes
}

/// Gravity on the way from one posture to another, gently begun and ended.
fn between(before: &Posture, after: &Posture, share: f64) -> [f64; 3] {
    let share = share * share * (3.0 - 2.0 * share);
    down(before.roll + share * (after.roll - before.roll), before.pitch + share * (after.pitch - before.pitch))
}

/// Gravity in milli-g for a body that lies so.
fn down(roll: f64, pitch: f64) -> [f64; 3] {
    let (roll, pitch) = (sine_cosine(roll), sine_cosine(pitch));
    [1000.0 * roll.0 * pitch.1, 1000.0 * pitch.0, 1000.0 * roll.1 * pitch.1]
}

/// The chest lifts and tilts the sensor by a few milli-g with each breath.
fn breathe(axes: &mut [Vec<f64>; 3], breathing: &Breathing) {
    let [x, y, z] = axes;
    for (idx, ((x, y), z)) in x.iter_mut().zip(y).zip(z).enumerate() {
        let chest = breathing.chest(idx as f64 / f64::from(RATE_HZ));
        *x += 1.5 * chest;
        *y += 4.0 * chest;
        *z += 2.5 * chest;
    }
}

/// A movement: a rough push that swells and fades, stronger along some axes than others.
fn shake(axes: &mut [Vec<f64>; 3], movement: &Movement, noise: &mut Noise) {
    for axis in axes {
        let touched = movement.span.samples(f64::from(RATE_HZ), axis.len());
        let mut push = LowPass::new(4.0, 0.0);
        let height = movement.strength * noise.within(0.3..1.0) * push.whitening();
        for (value, swelling) in axis[touched.clone()].iter_mut().zip(swell(touched.len())) {
            *value += height * swelling * push.follow(noise.bell());
        }
    }
}

/// The sensor: each axis a little off in scale and zero, 3 milli-g of noise, steps of 1 milli-g, at most 8 g.
fn measure(axes: &mut [Vec<f64>; 3], noise: &mut Noise) {
    for axis in axes {
        let (scale, zero) = (noise.within(0.992..1.008), noise.within(-6.0..6.0));
        for value in axis {
            *value = (scale * *value + zero + 3.0 * noise.bell()).round().clamp(-8000.0, 8000.0);
        }
    }
}

/// Which samples arrive: none while the watch is off, and now and then a packet is lost.
fn receive(plan: &NightPlan, n_samples: usize, noise: &mut Noise) -> Vec<bool> {
    let mut is_received = vec![true; n_samples];
    for span in plan.watch_gaps() {
        is_received[span.samples(f64::from(RATE_HZ), n_samples)].fill(false);
    }
    const PACKET: usize = 10;
    for packet in is_received.chunks_mut(PACKET) {
        if noise.happens(0.001) {
            packet.fill(false);
        }
    }
    is_received
}

/// When the rows that arrive are stamped.
fn stamps(plan: &NightPlan, is_received: &[bool], noise: &mut Noise) -> Vec<i64> {
    let mut stamps = Vec::with_capacity(is_received.len());
    for (idx, _) in is_received.iter().enumerate().filter(|(_, is_received)| **is_received) {
        let since_start = plan.sample_ns(idx, RATE_HZ) - plan.start_ns();
        let shift = noise.within(0.0..LATEST_NS) - since_start as f64 * CLOCK_LAG;
        stamps.push(plan.sample_ns(idx, RATE_HZ) + shift as i64);
    }
    stamps
}

fn keep(values: Vec<f64>, is_kept: &[bool]) -> Vec<f64> {
    values.into_iter().zip(is_kept).filter_map(|(value, is_kept)| is_kept.then_some(value)).collect()
}
