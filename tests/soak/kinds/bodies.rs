//! Items, values and shared values that are too large for the socket of a worker: bodies in shared memory, and shared slices.

use manyhands::{Job, OnFailure, SharedSlice};

use crate::call::Call;
use crate::fault::Fault;
use crate::items::value;
use crate::judge::Verdict;

/// The longest body: 256 KiB.
const LONGEST: usize = 32 << 10;

/// Gives the numbers in reverse, each with 1 more.
fn answer_body(body: &Vec<u64>) -> Vec<u64> {
    slow(body.len());
    body.iter().rev().map(|number| number.wrapping_add(1)).collect()
}

/// The length says that an item is to take a millisecond, so that a kill finds it at work.
fn slow(len: usize) {
    if len % 2 == 1 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

pub(crate) fn bodies(call: &mut Call) -> Verdict {
    let is_disturbed = call.is(Fault::Kill) || call.is(Fault::Pause);
    let n_items = if is_disturbed { 12 } else { 1 + call.rng.index(4) };
    let bodies: Vec<Vec<u64>> = (0..n_items).map(|_| body(call, is_disturbed)).collect();
    call.n_items += n_items;
    let mode = call.processes();
    let disturbance = call.disturb();
    let job = Job::new(&bodies).mode(mode).workers(1 + call.rng.index(2)).on_failure(OnFailure::Continue);
    let outcome = job.run(answer_body);
    disturbance.end();
    let answers = outcome.and_then(|outcome| outcome.into_result()).map_err(|error| error.to_string())?;
    let is_right = |(body, answer): (&Vec<u64>, Vec<u64>)| {
        answer.len() == body.len()
            && answer.iter().zip(body.iter().rev()).all(|(&found, number)| found == number.wrapping_add(1))
    };
    let wrong = bodies.iter().zip(answers).position(|pair| !is_right(pair));
    wrong.map_or(Ok(()), |index| Err(format!("a wrong body for item {index}")))
}

fn body(call: &mut Call, is_slow: bool) -> Vec<u64> {
    let len = (call.rng.index(LONGEST) & !1) + usize::from(is_slow);
    let first = call.salt();
    (0..len as u64).map(|number| first.wrapping_add(number)).collect()
}

/// Each item is a part of a shared slice; the answer is the part in which each number has 1 more, as a slice that the worker
/// made, and comes with the sum.
fn answer_slice((slice, large): &(SharedSlice<u64>, Vec<u64>), &(first, end): &(usize, usize)) -> (u64, SharedSlice<u64>) {
    slow(large.len());
    let part = slice.view(first..end);
    let more: Vec<u64> = part.iter().map(|number| number.wrapping_add(1)).collect();
    let sum = part.iter().fold(large[0], |sum, number| sum.wrapping_add(*number));
    (sum, SharedSlice::copy_of(&more).unwrap())
}

pub(crate) fn slices(call: &mut Call) -> Verdict {
    let is_disturbed = call.is(Fault::Kill) || call.is(Fault::Pause);
    let salt = call.salt();
    let numbers: Vec<u64> = (0..1 + call.rng.below(20_000)).map(|number| value(salt, number)).collect();
    let slice = SharedSlice::copy_of(&numbers).unwrap();
    let n_items = if is_disturbed { 12 } else { 1 + call.rng.index(6) };
    call.n_items += n_items;
    let parts: Vec<(usize, usize)> = (0..n_items)
        .map(|_| {
            let first = call.rng.index(numbers.len());
            (first, first + call.rng.index(numbers.len() - first + 1))
        })
        .collect();
    let large = vec![salt; 10_000 + usize::from(is_disturbed)];
    let shared = (slice, large);
    let mode = call.processes();
    let disturbance = call.disturb();
    let job = Job::new(&parts).mode(mode).workers(1 + call.rng.index(2)).on_failure(OnFailure::Continue);
    let outcome = job.shared(&shared).run(answer_slice);
    disturbance.end();
    let answers = outcome.and_then(|outcome| outcome.into_result()).map_err(|error| error.to_string())?;
    let is_right = |(&(first, end), (sum, more)): (&(usize, usize), &(u64, SharedSlice<u64>))| {
        let part = &numbers[first..end];
        *sum == part.iter().fold(salt, |sum, number| sum.wrapping_add(*number))
            && more.len() == part.len()
            && more.iter().zip(part).all(|(&more, number)| more == number.wrapping_add(1))
    };
    let wrong = parts.iter().zip(&answers).position(|pair| !is_right(pair));
    wrong.map_or(Ok(()), |index| Err(format!("a wrong slice for item {index}")))
}
