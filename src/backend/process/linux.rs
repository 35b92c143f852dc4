//! The process backend where there are memfd, pidfd and a signal at the parent's death.

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use super::child::end_idle_workers;
pub(crate) use super::memory::{Block, BlockId};
use super::supervisor;
pub(crate) use super::wire::attachments::{find, is_unpacking, pack};
pub(crate) use super::wire::function::{FunctionName, fingerprint};
use super::worker::startup;
pub(crate) use super::worker::startup::become_worker;

use crate::backend::process::processes::Limits;
use crate::backend::task::Task;
use crate::backend::threads::{self, COMPUTING};
use crate::backend::{BackendError, BackendStats, Output, ReportSink, RunContext};

/// Runs all positions in worker processes; in a worker, on its threads.
pub(crate) fn run<T, K>(
    limits: &Limits,
    context: &RunContext<'_, T, K>,
    output: Output<'_, K::Output>,
    gather: &mut ReportSink<'_, K::Output, K::Error>,
) -> Result<BackendStats, BackendError>
where
    T: Sync + Serialize + DeserializeOwned,
    K: Task<T> + Sync,
    K::Shared: Serialize + DeserializeOwned,
    K::Output: Send + Serialize + DeserializeOwned,
    K::Error: Send + Serialize + DeserializeOwned,
{
    match startup::role()? {
        startup::Role::Worker => threads::run(&COMPUTING, context.budget.computing, context, output, gather),
        startup::Role::Caller if context.plan.n_items == 0 => Ok(BackendStats::default()),
        startup::Role::Caller => supervisor::run(limits, context, output, gather),
    }
}
