//! `scaling`: how long a recording takes with 1 to n workers in threads and processes, and whether it pays.

use std::path::Path;
use std::time::Instant;

use consumer_support::{CliContext, ExitStatus, page};
use eeg_artifact::files::{OpenRecording, ReadSettings};
use eeg_artifact::pictures::{ModeTimes, ScalingPicture, figure};
use eeg_artifact::synthetic::{SceneSettings, made_recording};
use eeg_artifact::{JobExecutor, Pipeline, Recording};
use manyhands::config::parallel_config;
use manyhands::report::write_atomically;
use manyhands::{AnyMode, CancelToken, Processes};
use serde_json::{Value, json};

use super::Refusal;
use super::args::ScalingArgs;
use super::pipeline_args::{PipelineChoice, USUAL};

/// The duration of the recording that is made where no file is given.
const MADE_SECONDS: f64 = 60.0;

/// A mode and a number of workers.
type Way = (AnyMode, usize);

/// Times the pipeline, draws the times, and says whether parallel work pays.
///
/// # Errors
/// A message when the recording cannot be read or cleaned, or the page cannot be written.
pub(super) fn scaling(args: &ScalingArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    require_used(args)?;
    let triggers = args.pipeline.triggers.as_deref().or(args.file.is_none().then_some("^1$"));
    let choice = PipelineChoice::of(&args.pipeline, &USUAL, triggers)?;
    let pipeline = Pipeline::new(choice.steps.iter().cloned());
    let serial_reason = args.thresholds.serial_reason(read(args, &choice)?.info());
    let ways = ways(context.workers.unwrap_or_else(|| parallel_config().max_workers_cpu().get()));
    create(&args.out)?;
    let interruption = context.listen("the running channels".to_owned())?;
    let _heartbeat = context.heartbeat();
    let (chunk_size, stop) = (context.chunk_size, interruption.token());
    let medians = match (times(&ways, args, &choice, &pipeline, chunk_size, stop), interruption.interrupted()) {
        (Err(_), Some(interrupted)) => return Ok(ExitStatus::Interrupted(interrupted.exit_code)),
        (medians, _) => medians?,
    };
    let title = args.file.as_deref().map_or_else(|| "a made recording".to_owned(), |file| file.display().to_string());
    let of_mode = |name: &'static str| {
        let times = ways.iter().zip(&medians).filter(|(way, _)| way.0.to_string() == name);
        ModeTimes { mode: name, seconds: times.map(|(way, seconds)| (way.1, *seconds)).collect() }
    };
    let modes = vec![of_mode("threads"), of_mode("processes")];
    let picture = ScalingPicture { title: &title, serial_s: medians[0], modes };
    let verdict = picture.verdict();
    write(&args.out, &picture, args.rounds)?;
    let line = |((mode, workers), seconds): (&Way, &f64)| {
        let mode = mode.to_string();
        format!("{mode:<9} {workers:>3} workers {seconds:>8.3} s, {:.2} times as fast as serial", medians[0] / seconds)
    };
    let lines: Vec<String> = ways.iter().zip(&medians).map(line).collect();
    context.output.result(&lines.join("\n"));
    context.output.result(&verdict);
    if let Some(reason) = &serial_reason {
        context.output.result(&format!("clean works on it serially: {reason}"));
    }
    context.output.result(&format!("drawn in {}", args.out.join("scaling.html").display()));
    context.output.json(&summary(&ways, &medians, &verdict, serial_reason.as_deref()).to_string());
    Ok(ExitStatus::Done)
}

/// Refuses flags of a file where there is none.
fn require_used(args: &ScalingArgs) -> Result<(), Refusal> {
    if args.file.is_none() && args.reading.settings() != ReadSettings::default() {
        return Err(
            "--channels, --bad, --kind and --allow-truncated are about a file; name one, or leave them out".to_owned()
        );
    }
    Ok(())
}

/// Made before anything is timed, so that a place that cannot be written costs no time.
fn create(out: &Path) -> Result<(), Refusal> {
    std::fs::create_dir_all(out).map_err(|error| format!("{}: {error}; choose another with --out", out.display()))
}

/// Serial first, then each mode with 1 worker to the most.
fn ways(most: usize) -> Vec<Way> {
    let modes = [AnyMode::Threads, AnyMode::Processes(Processes::new())];
    let parallel = modes.into_iter().flat_map(|mode| (1..=most.max(1)).map(move |workers| (mode, workers)));
    std::iter::once((AnyMode::Serial, 1)).chain(parallel).collect()
}

/// The median time of each way, in seconds; the ways take turns.
fn times(
    ways: &[Way],
    args: &ScalingArgs,
    choice: &PipelineChoice,
    pipeline: &Pipeline,
    chunk_size: Option<usize>,
    stop: &CancelToken,
) -> Result<Vec<f64>, Refusal> {
    let mut seconds = vec![Vec::new(); ways.len()];
    for _ in 0..args.rounds {
        for ((mode, workers), seconds) in ways.iter().zip(&mut seconds) {
            let mut recording = read(args, choice)?;
            let begun = Instant::now();
            let executor = JobExecutor::new(*mode).workers(Some(*workers)).chunk_size(chunk_size).cancel_token(stop);
            pipeline.run(&mut recording, &executor).map_err(|error| error.to_string())?;
            seconds.push(begun.elapsed().as_secs_f64());
        }
    }
    Ok(seconds.into_iter().map(median).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (lower, upper) = ((values.len() - 1) / 2, values.len() / 2);
    f64::midpoint(values[lower], values[upper])
}

/// The recording, read or made anew for each measurement, since a pipeline changes it.
fn read(args: &ScalingArgs, choice: &PipelineChoice) -> Result<Recording, Refusal> {
    let recording = match &args.file {
        Some(file) => OpenRecording::open(file, &args.reading.settings()).and_then(|open| open.read(None)),
        None => {
            let settings = SceneSettings { duration_s: MADE_SECONDS, ..SceneSettings::default() };
            made_recording(settings).map(|made| made.recording)
        }
    };
    let mut recording = recording.map_err(|error| error.to_string())?;
    choice.set_info(recording.info_mut());
    Ok(recording)
}

fn write(out: &Path, picture: &ScalingPicture<'_>, rounds: usize) -> Result<(), Refusal> {
    let caption = match rounds {
        1 => "Each time is that of one run of the pipeline, without reading and writing.".to_owned(),
        _ => format!("Each time is the median of {rounds} runs of the pipeline, without reading and writing."),
    };
    let figure = figure("Time over workers", &caption, Vec::new(), |layout| picture.draw(layout));
    let html = [
        page::start("Scaling", ""),
        page::header("Scaling", picture.title, ""),
        figure.to_html(0),
        page::END.to_owned(),
    ];
    write_atomically(out.join("scaling.html"), |file| file.write_all(html.concat().as_bytes()))
        .map_err(|why| why.to_string())
}

fn summary(ways: &[Way], medians: &[f64], verdict: &str, serial_reason: Option<&str>) -> Value {
    let time = |((mode, workers), seconds): (&Way, &f64)| json!({ "mode": mode.to_string(), "workers": workers, "seconds": seconds });
    json!({
        "operation": "scaling",
        "times": ways.iter().zip(medians).map(time).collect::<Vec<Value>>(),
        "verdict": verdict,
        "serial_reason": serial_reason,
    })
}
