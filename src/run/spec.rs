//! The checked specification of a run: the settings of a job, completed from the config and the machine.
//!
//! Promise: a specification that exists is valid, so no later step checks it again. `job/settings.rs` makes it,
//! `mod.rs` completes its plan and hands parts of it to the backend and the gatherer. Pure: no thread, clock or file.
//!
//! The plan is completed in this order, each step using the one before: `job/settings.rs` sets the order of work for
//! all items, [`RunSpec::restrict_to`] leaves out the finished ones, [`RunSpec::bound_memory`] puts costs at the
//! positions that remain, and [`RunSpec::deliver`] sets the window.

use crate::backend::contract::{ModeKind, RunContext, ThreadBudget};
use crate::backend::items::Items;
use crate::backend::plan::{MemoryBudget, Plan, longest_first, shuffled};
use crate::config::ParallelConfig;
use crate::panics::{DropApart, Whole};
use crate::primitives::cancel::CancelToken;
use crate::progress::{Progress, RunStatus};
use crate::run::retry::Retry;
use crate::run::tolerance::Tolerance;
use crate::sync::ProcessMark;
use std::sync::Arc;

/// The settings of one run.
pub(crate) struct RunSpec<'a> {
    pub(crate) mode: ModeKind,
    pub(crate) plan: Plan,
    pub(crate) order: WorkOrder,
    pub(crate) tolerance: Tolerance,
    pub(crate) retry: Option<Retry>,
    /// The most results that may be ahead of the delivered ones.
    ///
    /// The plan has no window until [`RunSpec::deliver`] gives it this one.
    pub(crate) window: usize,
    /// The most that the items in hand may need together, in units of their cost.
    pub(crate) memory_budget: Option<u64>,
    pub(crate) budget: ThreadBudget,
    pub(crate) config: Arc<ParallelConfig>,
    pub(crate) cancel: CancelToken,
    pub(crate) progress: Option<Progress<'a>>,
}

/// How the order of work is chosen.
///
/// At most one of the two is there, which `job/settings.rs` checks; both need a slice.
#[derive(Debug, Default)]
pub(crate) struct WorkOrder {
    /// The cost of each item, by index: the costliest items start first.
    pub(crate) costs: Option<Vec<u64>>,
    /// The seed of a random order.
    pub(crate) shuffle: Option<u64>,
}

impl WorkOrder {
    /// Whether a later position is always a later item.
    ///
    /// It stays true when finished items are left out, since the rest keeps its order.
    pub(crate) fn is_ascending(&self) -> bool {
        self.costs.is_none() && self.shuffle.is_none()
    }

    /// The index at each position of a slice of `n_items` items; `None` for the order of the input.
    ///
    /// Sorts, or draws once per item. The same for every number of workers.
    pub(crate) fn of(&self, n_items: usize) -> Option<Vec<usize>> {
        match (&self.costs, self.shuffle) {
            (Some(costs), _) => Some(longest_first(costs)),
            (None, Some(seed)) => Some(shuffled(n_items, seed)),
            (None, None) => None,
        }
    }
}

impl DropApart for RunSpec<'_> {
    /// Progress alone has a closure.
    fn drop_apart(self, panicked: &mut Vec<String>) {
        Whole(self.progress).drop_apart(panicked);
    }
}

impl RunSpec<'_> {
    /// What the backend needs to run the plan.
    ///
    /// Borrows everything; made once per run.
    pub(crate) fn context<'r, T, K>(
        &'r self,
        items: Items<'r, T>,
        task: &'r K,
        status: Option<&'r RunStatus>,
    ) -> RunContext<'r, T, K> {
        let Self { plan, cancel, budget, config, .. } = self;
        let process = ProcessMark::current();
        RunContext { items, task, plan, cancel, budget: *budget, config, process, status }
    }

    /// Restricts the plan to these indices of a slice of `n_items` items; `None` keeps all.
    ///
    /// The order is made anew for the rest. With the costs 5, 1, 9, 7 and the items 0, 1 and 3 to run, the order of
    /// work is 3, 0, 1. A shuffle of the rest is not the full shuffle with gaps, but depends on nothing except the seed
    /// and the number of items left.
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
    ///
    /// Called once the positions are final, because costs are known by index and needed by position: 8 bytes for each.
    /// Without a budget it does nothing.
    pub(crate) fn bound_memory(&mut self) {
        let (Some(budget), Some(costs)) = (self.memory_budget, &self.order.costs) else { return };
        let costs = (0..self.plan.n_items).map(|position| costs[self.plan.index_of(position)]).collect();
        self.plan.memory = Some(MemoryBudget { budget, costs });
    }

    /// Plans that results travel to the calling thread, in this order. `is_kept` says whether they are written down.
    /// The first `n_serial_sample` items run one at a time, to measure a serial run.
    ///
    /// | order of delivery | slice in input order | slice by cost or shuffled | stream |
    /// |---|---|---|---|
    /// | as completed | window | window | window |
    /// | in input order | window | none | window |
    /// | all, kept | none | none | window |
    ///
    /// In input order over a reordered slice, the result that is due next may belong to the last position, so a window
    /// would stop the run. Where all results are kept, a window would save no memory.
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
        self.plan.set_delivery(is_kept, n_serial_sample);
    }
}

/// The order in which results are delivered.
///
/// `for_each` and `as_completed` use the first, `for_each_ordered`, `ordered` and `spawn` the second, `run` the third.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryOrder {
    AsCompleted,
    InOrder,
    /// As they complete, to a caller that keeps all of them: no window bounds the results on their way.
    All,
}
