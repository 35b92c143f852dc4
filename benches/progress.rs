//! Does counting an ended item cost what an unshared counter costs, and what does it cost to look how far a run is?
//!
//! The limit is a relaxed `fetch_add` on a padded word that no other thread has; the peer is indicatif's `inc`, on a bar
//! that is hidden and on one that is drawn 20 times a second to a terminal that shows nothing. All run in the same bursts
//! (`support/bursts.rs`).

#[path = "support/bursts.rs"]
mod bursts;
#[path = "support/choice.rs"]
mod choice;
#[path = "support/report.rs"]
mod report;

use std::hint::black_box;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bursts::{Contender, Figure, HOW_TO_READ, OPERATIONS, ratio_text, take_turns};
use choice::Choice;
use crossbeam_utils::CachePadded;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use manyhands::ProgressTracker;
use report::{row, say, table_head, time_text};

const TICKERS: [&str; 5] =
    ["unshared fetch_add", "ProgressTracker", "indicatif, hidden", "indicatif, drawn", "unshared again"];
const LOOKERS: [&str; 3] =
    ["ProgressTracker, a snapshot", "... and its line", "indicatif, position, rate and time left"];

const DRAWN_PER_SECOND: u8 = 20;
/// More than are ever counted.
const TOTAL: u64 = u64::MAX / 2;

fn main() {
    let choice = Choice::from_command_line();
    if choice.has("tick") {
        report::head("Counting an ended item");
        say(&format!("\n{HOW_TO_READ} Ratios are to the unshared `fetch_add` of the same bursts."));
        say(&format!(
            "Every {}, the thread that counts at that moment draws the bar.",
            time_text(Duration::from_secs(1) / u32::from(DRAWN_PER_SECOND))
        ));
        table_head(&["counter", "1 thread", "ratio", "2 threads", "ratio", "4 threads", "ratio"]);
        rows(&TICKERS, &[1, 2, 4].map(|n_threads| ticks(n_threads, choice.rounds(100))));
    }
    if choice.has("snapshot") {
        report::head("Looking how far a run is");
        say(&format!("\n{HOW_TO_READ} With 2 threads both look. Ratios are to the snapshot."));
        table_head(&["look", "1 thread", "ratio", "2 threads", "ratio"]);
        rows(&LOOKERS, &[1, 2].map(|n_threads| looks(n_threads, choice.rounds(30))));
    }
    report::foot();
}

/// Figures with their ratios to the first of each column.
fn rows(names: &[&str], columns: &[Vec<Figure>]) {
    for (idx, &name) in names.iter().enumerate() {
        let cells =
            columns.iter().flat_map(|figures| [figures[idx].text(), ratio_text(figures[idx].ratio_to(&figures[0]))]);
        row(&std::iter::once(name.to_owned()).chain(cells).collect::<Vec<_>>());
    }
}

/// The figures in the order of [`TICKERS`].
fn ticks(n_threads: usize, n_rounds: usize) -> Vec<Figure> {
    let own: Vec<CachePadded<AtomicU64>> = (0..n_threads).map(|_| CachePadded::default()).collect();
    let (tracker, hidden, drawn) = (ProgressTracker::with_total(TOTAL), hidden_bar(), drawn_bar());
    let unshared = || {
        Contender::new(|thread, _| {
            let own = &own[thread];
            (0..OPERATIONS).for_each(|_| _ = own.fetch_add(1, Ordering::Relaxed));
        })
    };
    let contenders = [
        unshared(),
        Contender::new(|_, _| (0..OPERATIONS).for_each(|_| black_box(&tracker).tick())),
        Contender::new(|_, _| (0..OPERATIONS).for_each(|_| black_box(&hidden).inc(1))),
        Contender::new(|_, _| (0..OPERATIONS).for_each(|_| black_box(&drawn).inc(1))),
        unshared(),
    ];
    let figures = take_turns(n_threads, n_rounds, &contenders);
    drop(contenders);
    let n_own: u64 = own.iter().map(|word| word.load(Ordering::Relaxed)).sum();
    // The unshared words took part twice, and all ran the same number of bursts.
    assert_eq!([tracker.snapshot().done(), hidden.position(), drawn.position()], [n_own / 2; 3]);
    figures
}

/// The figures in the order of [`LOOKERS`].
fn looks(n_threads: usize, n_rounds: usize) -> Vec<Figure> {
    let (tracker, hidden) = (ProgressTracker::with_total(TOTAL), hidden_bar());
    (0..7).for_each(|_| {
        tracker.tick();
        hidden.inc(1);
    });
    assert_eq!((tracker.snapshot().done(), hidden.position()), (7, 7));
    let look_at_bar = || (hidden.position(), hidden.per_sec(), hidden.eta());
    take_turns(
        n_threads,
        n_rounds,
        &[
            Contender::new(|_, _| (0..OPERATIONS).for_each(|_| _ = black_box(tracker.snapshot()))),
            Contender::new(|_, _| (0..OPERATIONS).for_each(|_| _ = black_box(tracker.snapshot().to_string()))),
            Contender::new(|_, _| (0..OPERATIONS).for_each(|_| _ = black_box(look_at_bar()))),
        ],
    )
}

fn hidden_bar() -> ProgressBar {
    ProgressBar::with_draw_target(Some(TOTAL), ProgressDrawTarget::hidden())
}

fn drawn_bar() -> ProgressBar {
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(Nowhere), DRAWN_PER_SECOND);
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {per_sec} {eta}").expect("a template that parses");
    ProgressBar::with_draw_target(Some(TOTAL), target).with_style(style)
}

/// A terminal that shows nothing.
#[derive(Debug)]
struct Nowhere;

impl TermLike for Nowhere {
    fn width(&self) -> u16 {
        80
    }
    fn move_cursor_up(&self, _n: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _n: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _n: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _n: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, _text: &str) -> io::Result<()> {
        Ok(())
    }
    fn write_str(&self, _text: &str) -> io::Result<()> {
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
