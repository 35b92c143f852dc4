//! An executor of your own: it decides where channels are processed, here each in a thread of its own, and prints how long each takes.
//! It cannot change the result.
//!
//! `cargo run -p eeg-artifact --example own_executor`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows its results")]

use std::time::Instant;

use eeg_artifact::{
    Channel, ChannelKind, EegError, EegResult, Executor, Pipeline, Processor, Recording, SerialExecutor, Stage,
    StageFailure, Step,
};
use serde_json::json;

/// A thread for each channel.
#[derive(Debug)]
struct ThreadPerChannel;

impl Executor for ThreadPerChannel {
    fn run_stage<P: Processor>(&self, stage: &Stage<'_, P>) -> Vec<StageFailure> {
        std::thread::scope(|scope| {
            let process = |channel: usize| {
                let begun = Instant::now();
                let result = stage.process(channel);
                eprintln!("{} of {}: {:?}", stage.title(), stage.channel_name(channel), begun.elapsed());
                result
            };
            let begin = |&channel: &usize| (channel, scope.spawn(move || process(channel)));
            let threads: Vec<_> = stage.channels().iter().map(begin).collect();
            let failure = |(channel, thread): (usize, std::thread::ScopedJoinHandle<'_, EegResult<()>>)| {
                let lost =
                    |_| Err(EegError::Lost { channel: stage.channel_name(channel).into(), reason: "a panic".into() });
                thread.join().unwrap_or_else(lost).err().map(|error| StageFailure { channel, error })
            };
            threads.into_iter().filter_map(failure).collect()
        })
    }
}

fn recording() -> EegResult<Recording> {
    let channels: Vec<Channel> = (1..=6).map(|number| Channel::new(format!("E{number}"), ChannelKind::Eeg)).collect();
    let row = |channel: i32| (0..50_000).map(|n| f64::from((n * (channel + 3)) % 97) * 1e-6).collect();
    Recording::new(500.0, channels, (0..6).map(row).collect())
}

fn main() -> EegResult<()> {
    let bandpass = Step::from_json("bandpass", &json!({ "l_freq": 1.0, "h_freq": 40.0 }))?;
    let pipeline = Pipeline::new([bandpass]);
    let (mut by_threads, mut by_one) = (recording()?, recording()?);
    pipeline.run(&mut by_threads, &ThreadPerChannel)?;
    pipeline.run(&mut by_one, &SerialExecutor)?;
    for channel in 0..6 {
        assert_eq!(by_threads.samples(channel)?, by_one.samples(channel)?);
    }
    println!("6 channels, the same bytes in threads and one after the other");
    Ok(())
}
