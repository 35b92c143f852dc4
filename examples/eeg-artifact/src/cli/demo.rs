//! Without a command: a made recording whose truth is known, cleaned, and how well.

use consumer_support::{CliContext, ExitStatus, Usage};
use eeg_artifact::files::{FileKind, write_recording};
use eeg_artifact::synthetic::{MadeChannel, Scene, SceneSettings};
use eeg_artifact::{Pipeline, Recording, RowStore};
use manyhands::{CancelToken, Job, Progress};
use serde_json::json;

use super::args::DemoArgs;
use super::memory::{bytes_in_memory, mebibytes};
use super::pipeline_args::PipelineChoice;
use super::results::{Before, Cleaned, Report, SHOWN_CHANNELS};
use super::{Refusal, executor};

/// The steps where none are given: the artifacts of volumes, aligned to less than a sample, then what still differs between them.
const USUAL: [&str; 4] = ["highpass:freq=1", "aas:window_size=60,subsample=true", "obs:highpass=12", "lowpass:freq=70"];
/// The code of volumes in the made stimulus channel.
const TRIGGERS: &str = "^1$";

/// Makes a recording, cleans it, and shows how well.
///
/// # Errors
/// A message when a setting is wrong, or the results cannot be written.
pub(super) fn demo(args: &DemoArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    let begin = Usage::now();
    let triggers = args.pipeline.triggers.as_deref().unwrap_or(TRIGGERS);
    let choice = PipelineChoice::of(&args.pipeline, &USUAL, Some(triggers))?;
    let settings =
        SceneSettings { n_eeg: args.channels, duration_s: args.seconds, seed: args.seed, ..SceneSettings::default() };
    let scene =
        Scene::new(settings).map_err(|error| format!("{error} (--seconds is duration_s, --eeg-channels n_eeg)"))?;
    context.output.result(&needed(&scene, &choice, context)?);
    let _heartbeat = context.heartbeat();
    std::fs::create_dir_all(&args.out).map_err(|error| format!("{}: {error}", args.out.display()))?;
    let interruption = context.listen("the running channels".to_owned())?;
    let made = make(&scene, context, interruption.token());
    let done =
        made.and_then(|(recording, truth)| clean(args, &choice, recording, &truth, context, interruption.token()));
    let report = match (done, interruption.interrupted()) {
        (Err(_), Some(interrupted)) => return Ok(ExitStatus::Interrupted(interrupted.exit_code)),
        (done, _) => done?,
    };
    print(&report, args, context, &begin);
    Ok(if report.is_incomplete { ExitStatus::Incomplete } else { ExitStatus::Done })
}

/// The memory that the made recording needs, with its truth, for the terminal.
fn needed(scene: &Scene, choice: &PipelineChoice, context: &CliContext<'_>) -> Result<String, Refusal> {
    let info = scene.info().map_err(text)?;
    let pipeline = Pipeline::new(choice.steps.iter().cloned());
    // The truth of each, and what is shown: as it was made and filtered, its truth filtered, and the result.
    let n_copies = info.channels.len() + 4 * SHOWN_CHANNELS;
    let bytes = bytes_in_memory(&pipeline, &info, context.n_workers(), n_copies);
    Ok(format!("a made recording of {} channels needs about {} MiB", info.channels.len(), mebibytes(bytes)))
}

/// Makes the channels in parallel.
fn make(scene: &Scene, context: &CliContext<'_>, stop: &CancelToken) -> Result<(Recording, Vec<Vec<f64>>), Refusal> {
    let channels: Vec<usize> = (0..scene.channels().len()).collect();
    let progress = if context.output.shows_progress() { Progress::auto("made channels") } else { Progress::off() };
    let outcome = Job::new(&channels)
        .mode(context.mode)
        .workers(context.n_workers())
        .cancel_token(stop)
        .progress(progress)
        .shared(scene.settings())
        .try_worker_state(|settings| Scene::new(settings.clone()))
        .run(made_channel)
        .map_err(text)?;
    let made = outcome.into_result().map_err(text)?;
    let info = scene.info().map_err(text)?;
    let (rows, truth) = made.into_iter().unzip();
    let recording = Recording::from_store(info, RowStore::in_memory(rows)).map_err(text)?;
    Ok((recording, truth))
}

/// The samples of a channel, and its truth.
fn made_channel(scene: &mut Scene, channel: &usize) -> (Vec<f64>, Vec<f64>) {
    let MadeChannel { samples, truth, .. } = scene.channel(*channel);
    (samples, truth)
}

fn clean(
    args: &DemoArgs,
    choice: &PipelineChoice,
    mut recording: Recording,
    truth: &[Vec<f64>],
    context: &CliContext<'_>,
    stop: &CancelToken,
) -> Result<Report, Refusal> {
    choice.set_info(recording.info_mut());
    write_recording(&args.out.join("made"), FileKind::Edf, &recording, None).map_err(text)?;
    let before = Before::of(&recording, Some(truth))?;
    let executor = executor(context, stop).show_progress(context.output.shows_progress());
    Pipeline::new(choice.steps.iter().cloned()).run(&mut recording, &executor).map_err(text)?;
    let cleaned = Cleaned {
        title: "A made recording",
        steps: &choice.steps,
        before,
        recording,
        source: None,
        format: FileKind::Edf,
    };
    cleaned.write(&args.out)
}

fn print(report: &Report, args: &DemoArgs, context: &CliContext<'_>, begin: &Usage) {
    let usage = Usage::now().since(begin);
    for warning in &report.warnings {
        context.output.warning(warning);
    }
    let mut lines =
        vec![format!("{} channels, {:.2} min at {} Hz", report.channels.len(), report.minutes, report.sfreq_hz)];
    // Where nothing could be measured, a warning has said why.
    if !report.quality.is_empty() {
        lines.extend(quality(report));
    }
    lines.push(format!(
        "{:.2} s; mode {}, {} workers; {usage}",
        usage.wall.as_secs_f64(),
        context.mode,
        context.n_workers()
    ));
    lines.push(format!("look at {}", args.out.join("index.html").display()));
    context.output.result(&lines.join("\n"));
    let summary = json!({
        "operation": "demo",
        "out": args.out,
        "quality": report.quality,
        "warnings": report.warnings,
        "mode": context.mode.to_string(),
        "workers": context.n_workers(),
        "seconds": usage.wall.as_secs_f64(),
    });
    context.output.json(&summary.to_string());
}

/// How well it was cleaned, in lines.
fn quality(report: &Report) -> [String; 3] {
    let truth = |value: fn(&eeg_artifact::quality::TruthQuality) -> f64| {
        report.mean(|one| one.truth.as_ref().map_or(f64::NAN, value))
    };
    [
        format!(
            "means of {}: RMS {:.1} µV before, {:.1} µV after",
            report.quality.iter().map(|one| one.channel.as_str()).collect::<Vec<_>>().join(", "),
            report.mean(|one| one.rms_before_uv),
            report.mean(|one| one.rms_after_uv)
        ),
        format!(
            "residual artifact at the harmonics of the triggers, over the truth's own power there: {:.1} dB before, {:.1} dB after",
            truth(|truth| truth.residual_before_db),
            truth(|truth| truth.residual_after_db)
        ),
        format!(
            "correlation with the truth {:.4}, SNR gain {:.1} dB",
            truth(|truth| truth.correlation_after),
            truth(|truth| truth.snr_gain_db)
        ),
    ]
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
