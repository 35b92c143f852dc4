//! A neural network, ready to run.

/// Why a network cannot be built or run.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NetworkError(String);

/// A neural network with its weights. Clones share them, and several threads may run one at once.
#[derive(Clone, Debug)]
pub struct Network {
    input_size: usize,
}

impl Network {
    /// The network of a TensorFlow Lite file; `outputs` are the indices of those that [`run`](Self::run) gives, in that order.
    ///
    /// # Errors
    /// Bytes that are no such file, or an operator that is not supported.
    pub fn from_tflite(bytes: &[u8], outputs: &[usize]) -> Result<Self, NetworkError> {
        let _ = (bytes, outputs);
        Err(NetworkError("(skeleton)".to_owned()))
    }

    /// The side of the square that it takes.
    #[must_use]
    pub fn input_size(&self) -> usize {
        self.input_size
    }

    /// Runs it on one square: `input_size * input_size * 3` numbers, row by row, R G B. Gives each output's numbers.
    ///
    /// # Errors
    /// Another number of inputs.
    pub fn run(&self, input: &[f32]) -> Result<Vec<Vec<f32>>, NetworkError> {
        let _ = input;
        Err(NetworkError("(skeleton)".to_owned()))
    }
}

impl NetworkError {
    /// An output of another length than its use needs.
    pub(crate) fn wrong_output(output: usize, given: usize, expected: usize) -> Self {
        Self(format!(
            "output {output} has {given} numbers where {expected} are needed; use the network that these constants belong to"
        ))
    }
}
