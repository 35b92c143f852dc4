//! A network with one input.

use serde::{Deserialize, Serialize};

use super::{CaseRunner, inputs, sha256};
use crate::models::{ModelSource, files};
use crate::network::Network;
use crate::picture::{Range, to_input};

/// A network, an input, and which outputs are wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorCase {
    /// Its name.
    pub id: String,
    /// The network's file.
    pub model: String,
    /// The input.
    pub input: InputCase,
    /// The outputs.
    pub outputs: Vec<OutputCase>,
}

/// How an input is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputCase {
    /// Pixels of its side.
    pub size: usize,
    /// What the byte 0 becomes.
    pub lo: f32,
    /// What the byte 255 becomes.
    pub hi: f32,
    /// `blocks` (with `seed`), `wave` or `png` (with `file`).
    pub generator: String,
    /// Where the random numbers of blocks begin.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The picture.
    #[serde(default)]
    pub file: Option<String>,
}

/// An output that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputCase {
    /// Which one, in the file's order.
    pub index: usize,
    /// Every so many numbers are in the answer itself.
    #[serde(default)]
    pub every: Option<usize>,
}

/// What a network gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorAnswer {
    /// The case's name.
    pub id: String,
    /// The network's file.
    pub model: String,
    /// The input.
    pub input: InputAnswer,
    /// The outputs in the case's order.
    pub outputs: Vec<OutputAnswer>,
}

/// An input, as far as it can be recognised by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputAnswer {
    /// Pixels of its side.
    pub size: usize,
    /// `blocks`, `wave` or `png`.
    pub generator: String,
    /// The hash of its bytes.
    pub u8_sha256: String,
    /// The first eight numbers.
    pub first8: Vec<f32>,
}

/// An output, and numbers that sum it up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputAnswer {
    /// Which one, in the file's order.
    pub index: usize,
    /// How many numbers it has.
    pub length: usize,
    /// The smallest one.
    pub min: f32,
    /// The largest one.
    pub max: f32,
    /// The sum of all, in binary64.
    pub sum: f64,
    /// The sum of all without their signs, in binary64.
    pub sum_abs: f64,
    /// Where the largest one is, the first of equals.
    pub argmax: usize,
    /// The file with all of them.
    pub file: String,
    /// The distance between two numbers of `values`.
    pub every: Option<usize>,
    /// Every so many numbers, from the first on.
    pub values: Option<Vec<f32>>,
}

impl TensorCase {
    pub(super) fn run(&self, runner: &CaseRunner) -> Result<TensorAnswer, String> {
        let network = self.network(runner)?;
        if network.input_size() != self.input.size {
            let (takes, given) = (network.input_size(), self.input.size);
            return Err(format!(
                "{} takes squares of {takes} pixels, not of {given}; give an input of this size",
                self.model
            ));
        }
        let bytes = self.input.bytes(runner)?;
        let input = to_input(&bytes, Range { low: self.input.lo, high: self.input.hi });
        let outputs = network.run(&input).map_err(|error| error.to_string())?;
        let outputs = self.outputs.iter().zip(&outputs).map(|(wanted, numbers)| self.output(wanted, numbers, runner));
        Ok(TensorAnswer {
            id: self.id.clone(),
            model: self.model.clone(),
            input: InputAnswer {
                size: self.input.size,
                generator: self.input.generator.clone(),
                u8_sha256: sha256(&bytes),
                first8: input.iter().copied().take(8).collect(),
            },
            outputs: outputs.collect::<Result<_, _>>()?,
        })
    }

    fn network(&self, runner: &CaseRunner) -> Result<Network, String> {
        let ModelSource::Folder(folder) = &runner.source else {
            return Err("the models that the program carries have no files; give --models DIR".to_owned());
        };
        let bytes = files::read(folder, &self.model).map_err(|error| error.to_string())?;
        let outputs: Vec<usize> = self.outputs.iter().map(|output| output.index).collect();
        Network::from_tflite(&bytes, &outputs).map_err(|error| format!("{}: {error}", self.model))
    }

    fn output(&self, wanted: &OutputCase, numbers: &[f32], runner: &CaseRunner) -> Result<OutputAnswer, String> {
        let file = format!("{}.{}.f32", self.id, wanted.index);
        runner.write_numbers(&file, numbers)?;
        let largest = (0..numbers.len()).reduce(|best, idx| if numbers[idx] > numbers[best] { idx } else { best });
        let argmax = largest.unwrap_or(0);
        Ok(OutputAnswer {
            index: wanted.index,
            length: numbers.len(),
            min: numbers.iter().copied().fold(f32::INFINITY, f32::min),
            max: numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            sum: numbers.iter().map(|&number| f64::from(number)).sum(),
            sum_abs: numbers.iter().map(|&number| f64::from(number).abs()).sum(),
            argmax,
            file,
            every: wanted.every,
            values: wanted.every.map(|every| numbers.iter().copied().step_by(every.max(1)).collect()),
        })
    }
}

impl InputCase {
    /// The bytes R G B, row by row.
    fn bytes(&self, runner: &CaseRunner) -> Result<Vec<u8>, String> {
        match self.generator.as_str() {
            "blocks" => Ok(inputs::blocks(self.size, self.seed.unwrap_or(0))),
            "wave" => Ok(inputs::wave(self.size)),
            "png" => {
                let file = self.file.as_ref().ok_or("an input of kind png has no `file`; say which one")?;
                inputs::png(&runner.folder.join(file), self.size).map_err(|error| format!("{file}: {error}"))
            }
            other => Err(format!("an input of kind {other:?} is none of blocks, wave and png; give one of these")),
        }
    }
}
