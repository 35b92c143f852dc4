//! Items, values and shared values that are too large for the socket of a worker: bodies in shared memory, and shared slices.

use std::thread;
use std::time::Duration;

use manyhands::{Job, OnFailure, SharedSlice};

use crate::call::Call;
use crate::fault::Fault;
use crate::items::value;
use crate::judge::Verdict;

/// The longest body: 320 KiB. Texts are quick to make and to compare, also where nothing is optimized.
const LONGEST: usize = 20 << 10;

/// Gives the text in capitals.
#[expect(clippy::ptr_arg, reason = "it is called with items of this type")]
fn answer_body(body: &String) -> String {
    slow(body.len());
    body.to_ascii_uppercase()
}

/// The length says that an item is to take a millisecond, so that a kill finds it at work.
fn slow(len: usize) {
    if len % 2 == 1 {
        thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn bodies(call: &mut Call) -> Verdict {
    let is_disturbed = call.is(Fault::Kill) || call.is(Fault::Pause);
    let n_items = if is_disturbed { 12 } else { 1 + call.rng.index(6) };
    let bodies: Vec<String> = (0..n_items).map(|_| body(call, is_disturbed)).collect();
    call.n_items += n_items;
    let mode = call.processes();
    let disturbance = call.disturb();
    let job = Job::new(&bodies).mode(mode).workers(1 + call.rng.index(2)).on_failure(OnFailure::Continue);
    let outcome = job.run(answer_body);
    disturbance.end();
    let answers = outcome.and_then(|outcome| outcome.into_result()).map_err(|error| error.to_string())?;
    let wrong = bodies.iter().zip(answers).position(|(body, answer)| answer != body.to_ascii_uppercase());
    wrong.map_or(Ok(()), |index| Err(format!("a wrong body for item {index}")))
}

/// A text that no other item has.
fn body(call: &mut Call, is_slow: bool) -> String {
    let salt = format!("{:016x}", call.salt());
    let times = 1 + call.rng.index(LONGEST);
    salt.repeat(times) + if is_slow { "!" } else { "" }
}

/// Each item is a part of a shared slice; the answer is the part in which each number has 1 more, as a slice that the worker
/// made, and comes with the sum.
fn answer_slice(
    (slice, large): &(SharedSlice<u64>, String),
    &(first, end): &(usize, usize),
) -> (u64, SharedSlice<u64>) {
    slow(large.len());
    let part = slice.view(first..end);
    let more: Vec<u64> = part.iter().map(|number| number.wrapping_add(1)).collect();
    let sum = part.iter().fold(large.len() as u64, |sum, number| sum.wrapping_add(*number));
    (sum, SharedSlice::copy_of(&more).unwrap())
}

pub(crate) fn slices(call: &mut Call) -> Verdict {
    let is_disturbed = call.is(Fault::Kill) || call.is(Fault::Pause);
    let salt = call.salt();
    let numbers: Vec<u64> = (0..1 + call.rng.below(3000)).map(|number| value(salt, number)).collect();
    let slice = SharedSlice::copy_of(&numbers).unwrap();
    let n_items = if is_disturbed { 12 } else { 1 + call.rng.index(6) };
    call.n_items += n_items;
    let parts: Vec<(usize, usize)> = (0..n_items)
        .map(|_| {
            let first = call.rng.index(numbers.len());
            (first, first + call.rng.index(numbers.len() - first + 1))
        })
        .collect();
    let large = "x".repeat((70_000 + 2 * call.rng.index(20_000)) + usize::from(is_disturbed));
    let len = large.len() as u64;
    let shared = (slice, large);
    let mode = call.processes();
    let disturbance = call.disturb();
    let job = Job::new(&parts).mode(mode).workers(1 + call.rng.index(2)).on_failure(OnFailure::Continue);
    let outcome = job.shared(&shared).run(answer_slice);
    disturbance.end();
    let answers = outcome.and_then(|outcome| outcome.into_result()).map_err(|error| error.to_string())?;
    let is_right = |(&(first, end), (sum, more)): (&(usize, usize), &(u64, SharedSlice<u64>))| {
        let part = &numbers[first..end];
        *sum == part.iter().fold(len, |sum, number| sum.wrapping_add(*number))
            && more.len() == part.len()
            && more.iter().zip(part).all(|(&more, number)| more == number.wrapping_add(1))
    };
    let wrong = parts.iter().zip(&answers).position(|pair| !is_right(pair));
    wrong.map_or(Ok(()), |index| Err(format!("a wrong slice for item {index}")))
}
