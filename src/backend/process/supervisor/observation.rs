//! Shows on the run's status what each worker has in hand, for a progress display that names items.

use crate::backend::plan::Plan;
use crate::backend::process::supervisor::worker_slots::WorkerSlots;
use crate::backend::process::wire::status_page::InHand;
use crate::progress::{InFlightGuard, RunStatus};

/// What each worker was last seen to have in hand. Does nothing where no display asks for it.
#[derive(Debug)]
pub(super) struct Observation<'c> {
    /// Where it is shown; `None` where no display shows items.
    status: Option<&'c RunStatus>,
    /// Says which item stands at a position.
    plan: &'c Plan,
    /// By slot.
    shown: Vec<Option<(InHand, InFlightGuard)>>,
}

impl<'c> Observation<'c> {
    /// Nothing is shown yet.
    pub(super) fn new(status: Option<&'c RunStatus>, plan: &'c Plan, n_slots: usize) -> Self {
        Self { status, plan, shown: std::iter::repeat_with(|| None).take(n_slots).collect() }
    }

    /// Shows what has changed since the last call.
    ///
    /// Called once per turn. An item that begins and ends between two turns is never shown, which costs the display
    /// nothing: at that pace no name could be read. Costs two or three loads per slot from its status page, and nothing
    /// at all without a display.
    pub(super) fn update(&mut self, slots: &WorkerSlots) {
        let Some(status) = self.status else { return };
        for slot_idx in 0..slots.len() {
            let in_hand = slots[slot_idx].in_hand();
            if self.shown[slot_idx].as_ref().map(|(item, _)| *item) == in_hand {
                continue;
            }
            self.clear(slot_idx);
            self.shown[slot_idx] = in_hand.map(|item| (item, status.begin(self.plan.index_of(item.position), 1)));
        }
    }

    /// The worker of this slot has nothing in hand any more.
    pub(super) fn clear(&mut self, slot_idx: usize) {
        if let (Some(status), Some((_, guard))) = (self.status, self.shown[slot_idx].take()) {
            status.end(guard);
        }
    }
}
