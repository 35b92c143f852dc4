//! `steps`: every step, its parameters, and whether its channels are processed in parallel.

use consumer_support::{ExitStatus, Output};
use eeg_artifact::steps::{StepAbout, all_steps};
use serde_json::{Value, json};

use super::Refusal;

/// Lists the steps.
pub(super) fn steps(output: &Output) -> Result<ExitStatus, Refusal> {
    let all = all_steps();
    output.result(&all.iter().map(text).collect::<Vec<String>>().join("\n\n"));
    output.json(&Value::Array(all.iter().map(as_json).collect()).to_string());
    Ok(ExitStatus::Done)
}

fn text(step: &StepAbout) -> String {
    let kind = if step.parallel_safe { "channel by channel, in parallel" } else { "on the whole recording, once" };
    let mut lines = vec![format!("{}: {} Works {kind}.", step.name, step.about)];
    lines.extend(step.parameters.iter().map(|parameter| {
        let default = parameter.usual.map_or_else(|| "required".to_owned(), |usual| format!("default: {usual}"));
        format!("    {:<26} {} [{default}]", parameter.name, parameter.about)
    }));
    lines.join("\n")
}

fn as_json(step: &StepAbout) -> Value {
    let parameters = step
        .parameters
        .iter()
        .map(|parameter| json!({ "name": parameter.name, "default": parameter.usual, "about": parameter.about }));
    json!({
        "name": step.name,
        "about": step.about,
        "parallel_safe": step.parallel_safe,
        "parameters": parameters.collect::<Vec<Value>>(),
    })
}
