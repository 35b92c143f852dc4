//! Sums over the items of a run, as arithmetic. No clock, no files.
//!
//! Counts, slowest items and sums of amounts are over all items, whichever run finished them. Rates per second of wall
//! time are over the items of this run only, since the wall time of earlier runs is unknown.
//!
//! Costs three passes, a list of 8 bytes per successful item for the median and one per amount and item, which are
//! sorted.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::record::{FailureKind, ItemRecord};

/// How many of the slowest items are named.
const N_SLOWEST: usize = 10;

/// The sums over the items of a run.
#[derive(Debug, Default)]
pub(crate) struct Totals<'a> {
    pub(crate) succeeded: usize,
    pub(crate) failed: BTreeMap<&'static str, usize>,
    pub(crate) resumed: usize,
    /// Items that this run itself finished.
    pub(crate) computed: usize,
    /// Seconds per item that succeeded.
    pub(crate) seconds: Spread,
    /// The longest first.
    pub(crate) slowest: Vec<Slow<'a>>,
    pub(crate) amounts: BTreeMap<&'a str, AmountTotals>,
    /// Over the items of this run; `None` when it is unknown for one of them.
    pub(crate) cpu: Option<Duration>,
    pub(crate) peak_memory: Option<u64>,
}

/// Mean, median and largest of a list of numbers; `None` of an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub(crate) struct Spread {
    pub(crate) mean: Option<f64>,
    pub(crate) median: Option<f64>,
    pub(crate) largest: Option<f64>,
}

/// One of the slowest items.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Slow<'a> {
    pub(crate) key: &'a str,
    pub(crate) index: usize,
    pub(crate) seconds: f64,
    pub(crate) status: &'static str,
}

/// One amount, over the items that succeeded and reported it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub(crate) struct AmountTotals {
    pub(crate) items: usize,
    pub(crate) total: f64,
    pub(crate) mean: Option<f64>,
    /// The total of this run's items over its wall time.
    pub(crate) per_wall_second: Option<f64>,
    /// The total over the time that workers spent on the items: the speed of one worker.
    pub(crate) per_busy_second: Option<f64>,
    /// The mean of each item's own amount per second, whatever its size; without items that took no time.
    pub(crate) mean_item_rate: Option<f64>,
    pub(crate) median_item_rate: Option<f64>,
}

/// The totals of these items, in a run that took so long.
///
/// The slowest are of all items, those that failed included; the spread of seconds is of those that succeeded.
pub(crate) fn totals(items: &[ItemRecord], wall: Duration) -> Totals<'_> {
    let mut totals = Totals { slowest: slowest(items), cpu: cpu_of_this_run(items), ..Totals::default() };
    let mut seconds = Vec::new();
    let mut amounts: BTreeMap<&str, AmountSums> = BTreeMap::new();
    for item in items {
        totals.resumed += usize::from(item.is_resumed);
        totals.peak_memory = totals.peak_memory.max(item.peak_memory);
        if let Some(failure) = &item.failure {
            *totals.failed.entry(failure.kind.as_str()).or_default() += 1;
            continue;
        }
        seconds.push(item.elapsed.as_secs_f64());
        for amount in &item.amounts {
            amounts.entry(&amount.name).or_default().add(amount.value, item);
        }
    }
    totals.computed = items.len() - totals.resumed;
    totals.succeeded = seconds.len();
    totals.seconds = Spread::of(seconds);
    totals.amounts = amounts.into_iter().map(|(name, sums)| (name, sums.totals(wall))).collect();
    totals
}

impl Totals<'_> {
    pub(crate) fn n_failed(&self) -> usize {
        self.failed.values().sum()
    }
}

/// An item's status in tables.
pub(crate) fn status(item: &ItemRecord) -> &'static str {
    item.failure.as_ref().map_or("succeeded", |failure| FailureKind::as_str(failure.kind))
}

fn slowest(items: &[ItemRecord]) -> Vec<Slow<'_>> {
    let mut order: Vec<&ItemRecord> = items.iter().collect();
    let slowest_first = |item: &&ItemRecord| (Reverse(item.elapsed), item.index);
    // Selects ten first and sorts those only, which is cheap for a million items.
    if order.len() > N_SLOWEST {
        order.select_nth_unstable_by_key(N_SLOWEST, slowest_first);
        order.truncate(N_SLOWEST);
    }
    order.sort_unstable_by_key(slowest_first);
    let named = order.into_iter().map(|item| Slow {
        key: &item.key,
        index: item.index,
        seconds: item.elapsed.as_secs_f64(),
        status: status(item),
    });
    named.collect()
}

/// One unknown time makes the sum unknown: a sum without it would look like idle workers.
fn cpu_of_this_run(items: &[ItemRecord]) -> Option<Duration> {
    items.iter().filter(|item| !item.is_resumed).map(|item| item.cpu).sum()
}

/// The sums of one amount while the items are read.
#[derive(Debug, Default)]
struct AmountSums {
    items: usize,
    total: f64,
    total_of_this_run: f64,
    busy: Duration,
    rates: Vec<f64>,
}

impl AmountSums {
    fn add(&mut self, value: f64, item: &ItemRecord) {
        self.items += 1;
        self.total += value;
        self.busy += item.elapsed;
        if !item.is_resumed {
            self.total_of_this_run += value;
        }
        self.rates.extend(per_second(value, item.elapsed));
    }

    fn totals(self, wall: Duration) -> AmountTotals {
        let rates = Spread::of(self.rates);
        AmountTotals {
            items: self.items,
            total: self.total,
            mean: ratio(self.total, float(self.items)),
            per_wall_second: per_second(self.total_of_this_run, wall),
            per_busy_second: per_second(self.total, self.busy),
            mean_item_rate: rates.mean,
            median_item_rate: rates.median,
        }
    }
}

impl Spread {
    fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_unstable_by(f64::total_cmp);
        Self {
            mean: ratio(numbers.iter().sum(), float(numbers.len())),
            median: median(&numbers),
            largest: numbers.last().copied(),
        }
    }
}

/// The mean of the two middle numbers where their count is even.
fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { *upper } else { f64::midpoint(sorted[middle - 1], *upper) })
}

/// Amount per second; `None` when no time passed.
pub(crate) fn per_second(amount: f64, time: Duration) -> Option<f64> {
    ratio(amount, time.as_secs_f64())
}

/// `None` when the divisor is zero.
pub(crate) fn ratio(amount: f64, by: f64) -> Option<f64> {
    (by > 0.0).then(|| amount / by)
}

/// Exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts of items, far below")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::golden;
    use crate::persist::report::tests::{failed, item};
    use crate::record::Amount;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn with_amount(mut item: ItemRecord, name: &'static str, value: f64) -> ItemRecord {
        item.amounts.push(Amount { name: name.into(), value });
        item
    }

    #[test]
    fn no_items_come_to_nothing_and_divide_by_nothing() {
        let totals = totals(&[], Duration::ZERO);
        assert_eq!((totals.succeeded, totals.n_failed(), totals.computed), (0, 0, 0));
        assert_eq!((totals.seconds, totals.slowest.len(), totals.peak_memory), (Spread::default(), 0, None));
    }

    #[test]
    fn failures_are_counted_by_kind_and_kept_out_of_times_and_amounts() {
        let items = [
            with_amount(item(0, 2.0), "frames", 8.0),
            with_amount(failed(1, 90.0, FailureKind::Panic), "frames", 3.0),
            failed(2, 90.0, FailureKind::Error),
            failed(3, 90.0, FailureKind::Panic),
        ];
        let totals = totals(&items, seconds(4.0));
        assert_eq!(totals.failed, BTreeMap::from([("error", 1), ("panic", 2)]));
        assert_eq!((totals.succeeded, totals.n_failed(), totals.seconds.mean), (1, 3, Some(2.0)));
        assert_eq!(totals.amounts["frames"].total, 8.0);
    }

    #[test]
    fn the_slowest_are_the_ten_longest_and_the_earlier_of_two_alike() {
        let mut items: Vec<_> =
            (0..25).map(|index| item(index, f64::from(u32::try_from(index).unwrap() / 2))).collect();
        items.reverse();
        let totals = totals(&items, seconds(1.0));
        let named: Vec<usize> = totals.slowest.iter().map(|slow| slow.index).collect();
        assert_eq!(named, [24, 22, 23, 20, 21, 18, 19, 16, 17, 14]);
        assert_eq!((totals.slowest[0].key, totals.slowest[0].seconds), ("item 24", 12.0));
    }

    #[test]
    fn rates_of_the_wall_are_of_this_run_and_sums_of_all() {
        let earlier = ItemRecord { is_resumed: true, ..with_amount(item(0, 3.0), "frames", 30.0) };
        let items = [earlier, with_amount(item(1, 1.0), "frames", 10.0)];
        let totals = totals(&items, seconds(2.0));
        assert_eq!((totals.resumed, totals.computed, totals.succeeded), (1, 1, 2));
        let frames = totals.amounts["frames"];
        assert_eq!((frames.items, frames.total, frames.mean), (2, 40.0, Some(20.0)));
        assert_eq!((frames.per_wall_second, frames.per_busy_second), (Some(5.0), Some(10.0)));
    }

    #[test]
    fn an_item_that_took_no_time_has_no_rate() {
        let items = [with_amount(item(0, 0.0), "frames", 7.0), with_amount(item(1, 2.0), "frames", 8.0)];
        let frames = totals(&items, Duration::ZERO).amounts["frames"];
        assert_eq!((frames.mean_item_rate, frames.median_item_rate), (Some(4.0), Some(4.0)));
        assert_eq!((frames.total, frames.per_busy_second, frames.per_wall_second), (15.0, Some(7.5), None));
    }

    #[test]
    fn cores_are_summed_up_only_when_every_item_of_this_run_knows() {
        let known = |index| ItemRecord { cpu: Some(seconds(0.5)), ..item(index, 1.0) };
        let earlier = ItemRecord { is_resumed: true, ..item(2, 1.0) };
        assert_eq!(totals(&[known(0), known(1), earlier], seconds(1.0)).cpu, Some(seconds(1.0)));
        assert_eq!(totals(&[known(0), item(1, 1.0)], seconds(1.0)).cpu, None);
    }

    #[test]
    fn the_largest_memory_is_that_of_the_items_that_know() {
        let known = |index, bytes| ItemRecord { peak_memory: Some(bytes), ..item(index, 1.0) };
        assert_eq!(totals(&[known(0, 5), item(1, 1.0), known(2, 3)], seconds(1.0)).peak_memory, Some(5));
    }

    #[test]
    fn a_median_is_the_middle_or_halfway_between_the_two() {
        assert_eq!(Spread::of(vec![9.0, 1.0, 4.0]).median, Some(4.0));
        assert_eq!(Spread::of(vec![9.0, 1.0, 4.0, 2.0]).median, Some(3.0));
        assert_eq!(Spread::of(vec![]), Spread::default());
    }

    #[test]
    fn totals_are_the_golden_ones() {
        let Some(cases) = golden::cases("batch/extraction_summary.json") else { return };
        for case in cases {
            let items: Vec<ItemRecord> =
                case["records"].as_array().unwrap().iter().enumerate().map(from_golden).collect();
            let (wall, expected) = (case["wall"].as_f64().unwrap(), &case["expect"]);
            let totals = totals(&items, seconds(wall));
            let none = AmountTotals::default();
            let frames = totals.amounts.get("frames").unwrap_or(&none);
            let megabytes = totals.amounts.get("megabytes").unwrap_or(&none);
            let busy: Duration = items.iter().filter(|item| item.failure.is_none()).map(|item| item.elapsed).sum();

            // The reference says 0 where there was nothing to divide by; here it is unknown.
            let or_zero = |known: Option<f64>| known.unwrap_or(0.0);
            for (name, found) in [
                ("newly_extracted", float(totals.succeeded)),
                ("failed", float(totals.n_failed())),
                ("total_frames", frames.total),
                ("total_processing_time", busy.as_secs_f64()),
                ("concurrency_factor", or_zero(per_second(busy.as_secs_f64(), seconds(wall)))),
                ("average_fps", or_zero(frames.per_busy_second)),
                ("mean_fps_per_item", or_zero(frames.mean_item_rate)),
                ("median_fps_per_item", or_zero(frames.median_item_rate)),
                ("mean_memory_mb", or_zero(megabytes.mean)),
            ] {
                let golden = expected[name].as_f64().unwrap();
                let is_equal = (found - golden).abs() <= 1e-12 * golden.abs();
                assert!(is_equal, "{}: {name} is {found}, golden {golden}", case["id"]);
            }
        }
    }

    fn from_golden((index, record): (usize, &Value)) -> ItemRecord {
        let number = |name: &str| record[name].as_f64().unwrap();
        let time = number("processing_time");
        if record["status"] != "success" {
            return failed(index, time, FailureKind::Error);
        }
        let frames = with_amount(item(index, time), "frames", number("num_frames"));
        with_amount(frames, "megabytes", number("memory_used_mb"))
    }
}
