//! Does counting in many threads cost what an unshared counter costs?
//!
//! The limit is a relaxed `fetch_add` on a padded word that no other thread has, in the same bursts (`support/bursts.rs`).
//! What a striped counter pays for it, a reading of many words, is timed too.

#[path = "support/bursts.rs"]
mod bursts;
#[path = "support/choice.rs"]
mod choice;
#[path = "support/report.rs"]
mod report;

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bursts::{Contender, Figure, HOW_TO_READ, OPERATIONS, ratio_text, take_turns};
use choice::Choice;
use crossbeam_utils::CachePadded;
use manyhands::counter::{AtomicCounter, StripedCounter};
use parking_lot::Mutex;
use report::{row, say, table_head, time_text};

const NAMES: [&str; 6] = [
    "unshared fetch_add",
    "AtomicCounter",
    "StripedCounter",
    "shared AtomicU64",
    "parking_lot Mutex",
    "unshared again",
];

fn main() {
    let choice = Choice::from_command_line();
    if choice.has("increment") {
        increments(&choice);
    }
    if choice.has("value") {
        values();
    }
    report::foot();
}

fn increments(choice: &Choice) {
    report::head("Counting one up");
    say(&format!("\n{HOW_TO_READ} Ratios are to the unshared `fetch_add` of the same bursts."));
    table_head(&["counter", "1 thread", "ratio", "2 threads", "ratio", "4 threads", "ratio"]);
    let figures = [1, 2, 4].map(|n_threads| count_up(n_threads, choice.rounds(100)));
    for (idx, name) in NAMES.into_iter().enumerate() {
        let cells =
            figures.iter().flat_map(|of_all| [of_all[idx].text(), ratio_text(of_all[idx].ratio_to(&of_all[0]))]);
        row(&std::iter::once(name.to_owned()).chain(cells).collect::<Vec<_>>());
    }
}

/// The figures in the order of [`NAMES`].
fn count_up(n_threads: usize, n_rounds: usize) -> Vec<Figure> {
    let own: Vec<CachePadded<AtomicU64>> = (0..n_threads).map(|_| CachePadded::default()).collect();
    let (one_word, striped) = (AtomicCounter::new(), StripedCounter::new());
    let (shared, locked) = (CachePadded::new(AtomicU64::new(0)), Mutex::new(0_u64));
    let unshared = || counting(|thread| &own[thread], |word| _ = word.fetch_add(1, Ordering::Relaxed));
    let contenders = [
        unshared(),
        counting(|_| &one_word, |counter| _ = counter.increment()),
        // Hidden from the compiler, which would else look up once per burst which stripe is the thread's.
        counting(|_| &striped, |counter| black_box(counter).increment()),
        counting(|_| &shared, |word| _ = word.fetch_add(1, Ordering::Relaxed)),
        counting(|_| &locked, |count| *count.lock() += 1),
        unshared(),
    ];
    let figures = take_turns(n_threads, n_rounds, &contenders);
    drop(contenders);
    let n_own: u64 = own.iter().map(|word| word.load(Ordering::Relaxed)).sum();
    let n_shared = shared.load(Ordering::Relaxed);
    // The unshared words took part twice, and all ran the same number of bursts.
    assert_eq!([one_word.value(), striped.value(), n_shared, locked.into_inner()], [n_own / 2; 4]);
    figures
}

/// A contender whose bursts count up on what `find` finds for the thread.
fn counting<'a, C: ?Sized + 'a>(
    find: impl Fn(usize) -> &'a C + Sync + 'a,
    count: impl Fn(&C) + Sync + 'a,
) -> Contender<'a> {
    Contender::new(move |thread, _| {
        let counter = find(thread);
        (0..OPERATIONS).for_each(|_| count(counter));
    })
}

fn values() {
    report::head("Reading the count while no thread counts");
    say("\nThe best of 100 tries.");
    table_head(&["counter", "a thousand readings"]);
    let (one_word, striped) = (AtomicCounter::new(), StripedCounter::new());
    (0..7).for_each(|_| _ = (one_word.increment(), striped.increment()));
    reading("AtomicCounter", || black_box(&one_word).value());
    reading("StripedCounter", || black_box(&striped).value());
}

fn reading(name: &str, read: impl Fn() -> u64) {
    assert_eq!(read(), 7, "{name}");
    let thousand = || {
        let begun = Instant::now();
        (0..1000).for_each(|_| _ = black_box(read()));
        begun.elapsed()
    };
    let best = (0..100).map(|_| thousand()).min().expect("a hundred tries");
    row(&[name.to_owned(), time_text(best)]);
}
