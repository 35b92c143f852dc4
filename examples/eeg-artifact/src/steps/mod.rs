//! The steps of this crate: their settings, what they need, and how they process a channel. Each file is one step or one family.

mod aas;
mod about;
mod aligner;
mod anc;
mod crop;
mod epochs;
mod filters;
mod finite;
mod obs;
mod pca;
mod resample;
mod sample_checks;
mod trigger_detection;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use aas::Aas;
pub use about::{ParameterAbout, StepAbout};
pub use aligner::Aligner;
pub use anc::{Anc, AncVariant};
pub use crop::{Crop, Cut};
pub use filters::{Bandpass, Highpass, Lowpass, Notch};
pub use obs::Obs;
pub use pca::{Components, Pca};
pub use resample::{ChannelChoice, Downsample, Upsample};
pub use trigger_detection::{
    TriggerDetection, TriggerSource, events_of_stimulus_channel, triggers_from_annotations, triggers_from_value_changes,
};

use about::Described;

use crate::{EegError, EegResult};

/// The enum of all steps, and what it passes on to the step that it holds.
macro_rules! steps {
    ($($(#[$about:meta])* $name:literal $variant:ident,)*) => {
        /// A step of this crate: its name in pipelines, and its settings.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Step {
            $($(#[$about])* #[serde(rename = $name)] $variant($variant),)*
        }

        /// All steps, as `eeg-artifact steps` lists them.
        #[must_use]
        pub fn all_steps() -> Vec<StepAbout> {
            vec![$($variant::ABOUT),*]
        }

        fn parse(name: &str, settings: &Value) -> Option<Result<Step, serde_json::Error>> {
            match name {
                $($name => Some($variant::deserialize(settings).map(Step::$variant)),)*
                _ => None,
            }
        }

        crate::processor::processor_of_variants!(Step: $($variant),*);
    };
}

steps! {
    /// Finds triggers in a stimulus channel or in annotations.
    "triggers" TriggerDetection,
    /// Moves triggers to where the artifact looks alike.
    "aligner" Aligner,
    /// Averaged artifact subtraction.
    "aas" Aas,
    /// Optimal basis set.
    "obs" Obs,
    /// Principal components, for parity with the reference.
    "pca" Pca,
    /// Adaptive noise cancellation.
    "anc" Anc,
    /// High-pass filter.
    "highpass" Highpass,
    /// Low-pass filter.
    "lowpass" Lowpass,
    /// Band-pass filter.
    "bandpass" Bandpass,
    /// Notch filter.
    "notch" Notch,
    /// More samples per second.
    "upsample" Upsample,
    /// Fewer samples per second.
    "downsample" Downsample,
    /// Keeps a stretch of time.
    "crop" Crop,
    /// Keeps the time of the scan.
    "cut" Cut,
}

impl Step {
    /// The step of this name with these settings, an object; those that are not named have their usual values.
    ///
    /// # Errors
    /// [`EegError::UnknownStep`] and [`EegError::UnknownParameter`], with the name that is most alike; [`EegError::Parameter`] for a value
    /// of the wrong kind or one that is missing.
    ///
    /// ```
    /// use eeg_artifact::Step;
    /// use serde_json::json;
    ///
    /// let error = Step::from_json("highpas", &json!({ "freq": 1.0 })).unwrap_err();
    /// assert_eq!(error.to_string(), "there is no step \"highpas\"; did you mean \"highpass\"?");
    /// ```
    pub fn from_json(name: &str, settings: &Value) -> EegResult<Self> {
        let Some(about) = all_steps().into_iter().find(|about| about.name == name) else {
            let nearest = nearest(name, all_steps().iter().map(|about| about.name));
            return Err(EegError::UnknownStep { name: name.to_owned(), nearest });
        };
        let empty = Value::Object(Map::new());
        let settings = if settings.is_null() { &empty } else { settings };
        let Value::Object(given) = settings else {
            let reason = "it must be an object of parameters, such as {\"freq\": 1.0}";
            return Err(EegError::parameter(name, "settings", settings, reason));
        };
        if let Some(unknown) = given.keys().find(|key| about.parameters.iter().all(|known| known.name != **key)) {
            return Err(unknown_parameter(&about, unknown));
        }
        if let Some(missing) =
            about.parameters.iter().find(|known| known.usual.is_none() && !given.contains_key(known.name))
        {
            let reason = format!("it must be given: {}", missing.about);
            return Err(EegError::parameter(name, missing.name, "nothing", reason));
        }
        match parse(name, settings) {
            Some(parsed) => parsed.map_err(|error| wrong_value(&about, given, &error)),
            None => Err(EegError::UnknownStep { name: name.to_owned(), nearest: None }),
        }
    }
}

impl Step {
    /// The step of an entry with one name, as pipelines have them: `{"highpass": {"freq": 1}}`.
    ///
    /// # Errors
    /// [`EegError::Parameter`] for an entry that has no name or several; else as for [`Step::from_json`].
    pub fn from_entry(entry: &Map<String, Value>) -> EegResult<Self> {
        let mut entries = entry.iter();
        match (entries.next(), entries.next()) {
            (Some((name, settings)), None) => Self::from_json(name, settings),
            _ => {
                let names = entry.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                let reason = "a step must have one name, such as {\"highpass\": {\"freq\": 1}}";
                Err(EegError::parameter("of a pipeline", "names", format!("[{names}]"), reason))
            }
        }
    }

    /// Gives each file that the step names the path that `resolve` makes of it, such as one as seen from a job description.
    pub fn resolve_files(&mut self, mut resolve: impl FnMut(&Path) -> PathBuf) {
        if let Self::Anc(Anc { highpass_taps: Some(file), .. }) = self {
            *file = resolve(file);
        }
    }
}

fn unknown_parameter(about: &StepAbout, name: &str) -> EegError {
    let names: Vec<&str> = about.parameters.iter().map(|known| known.name).collect();
    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let nearest = nearest(name, names.into_iter());
    EegError::UnknownParameter { step: about.name.to_owned(), name: name.to_owned(), nearest, known }
}

/// Finds the parameter whose value does not parse, so that the message names it: parameters are parsed in their order, and what is missing
/// is noticed only after all of them. So it is the first one with which those before it end in another error than a missing one.
fn wrong_value(about: &StepAbout, given: &Map<String, Value>, error: &serde_json::Error) -> EegError {
    let mut so_far = Map::new();
    for (key, value) in given {
        so_far.insert(key.clone(), value.clone());
        match parse(about.name, &Value::Object(so_far.clone())) {
            Some(Err(error)) if !error.to_string().starts_with("missing field") => {
                return EegError::parameter(about.name, key, value, without_type_names(&error));
            }
            _ => {}
        }
    }
    EegError::parameter(about.name, "settings", Value::Object(given.clone()), without_type_names(error))
}

/// What was expected, in words that do not need Rust.
fn without_type_names(error: &serde_json::Error) -> String {
    const WORDS: [(&str, &str); 5] = [
        ("expected usize", "expected a whole number, 0 or more"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected i64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected a boolean", "expected true or false"),
    ];
    WORDS.iter().fold(error.to_string(), |text, (name, words)| text.replace(name, words))
}

/// The name that is most alike, if one is alike at all.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    const ALIKE: f64 = 0.6;
    let scored = known.map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= ALIKE).then(|| best.1.to_owned())
}
