//! Does an item cost the same in a call of 10 million as in one of 100 thousand, and do two workers do the work of two?
//!
//! The second question is asked against what the machine gives: two threads that each run the plain loop on data of their
//! own, and know nothing of each other, in the same rounds.

#[path = "support/choice.rs"]
mod choice;
#[path = "support/report.rs"]
mod report;
#[path = "support/rounds.rs"]
mod rounds;
#[path = "support/spin.rs"]
mod spin;

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use choice::Choice;
use manyhands::{Job, Threads, parallel_map};
use report::{row, say, time_text};
use rounds::{Contender, take_turns, timed};
use spin::{Load, even_loads, plain, spin, turns_for};

/// As many items as the shortest call has: a measurement is made of as many calls as make the longest one's items.
const SIZES: [usize; 5] = [100_000, 300_000, 1_000_000, 3_000_000, 10_000_000];

fn main() {
    let choice = Choice::from_command_line();
    flatness(&choice);
    efficiency(&choice);
    report::foot();
}

fn flatness(choice: &Choice) {
    let cases = [5, 100].map(Duration::from_nanos).map(|item| (format!("flat {}", time_text(item)), item));
    if !cases.iter().any(|(name, _)| choice.has(name)) {
        return;
    }
    report::head("Cost per item as calls grow");
    say("\nMedian nanoseconds per item; the ratio is to the call of 100 000 items.");
    report::table_head(&["items of", "in a call", "manyhands", "ratio", "plain loop", "ratio"]);
    for (_, item) in cases.iter().filter(|(name, _)| choice.has(name)) {
        cost_per_item(*item, choice.rounds(7));
    }
}

/// All sizes take turns too, so that a busy minute does not fall on one of them.
fn cost_per_item(item: Duration, n_rounds: usize) {
    let loads = even_loads(SIZES[4], turns_for(item));
    assert_eq!(with_threads(&loads), plain(&loads));
    let calls = SIZES.map(|size| (&loads[..size], u32::try_from(SIZES[4] / size / 3).expect("a few").max(1)));
    let ours = calls.map(|(loads, n_calls)| Contender::new(move || timed(n_calls, || with_threads(loads))));
    let serial = calls.map(|(loads, n_calls)| Contender::new(move || timed(n_calls, || plain(loads))));
    let series = take_turns(n_rounds, ours.into_iter().chain(serial).collect());
    let per_item = |idx: usize| series[idx].median().as_secs_f64() * 1e9 / SIZES[idx % SIZES.len()] as f64;
    for (idx, size) in SIZES.into_iter().enumerate() {
        let plain_idx = idx + SIZES.len();
        row(&[
            time_text(item),
            size.to_string(),
            format!("{:.2}", per_item(idx)),
            format!("{:.3}", per_item(idx) / per_item(0)),
            format!("{:.2}", per_item(plain_idx)),
            format!("{:.3}", per_item(plain_idx) / per_item(SIZES.len())),
        ]);
    }
}

fn efficiency(choice: &Choice) {
    let cases = [(100, 2_000_000), (1_000, 200_000), (100_000, 2_000)]
        .map(|(item, n_items)| (Duration::from_nanos(item), n_items))
        .map(|(item, n_items)| (format!("pair {} x {n_items}", time_text(item)), item, n_items));
    if !cases.iter().any(|(name, ..)| choice.has(name)) {
        return;
    }
    report::head("Two workers against two independent copies of the plain loop");
    say(
        "\nMedians. Efficiency: the copies' time over the call's, for the same items in all; 1 is all that the machine gives.",
    );
    report::table_head(&["case", "one plain loop", "two copies", "two workers", "efficiency", "copies / copies"]);
    for (name, item, n_items) in cases.iter().filter(|(name, ..)| choice.has(name)) {
        pair(name, &even_loads(*n_items, turns_for(*item)), choice.rounds(15));
    }
}

fn pair(name: &str, loads: &[Load], n_rounds: usize) {
    assert_eq!(with_two_workers(loads), plain(loads), "{name}");
    let (left, right) = loads.split_at(loads.len() / 2);
    let (left, right) = (left.to_vec(), right.to_vec());
    let contenders = vec![
        Contender::new(|| two_copies(&left, &right)),
        Contender::new(|| timed(1, || with_two_workers(loads))),
        Contender::new(|| two_copies(&left, &right)),
        Contender::new(|| timed(1, || plain(loads))).only_every(3),
    ];
    let series = take_turns(n_rounds, contenders);
    let [copies, ours, again, serial] = [&series[0], &series[1], &series[2], &series[3]];
    row(&[
        name.to_owned(),
        time_text(serial.median()),
        time_text(copies.median()),
        time_text(ours.median()),
        format!("{:.3}", copies.ratio_to(ours)),
        format!("{:.3}", again.ratio_to(copies)),
    ]);
}

/// From the moment that both are ready to the moment that the later one is done.
fn two_copies(left: &[Load], right: &[Load]) -> Duration {
    let ready = std::sync::Barrier::new(3);
    std::thread::scope(|scope| {
        let copies = [left, right].map(|loads| {
            let ready = &ready;
            scope.spawn(move || {
                ready.wait();
                let answer = plain(loads);
                (Instant::now(), answer)
            })
        });
        let begun = Instant::now();
        ready.wait();
        let ends = copies.map(|copy| copy.join().expect("a plain loop ends").0);
        ends.into_iter().max().expect("two ends") - begun
    })
}

fn with_threads(loads: &[Load]) -> Vec<u64> {
    parallel_map(Threads, loads, spin).expect("no item fails")
}

fn with_two_workers(loads: &[Load]) -> Vec<u64> {
    let two = NonZeroUsize::new(2).expect("two");
    let outcome = Job::new(loads).workers(two).run(spin).expect("a worker count that can be");
    outcome.into_result().expect("no item fails")
}
