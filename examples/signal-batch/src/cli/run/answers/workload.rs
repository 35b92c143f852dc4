//! The made signals: their first and last samples, and their measurements.

use serde_json::{Value, json};
use signal_batch::{Capture, Metric, measure, workload};

use super::super::case::{Case, number, numbers};

/// `first4`, `last2` and `expect`: what pins the generator, and what is measured.
///
/// # Errors
/// A message when neither the id nor `i` says which signal it is.
pub(super) fn workload(case: &Case) -> Result<Value, String> {
    let capture = made(case)?;
    let measured = measure::measure(&capture).map_err(|why| why.to_string())?;
    let samples = capture.samples();
    Ok(json!({
        "first4": numbers(&samples[..4]),
        "last2": numbers(&samples[samples.len() - 2..]),
        "expect": {
            "rms": number(measured[Metric::Rms]),
            "peak": number(measured[Metric::Peak]),
            "mean": number(measured[Metric::Mean]),
            "std": number(measured[Metric::Std]),
            "dominant_frequency": number(measured[Metric::DominantFrequency]),
            "total_power": number(measured[Metric::TotalPower]),
            "num_samples": samples.len(),
        },
    }))
}

/// The capture that `trace_007` or `signal_007` names; a field `i` counts more than the number in the id.
fn made(case: &Case) -> Result<Capture, String> {
    let id = case.text("id")?;
    let way_out = "call it trace_NNN or signal_NNN";
    let (family, number) = id.split_once('_').ok_or_else(|| format!("{id:?} names no made signal; {way_out}"))?;
    let i = match case.optional("i") {
        Some(_) => case.whole("i")?,
        None => number.parse().map_err(|_| format!("{id:?} has no number; {way_out}, or give i"))?,
    };
    match family {
        "trace" => Ok(workload::trace(i)),
        "signal" => Ok(workload::signal(i)),
        _ => Err(format!("{id:?} names no made signal; {way_out}")),
    }
}
