//! `extract --test N`: how much faster is it in parallel here?

use std::time::{Duration, Instant};

use consumer_support::{ExitStatus, Output};
use manyhands::{AnyMode, Outcome};

use super::Refusal;
use super::args::ExtractArgs;
use super::extract::job;
use super::samples::Sample;
use super::worker::{Extractor, Row, Work, row};

/// Extracts the samples one after the other and then as the flags say, twice in turns, and prints the shorter time of each.
pub(super) fn time(
    samples: &[Sample],
    work: &Work,
    args: &ExtractArgs,
    output: &Output,
) -> Result<ExitStatus, Refusal> {
    let timed = |mode: AnyMode| -> Result<(Duration, Outcome<Row, String>), Refusal> {
        let begun = Instant::now();
        let outcome = job(samples, mode, args).shared(work).worker_state(Extractor::new).try_run(row);
        let outcome = outcome.map_err(|error| error.to_string())?;
        Ok((begun.elapsed(), outcome))
    };
    let (mut serial_time, mut parallel_time, mut workers, mut n_failed) = (Duration::MAX, Duration::MAX, 0, 0);
    for _ in 0..2 {
        let (one, many) = (timed(AnyMode::Serial)?, timed(args.mode)?);
        (serial_time, parallel_time) = (serial_time.min(one.0), parallel_time.min(many.0));
        (workers, n_failed) = (many.1.tally().workers, many.1.failures().len());
        for failure in one.1.failures().iter().filter(|_| parallel_time == Duration::MAX) {
            output.warning(failure);
        }
    }
    let speed_up = serial_time.as_secs_f64() / parallel_time.as_secs_f64();
    output.json(
        &serde_json::json!({
            "operation": "extract --test",
            "samples": samples.len(),
            "failed": n_failed,
            "serial_seconds": serial_time.as_secs_f64(),
            "parallel_seconds": parallel_time.as_secs_f64(),
            "speed_up": speed_up,
            "workers": workers,
        })
        .to_string(),
    );
    output.result(&format!(
        "{} samples, {n_failed} failed\nserial   {:.3} s\n{:<8} {:.3} s with {workers} workers, their start included\n\
         speed-up {speed_up:.2}{}",
        samples.len(),
        serial_time.as_secs_f64(),
        args.mode.to_string(),
        parallel_time.as_secs_f64(),
        if speed_up < 1.0 { ": not worth it for so few" } else { "" },
    ));
    Ok(if n_failed == 0 { ExitStatus::Done } else { ExitStatus::Incomplete })
}
