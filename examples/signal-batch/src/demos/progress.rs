//! Demonstration 3: how far a run is, and going on after a failure.
//!
//! What it teaches:
//!
//! 1. Live progress is one call: percent, items done and failed, success rate, items per second, time left. On a terminal it is a bar,
//!    elsewhere a line now and then, and in programs JSON.
//! 2. A stall shows: an item that is in hand for far longer than the others is named once, while the run goes on.
//! 3. Loops of your own count in a tracker that threads share, and print its snapshots.
//! 4. A journal remembers finished captures. A run that ends half-way loses nothing: the same call again does only the rest, and its
//!    results are those of a run that never failed.

use std::path::Path;
use std::time::Duration;

use manyhands::journal::JournalReader;
use manyhands::progress::{ItemStatus, TrackerSnapshot};
use manyhands::{Job, Journal, OnFailure, Outcome, ProgressTracker};
use serde::{Deserialize, Serialize};
use serde_json::json;
use signal_batch::measure::{MeasurePlans, MetricSet};
use signal_batch::{Capture, Metric, workload};

use super::{Findings, Refusal, Stage, require_going_on, text};

/// How many captures each run has.
const N_CAPTURES: u64 = 40;
/// Captures whose files are torn: every run names them, and goes on.
const TORN: [u64; 2] = [11, 29];
/// The capture that takes long.
const SLOW: u64 = 17;
/// How long an instrument takes for any other.
const ANSWER_TIME: Duration = Duration::from_millis(20);
/// Where the first journalled run ends.
const FULL_AT: u64 = 20;

pub(super) fn show(stage: &Stage<'_>) -> Result<Findings, Refusal> {
    let mut findings = Findings::default();
    live(stage, &mut findings)?;
    own_loop(stage, &mut findings)?;
    resume(stage, &mut findings)?;
    Ok(findings)
}

/// Progress as the run goes on, and a warning about the capture that takes long.
fn live(stage: &Stage<'_>, findings: &mut Findings) -> Result<(), Refusal> {
    let captures: Vec<u64> = (0..N_CAPTURES).collect();
    stage.say(format_args!("  {N_CAPTURES} captures: 2 are torn, and capture {SLOW} takes long"));
    let progress = stage.progress("  captures").every(Duration::from_millis(150));
    let outcome = Job::new(&captures)
        .mode(stage.mode())
        .workers(stage.n_workers(stage.mode()))
        .chunk_size(1) // so that each capture is timed for itself
        .key(|number| format!("capture {number}"))
        .on_failure(OnFailure::Continue)
        .cancel_token(stage.stop())
        .progress(progress.stall_after(Duration::from_millis(250)))
        .worker_state(MeasurePlans::default)
        .try_run(measured)
        .map_err(text)?;
    require_going_on(stage.stop())?;
    let tally = outcome.tally();
    stage.say(format_args!("  {tally}"));
    findings.note("live progress", "succeeded", tally.succeeded);
    findings.note("live progress", "failed", json!(names(&outcome)));
    Ok(())
}

fn names<V, E>(outcome: &Outcome<V, E>) -> Vec<Option<&str>> {
    outcome.failures().iter().map(|failure| failure.key.as_deref()).collect()
}

/// The rms of a capture, which an instrument takes its time to hand over.
fn measured(plans: &mut MeasurePlans, number: &u64) -> Result<f64, String> {
    std::thread::sleep(if *number == SLOW { 60 * ANSWER_TIME } else { ANSWER_TIME });
    rms(plans, *number)
}

fn rms(plans: &mut MeasurePlans, number: u64) -> Result<f64, String> {
    let capture = read(number)?;
    let measured = plans.measure(&capture, MetricSet::from_iter([Metric::Rms])).map_err(text)?;
    Ok(measured[Metric::Rms])
}

/// A made capture; torn ones cannot be read.
fn read(number: u64) -> Result<Capture, String> {
    if TORN.contains(&number) {
        return Err(format!("capture {number} is torn: its header promises 20000 samples, and it has 312"));
    }
    Ok(workload::trace(number))
}

/// A loop without a job: two threads count into one tracker.
fn own_loop(stage: &Stage<'_>, findings: &mut Findings) -> Result<(), Refusal> {
    let tracker = ProgressTracker::with_total(N_CAPTURES);
    let share = |first: u64| {
        let mut plans = MeasurePlans::default();
        for number in (first..N_CAPTURES).step_by(2) {
            std::thread::sleep(ANSWER_TIME);
            let status = if rms(&mut plans, number).is_ok() { ItemStatus::Succeeded } else { ItemStatus::Failed };
            tracker.count(status, 1);
        }
    };
    stage.say("  a loop of your own, with a tracker:");
    std::thread::scope(|scope| {
        let workers = [0, 1].map(|first| scope.spawn(move || share(first)));
        while !workers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            std::thread::sleep(5 * ANSWER_TIME);
            stage.say(format_args!("    {}", told(&tracker.snapshot())));
        }
    });
    let last = tracker.snapshot();
    let success = last.success_rate().ok_or("nothing was counted")?;
    findings.note("a tracker of your own", "done", last.done());
    findings.note("a tracker of your own", "success rate in percent", success);
    Ok(())
}

/// A snapshot in words of one's own; its `Display` says nearly the same.
fn told(snapshot: &TrackerSnapshot) -> String {
    let (percent, success) = (snapshot.percent().unwrap_or_default(), snapshot.success_rate().unwrap_or(100.0));
    let left = snapshot.eta().map_or_else(|| "unknown".to_owned(), |eta| format!("{} ms", eta.likely.as_millis()));
    let rate = snapshot.items_per_second();
    format!("{percent:>3.0}% done, {success:.1}% of them well, {rate:.0} captures/s, time left: {left}")
}

/// A run that ends half-way, and the same run again.
fn resume(stage: &Stage<'_>, findings: &mut Findings) -> Result<(), Refusal> {
    let journal = stage.fresh_journal("journal.sqlite")?;
    let first = store(stage, Disk { is_full_at: Some(FULL_AT) }, Some(&journal))?;
    require_going_on(stage.stop())?;
    let why = first.failures().iter().find(|failure| !failure.is_cancelled()).map_or_else(String::new, text);
    let tally = first.tally();
    stage.say(format_args!("  a run with a journal ends half-way:\n    {why}"));
    stage.say(format_args!("    {} of {} captures have a value", tally.succeeded, tally.items));
    let kept = JournalReader::open(&journal).and_then(|reader| reader.status()).map_err(text)?;
    stage.say(format_args!("    the journal holds {} finished captures", kept.succeeded));

    let second = store(stage, Disk { is_full_at: None }, Some(&journal))?;
    require_going_on(stage.stop())?;
    let (resumed, rest) = (second.resumed().count(), second.len() - second.resumed().count());
    let tally = second.tally();
    stage.say(format_args!("  the same run again, with room on the disk: only {rest} captures were computed"));
    stage.say(format_args!(
        "    {} of {} captures have a value, {resumed} of them from the journal",
        tally.succeeded, tally.items
    ));

    let never_failed = store(stage, Disk { is_full_at: None }, None)?;
    findings.note("resume", "finished before the failure", first.iter().count());
    findings.note("resume", "taken from the journal", resumed);
    findings.note("resume", "computed by the second run", rest);
    let are_same = second.into_options() == never_failed.into_options();
    findings.note("resume", "results are those of a run that never failed", are_same);
    Ok(())
}

/// What makes the first run fail.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Disk {
    is_full_at: Option<u64>,
}

/// What a worker has: its plans, and the disk.
struct Bench {
    plans: MeasurePlans,
    disk: Disk,
}

/// Measures all captures but the torn ones, and ends at the first failure.
fn store(stage: &Stage<'_>, disk: Disk, journal: Option<&Path>) -> Result<Outcome<f64, String>, Refusal> {
    let captures: Vec<u64> = (0..N_CAPTURES).filter(|number| !TORN.contains(number)).collect();
    let journal = journal.map(|path| Journal::at(path).key(|number: &u64| format!("capture {number}")).version("1"));
    Job::new(&captures)
        .mode(stage.mode())
        .workers(stage.n_workers(stage.mode()))
        .key(|number| format!("capture {number}"))
        .on_failure(OnFailure::Stop)
        .cancel_token(stage.stop())
        .shared(&disk)
        .worker_state(|disk| Bench { plans: MeasurePlans::default(), disk: *disk })
        .try_map(stored)
        .journal(journal)
        .run()
        .map_err(text)
}

fn stored(bench: &mut Bench, number: &u64) -> Result<f64, String> {
    // It stays full, so a capture that another worker has at that moment is not stored either.
    if bench.disk.is_full_at.is_some_and(|first| *number >= first) {
        return Err("the disk is full; make room, and start again".to_owned());
    }
    rms(&mut bench.plans, *number)
}
