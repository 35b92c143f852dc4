//! How long the items of a call usually take: the median of those that were finished last. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// A median of fewer says too little.
const FEW: usize = 10;
/// Of more than these, the oldest are forgotten.
const MANY: usize = 255;

/// Times of items that were finished.
#[derive(Debug, Default)]
pub(crate) struct RunningMedian {
    times: VecDeque<Duration>,
}

impl RunningMedian {
    /// So many items took this long together.
    pub(crate) fn note(&mut self, together: Duration, n_items: usize) {
        let Some(each) = u32::try_from(n_items).ok().and_then(|n_items| together.checked_div(n_items)) else { return };
        // Items of one frame are alike as far as anybody knows; a few of them say as much as all.
        for _ in 0..n_items.min(FEW) {
            self.times.push_back(each);
        }
        let forgotten = self.times.len().saturating_sub(MANY);
        self.times.drain(..forgotten);
    }

    /// This many percent of the median, once enough is known.
    pub(crate) fn percent(&self, percent: u32) -> Option<Duration> {
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
    fn a_few_items_say_nothing_and_one_that_took_long_little() {
        let mut usual = RunningMedian::default();
        (0..9).for_each(|_| usual.note(Duration::from_secs(2), 1));
        assert_eq!(usual.percent(150), None);
        usual.note(Duration::from_secs(3600), 1);
        assert_eq!(usual.percent(150), Some(Duration::from_secs(3)));
    }

    #[test]
    fn what_is_long_past_is_forgotten() {
        let mut usual = RunningMedian::default();
        (0..MANY).for_each(|_| usual.note(Duration::from_secs(1), 1));
        (0..MANY).for_each(|_| usual.note(Duration::from_secs(10), 2));
        assert_eq!(usual.percent(100), Some(Duration::from_secs(5)));
        usual.note(Duration::from_secs(1), 0);
        assert_eq!(usual.percent(100), Some(Duration::from_secs(5)));
    }
}
