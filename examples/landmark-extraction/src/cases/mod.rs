//! Files that list pictures or network inputs to run, and the files that the answers go to.
//!
//! A file says its `kind`: `landmark_cases` has pictures, each with tasks (`face`, `hand` or `pose`, and how many at most), `tensor_cases`
//! has inputs of single networks. Paths in it start at its folder. Other fields are ignored, so that a file with expected answers can be
//! run. The answers are one `results.json` in the same shape, and the numbers as `.f32` files (little-endian binary32, row by row, no
//! header). A case that fails is named with its reason, and the others go on.
//!
//! [`run_file`] does all of that, one case after the other. [`CasesFile`], [`CaseRunner`] and [`CasesFile::write_results`] are its parts,
//! for a program that runs the cases on several workers.

mod inputs;
mod picture_case;
mod tensor_case;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use consumer_support::input::{Budget, InputError, read_whole};
use manyhands::report::write_atomically;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use picture_case::{DetectionAnswer, HandAnswer, PictureAnswer, PictureCase, TaskAnswer, TaskCase};
pub use tensor_case::{InputAnswer, InputCase, OutputAnswer, OutputCase, TensorAnswer, TensorCase};

use crate::extractor::ExtractOptions;
use crate::models::{ModelError, ModelSource, Models};

/// The file of answers in the folder that they go to.
pub const RESULTS: &str = "results.json";

/// Why a file of cases cannot be run at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CasesError {
    /// The file cannot be read.
    #[error("{}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: InputError,
    },
    /// The file is no list of cases.
    #[error("{}: is no list of cases: {cause}; give JSON with `kind` (landmark_cases or tensor_cases) and `cases`", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        cause: serde_json::Error,
    },
    /// A case's name cannot be part of a file name, or is there twice.
    #[error("case {id:?}: {reason}; give each case a name of its own, of letters, digits, '.', '-' and '_'")]
    Name {
        /// The name.
        id: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Cases of single networks were given without a folder of model files.
    #[error("cases of single networks need the files of these networks; say where they are with --models DIR")]
    NoModelFiles,
    /// The models cannot be loaded.
    #[error(transparent)]
    Models(#[from] ModelError),
    /// The folder for the answers cannot be made.
    #[error("{}: cannot be made or used as a folder: {cause}; choose another for --out", path.display())]
    OutFolder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The answers cannot be written.
    #[error("{}: cannot be written: {cause}; check the free space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
}

/// A list of cases, and the folder that paths in it start at.
#[derive(Clone, Debug, PartialEq)]
pub struct CasesFile {
    folder: PathBuf,
    cases: Cases,
}

/// The cases of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Cases {
    #[serde(rename = "landmark_cases")]
    Landmark { cases: Vec<PictureCase> },
    #[serde(rename = "tensor_cases")]
    Tensor { cases: Vec<TensorCase> },
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Case {
    /// A picture.
    Picture(PictureCase),
    /// An input of one network.
    Tensor(TensorCase),
}

/// What came out of a case. Its numbers are in files beside the results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// The case's name.
    pub id: String,
    /// The answer, or why there is none.
    pub outcome: Result<CaseAnswer, String>,
}

/// The answer to a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CaseAnswer {
    /// What was found in a picture.
    Picture(PictureAnswer),
    /// What a network gave.
    Tensor(TensorAnswer),
}

/// How a file of cases went.
#[derive(Clone, Debug, PartialEq)]
pub struct RunReport {
    /// Cases with an answer.
    pub succeeded: usize,
    /// Names of the others, with the reason.
    pub failed: Vec<(String, String)>,
    /// The file of answers.
    pub results: PathBuf,
}

/// Runs cases: models, the folder that paths start at, and the folder that answers go to. Clones share the weights.
#[derive(Clone, Debug)]
pub struct CaseRunner {
    folder: PathBuf,
    out: PathBuf,
    source: ModelSource,
    models: Models,
}

/// Runs all cases of a file, one after the other, and writes the answers to the folder `out`, which is made.
///
/// # Errors
/// [`CasesError`] when the file, the models or the folder cannot be used at all. Cases that fail are in the report.
pub fn run_file(path: &Path, out: &Path, source: &ModelSource) -> Result<RunReport, CasesError> {
    let file = CasesFile::read(path)?;
    let runner = CaseRunner::new(&file, out, source)?;
    let results: Vec<CaseResult> = file.cases().iter().map(|case| runner.run(case)).collect();
    file.write_results(out, results)
}

impl CasesFile {
    /// Reads a file of cases.
    ///
    /// # Errors
    /// The file cannot be read, is no list of cases, or has a name that is no part of a file name or is there twice.
    pub fn read(path: &Path) -> Result<Self, CasesError> {
        let bytes = read_whole(path, Budget::STANDARD.whole_file_bytes)
            .map_err(|cause| CasesError::Read { path: path.to_owned(), cause })?;
        let cases =
            serde_json::from_slice(&bytes).map_err(|cause| CasesError::Format { path: path.to_owned(), cause })?;
        let file = Self { folder: path.parent().unwrap_or(Path::new("")).to_owned(), cases };
        check_names(&file.cases())?;
        Ok(file)
    }

    /// The cases, in the file's order.
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        match &self.cases {
            Cases::Landmark { cases } => cases.iter().cloned().map(Case::Picture).collect(),
            Cases::Tensor { cases } => cases.iter().cloned().map(Case::Tensor).collect(),
        }
    }

    /// The most of each part that a case asks for; 0 where none asks for any, so that its networks are not loaded.
    #[must_use]
    pub fn options(&self) -> ExtractOptions {
        let most = |part: &str| match &self.cases {
            Cases::Landmark { cases } => picture_case::most(cases, part),
            Cases::Tensor { .. } => 0,
        };
        ExtractOptions { max_faces: most("face"), max_hands: most("hand"), max_people: most("pose") }
    }

    /// Writes [`RESULTS`] from the results in the order of the cases.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_results(&self, out: &Path, results: Vec<CaseResult>) -> Result<RunReport, CasesError> {
        let path = out.join(RESULTS);
        let kind = match self.cases {
            Cases::Landmark { .. } => "landmark_cases",
            Cases::Tensor { .. } => "tensor_cases",
        };
        let cases: Vec<Value> = results.iter().map(CaseResult::json).collect();
        let reference = concat!("landmark-extraction ", env!("CARGO_PKG_VERSION"));
        let json = serde_json::json!({ "kind": kind, "reference": reference, "cases": cases });
        write_atomically(&path, |out| Ok(serde_json::to_writer_pretty(out, &json)?))
            .map_err(|cause| CasesError::Write { path: path.clone(), cause })?;
        let failed: Vec<_> =
            results.into_iter().filter_map(|result| Some((result.id, result.outcome.err()?))).collect();
        Ok(RunReport { succeeded: cases.len() - failed.len(), failed, results: path })
    }
}

impl CaseRunner {
    /// A runner for the cases of this file. Loads the models that they need, and makes the folder `out`.
    ///
    /// # Errors
    /// The models cannot be loaded, or the folder cannot be made.
    pub fn new(file: &CasesFile, out: &Path, source: &ModelSource) -> Result<Self, CasesError> {
        let wants_files = matches!(&file.cases, Cases::Tensor { .. });
        if wants_files && matches!(source, ModelSource::Made) {
            return Err(CasesError::NoModelFiles);
        }
        let models = if wants_files { Models::default() } else { Models::load_for(source, file.options())? };
        std::fs::create_dir_all(out).map_err(|cause| CasesError::OutFolder { path: out.to_owned(), cause })?;
        Ok(Self { folder: file.folder.clone(), out: out.to_owned(), source: source.clone(), models })
    }

    /// Runs one case and writes its numbers. Cases of one file may run in any order and at the same time.
    #[must_use]
    pub fn run(&self, case: &Case) -> CaseResult {
        let outcome = match case {
            Case::Picture(case) => case.run(self).map(CaseAnswer::Picture),
            Case::Tensor(case) => case.run(self).map(CaseAnswer::Tensor),
        };
        CaseResult { id: case.id().to_owned(), outcome }
    }

    /// Writes numbers to a file of the folder of answers.
    fn write_numbers(&self, name: &str, numbers: &[f32]) -> Result<(), String> {
        let path = self.out.join(name);
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        write_atomically(&path, |out| out.write_all(&bytes)).map_err(|error| error.to_string())
    }
}

impl Case {
    /// Its name, which is part of the names of its files.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Picture(case) => &case.id,
            Self::Tensor(case) => &case.id,
        }
    }
}

impl CaseResult {
    /// Its entry in the file of answers.
    fn json(&self) -> Value {
        match &self.outcome {
            Ok(CaseAnswer::Picture(answer)) => without_nulls(serde_json::json!(answer)),
            Ok(CaseAnswer::Tensor(answer)) => without_nulls(serde_json::json!(answer)),
            Err(error) => serde_json::json!({ "id": self.id, "error": error }),
        }
    }
}

/// The same without fields that have no value. The answers themselves keep them, so that they can travel in formats that need each field.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

fn check_names(cases: &[Case]) -> Result<(), CasesError> {
    let mut taken = BTreeSet::new();
    for case in cases {
        let id = case.id();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let reason = if id.is_empty() || id.starts_with('.') || !id.bytes().all(is_plain) {
            "is no part of a file name"
        } else if !taken.insert(id) {
            "is there twice"
        } else {
            continue;
        };
        return Err(CasesError::Name { id: id.to_owned(), reason });
    }
    Ok(())
}

/// The SHA-256 of bytes, as text.
fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_travel_in_a_format_that_names_no_fields_and_are_written_without_the_absent_ones() {
        let task = TaskAnswer {
            task: "hand".to_owned(),
            max: 2,
            detections: Vec::new(),
            rois: vec![[0.1, 0.2, 0.3, 0.4, 0.5]],
            presence: vec![0.25],
            found: 0,
            handedness: Some(Vec::new()),
            landmarks: None,
            shape: None,
            roi_side_px: vec![12.5],
        };
        let answer = PictureAnswer {
            id: "a".to_owned(),
            picture: "a.png".to_owned(),
            width: 4,
            height: 3,
            rgb_sha256: sha256(b"abc"),
            tasks: vec![task],
        };
        let result = CaseResult { id: "a".to_owned(), outcome: Ok(CaseAnswer::Picture(answer)) };
        let bytes = postcard::to_allocvec(&result).unwrap();
        assert_eq!(postcard::from_bytes::<CaseResult>(&bytes).unwrap(), result);
        let json = result.json();
        assert_eq!(json["rgb_sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let task = &json["tasks"][0];
        assert!(task.get("landmarks").is_none() && task.get("shape").is_none());
        assert_eq!(task["handedness"], serde_json::json!([]));
    }
}
