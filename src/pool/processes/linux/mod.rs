//! The process backend where there are memfd, pidfd and a signal at the parent's death.

mod answers;
mod begin;
mod blame;
mod block;
mod body;
mod call;
mod dismissal;
mod function;
mod hearing;
mod kept;
mod ledger;
mod link;
mod luggage;
mod parent;
mod printed;
mod room;
mod seat;
mod segment;
mod session;
mod spawner;
mod tray;
mod usual;
mod wire;
mod worker;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use begin::become_worker;
pub(crate) use block::{Block, BlockId};
pub(crate) use function::{FunctionName, fingerprint};
pub(crate) use kept::end_idle_workers;
pub(crate) use luggage::{find, is_unpacking, pack};

use crate::pool::threads::{self, COMPUTING};
use crate::pool::{Brief, Finished, Gather, Output, Refusal};
use crate::processes::Limits;
use crate::task::Task;

/// Runs all positions in worker processes; in a worker, on its threads.
pub(crate) fn run<T, K>(
    limits: &Limits,
    brief: &Brief<'_, T, K>,
    output: Output<'_, K::Output>,
    gather: &mut Gather<'_, K::Output, K::Error>,
) -> Result<Finished, Refusal>
where
    T: Sync + Serialize + DeserializeOwned,
    K: Task<T> + Sync,
    K::Shared: Serialize + DeserializeOwned,
    K::Output: Send + Serialize + DeserializeOwned,
    K::Error: Send + Serialize + DeserializeOwned,
{
    match begin::role()? {
        begin::Role::Worker => threads::run(&COMPUTING, brief.budget.computing, brief, output, gather),
        begin::Role::Caller if brief.plan.n_items == 0 => Ok(Finished::default()),
        begin::Role::Caller => parent::run(limits, brief, output, gather),
    }
}
