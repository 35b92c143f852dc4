//! The checked specification of a run: what a job asks for, filled from the config and the machine. It exists only when it
//! is valid.

use crate::backend::contract::{ModeKind, ThreadBudget};
use crate::backend::plan::{MemoryBudget, Plan, longest_first, shuffled};
use crate::config::ParallelConfig;
use crate::primitives::cancel::CancelToken;
use crate::progress::Progress;
use crate::run::retry::Retry;
use crate::run::tolerance::Tolerance;
use std::sync::Arc;

/// What a run does.
pub(crate) struct RunSpec<'a> {
    pub(crate) mode: ModeKind,
    pub(crate) plan: Plan,
    pub(crate) order: WorkOrder,
    pub(crate) tolerance: Tolerance,
    pub(crate) retry: Option<Retry>,
    /// How far ahead of what was delivered results may be made.
    pub(crate) window: usize,
    /// What the items in hand may need together.
    pub(crate) memory_budget: Option<u64>,
    pub(crate) budget: ThreadBudget,
    pub(crate) config: Arc<ParallelConfig>,
    pub(crate) cancel: CancelToken,
    pub(crate) progress: Option<Progress<'a>>,
}

/// What decides the order of work.
#[derive(Debug, Default)]
pub(crate) struct WorkOrder {
    /// What each item costs, by index: the costliest items come first.
    pub(crate) costs: Option<Vec<u64>>,
    /// The seed of a drawn order.
    pub(crate) shuffle: Option<u64>,
}

impl WorkOrder {
    /// Whether a later position is always a later item.
    pub(crate) fn is_ascending(&self) -> bool {
        self.costs.is_none() && self.shuffle.is_none()
    }

    /// The index at each position, of a slice of so many items; `None` for the order of the input.
    pub(crate) fn of(&self, n_items: usize) -> Option<Vec<usize>> {
        match (&self.costs, self.shuffle) {
            (Some(costs), _) => Some(longest_first(costs)),
            (None, Some(seed)) => Some(shuffled(n_items, seed)),
            (None, None) => None,
        }
    }
}

impl RunSpec<'_> {
    /// Leaves these items to be run, of a slice of so many; `None` leaves all.
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

    /// Bounds what the items in hand need together.
    pub(crate) fn bound_memory(&mut self) {
        let (Some(budget), Some(costs)) = (self.memory_budget, &self.order.costs) else { return };
        let costs = (0..self.plan.n_items).map(|position| costs[self.plan.index_of(position)]).collect();
        self.plan.memory = Some(MemoryBudget { budget, costs });
    }

    /// Lets results travel to the calling thread, in this order. `is_kept` says whether they are written down, and the first
    /// `n_serial_sample` items run alone.
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

/// In which order results are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryOrder {
    AsCompleted,
    InOrder,
    /// As they are completed, to a caller that keeps all of them: no window bounds what is on its way.
    All,
}
