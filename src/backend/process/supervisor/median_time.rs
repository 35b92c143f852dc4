//! How long the items of a call take: the median of the last ones. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// There is no median of fewer times.
const FEW: usize = 10;
/// Of more times than these, the oldest are dropped.
const MANY: usize = 255;

/// The times of the last 255 finished items. A frame of many items counts as 10, each with the frame's mean.
#[derive(Debug, Default)]
pub(super) struct RunningMedian {
    /// Oldest first.
    times: VecDeque<Duration>,
}

impl RunningMedian {
    /// Adds `n_items` that took this long together.
    ///
    /// A frame of 1000 items that took 50 ms adds ten entries of 50 µs, a frame of 3 items adds three. No items add
    /// nothing.
    pub(super) fn note(&mut self, together: Duration, n_items: usize) {
        let Some(each) = u32::try_from(n_items).ok().and_then(|n_items| together.checked_div(n_items)) else { return };
        // The items of one frame are known by their mean alone, so a few entries say as much as many.
        for _ in 0..n_items.min(FEW) {
            self.times.push_back(each);
        }
        let forgotten = self.times.len().saturating_sub(MANY);
        self.times.drain(..forgotten);
    }

    /// This many percent of the median; `None` before 10 items are finished. Costs a pass over at most 255 times.
    ///
    /// Of an even number of times it is the upper of the two in the middle. With a median of 20 ms, 300 percent is 60
    /// ms.
    pub(super) fn percent(&self, percent: u32) -> Option<Duration> {
        if self.times.len() < FEW {
            return None;
        }
        let mut times: Vec<Duration> = self.times.iter().copied().collect();
        let middle = times.len() / 2;
        let (_, &mut median, _) = times.select_nth_unstable(middle);
        Some(median.saturating_mul(percent) / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_median_of_a_few_and_one_long_item_hardly_moves_it() {
        let mut median = RunningMedian::default();
        (0..9).for_each(|_| median.note(Duration::from_secs(2), 1));
        assert_eq!(median.percent(150), None);
        median.note(Duration::from_secs(3600), 1);
        assert_eq!(median.percent(150), Some(Duration::from_secs(3)));
    }

    #[test]
    fn the_oldest_times_are_dropped() {
        let mut median = RunningMedian::default();
        (0..MANY).for_each(|_| median.note(Duration::from_secs(1), 1));
        (0..MANY).for_each(|_| median.note(Duration::from_secs(10), 2));
        assert_eq!(median.percent(100), Some(Duration::from_secs(5)));
        median.note(Duration::from_secs(1), 0);
        assert_eq!(median.percent(100), Some(Duration::from_secs(5)));
    }
}
