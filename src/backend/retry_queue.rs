//! The queue of failed positions that run again after a delay. Pure: the caller passes the time.
//!
//! The gatherer decides what is retried and after which delay; a backend decides which worker runs it.

use std::time::Duration;

use crate::backend::contract::RetryRequest;
use crate::sync::Instant;

/// Failed positions, each with the time from which on it may run again.
///
/// A vector in no order, searched in full: retries are few.
///
/// Cost: taking, dropping and asking for times look at each entry. A position has at most one entry, because it fails
/// again only after its entry was taken out.
#[derive(Debug, Default)]
pub(crate) struct RetryQueue {
    requests: Vec<(Option<Instant>, RetryRequest)>,
}

impl RetryQueue {
    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Adds requests. Their delays begin `now`.
    pub(crate) fn add(&mut self, requests: Vec<RetryRequest>, now: Instant) {
        self.requests.extend(requests.into_iter().map(|request| (now.checked_add(request.after), request)));
    }

    /// Removes the request with the lowest position of those that are due.
    ///
    /// The lowest and not the oldest: the window starts at the lowest position that is not delivered, so that one holds
    /// up the others. With positions 7 (due after 1 s) and 3 (due after 2 s), 7 is taken at 1 s, and at 2 s 3 comes
    /// before 7.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<RetryRequest> {
        let due = (0..self.requests.len()).filter(|&idx| is_due(self.requests[idx].0, now));
        let lowest = due.min_by_key(|&idx| self.requests[idx].1.position)?;
        Some(self.requests.swap_remove(lowest).1)
    }

    /// Whether a request is due.
    pub(crate) fn is_any_due(&self, now: Instant) -> bool {
        self.requests.iter().any(|&(due, _)| is_due(due, now))
    }

    /// The time until the next request becomes due; `None` when there is none that is not due yet.
    ///
    /// How long a thread may sleep. Entries that are due already do not count: a worker is about to take them.
    pub(crate) fn time_to_next(&self, now: Instant) -> Option<Duration> {
        let later = self.requests.iter().map(|&(due, _)| due).filter(|&due| !is_due(due, now));
        later.map(|due| due.map_or(Duration::MAX, |due| due.duration_since(now))).min()
    }

    /// Drops the requests at and beyond the fence.
    ///
    /// Called with each verdict: a fence that fell must not leave entries that keep the call from ending.
    pub(crate) fn drop_from(&mut self, fence: usize) {
        self.requests.retain(|(_, request)| request.position < fence);
    }
}

/// A moment beyond the end of the clock never comes: its request waits until the run ends.
fn is_due(due: Option<Instant>, now: Instant) -> bool {
    due.is_some_and(|due| due <= now)
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    fn request(position: usize, after: u64) -> RetryRequest {
        RetryRequest { position, attempt: 2, after: Duration::from_secs(after) }
    }

    #[test]
    fn due_requests_are_taken_by_position_and_those_beyond_the_fence_are_dropped() {
        let started = Instant::now();
        let at = |seconds| started + Duration::from_secs(seconds);
        let mut queue = RetryQueue::default();
        queue.add(vec![request(7, 1), request(3, 2), request(5, 9)], started);
        assert_eq!(queue.take_due(started), None);
        assert_eq!(queue.time_to_next(at(0)), Some(Duration::from_secs(1)));
        assert_eq!(queue.time_to_next(at(2)), Some(Duration::from_secs(7)), "requests that are due do not count");
        assert_eq!(queue.take_due(at(2)).unwrap().position, 3);
        assert!(queue.is_any_due(at(2)));
        assert_eq!(queue.take_due(at(2)).unwrap().position, 7);
        assert_eq!(queue.take_due(at(8)), None);
        queue.drop_from(5);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_request_beyond_the_end_of_the_clock_waits_for_ever() {
        let (now, mut queue) = (Instant::now(), RetryQueue::default());
        queue.add(vec![RetryRequest { after: Duration::MAX, ..request(3, 0) }], now);
        assert_eq!((queue.take_due(now), queue.time_to_next(now)), (None, Some(Duration::MAX)));
        assert!(!queue.is_any_due(now) && !queue.is_empty());
        queue.add(vec![request(4, 2)], now);
        assert_eq!(queue.time_to_next(now), Some(Duration::from_secs(2)));
    }
}
