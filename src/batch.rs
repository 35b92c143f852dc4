//! Splits lists into batches and chunks, for programs that make one item out of many small ones. Pure arithmetic: it
//! reads no configuration and starts no thread.

// `backend/plan.rs` has its own way to size chunks while a run goes on.

use std::num::NonZeroUsize;
use std::ops::Range;

use crate::config_error::ConfigError;

/// Splits `0..n_items` into at most `workers` ranges.
///
/// The ranges cover `0..n_items` in order, touch no index twice, are never empty, and differ in length by at most one.
/// They are computed one by one, so there is no allocation.
///
/// ```
/// use std::num::NonZeroUsize;
/// let three = NonZeroUsize::new(3).unwrap();
/// assert_eq!(manyhands::batch::chunk_ranges(8, three).collect::<Vec<_>>(), [0..3, 3..6, 6..8]);
/// assert_eq!(manyhands::batch::chunk_ranges(2, three).count(), 2);
/// assert_eq!(manyhands::batch::chunk_ranges(0, three).count(), 0);
/// ```
pub fn chunk_ranges(n_items: usize, workers: NonZeroUsize) -> impl Iterator<Item = Range<usize>> {
    let n_chunks = workers.get().min(n_items);
    let length = n_items.checked_div(n_chunks).unwrap_or(0);
    let n_longer = n_items - length * n_chunks;
    (0..n_chunks).map(move |chunk| {
        let first = chunk * length + chunk.min(n_longer);
        first..first + length + usize::from(chunk < n_longer)
    })
}

/// Splits a list into consecutive batches of `size` items; the last one may be shorter. An empty list has no batches.
///
/// The batches borrow from the list: no item is copied. Pass them as items to a call, so that each worker takes a whole
/// batch.
///
/// # Errors
/// A configuration error when `size` is 0.
///
/// ```
/// let batches = manyhands::batch_items(&[1, 2, 3, 4, 5], 2)?;
/// assert_eq!(batches, [&[1, 2][..], &[3, 4], &[5]]);
/// assert!(manyhands::batch_items(&[1], 0).unwrap_err().to_string().contains("use"));
///
/// let sums = manyhands::parallel_map(manyhands::Threads, &batches, |batch| batch.iter().sum::<i32>())?;
/// assert_eq!(sums, [3, 7, 5]);
/// # Ok::<(), manyhands::Error>(())
/// ```
pub fn batch_items<T>(items: &[T], size: usize) -> Result<Vec<&[T]>, ConfigError> {
    if size == 0 {
        return Err(ConfigError::new("batches of 0 items asked for; use a size of 1 or more"));
    }
    Ok(items.chunks(size).collect())
}

/// Splits a list into at most `workers` consecutive chunks of nearly equal length, as [`chunk_ranges`] does.
///
/// The chunks borrow from the list: no item is copied.
///
/// # Errors
/// A configuration error when `workers` is 0.
///
/// ```
/// let chunks = manyhands::chunk_for_workers(&[1, 2, 3, 4, 5], 2)?;
/// assert_eq!(chunks, [&[1, 2, 3][..], &[4, 5]]);
/// # Ok::<(), manyhands::Error>(())
/// ```
pub fn chunk_for_workers<T>(items: &[T], workers: usize) -> Result<Vec<&[T]>, ConfigError> {
    let workers = non_zero_workers(workers)?;
    Ok(chunk_ranges(items.len(), workers).map(|range| &items[range]).collect())
}

/// A batch size that gives each of `workers` about two batches of `n_items`, and never fewer than ten items a batch:
/// `max(10, n_items / (2 * workers))`.
///
/// # Errors
/// A configuration error when `workers` is 0.
///
/// ```
/// assert_eq!(manyhands::adaptive_batch_size(960, 4)?, 120);
/// assert_eq!(manyhands::adaptive_batch_size(5, 4)?, 10);
/// # Ok::<(), manyhands::Error>(())
/// ```
pub fn adaptive_batch_size(n_items: usize, workers: usize) -> Result<usize, ConfigError> {
    const SMALLEST: usize = 10;
    let workers = non_zero_workers(workers)?;
    Ok(SMALLEST.max(n_items / workers.get().saturating_mul(2)))
}

/// Splits a list into consecutive batches whose summed cost stays within `limit`. An item above the limit gets a batch
/// of its own. The unit of cost is the caller's: bytes, samples, seconds.
///
/// Every item is in exactly one batch, in input order; no batch is empty, and only a batch of one item may exceed the
/// limit. Greedy: a batch ends when the next item does not fit. `cost` is called once per item.
///
/// # Errors
/// A configuration error when `limit` is 0.
///
/// ```
/// let megabytes = [3, 4, 90, 2, 2, 2];
/// let batches = manyhands::group_by_cost(&megabytes, |&size| size, 8)?;
/// assert_eq!(batches, [&[3, 4][..], &[90], &[2, 2, 2]]);
/// # Ok::<(), manyhands::Error>(())
/// ```
pub fn group_by_cost<T>(items: &[T], cost: impl Fn(&T) -> u64, limit: u64) -> Result<Vec<&[T]>, ConfigError> {
    if limit == 0 {
        return Err(ConfigError::new("batches of cost 0 asked for; use a limit of 1 or more"));
    }
    let mut batches = Vec::new();
    let (mut first, mut sum) = (0, 0_u64);
    for (idx, item) in items.iter().enumerate() {
        let own = cost(item);
        if sum.saturating_add(own) > limit && idx > first {
            batches.push(&items[first..idx]);
            (first, sum) = (idx, own);
        } else {
            sum = sum.saturating_add(own);
        }
    }
    if first < items.len() {
        batches.push(&items[first..]);
    }
    Ok(batches)
}

fn non_zero_workers(workers: usize) -> Result<NonZeroUsize, ConfigError> {
    NonZeroUsize::new(workers).ok_or_else(|| ConfigError::new("0 workers asked for; use 1 or more"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_cover_every_index_once_in_order_and_are_balanced(n_items in 0_usize..5000, workers in 1_usize..300) {
            let ranges: Vec<_> = chunk_ranges(n_items, NonZeroUsize::new(workers).unwrap()).collect();
            let covered: Vec<usize> = ranges.iter().cloned().flatten().collect();
            prop_assert_eq!(covered, (0..n_items).collect::<Vec<_>>());
            prop_assert!(ranges.len() <= workers);
            let shortest = ranges.iter().map(ExactSizeIterator::len).min().unwrap_or(1);
            let longest = ranges.iter().map(ExactSizeIterator::len).max().unwrap_or(1);
            prop_assert!(shortest >= 1 && longest - shortest <= 1);
        }

        #[test]
        fn batches_hold_every_item_once_in_order(items in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..50) {
            let batches = batch_items(&items, size).unwrap();
            prop_assert_eq!(&batches.concat(), &items);
            prop_assert!(batches.iter().rev().skip(1).all(|batch| batch.len() == size));
        }

        #[test]
        fn cost_groups_keep_the_limit_unless_one_item_exceeds_it(costs in prop::collection::vec(0_u64..100, 0..200), limit in 1_u64..150) {
            let batches = group_by_cost(&costs, |&cost| cost, limit).unwrap();
            prop_assert_eq!(&batches.concat(), &costs);
            for batch in &batches {
                prop_assert!(!batch.is_empty());
                prop_assert!(batch.len() == 1 || batch.iter().sum::<u64>() <= limit);
            }
            for pair in batches.windows(2) {
                // Greedy: the next batch's first item did not fit.
                prop_assert!(pair[0].iter().sum::<u64>() + pair[1][0] > limit);
            }
        }
    }

    #[test]
    fn a_size_of_zero_is_a_typed_error_and_never_an_empty_list() {
        assert!(batch_items(&[1], 0).unwrap_err().to_string().contains("use"));
        assert!(chunk_for_workers(&[1], 0).unwrap_err().to_string().contains("use"));
        assert!(adaptive_batch_size(5, 0).unwrap_err().to_string().contains("use"));
        assert!(group_by_cost(&[1_u64], |&cost| cost, 0).unwrap_err().to_string().contains("use"));
    }

    #[test]
    fn extreme_numbers_neither_overflow_nor_panic() {
        assert_eq!(adaptive_batch_size(usize::MAX, usize::MAX).unwrap(), 10);
        assert_eq!(chunk_ranges(usize::MAX, NonZeroUsize::MIN).next(), Some(0..usize::MAX));
        let costs = [u64::MAX, u64::MAX];
        assert_eq!(group_by_cost(&costs, |&cost| cost, 5).unwrap().len(), 2);
    }
}
