//! What the scanner's gradients induce: the same course of fields in each slice, taken up by each channel in its own way.
//!
//! Each of three gradients has a course over a slice: short pulses where a field is switched, and the fast oscillation of the readout.
//! The course is a function of continuous time without parts above the rate's half, so a shift by a fraction of a sample is a true
//! shift. A channel is a weighted sum of the three; weights drift, differ a little from slice to slice, and jump when the head moves.

use std::f64::consts::{PI, TAU};

use super::VOLTS_PER_MICROVOLT;
use super::rng::{Rng, Stream};
use super::settings::SceneSettings;
use super::timeline::Timeline;

const N_AXES: usize = 3;
/// The course is tabulated at so many points of each sample, and taken as straight between.
const POINTS_PER_SAMPLE: usize = 64;
/// How long the artifact of a movement lasts, in volumes.
const MOVEMENT_VOLUMES: usize = 2;
/// How much a movement changes the weights, and which part of that stays.
const MOVEMENT_CHANGE: f64 = 0.2;
const MOVEMENT_REST: f64 = 0.08;
/// How much slices of a volume differ.
const SLICE_CHANGE: f64 = 0.03;
const PULSE_WIDTH_S: f64 = 8e-4;
const READOUT_HZ: f64 = 90.0;
/// The course is quiet for so many widths of a pulse at both ends of a slice.
const QUIET_WIDTHS: f64 = 5.0;

type Weights = [f64; N_AXES];

/// The course of the gradients, and what changes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gradient {
    /// The course over a slice.
    table: Vec<Weights>,
    /// By which factor each slice of a volume has each gradient.
    slices: Vec<Weights>,
    /// The volumes in which the head begins to move, in order.
    movements: Vec<usize>,
}

impl Gradient {
    pub(super) fn new(settings: &SceneSettings, timeline: &Timeline) -> Self {
        let mut rng = Rng::new(settings.seed, Stream::Slices, 0);
        let slices =
            (0..settings.slices_per_volume).map(|_| [(); N_AXES].map(|()| 1.0 + SLICE_CHANGE * rng.bell())).collect();
        let mut rng = Rng::new(settings.seed, Stream::Movements, 0);
        let n_volumes = timeline.n_volumes as f64;
        let mut movements: Vec<usize> =
            (0..settings.n_movements).map(|_| rng.within(0.15 * n_volumes, 0.9 * n_volumes) as usize).collect();
        movements.sort_unstable();
        Self { table: table(settings), slices, movements }
    }

    pub(super) fn movements(&self) -> &[usize] {
        &self.movements
    }

    /// Adds the artifact of a channel.
    pub(super) fn add(&self, settings: &SceneSettings, timeline: &Timeline, channel: usize, to: &mut [f64]) {
        let volumes = self.volume_weights(settings, timeline.n_volumes, channel);
        for slice in &timeline.slices {
            let mut weights = volumes[slice.volume];
            weights.iter_mut().zip(self.slices[slice.slice]).for_each(|(weight, factor)| *weight *= factor);
            let first = slice.onset.ceil() as usize;
            for (at, value) in to.iter_mut().enumerate().skip(first) {
                let Some(course) = self.course(at as f64 - slice.onset) else { break };
                *value += course.iter().zip(weights).map(|(course, weight)| course * weight).sum::<f64>();
            }
        }
    }

    /// The weights of a channel in each volume, in volts.
    fn volume_weights(&self, settings: &SceneSettings, n_volumes: usize, channel: usize) -> Vec<Weights> {
        let mut rng = Rng::new(settings.seed, Stream::Gradient, channel);
        let direction = unit([(); N_AXES].map(|()| rng.bell()));
        let amplitude = VOLTS_PER_MICROVOLT * settings.artifact_uv * rng.within(0.5, 1.5);
        let phases = [(); N_AXES].map(|()| rng.within(0.0, TAU));
        let moves: Vec<Weights> = (0..self.movements.len())
            .map(|idx| {
                let mut rng = Rng::new(settings.seed, Stream::Movement, idx + channel * self.movements.len());
                [(); N_AXES].map(|()| MOVEMENT_CHANGE * rng.bell())
            })
            .collect();
        let at_volume = |volume: usize| {
            let turn = 0.7 * TAU * volume as f64 / n_volumes as f64;
            let mut weights = [0.0; N_AXES];
            for axis in 0..N_AXES {
                let drift = 1.0 + settings.amplitude_drift * (turn + phases[axis]).sin();
                let moved: f64 =
                    self.movements.iter().zip(&moves).map(|(begin, change)| moved(volume, *begin) * change[axis]).sum();
                weights[axis] = amplitude * (direction[axis] * drift + moved);
            }
            weights
        };
        (0..n_volumes).map(at_volume).collect()
    }

    /// The course at a time after the slice's begin, in samples; none after its end.
    fn course(&self, time: f64) -> Option<Weights> {
        let place = time * POINTS_PER_SAMPLE as f64;
        let before = place as usize;
        let (low, high) = (self.table.get(before)?, self.table.get(before + 1)?);
        let share = place - before as f64;
        let mut course = *low;
        course.iter_mut().zip(high).for_each(|(low, high)| *low += share * (high - *low));
        Some(course)
    }
}

/// How much of a movement's change there is in a volume.
fn moved(volume: usize, begin: usize) -> f64 {
    match volume.checked_sub(begin) {
        None => 0.0,
        Some(since) if since < MOVEMENT_VOLUMES => 1.0,
        Some(_) => MOVEMENT_REST,
    }
}

/// To length 1.
fn unit(weights: Weights) -> Weights {
    let norm = weights.iter().map(|weight| weight * weight).sum::<f64>().sqrt().max(1e-9);
    weights.map(|weight| weight / norm)
}

fn table(settings: &SceneSettings) -> Vec<Weights> {
    let length = settings.slice_samples();
    let n_points = (length * POINTS_PER_SAMPLE as f64).ceil() as usize;
    // As behind the low-pass of an amplifier: a pulse is 3 dB weaker at 165 Hz, and has a thousandth of its strength left at the
    // rate's half.
    let width = (PULSE_WIDTH_S * settings.sfreq_hz).max(1.2);
    let slice = Course { length, width, readout: (READOUT_HZ / settings.sfreq_hz).min(0.12) };
    (0..=n_points).map(|point| slice.at(point as f64 / POINTS_PER_SAMPLE as f64)).collect()
}

/// The course of the gradients over a slice; times and widths are in samples.
struct Course {
    length: f64,
    width: f64,
    /// Turns per sample of the readout.
    readout: f64,
}

impl Course {
    fn at(&self, time: f64) -> Weights {
        // Slice selection: on, reversed, off; and the pulse that ends all order.
        let select = self.pulse(time, 0.0) - 1.6 * self.pulse(time, 0.07) + 0.6 * self.pulse(time, 0.14)
            - 0.8 * self.pulse(time, 0.93)
            + 0.8 * self.pulse(time, 1.0);
        // Phase encoding: eight pulses of alternating sign, of which the first is the strongest.
        let sign = |idx: i32| if idx % 2 == 0 { 1.0 } else { -1.0 };
        let blip = |idx: i32| sign(idx) * (1.0 - 0.08 * f64::from(idx)) * self.pulse(time, 0.2 + 0.08 * f64::from(idx));
        let encode: f64 = 0.7 * (0..8).map(blip).sum::<f64>();
        let read = 0.8 * self.window(time, 0.18, 0.85) * (TAU * self.readout * time).sin();
        [select, encode, read]
    }

    /// A pulse of height 1 at a share of the time that is not quiet.
    fn pulse(&self, time: f64, share: f64) -> f64 {
        let quiet = QUIET_WIDTHS * self.width;
        let at = quiet + share * (self.length - 2.0 * quiet);
        let distance = (time - at) / self.width;
        (-0.5 * distance * distance).exp()
    }

    /// 1 between two shares of the slice, with soft edges.
    fn window(&self, time: f64, from: f64, to: f64) -> f64 {
        let edge = 0.1 * self.length;
        let rise = ((time - from * self.length) / edge).clamp(0.0, 1.0);
        let fall = ((to * self.length - time) / edge).clamp(0.0, 1.0);
        (0.5 - 0.5 * (PI * rise).cos()) * (0.5 - 0.5 * (PI * fall).cos())
    }
}
