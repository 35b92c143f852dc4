//! Operations of a few nanoseconds, timed in bursts: all threads run some thousand of them at the same moment, and a
//! burst counts only when nothing came between.
//!
//! A burst is good when each thread was on a CPU for over 93 % of it and, with two or more threads, when all of them ran
//! at once for over 85 % of it. A figure is the median of the good ones, and is shown with their number. So a busy machine
//! costs bursts, not truth. With more threads than cores no burst can be good; what counts there is the time that threads
//! spent on a CPU, in all bursts.
//!
//! Contenders take turns burst by burst, each round begins with another one, and the first round does not count.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The operations of one thread in one burst.
pub(crate) const OPERATIONS: usize = 10_000;

const LEAST_ON_CPU: f64 = 0.93;
const LEAST_OVERLAP: f64 = 0.85;

/// Fewer good bursts than this make no figure.
const FEWEST: usize = 5;
/// As long as a contender has fewer good ones, all go on, as many rounds again each time. That ends after [`PATIENCE`]: a
/// machine can be too busy, and a contender that sends threads to sleep may never have a good one.
const ENOUGH: usize = 20;
const PATIENCE: Duration = Duration::from_secs(5);

/// More threads than cores run this many bursts in a row, so that they meet others than those they started with.
const PARTS_WHEN_OVERSUBSCRIBED: usize = 4;

/// One of those that are compared.
pub(crate) struct Contender<'a> {
    burst: Box<dyn Fn(usize, usize) + Sync + 'a>,
}

impl<'a> Contender<'a> {
    /// `burst` runs [`OPERATIONS`] operations in the calling thread. It is given the number of the thread and that of the
    /// burst, both from 0; a thread gets no number of a burst twice.
    pub(crate) fn new(burst: impl Fn(usize, usize) + Sync + 'a) -> Self {
        Self { burst: Box::new(burst) }
    }
}

/// What the bursts of one contender say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Figure {
    /// Nanoseconds per operation, the median of so many good bursts.
    Undisturbed { nanos: f64, n_good: usize },
    /// There are more threads than cores: nanoseconds on a CPU per operation.
    Oversubscribed { nanos: f64 },
    /// Too few bursts were good, because the machine was busy or the contender sends threads to sleep: nanoseconds on a
    /// CPU per operation, and of the clock on the wall, in all bursts.
    Disturbed { nanos: f64, wall_nanos: f64, n_good: usize },
}

impl Figure {
    /// The figure as a cell of a table.
    pub(crate) fn text(&self) -> String {
        match *self {
            Self::Undisturbed { nanos, n_good } => format!("{} ({n_good})", nanos_text(nanos)),
            Self::Oversubscribed { nanos } => format!("{} cpu", nanos_text(nanos)),
            Self::Disturbed { nanos, wall_nanos, n_good } => {
                format!("? {} cpu, {} wall ({n_good})", nanos_text(nanos), nanos_text(wall_nanos))
            }
        }
    }

    /// How often this one holds the other one: below 1, this one is faster. `None` when they cannot be compared.
    pub(crate) fn ratio_to(&self, other: &Self) -> Option<f64> {
        match (*self, *other) {
            (Self::Undisturbed { nanos, .. }, Self::Undisturbed { nanos: other, .. })
            | (Self::Oversubscribed { nanos }, Self::Oversubscribed { nanos: other }) => Some(nanos / other),
            _ => None,
        }
    }
}

fn nanos_text(nanos: f64) -> String {
    let digits = if nanos < 10.0 { 2 } else { usize::from(nanos < 100.0) };
    format!("{nanos:.digits$}")
}

/// A ratio as a cell of a table; a dash for none.
pub(crate) fn ratio_text(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// What the cells of a table of figures mean, as a line above it.
pub(crate) const HOW_TO_READ: &str = "Nanoseconds per operation, median of good bursts, and in brackets how many those \
    are. `cpu`: time on a CPU instead, because there are more threads than cores. `?`: time on a CPU and \
    by the clock, because too few bursts were good, as when threads sleep; no ratio is made of those.";

/// Lets the contenders take turns in `n_threads` threads, and gives their figures in the order of the contenders.
pub(crate) fn take_turns(n_threads: usize, n_rounds: usize, contenders: &[Contender<'_>]) -> Vec<Figure> {
    let is_oversubscribed = n_threads > std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let n_parts = if is_oversubscribed { PARTS_WHEN_OVERSUBSCRIBED } else { 1 };
    let n_rounds = n_rounds.div_ceil(n_parts);
    let begun = Instant::now();
    let mut bursts = vec![Vec::new(); contenders.len()];
    for lap in 0.. {
        let lap_bursts = run_lap(n_threads, n_parts, lap * (n_rounds + 1), n_rounds, contenders);
        for (all, new) in bursts.iter_mut().zip(lap_bursts) {
            all.extend(new);
        }
        let is_enough = bursts.iter().all(|all| n_good(all) >= ENOUGH.min(n_rounds).max(FEWEST));
        if is_oversubscribed || is_enough || begun.elapsed() > PATIENCE {
            break;
        }
    }
    bursts.iter().map(|all| figure(all, is_oversubscribed)).collect()
}

fn n_good(bursts: &[Burst]) -> usize {
    bursts.iter().filter(|burst| burst.is_good).count()
}

fn figure(bursts: &[Burst], is_oversubscribed: bool) -> Figure {
    let n_good = n_good(bursts);
    if n_good >= FEWEST {
        let nanos = median(bursts.iter().filter(|burst| burst.is_good).map(|burst| burst.nanos));
        return Figure::Undisturbed { nanos, n_good };
    }
    let nanos = median(bursts.iter().map(|burst| burst.cpu_nanos));
    if is_oversubscribed {
        return Figure::Oversubscribed { nanos };
    }
    Figure::Disturbed { nanos, wall_nanos: median(bursts.iter().map(|burst| burst.nanos)), n_good }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A burst of all threads, judged.
#[derive(Debug, Clone, Copy)]
struct Burst {
    nanos: f64,
    cpu_nanos: f64,
    is_good: bool,
}

impl Burst {
    fn of(spans: &[Span], n_operations: usize, is_oversubscribed: bool) -> Self {
        let longest = spans.iter().map(Span::wall).max().expect("at least one thread");
        let begun = spans.iter().map(|span| span.begun).max().expect("at least one thread");
        let ended = spans.iter().map(|span| span.ended).min().expect("at least one thread");
        let together = ended.saturating_duration_since(begun).as_secs_f64() / longest.as_secs_f64();
        let on_cpu = spans.iter().all(|span| span.cpu.as_secs_f64() > LEAST_ON_CPU * span.wall().as_secs_f64());
        let per_operation = |time: Duration| time.as_secs_f64() * 1e9 / (n_operations * spans.len()) as f64;
        Self {
            nanos: per_operation(spans.iter().map(Span::wall).sum()),
            cpu_nanos: per_operation(spans.iter().map(|span| span.cpu).sum()),
            is_good: !is_oversubscribed && on_cpu && together > LEAST_OVERLAP,
        }
    }
}

/// The burst of one thread.
#[derive(Debug, Clone, Copy)]
struct Span {
    begun: Instant,
    ended: Instant,
    cpu: Duration,
}

impl Span {
    fn wall(&self) -> Duration {
        self.ended - self.begun
    }
}

/// Runs some rounds and gives the bursts of each contender. The first round of a lap warms up and does not count.
fn run_lap(
    n_threads: usize,
    n_parts: usize,
    first_round: usize,
    n_rounds: usize,
    contenders: &[Contender<'_>],
) -> Vec<Vec<Burst>> {
    let gate = Gate::default();
    let spans: Vec<Vec<Vec<Span>>> = std::thread::scope(|scope| {
        let run = |thread| {
            let gate = &gate;
            let mut participant = Participant { thread, n_threads, n_parts, gate, n_met: 0, clock_cost: clock_cost() };
            move || {
                let _opens = gate.open_on_panic();
                if n_parts == 1 {
                    stay_on_core(thread);
                }
                participant.run(first_round, n_rounds, contenders)
            }
        };
        let participants: Vec<_> = (0..n_threads).map(|thread| scope.spawn(run(thread))).collect();
        participants.into_iter().map(|participant| participant.join().expect("no burst panics")).collect()
    });
    let burst_of = |contender: usize, round: usize| {
        let together: Vec<Span> = spans.iter().map(|of_thread| of_thread[contender][round]).collect();
        Burst::of(&together, n_parts * OPERATIONS, n_parts > 1)
    };
    (0..contenders.len()).map(|contender| (0..n_rounds).map(|round| burst_of(contender, round)).collect()).collect()
}

/// One thread's part in all rounds of a lap.
struct Participant<'a> {
    thread: usize,
    n_threads: usize,
    n_parts: usize,
    gate: &'a Gate,
    n_met: usize,
    clock_cost: Duration,
}

impl Participant<'_> {
    fn run(&mut self, first_round: usize, n_rounds: usize, contenders: &[Contender<'_>]) -> Vec<Vec<Span>> {
        let mut spans = vec![Vec::with_capacity(n_rounds); contenders.len()];
        for round in 0..=n_rounds {
            for turn in 0..contenders.len() {
                let idx = (round + turn) % contenders.len();
                let span = self.run_burst(first_round + round, &contenders[idx]);
                if round > 0 {
                    spans[idx].push(span);
                }
            }
        }
        spans
    }

    /// A burst that does not count goes ahead, so that the contender finds its data where they are when it is used all the time.
    fn run_burst(&mut self, round: usize, contender: &Contender<'_>) -> Span {
        let burst = round * (self.n_parts + 1);
        let run_part = |part: usize| (contender.burst)(self.thread, burst + part);
        run_part(0);
        self.n_met += 1;
        self.gate.meet(self.n_met * self.n_threads);
        let cpu_before = cpu_time();
        let begun = Instant::now();
        (1..=self.n_parts).for_each(run_part);
        let ended = Instant::now();
        Span { begun, ended, cpu: (cpu_time() - cpu_before).saturating_sub(self.clock_cost) }
    }
}

/// Where threads wait for each other without going to sleep.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    n_arrived: AtomicUsize,
}

impl Gate {
    /// Arrives, and goes on when `n_expected` have arrived since the gate was made.
    pub(crate) fn meet(&self, n_expected: usize) {
        // Release and Acquire: what others did before the meeting is seen after it.
        self.n_arrived.fetch_add(1, Ordering::Release);
        let mut n_looks = 0_u32;
        while self.n_arrived.load(Ordering::Acquire) < n_expected {
            n_looks += 1;
            // A thread that is missing may need this very core.
            if n_looks.is_multiple_of(1000) { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    }
}

impl Gate {
    /// When a thread panics while this is alive, the others wait for it no longer.
    pub(crate) fn open_on_panic(&self) -> impl Drop {
        OpensOnPanic(self)
    }
}

struct OpensOnPanic<'a>(&'a Gate);

impl Drop for OpensOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.n_arrived.fetch_or(1 << (usize::BITS - 1), Ordering::Release); // more than are ever expected
        }
    }
}

/// Keeps the calling thread on one of the cores that it may use. On a busy machine two threads of a burst would else share
/// a core for seconds.
#[cfg(target_os = "linux")]
fn stay_on_core(nth: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let Some(core) = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).nth(nth) else { return };
    let mut own = CpuSet::new();
    own.set(core);
    // Where this is not allowed, bursts are lost and nothing else.
    _ = sched_setaffinity(None, &own);
}

#[cfg(not(target_os = "linux"))]
fn stay_on_core(_nth: usize) {}

/// How long this thread has been on a CPU.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("a clock that began at 0")
}

/// What reading that clock adds to it.
pub(crate) fn clock_cost() -> Duration {
    let cost = || {
        let before = cpu_time();
        cpu_time() - before
    };
    (0..20).map(|_| cost()).min().expect("twenty tries")
}
