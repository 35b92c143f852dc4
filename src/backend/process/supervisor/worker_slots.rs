//! All places for workers in a call, and the questions that concern all of them.

use std::ops::{Index, IndexMut, Range};
use std::time::Duration;

use crate::backend::plan::Plan;
use crate::backend::process::child::Worker;
use crate::backend::process::supervisor::worker_slot::WorkerSlot;
use crate::primitives::pauses::Pauses;

/// The slots of a call, by index. Their number stays the same until the call ends.
#[derive(Debug)]
pub(super) struct WorkerSlots {
    slots: Vec<WorkerSlot>,
}

impl WorkerSlots {
    /// Empty slots.
    pub(super) fn new(n_slots: usize) -> Self {
        Self { slots: std::iter::repeat_with(WorkerSlot::default).take(n_slots).collect() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many have a worker.
    pub(super) fn n_workers(&self) -> usize {
        self.workers().count()
    }

    /// The workers of the slots that have one.
    fn workers(&self) -> impl Iterator<Item = &Worker> {
        self.slots.iter().filter_map(WorkerSlot::worker)
    }

    /// The workers, to send to and to wait for.
    pub(super) fn workers_mut(&mut self) -> impl Iterator<Item = &mut Worker> {
        self.slots.iter_mut().filter_map(WorkerSlot::worker_mut)
    }

    /// Whether a slot has nothing in flight.
    pub(super) fn is_any_idle(&self) -> bool {
        self.slots.iter().any(WorkerSlot::is_idle)
    }

    /// Whether no slot has anything in flight.
    pub(super) fn are_all_idle(&self) -> bool {
        self.slots.iter().all(WorkerSlot::is_idle)
    }

    /// Whether a result below this position is still to come.
    pub(super) fn has_pending_below(&self, fence: usize) -> bool {
        self.slots.iter().any(|slot| slot.has_pending_below(fence))
    }

    /// Makes every worker run nothing from this position on.
    pub(super) fn set_fence(&self, fence: usize) {
        self.workers().for_each(|worker| worker.page().set_fence(fence));
    }

    /// What the items in flight need of the plan's memory budget: a worker has one in hand at a time, so the most that
    /// one of its items needs.
    ///
    /// A worker with items in flight that cost 100, 300 and 200 counts as 300. Costs a pass over all items in flight,
    /// and nothing without a memory budget.
    pub(super) fn memory_in_use(&self, plan: &Plan) -> u64 {
        let Some(memory) = &plan.memory else { return 0 };
        let of = |slot: &WorkerSlot| slot.unanswered().map(|positions| memory.cost(positions)).max().unwrap_or(0);
        self.slots.iter().map(of).sum()
    }

    /// Takes the newest frame back from the slot that has the most in flight, if its worker has not begun that frame. A
    /// slot keeps its last one.
    ///
    /// Called when the queue is empty and a slot is idle, near the end of a call. A slot keeps its last frame, since
    /// its worker is about to begin that one, and moving it would cost a way there and back for nothing. Only one slot
    /// is tried: where its newest frame was begun just now, the next turn tries again.
    pub(super) fn take_back_from_the_busiest(&mut self) -> Option<Range<usize>> {
        let busy = self.slots.iter_mut().filter(|slot| slot.n_in_flight() > 1);
        busy.max_by_key(|slot| slot.n_in_flight())?.take_back_newest()
    }

    /// Stops every worker after its item in hand, and takes back all frames that were not begun.
    ///
    /// The positions are dropped and do not return to the queue, as this is called when the run is over. A fence of 0
    /// makes a worker skip the rest of the frame that it has begun, so it is idle after one item.
    pub(super) fn stop_and_take_back(&mut self) {
        self.set_fence(0);
        for slot in &mut self.slots {
            while slot.take_back_newest().is_some() {}
        }
    }

    /// How long no item's time needs a look, in nanoseconds; `None` without slots.
    pub(super) fn time_to_look(&self, limit: Duration, now: u64, pauses: &Pauses) -> Option<u64> {
        self.slots.iter().map(|slot| slot.time_to_look(limit, now, pauses)).min()
    }

    /// Asks items to end whose time is up, and kills the workers of those that did not end within the grace.
    pub(super) fn enforce_time_limit(&mut self, limit: Duration, grace: Option<Duration>, now: u64, pauses: &Pauses) {
        self.slots.iter_mut().for_each(|slot| slot.enforce_time_limit(limit, grace, now, pauses));
    }

    /// Kills workers that were stopped before they began anything.
    pub(super) fn end_stopped(&mut self, limit: Duration, now: u64, pauses: &Pauses) {
        self.slots.iter_mut().for_each(|slot| slot.end_if_stopped(limit, now, pauses));
    }

    /// Kills workers that did not reach `init` in time.
    pub(super) fn kill_late(&self, now: u64, pauses: &Pauses) {
        self.workers().filter(|worker| worker.is_late(now, pauses)).for_each(Worker::kill);
    }

    /// Ends the slots: gives the workers that have nothing in flight, each with whether it was sent the call, and kills
    /// the others.
    pub(super) fn take_free_workers(&mut self) -> impl Iterator<Item = (Worker, bool)> + use<> {
        std::mem::take(&mut self.slots).into_iter().filter_map(WorkerSlot::into_free_worker)
    }
}

impl Index<usize> for WorkerSlots {
    type Output = WorkerSlot;

    fn index(&self, slot_idx: usize) -> &WorkerSlot {
        &self.slots[slot_idx]
    }
}

impl IndexMut<usize> for WorkerSlots {
    fn index_mut(&mut self, slot_idx: usize) -> &mut WorkerSlot {
        &mut self.slots[slot_idx]
    }
}
