//! The checked specification of a run: the settings of a job, completed from the config and the machine.
//!
//! Promise: a specification that exists is valid, so no later step checks it again. `job/settings.rs` makes it,
//! `mod.rs` completes its plan and hands parts of it to the backend and the gatherer. Pure: no thread, clock or file.

use crate::backend::contract::{ModeKind, RunContext, ThreadBudget};
use crate::backend::items::Items;
use crate::backend::plan::{MemoryBudget, Plan, longest_first, shuffled};
use crate::config::ParallelConfig;
use crate::primitives::cancel::CancelToken;
use crate::progress::{Progress, RunStatus};
use crate::run::retry::Retry;
use crate::run::tolerance::Tolerance;
use std::sync::Arc;

/// The settings of one run.
pub(crate) struct RunSpec<'a> {
    pub(crate) mode: ModeKind,
    pub(crate) plan: Plan,
    pub(crate) order: WorkOrder,
    pub(crate) tolerance: Tolerance,
    pub(crate) retry: Option<Retry>,
    /// The most results that may be ahead of the delivered ones.
    pub(crate) window: usize,
    /// The most that the items in hand may need together, in units of their cost.
    pub(crate) memory_budget: Option<u64>,
    pub(crate) budget: ThreadBudget,
    pub(crate) config: Arc<ParallelConfig>,
    pub(crate) cancel: CancelToken,
    pub(crate) progress: Option<Progress<'a>>,
}

/// How the order of work is chosen.
#[derive(Debug, Default)]
pub(crate) struct WorkOrder {
    /// The cost of each item, by index: the costliest items start first.
    pub(crate) costs: Option<Vec<u64>>,
    /// The seed of a random order.
    pub(crate) shuffle: Option<u64>,
}

impl WorkOrder {
    /// Whether a later position is always a later item.
    pub(crate) fn is_ascending(&self) -> bool {
        self.costs.is_none() && self.shuffle.is_none()
    }

    /// The index at each position of a slice of `n_items` items; `None` for the order of the input.
    pub(crate) fn of(&self, n_items: usize) -> Option<Vec<usize>> {
        match (&self.costs, self.shuffle) {
            (Some(costs), _) => Some(longest_first(costs)),
            (None, Some(seed)) => Some(shuffled(n_items, seed)),
            (None, None) => None,
        }
    }
}

impl RunSpec<'_> {
    /// What the backend needs to run the plan.
    pub(crate) fn context<'r, T, K>(
        &'r self,
        items: Items<'r, T>,
        task: &'r K,
        status: Option<&'r RunStatus>,
    ) -> RunContext<'r, T, K> {
        let Self { plan, cancel, budget, config, .. } = self;
        RunContext { items, task, plan, cancel, budget: *budget, config, status }
    }

    /// Restricts the plan to these indices of a slice of `n_items` items; `None` keeps all.
    pub(crate) fn restrict_to(&mut self, todo: Option<Vec<usize>>, n_items: usize) {
        let Some(mut todo) = todo.filter(|todo| todo.len() < n_items) else { return };
        self.plan.n_items = todo.len();
        if let Some(costs) = &self.order.costs {
            let of_those: Vec<u64> = todo.iter().map(|&index| costs[index]).collect();
            todo = longest_first(&of_those).into_iter().map(|idx| todo[idx]).collect();
        }
        if let Some(seed) = self.order.shuffle {
            todo = shuffled(todo.len(), seed).into_iter().map(|idx| todo[idx]).collect();
        }
        self.plan.order = Some(todo);
    }

    /// Puts the memory budget into the plan, with the cost of each position.
    pub(crate) fn bound_memory(&mut self) {
        let (Some(budget), Some(costs)) = (self.memory_budget, &self.order.costs) else { return };
        let costs = (0..self.plan.n_items).map(|position| costs[self.plan.index_of(position)]).collect();
        self.plan.memory = Some(MemoryBudget { budget, costs });
    }

    /// Plans that results travel to the calling thread, in this order. `is_kept` says whether they are written down.
    /// The first `n_serial_sample` items run one at a time, to measure a serial run.
    pub(crate) fn deliver(&mut self, order: DeliveryOrder, is_slice: bool, is_kept: bool, n_serial_sample: usize) {
        let is_ascending = self.order.is_ascending();
        let is_bounded = match order {
            DeliveryOrder::AsCompleted => true,
            DeliveryOrder::InOrder => is_ascending,
            DeliveryOrder::All => false,
        };
        if is_bounded || !is_slice {
            self.plan.window = self.window;
        }
        self.plan.carry(is_kept, if is_ascending { n_serial_sample } else { 0 });
    }
}

/// The order in which results are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryOrder {
    AsCompleted,
    InOrder,
    /// As they complete, to a caller that keeps all of them: no window bounds the results on their way.
    All,
}
