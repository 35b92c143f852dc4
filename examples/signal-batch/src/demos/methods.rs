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

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use gpu::{Device, TraceBatch, TraceSummary};
use manyhands::{AnyMode, Job, Journal, Outcome, Processes, SharedSlice};
use serde::{Deserialize, Serialize};
use serde_json::json;
use signal_batch::measure::{MeasurePlan, MetricSet};
use signal_batch::workload::{RATE_HZ, TRACE_SAMPLES};
use signal_batch::{BatchResult, Measurements, Metric, workload};

use super::recommendation::{Method, Row, recommendation};
use super::timing::{Timed, Way, shown, take_turns};
use super::{Findings, Refusal, Stage, require_going_on, text};

const N_TRACES: u64 = 50;
/// How far single precision may be from the cores, as a share of the value.
const GPU_TOLERANCE: f64 = 1e-4;

/// A trace in memory that worker processes see, too.
#[derive(Debug, Serialize, Deserialize)]
struct Trace {
    number: u64,
    samples: SharedSlice<f64>,
}

/// The measurements of all traces, or why a device gave none.
type Values = Result<Vec<Measurements>, Refusal>;
/// A line of the table, and what its method gave.
type TimedRow = (Row, Values);

pub(super) fn show(stage: &Stage<'_>) -> Result<Findings, Refusal> {
    let traces = traces()?;
    let mut accelerator = Accelerator::find();
    let (timed, rounds) = time_all(stage, &traces, accelerator.as_mut().ok())?;
    require_going_on(stage.stop())?;
    let mut findings = Findings::default();
    note_values(&mut findings, &timed);
    stage.say(format_args!(
        "  {N_TRACES} traces of {TRACE_SAMPLES} samples; median of {rounds} rounds after a warm-up\n  \
         {:<12}{:>8}{:>12}{:>10}{:>15}",
        "method", "workers", "time", "speed-up", "throughput"
    ));
    let rows: Vec<Row> = timed.iter().filter(|(_, values)| values.is_ok()).map(|(row, _)| row.clone()).collect();
    for row in &rows {
        stage.say(line(row, rows[0].seconds));
    }
    stage.say(about_device(&accelerator, &timed, &mut findings));
    for sentence in recommendation(&rows) {
        stage.say(format_args!("  {sentence}"));
    }
    Ok(findings)
}

/// What the device is, and whether it agrees with the cores; or why it was not timed.
fn about_device(accelerator: &Result<Accelerator, Refusal>, timed: &[TimedRow], findings: &mut Findings) -> String {
    let (feature, fact) = ("graphics processor", "agrees with the cores, or is absent");
    let values = timed.iter().find(|(row, _)| row.method == Method::Gpu).map(|(_, values)| values.as_ref());
    let why = match (accelerator, values) {
        (Ok(accelerator), Some(Ok(on_device))) => {
            let agrees = timed[0].1.as_ref().is_ok_and(|on_cores| agree(on_device, on_cores));
            findings.note(feature, fact, agrees);
            let (name, is) = (&accelerator.name, if agrees { "agree" } else { "do NOT agree" });
            return format!("  gpu: {name}\n  single precision; its values {is} within {GPU_TOLERANCE:e}");
        }
        (Err(why), _) | (_, Some(Err(why))) => why.as_str(),
        (Ok(_), None) => "it was left out",
    };
    findings.note(feature, fact, true);
    format!("  {:<12} not timed:\n    {why}", "gpu")
}

/// All methods on cores gave the same values, and these.
fn note_values(findings: &mut Findings, timed: &[TimedRow]) {
    let of_cores = timed.iter().filter(|(row, _)| row.method != Method::Gpu);
    let values: Vec<&Vec<Measurements>> = of_cores.filter_map(|(_, values)| values.as_ref().ok()).collect();
    let same_bits =
        |a: &Measurements, b: &Measurements| a.values().iter().zip(b.values()).all(|(a, b)| a.to_bits() == b.to_bits());
    let first = values[0];
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

/// Times serial first, then threads and processes with every count of workers, a journalled run, and the device where there is one.
/// Returns how many rounds there were, too.
fn time_all(
    stage: &Stage<'_>,
    traces: &[Trace],
    accelerator: Option<&mut Accelerator>,
) -> Result<(Vec<TimedRow>, usize), Refusal> {
    let most = available_parallelism().map_or(1, NonZeroUsize::get).max(2);
    let mut kinds = vec![(Method::Serial, AnyMode::Serial, 1)];
    kinds.extend(worker_counts(most).into_iter().map(|n| (Method::Threads, AnyMode::Threads, n)));
    kinds.extend(worker_counts(most).into_iter().map(|n| (Method::Processes, AnyMode::Processes(Processes::new()), n)));
    kinds.push((Method::Journal, AnyMode::Threads, most));
    let on_cores = |&(method, mode, workers): &(Method, AnyMode, usize)| -> Way<'_, Values> {
        let journal = (method == Method::Journal).then_some("journal.sqlite");
        Way {
            name: mode.to_string(),
            work: Box::new(move || measure_all(stage, traces, mode, workers, journal).map(Ok)),
        }
    };
    let mut ways: Vec<Way<'_, Values>> = kinds.iter().map(on_cores).collect();
    let mut rows: Vec<(Method, usize)> = kinds.iter().map(|(method, _, workers)| (*method, *workers)).collect();
    if let Some(accelerator) = accelerator {
        rows.push((Method::Gpu, 1));
        // What the device refuses is its own value: the other methods go on.
        ways.push(Way { name: "gpu".to_owned(), work: Box::new(move || Ok(accelerator.measure_all(traces))) });
    }
    let timings = take_turns(ways)?;
    let timed = rows.into_iter().zip(timings.ways);
    let row = |((method, workers), timed): ((Method, usize), Timed<Values>)| {
        (Row { method, workers, seconds: timed.seconds }, timed.value)
    };
    Ok((timed.map(row).collect(), timings.rounds))
}

fn measure_all(
    stage: &Stage<'_>,
    traces: &[Trace],
    mode: AnyMode,
    workers: usize,
    journal: Option<&str>,
) -> Result<Vec<Measurements>, Refusal> {
    // Every round begins a new one.
    let journal = journal.map(|name| stage.fresh_journal(name)).transpose()?;
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

/// A graphics processor, with room for traces.
struct Accelerator {
    name: String,
    batch: TraceBatch,
}

impl Accelerator {
    /// The device of this machine, or why there is none.
    fn find() -> Result<Self, Refusal> {
        let device = Device::find().map_err(text)?;
        let kind = if device.is_software() { ", a software device" } else { "" };
        let name = format!("{}{kind}", device.name());
        Ok(Self { name, batch: device.trace_summaries(TRACE_SAMPLES).map_err(text)? })
    }

    /// The measurements that the device makes; the others stay undefined.
    fn measure_all(&mut self, traces: &[Trace]) -> Values {
        let samples: Vec<&[f64]> = traces.iter().map(|trace| &trace.samples[..]).collect();
        let summaries = self.batch.run(&samples).map_err(text)?;
        Ok(summaries.iter().map(as_measurements).collect())
    }
}

fn as_measurements(summary: &TraceSummary) -> Measurements {
    let mut measured = Measurements::undefined();
    measured[Metric::Rms] = summary.rms;
    measured[Metric::Mean] = summary.mean;
    measured[Metric::Std] = summary.std;
    measured[Metric::Peak] = summary.peak;
    measured[Metric::TotalPower] = summary.total_power;
    measured[Metric::DominantFrequency] = summary.dominant_bin as f64 * RATE_HZ / TRACE_SAMPLES as f64;
    measured
}

/// Whether each value is that of the cores, within the tolerance of single precision.
fn agree(on_device: &[Measurements], on_cores: &[Measurements]) -> bool {
    let close = |device: &Measurements, cores: &Measurements, metric: Metric, scale: f64| {
        (device[metric] - cores[metric]).abs() <= GPU_TOLERANCE * scale
    };
    let is_close = |(device, cores): (&Measurements, &Measurements)| {
        let of_amplitude = [Metric::Rms, Metric::Mean, Metric::Std, Metric::Peak];
        of_amplitude.into_iter().all(|metric| close(device, cores, metric, cores[Metric::Peak]))
            && close(device, cores, Metric::TotalPower, cores[Metric::TotalPower])
            && close(device, cores, Metric::DominantFrequency, cores[Metric::DominantFrequency])
    };
    on_device.len() == on_cores.len() && on_device.iter().zip(on_cores).all(is_close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worker_counts_double_up_to_the_cores() {
        assert_eq!(worker_counts(1), [1]);
        assert_eq!(worker_counts(2), [1, 2]);
        assert_eq!(worker_counts(6), [1, 2, 4, 6]);
        assert_eq!(worker_counts(8), [1, 2, 4, 8]);
    }
}
