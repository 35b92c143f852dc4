//! Answers in input order, whatever the mode, the workers and the chunks.

use crate::modes::for_every_way;
use manyhands::{Serial, Threads, parallel_map, try_parallel_map};
use proptest::prelude::*;

#[test]
fn results_come_in_input_order_in_every_mode() {
    let items: Vec<usize> = (0..997).collect();
    for_every_way(|way| {
        let values = way.job(&items).run(|n| n * 3).unwrap().into_result().unwrap();
        assert!(values.iter().enumerate().all(|(idx, value)| *value == idx * 3), "{way:?}");
    });
}

#[test]
fn an_empty_list_gives_an_empty_list() {
    for_every_way(|way| {
        let outcome = way.job(&[] as &[u8]).run(|n| *n).unwrap();
        assert!(outcome.is_empty() && outcome.is_complete());
    });
}

#[test]
fn results_may_be_large_small_or_own_memory() {
    let items: Vec<usize> = (0..300).collect();
    for_every_way(|way| {
        let texts = way.job(&items).run(|n| "x".repeat(n % 7)).unwrap().into_result().unwrap();
        assert!(texts.iter().enumerate().all(|(idx, text)| text.len() == idx % 7));
        let nothings = way.job(&items).run(|_| ()).unwrap().into_result().unwrap();
        assert_eq!(nothings.len(), 300);
        let large = way.job(&items).run(|&n| [n; 64]).unwrap().into_result().unwrap();
        assert!(large.iter().enumerate().all(|(idx, row)| row[63] == idx));
    });
}

#[test]
fn the_costliest_items_start_first_and_results_stay_in_order() {
    let items: Vec<u64> = (0..200).map(|n| n * 7919 % 200).collect();
    let started = std::sync::Mutex::new(Vec::new());
    let outcome = manyhands::Job::new(&items)
        .mode(Serial)
        .cost(|&n| n)
        .run(|&n| {
            started.lock().unwrap().push(n);
            n + 1
        })
        .unwrap();
    assert!(started.into_inner().unwrap().is_sorted_by(|a, b| a >= b));
    let expected: Vec<u64> = items.iter().map(|n| n + 1).collect();
    assert_eq!(outcome.into_result().unwrap(), expected);
    for_every_way(|way| {
        let values = way.job(&items).cost(|&n| n).run(|n| n + 1).unwrap().into_result().unwrap();
        assert_eq!(values, expected);
    });
}

#[test]
fn functions_and_methods_are_welcome_as_well_as_closures() {
    fn double(n: &i32) -> i32 {
        n * 2
    }
    assert_eq!(parallel_map(Threads, &[1, 2], double).unwrap(), [2, 4]);
    assert_eq!(parallel_map(Threads, &["a", "bc"], |text| text.len()).unwrap(), [1, 2]);
    let words = ["x".to_owned()];
    assert_eq!(parallel_map(Threads, &words, String::len).unwrap(), [1]);
    assert_eq!(try_parallel_map(Serial, &["7"], |text| text.parse::<i32>()).unwrap(), [7]);
}

proptest! {
    #![proptest_config(manyhands_test_support::property::config(64))]
    #[test]
    fn any_mode_gives_what_serial_gives(
        items in prop::collection::vec(0_u16..40, 0..400),
        workers in 1_usize..9,
        chunk_size in prop::option::of(1_usize..50),
        by_cost: bool,
        policy in 0_usize..4,
    ) {
        use manyhands::{Job, LocalMode, OnFailure};
        let policy = [OnFailure::Stop, OnFailure::Continue, OnFailure::StopAfter(3), OnFailure::StopAbove(2.0)][policy];
        let run = |mode: LocalMode, workers| {
            let mut job = Job::new(&items).mode(mode).workers(workers).on_failure(policy).key(|n| format!("n{n}"));
            if let Some(size) = chunk_size {
                job = job.chunk_size(size);
            }
            if by_cost {
                job = job.cost(|&n| u64::from(n));
            }
            let outcome = job.try_run(|&n| match n {
                0 => Err("zero"),
                1 => panic!("one"),
                n => Ok(vec![n; usize::from(n)]),
            }).unwrap();
            let tally = outcome.tally();
            let counts = (tally.items, tally.succeeded, tally.failed, tally.cancelled);
            let names: Vec<_> = outcome.failures().iter().map(|f| (f.index, f.key.clone(), f.cause.clone())).collect();
            let unfinished: Vec<usize> = outcome.unfinished().collect();
            (counts, names, unfinished, outcome.into_options())
        };
        let serial = run(LocalMode::Serial, 1);
        prop_assert_eq!(serial.0.0, serial.0.1 + serial.0.2 + serial.0.3);
        for mode in [LocalMode::Threads, LocalMode::IoThreads] {
            prop_assert_eq!(&run(mode, workers), &serial);
        }
    }
}
