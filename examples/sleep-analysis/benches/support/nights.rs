//! The inputs of the workloads: sizes, rates and distributions are those of the peer's script, the numbers our own.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use sleep_analysis::{AlignMethod, AlignRequest, AlignmentGrid, Column, EpochGrid, EpochGridSettings, Signal};

const START_NS: i64 = 1_710_108_900_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;
const NIGHT_S: usize = 8 * 3600;
const EPOCH_S: usize = 30;

/// Heart rate at 1 Hz, 1 % of it missing.
pub(crate) fn heart_rate() -> Signal {
    let mut chance = Chance::new(1);
    let values = (0..NIGHT_S).map(|second| match chance.even() {
        missing if missing < 0.01 => f64::NAN,
        _ => 60.0 + 6.0 * (second as f64 / 311.0).sin() + 1.5 * chance.normal(),
    });
    signal("watch", SECOND_NS, vec![("hr", values.collect())])
}

/// Breaths per minute at 1 Hz.
pub(crate) fn breathing() -> Signal {
    let mut chance = Chance::new(2);
    let values = (0..NIGHT_S).map(|second| 15.0 + 2.0 * (second as f64 / 97.0).sin() + 0.5 * chance.normal());
    signal("belt", SECOND_NS, vec![("rate", values.collect())])
}

/// Three axes at 50 Hz, 0.1 % of x missing.
pub(crate) fn accelerometer() -> Signal {
    let mut chance = Chance::new(3);
    let mut axes: [Vec<f64>; 3] = std::array::from_fn(|_| Vec::with_capacity(NIGHT_S * 50));
    for sample in 0..NIGHT_S * 50 {
        let second = sample as f64 / 50.0;
        let missing = chance.even() < 0.001;
        let x = if missing { f64::NAN } else { 12.0 + 8.0 * (second / 7.0).sin() + 3.0 * chance.normal() };
        axes[0].push(x);
        axes[1].push(-30.0 + 5.0 * (second / 11.0).cos() + 3.0 * chance.normal());
        axes[2].push(990.0 + 3.0 * chance.normal());
    }
    signal("wrist", SECOND_NS / 50, ["x", "y", "z"].into_iter().zip(axes).collect())
}

/// Channels at 100 Hz: noise of 10 uV and a 10 Hz sine of 15 uV.
pub(crate) fn eeg(n_channels: u64) -> Signal {
    let names = ["F3", "F4", "C3", "C4", "O1", "O2"];
    let channel = |seed| {
        let mut chance = Chance::new(10 + seed);
        let wave = |sample: usize| 15.0 * (std::f64::consts::TAU * 10.0 * sample as f64 / 100.0).sin();
        (0..NIGHT_S * 100).map(|sample| wave(sample) + 10.0 * chance.normal()).collect()
    };
    signal("eeg", SECOND_NS / 100, (0..n_channels).map(|seed| (names[seed as usize], channel(seed))).collect())
}

/// The epochs of the night.
pub(crate) fn epochs() -> EpochGrid {
    epochs_of(NIGHT_S)
}

/// The epochs of signals that begin at any time.
pub(crate) fn epochs_over(signals: &[Signal]) -> EpochGrid {
    EpochGrid::over_signals(signals, EpochGridSettings::adjoining(EPOCH_S as i64 * SECOND_NS))
        .expect("a grid over a night")
}

/// 10 signals at 1 Hz, and 100 epochs of them.
pub(crate) fn small_job() -> (Vec<Signal>, EpochGrid) {
    let n_seconds = 100 * EPOCH_S;
    let one = |seed: u64| {
        let mut chance = Chance::new(40 + seed);
        let values = (0..n_seconds).map(|_| 60.0 + 5.0 * chance.normal()).collect();
        signal(&format!("device {seed}"), SECOND_NS, vec![("value", values)])
    };
    ((0..10).map(one).collect(), epochs_of(n_seconds))
}

/// 20 one-column signals at 25 Hz, each with its own phase and a jitter of 2 ms, and the grid of 25 Hz over them.
pub(crate) fn alignment(method: AlignMethod) -> AlignRequest {
    let period_ns = SECOND_NS / 25;
    let signals: Vec<Signal> = (0..20).map(|idx| jittered(idx, period_ns)).collect();
    let last_ns = signals.iter().filter_map(|signal| signal.timestamps_ns().last()).max().expect("20 signals");
    let steps = (last_ns - START_NS + period_ns - 1) / period_ns;
    let grid = AlignmentGrid::new(START_NS, period_ns, steps as usize + 1).expect("a grid over a night");
    AlignRequest { signals: signals.into(), grid, method }
}

fn jittered(idx: u64, period_ns: i64) -> Signal {
    let mut chance = Chance::new(20 + idx);
    let phase_ns = (idx as i64 * 2 % 40) * 1_000_000;
    let mut latest_ns = START_NS;
    let mut time_of = |sample: i64| {
        let jitter_ns = (chance.even() * 4_000_001.0) as i64 - 2_000_000;
        latest_ns = latest_ns.max(START_NS + sample * period_ns + phase_ns + jitter_ns);
        latest_ns
    };
    let timestamps_ns: Vec<i64> = (0..NIGHT_S as i64 * 25).map(&mut time_of).collect();
    let values: Vec<f64> = (0..timestamps_ns.len()).map(|_| chance.normal()).collect();
    let column = Column::new("value", values);
    Signal::new(format!("signal {idx}"), timestamps_ns, vec![column]).expect("one value per timestamp")
}

fn signal(name: &str, period_ns: i64, columns: Vec<(&str, Vec<f64>)>) -> Signal {
    let n_samples = columns[0].1.len() as i64;
    let timestamps_ns: Vec<_> = (0..n_samples).map(|sample| START_NS + sample * period_ns).collect();
    let columns = columns.into_iter().map(|(name, values)| Column::new(name, values)).collect();
    Signal::new(name, timestamps_ns, columns).expect("one value per timestamp")
}

fn epochs_of(n_seconds: usize) -> EpochGrid {
    let window_ns = EPOCH_S as i64 * SECOND_NS;
    let span = (START_NS, START_NS + n_seconds as i64 * SECOND_NS);
    EpochGrid::over_spans([span], EpochGridSettings::adjoining(window_ns)).expect("a grid over a night")
}

/// A seeded stream of numbers.
struct Chance(Xoshiro256PlusPlus);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Evenly spread over 0..1.
    fn even(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of the normal distribution with mean 0 and variance 1, by Box and Muller.
    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.even()).ln()).sqrt() * (std::f64::consts::TAU * self.even()).cos()
    }
}
