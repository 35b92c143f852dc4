//! Arrays in memory that all workers see, and shared values that are too large to be copied for each.

use std::fs;
use std::ops::ControlFlow;

use manyhands::{OnFailure, SharedSlice};

use crate::fixtures::job;
use crate::harness::{drills, for_worker_counts};

drills![
    every_worker_sees_the_same_array,
    views_travel_in_items_and_come_back_in_results,
    an_array_that_a_worker_made_comes_back,
    an_array_is_passed_once_per_worker_and_freed_when_no_handle_is_left,
    a_large_shared_value_arrives_whole,
    a_new_worker_is_given_the_array_that_the_dead_one_had,
    arrays_in_results_are_let_go_as_soon_as_the_caller_drops_them,
];

fn numbers(len: usize) -> SharedSlice<u64> {
    SharedSlice::filled_by(len, |slice| slice.iter_mut().zip(0..).for_each(|(number, value)| *number = value)).unwrap()
}

fn every_worker_sees_the_same_array() {
    let array = numbers(1_000_000);
    let ranges: Vec<(usize, usize)> = (0..100).map(|part| (part * 10_000, (part + 1) * 10_000)).collect();
    for_worker_counts(|workers| {
        let sum = |array: &SharedSlice<u64>, &(first, end): &(usize, usize)| array[first..end].iter().sum::<u64>();
        let sums = job(&ranges, workers).shared(&array).run(sum).unwrap().into_result().unwrap();
        assert_eq!(sums.iter().sum::<u64>(), 999_999 * 1_000_000 / 2);
        assert_eq!(sums[3], array[30_000..40_000].iter().sum::<u64>());
    });
}

fn views_travel_in_items_and_come_back_in_results() {
    let array = numbers(10_000);
    let views: Vec<SharedSlice<u64>> = (0..50).map(|part| array.view(part * 100..part * 200)).collect();
    for_worker_counts(|workers| {
        let half = |view: &SharedSlice<u64>| view.view(..view.len() / 2);
        let halves = job(&views, workers).run(half).unwrap().into_result().unwrap();
        for (half, view) in halves.iter().zip(&views) {
            assert_eq!(half[..], view[..view.len() / 2]);
            // It is the very memory, not a copy of it.
            assert!(half.is_empty() || half.as_ptr() == view.as_ptr());
        }
    });
}

fn an_array_that_a_worker_made_comes_back() {
    let lens: Vec<usize> = vec![0, 1, 100_000, 7];
    for_worker_counts(|workers| {
        let made = job(&lens, workers).run(|&len: &usize| numbers(len)).unwrap().into_result().unwrap();
        for (array, &len) in made.iter().zip(&lens) {
            assert!(array.len() == len && array.iter().zip(0..).all(|(&number, value)| number == value));
        }
    });
}

/// How many mappings of arrays this process has.
fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").unwrap().lines().filter(|line| line.contains("manyhands-slice")).count()
}

fn arrays_in_results_are_let_go_as_soon_as_the_caller_drops_them() {
    let lens: Vec<usize> = (1..=1500).collect();
    for_worker_counts(|workers| {
        let before = mappings();
        let mut most = 0;
        let work = job(&lens, workers).map(|&len: &usize| numbers(len));
        let tally = work.for_each(|idx, array| {
            assert_eq!(array.unwrap().len(), idx + 1);
            if idx % 100 == 99 {
                most = most.max(mappings());
            }
            ControlFlow::Continue(())
        });
        assert_eq!(tally.unwrap().succeeded, lens.len());
        assert!(most < before + 1000, "{most} mappings, {before} before");
    });
}

fn an_array_is_passed_once_per_worker_and_freed_when_no_handle_is_left() {
    let items: Vec<usize> = (0..200).collect();
    for_worker_counts(|workers| {
        let (first, second) = (numbers(1000), numbers(2000));
        let look =
            |(first, second): &(SharedSlice<u64>, SharedSlice<u64>), &n: &usize| (first[n] + second[n], mappings());
        let both = (first, second);
        for _ in 0..3 {
            let seen = job(&items, workers).chunk_size(1).shared(&both).run(look).unwrap().into_result().unwrap();
            assert!(seen.iter().zip(0..).all(|(&(sum, mapped), n)| (sum, mapped) == (2 * n, 2)), "{seen:?}");
        }
        drop(both);
        let left = job(&items, workers).chunk_size(1).run(|_: &usize| mappings()).unwrap().into_result().unwrap();
        assert!(left.iter().all(|&mapped| mapped == 0), "{left:?}");
    });
}

fn a_large_shared_value_arrives_whole() {
    let large: Vec<u32> = (0..2_000_000).collect();
    let items: Vec<usize> = (0..100).map(|n| n * 19_999).collect();
    for_worker_counts(|workers| {
        let at = |large: &Vec<u32>, &idx: &usize| large[idx];
        let found = job(&items, workers).shared(&large).run(at).unwrap().into_result().unwrap();
        assert!(found.iter().zip(&items).all(|(&value, &idx)| value as usize == idx));
    });
}

fn a_new_worker_is_given_the_array_that_the_dead_one_had() {
    let array = numbers(1000);
    let items: Vec<usize> = (0..100).collect();
    for_worker_counts(|workers| {
        let outcome = job(&items, workers)
            .on_failure(OnFailure::Continue)
            .shared(&array)
            .run(|array: &SharedSlice<u64>, &n: &usize| if n % 20 == 7 { std::process::abort() } else { array[n] })
            .unwrap();
        assert_eq!(outcome.failures().len(), 5);
        assert!(outcome.iter().all(|(idx, &value)| value == idx as u64));
    });
}
