//! Steps from flags (`--step aas:window_size=30`) and from a file (`pipeline.toml`).

use std::path::Path;

use consumer_support::input::{Budget, read_whole};
use eeg_artifact::{Info, Step};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Refusal;
use super::args::PipelineArgs;

/// The steps where none are given: the pipeline that most recordings need.
pub(super) const USUAL: [&str; 3] = ["highpass:freq=1", "aas", "lowpass:freq=70"];

/// A pipeline, and what the recording must be told before it runs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PipelineChoice {
    pub(super) steps: Vec<Step>,
    pub(super) offset_s: Option<f64>,
    pub(super) upsampling_factor: Option<usize>,
}

/// A pipeline as a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PipelineFile {
    steps: Vec<Map<String, Value>>,
    offset_s: Option<f64>,
    upsampling_factor: Option<usize>,
}

impl PipelineChoice {
    /// The steps of the flags, of the file, or else the usual ones. `triggers`, where it is given, is put in front as a step that finds
    /// them. An offset of the flags outweighs that of the file.
    ///
    /// # Errors
    /// A message that names the flag, the step or the parameter, with the nearest name.
    pub(super) fn of(args: &PipelineArgs, usual: &[&str], triggers: Option<&str>) -> Result<Self, Refusal> {
        let mut choice = match &args.pipeline {
            Some(file) => Self::read(file)?,
            None if args.steps.is_empty() => Self::of_flags(usual)?,
            None => Self::of_flags(&args.steps)?,
        };
        choice.offset_s = args.offset.or(choice.offset_s);
        if let Some(regex) = triggers {
            let settings = serde_json::json!({ "regex": regex });
            choice.steps.insert(0, Step::from_json("triggers", &settings).map_err(|error| error.to_string())?);
        }
        Ok(choice)
    }

    /// Tells the recording what the flags and the file say of its artifacts.
    pub(super) fn set_info(&self, info: &mut Info) {
        info.artifact_offset_s = self.offset_s.unwrap_or(info.artifact_offset_s);
        info.upsampling_factor = self.upsampling_factor.unwrap_or(info.upsampling_factor);
    }

    fn of_flags(steps: &[impl AsRef<str>]) -> Result<Self, Refusal> {
        let steps = steps.iter().map(|text| step(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { steps, offset_s: None, upsampling_factor: None })
    }

    fn read(path: &Path) -> Result<Self, Refusal> {
        let refuse = |why: String| format!("{}: {why}", path.display());
        let bytes = read_whole(path, Budget::STANDARD.description_bytes).map_err(|error| refuse(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| refuse(error.to_string()))?;
        let file: PipelineFile = toml::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        let beside = path.parent().unwrap_or(Path::new(""));
        let step = |entry: &Map<String, Value>| {
            let mut step = Step::from_entry(entry).map_err(|error| refuse(error.to_string()))?;
            step.resolve_files(|file| beside.join(file));
            Ok::<_, Refusal>(step)
        };
        let steps = file.steps.iter().map(step).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { steps, offset_s: file.offset_s, upsampling_factor: file.upsampling_factor })
    }
}

/// A step as a flag: `name`, `name:parameter=value,parameter=value`, or as JSON `{"name": {..}}`.
fn step(text: &str) -> Result<Step, String> {
    let refuse = |why: String| format!("--step {text:?}: {why}");
    if text.trim_start().starts_with('{') {
        let entry: Map<String, Value> = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
        return Step::from_entry(&entry).map_err(|error| refuse(error.to_string()));
    }
    let (name, settings) = text.split_once(':').unwrap_or((text, ""));
    let mut given = Map::new();
    for pair in split_outside_brackets(settings) {
        let Some((parameter, value)) = pair.split_once('=') else {
            return Err(refuse(format!("{pair:?} is not parameter=value")));
        };
        // What is no JSON is text, so that `variant=c` needs no quotes.
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        if given.insert(parameter.trim().to_owned(), value).is_some() {
            return Err(refuse(format!("{parameter:?} is given twice")));
        }
    }
    Step::from_json(name.trim(), &Value::Object(given)).map_err(|error| refuse(error.to_string()))
}

/// The parts between commas, without those inside of brackets and quotes: `freqs=[50,100],width=2` has two.
fn split_outside_brackets(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut is_quoted) = (Vec::new(), 0, 0_i32, false);
    for (idx, letter) in text.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '[' | '{' if !is_quoted => depth += 1,
            ']' | '}' if !is_quoted => depth -= 1,
            ',' if depth == 0 && !is_quoted => {
                parts.push(&text[start..idx]);
                start = idx + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_texts_are_values_of_a_flag() {
        assert_eq!(split_outside_brackets("freqs=[50,100],width=2"), ["freqs=[50,100]", "width=2"]);
        assert_eq!(split_outside_brackets(""), Vec::<&str>::new());
        let notch = step("notch:freqs=[50,100],width=2").unwrap();
        assert_eq!(notch, step(r#"{"notch": {"freqs": [50, 100], "width": 2}}"#).unwrap());
        assert!(step("anc:variant=c").is_ok());
    }

    #[test]
    fn every_command_hears_the_offset_of_the_flags() {
        let args = PipelineArgs { steps: Vec::new(), pipeline: None, triggers: None, offset: Some(-0.01) };
        assert_eq!(PipelineChoice::of(&args, &USUAL, None).unwrap().offset_s, Some(-0.01));
    }

    #[test]
    fn a_mistake_in_a_flag_names_it() {
        for (text, named) in [
            ("hipass:freq=1", "highpass"),
            ("highpass:frq=1", "freq"),
            ("highpass:freq", "parameter=value"),
            ("highpass:freq=1,freq=2", "given twice"),
            ("highpass:freq=low", "expected a number"),
            ("aas:window_size=-3", "expected a whole number, 0 or more"),
            ("highpass", "must be given"),
        ] {
            let error = step(text).unwrap_err();
            assert!(error.contains(text) && error.contains(named), "{error}");
        }
    }
}
