//! How two signals go together within an epoch: Pearson, Spearman and Kendall, and the join on equal timestamps.
//!
//! The three functions take pairs; either side constant, or fewer than two pairs, gives NaN. An epoch needs at least
//! three distinct timestamps that both sides have a number at.

use std::cmp::Ordering;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::sums::{mean_of, squares_about, sum_of_pairs};
use crate::SleepError;

/// Fewer common timestamps than this say nothing about a correlation.
const FEWEST_COMMON: usize = 3;

/// Which coefficient is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum CorrelationMethod {
    /// The product-moment coefficient of the values.
    #[default]
    Pearson,
    /// Pearson of the ranks; equal values share the mean of their ranks.
    Spearman,
    /// Tau-b: concordant less discordant pairs, corrected for ties.
    Kendall,
}

impl CorrelationMethod {
    /// Every method.
    pub const ALL: [Self; 3] = [Self::Pearson, Self::Spearman, Self::Kendall];

    /// The name in job files and column names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pearson => "pearson",
            Self::Spearman => "spearman",
            Self::Kendall => "kendall",
        }
    }
}

impl FromStr for CorrelationMethod {
    type Err = SleepError;

    fn from_str(name: &str) -> Result<Self, SleepError> {
        Self::ALL.into_iter().find(|method| method.name() == name).ok_or_else(|| {
            SleepError::Config(format!("unknown correlation method {name:?}; use pearson, spearman or kendall"))
        })
    }
}

/// Pearson's product-moment correlation of pairs.
///
/// # Panics
/// When the slices differ in length.
///
/// ```
/// # use sleep_analysis::features::pearson;
/// assert_eq!(pearson(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]), 1.0);
/// assert!(pearson(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]).is_nan());
/// ```
#[must_use]
pub fn pearson(first: &[f64], second: &[f64]) -> f64 {
    check_pairs(first, second);
    // Rounding can make a constant series look as if it varied, so it is tested directly.
    if is_constant(first) || is_constant(second) {
        return f64::NAN;
    }
    let (first_mean, second_mean) = (mean_of(first), mean_of(second));
    let products = sum_of_pairs(first, second, |a, b| (a - first_mean) * (b - second_mean));
    let spreads = root_of_product(squares_about(first, first_mean), squares_about(second, second_mean));
    (products / spreads).clamp(-1.0, 1.0)
}

/// Spearman's rank correlation of pairs: Pearson of the ranks. The cost is that of two sorts.
///
/// # Panics
/// When the slices differ in length.
///
/// ```
/// # use sleep_analysis::features::spearman;
/// assert_eq!(spearman(&[1.0, 2.0, 3.0], &[1.0, 10.0, 100.0]), 1.0);
/// ```
#[must_use]
pub fn spearman(first: &[f64], second: &[f64]) -> f64 {
    check_pairs(first, second);
    spearman_with(first, second, &mut RankScratch::default())
}

/// Kendall's tau-b of pairs, in O(n log n) by counting the exchanges of a merge sort.
///
/// Source: W. R. Knight, "A computer method for calculating Kendall's tau with ungrouped data", JASA 61 (1966).
///
/// # Panics
/// When the slices differ in length.
///
/// ```
/// # use sleep_analysis::features::kendall;
/// assert_eq!(kendall(&[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0]), 1.0 / 3.0);
/// ```
#[must_use]
pub fn kendall(first: &[f64], second: &[f64]) -> f64 {
    check_pairs(first, second);
    kendall_with(first, second, &mut RankScratch::default())
}

/// Buffers that are used again from epoch to epoch.
#[derive(Debug, Default)]
pub(crate) struct CorrelationScratch {
    first: Vec<f64>,
    second: Vec<f64>,
    ranks: RankScratch,
}

#[derive(Debug, Default)]
struct RankScratch {
    order: Vec<(f64, usize)>,
    first_ranks: Vec<f64>,
    second_ranks: Vec<f64>,
    pairs: Vec<(f64, f64)>,
    merged: Vec<f64>,
    seconds: Vec<f64>,
}

/// One side of an epoch: its samples and when they were taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timed<'a> {
    pub(crate) timestamps_ns: &'a [i64],
    pub(crate) values: &'a [f64],
}

/// The correlation of two sides over the timestamps that both have a number at; NaN for fewer than three of them.
pub(crate) fn correlation_with(
    method: CorrelationMethod,
    first: Timed<'_>,
    second: Timed<'_>,
    scratch: &mut CorrelationScratch,
) -> f64 {
    let CorrelationScratch { first: xs, second: ys, ranks } = scratch;
    if join_numbers(first, second, xs, ys) < FEWEST_COMMON {
        return f64::NAN;
    }
    match method {
        CorrelationMethod::Pearson => pearson(xs, ys),
        CorrelationMethod::Spearman => spearman_with(xs, ys, ranks),
        CorrelationMethod::Kendall => kendall_with(xs, ys, ranks),
    }
}

/// Pairs the numbers of both sides by timestamp, and says how many distinct timestamps they share.
///
/// Rows pair by position when each timestamp has as many on either side; else each timestamp pairs every row of one
/// side with every row of the other.
fn join_numbers(first: Timed<'_>, second: Timed<'_>, xs: &mut Vec<f64>, ys: &mut Vec<f64>) -> usize {
    xs.clear();
    ys.clear();
    let (mut n_common, mut by_position) = (0, true);
    for_each_common(first, second, |first_rows, second_rows| {
        let n_before = xs.len();
        xs.extend(first_rows.iter().filter(|value| !value.is_nan()));
        ys.extend(second_rows.iter().filter(|value| !value.is_nan()));
        if xs.len() == n_before || ys.len() == n_before {
            // One side has only NaN here, so there is no pair.
            xs.truncate(n_before);
            ys.truncate(n_before);
        } else if xs.len() == ys.len() {
            n_common += 1;
        } else {
            by_position = false;
            xs.truncate(n_before);
            ys.truncate(n_before);
        }
    });
    if by_position { n_common } else { join_every_row(first, second, xs, ys) }
}

fn join_every_row(first: Timed<'_>, second: Timed<'_>, xs: &mut Vec<f64>, ys: &mut Vec<f64>) -> usize {
    xs.clear();
    ys.clear();
    let mut n_common = 0;
    for_each_common(first, second, |first_rows, second_rows| {
        let n_before = xs.len();
        for &x in first_rows.iter().filter(|value| !value.is_nan()) {
            for &y in second_rows.iter().filter(|value| !value.is_nan()) {
                xs.push(x);
                ys.push(y);
            }
        }
        n_common += usize::from(xs.len() > n_before);
    });
    n_common
}

/// Calls with the rows of either side for each timestamp that both have, in time order.
fn for_each_common(first: Timed<'_>, second: Timed<'_>, mut call: impl FnMut(&[f64], &[f64])) {
    let (mut i, mut j) = (0, 0);
    while let (Some(&a), Some(&b)) = (first.timestamps_ns.get(i), second.timestamps_ns.get(j)) {
        match a.cmp(&b) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => {
                let (i_end, j_end) = (run_end(first.timestamps_ns, i), run_end(second.timestamps_ns, j));
                call(&first.values[i..i_end], &second.values[j..j_end]);
                (i, j) = (i_end, j_end);
            }
        }
    }
}

fn run_end<T: PartialEq>(values: &[T], from: usize) -> usize {
    let mut end = from + 1;
    while end < values.len() && values[end] == values[from] {
        end += 1;
    }
    end
}

fn check_pairs(first: &[f64], second: &[f64]) {
    assert!(first.len() == second.len(), "{} values to pair with {}", first.len(), second.len());
}

fn is_constant(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}

/// One rounding less than a product of roots, unless the product leaves the range of floats.
fn root_of_product(a: f64, b: f64) -> f64 {
    let product = a * b;
    if product.is_normal() { product.sqrt() } else { a.sqrt() * b.sqrt() }
}

fn spearman_with(first: &[f64], second: &[f64], scratch: &mut RankScratch) -> f64 {
    if first.iter().chain(second).any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let RankScratch { order, first_ranks, second_ranks, .. } = scratch;
    average_ranks(first, order, first_ranks);
    average_ranks(second, order, second_ranks);
    pearson(first_ranks, second_ranks)
}

/// The rank of each value, counted from 1; equal values share the mean of the ranks they take together.
fn average_ranks(values: &[f64], order: &mut Vec<(f64, usize)>, ranks: &mut Vec<f64>) {
    order.clear();
    order.extend(values.iter().enumerate().map(|(idx, &value)| (one_zero(value), idx)));
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    ranks.clear();
    ranks.resize(values.len(), 0.0);
    let mut first = 0;
    for tied in order.chunk_by(|a, b| a.0 == b.0) {
        let rank = first as f64 + (tied.len() + 1) as f64 / 2.0;
        for &(_, idx) in tied {
            ranks[idx] = rank;
        }
        first += tied.len();
    }
}

/// Both zeros as the positive one, so that an order of all bits ties them.
fn one_zero(value: f64) -> f64 {
    value + 0.0
}

fn kendall_with(first: &[f64], second: &[f64], scratch: &mut RankScratch) -> f64 {
    if first.iter().chain(second).any(|value| value.is_nan()) || first.len() < 2 {
        return f64::NAN;
    }
    let RankScratch { pairs, merged, seconds, .. } = scratch;
    pairs.clear();
    pairs.extend(first.iter().zip(second).map(|(&a, &b)| (one_zero(a), one_zero(b))));
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let first_ties = tied_pairs(pairs, |a, b| a.0 == b.0);
    let both_ties = tied_pairs(pairs, |a, b| a == b);
    seconds.clear();
    seconds.extend(pairs.iter().map(|pair| pair.1));
    let n_exchanges = sort_counting_exchanges(seconds, merged);
    let second_ties = tied_pairs(seconds, |a, b| a == b);
    let n_pairs = pairs.len() as u64 * (pairs.len() as u64 - 1) / 2;
    if first_ties == n_pairs || second_ties == n_pairs {
        return f64::NAN;
    }
    // Signed: discordant pairs may outnumber the concordant ones.
    let surplus = (n_pairs + both_ties) as f64 - (first_ties + second_ties) as f64 - 2.0 * n_exchanges as f64;
    let untied = root_of_product((n_pairs - first_ties) as f64, (n_pairs - second_ties) as f64);
    (surplus / untied).clamp(-1.0, 1.0)
}

/// The number of pairs within runs of equal neighbours.
fn tied_pairs<T>(sorted: &[T], same: impl FnMut(&T, &T) -> bool) -> u64 {
    sorted.chunk_by(same).map(|run| run.len() as u64 * (run.len() as u64 - 1) / 2).sum()
}

/// Sorts from the bottom up, and counts the pairs that stood in the wrong order.
fn sort_counting_exchanges(values: &mut Vec<f64>, merged: &mut Vec<f64>) -> u64 {
    let mut n_exchanges = 0;
    let mut run = 1;
    while run < values.len() {
        merged.clear();
        for two_runs in values.chunks(2 * run) {
            let (left, right) = two_runs.split_at(run.min(two_runs.len()));
            n_exchanges += merge_counting(left, right, merged);
        }
        std::mem::swap(values, merged);
        run *= 2;
    }
    n_exchanges
}

fn merge_counting(mut left: &[f64], mut right: &[f64], merged: &mut Vec<f64>) -> u64 {
    let mut n_exchanges = 0;
    while let (Some((&a, left_rest)), Some((&b, right_rest))) = (left.split_first(), right.split_first()) {
        if b < a {
            n_exchanges += left.len() as u64;
            merged.push(b);
            right = right_rest;
        } else {
            merged.push(a);
            left = left_rest;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    n_exchanges
}
