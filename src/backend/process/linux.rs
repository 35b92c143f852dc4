//! The process backend where the system has memfd, pidfd, and a signal at the parent's death.
//!
//! The way in for both sides: `become_worker` begins a worker, `run` a call, and `role` decides between them.

pub(super) use crate::backend::process::child::idle::end_idle_workers;
pub(crate) use crate::backend::process::wire::function::{FunctionName, fingerprint};
pub(super) use crate::backend::process::worker::startup::become_worker;

use crate::backend::contract::{BackendError, BackendStats, Output, ReportSink, RunContext};
use crate::backend::process::limits::Limits;
use crate::backend::process::serde_task::{SerdeTask, Travels};
use crate::backend::process::supervisor;
use crate::backend::process::surroundings::Surroundings;
use crate::backend::process::worker::startup::{Role, role};
use crate::backend::threads::{self, COMPUTING};

/// Runs all positions in worker processes; a call that is made in a worker, on that worker's threads.
///
/// Processes do not nest: the workers of workers would multiply. A call without items starts nothing, and returns
/// before it looks at its shared value.
///
/// # Errors
/// When `init` was not called, the program has rights that its workers must not have, workers cannot be started and there
/// is no result yet, or a worker refuses the call. A destructor that panics in a worker is no error: it is in the
/// statistics.
pub(super) fn run<T, K>(
    limits: &Limits,
    context: &RunContext<'_, T, K>,
    output: Output<'_, K::Output>,
    sink: &mut ReportSink<'_, K::Output, K::Error>,
) -> Result<BackendStats, BackendError>
where
    T: Travels + Sync,
    K: SerdeTask<T, Output: Send, Error: Send> + Sync,
{
    match role()? {
        Role::Worker => threads::run(&COMPUTING, context.budget.computing, context, output, sink),
        Role::Caller if context.plan.n_items == 0 => Ok(BackendStats::default()),
        Role::Caller => {
            let surroundings = Surroundings::now();
            surroundings.check_rights().map_err(BackendError::Unsupported)?;
            supervisor::run(limits, context, output, sink, surroundings)
        }
    }
}
