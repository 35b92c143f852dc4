//! `measure`: the measurements of many captures, in one table.
//!
//! An item is a capture. A broken one fails by name, keeps its row, and costs no other. The table and the page are the same bytes for every
//! mode, number of workers and interruption, because nothing in them depends on when and where they were made; finished captures are in
//! the journal of `run/` and not measured again. `inputs.rs` names the captures, `one.rs` is the work on one, `work.rs` runs the job.

mod device;
mod inputs;
mod one;
mod rates;
mod status;
mod time_limit;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use consumer_support::command_line::{resume_command, shell_quoted};
use consumer_support::flag_values::memory_size;
use consumer_support::page::{Fact, Link, Warning};
use consumer_support::{CliContext, ExitStatus, Interrupted, Output, RunFolder, Usage, notice};
use gpu::{Chosen, DeviceChoice};
use manyhands::Tally;
use manyhands::report::write_atomically;
use serde_json::json;
use signal_batch::Table;
use signal_batch::measure::MetricSet;
use signal_batch::report::{Report, ReportData};

use super::Refusal;
use super::results::{RESULTS, results_table};
use inputs::Captures;
use status::RunNote;

pub(super) use inputs::{CaptureArgs, CaptureItem};
pub(super) use one::{MeasureSettings, Measured};
pub(super) use rates::overruled_rates;
pub(super) use work::{Distribution, Worked, measure_once};

/// No more of a kind than this are named on the terminal; the page and the table name all.
pub(super) const MOST_NAMED: usize = 20;

/// Captures to measure.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct MeasureArgs {
    #[command(flatten)]
    pub(super) captures: CaptureArgs,
    /// What is measured: all, basic (rms, peak, mean, std, crest_factor, dominant_frequency, total_power), or names with commas, as
    /// `signal-batch metrics` lists them. What is not measured stays empty.
    #[arg(long, value_name = "all|basic|NAME,..", default_value = "all")]
    pub(super) metrics: MetricSet,
    /// Where the results go: results.csv, summary.json, index.html, and run/ with the journal.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// The memory that all captures at work may take together, such as 4G or 800M: at most 56 bytes per sample, and the file. A capture that
    /// needs more is measured alone.
    #[arg(long, value_name = "SIZE", value_parser = memory_size)]
    pub(super) memory: Option<u64>,
    /// How long a capture may take, such as 5s or 500ms; one that takes longer fails. Needs --mode processes: a thread cannot be ended.
    #[arg(long, value_name = "TIME", value_parser = time_limit::time_limit, allow_negative_numbers = true)]
    pub(super) time_limit: Option<Duration>,
    /// Where rms, peak, mean, std, crest_factor, dominant_frequency and total_power are computed: cpu, gpu (single precision, within 1e-4), or
    /// auto, which takes a graphics processor when a measured estimate says that it pays. Everything else is computed on the cores. Where
    /// there is no device, or it fails, the cores do it, and a line says so. The default keeps double precision.
    #[arg(long, value_name = "cpu|gpu|auto", default_value_t = DeviceChoice::Cpu)]
    pub(super) device: DeviceChoice,
    /// Go on with what is in --out, trying failed captures again; begin where there is nothing yet.
    #[arg(long)]
    pub(super) resume: bool,
    /// With --resume: leave failed captures as they are.
    #[arg(long, requires = "resume")]
    pub(super) keep_failed: bool,
    /// With --resume: measure again what has changed since, and everything after another setting or version.
    #[arg(long, requires = "resume")]
    pub(super) redo_changed: bool,
    /// Only print how far the run in --out is, running or not.
    #[arg(long, conflicts_with_all = ["resume", "failed", "inputs", "made"])]
    pub(super) status: bool,
    /// Only print which captures of the run in --out failed, and why.
    #[arg(long, conflicts_with_all = ["resume", "inputs", "made"])]
    pub(super) failed: bool,
}

const EXAMPLES: &str = "\
Examples:
  signal-batch measure captures --out measured
  signal-batch measure lot_7 lot_8 --out measured --rate 1e6 --mode processes
  signal-batch measure --made 50 --out measured --metrics basic
  signal-batch measure captures --out measured --resume   after a break
  signal-batch measure --out measured --status            how far a run is

Reads .csv (samples, or times and samples), .npy and .wav. The name of a capture
is its path within the folder that you gave; its batch is the folder that holds
it.

Writes measured/results.csv: file, batch, captured_at (when the file was last
written), n_samples, rate_hz, every measurement, unit, error, version. All
captures have a row; one that failed has its reason under error, and empty
numbers. A rise time of a constant, and whatever else is not defined, is empty.
Beside it are summary.json and index.html, which say what computed them. They
are the same bytes whatever the mode, the workers, and the breaks.

Each capture is saved as it is finished. After Ctrl+C or SIGTERM the captures
at work are finished; a second signal ends the program at once. --resume goes
on. run/ holds the journal, summary.json (times, workers, memory), metrics.csv
and failed.jsonl.

Exit code 0: all done, 1: some captures failed or something was left out, 2: no
capture could be measured, 130: ended by Ctrl+C, 143: by SIGTERM.";

/// Measures the captures, or reports on a run, as the flags say.
///
/// # Errors
/// A message when nothing could be done.
pub(super) fn measure(args: &MeasureArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    if args.status {
        return status::print_status(&args.out, context.output);
    }
    if args.failed {
        return status::print_failed(&args.out, context.output);
    }
    let begin = Usage::now();
    let mode = time_limit::limited(context.mode, args.time_limit)?;
    let captures = args.captures.captures(Some(&args.out))?;
    require_fitting_folder(args)?;
    let read = args.captures.read_settings();
    let noted = RunNote::read(&args.out);
    let ran_before = noted.as_ref().map(|note| note.on_device);
    let chosen = device::choose(args.device, ran_before, &captures.items, (&read, args.metrics), context);
    let about_device = chosen.fell_back.as_ref().or(chosen.measured.as_ref());
    if let Some(line) = about_device.filter(|_| !context.output.is_quiet()) {
        notice(line);
    }
    let settings = MeasureSettings { read, metrics: args.metrics, on_device: chosen.device.is_some() };
    RunNote { captures: captures.items.len(), on_device: settings.on_device }.write(&args.out)?;
    let interruption = context.listen(format!("the captures at work, {} at most", context.n_workers()))?;
    let worked = {
        let _heartbeat = context.heartbeat();
        let distribution = Distribution { mode, memory: args.memory, stop: interruption.token() };
        let worked = work::measure_all(&captures.items, &settings, args, &distribution, context);
        // What was refused has not become the run of this folder.
        worked.or_else(|refusal| noted.map_or(Ok(()), |noted| noted.write(&args.out)).and(Err(refusal)))?
    };
    worked.warnings.iter().for_each(|warning| context.output.warning(warning));
    if let Some(interrupted) = interruption.interrupted().filter(|_| worked.tally.cancelled > 0) {
        return Ok(print_interrupted(&interrupted, &worked.tally, captures.items.len(), context.output));
    }
    let table = results_table(&captures.items, &worked.results).map_err(|error| error.to_string())?;
    let ran = ran(&chosen, &worked, context);
    let overruled = overruled_rates(&captures.items, &worked.results);
    overruled.iter().for_each(|sentence| context.output.warning(sentence));
    let set_aside = captures.set_aside.iter().map(|sentence| ("set aside", sentence));
    let notes: Vec<Warning> = overruled.iter().map(|sentence| ("rate", sentence)).chain(set_aside).map(note).collect();
    let report = write(args, &table, notes, ran.clone())?;
    Ok(finish(args, &worked, &captures, (&table, &report, &ran), &begin, context))
}

fn note((subject, sentence): (&str, &String)) -> Warning {
    Warning { subject: subject.to_owned(), reason: sentence.clone() }
}

/// Refuses a folder that has a journal unless the run is to be resumed.
fn require_fitting_folder(args: &MeasureArgs) -> Result<(), Refusal> {
    let run_folder = RunFolder::in_results(&args.out);
    if !args.resume && run_folder.has_journal() {
        return Err(format!(
            "{} holds a run already\nto go on with it: {}\nto begin anew, name another folder with --out",
            args.out.display(),
            resume_command()
        ));
    }
    let refused = |why| format!("{} cannot be made: {why}; choose another with --out", run_folder.path().display());
    run_folder.create().map_err(refused)
}

fn print_interrupted(interrupted: &Interrupted, tally: &Tally, n_captures: usize, output: &Output) -> ExitStatus {
    let (finished, resume) = (tally.succeeded + tally.failed, resume_command());
    notice(&format!(
        "ended by {}: {finished} of {n_captures} captures finished and saved; results.csv is not written yet\n\
         to go on: {resume}",
        interrupted.signal
    ));
    let summary = json!({
        "operation": "measure",
        "ended_by": interrupted.signal,
        "captures": n_captures,
        "finished": finished,
        "failed": tally.failed,
        "resume": resume,
    });
    output.json(&summary.to_string());
    ExitStatus::Interrupted(interrupted.exit_code)
}

/// What measured the captures, as results say it. Captures that a device failed on are counted, and named as a warning.
fn ran(chosen: &Chosen, worked: &Worked, context: &CliContext<'_>) -> String {
    let errors = worked.results.iter().filter_map(|result| result.as_ref().ok()?.device_error.as_ref());
    let (n_errors, first) = (errors.clone().count(), errors.clone().next());
    let Some(first) = first else { return chosen.ran().to_string() };
    context.output.warning(&format!("{n_errors} captures were measured on the cores: {first}"));
    format!("{}; {n_errors} captures on the cores: {first}", chosen.ran())
}

/// Writes the table, the page and the summary.
fn write(args: &MeasureArgs, table: &Table, notes: Vec<Warning>, ran: String) -> Result<Report, Refusal> {
    let link = |path: &str, about: &str| Link { path: path.to_owned(), about: about.to_owned() };
    let has_batches = table.text("batch").is_some_and(|batches| batches.iter().any(|batch| *batch != batches[0]));
    let data = ReportData {
        metrics: Some(args.metrics.iter().map(|metric| metric.name().to_owned()).collect()),
        group: has_batches.then(|| "batch".to_owned()),
        facts: vec![Fact { name: "Device".to_owned(), value: ran }],
        notes,
        files: vec![
            link(RESULTS, "all measurements, a row for each capture"),
            link("summary.json", "the numbers of this page"),
            link("run/summary.json", "times, workers and memory of the run"),
        ],
        ..ReportData::new("Measured captures", table.clone())
    };
    let report = Report::new(data).map_err(|error| error.to_string())?;
    table.write_csv(args.out.join(RESULTS)).map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| {
        write_atomically(args.out.join(name), |file| file.write_all(text.as_bytes())).map_err(|why| why.to_string())
    };
    write("summary.json", &format!("{:#}\n", report.summary()))?;
    write("index.html", &report.page())?;
    Ok(report)
}

/// Prints the summary.
fn finish(
    args: &MeasureArgs,
    worked: &Worked,
    captures: &Captures,
    (table, report, ran): (&Table, &Report, &str),
    begin: &Usage,
    context: &CliContext<'_>,
) -> ExitStatus {
    let output = context.output;
    name_some(&captures.set_aside, "are set aside", output);
    let failed = failures(table, &worked.results);
    failed.iter().take(MOST_NAMED).for_each(|(name, why)| output.error(&format!("{name} failed: {why}")));
    if let Some(more @ 1..) = failed.len().checked_sub(MOST_NAMED) {
        output.error(&format!("{more} more failed; results.csv names all"));
    }
    let Tally { succeeded, resumed, .. } = worked.tally;
    let usage = Usage::now().since(begin);
    let seconds = usage.wall.as_secs_f64();
    let earlier = if resumed > 0 { format!(" ({resumed} in earlier runs)") } else { String::new() };
    let page = shell_quoted(&args.out.join("index.html"));
    output.result(&report.terminal(80).trim_end());
    output.result(&format!(
        "\n{} captures: {succeeded} measured{earlier}, {} failed\n{seconds:.2} s; mode {}, {} workers, device {ran}; {usage}\nlook at {page}",
        worked.results.len(),
        failed.len(),
        context.mode,
        context.n_workers(),
    ));
    output.json(&summary(worked, (&failed, ran), captures, seconds, context).to_string());
    let is_whole = failed.is_empty() && worked.warnings.is_empty() && !captures.lacks_named;
    match (succeeded, is_whole) {
        (0, _) => ExitStatus::CouldNotRun,
        (_, true) => ExitStatus::Done,
        (_, false) => ExitStatus::Incomplete,
    }
}

/// What `--json` prints.
fn summary(
    worked: &Worked,
    (failed, ran): (&[(String, &str)], &str),
    captures: &Captures,
    seconds: f64,
    context: &CliContext<'_>,
) -> serde_json::Value {
    let failed_json: Vec<_> = failed.iter().map(|(name, why)| json!({ "file": name, "error": why })).collect();
    json!({
        "operation": "measure",
        "captures": worked.results.len(),
        "succeeded": worked.tally.succeeded,
        "resumed": worked.tally.resumed,
        "failed": failed_json,
        "set_aside": captures.set_aside,
        "warnings": worked.warnings,
        "mode": context.mode.to_string(),
        "workers": context.n_workers(),
        "device": ran,
        "seconds": seconds,
        "files": [RESULTS, "summary.json", "index.html", "run/summary.json"],
    })
}

/// The captures that failed, by name, and why.
pub(super) fn failures<'a>(table: &Table, results: &'a [Result<Measured, String>]) -> Vec<(String, &'a str)> {
    let failed = |(row, result): (usize, &'a Result<Measured, String>)| {
        Some((table.row_name(row), result.as_ref().err()?.as_str()))
    };
    results.iter().enumerate().filter_map(failed).collect()
}

/// Warns of the first, and counts the rest.
pub(super) fn name_some(sentences: &[String], what: &str, output: &Output) {
    sentences.iter().take(MOST_NAMED).for_each(|sentence| output.warning(sentence));
    if let Some(more @ 1..) = sentences.len().checked_sub(MOST_NAMED) {
        output.warning(&format!("{more} more {what}"));
    }
}
