//! Do items that come one after another cost what they must, in time and in memory?
//!
//! `memory` is how far a process grows over a warm one in streams of a million and of ten million tiny items: the two must be
//! the same. `window` lets an endless iterator's first item be slow: the others must wait at the window and come in order.
//! `times` holds each way to take a stream's answers against a plain loop, rayon's `par_bridge` and a list that is there.
//!
//! `--rounds N` and parts of case names choose; see benches/README.md.

#[path = "support/choice.rs"]
mod choice;
#[path = "support/memory.rs"]
mod memory;
#[path = "support/report.rs"]
mod report;
#[path = "support/rounds.rs"]
#[expect(dead_code, reason = "runs that are long need no repetitions, and each side its turn in every round")]
mod rounds;
#[path = "support/spin.rs"]
mod spin;

use std::fs;
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use choice::Choice;
use manyhands::job::{MapFn, Task};
use manyhands::{ItemFailure, Job, Mode, Never, Processes, Threads};
use rayon::prelude::*;
use report::{row, say, table_head, time_text};
use rounds::{Contender, Series, take_turns};
use spin::{Load, even_loads, plain, spin, turns_for};

const WORKERS: usize = 2;
/// What the library takes where no window is asked for.
const WINDOW: usize = 4096 * WORKERS;
const TINY: Duration = Duration::from_nanos(5);
/// [`spin`] as worker processes take it.
const SPIN: fn(&Load) -> u64 = spin;

fn main() {
    manyhands::init();
    let words: Vec<String> = std::env::args().collect();
    if let [_, child, way, mode, n_items] = words.as_slice()
        && child == "--child"
    {
        return play(way, mode, n_items.parse().expect("a number of items"));
    }
    let choice = Choice::from_command_line();
    rayon::ThreadPoolBuilder::new().num_threads(WORKERS).build_global().expect("rayon's threads start");
    memory_growth(&choice);
    window(&choice);
    times(&choice);
    report::foot();
}

/// How answers are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ForEach,
    ForEachOrdered,
    AsCompleted,
    Ordered,
}

impl Way {
    const ALL: [Self; 4] = [Self::ForEach, Self::ForEachOrdered, Self::AsCompleted, Self::Ordered];

    fn name(self) -> &'static str {
        match self {
            Self::ForEach => "for_each",
            Self::ForEachOrdered => "for_each_ordered",
            Self::AsCompleted => "as_completed",
            Self::Ordered => "ordered",
        }
    }

    fn is_ordered(self) -> bool {
        matches!(self, Self::ForEachOrdered | Self::Ordered)
    }
}

/// What came of a stream: how many answers, and their sum. Answers in order are proven to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taken {
    n_answers: usize,
    sum: u64,
    is_ordered: bool,
}

impl Taken {
    fn by(way: Way) -> Self {
        Self { n_answers: 0, sum: 0, is_ordered: way.is_ordered() }
    }

    fn take(&mut self, index: usize, answer: u64) {
        assert!(!self.is_ordered || index == self.n_answers, "answer {index} came as number {}", self.n_answers);
        self.n_answers += 1;
        self.sum = self.sum.wrapping_add(answer);
    }
}

fn loads(n_items: usize, turns: u64) -> impl Iterator<Item = Load> + Send + 'static {
    (0..n_items as u64).map(move |seed| Load { seed, turns })
}

fn plain_sum(n_items: usize, turns: u64) -> u64 {
    loads(n_items, turns).map(|load| spin(&load)).fold(0, u64::wrapping_add)
}

/// Takes `n_answers` of a stream and leaves the rest.
fn take<M, F, I>(way: Way, mode: M, items: I, function: F, n_answers: usize) -> Taken
where
    M: Mode<Load, MapFn<F>> + Send + 'static,
    F: Fn(&Load) -> u64 + Send + 'static,
    I: Iterator<Item = Load> + Send + 'static,
    MapFn<F>: Task<Load, Output = u64, Error = Never>,
{
    let mut taken = Taken::by(way);
    let work = Job::over(items).mode(mode).workers(WORKERS).map(function);
    let mut hand = |index, answer: Result<u64, ItemFailure<Never>>| {
        taken.take(index, answer.expect("no item fails"));
        if taken.n_answers < n_answers { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    match way {
        Way::ForEach => drop(work.for_each(hand).expect("a call")),
        Way::ForEachOrdered => drop(work.for_each_ordered(hand).expect("a call")),
        Way::AsCompleted | Way::Ordered => {
            let answers = if way.is_ordered() { work.ordered() } else { work.as_completed() };
            for answer in answers.expect("a call") {
                let (index, answer) = answer.expect("a run without an error");
                if hand(index, answer).is_break() {
                    break;
                }
            }
        }
    }
    taken
}

fn stream<M, F>(way: Way, mode: M, function: F, n_items: usize, turns: u64) -> u64
where
    M: Mode<Load, MapFn<F>> + Send + 'static,
    F: Fn(&Load) -> u64 + Send + 'static,
    MapFn<F>: Task<Load, Output = u64, Error = Never>,
{
    let taken = take(way, mode, loads(n_items, turns), function, usize::MAX);
    assert_eq!(taken.n_answers, n_items);
    taken.sum
}

fn memory_growth(choice: &Choice) {
    let cases = [("threads", 1_000_000), ("threads", 10_000_000), ("processes", 1_000_000)];
    let cases: Vec<_> = Way::ALL
        .into_iter()
        .flat_map(|way| {
            cases.map(|(mode, n_items)| (format!("memory {} {mode} {n_items}", way.name()), way, mode, n_items))
        })
        .filter(|(case, ..)| choice.has(case))
        .collect();
    if cases.is_empty() {
        return;
    }
    report::head("How far a stream makes a process grow");
    say(
        "\nPeak of the memory in use after a stream of 100 000 items, less what is in use then; each in a process of its own.",
    );
    table_head(&["case", "MiB beyond"]);
    for (case, way, mode, n_items) in cases {
        row(&[case, in_a_child(way.name(), mode, n_items)]);
    }
}

/// What a part of this program says that runs in a process of its own.
fn in_a_child(way: &str, mode: &str, n_items: usize) -> String {
    let program = std::env::current_exe().expect("a program knows its file");
    let output = Command::new(program).args(["--child", way, mode, &n_items.to_string()]).output();
    let output = output.expect("this program starts again");
    assert!(output.status.success(), "{way} {mode} {n_items}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn play(way: &str, mode: &str, n_items: usize) {
    let way = Way::ALL.into_iter().find(|known| known.name() == way).expect("a known way");
    let run = |n_items| match mode {
        "threads" => stream(way, Threads, spin, n_items, 1),
        "processes" => stream(way, Processes::new(), SPIN, n_items, 1),
        "endless" => slow_first(way, n_items),
        _ => panic!("no mode is called {mode}"),
    };
    let warm = 100_000;
    run(warm);
    // From here on the peak is a new one.
    fs::write("/proc/self/clear_refs", "5").expect("a process may forget its own peak");
    let before = memory::resident_mib();
    let sum = run(n_items);
    let grown = memory::peak_resident_mib() - before;
    if mode != "endless" {
        assert_eq!(sum, plain_sum(n_items, 1));
    }
    say(&format!("{grown:.2}"));
}

fn window(choice: &Choice) {
    let cases = [Way::ForEachOrdered, Way::Ordered].map(|way| (format!("window {}", way.name()), way));
    if !cases.iter().any(|(case, _)| choice.has(case)) {
        return;
    }
    report::head("An endless iterator whose first item takes 100 ms");
    say(&format!("\nA million answers are taken, in order; the window is {WINDOW}. Memory as above."));
    table_head(&["case", "MiB beyond"]);
    for (case, way) in cases.iter().filter(|(case, _)| choice.has(case)) {
        row(&[case.clone(), in_a_child(way.name(), "endless", 1_000_000)]);
    }
}

/// Takes so many answers of an endless iterator, and proves how far it was asked ahead of its slow first item.
fn slow_first(way: Way, n_answers: usize) -> u64 {
    let n_asked = Arc::new(AtomicUsize::new(0));
    let (asked, seen) = (Arc::clone(&n_asked), Arc::clone(&n_asked));
    let items = (0..).map(move |seed| {
        asked.fetch_add(1, Ordering::Relaxed);
        Load { seed, turns: 1 }
    });
    let function = move |load: &Load| {
        if load.seed == 0 {
            std::thread::sleep(Duration::from_millis(100));
            // The window is full, and one is asked for at a time.
            let n_asked = seen.load(Ordering::Relaxed);
            assert!(n_asked <= WINDOW, "{n_asked} items were asked for ahead of a slow one");
            assert!(n_asked > WINDOW / 2, "only {n_asked} items were asked for ahead of a slow one");
        }
        spin(load)
    };
    let taken = take(way, Threads, items, function, n_answers);
    assert_eq!((taken.n_answers, taken.sum), (n_answers, plain_sum(n_answers, 1)));
    taken.sum
}

fn times(choice: &Choice) {
    let micro = Duration::from_micros(1);
    let in_threads = [(TINY, 1_000_000), (TINY, 10_000_000), (micro, 1_000_000)]
        .map(|(item, n_items)| (format!("times threads {} x {n_items}", time_text(item)), item, n_items));
    let in_processes = [(TINY, 1_000_000), (micro, 1_000_000)]
        .map(|(item, n_items)| (format!("times processes {} x {n_items}", time_text(item)), item, n_items));
    if !in_threads.iter().chain(&in_processes).any(|(case, ..)| choice.has(case)) {
        return;
    }
    report::head("Streams against a plain loop, a bridge and a list");
    say(&format!(
        "\nMedians, {WORKERS} workers each. `par_bridge` sums up where items are made and hands nothing on; `par_bridge and \
         channel` hands each answer to the caller, as the streams do."
    ));
    table_head(&[
        "case",
        "way",
        "wall",
        "items/s",
        "wall / plain",
        "wall / par_bridge and channel",
        "wall / list",
        "loses to",
    ]);
    for (case, item, n_items) in in_threads.iter().filter(|(case, ..)| choice.has(case)) {
        times_in_threads(case, turns_for(*item), *n_items, choice.rounds(7));
    }
    for (case, item, n_items) in in_processes.iter().filter(|(case, ..)| choice.has(case)) {
        times_in_processes(case, turns_for(*item), *n_items, choice.rounds(5));
    }
}

/// One that takes part: its name, and what makes its sum.
type Side<'a> = (&'static str, Box<dyn Fn() -> u64 + 'a>);

const LIST: &str = "for_each_ordered of a list";
const BRIDGE_AND_CHANNEL: &str = "par_bridge and channel";
const WAYS: [(Way, &str); 4] = [
    (Way::ForEach, "over, for_each"),
    (Way::ForEachOrdered, "over, for_each_ordered"),
    (Way::AsCompleted, "over, as_completed"),
    (Way::Ordered, "over, ordered"),
];

fn times_in_threads(case: &str, turns: u64, n_items: usize, n_rounds: usize) {
    let list = even_loads(n_items, turns);
    let mut sides: Vec<Side<'_>> = vec![
        ("plain loop", Box::new(|| plain_sum(n_items, turns))),
        ("par_bridge", Box::new(|| with_bridge(n_items, turns))),
        (BRIDGE_AND_CHANNEL, Box::new(|| with_bridge_and_channel(n_items, turns))),
        (LIST, Box::new(|| over_list(Threads, spin, &list))),
    ];
    sides.extend(
        WAYS.map(|(way, name)| -> Side<'_> { (name, Box::new(move || stream(way, Threads, spin, n_items, turns))) }),
    );
    compare(case, n_items, plain(&list).into_iter().fold(0, u64::wrapping_add), n_rounds, &sides);
}

fn times_in_processes(case: &str, turns: u64, n_items: usize, n_rounds: usize) {
    let list = even_loads(n_items, turns);
    let mut sides: Vec<Side<'_>> = vec![
        ("plain loop", Box::new(|| plain_sum(n_items, turns))),
        (LIST, Box::new(|| over_list(Processes::new(), SPIN, &list))),
    ];
    sides.extend(WAYS.map(|(way, name)| -> Side<'_> {
        (name, Box::new(move || stream(way, Processes::new(), SPIN, n_items, turns)))
    }));
    compare(case, n_items, plain(&list).into_iter().fold(0, u64::wrapping_add), n_rounds, &sides);
}

fn compare(case: &str, n_items: usize, expected: u64, n_rounds: usize, sides: &[Side<'_>]) {
    let contenders = sides.iter().map(|(name, run)| {
        Contender::new(move || {
            let begun = Instant::now();
            let sum = run();
            let took = begun.elapsed();
            assert_eq!(sum, expected, "{name}");
            took
        })
    });
    let series = take_turns(n_rounds, contenders.collect());
    let of = |wanted: &str| sides.iter().position(|(name, _)| *name == wanted).map(|idx| &series[idx]);
    for ((name, _), ours) in sides.iter().zip(&series) {
        let ratio_to =
            |other: Option<&Series>| other.map_or("-".to_owned(), |other| format!("{:.2}", ours.ratio_to(other)));
        row(&[
            case.to_owned(),
            (*name).to_owned(),
            time_text(ours.median()),
            format!("{:.3e}", n_items as f64 / ours.median().as_secs_f64()),
            ratio_to(of("plain loop")),
            ratio_to(of(BRIDGE_AND_CHANNEL)),
            ratio_to(of(LIST)),
            losses(ours, [("plain", of("plain loop")), ("channel", of(BRIDGE_AND_CHANNEL)), ("list", of(LIST))]),
        ]);
    }
}

/// Who of these was quicker by more than a twentieth.
fn losses(ours: &Series, others: [(&str, Option<&Series>); 3]) -> String {
    let quicker = others.into_iter().filter(|(_, other)| other.is_some_and(|other| ours.ratio_to(other) > 1.05));
    let names: Vec<&str> = quicker.map(|(name, _)| name).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

fn over_list<M, F>(mode: M, function: F, list: &[Load]) -> u64
where
    M: Mode<Load, MapFn<F>>,
    F: Fn(&Load) -> u64,
    MapFn<F>: Task<Load, Output = u64, Error = Never>,
{
    let mut taken = Taken::by(Way::ForEachOrdered);
    let work = Job::new(list).mode(mode).workers(WORKERS).map(function);
    let tally = work.for_each_ordered(|index, answer| {
        taken.take(index, answer.expect("no item fails"));
        ControlFlow::Continue(())
    });
    assert_eq!(tally.expect("a call").succeeded, list.len());
    taken.sum
}

fn with_bridge(n_items: usize, turns: u64) -> u64 {
    loads(n_items, turns).par_bridge().map(|load| spin(&load)).reduce(|| 0, u64::wrapping_add)
}

/// Rayon's workers make the answers, and the caller takes them, a window of them ahead at most.
fn with_bridge_and_channel(n_items: usize, turns: u64) -> u64 {
    let (sender, receiver) = sync_channel(WINDOW);
    rayon::in_place_scope(|scope| {
        scope.spawn(|_| {
            let answers = loads(n_items, turns).par_bridge().map(|load| spin(&load));
            answers.for_each_with(sender, |sender, answer| sender.send(answer).expect("the caller takes all"));
        });
        receiver.into_iter().fold(0, u64::wrapping_add)
    })
}
