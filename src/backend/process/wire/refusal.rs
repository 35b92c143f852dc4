//! Why a worker stops serving: the caller is gone, or the call cannot be served.
//!
//! In the worker [`Disconnected`] ends the process with exit code 0. A [`CallRejected`] leaves the worker alive: it
//! passes over the frames of that call and serves the next one.

use std::io;

use serde::{Deserialize, Serialize};

use crate::backend::process::wire::connection::Broken;
use crate::backend::process::wire::frame::ProtocolError;

/// The caller is gone, so the worker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Disconnected;

impl From<Broken> for Disconnected {
    fn from(_: Broken) -> Self {
        Self
    }
}

impl From<ProtocolError> for Disconnected {
    fn from(_: ProtocolError) -> Self {
        Self
    }
}

impl From<io::Error> for Disconnected {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// Why a call is not served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CallRejected {
    /// The worker's state could not be made.
    State(String),
    /// The function was not found, or its shared value could not be decoded.
    Call(String),
    /// The system did not permit a limit to be set.
    Unsupported(String),
}
