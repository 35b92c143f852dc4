//! Edges of a trace that switches: rise and fall time, duty cycle, period jitter, after IEEE Std 181-2011.
//!
//! Levels are those of `levels.rs`; the references are at 10, 50 and 90 % of the way between them. A rising edge goes from a sample below
//! the 10 % reference to the first sample at or above the 90 % one, so noise within these makes no edge more. Its instants lie on straight
//! lines between samples: the last crossing of 10 % before its end, the first one of 50 % after that, and its end. A falling edge is the
//! same upside down.
//!
//! - Rise and fall time: mean of the times from 10 to 90 % (90 to 10 %) over all whole edges.
//! - Period: from the 50 % instant of a rising edge to that of the next. Duty cycle: share of the time from a rising to a falling 50 %
//!   instant, over all whole periods together.
//! - Period jitter: standard deviation (n − 1) of the periods, as JEDEC JESD65B has it for a sample of cycles.

use super::levels::Levels;
use super::{Measurements, Metric};

/// Writes the four metrics of edges for samples that lie from `min` to `max`; what has no edges stays as it is.
pub(super) fn measure(samples: &[f64], min: f64, max: f64, rate_hz: f64, measured: &mut Measurements) {
    let Some(references) = Levels::of(samples, min, max).and_then(References::of) else { return };
    let mut tally = Tally::default();
    for edge in (Edges { samples, references, at: 0, is_high: None }) {
        tally.take(edge);
    }
    measured[Metric::RiseTime] = tally.rise.mean() / rate_hz;
    measured[Metric::FallTime] = tally.fall.mean() / rate_hz;
    measured[Metric::DutyCycle] = 100.0 * tally.high / (tally.periods.n * tally.periods.mean());
    measured[Metric::PeriodJitter] = tally.periods.deviation() / rate_hz;
}

#[derive(Debug, Clone, Copy)]
struct References {
    low: f64,
    middle: f64,
    high: f64,
}

impl References {
    /// None for levels that are only a few last bits apart.
    fn of(levels: Levels) -> Option<Self> {
        let references = Self { low: levels.at(0.1), middle: levels.at(0.5), high: levels.at(0.9) };
        (references.low < references.middle && references.middle < references.high).then_some(references)
    }
}

/// A whole edge; its times are in samples from the first one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Edge {
    is_rising: bool,
    middle: f64,
    duration: f64,
}

/// The whole edges of a trace, in order.
struct Edges<'a> {
    samples: &'a [f64],
    references: References,
    /// The first sample that is not looked at yet.
    at: usize,
    /// Which reference was reached last; none before the first.
    is_high: Option<bool>,
}

impl Iterator for Edges<'_> {
    type Item = Edge;

    fn next(&mut self) -> Option<Edge> {
        let References { low, high, .. } = self.references;
        if self.is_high.is_none() {
            self.advance(|sample| sample >= high || sample <= low)?;
            self.is_high = Some(self.samples[self.at] >= high);
        }
        let is_rising = self.is_high == Some(false);
        match is_rising {
            true => self.advance(|sample| sample >= high)?,
            false => self.advance(|sample| sample <= low)?,
        }
        self.is_high = Some(is_rising);
        Some(self.edge_that_ends_here(is_rising))
    }
}

impl Edges<'_> {
    /// Goes to the next sample that is so; none when there is no such sample.
    fn advance(&mut self, is_there: impl Fn(f64) -> bool) -> Option<()> {
        self.at += self.samples[self.at..].iter().position(|&sample| is_there(sample))?;
        Some(())
    }

    /// The edge whose last sample is the current one. The state before it was reached at an earlier sample, so its beginning is found.
    fn edge_that_ends_here(&self, is_rising: bool) -> Edge {
        let References { low, middle, high } = self.references;
        let (from, to) = if is_rising { (low, high) } else { (high, low) };
        let is_past = |sample: f64, reference: f64| if is_rising { sample > reference } else { sample < reference };
        let before = &self.samples[..self.at];
        let begin = before.iter().rposition(|&sample| !is_past(sample, from)).unwrap_or(0);
        let beyond_middle = |&sample: &f64| is_past(sample, middle) || sample == middle;
        let crossed = self.samples[begin + 1..=self.at].iter().position(beyond_middle).unwrap_or(0);
        let started = self.crossing(begin, from);
        Edge {
            is_rising,
            middle: self.crossing(begin + crossed, middle),
            duration: self.crossing(self.at - 1, to) - started,
        }
    }

    /// When the line from this sample to the next one crosses a level.
    fn crossing(&self, at: usize, level: f64) -> f64 {
        let (here, next) = (self.samples[at], self.samples[at + 1]);
        at as f64 + (level - here) / (next - here)
    }
}

/// What the edges add up to.
#[derive(Debug, Default)]
struct Tally {
    rise: Running,
    fall: Running,
    periods: Running,
    /// Time above the middle within whole periods.
    high: f64,
    last_rising: Option<f64>,
    high_since_rising: f64,
}

impl Tally {
    fn take(&mut self, edge: Edge) {
        if edge.is_rising {
            self.rise.add(edge.duration);
            if let Some(last) = self.last_rising.replace(edge.middle) {
                self.periods.add(edge.middle - last);
                self.high += self.high_since_rising;
            }
        } else {
            self.fall.add(edge.duration);
            self.high_since_rising = self.last_rising.map_or(0.0, |last| edge.middle - last);
        }
    }
}

/// Mean and deviation, updated one value at a time (B. P. Welford, Technometrics 4, 1962).
#[derive(Debug, Default)]
struct Running {
    n: f64,
    mean: f64,
    squares: f64,
}

impl Running {
    fn add(&mut self, value: f64) {
        self.n += 1.0;
        let off = value - self.mean;
        self.mean += off / self.n;
        self.squares += off * (value - self.mean);
    }

    /// NaN for no values.
    fn mean(&self) -> f64 {
        if self.n > 0.0 { self.mean } else { f64::NAN }
    }

    /// That of a sample; NaN for fewer than two values.
    fn deviation(&self) -> f64 {
        if self.n > 1.0 { (self.squares / (self.n - 1.0)).sqrt() } else { f64::NAN }
    }
}
