//! Times of ways to do the same work: one warm-up each, then rounds in which all take turns; what counts is the median.
//!
//! The warm-up starts threads and worker processes and fills caches, so that no way pays for being first. Turns let a busy machine
//! slow all of them alike.

use std::time::{Duration, Instant};

use super::Refusal;

/// A way to do the work: its name, and the work itself.
pub(super) struct Way<'a, V> {
    /// For the table.
    pub(super) name: String,
    /// Does the work once.
    pub(super) work: Box<dyn FnMut() -> Result<V, Refusal> + 'a>,
}

/// What a way gave, and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timed<V> {
    /// For the table.
    pub(super) name: String,
    /// The value of the last round.
    pub(super) value: V,
    /// The median of the rounds.
    pub(super) seconds: f64,
}

/// How many rounds there are where they take no longer than this together; fewer on a slow machine, and at least one.
const ROUNDS: usize = 3;
const TIME: Duration = Duration::from_secs(8);

/// The times of all ways, and how many rounds there were.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timings<V> {
    /// Each way, in the order that they were given.
    pub(super) ways: Vec<Timed<V>>,
    /// How often each was timed.
    pub(super) rounds: usize,
}

/// Times all ways: a warm-up, and then up to three rounds.
///
/// # Errors
/// The first message of a way that failed.
pub(super) fn take_turns<V>(ways: Vec<Way<'_, V>>) -> Result<Timings<V>, Refusal> {
    rounds_within(TIME, ways)
}

fn rounds_within<V>(time: Duration, mut ways: Vec<Way<'_, V>>) -> Result<Timings<V>, Refusal> {
    let mut values = ways.iter_mut().map(|way| (way.work)()).collect::<Result<Vec<V>, Refusal>>()?;
    let mut seconds = vec![Vec::new(); ways.len()];
    let (first, mut rounds) = (Instant::now(), 0);
    while rounds == 0 || (rounds < ROUNDS && first.elapsed() < time) {
        rounds += 1;
        for ((way, value), seconds) in ways.iter_mut().zip(&mut values).zip(&mut seconds) {
            let begun = Instant::now();
            *value = (way.work)()?;
            seconds.push(begun.elapsed().as_secs_f64());
        }
    }
    let timed = ways.into_iter().zip(values).zip(seconds);
    let ways = timed.map(|((way, value), seconds)| Timed { name: way.name, value, seconds: median(seconds) });
    Ok(Timings { ways: ways.collect(), rounds })
}

/// The middle value; NaN for none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    f64::midpoint(values[last / 2], values[last.div_ceil(2)])
}

/// A time for a table: `12.3 ms`.
pub(super) fn shown(seconds: f64) -> String {
    match seconds {
        under if under < 1.0 => format!("{:.1} ms", under * 1e3),
        long => format!("{long:.2} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_in_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![9.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(vec![4.0]), 4.0);
        assert!(median(vec![]).is_nan());
    }

    #[test]
    fn every_way_is_warmed_up_once_and_then_works_once_per_round_in_turn() {
        let order = std::cell::RefCell::new(Vec::new());
        let order = &order;
        let way = |name: &'static str| Way {
            name: name.to_owned(),
            work: Box::new(move || {
                order.borrow_mut().push(name);
                Ok(order.borrow().len())
            }),
        };
        let ways = || vec![way("a"), way("b")];
        let timings = rounds_within(Duration::MAX, ways()).unwrap();
        assert_eq!((timings.rounds, timings.ways[0].value, timings.ways[1].value), (3, 7, 8));
        assert_eq!(*order.borrow(), ["a", "b", "a", "b", "a", "b", "a", "b"]);
        assert_eq!(rounds_within(Duration::ZERO, ways()).unwrap().rounds, 1, "one round at least");
    }
}
