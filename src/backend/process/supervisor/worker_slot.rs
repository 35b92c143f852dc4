//! One worker's place in a call: the process that holds it at the moment, and the frames that are on their way to it.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use crate::backend::process::child::Worker;
use crate::backend::process::wire::status_page::InHand;
use crate::backend::process::worker::nanos;
use crate::progress::InFlightGuard;

/// A worker's place in a call.
#[derive(Debug, Default)]
pub(crate) struct WorkerSlot {
    pub(crate) worker: Option<Worker>,
    /// Frames that were sent and not answered to their end, oldest first. The worker runs them in this order.
    pub(crate) flights: VecDeque<InFlightFrame>,
    /// Whether this worker was told of the call.
    pub(crate) knows_the_call: bool,
    /// Whether its worker has answered anything in this call.
    pub(crate) has_answered: bool,
    /// No worker could be had for it, while others go on: until this time, in nanoseconds of the steady clock.
    stays_empty_until: u64,
    /// The item that was told to end because its time is up.
    pub(crate) overdue: Option<Overdue>,
    /// What it was last seen to have in hand, as told to who looks on.
    pub(crate) seen: Option<(InHand, InFlightGuard)>,
}

/// A frame of items on its way.
#[derive(Debug)]
pub(crate) struct InFlightFrame {
    pub(crate) number: u32,
    pub(crate) first: usize,
    pub(crate) len: usize,
    /// How many of its items are answered.
    pub(crate) done: usize,
}

/// An item whose time is up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Overdue {
    pub(crate) item: InHand,
    /// How long it was allowed to take.
    pub(crate) limit: Duration,
    /// When its worker is killed, in nanoseconds of the steady clock.
    pub(crate) kill_at: u64,
}

/// Between the signal that asks and the one that does not, where nothing else is said.
pub(crate) const GRACE: Duration = Duration::from_millis(50);

/// What an item in hand needs done about its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeoutAction {
    /// Nothing before this many nanoseconds have passed.
    Within(u64),
    /// This item is to be asked to end.
    Ask(InHand),
    /// It is to be killed.
    Kill,
}

impl InFlightFrame {
    /// The positions that have no answer yet.
    pub(crate) fn unanswered(&self) -> Range<usize> {
        self.first + self.done..self.first + self.len
    }
}

impl WorkerSlot {
    /// Whether an answer below this position is still to come.
    pub(crate) fn has_pending_below(&self, fence: usize) -> bool {
        self.flights.iter().any(|flight| flight.unanswered().start < fence)
    }

    /// How many items were handed to the process that holds the seat, in its life.
    pub(crate) fn handed(&self) -> usize {
        let in_flight: usize = self.flights.iter().map(|flight| flight.unanswered().len()).sum();
        self.worker.as_ref().map_or(0, |worker| worker.served) + in_flight
    }

    /// Bytes that its worker had in memory when it last looked.
    pub(crate) fn resident(&self) -> u64 {
        self.worker.as_ref().map_or(0, |worker| worker.link.page().resident())
    }

    /// Whether no worker is to be sought for it yet.
    pub(crate) fn is_backing_off(&self) -> bool {
        self.stays_empty_until > 0 && nanos() < self.stays_empty_until
    }

    /// No worker can be had for it at the moment.
    pub(crate) fn back_off(&mut self, now: u64) {
        const A_WHILE: u64 = 1_000_000_000;
        self.stays_empty_until = now.saturating_add(A_WHILE);
    }

    /// Takes the newest frame back, if the worker has not begun it.
    pub(crate) fn take_back_newest(&mut self) -> Option<Range<usize>> {
        let newest = self.flights.back()?;
        let worker = self.worker.as_ref()?;
        if !worker.link.page().frames().take_back(newest.number) {
            return None;
        }
        self.flights.pop_back().map(|flight| flight.unanswered())
    }

    /// What the item in hand needs done, under this limit.
    pub(crate) fn urgency(&self, limit: Duration, now: u64) -> TimeoutAction {
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        // An item that begins now is to be looked at when its time is up.
        let Some(item) = self.worker.as_ref().and_then(|worker| worker.link.page().in_hand()) else {
            return TimeoutAction::Within(limit);
        };
        let end = item.since.saturating_add(limit);
        match self.overdue {
            Some(overdue) if overdue.item == item && now >= overdue.kill_at => TimeoutAction::Kill,
            Some(overdue) if overdue.item == item => TimeoutAction::Within(overdue.kill_at - now),
            _ if now >= end => TimeoutAction::Ask(item),
            _ => TimeoutAction::Within(end - now),
        }
    }

    /// Asks an item to end. Should another one be in hand by now, that is seen when its worker has died.
    pub(crate) fn ask_to_end(&mut self, item: InHand, limit: Duration, grace: Duration, now: u64) {
        let grace = u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX);
        self.overdue = Some(Overdue { item, limit, kill_at: now.saturating_add(grace) });
        if let Some(worker) = &self.worker {
            worker.signal_end();
        }
    }

    /// Kills the worker; looks again after a while, as a large process takes its time to die.
    pub(crate) fn kill(&mut self, now: u64) {
        const A_WHILE: u64 = 1_000_000_000;
        if let Some(overdue) = &mut self.overdue {
            overdue.kill_at = now.saturating_add(A_WHILE);
        }
        if let Some(worker) = &self.worker {
            worker.kill();
        }
    }

    /// Notes that these positions are answered.
    pub(crate) fn ack(&mut self, positions: Range<usize>) {
        self.has_answered = true;
        self.overdue = self.overdue.filter(|overdue| !positions.contains(&overdue.item.position));
    }
}
