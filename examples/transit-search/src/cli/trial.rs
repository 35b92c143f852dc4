//! `extract --test N`: is it worth it to work in parallel here?

use std::time::{Duration, Instant};

use manyhands::{AnyMode, Outcome};
use transit_search::Extraction;

use super::args::ExtractArgs;
use super::extract::{Row, job, row};
use super::samples::Sample;
use super::{Ending, Refusal, tell, tell_error};

/// Works on the samples one after the other and then as the flags say, twice in turns, and tells the shorter time of each.
pub(super) fn time(samples: &[Sample], extraction: &Extraction, args: &ExtractArgs) -> Result<Ending, Refusal> {
    let timed = |mode: AnyMode| -> Result<(Duration, Outcome<Row, String>), Refusal> {
        let begun = Instant::now();
        let outcome = job(samples, mode, args).shared(extraction).try_run(row).map_err(|error| error.to_string())?;
        Ok((begun.elapsed(), outcome))
    };
    let serial: AnyMode = "serial".parse().map_err(|error| format!("{error}"))?;
    let (mut alone, mut together, mut workers, mut n_failed) = (Duration::MAX, Duration::MAX, 0, 0);
    for _ in 0..2 {
        let (one, many) = (timed(serial)?, timed(args.mode)?);
        (alone, together) = (alone.min(one.0), together.min(many.0));
        (workers, n_failed) = (many.1.tally().workers, many.1.failures().len());
        for failure in one.1.failures().iter().filter(|_| together == Duration::MAX) {
            tell_error(&format!("warning: {failure}"));
        }
    }
    let speed_up = alone.as_secs_f64() / together.as_secs_f64();
    if args.json {
        tell(
            &serde_json::json!({
                "operation": "extract --test",
                "samples": samples.len(),
                "failed": n_failed,
                "serial_seconds": alone.as_secs_f64(),
                "parallel_seconds": together.as_secs_f64(),
                "speed_up": speed_up,
                "workers": workers,
            })
            .to_string(),
        );
    } else {
        tell(&format!(
            "{} samples, {n_failed} failed\nserial   {:.3} s\n{:<8} {:.3} s with {workers} workers, their start included\n\
             speed-up {speed_up:.2}{}",
            samples.len(),
            alone.as_secs_f64(),
            args.mode.to_string(),
            together.as_secs_f64(),
            if speed_up < 1.0 { ": not worth it for so few" } else { "" },
        ));
    }
    Ok(if n_failed == 0 { Ending::Done } else { Ending::Incomplete })
}
