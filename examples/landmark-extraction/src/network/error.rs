//! Why a network cannot be built or run.

use std::fmt::Display;

/// Why a network cannot be built or run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The bytes are not a whole TensorFlow Lite file, or not of the kind that this reader takes.
    #[error("not a TensorFlow Lite file that can be used: {0}")]
    NotAModel(String),
    /// The file has an operator that has no translation.
    #[error("the operator {0} is not supported; use a file of the six that `models` names")]
    UnsupportedOperator(String),
    /// An operator or layer whose inputs do not fit it.
    #[error("{layer} does not fit its input: {reason}")]
    Shape {
        /// Which operator or layer.
        layer: String,
        /// What does not fit.
        reason: String,
    },
    /// An output that the network does not have.
    #[error("output {index} asked for, of a network that has {available}; use an index below that")]
    NoSuchOutput {
        /// The index asked for.
        index: usize,
        /// How many there are.
        available: usize,
    },
    /// An input of another length than the network takes.
    #[error("an input of {got} numbers; this network takes {expected}")]
    WrongInput {
        /// The numbers given.
        got: usize,
        /// The numbers it takes.
        expected: usize,
    },
    /// An output of another length than its use needs.
    #[error(
        "output {output} has {got} numbers where {expected} are needed; use the network that these constants belong to"
    )]
    WrongOutput {
        /// Its place among the outputs that were asked for.
        output: usize,
        /// The numbers that it has.
        got: usize,
        /// The numbers that are needed.
        expected: usize,
    },
    /// The engine refused.
    #[error("the engine cannot run this network: {0}")]
    Engine(String),
}

impl NetworkError {
    pub(super) fn shape(layer: impl Display, reason: impl Display) -> Self {
        Self::Shape { layer: layer.to_string(), reason: reason.to_string() }
    }

    pub(super) fn file(reason: impl Display) -> Self {
        Self::NotAModel(reason.to_string())
    }

    /// The engine's errors are chains; the whole chain is said.
    pub(super) fn engine(error: &tract_core::prelude::TractError) -> Self {
        Self::Engine(format!("{error:#}"))
    }
}
