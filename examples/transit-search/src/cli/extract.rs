//! `extract`: the features of many light curves, in one table.
//!
//! An item is a sample. What is finished is in the journal, so that a run that is killed loses the running samples; the table is
//! written when every sample has a result or a failure.

use std::io;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use consumer_support::command_line::resume_command;
use consumer_support::{ExitStatus, Interrupted, Interruption, Output, RunFolder, notice};
use gpu::{Chosen, Ran};
use manyhands::config::parallel_config;
use manyhands::report::{csv_text, write_atomically};
use manyhands::{AnyMode, CancelToken, Cause, ItemFailure, Job, Journal, OnFailure, Outcome, Progress, Report, Tally};
use serde::Serialize;
use transit_search::{Extraction, FEATURE_NAMES, Profile};

use super::args::ExtractArgs;
use super::samples::{Sample, found_at, made};
use super::worker::{Extractor, Row, Work, row};
use super::{Refusal, device, page, trial};

/// Raise it whenever the same sample gets another result, so that no table mixes the two.
const RESULTS_VERSION: u32 = 2;

/// The number of samples of the reference notebook, for which a duration is projected.
const NOTEBOOK_SAMPLES: f64 = 11_979.0;

/// No more failures, and no more of what is no sample, are named on the terminal than this.
const MOST_NAMED: usize = 20;

pub(super) fn extract(args: &ExtractArgs, output: &Output) -> Result<ExitStatus, Refusal> {
    let extraction = extraction(args);
    let (samples, set_aside) = match (&args.input, args.made) {
        (_, Some(count)) => (made(count), Vec::new()),
        (Some(input), None) => found_at(input)?,
        (None, None) => return Err("name a folder or a list, or give --made N".to_owned()),
    };
    for other in set_aside.iter().take(MOST_NAMED) {
        output.warning(other);
    }
    if let Some(more @ 1..) = set_aside.len().checked_sub(MOST_NAMED) {
        output.warning(&format!("{more} more files are set aside, as they are no folders"));
    }
    let choose = |samples: &[Sample], choice| device::for_samples(choice, samples, &extraction, workers(args));
    if let Some(count) = args.test {
        let samples = &samples[..count.min(samples.len())];
        let chosen = choose(samples, args.device);
        device::warn(&chosen, output);
        return trial::time(samples, &work(extraction, &chosen), args, output);
    }
    require_fitting_folder(args)?;
    let chosen = device::for_resumed(args.device, &args.out, |choice| choose(&samples, choice))?;
    device::warn(&chosen, output);
    let work = work(extraction, &chosen);
    let measured = chosen.measured.clone();
    let interruption = Interruption::listen(|signal| {
        notice(&format!("{signal}: finishing the running samples; again to end at once"));
    });
    let interruption = interruption.map_err(|error| format!("signals cannot be listened to: {error}"))?;
    let started = Instant::now();
    let outcome = run(&samples, &work, args, interruption.token())?;
    outcome.warnings().iter().for_each(|warning| output.warning(warning));
    // A signal that came after the last sample was done has interrupted nothing.
    if let Some(Interrupted { signal, exit_code }) =
        interruption.interrupted().filter(|_| outcome.tally().cancelled > 0)
    {
        let tally = outcome.tally();
        let finished = tally.succeeded + tally.failed;
        notice(&format!(
            "ended by {signal}: {finished} of {} samples finished and saved; features.csv is not written yet\n\
             to go on: {}",
            samples.len(),
            resume_command(),
        ));
        return Ok(ExitStatus::Interrupted(exit_code));
    }
    write_results(&samples, (&work, measured.as_deref()), outcome, (args, output), started.elapsed())
}

fn work(extraction: Extraction, chosen: &Chosen) -> Work {
    Work { extraction, device: chosen.device.as_ref().map(|_| chosen.ran().to_string()) }
}

fn workers(args: &ExtractArgs) -> NonZeroUsize {
    let of_config = if args.mode == AnyMode::Serial { NonZeroUsize::MIN } else { parallel_config().max_workers_cpu() };
    args.workers.and_then(NonZeroUsize::new).unwrap_or(of_config)
}

fn extraction(args: &ExtractArgs) -> Extraction {
    Extraction { profile: args.profile, with_search: !args.no_bls, with_least_squares: args.tls }
}

/// Creates the run folder; refuses one that has a journal unless the run is to be resumed.
fn require_fitting_folder(args: &ExtractArgs) -> Result<(), Refusal> {
    let out = &args.out;
    let run_folder = RunFolder::in_results(out);
    if !args.resume && run_folder.has_journal() {
        return Err(format!(
            "{} holds a run already\nto go on with it: {}\nto begin anew, name another folder with --out",
            out.display(),
            resume_command()
        ));
    }
    let refused = |why| format!("{} cannot be made: {why}; choose another with --out", run_folder.path().display());
    run_folder.create().map_err(refused)
}

/// A job over samples with the settings of the flags.
pub(super) fn job<'a>(samples: &'a [Sample], mode: AnyMode, args: &ExtractArgs) -> Job<'a, Sample, AnyMode> {
    let job = Job::new(samples).mode(mode).on_failure(OnFailure::Continue);
    let job = if let Some(workers) = args.workers { job.workers(workers) } else { job };
    if let Some(size) = args.batch_size { job.chunk_size(size) } else { job }
}

/// What a journal compares. That of the cores is what it was before there were devices.
#[derive(Debug, Serialize)]
struct Configuration<'a> {
    #[serde(flatten)]
    extraction: &'a Extraction,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
}

impl<'a> Configuration<'a> {
    fn of(work: &'a Work) -> Self {
        Self { extraction: &work.extraction, device: work.device.as_deref() }
    }
}

fn run(
    samples: &[Sample],
    work: &Work,
    args: &ExtractArgs,
    stop: &CancelToken,
) -> Result<Outcome<Row, String>, Refusal> {
    let run_folder = RunFolder::in_results(&args.out);
    let journal = Journal::at(run_folder.journal())
        .key(|sample: &Sample| sample.name.clone())
        .version(format!("{}, answers {RESULTS_VERSION}", env!("CARGO_PKG_VERSION")))
        .configuration(&Configuration::of(work))
        .fingerprint(Sample::fingerprint);
    let device = work.device.as_deref().unwrap_or("cpu");
    let report = Report::at(run_folder.path()).serial_sample(8);
    let report = report.field("program", env!("CARGO_PKG_VERSION")).field("device", device);
    let progress = if args.json { Progress::off() } else { Progress::auto("samples") };
    job(samples, args.mode, args)
        .cancel_token(stop)
        .progress(progress)
        .shared(work)
        .worker_state(Extractor::new)
        .try_map(row)
        .journal(journal)
        .report(report)
        .run()
        .map_err(|error| error.to_string())
}

/// Writes the table and the page, and prints the summary.
fn write_results(
    samples: &[Sample],
    (work, measured): (&Work, Option<&str>),
    outcome: Outcome<Row, String>,
    (args, output): (&ExtractArgs, &Output),
    took: Duration,
) -> Result<ExitStatus, Refusal> {
    let (tally, extraction) = (*outcome.tally(), &work.extraction);
    let is_whole = outcome.warnings().is_empty();
    let rows: Vec<Result<Row, String>> =
        outcome.into_results().into_iter().map(|result| result.map_err(|failure| reason(&failure))).collect();
    let table = args.out.join("features.csv");
    write_atomically(&table, |file| write_table(file, samples, &rows)).map_err(|why| why.to_string())?;
    let ran = ran(&rows);
    page::write(&args.out, samples, &rows, (extraction, &ran))?;
    let failed =
        samples.iter().zip(&rows).filter_map(|(sample, row)| Some((sample.name.as_str(), row.as_ref().err()?)));
    let failed: Vec<(&str, &String)> = failed.collect();
    for (sample, why) in failed.iter().take(MOST_NAMED) {
        output.warning(&format!("{sample} failed: {why}"));
    }
    if let Some(warning) = fault(&rows) {
        output.warning(&warning);
    }
    let fresh = tally.succeeded + tally.failed - tally.resumed;
    let rate = fresh as f64 / took.as_secs_f64();
    output.json(&summary_json(&tally, &failed, (extraction, &ran), (took, rate)));
    let device = device::summary(&ran, measured);
    output.result(&summary_lines(&tally, (extraction, &device), args, (took, rate)));
    Ok(if tally.failed == 0 && is_whole { ExitStatus::Done } else { ExitStatus::Incomplete })
}

fn summary_json(
    tally: &Tally,
    failed: &[(&str, &String)],
    (extraction, ran): (&Extraction, &str),
    (took, rate): (Duration, f64),
) -> String {
    let failed: Vec<serde_json::Value> =
        failed.iter().map(|(sample, why)| serde_json::json!({ "sample": sample, "reason": why })).collect();
    let summary = serde_json::json!({
        "operation": "extract",
        "samples": tally.succeeded + tally.failed,
        "succeeded": tally.succeeded,
        "resumed": tally.resumed,
        "failed": failed,
        "transit_least_squares": has_least_squares(extraction),
        "device": ran,
        "workers": tally.workers,
        "seconds": took.as_secs_f64(),
        "samples_per_second": rate,
    });
    summary.to_string()
}

fn summary_lines(
    tally: &Tally,
    (extraction, device): (&Extraction, &str),
    args: &ExtractArgs,
    (took, rate): (Duration, f64),
) -> String {
    let samples = tally.succeeded + tally.failed;
    let mut lines = vec![format!(
        "samples  {samples}: {} done, {} failed; {} by earlier runs",
        tally.succeeded, tally.failed, tally.resumed
    )];
    // The constants of the profile seed are not measured either.
    let without = if has_least_squares(extraction) { "" } else { ", those of transit least squares not measured" };
    lines.push(format!("features 27{without}"));
    lines.push(format!("device   {device}"));
    lines.push(format!("seconds  {:.2}; mode {}, {} workers", took.as_secs_f64(), args.mode, tally.workers));
    if samples > tally.resumed {
        let projected = NOTEBOOK_SAMPLES / rate;
        lines.push(format!("rate     {rate:.1} samples/s; 11 979 samples would take {projected:.0} s at that"));
    }
    lines.push(format!("files    {}: features.csv index.html run/summary.json", args.out.display()));
    lines.join("\n")
}

/// What searched for boxes, with the number of samples where that is not one and the same.
fn ran(rows: &[Result<Row, String>]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for row in rows.iter().flatten() {
        match counts.iter_mut().find(|(ran, _)| *ran == row.ran) {
            Some((_, count)) => *count += 1,
            None => counts.push((&row.ran, 1)),
        }
    }
    match counts[..] {
        [] => Ran::Cpu.to_string(),
        [(ran, _)] => ran.to_owned(),
        _ => counts.iter().map(|(ran, count)| format!("{ran} for {count} samples")).collect::<Vec<_>>().join(", "),
    }
}

/// One line for all samples that the device of the run did not search.
fn fault(rows: &[Result<Row, String>]) -> Option<String> {
    let mut faults = rows.iter().flatten().filter_map(|row| row.fault.as_ref());
    let first = faults.next()?;
    Some(format!("the cores searched {} samples instead, the first one because {first}", faults.count() + 1))
}

/// Whether the columns of transit least squares hold measurements.
fn has_least_squares(extraction: &Extraction) -> bool {
    extraction.with_least_squares && extraction.profile == Profile::Calibrated
}

fn reason(failure: &ItemFailure<String>) -> String {
    match &failure.cause {
        Cause::Error(why) => why.clone(),
        Cause::Recorded(recorded) => recorded.message.clone(),
        _ => failure.to_string(),
    }
}

/// Samples without features have no row. No name in it is a formula to a spreadsheet.
fn write_table(file: &mut dyn io::Write, samples: &[Sample], rows: &[Result<Row, String>]) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(file);
    let head = ["sample", "label", "target_id", "toi"].into_iter().chain(FEATURE_NAMES);
    table.write_record(head)?;
    for (sample, row) in samples.iter().zip(rows) {
        let Ok(row) = row else { continue };
        let label = row.label.map(|label| label.to_string()).unwrap_or_default();
        let mut fields = vec![csv_text(&sample.name).into_owned(), label, csv_text(&row.target_id).into_owned()];
        fields.push(csv_text(row.toi.as_deref().unwrap_or("unknown")).into_owned());
        fields.extend(row.values.iter().map(|value| number(*value)));
        table.write_record(&fields)?;
    }
    table.flush()
}

/// The shortest text that is read back as the same number.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() { "nan".to_owned() } else { value.to_string() }
}
