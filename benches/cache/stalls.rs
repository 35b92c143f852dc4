//! While one key is computed for 200 ms, does anybody who looks for other, present keys notice?
//!
//! One reader looks one key up after the other and notes how long each look-up takes, once beside a computation and once
//! beside a thread that only sleeps as long. With a thousand keys some lie in the missing one's shard or bucket; the one
//! key does by chance only.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::choice::Choice;
use crate::designs::{DESIGNS, Design, Map, value_of};
use crate::report::{head, row, say, table_head, time_text};

const N_KEYS: u64 = 1_000;
const MISSING: u64 = N_KEYS;
const COMPUTATION: Duration = Duration::from_millis(200);

pub(crate) fn section(choice: &Choice) {
    if !choice.has("stalls") {
        return;
    }
    head("Looking present keys up beside a computation");
    let n_rounds = choice.rounds(60).div_ceil(20);
    say(&format!(
        "\nA computation sleeps {}. Medians of {n_rounds} rounds; worst of all; a clock is read around each look-up.",
        time_text(COMPUTATION)
    ));
    say("`got through`: how many look-ups ended beside the computation, for each that did without it.");
    table_head(&[
        "design",
        "looks at",
        "p99 without",
        "p99 beside",
        "ratio",
        "worst without",
        "worst beside",
        "got through",
    ]);
    for (name, keys) in [("one key", 7..8), ("1000 keys", 0..N_KEYS)] {
        let keys: Vec<u64> = keys.collect();
        let mut notes: Vec<[Vec<Note>; 2]> = DESIGNS.iter().map(|_| [Vec::new(), Vec::new()]).collect();
        for round in 0..n_rounds {
            for turn in 0..DESIGNS.len() {
                let idx = (round + turn) % DESIGNS.len();
                let [without, beside] = look_twice(&DESIGNS[idx], &keys);
                notes[idx][0].push(without);
                notes[idx][1].push(beside);
            }
        }
        for (design, [without, beside]) in DESIGNS.iter().zip(notes) {
            row_of(design.name, name, Note::middle(&without), Note::middle(&beside));
        }
    }
}

fn row_of(design: &str, keys: &str, without: Note, beside: Note) {
    let ratio = beside.p99.as_secs_f64() / without.p99.as_secs_f64();
    row(&[
        design.to_owned(),
        keys.to_owned(),
        time_text(without.p99),
        time_text(beside.p99),
        format!("{:.*}", if ratio < 100.0 { 2 } else { 0 }, ratio),
        time_text(without.worst),
        time_text(beside.worst),
        format!("{:.3}", beside.n_reads as f64 / without.n_reads as f64),
    ]);
}

/// What a reader noted in one round.
#[derive(Debug, Clone, Copy)]
struct Note {
    p99: Duration,
    worst: Duration,
    n_reads: usize,
}

impl Note {
    /// The medians of some rounds, and the worst of all.
    fn middle(notes: &[Self]) -> Self {
        let mut p99: Vec<Duration> = notes.iter().map(|note| note.p99).collect();
        let mut n_reads: Vec<usize> = notes.iter().map(|note| note.n_reads).collect();
        p99.sort_unstable();
        n_reads.sort_unstable();
        let worst = notes.iter().map(|note| note.worst).max().expect("at least one round");
        Self { p99: p99[notes.len() / 2], worst, n_reads: n_reads[notes.len() / 2] }
    }
}

fn look_twice(design: &Design, keys: &[u64]) -> [Note; 2] {
    let map = (design.make)(N_KEYS as usize + 1);
    (0..N_KEYS).for_each(|key| map.put(key, value_of(key)));
    let without = look_while(&*map, keys, |sleep| _ = sleep());
    let beside = look_while(&*map, keys, |sleep| _ = map.get_or_make(MISSING, sleep));
    assert_eq!(map.get(MISSING), Some(1), "{}", design.name);
    [without, beside]
}

/// Looks keys up in a thread of its own while `act` runs.
fn look_while(map: &dyn Map, keys: &[u64], act: impl FnOnce(&dyn Fn() -> u64) + Send) -> Note {
    let (begun, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    // Relaxed: the flags only say when to look, and hand nothing over.
    let sleep = || {
        begun.store(true, Ordering::Relaxed);
        std::thread::sleep(COMPUTATION);
        ended.store(true, Ordering::Relaxed);
        1
    };
    std::thread::scope(|scope| {
        scope.spawn(|| act(&sleep));
        while !begun.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        look(map, keys, || !ended.load(Ordering::Relaxed))
    })
}

fn look(map: &dyn Map, keys: &[u64], goes_on: impl Fn() -> bool) -> Note {
    let mut latencies = Latencies::new();
    let mut before = Instant::now();
    for &key in keys.iter().cycle() {
        assert_eq!(map.get(key), Some(value_of(key)));
        let after = Instant::now();
        latencies.note(after - before);
        before = after;
        if !goes_on() {
            break;
        }
    }
    latencies.sum_up()
}

/// How often each latency came: short ones by the nanosecond, the others one by one.
struct Latencies {
    n_of_nanos: Vec<u32>,
    longer: Vec<Duration>,
}

impl Latencies {
    fn new() -> Self {
        Self { n_of_nanos: vec![0; 20_000], longer: Vec::with_capacity(10_000) }
    }

    fn note(&mut self, latency: Duration) {
        match self.n_of_nanos.get_mut(latency.as_nanos() as usize) {
            Some(n_reads) => *n_reads += 1,
            None => self.longer.push(latency),
        }
    }

    fn sum_up(mut self) -> Note {
        self.longer.sort_unstable();
        let short = self.n_of_nanos.iter().enumerate().filter(|&(_, &n_reads)| n_reads > 0);
        let short = short.map(|(nanos, &n_reads)| (Duration::from_nanos(nanos as u64), n_reads as usize));
        let all: Vec<(Duration, usize)> = short.chain(self.longer.iter().map(|&latency| (latency, 1))).collect();
        let n_reads: usize = all.iter().map(|&(_, n_reads)| n_reads).sum();
        let mut n_before = 0;
        let reaches_99_percent = |&&(_, n_reads_so_long): &&(Duration, usize)| {
            n_before += n_reads_so_long;
            n_before * 100 >= n_reads * 99
        };
        let (p99, _) = *all.iter().find(reaches_99_percent).expect("at least one look-up");
        let (worst, _) = *all.last().expect("at least one look-up");
        Note { p99, worst, n_reads }
    }
}
