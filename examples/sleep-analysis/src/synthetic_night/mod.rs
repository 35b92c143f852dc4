//! A synthetic night: the signals of one sleeper from lights out to morning, drawn from a seed, for work that needs no download.
//!
//! It promises the same bytes for the same settings on every platform (only operations that IEEE 754 fixes, and a random
//! sequence that is published), signals that agree with each other (one plan of stages, breaths, arousals and movements
//! is behind them all), and the flaws of real devices: gaps, lost samples, missing values, ectopic beats, a clock that
//! runs slow. It is believable, not clinical: no disorder is modelled, and nothing should be concluded from it about people.
//!
//! Figures with a source: epochs of 30 s, stages, slow waves (0.5-2 Hz, over 75 uV peak to peak, a fifth of the epoch),
//! spindles (11-16 Hz, 0.5 s or more), K-complexes (0.5 s or more) and arousals (3 s or more) as in the AASM scoring manual;
//! adults spend about half of their sleep in N2, with cycles of about 90 to 110 minutes, deep sleep mostly in the first third
//! and REM mostly in the last (Carskadon and Dement, "Normal human sleep"). All other figures are plausible choices.

mod accelerometer;
mod eeg;
mod heart;
mod noise;
mod plan;
mod stage;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::SleepStage;
use crate::{Column, Signal, SleepError, SleepResult};
pub use plan::NightPlan;
use plan::Span;

/// The settings of a synthetic night; [`SyntheticNight::plan`] draws its course, [`make_signal`] its signals.
///
/// ```
/// use std::time::Duration;
/// use sleep_analysis::SyntheticNight;
///
/// let signals = SyntheticNight::new(7).duration(Duration::from_secs(600)).make()?;
/// let names: Vec<&str> = signals.iter().map(|signal| signal.name()).collect();
/// assert_eq!(names, ["C3", "O1", "hr", "rr", "acc", "resp", "spo2"]);
/// assert_eq!(signals[0].len(), 600 * 100);
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct SyntheticNight {
    seed: u64,
    start_ns: i64,
    duration: Duration,
    eeg_rate_hz: u32,
    kinds: Vec<SignalKind>,
}

impl SyntheticNight {
    /// The shortest night: one epoch, 30 s.
    pub const SHORTEST: Duration = Duration::from_secs(30);
    /// The longest night: one day.
    pub const LONGEST: Duration = Duration::from_secs(24 * 3600);

    /// A night of 8 h from 2024-01-15 22:30 UTC, EEG at 100 Hz, with every signal of [`SignalKind::ALL`].
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            start_ns: 1_705_357_800_000_000_000,
            duration: Duration::from_secs(8 * 3600),
            eeg_rate_hz: 100,
            kinds: SignalKind::ALL.to_vec(),
        }
    }

    /// How long the recording lasts, from [`SyntheticNight::SHORTEST`] to [`SyntheticNight::LONGEST`].
    ///
    /// A night begins awake, so one of a few minutes may hold no sleep.
    pub fn duration(self, duration: Duration) -> Self {
        Self { duration, ..self }
    }

    /// The EEG's samples per second, 64 to 1024.
    pub fn eeg_rate_hz(self, eeg_rate_hz: u32) -> Self {
        Self { eeg_rate_hz, ..self }
    }

    /// When the recording starts, nanoseconds since 1970-01-01 UTC.
    pub fn start_ns(self, start_ns: i64) -> Self {
        Self { start_ns, ..self }
    }

    /// Which signals [`SyntheticNight::make`] makes. Leaving one out changes none of the others.
    pub fn kinds(self, kinds: impl IntoIterator<Item = SignalKind>) -> Self {
        Self { kinds: kinds.into_iter().collect(), ..self }
    }

    /// Draws the course of the night, which every signal of it follows. Cheap: well under a millisecond per hour.
    ///
    /// # Errors
    /// [`SleepError::Config`] when the duration or the EEG rate is out of bounds, no signal is requested or one twice, or
    /// the night would end after the year 2262, the last that nanoseconds reach.
    pub fn plan(&self) -> SleepResult<NightPlan> {
        self.check()?;
        Ok(NightPlan::draw(self.clone()))
    }

    /// Makes every signal, one after the other.
    ///
    /// To make them in parallel, map [`make_signal`] over [`NightPlan::kinds`].
    ///
    /// # Errors
    /// As [`SyntheticNight::plan`].
    pub fn make(&self) -> SleepResult<Vec<Signal>> {
        let plan = self.plan()?;
        Ok(plan.kinds().iter().map(|kind| make_signal(&plan, kind)).collect())
    }

    fn check(&self) -> SleepResult<()> {
        let refuse = |reason: String| Err(SleepError::Config(reason));
        if self.duration < Self::SHORTEST || self.duration > Self::LONGEST {
            return refuse(format!("a synthetic night of {:?}; ask for 30 s to 24 h", self.duration));
        }
        if !(64..=1024).contains(&self.eeg_rate_hz) {
            return refuse(format!("an EEG rate of {} Hz; ask for 64 to 1024 Hz", self.eeg_rate_hz));
        }
        if self.start_ns.checked_add(self.duration.as_nanos() as i64).is_none() {
            return refuse(format!("a night from {} ns ends after the year 2262; start earlier", self.start_ns));
        }
        if self.kinds.is_empty() {
            return refuse("a synthetic night of no signals; ask for one or more of SignalKind::ALL".into());
        }
        match self.kinds.iter().enumerate().find(|(idx, kind)| self.kinds[..*idx].contains(kind)) {
            Some((_, twice)) => refuse(format!("signal {:?} is asked for twice; ask once", twice.name())),
            None => Ok(()),
        }
    }
}

/// One of the signals of a synthetic night. Its text form is its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SignalKind {
    /// Brain activity against the far mastoid: column `uv`, microvolts in steps of 0.1, at the EEG rate, without gaps;
    /// NaN while the electrode is off.
    Eeg(EegSite),
    /// Heart rate of a watch: column `hr`, beats per minute over the last 8 s, every whole second; minutes without rows
    /// while the watch is off, NaN while it has poor contact.
    HeartRate,
    /// Intervals between heart beats of a chest strap: column `rr_interval`, whole milliseconds, stamped at the beat that ends the
    /// interval; a few ectopic beats per hour, minutes without rows while the strap has no contact.
    RrIntervals,
    /// Acceleration at the chest, of a sensor that the watch relays: columns `x`, `y`, `z`, whole milli-g, at 50 Hz by a clock that runs 40 ppm
    /// slow and stamps up to 3 ms late; samples lost in the air, and the
    /// gaps of [`SignalKind::HeartRate`]. A gap makes it irregular to anything that asks for an even spacing.
    Accelerometer,
    /// Breathing rate of a belt: column `resp`, breaths per minute, every second, complete.
    Respiration,
    /// Oxygen saturation at a finger: column `spo2`, percent in steps of 0.1, every second; NaN while the probe is off.
    OxygenSaturation,
}

impl SignalKind {
    /// Every signal that there is.
    pub const ALL: [Self; 7] = [
        Self::Eeg(EegSite::C3),
        Self::Eeg(EegSite::O1),
        Self::HeartRate,
        Self::RrIntervals,
        Self::Accelerometer,
        Self::Respiration,
        Self::OxygenSaturation,
    ];

    /// The name of the signal: `C3`, `O1`, `hr`, `rr`, `acc`, `resp`, `spo2`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eeg(EegSite::C3) => "C3",
            Self::Eeg(EegSite::O1) => "O1",
            Self::HeartRate => "hr",
            Self::RrIntervals => "rr",
            Self::Accelerometer => "acc",
            Self::Respiration => "resp",
            Self::OxygenSaturation => "spo2",
        }
    }
}

impl fmt::Display for SignalKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// Where on the head an EEG electrode sits, in the 10-20 system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EegSite {
    /// Over the left central cortex, where spindles and slow waves are tall.
    C3,
    /// Over the left occipital cortex, where the alpha rhythm of rest is tall.
    O1,
}

/// Makes one signal of the night, the same whichever others are made and wherever it runs.
///
/// 8 h of one EEG channel, or of the accelerometer, take one to two tenths of a second; the other signals some milliseconds.
///
/// ```
/// use std::time::Duration;
/// use sleep_analysis::{SyntheticNight, SignalKind, make_signal};
///
/// let plan = SyntheticNight::new(7).duration(Duration::from_secs(600)).plan()?;
/// let beats = make_signal(&plan, &SignalKind::RrIntervals);
/// let intervals = beats.column("rr_interval").unwrap();
/// assert!(intervals.iter().all(|ms| (300.0..2500.0).contains(ms)));
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
#[must_use]
pub fn make_signal(plan: &NightPlan, which: &SignalKind) -> Signal {
    let (timestamps_ns, columns) = match *which {
        SignalKind::Eeg(site) => eeg::eeg(plan, site),
        SignalKind::HeartRate => heart::heart_rate(plan),
        SignalKind::RrIntervals => heart::rr_intervals(plan),
        SignalKind::Accelerometer => accelerometer::accelerometer(plan),
        SignalKind::Respiration => heart::respiration(plan),
        SignalKind::OxygenSaturation => heart::oxygen_saturation(plan),
    };
    signal(which.name(), timestamps_ns, columns)
}

/// What a device gives: timestamps, and columns as long.
type Samples = (Vec<i64>, Vec<Column>);

fn signal(name: &str, timestamps_ns: Vec<i64>, columns: Vec<Column>) -> Signal {
    Signal::new(name, timestamps_ns, columns).expect("made columns are as long as their timestamps and differ in name")
}

fn column(name: &str, values: Vec<f64>) -> Column {
    Column::new(name, values)
}

/// Puts NaN for what was sampled within the spans.
fn blank(values: &mut [f64], rate_hz: f64, spans: &[Span]) {
    let n_samples = values.len();
    for span in spans {
        values[span.samples(rate_hz, n_samples)].fill(f64::NAN);
    }
}
