//! Failed items that wait to be begun again. Pure: times are handed in.

use std::time::Duration;

use crate::backend::RetryRequest;
use crate::sync::Instant;

/// Items that wait, each with the time from which on it may be begun.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    items: Vec<(Instant, RetryRequest)>,
}

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// These wait from now on.
    pub(crate) fn add(&mut self, items: Vec<RetryRequest>, now: Instant) {
        self.items.extend(items.into_iter().map(|again| (now + again.after, again)));
    }

    /// The foremost item that has waited long enough.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<RetryRequest> {
        let due = (0..self.items.len()).filter(|&idx| self.items[idx].0 <= now);
        let foremost = due.min_by_key(|&idx| self.items[idx].1.position)?;
        Some(self.items.swap_remove(foremost).1)
    }

    /// The foremost item that has waited long enough, left where it is.
    pub(crate) fn is_any_due(&self, now: Instant) -> bool {
        self.items.iter().any(|&(due, _)| due <= now)
    }

    /// How long it is until another one has waited long enough.
    pub(crate) fn time_to_next(&self, now: Instant) -> Option<Duration> {
        self.items.iter().map(|&(due, _)| due).filter(|&due| due > now).min().map(|due| due.duration_since(now))
    }

    /// Nobody wants items from this position on any more.
    pub(crate) fn drop_from(&mut self, fence: usize) {
        self.items.retain(|(_, again)| again.position < fence);
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    fn again(position: usize, after: u64) -> RetryRequest {
        RetryRequest { position, attempt: 2, after: Duration::from_secs(after) }
    }

    #[test]
    fn items_come_back_when_their_time_has_come_the_foremost_first() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut waiting = Waiting::default();
        waiting.add(vec![again(7, 1), again(3, 2), again(5, 9)], begun);
        assert_eq!(waiting.take_due(begun), None);
        assert_eq!(waiting.time_to_next(at(0)), Some(Duration::from_secs(1)));
        assert_eq!(
            waiting.time_to_next(at(2)),
            Some(Duration::from_secs(7)),
            "the others wait for nothing but a worker"
        );
        assert_eq!(waiting.take_due(at(2)).unwrap().position, 3);
        assert!(waiting.is_any_due(at(2)));
        assert_eq!(waiting.take_due(at(2)).unwrap().position, 7);
        assert_eq!(waiting.take_due(at(8)), None);
        waiting.drop_from(5);
        assert!(waiting.is_empty());
    }
}
