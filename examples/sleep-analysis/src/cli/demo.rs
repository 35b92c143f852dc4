//! The demo: makes a synthetic night and analyses it like a recorded one. Needs no file and no download.

use std::time::Duration;

use consumer_support::ExitStatus;
use sleep_analysis::{
    EpochGrid, EpochGridSettings, NightPlan, Signal, SignalKind, SleepError, SleepResult, SyntheticNight,
    target_rate_hz,
};

use super::analysis::{Channel, CliContext, GridRate, Input, Night, NightFolder, Remarks, Stopwatch, analyse};
use super::args::DemoArgs;
use super::channels::Role;

/// At the EEG's own rate eight hours are 2.9 million rows, too many for a table that people look into.
const USUAL_RATE: GridRate =
    GridRate::Chosen(1.0, "once a second; at the EEG's 100 Hz it would have 100 times the rows; --rate changes it");

pub(crate) fn demo(args: &DemoArgs, context: &CliContext<'_>) -> SleepResult<ExitStatus> {
    let mut watch = Stopwatch::start();
    let plan = SyntheticNight::new(args.seed).duration(length(args.hours)?).plan()?;
    target_rate_hz(&[], args.rate)?; // an invalid rate is refused before any work
    let out = NightFolder::create(&args.out)?;
    let made = context.engine.make_night(&plan)?;
    watch.lap("making");
    let grid_rate = args.rate.map_or(USUAL_RATE, GridRate::Requested);
    analyse(night(args.seed, &plan, made, grid_rate)?, out, watch, args.device, context)
}

/// A night's length.
pub(crate) fn length(hours: f64) -> SleepResult<Duration> {
    Duration::try_from_secs_f64((hours * 3600.0).round())
        .map_err(|_| SleepError::Config(format!("a night of {hours} hours; ask for 0.01 to 24")))
}

/// A night as it was planned, of the signals that could be made.
pub(crate) fn night(
    seed: u64,
    plan: &NightPlan,
    made: Vec<SleepResult<Signal>>,
    grid_rate: GridRate,
) -> SleepResult<Night> {
    let (start_ns, length_ns) = (plan.start_ns(), plan.duration().as_nanos() as i64);
    let epoch_ns = NightPlan::EPOCH.as_nanos() as i64;
    let epochs = EpochGrid::over_spans([(start_ns, start_ns + length_ns)], EpochGridSettings::adjoining(epoch_ns))?;
    let mut remarks = Remarks::default();
    let (mut signals, mut channels) = (Vec::new(), Vec::new());
    for (kind, made) in plan.kinds().iter().zip(made) {
        match made {
            Ok(signal) => {
                signals.push(signal);
                channels.push(channel(*kind, plan));
            }
            Err(error) => remarks.left_out(kind.name(), error),
        }
    }
    let signals = remarks.without_empty(signals, &mut channels);
    if signals.is_empty() {
        let reasons: Vec<&str> = remarks.left_out.iter().map(|left_out| left_out.reason.as_str()).collect();
        return Err(SleepError::Config(format!("no signal of the night could be made: {}", reasons.join("; "))));
    }
    Ok(Night {
        title: format!("Synthetic night, seed {seed}"),
        input: Input {
            kind: "synthetic night",
            seed: Some(seed),
            file: None,
            start_ns,
            duration_s: plan.duration().as_secs_f64(),
        },
        signals: signals.into(),
        channels,
        epochs,
        stages: Some(plan.stages().iter().copied().map(Some).collect()),
        grid_rate,
        remarks,
    })
}

fn channel(kind: SignalKind, plan: &NightPlan) -> Channel {
    let (role, unit) = match kind {
        SignalKind::Eeg(_) => (Role::Eeg, "\u{b5}V"),
        SignalKind::HeartRate => (Role::HeartRate, "beats/min"),
        SignalKind::RrIntervals => (Role::RrIntervals, "ms"),
        SignalKind::Accelerometer => (Role::Acceleration, "mg"),
        SignalKind::Respiration => (Role::BreathingRate, "breaths/min"),
        SignalKind::OxygenSaturation => (Role::OxygenSaturation, "%"),
        _ => (Role::Other, ""),
    };
    let rate_hz = matches!(kind, SignalKind::Eeg(_)).then(|| f64::from(plan.eeg_rate_hz()));
    Channel { role, unit: unit.to_owned(), converted_from: None, rate_hz }
}
