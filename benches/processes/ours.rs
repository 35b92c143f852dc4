//! The cases, with manyhands. Every answer is compared with what it must be.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use manyhands::{Job, OnFailure, Processes};

use crate::line::Line;
use crate::options::Options;
use crate::{drills, memory, raw, tasks};

/// The first answer of a program that has just begun.
pub(crate) fn start(options: &Options) -> Line {
    let begun = Instant::now();
    let answer = call_of_one(options, 20);
    let first = begun.elapsed();
    assert_eq!(answer, 41);
    let begun = Instant::now();
    Processes::end_idle_workers();
    Line::new().with("first_result_ms", millis(first)).with("close_ms", millis(begun.elapsed()))
}

/// Many items of no work, in chunks of so many, and as it comes without a word about chunks.
pub(crate) fn tiny(options: &Options) -> Line {
    start_workers(options);
    let items: Vec<u64> = (0..options.n).collect();
    let expected: Vec<u64> = items.iter().map(tasks::tiny).collect();
    let chunks = [("1", Some(1)), ("10", Some(10)), ("100", Some(100)), ("1000", Some(1000)), ("auto", None)];
    chunks.into_iter().fold(Line::new(), |line, (label, chunk_size)| {
        let job = job(&items, options);
        let job = if let Some(n_items) = chunk_size { job.chunk_size(n_items) } else { job };
        let begun = Instant::now();
        let answers = job.run(tasks::tiny).expect("a call").into_result().expect("no item fails");
        let took = begun.elapsed();
        assert_eq!(answers, expected, "in chunks of {label}");
        line.with(&format!("items_per_s_chunk_{label}"), per_second(items.len(), took))
    })
}

/// Calls of a single item, and in turns with them a message through a socket and back, which no pool can beat. They take turns
/// one by one: a side that goes several times in a row may keep a core of its own awake, on which a message is four times as
/// quick.
pub(crate) fn latency(options: &Options) -> Line {
    const TURN: usize = 1;
    start_workers(options);
    for i in 0..20 {
        call_of_one(options, i);
    }
    let mut limit = raw::Partner::start();
    let (mut calls, mut rounds) = (Vec::new(), Vec::new());
    while calls.len() < options.n_lat {
        let n_calls = TURN.min(options.n_lat - calls.len());
        calls.extend((0..n_calls as u64).map(|i| {
            let begun = Instant::now();
            let answer = call_of_one(options, i);
            let took = begun.elapsed();
            assert_eq!(answer, tasks::tiny(&i));
            took
        }));
        rounds.extend((0..n_calls).map(|_| limit.round()));
    }
    let [p50, p99] = percentiles(calls);
    let [raw_p50, raw_p99] = percentiles(rounds);
    let line = Line::new().with("p50_us", p50).with("p99_us", p99).with("n", options.n_lat);
    line.with("raw_p50_us", raw_p50).with("raw_p99_us", raw_p99)
}

/// The same 8 MB to a worker, again and again; a number back.
pub(crate) fn payload_in(options: &Options) -> Line {
    start_workers(options);
    let items = vec![tasks::samples(); options.payload_items];
    let expected = vec![tasks::sum(&items[0]); items.len()];
    let begun = Instant::now();
    let sums = job(&items, options).chunk_size(1).run(|samples: &tasks::Samples| tasks::sum(samples));
    let sums = sums.expect("a call").into_result().expect("no item fails");
    let took = begun.elapsed();
    assert_eq!(sums, expected);
    Line::new().with("gb_s", gigabytes_per_second(items.len(), took))
}

/// A number to a worker, 8 MB back, dropped as they come.
pub(crate) fn payload_out(options: &Options) -> Line {
    start_workers(options);
    let items: Vec<u32> = (0..).take(options.payload_items).collect();
    let begun = Instant::now();
    let tally = job(&items, options).chunk_size(1).map(tasks::make).for_each(|index, made| {
        let made = made.expect("no item fails");
        assert!(tasks::is_made_of(items[index], &made), "item {index}");
        ControlFlow::Continue(())
    });
    let took = begun.elapsed();
    assert_eq!(tally.expect("a call").succeeded, items.len());
    Line::new().with("gb_s", gigabytes_per_second(items.len(), took))
}

/// An item that ends its own process: all others have their answers, and it alone is named.
pub(crate) fn crash(options: &Options) -> Line {
    let items: Vec<u64> = (0..tasks::CRASH_ITEMS).collect();
    let begun = Instant::now();
    let outcome = job(&items, options).on_failure(OnFailure::Continue).run(tasks::crash).expect("a call");
    let took = begun.elapsed();
    let failed: Vec<usize> = outcome.failures().iter().map(|failure| failure.index).collect();
    assert_eq!(failed, [500], "the failed items");
    assert!(outcome.failures()[0].is_lost(), "{}", outcome.failures()[0]);
    let n_ok = n_same(&items, outcome.into_options());
    assert_eq!(n_ok, items.len() - 1, "items with their own answer");
    let is_usable = call_of_one(options, 1) == 3;
    Line::new().with("time_s", took.as_secs_f64()).with("ok", n_ok).with("same_pool_usable_after", is_usable)
}

/// An item that never ends: all others have their answers, it is named, and its worker is free again.
pub(crate) fn timeout(options: &Options) -> Line {
    let items: Vec<u64> = (0..tasks::HANG_ITEMS).collect();
    let mode = Processes::new().time_limit(tasks::HANG_LIMIT);
    let begun = Instant::now();
    let outcome = job(&items, options).mode(mode).on_failure(OnFailure::Continue).run(tasks::hang).expect("a call");
    let took = begun.elapsed();
    let failed: Vec<usize> = outcome.failures().iter().map(|failure| failure.index).collect();
    assert_eq!(failed, [5], "the failed items");
    assert!(outcome.failures()[0].is_time_limit(), "{}", outcome.failures()[0]);
    let n_ok = n_same(&items, outcome.into_options());
    assert_eq!(n_ok, items.len() - 1, "items with their own answer");
    let begun = Instant::now();
    let slept = job(&[0.5, 0.5], options).run(tasks::sleep).expect("a call").into_result().expect("no item fails");
    let after = begun.elapsed();
    assert_eq!(slept, [true, true]);
    let line = Line::new().with("time_s", took.as_secs_f64()).with("ok", n_ok);
    let line = line.with("two_half_second_tasks_after_s", after.as_secs_f64());
    line.with("pool_kills_item", after < Duration::from_millis(900))
}

/// A long call whose answers are counted and dropped.
pub(crate) fn million(options: &Options) -> Line {
    start_workers(options);
    #[expect(clippy::cast_possible_truncation, reason = "any byte is as good as another")]
    let items: Vec<u8> = (0..options.million).map(|i| i as u8).collect();
    let mut n_right = 0;
    let base = memory::resident_mib();
    let begun = Instant::now();
    let tally = job(&items, options).map(tasks::tiny_byte).for_each(|index, answer| {
        n_right += usize::from(answer.is_ok_and(|answer| answer == tasks::tiny_byte(&items[index])));
        ControlFlow::Continue(())
    });
    let took = begun.elapsed();
    let peak = memory::peak_resident_mib();
    assert_eq!((tally.expect("a call").succeeded, n_right), (items.len(), items.len()));
    let line = Line::new().with("time_s", took.as_secs_f64()).with("items_per_s", per_second(items.len(), took));
    line.with("base_rss_mib", base).with("peak_rss_mib", peak).with("grown_mib", peak - base)
}

/// Workers that sleep, or wait when there are no items, until something ends this process.
pub(crate) fn sleep_until_killed(n_sleeps: usize, options: &Options) {
    start_workers(options);
    drills::announce_workers_soon();
    drop(job(&vec![drills::LONG_SLEEP; n_sleeps], options).run(tasks::sleep));
    drills::wait_to_be_killed();
}

/// A first call that has something for each worker, so that the next one starts none.
pub(crate) fn start_workers(options: &Options) {
    let items: Vec<u64> = (0..options.workers as u64).collect();
    black_box(
        job(&items, options).chunk_size(1).run(tasks::tiny).expect("a call").into_result().expect("no item fails"),
    );
}

fn call_of_one(options: &Options, item: u64) -> u64 {
    let answers = job(&[item], options).run(tasks::tiny).expect("a call").into_result().expect("no item fails");
    let [answer] = answers[..] else { panic!("{} answers to one item", answers.len()) };
    answer
}

pub(crate) fn job<'a, T>(items: &'a [T], options: &Options) -> Job<'a, T, Processes> {
    Job::new(items).mode(Processes::new()).workers(options.workers)
}

/// How many answers are their own item, as some tasks give it back.
fn n_same(items: &[u64], answers: Vec<Option<u64>>) -> usize {
    items.iter().zip(answers).filter(|(item, answer)| *answer == Some(**item)).count()
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "a speed")]
pub(crate) fn per_second(n_items: usize, time: Duration) -> f64 {
    n_items as f64 / time.as_secs_f64()
}

pub(crate) fn gigabytes_per_second(n_payloads: usize, time: Duration) -> f64 {
    per_second(n_payloads * tasks::F64_PER_ITEM * size_of::<f64>(), time) / 1e9
}

/// The median and the time that 1 of 100 takes longer than, in microseconds.
pub(crate) fn percentiles(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort_unstable();
    [times.len() / 2, times.len() * 99 / 100].map(|idx| times[idx].as_secs_f64() * 1e6)
}
