//! Trigger cases: recordings that have annotations or a stimulus channel and nothing else, in which triggers are found.

use consumer_support::input::{Budget, require};
use eeg_artifact::{Annotation, Channel, ChannelKind, EegError, Pipeline, Recording, SerialExecutor, Step};
use serde_json::{Value, json};

use super::job::TriggerCase;

/// What became of the cases.
#[derive(Debug)]
pub(super) struct Found {
    /// An entry per case, in order: the triggers, or the error.
    pub(super) entries: Value,
    /// The cases that ask for what cannot be done, and why. Annotations of which none matches are an answer, and not among them.
    pub(super) failed: Vec<String>,
}

/// Why a case has no triggers.
enum NoTriggers {
    /// Nothing matches.
    NoneFound(String),
    /// The case cannot be looked at.
    Refused(String),
}

/// Finds the triggers of all cases.
pub(super) fn run(cases: &[TriggerCase]) -> Found {
    let (mut entries, mut failed) = (Vec::new(), Vec::new());
    for (idx, case) in cases.iter().enumerate() {
        entries.push(found(case).unwrap_or_else(|why| match why {
            NoTriggers::NoneFound(error) => json!({ "error": error }),
            NoTriggers::Refused(error) => {
                failed.push(format!("trigger case {idx}: {error}"));
                json!({ "error": error })
            }
        }));
    }
    Found { entries: Value::Array(entries), failed }
}

fn found(case: &TriggerCase) -> Result<Value, NoTriggers> {
    let mut recording = recording(case).map_err(NoTriggers::Refused)?;
    let settings = json!({ "regex": case.regex, "source": case.source });
    let step = Step::from_json("triggers", &settings).map_err(|error| NoTriggers::Refused(error.to_string()))?;
    Pipeline::new([step]).run(&mut recording, &SerialExecutor).map_err(|error| match error {
        EegError::Triggers(_) => NoTriggers::NoneFound(error.to_string()),
        _ => NoTriggers::Refused(error.to_string()),
    })?;
    let triggers = recording.info().triggers.as_ref();
    Ok(json!({
        "triggers": triggers.map(|triggers| &triggers.samples),
        "artifact_length": triggers.and_then(|triggers| triggers.artifact_length),
        "volume_gaps": triggers.is_some_and(|triggers| triggers.volume_gaps),
        "slices_per_volume": triggers.and_then(|triggers| triggers.slices_per_volume),
    }))
}

fn recording(case: &TriggerCase) -> Result<Recording, String> {
    let has_annotations = case.onsets_s.is_some() || case.descriptions.is_some();
    let way_out = "run the case on a part of the recording";
    require(case.n_times as u64, Budget::STANDARD.values, || "n_times", way_out).map_err(|over| over.to_string())?;
    let (kind, row) = match case.source.as_str() {
        "stim" if has_annotations => return Err("source is stim, which has no onsets_s and descriptions".to_owned()),
        "annotations" if case.value_changes_at.is_some() => {
            return Err("source is annotations, which have no value_changes_at".to_owned());
        }
        "stim" => (ChannelKind::Stim, stimulus(case)?),
        "annotations" => (ChannelKind::Eeg, vec![0.0; case.n_times]),
        other => return Err(format!("source is {other:?}; it must be stim or annotations")),
    };
    let recording = Recording::new(case.sfreq, vec![Channel::new("STI", kind)], vec![row]);
    let mut recording = recording.map_err(|error| error.to_string())?;
    recording.info_mut().annotations = annotations(case)?;
    Ok(recording)
}

/// The channel that has each value from its sample on.
fn stimulus(case: &TriggerCase) -> Result<Vec<f64>, String> {
    let mut row = vec![0.0; case.n_times];
    for (sample, value) in case.value_changes_at.iter().flatten() {
        let rest = row.get_mut(*sample..).filter(|rest| !rest.is_empty()).ok_or_else(|| {
            format!("a value changes at sample {sample}, and the recording has {} samples", case.n_times)
        })?;
        rest.fill(*value);
    }
    Ok(row)
}

fn annotations(case: &TriggerCase) -> Result<Vec<Annotation>, String> {
    let (onsets, descriptions) = (case.onsets_s.as_deref(), case.descriptions.as_deref());
    let (onsets, descriptions) = (onsets.unwrap_or_default(), descriptions.unwrap_or_default());
    if onsets.len() != descriptions.len() {
        return Err(format!("{} onsets_s and {} descriptions", onsets.len(), descriptions.len()));
    }
    let annotation = |(onset_s, description): (&f64, &String)| Annotation {
        onset_s: *onset_s,
        duration_s: 0.0,
        description: description.clone(),
    };
    Ok(onsets.iter().zip(descriptions).map(annotation).collect())
}
