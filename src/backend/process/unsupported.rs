//! The process backend on systems without worker processes: a call is an error that says so.
//!
//! A program that uses [`Processes`](crate::Processes) compiles everywhere, and `init` may stay in its `main`. The same
//! holds under a model checker, which has no processes to schedule.

use std::io;

use serde::{Deserialize, Serialize};

use crate::backend::contract::{BackendError, BackendStats, Output, ReportSink, RunContext};
use crate::backend::process::limits::Limits;
use crate::backend::task::Task;

/// Refuses the call.
pub(super) fn run<T, K: Task<T>>(
    _limits: &Limits,
    _context: &RunContext<'_, T, K>,
    _output: Output<'_, K::Output>,
    _gather: &mut ReportSink<'_, K::Output, K::Error>,
) -> Result<BackendStats, BackendError> {
    Err(BackendError::Unsupported("worker processes are not supported on this system yet; use Threads".to_owned()))
}

/// There are no idle workers.
pub(super) fn end_idle_workers() -> usize {
    0
}

/// No copy of this program is ever started as a worker.
pub(super) fn become_worker() {}

/// A function, as it would travel.
///
/// It has no values, so the compiler knows that the methods that need one are never called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FunctionName {}

impl FunctionName {
    /// Functions do not travel here.
    pub(crate) fn of(_function: *const (), _fingerprint: u64) -> io::Result<Self> {
        let text = "functions do not travel between processes on this system yet";
        Err(io::Error::new(io::ErrorKind::Unsupported, text))
    }

    /// There is no value of this type.
    pub(crate) fn place(&self) -> Result<*const (), String> {
        match *self {}
    }

    /// There is no value of this type.
    pub(crate) fn has_fingerprint(&self, _found: u64) -> bool {
        match *self {}
    }
}

/// Fingerprints are never compared here.
pub(crate) fn fingerprint<K: ?Sized>() -> u64 {
    0
}
