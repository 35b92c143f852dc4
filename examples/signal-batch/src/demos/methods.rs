//! Demonstration 4: one workload by every method, timed, and a recommendation with its reason.
//!
//! What it teaches:
//!
//! 1. How to compare methods honestly: the same captures in the same memory for all; a warm-up each, which is not counted; rounds in
//!    which the methods take turns; medians; and a check that all of them give the same values.
//! 2. The best number of workers is measured, not guessed: 1, 2, 4 and so on up to the cores of the machine.
//! 3. A graphics processor is one more method, and single precision is its price. Where there is none, the table says why.
//! 4. A journal costs a little of every run, and saves the whole of one that is killed.
//! 5. What to use follows from these numbers, and is another thing on another machine.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::available_parallelism;

use gpu::{Device, GpuError, TraceSummary};
use manyhands::{AnyMode, Job, Journal, Outcome, Processes, SharedSlice};
use serde::{Deserialize, Serialize};
use serde_json::json;
use signal_batch::measure::{MeasurePlan, MetricSet};
use signal_batch::workload::{RATE_HZ, TRACE_SAMPLES};
use signal_batch::{BatchResult, Measurements, Metric, workload};

use super::timing::{Way, shown, take_turns};
use super::{Findings, Refusal, Stage, require_going_on, text};

const N_TRACES: u64 = 50;
/// How often each method is timed, after one warm-up.
const ROUNDS: usize = 3;
/// How far single precision may be from the cores, as a share of the value.
const GPU_TOLERANCE: f64 = 1e-4;

/// A trace in memory that worker processes see, too.
#[derive(Debug, Serialize, Deserialize)]
struct Trace {
    number: u64,
    samples: SharedSlice<f64>,
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    method: Method,
    workers: usize,
    seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Serial,
    Threads,
    Processes,
    Journal,
    Gpu,
}

pub(super) fn show(stage: &Stage<'_>) -> Result<Findings, Refusal> {
    let traces = traces()?;
    let (mut rows, values) = on_cores(stage, &traces)?;
    require_going_on(stage.stop())?;
    let device = on_device(&traces);
    let mut findings = Findings::default();
    note_values(&mut findings, &values);
    stage.say(format_args!(
        "  {N_TRACES} traces of {TRACE_SAMPLES} samples; median of {ROUNDS} rounds after a warm-up\n  \
         {:<12}{:>8}{:>12}{:>10}{:>14}",
        "method", "workers", "time", "speed-up", "throughput"
    ));
    let device_line = match device {
        Ok(ran) => {
            let agrees = ran.values.iter().zip(&values[0]).all(|(on_device, on_cores)| agree(on_device, on_cores));
            findings.note("graphics processor", "agrees with the cores, or is absent", agrees);
            rows.push(Row { method: Method::Gpu, workers: 1, seconds: ran.seconds });
            format!(
                "  gpu is {}, with single precision; its values {} within {GPU_TOLERANCE:e}",
                ran.name,
                agreeing(agrees)
            )
        }
        Err(why) => {
            findings.note("graphics processor", "agrees with the cores, or is absent", true);
            format!("  {:<12} not timed: {why}", "gpu")
        }
    };
    let serial = rows[0].seconds;
    for row in &rows {
        stage.say(line(row, serial));
    }
    stage.say(device_line);
    for sentence in recommendation(&rows) {
        stage.say(format_args!("  {sentence}"));
    }
    Ok(findings)
}

fn agreeing(agrees: bool) -> &'static str {
    if agrees { "agree" } else { "do NOT agree" }
}

/// All methods gave the same values, and these.
fn note_values(findings: &mut Findings, values: &[Vec<Measurements>]) {
    let first = &values[0];
    let same_bits =
        |a: &Measurements, b: &Measurements| a.values().iter().zip(b.values()).all(|(a, b)| a.to_bits() == b.to_bits());
    let are_same = values.iter().all(|other| other.iter().zip(first).all(|(a, b)| same_bits(a, b)));
    findings.note("same values by every method", "are the same to the last bit", are_same);
    let column = |metric: Metric| first.iter().map(move |measured| measured[metric]);
    findings.note("the workload", "traces", first.len());
    findings.note("the workload", "sum of rms", column(Metric::Rms).sum::<f64>());
    findings.note("the workload", "sum of total power", column(Metric::TotalPower).sum::<f64>());
    let loudest: Vec<f64> = column(Metric::DominantFrequency).take(5).collect();
    findings.note("the workload", "first dominant frequencies", json!(loudest));
}

fn line(row: &Row, serial: f64) -> String {
    let name = match row.method {
        Method::Serial => "serial",
        Method::Threads => "threads",
        Method::Processes => "processes",
        Method::Journal => "journal",
        Method::Gpu => "gpu",
    };
    format!(
        "  {name:<12}{:>8}{:>12}{:>9.2}x{:>10.0} tr/s",
        row.workers,
        shown(row.seconds),
        serial / row.seconds,
        N_TRACES as f64 / row.seconds
    )
}

/// All traces, made once and side by side in one block of shared memory.
fn traces() -> Result<Vec<Trace>, Refusal> {
    let n_traces = usize::try_from(N_TRACES).expect("50 fits");
    let block = SharedSlice::filled_by(n_traces * TRACE_SAMPLES, |samples: &mut [f64]| {
        for (number, place) in (0..).zip(samples.chunks_exact_mut(TRACE_SAMPLES)) {
            place.copy_from_slice(workload::trace(number).samples());
        }
    });
    let block = block.map_err(text)?;
    let starts = (0..).zip((0..block.len()).step_by(TRACE_SAMPLES));
    Ok(starts.map(|(number, at)| Trace { number, samples: block.view(at..at + TRACE_SAMPLES) }).collect())
}

/// 1, 2, 4, .. up to this many, and this many itself.
fn worker_counts(most: usize) -> Vec<usize> {
    let powers = std::iter::successors(Some(1_usize), |n| n.checked_mul(2));
    powers.take_while(|n| *n < most).chain([most]).collect()
}

/// Serial, then threads and processes with every count of workers, then a journalled run; and what each of them gave.
fn on_cores(stage: &Stage<'_>, traces: &[Trace]) -> Result<(Vec<Row>, Vec<Vec<Measurements>>), Refusal> {
    let most = available_parallelism().map_or(1, NonZeroUsize::get).max(2);
    let mut kinds = vec![(Method::Serial, AnyMode::Serial, 1)];
    kinds.extend(worker_counts(most).into_iter().map(|n| (Method::Threads, AnyMode::Threads, n)));
    kinds.extend(worker_counts(most).into_iter().map(|n| (Method::Processes, AnyMode::Processes(Processes::new()), n)));
    kinds.push((Method::Journal, AnyMode::Threads, most));
    let journal = stage.file("methods.sqlite");
    let ways = kinds.iter().map(|&(method, mode, workers)| {
        let journal = (method == Method::Journal).then_some(journal.as_path());
        Way { name: mode.to_string(), work: Box::new(move || measure_all(stage, traces, mode, workers, journal)) }
    });
    let timed = take_turns(ROUNDS, ways.collect())?;
    let row = |(kind, seconds): (&(Method, AnyMode, usize), f64)| Row { method: kind.0, workers: kind.2, seconds };
    let rows = kinds.iter().zip(timed.iter().map(|timed| timed.seconds)).map(row).collect();
    Ok((rows, timed.into_iter().map(|timed| timed.value).collect()))
}

fn measure_all(
    stage: &Stage<'_>,
    traces: &[Trace],
    mode: AnyMode,
    workers: usize,
    journal: Option<&Path>,
) -> Result<Vec<Measurements>, Refusal> {
    if let Some(path) = journal.filter(|path| path.exists()) {
        fs::remove_file(path).map_err(text)?; // every round begins a new one
    }
    Job::new(traces)
        .mode(mode)
        .workers(workers)
        .cancel_token(stage.stop())
        .try_worker_state(|| MeasurePlan::new(TRACE_SAMPLES))
        .try_map(measured)
        .journal(journal.map(|path| Journal::at(path).key(|trace: &Trace| format!("trace {}", trace.number))))
        .run()
        .and_then(Outcome::into_result)
        .map_err(text)
}

fn measured(plan: &mut MeasurePlan, trace: &Trace) -> BatchResult<Measurements> {
    plan.measure_only(&trace.samples, RATE_HZ, MetricSet::basic())
}

/// What a graphics processor gave.
struct OnDevice {
    name: String,
    seconds: f64,
    values: Vec<TraceSummary>,
}

/// The same traces on a graphics processor, or why not.
fn on_device(traces: &[Trace]) -> Result<OnDevice, Refusal> {
    let device = Device::find().map_err(text)?;
    let mut batch = device.trace_summaries(TRACE_SAMPLES).map_err(text)?;
    let samples: Vec<&[f64]> = traces.iter().map(|trace| &trace.samples[..]).collect();
    let work = || batch.run(&samples).map_err(|error: GpuError| error.to_string());
    let timed = take_turns(ROUNDS, vec![Way { name: "gpu".to_owned(), work: Box::new(work) }])?;
    let timed = timed.into_iter().next().ok_or("nothing was timed")?;
    Ok(OnDevice { name: device.name().to_owned(), seconds: timed.seconds, values: timed.value })
}

fn agree(on_device: &TraceSummary, on_cores: &Measurements) -> bool {
    let close = |found: f64, expected: f64, scale: f64| (found - expected).abs() <= GPU_TOLERANCE * scale;
    let peak = on_cores[Metric::Peak];
    let dominant_hz = on_device.dominant_bin as f64 * RATE_HZ / TRACE_SAMPLES as f64;
    close(on_device.rms, on_cores[Metric::Rms], peak)
        && close(on_device.mean, on_cores[Metric::Mean], peak)
        && close(on_device.std, on_cores[Metric::Std], peak)
        && close(on_device.peak, peak, peak)
        && close(on_device.total_power, on_cores[Metric::TotalPower], on_cores[Metric::TotalPower])
        && close(dominant_hz, on_cores[Metric::DominantFrequency], on_cores[Metric::DominantFrequency])
}

/// A method is worth its trouble when it saves a sixth of the time of serial.
const WORTH: f64 = 1.2;

/// What to use, and the measured reason; then what the other methods cost.
fn recommendation(rows: &[Row]) -> Vec<String> {
    let best_of = |method: Method| {
        rows.iter().filter(move |row| row.method == method).min_by(|a, b| a.seconds.total_cmp(&b.seconds))
    };
    let Some(serial) = best_of(Method::Serial) else { return Vec::new() };
    let mut sentences = Vec::new();
    let quick = [Method::Threads, Method::Processes, Method::Gpu].into_iter().filter_map(best_of);
    let best = quick.min_by(|a, b| a.seconds.total_cmp(&b.seconds)).unwrap_or(serial);
    let gain = serial.seconds / best.seconds;
    sentences.push(if gain < WORTH {
        format!("Use serial: the fastest other method, {}, was only {gain:.2} times as fast.", named(best))
    } else {
        format!("Use {}: {gain:.2} times as fast as serial, the most of all.", named(best))
    });
    if let (Some(threads), Some(processes)) = (best_of(Method::Threads), best_of(Method::Processes)) {
        let ratio = processes.seconds / threads.seconds;
        sentences
            .push(format!("Processes took {ratio:.2} times the time of threads: take them for code that may die."));
        sentences.extend(best_of(Method::Journal).map(|journal| journal_cost(journal, rows, threads)));
    }
    sentences
}

fn named(row: &Row) -> String {
    match row.method {
        Method::Serial => "serial".to_owned(),
        Method::Threads => format!("threads, {} workers", row.workers),
        Method::Processes => format!("processes, {} workers", row.workers),
        Method::Journal => "a journal".to_owned(),
        Method::Gpu => "the graphics processor".to_owned(),
    }
}

/// What the journal added to threads with as many workers.
fn journal_cost(journal: &Row, rows: &[Row], best_threads: &Row) -> String {
    let without = rows.iter().find(|row| row.method == Method::Threads && row.workers == journal.workers);
    let without = without.unwrap_or(best_threads).seconds;
    let added = (journal.seconds - without).max(0.0);
    format!("A journal added {} to {}; a run that is killed resumes from it.", shown(added), shown(without))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(method: Method, workers: usize, seconds: f64) -> Row {
        Row { method, workers, seconds }
    }

    #[test]
    fn the_fastest_method_is_recommended_with_its_measured_gain() {
        let mut rows = vec![
            row(Method::Serial, 1, 0.1),
            row(Method::Threads, 1, 0.1),
            row(Method::Threads, 2, 0.05),
            row(Method::Processes, 2, 0.06),
            row(Method::Journal, 2, 0.07),
        ];
        let words = recommendation(&rows);
        assert!(words[0].starts_with("Use threads, 2 workers: 2.00 times"), "{words:?}");
        assert!(words[1].contains("1.20 times the time of threads"), "{words:?}");
        assert!(words[2].contains("added 20.0 ms to 50.0 ms"), "{words:?}");
        rows.push(row(Method::Gpu, 1, 0.01));
        assert!(recommendation(&rows)[0].starts_with("Use the graphics processor: 10.00 times"));
    }

    #[test]
    fn where_nothing_gains_serial_is_recommended() {
        let rows = [row(Method::Serial, 1, 0.010), row(Method::Threads, 2, 0.0095), row(Method::Processes, 2, 0.2)];
        let words = recommendation(&rows);
        assert!(
            words[0].starts_with("Use serial: the fastest other method, threads, 2 workers, was only 1.05"),
            "{words:?}"
        );
    }

    #[test]
    fn worker_counts_double_up_to_the_cores() {
        assert_eq!(worker_counts(1), [1]);
        assert_eq!(worker_counts(2), [1, 2]);
        assert_eq!(worker_counts(6), [1, 2, 4, 6]);
        assert_eq!(worker_counts(8), [1, 2, 4, 8]);
    }
}
