//! One step alone, through an executor: no pipeline file, no command.
//!
//! `cargo run -p eeg-artifact --example one_step`

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use eeg_artifact::{Channel, ChannelKind, EegResult, JobExecutor, Pipeline, Recording, Step};
use manyhands::AnyMode;
use serde_json::json;

fn main() -> EegResult<()> {
    manyhands::init();
    // Two channels of 20 s: a slow drift, and 50 Hz from the mains.
    let sample = |n: i32| f64::from(n) / 500.0;
    let drift = (0..10_000).map(|n| 1e-4 * sample(n)).collect();
    let mains = (0..10_000).map(|n| 2e-5 * (std::f64::consts::TAU * 50.0 * sample(n)).sin()).collect();
    let channels = vec![Channel::new("C3", ChannelKind::Eeg), Channel::new("C4", ChannelKind::Eeg)];
    let mut recording = Recording::new(500.0, channels, vec![drift, mains])?;

    let notch = Step::from_json("notch", &json!({ "freqs": [50.0] }))?;
    Pipeline::new([notch]).run(&mut recording, &JobExecutor::new(AnyMode::Threads).workers(Some(2)))?;

    for (idx, channel) in recording.info().channels.iter().enumerate() {
        let samples = recording.samples(idx)?;
        let middle = &samples[4000..6000];
        let mean = middle.iter().sum::<f64>() / middle.len() as f64;
        let power = middle.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>() / middle.len() as f64;
        println!("{}: {:.3} µV around {:.1} µV", channel.name, power.sqrt() * 1e6, mean * 1e6);
    }
    Ok(())
}
