//! One column: its description, its outliers by three rules, and its quality.

use serde_json::{Map, Value, json};
use signal_batch::stats::{self, Description};

use super::super::case::{Case, number};

/// The thresholds of a case that names none.
const IQR_THRESHOLDS: [f64; 5] = [2.0, 2.5, 3.0, 4.5, 6.0];
const Z_THRESHOLDS: [f64; 3] = [2.0, 2.5, 3.0];
/// The cutoff of Iglewicz and Hoaglin for the modified z-score.
const MODIFIED_Z_CUTOFF: f64 = 3.5;

/// `stats`, `exact`, `mad`, and the outliers by the IQR, z and modified z rules.
///
/// # Errors
/// A message that names the field.
pub(super) fn describe_outliers(case: &Case) -> Result<Value, String> {
    let values = case.numbers("input")?;
    let iqr = thresholds(case, "iqr_thresholds", &IQR_THRESHOLDS)?;
    let z = thresholds(case, "z_thresholds", &Z_THRESHOLDS)?;
    let described = stats::describe(&values);
    Ok(json!({
        "stats": description(&described),
        "exact": {
            "mean": number(described.mean),
            "std": number(described.std),
            "std_pop": number(described.std_pop),
        },
        "iqr_outlier_indices": by_threshold(&iqr, |threshold| stats::iqr_outliers(&values, threshold)),
        "z_outlier_indices": by_threshold(&z, |threshold| stats::z_outliers(&values, threshold)),
        "mad": number(stats::mad(&values)),
        "modified_z_outlier_indices_3.5": stats::modified_z_outliers(&values, MODIFIED_Z_CUTOFF),
    }))
}

/// The eight statistics by name.
pub(super) fn description(described: &Description) -> Map<String, Value> {
    let Description { mean, std, min, max, median, q25, q75, .. } = *described;
    let values =
        [("mean", mean), ("std", std), ("min", min), ("max", max), ("median", median), ("q25", q25), ("q75", q75)];
    let mut object: Map<String, Value> =
        values.into_iter().map(|(name, value)| (name.to_owned(), number(value))).collect();
    object.insert("count".to_owned(), json!(described.count));
    object
}

/// `expect`: the shares and counts of quality.
///
/// # Errors
/// A message that names the field.
pub(super) fn quality(case: &Case) -> Result<Value, String> {
    let (amplitude, snr_db) = (case.numbers("amplitude")?, case.numbers("snr_db")?);
    let quality = stats::quality(&amplitude, &snr_db);
    Ok(json!({
        "z_outliers": stats::z_outliers(&amplitude, 3.0),
        "expect": {
            "total_files": quality.total_files,
            "valid_files": quality.valid_files,
            "quality_rate": number(quality.quality_rate),
            "mean_snr": number(quality.mean_snr),
            "high_quality_count": quality.high_quality_count,
            "low_quality_count": quality.low_quality_count,
            "consistency_percent": number(quality.consistency_percent),
        },
    }))
}

/// The thresholds of the case, or the usual ones where it has none. They name the answers, so each is finite.
fn thresholds(case: &Case, name: &str, usual: &[f64]) -> Result<Vec<f64>, String> {
    if case.optional(name).is_none() {
        return Ok(usual.to_vec());
    }
    let given = case.numbers(name)?;
    match given.iter().position(|threshold| !(threshold.is_finite() && *threshold >= 0.0)) {
        Some(at) => Err(format!("{name}[{at}] is {}; give a number of at least 0", number(given[at]))),
        None => Ok(given),
    }
}

/// The outliers at each threshold, under its text with a decimal point, such as `3.0`.
fn by_threshold(thresholds: &[f64], outliers: impl Fn(f64) -> Vec<usize>) -> Map<String, Value> {
    thresholds.iter().map(|threshold| (format!("{threshold:?}"), json!(outliers(*threshold)))).collect()
}
