//! The cases, with the pool of procspawn. It has no map, so items go as vectors, and few calls are outstanding at a
//! time: it takes three descriptors for each, and three large ones block each other for ever.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use procspawn::{JoinHandle, Pool, SpawnError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::line::Line;
use crate::options::Options;
use crate::ours::{gigabytes_per_second, millis, per_second, percentiles};
use crate::{drills, memory, tasks};

/// How many calls are outstanding at most.
const WINDOW: usize = 64;
/// The same for payloads of megabytes.
const WINDOW_OF_PAYLOADS: usize = 2;

pub(crate) fn start(options: &Options) -> Line {
    let begun = Instant::now();
    let pool = pool(options);
    let answer = one(&pool, 20);
    let first = begun.elapsed();
    assert_eq!(answer, 41);
    let begun = Instant::now();
    drop(pool);
    Line::new().with("first_result_ms", millis(first)).with("close_ms", millis(begun.elapsed()))
}

pub(crate) fn tiny(options: &Options) -> Line {
    let pool = warm_pool(options);
    let items: Vec<u64> = (0..options.n).collect();
    let expected: Vec<u64> = items.iter().map(tasks::tiny).collect();
    [1, 10, 100, 1000].into_iter().fold(Line::new(), |line, chunk_size| {
        let begun = Instant::now();
        let mut answers = Vec::new();
        let chunks = items.chunks(chunk_size).map(<[u64]>::to_vec);
        windowed(&pool, WINDOW, chunks, many_tiny, |chunk| answers.extend(chunk.expect("no chunk fails")));
        let took = begun.elapsed();
        assert_eq!(answers, expected, "in chunks of {chunk_size}");
        line.with(&format!("items_per_s_chunk_{chunk_size}"), per_second(items.len(), took))
    })
}

pub(crate) fn latency(options: &Options) -> Line {
    let pool = warm_pool(options);
    for i in 0..20 {
        one(&pool, i);
    }
    let mut times = Vec::new();
    for i in 0..options.n_lat as u64 {
        let begun = Instant::now();
        let answer = one(&pool, i);
        times.push(begun.elapsed());
        assert_eq!(answer, tasks::tiny(&i));
    }
    let [p50, p99] = percentiles(times);
    Line::new().with("p50_us", p50).with("p99_us", p99).with("n", options.n_lat)
}

pub(crate) fn payload_in(options: &Options) -> Line {
    let pool = warm_pool(options);
    let samples = tasks::samples();
    let expected = vec![tasks::sum(&samples); options.payload_items];
    let begun = Instant::now();
    let mut sums = Vec::new();
    let items = (0..options.payload_items).map(|_| samples.clone());
    windowed(&pool, WINDOW_OF_PAYLOADS, items, sum_of_samples, |sum| sums.push(sum.expect("no item fails")));
    let took = begun.elapsed();
    assert_eq!(sums, expected);
    Line::new().with("gb_s", gigabytes_per_second(options.payload_items, took))
}

pub(crate) fn payload_out(options: &Options) -> Line {
    let pool = warm_pool(options);
    let begun = Instant::now();
    let mut next = 0;
    windowed(&pool, WINDOW_OF_PAYLOADS, (0..).take(options.payload_items), make_one, |made| {
        assert!(tasks::is_made_of(next, &made.expect("no item fails")), "item {next}");
        next += 1;
    });
    Line::new().with("gb_s", gigabytes_per_second(options.payload_items, begun.elapsed()))
}

/// There is no sharing of numbers through its pool, so each slice is copied and sent.
pub(crate) fn shared(options: &Options) -> Line {
    let pool = warm_pool(options);
    let numbers = vec![1.0; options.shared_f64];
    let slices = options.slices(tasks::PARTS);
    let begun = Instant::now();
    let mut sums = Vec::new();
    let copies = slices.iter().map(|&(first, len)| numbers[first..first + len].to_vec());
    windowed(&pool, WINDOW_OF_PAYLOADS, copies, sum_of_numbers, |sum| sums.push(sum.expect("no slice fails")));
    let took = begun.elapsed();
    let expected: Vec<f64> = slices.iter().map(|&(first, len)| tasks::sum(&numbers[first..first + len])).collect();
    assert_eq!(sums, expected);
    Line::new().with("pickled_slices_s", took.as_secs_f64())
}

pub(crate) fn crash(options: &Options) -> Line {
    let begun = Instant::now();
    let pool = pool(options);
    let mut answers = Vec::new();
    windowed(&pool, WINDOW, 0..tasks::CRASH_ITEMS, crash_one, |answer| answers.push(answer.ok()));
    let took = begun.elapsed();
    let line = Line::new().with("time_s", took.as_secs_f64()).with("ok", answers.iter().flatten().count());
    line.with("same_pool_usable_after", one(&pool, 1) == 3)
}

pub(crate) fn timeout(options: &Options) -> Line {
    let begun = Instant::now();
    let pool = pool(options);
    let mut handles: Vec<_> = (0..tasks::HANG_ITEMS).map(|item| pool.spawn(item, hang_one)).collect();
    let mut n_ok = 0;
    for handle in &mut handles {
        match handle.join_timeout(tasks::HANG_LIMIT) {
            Ok(_) => n_ok += 1,
            // Nothing else ends the item.
            Err(_) => drop(handle.kill()),
        }
    }
    let took = begun.elapsed();
    drop(handles);
    let begun = Instant::now();
    let halves: Vec<_> = [0.5, 0.5].map(|seconds| pool.spawn(seconds, sleep_one)).into();
    let slept = halves.into_iter().all(|handle| handle.join().is_ok());
    let after = begun.elapsed();
    let line = Line::new().with("time_s", took.as_secs_f64()).with("ok", n_ok);
    let line = line.with("two_half_second_tasks_after_s", after.as_secs_f64());
    line.with("pool_kills_item", slept && after < Duration::from_millis(900))
}

pub(crate) fn million(options: &Options) -> Line {
    let pool = warm_pool(options);
    #[expect(clippy::cast_possible_truncation, reason = "any byte is as good as another")]
    let items: Vec<u8> = (0..options.million).map(|i| i as u8).collect();
    let (mut n_seen, mut n_right) = (0, 0);
    let base = memory::resident_mib();
    let begun = Instant::now();
    windowed(&pool, 16, items.chunks(1000).map(<[u8]>::to_vec), many_tiny_bytes, |answers| {
        for answer in answers.expect("no chunk fails") {
            n_right += usize::from(answer == tasks::tiny_byte(&items[n_seen]));
            n_seen += 1;
        }
    });
    let took = begun.elapsed();
    let peak = memory::peak_resident_mib();
    assert_eq!((n_seen, n_right), (items.len(), items.len()));
    let line = Line::new().with("time_s", took.as_secs_f64()).with("items_per_s", per_second(items.len(), took));
    line.with("base_rss_mib", base).with("peak_rss_mib", peak).with("grown_mib", peak - base)
}

/// Workers that sleep, or wait when there are no items, until something ends this process.
pub(crate) fn sleep_until_killed(n_sleeps: usize, options: &Options) {
    let pool = warm_pool(options);
    drills::announce_workers_soon();
    let handles: Vec<_> = (0..n_sleeps).map(|_| pool.spawn(drills::LONG_SLEEP, sleep_one)).collect();
    for handle in handles {
        drop(handle.join());
    }
    drills::wait_to_be_killed();
}

/// Calls the function for each argument, at most so many at once, and returns the results in order.
fn windowed<A, R>(
    pool: &Pool,
    window: usize,
    arguments: impl Iterator<Item = A>,
    function: fn(A) -> R,
    mut take: impl FnMut(Result<R, SpawnError>),
) where
    A: Serialize + DeserializeOwned,
    R: Serialize + DeserializeOwned + Send + 'static,
{
    let mut outstanding: VecDeque<JoinHandle<R>> = VecDeque::new();
    for argument in arguments {
        if outstanding.len() == window {
            outstanding.pop_front().into_iter().for_each(|handle| take(handle.join()));
        }
        outstanding.push_back(pool.spawn(argument, function));
    }
    outstanding.into_iter().for_each(|handle| take(handle.join()));
}

fn warm_pool(options: &Options) -> Pool {
    let pool = pool(options);
    one(&pool, 1);
    pool
}

fn pool(options: &Options) -> Pool {
    Pool::new(options.workers).expect("a pool")
}

fn one(pool: &Pool, item: u64) -> u64 {
    pool.spawn(item, tiny_one).join().expect("no item fails")
}

fn tiny_one(item: u64) -> u64 {
    tasks::tiny(&item)
}

fn many_tiny(items: Vec<u64>) -> Vec<u64> {
    items.iter().map(tasks::tiny).collect()
}

fn many_tiny_bytes(items: Vec<u8>) -> Vec<u8> {
    items.iter().map(tasks::tiny_byte).collect()
}

fn sum_of_samples(samples: tasks::Samples) -> f64 {
    tasks::sum(&samples)
}

fn sum_of_numbers(numbers: Vec<f64>) -> f64 {
    tasks::sum(&numbers)
}

fn make_one(item: u32) -> Vec<f64> {
    tasks::make(&item)
}

fn crash_one(item: u64) -> u64 {
    tasks::crash(&item)
}

fn hang_one(item: u64) -> u64 {
    tasks::hang(&item)
}

fn sleep_one(seconds: f64) -> bool {
    tasks::sleep(&seconds)
}
