//! How workers leave a call: told that it is over and kept, told to go and buried, or killed because they are busy with what
//! nobody wants any more.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::BackendError;
use crate::backend::process::child::{self, End, Worker};
use crate::backend::process::supervisor::{Supervisor, TICK_NANOS};
use crate::backend::process::worker::nanos;
use crate::backend::task::Task;
use crate::run::observer::WorkerEvent;

/// How long a worker that is busy with what nobody wants is waited for, in nanoseconds.
const PATIENCE_NANOS: u64 = 30_000_000;
/// How long destructors may take once the call was cancelled.
const AFTER_A_CANCEL: Duration = Duration::from_secs(10);

/// A worker that was told that the call is over for it.
pub(crate) struct ShuttingDown {
    pub(crate) worker: Worker,
    /// Whether it is to wait for another call, or to be replaced.
    is_kept: bool,
    has_ended: bool,
}

impl<T, K> Supervisor<'_, '_, T, K>
where
    T: Serialize + DeserializeOwned,
    K: Task<T>,
    K::Shared: Serialize + DeserializeOwned,
    K::Output: Serialize + DeserializeOwned,
    K::Error: Serialize + DeserializeOwned,
{
    /// Whether workers hold something of the call that must be dropped before the next one.
    const NEEDS_AN_END: bool =
        size_of::<K::State>() > 0 || std::mem::needs_drop::<K::State>() || size_of::<K::Shared>() > 0;

    /// Lets a worker go that has nothing in hand; the next frame of its seat gets a new one.
    pub(crate) fn recycle(&mut self, slot_idx: usize) {
        let Some(mut worker) = self.worker_slots[slot_idx].worker.take() else { return };
        self.clear_in_hand(slot_idx);
        self.notes.push(WorkerEvent::Recycled { worker: u32::try_from(worker.number).unwrap_or(u32::MAX) });
        worker.send_end();
        worker.close();
        self.shutting_down.push(ShuttingDown { worker, is_kept: false, has_ended: false });
        self.finished.recycled += 1;
    }

    /// Hears what those say that were told of the end, and lets them go where they are to go.
    pub(crate) fn collect_shutdowns(&mut self) {
        for mut shutting_down in std::mem::take(&mut self.shutting_down) {
            let is_dead = shutting_down.worker.readiness.is_dead;
            if !shutting_down.has_ended
                && let Some(end) = shutting_down.worker.has_ended()
            {
                shutting_down.has_ended = true;
                match end {
                    End::Dropped => {}
                    // It had nothing left to lose. Of a destructor that panicked, the call is told.
                    End::Died => self.finished.lost += usize::from(shutting_down.is_kept),
                    End::Complained(said) => self.complaint = self.complaint.take().or(Some(said)),
                }
            }
            match (shutting_down.is_kept, shutting_down.has_ended, is_dead) {
                (_, _, true) => drop(shutting_down),
                (true, true, false) => child::keep(shutting_down.worker),
                _ => self.shutting_down.push(shutting_down),
            }
        }
    }

    /// Ends the call in every worker: idle ones are kept, and those that are busy with what nobody wants are killed.
    pub(crate) fn shut_down(&mut self) -> Result<(), BackendError> {
        self.finish_flights();
        self.call.blocks.clear();
        for slot in std::mem::take(&mut self.worker_slots) {
            let Some(mut worker) = slot.worker.filter(|_| slot.flights.is_empty()) else { continue };
            if slot.knows_the_call && Self::NEEDS_AN_END {
                worker.forget_blocks();
                worker.send_end();
                self.shutting_down.push(ShuttingDown { worker, is_kept: true, has_ended: false });
            } else {
                child::keep(worker);
            }
        }
        self.wait_for_the_ends();
        self.complaint.take().map_or(Ok(()), |complaint| Err(BackendError::State(complaint)))
    }

    /// Takes back what was not begun, and waits a moment for what was.
    fn finish_flights(&mut self) {
        for slot in &mut self.worker_slots {
            if let Some(worker) = &slot.worker {
                worker.link.page().set_fence(0);
            }
            while slot.take_back_newest().is_some() {}
        }
        let give_up_at = nanos() + PATIENCE_NANOS;
        while self.worker_slots.iter().any(|slot| !slot.flights.is_empty()) && nanos() < give_up_at {
            self.wait(give_up_at.saturating_sub(nanos()));
            if self.listen().is_err() {
                return;
            }
        }
    }

    /// Destructors take the time that they take, but no more than an item may, and not for ever once the call was cancelled.
    fn wait_for_the_ends(&mut self) {
        let begun = nanos();
        while !self.shutting_down.is_empty() {
            self.wait(TICK_NANOS);
            self.collect_shutdowns();
            let cancelled = self.context.cancel.is_cancelled().then_some(AFTER_A_CANCEL);
            let patience = [self.limits.time, cancelled].into_iter().flatten().min().unwrap_or(Duration::MAX);
            if u128::from(nanos().saturating_sub(begun)) > patience.as_nanos() {
                self.finished.lost += self.shutting_down.len();
                self.shutting_down.clear();
            }
        }
    }
}
