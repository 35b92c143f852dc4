//! How workers leave a call: told that it is over and kept, told to go and buried, or killed because they are busy with what
//! nobody wants any more.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::Refusal;
use crate::backend::process::child::{self, End, Worker};
use crate::backend::process::supervisor::{Supervisor, TICK_NANOS};
use crate::backend::process::worker::nanos;
use crate::backend::task::Task;
use crate::run::observer::Note;

/// How long a worker that is busy with what nobody wants is waited for, in nanoseconds.
const PATIENCE_NANOS: u64 = 30_000_000;
/// How long destructors may take once the call was cancelled.
const AFTER_A_CANCEL: Duration = Duration::from_secs(10);

/// A worker that was told that the call is over for it.
pub(crate) struct Leaving {
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
    pub(crate) fn recycle(&mut self, seat_idx: usize) {
        let Some(mut worker) = self.seats[seat_idx].worker.take() else { return };
        self.put_down(seat_idx);
        self.notes.push(Note::Recycled { worker: u32::try_from(worker.number).unwrap_or(u32::MAX) });
        worker.tell_the_end();
        worker.send_off();
        self.leaving.push(Leaving { worker, is_kept: false, has_ended: false });
        self.finished.recycled += 1;
    }

    /// Hears what those say that were told of the end, and lets them go where they are to go.
    pub(crate) fn see_off(&mut self) {
        for mut leaving in std::mem::take(&mut self.leaving) {
            let is_dead = leaving.worker.stirs.is_dead;
            if !leaving.has_ended
                && let Some(end) = leaving.worker.has_ended()
            {
                leaving.has_ended = true;
                match end {
                    End::Dropped => {}
                    // It had nothing left to lose. Of a destructor that panicked, the call is told.
                    End::Died => self.finished.lost += usize::from(leaving.is_kept),
                    End::Complained(said) => self.complaint = self.complaint.take().or(Some(said)),
                }
            }
            match (leaving.is_kept, leaving.has_ended, is_dead) {
                (_, _, true) => drop(leaving),
                (true, true, false) => child::keep(leaving.worker),
                _ => self.leaving.push(leaving),
            }
        }
    }

    /// Ends the call in every worker: idle ones are kept, and those that are busy with what nobody wants are killed.
    pub(crate) fn dismiss(&mut self) -> Result<(), Refusal> {
        self.finish_flights();
        self.call.blocks.clear();
        for seat in std::mem::take(&mut self.seats) {
            let Some(mut worker) = seat.worker.filter(|_| seat.flights.is_empty()) else { continue };
            if seat.knows_the_call && Self::NEEDS_AN_END {
                worker.forget_blocks();
                worker.tell_the_end();
                self.leaving.push(Leaving { worker, is_kept: true, has_ended: false });
            } else {
                child::keep(worker);
            }
        }
        self.wait_for_the_ends();
        self.complaint.take().map_or(Ok(()), |complaint| Err(Refusal::State(complaint)))
    }

    /// Takes back what was not begun, and waits a moment for what was.
    fn finish_flights(&mut self) {
        for seat in &mut self.seats {
            if let Some(worker) = &seat.worker {
                worker.link.page().set_fence(0);
            }
            while seat.take_back_newest().is_some() {}
        }
        let give_up_at = nanos() + PATIENCE_NANOS;
        while self.seats.iter().any(|seat| !seat.flights.is_empty()) && nanos() < give_up_at {
            self.wait(give_up_at.saturating_sub(nanos()));
            if self.listen().is_err() {
                return;
            }
        }
    }

    /// Destructors take the time that they take, but no more than an item may, and not for ever once the call was cancelled.
    fn wait_for_the_ends(&mut self) {
        let begun = nanos();
        while !self.leaving.is_empty() {
            self.wait(TICK_NANOS);
            self.see_off();
            let cancelled = self.brief.cancel.is_cancelled().then_some(AFTER_A_CANCEL);
            let patience = [self.limits.time, cancelled].into_iter().flatten().min().unwrap_or(Duration::MAX);
            if u128::from(nanos().saturating_sub(begun)) > patience.as_nanos() {
                self.finished.lost += self.leaving.len();
                self.leaving.clear();
            }
        }
    }
}
