//! Features of every epoch of a night, on all cores: what all epochs share, results in order, failures by name.
//!
//! `cargo run --release --example sleep_features`
//!
//! The night is synthetic, so that the page needs no file. `examples/sleep-analysis` does the same to real recordings.

#![expect(clippy::print_stdout, reason = "the result is for the terminal")]

use std::f64::consts::TAU;

use manyhands::{Error, Job, OnFailure, Threads};

/// What all epochs share: sent to every worker once, not with every epoch.
struct Settings {
    rate_hz: f64,
    /// A wave this far from zero is an artefact.
    artefact_uv: f64,
}

/// 30 seconds of EEG.
struct Epoch {
    number: usize,
    stage: &'static str,
    microvolts: Vec<f64>,
}

/// What is computed of each.
struct Features {
    rms_uv: f64,
    /// How often the signal crosses zero upwards in a second: slow in deep sleep.
    waves_per_second: f64,
}

fn main() -> Result<(), Error<String>> {
    let settings = Settings { rate_hz: 100.0, artefact_uv: 500.0 };
    let night: Vec<Epoch> = (0..960).map(|number| made_epoch(number, &settings)).collect();

    let outcome = Job::new(&night)
        .mode(Threads)
        .shared(&settings)
        .key(|epoch| format!("epoch {}", epoch.number))
        .on_failure(OnFailure::Continue)
        .try_run(features)?;

    println!("stage  epochs  waves/s  rms in uV");
    for stage in ["Wake", "N2", "N3", "REM"] {
        // Results are in the order of the epochs, in whatever order they finished.
        let found: Vec<&Features> =
            outcome.iter().filter(|(idx, _)| night[*idx].stage == stage).map(|(_, features)| features).collect();
        let mean = |of: fn(&Features) -> f64| found.iter().map(|one| of(one)).sum::<f64>() / found.len() as f64;
        let (waves, rms) = (mean(|one| one.waves_per_second), mean(|one| one.rms_uv));
        println!("{stage:<5}{:>8}{waves:>9.1}{rms:>11.1}", found.len());
    }
    println!("\nwithout a result:");
    for failure in outcome.failures() {
        println!("  {failure}");
    }
    Ok(())
}

/// The function of the job: one epoch, and what all share. It uses no threads.
fn features(settings: &Settings, epoch: &Epoch) -> Result<Features, String> {
    let samples = &epoch.microvolts;
    if let Some(at) = samples.iter().position(|sample| sample.is_nan()) {
        return Err(format!("no number at sample {at}; the electrode was off"));
    }
    if let Some(at) = samples.iter().position(|sample| sample.abs() > settings.artefact_uv) {
        return Err(format!("{:.0} uV at sample {at}; more than {} is an artefact", samples[at], settings.artefact_uv));
    }
    let power = samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len() as f64;
    let upwards = samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    let seconds = samples.len() as f64 / settings.rate_hz;
    Ok(Features { rms_uv: power.sqrt(), waves_per_second: upwards as f64 / seconds })
}

/// A cycle of sleep every 90 minutes, two waves per stage, and three epochs that went wrong.
fn made_epoch(number: usize, settings: &Settings) -> Epoch {
    let (stage, slow, fast) = match number % 180 {
        0..10 => ("Wake", (10.0, 12.0), (20.0, 8.0)),
        10..70 => ("N2", (3.0, 30.0), (13.0, 10.0)),
        70..120 => ("N3", (1.0, 75.0), (5.0, 10.0)),
        120..150 => ("N2", (3.0, 28.0), (13.0, 11.0)),
        _ => ("REM", (6.0, 15.0), (18.0, 6.0)),
    };
    let wave = |(hz, uv): (f64, f64), seconds: f64| uv * (TAU * hz * seconds + number as f64).sin();
    let sample = |idx: usize| {
        let seconds = idx as f64 / settings.rate_hz;
        wave(slow, seconds) + wave(fast, seconds)
    };
    let mut microvolts: Vec<f64> = (0..(30.0 * settings.rate_hz) as usize).map(sample).collect();
    match number {
        17 => microvolts[1200] = f64::NAN,
        18 => microvolts[..900].fill(f64::NAN),
        500 => microvolts[42] = 3276.7, // the end of the amplifier's range
        _ => {}
    }
    Epoch { number, stage, microvolts }
}
