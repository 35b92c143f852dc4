//! A step of your own, among those of the crate: it replaces single samples that stick out by the mean of their neighbours.
//!
//! `cargo run -p eeg-artifact --example own_processor`

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use eeg_artifact::{
    Channel, ChannelContext, ChannelData, ChannelKind, EegError, EegResult, Info, JobExecutor, Pipeline, Processor,
    Recording, Step, StepOr,
};
use manyhands::{AnyMode, Processes};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The settings of the step. A worker process gets a copy, so they are serde data.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Despike {
    /// How far a sample must stick out from both neighbours, in volts.
    volts: f64,
}

impl Processor for Despike {
    fn name(&self) -> &str {
        "despike"
    }

    /// Refuses settings that make no sense before anything runs.
    fn check(&self, _: &Info) -> EegResult<()> {
        if self.volts > 0.0 {
            return Ok(());
        }
        Err(EegError::parameter(self.name(), "volts", self.volts, "it must be above zero"))
    }

    /// Called once for each good EEG channel, in any worker.
    fn process_channel(&self, _: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
        let samples = &mut data.samples;
        let mut n_replaced = 0.0;
        for idx in 1..samples.len().saturating_sub(1) {
            let (before, here, after) = (samples[idx - 1], samples[idx], samples[idx + 1]);
            if (here - before).abs() > self.volts && (here - after).abs() > self.volts {
                samples[idx] = f64::midpoint(before, after);
                n_replaced += 1.0;
            }
        }
        data.note("despike", "samples replaced", vec![n_replaced]);
        Ok(())
    }
}

fn main() -> EegResult<()> {
    manyhands::init(); // first in main: a worker is a copy of this program
    let channels: Vec<Channel> = (1..=4).map(|number| Channel::new(format!("E{number}"), ChannelKind::Eeg)).collect();
    let row = |channel: usize| (0..2000).map(|n| if n % 500 == channel { 1e-3 } else { 0.0 }).collect();
    let mut recording = Recording::new(250.0, channels, (0..4).map(row).collect())?;

    let lowpass = Step::from_json("lowpass", &json!({ "freq": 30.0 }))?;
    let pipeline = Pipeline::new([StepOr::Own(Despike { volts: 1e-4 }), StepOr::Step(lowpass)]);
    pipeline.run(&mut recording, &JobExecutor::new(AnyMode::Processes(Processes::new())))?;

    for (idx, channel) in recording.info().channels.iter().enumerate() {
        for finding in recording.rows().findings(idx)? {
            println!("{}: {} of {}: {}", channel.name, finding.what, finding.step, finding.values[0]);
        }
    }
    Ok(())
}
