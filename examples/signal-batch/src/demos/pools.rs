//! Demonstration 1: pools of workers.
//!
//! What it teaches:
//!
//! 1. One function over many captures gives the same values in every pool: in serial, on threads, on io threads, in processes.
//!    The pool is a value that is chosen at run time, so try them all and measure.
//! 2. Which pool when. Threads for computing: as many as cores. Io threads for waiting (instruments, disks, networks): more than
//!    cores, since a thread that waits needs none. Processes for code that may abort, hang or exhaust memory: each has its own memory,
//!    at the price of sending inputs and results.
//! 3. As completed: results in the order in which they are finished, so that a slow capture holds nothing up.
//! 4. Errors in workers: an error and a panic fail their own captures, by name, and no others. On threads an abort would end the whole
//!    program; in processes it is one more failure, and so is an item that never ends.

use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use manyhands::{AnyMode, IoThreads, ItemFailure, Job, OnFailure, Outcome, Processes, Threads};
use serde_json::json;
use signal_batch::measure::{MeasurePlans, MetricSet};
use signal_batch::{BatchResult, Metric, workload};

use super::timing::{Timed, Way, shown, take_turns};
use super::{Findings, Refusal, Stage, require_going_on, text};

/// How many captures each pool measures.
const N_CAPTURES: u64 = 24;
/// How long a made instrument takes to answer.
const ANSWER_TIME: Duration = Duration::from_millis(4);

pub(super) fn show(stage: &Stage<'_>) -> Result<Findings, Refusal> {
    let mut findings = Findings::default();
    every_pool(stage, &mut findings)?;
    as_completed(stage, &mut findings)?;
    errors_in_workers(stage, &mut findings)?;
    workers_that_die(stage, &mut findings)?;
    stage.say(WHICH_POOL_WHEN);
    Ok(findings)
}

const WHICH_POOL_WHEN: &str = "  Which pool when:
    serial     to debug, and where all the work takes less than a millisecond
    threads    to compute: one copy of the data, one worker per core
    io         to wait for instruments, disks, networks: more workers than cores
    processes  for code that may abort, hang or take all memory: each dies alone";

/// The same work in every pool, timed: once computing, once waiting.
fn every_pool(stage: &Stage<'_>, findings: &mut Findings) -> Result<(), Refusal> {
    let pools = [AnyMode::Serial, AnyMode::Threads, AnyMode::IoThreads, AnyMode::Processes(Processes::new())];
    let computing = take_turns(pools.map(|pool| way(pool, move || compute(stage, pool))).into())?;
    let waiting = take_turns(pools.map(|pool| way(pool, move || wait(stage, pool))).into())?;
    let rounds = computing.rounds.min(waiting.rounds);
    let (computing, waiting) = (computing.ways, waiting.ways);
    stage.say(format_args!(
        "  {N_CAPTURES} captures in every pool; median of {rounds} rounds after a warm-up\n  \
         {:<10}{:>8}{:>14}{:>14}",
        "pool", "workers", "computing", "waiting"
    ));
    for ((pool, computing), waiting) in pools.into_iter().zip(&computing).zip(&waiting) {
        stage.say(format_args!(
            "  {:<10}{:>8}{:>14}{:>14}",
            pool.to_string(),
            stage.n_workers(pool),
            shown(computing.seconds),
            shown(waiting.seconds)
        ));
    }
    stage.say(format_args!("  fastest to compute: {}; to wait: {}", fastest(&computing), fastest(&waiting)));
    let are_same = computing.iter().all(|pool| pool.value == computing[0].value)
        && waiting.iter().all(|pool| pool.value == waiting[0].value);
    stage.say(format_args!("  the values are {} in all pools", if are_same { "the same" } else { "NOT the same" }));
    findings.note("same values in every pool", "pools", json!(pools.map(|pool| pool.to_string())));
    findings.note("same values in every pool", "are the same", are_same);
    findings.note("same values in every pool", "sum of rms", computing[0].value.iter().sum::<f64>());
    Ok(())
}

fn way<'a, V>(pool: AnyMode, work: impl FnMut() -> Result<V, Refusal> + 'a) -> Way<'a, V> {
    Way { name: pool.to_string(), work: Box::new(work) }
}

fn fastest<V>(timed: &[Timed<V>]) -> &str {
    let quick = timed.iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds));
    quick.map_or("none", |timed| timed.name.as_str())
}

/// Makes and measures captures. Each worker makes its plans once and keeps them.
fn compute(stage: &Stage<'_>, pool: AnyMode) -> Result<Vec<f64>, Refusal> {
    let captures: Vec<u64> = (0..N_CAPTURES).collect();
    Job::new(&captures)
        .mode(pool)
        .workers(stage.n_workers(pool))
        .cancel_token(stage.stop())
        .worker_state(MeasurePlans::default)
        .try_run(rms)
        .and_then(Outcome::into_result)
        .map_err(text)
}

fn rms(plans: &mut MeasurePlans, number: &u64) -> BatchResult<f64> {
    let wanted = MetricSet::from_iter([Metric::Rms]);
    Ok(plans.measure(&workload::trace(*number), wanted)?[Metric::Rms])
}

/// Asks instruments, which take their time and no core.
fn wait(stage: &Stage<'_>, pool: AnyMode) -> Result<Vec<u64>, Refusal> {
    let instruments: Vec<u64> = (0..N_CAPTURES).collect();
    Job::new(&instruments)
        .mode(pool)
        .workers(stage.n_workers(pool))
        .cancel_token(stage.stop())
        .run(answer)
        .and_then(Outcome::into_result)
        .map_err(text)
}

fn answer(instrument: &u64) -> u64 {
    std::thread::sleep(ANSWER_TIME);
    instrument * 2
}

/// Capture 0 is slow: it ends only after the caller has taken another result. In order, the caller would wait for it.
fn as_completed(stage: &Stage<'_>, findings: &mut Findings) -> Result<(), Refusal> {
    require_going_on(stage.stop())?;
    let (took_one, is_taken) = mpsc::channel::<()>();
    let is_taken = Mutex::new(is_taken);
    let slow_at_first = move |number: &usize| {
        if *number == 0 {
            // The limit is a way out for a machine on which no other thread runs.
            let _ = is_taken.lock().expect("no holder panics").recv_timeout(Duration::from_secs(10));
        }
        *number
    };
    let results = Job::over(0..8_usize).mode(IoThreads).workers(2).chunk_size(1).map(slow_at_first).as_completed();
    let mut order = Vec::new();
    for result in results.map_err(text)? {
        order.push(result.map_err(text)?.0);
        let _ = took_one.send(()); // the slow capture may have ended, and listens no more
    }
    stage.say(format_args!("  as completed: {order:?}; the slow capture 0 held up none"));
    findings.note("as completed", "capture 0 came first", order.first() == Some(&0));
    order.sort_unstable();
    findings.note("as completed", "captures", order);
    Ok(())
}

/// Files with their samples as text: one has a word among them, one has none.
const FILES: [(&str, &str); 5] =
    [("a.txt", "0.5 0.25"), ("word.txt", "0.5 zero"), ("empty.txt", ""), ("b.txt", "1 2 -4"), ("c.txt", "0.125")];

/// An error, and a panic: each fails its own file.
fn errors_in_workers(stage: &Stage<'_>, findings: &mut Findings) -> Result<(), Refusal> {
    let outcome = without_panic_messages(|| {
        Job::new(&FILES)
            .mode(Threads)
            .workers(2)
            .key(|(name, _)| (*name).to_owned())
            .on_failure(OnFailure::Continue)
            .try_run(|(_, samples)| first_over_peak(samples))
    });
    let outcome = outcome.map_err(text)?;
    stage.say(format_args!("  errors on threads: {} of {} files have a value", outcome.iter().count(), FILES.len()));
    note_failures("errors in workers", &outcome, stage, findings);
    findings.note("errors in workers", "values", json!(outcome.into_options()));
    Ok(())
}

/// Prints each failure, and notes its name and its kind.
fn note_failures<V, E>(feature: &str, outcome: &Outcome<V, E>, stage: &Stage<'_>, findings: &mut Findings)
where
    ItemFailure<E>: std::fmt::Display,
{
    for failure in outcome.failures() {
        stage.say(format_args!("    {failure}"));
    }
    let kinds = outcome.failures().iter().map(|failure| json!([failure.key, failure.kind().to_string()]));
    findings.note(feature, "failures", kinds.collect::<Vec<_>>());
}

/// The first sample over the largest. Panics where there is none, as careless code does.
fn first_over_peak(file: &str) -> Result<f64, String> {
    let samples = file.split_whitespace().map(|text| text.parse::<f64>().map_err(|error| format!("{text:?}: {error}")));
    let samples = samples.collect::<Result<Vec<f64>, String>>()?;
    let peak = samples.iter().fold(0.0_f64, |peak, sample| peak.max(sample.abs()));
    Ok(samples.first().expect("every file has a sample") / peak)
}

/// Runs `work` while a panic prints nothing; what it says is in the failure.
fn without_panic_messages<V>(work: impl FnOnce() -> V) -> V {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let value = work();
    std::panic::set_hook(hook);
    value
}

/// An abort, and an item that never ends: only a process of its own survives them.
fn workers_that_die(stage: &Stage<'_>, findings: &mut Findings) -> Result<(), Refusal> {
    require_going_on(stage.stop())?;
    let readers = ["sound", "aborts", "never ends", "sound"].map(str::to_owned);
    let outcome = Job::new(&readers)
        .mode(Processes::new().time_limit(Duration::from_millis(300)))
        .workers(2)
        .chunk_size(1)
        .key(|reader| reader.clone())
        .on_failure(OnFailure::Continue)
        .run(|reader| read_by(reader));
    let outcome = outcome.map_err(text)?;
    let tally = outcome.tally();
    stage.say(format_args!("  worker processes: {} of {} items have a value", tally.succeeded, tally.items));
    note_failures("workers that die", &outcome, stage, findings);
    findings.note("workers that die", "values", json!(outcome.into_options()));
    Ok(())
}

/// What a defect in a C library may do.
fn read_by(reader: &str) -> usize {
    match reader {
        "aborts" => std::process::abort(),
        "never ends" => loop {
            std::thread::sleep(Duration::from_millis(10));
        },
        _ => reader.len(),
    }
}
